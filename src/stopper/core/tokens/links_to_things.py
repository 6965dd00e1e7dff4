"""Signed links that open a thing: what is signed with their key names no person."""

import re
from typing import Final

from stopper.core.facts import SourceFacts
from stopper.core.tokens.jwt_names import ENCODING
from stopper.core.tokens.jwt_purposes import marks
from stopper.core.values import Call, Item, Mapping, text_of, walk

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


_PURPOSES: Final = re.compile(
    r"(?i)regist|sign_?-?up|invit|confirm|verif|activat|reset|magic|e?-?mail|unsubscribe|download"
)


def is_of_one_purpose(facts: SourceFacts, function: str, shown: Item) -> bool:
    """``decode(request.args["k"], audience="register")``: a link that was sent by mail, whose token is good for that alone."""
    return any(
        any(isinstance(part, Item) and part.span == shown.span for given in call.args for part in walk(given, 3))
        and any(
            name in ("audience", "purpose", "salt", "scope", "kind") and _PURPOSES.search(text_of(value) or "")
            for name, value in call.keywords
        )
        for call in facts.calls_in(function)
    )
