"""Signed links that open a thing: what is signed with their key names no person."""

import re
from typing import Final

from stopper.core.facts import SourceFacts
from stopper.core.tokens.jwt_names import ENCODING
from stopper.core.tokens.jwt_purposes import marks
from stopper.core.values import Call, Mapping, text_of

_OF_SOMEBODY: Final = re.compile(
    r"(?i)sub|user|account|person|member|owner|login|mail|role|scope|uid|^id$|identity|client|name$|admin|jti"
)
"""Claims that say whose a token is, or what it allows."""


def names_nobody(facts: SourceFacts, decode: Call) -> bool:
    """That what is decoded is a signed link to a thing: all that the project signs with this key names nobody."""
    key = marks(facts, decode.argument(1, "key"))
    if not key:
        return False
    signed = [
        encode.argument(shape.claims, "payload", "claims")
        for callee, shape in ENCODING.items()
        for encode in facts.calls(callee)
        if key & marks(facts, encode.argument(shape.key, "key"))
    ]
    return bool(signed) and all(
        isinstance(one, Mapping)
        and not one.open
        and not any(_OF_SOMEBODY.search(text_of(name) or "sub") for name, _ in one.items)
        for one in signed
    )
