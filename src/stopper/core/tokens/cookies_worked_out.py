"""Cookies that let somebody in and can be worked out by whoever knows the name of the account: ``sha1(person.name)``, ``b64encode(name)``."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.facts import SourceFacts
from stopper.core.place import Span
from stopper.core.values import Call, Constant, Format, Item, Member, Value, text_of

_OPENS: Final = re.compile(
    r"(?i)(?:\w+[_-])?(?:sess(?:ion)?(?:[_-]?(?:id|key|token))?|sid|(?:auth|access|login)(?:[_-]?(?:token|key))?|token|remember(?:[_-]?(?:me|token))?)"
)
_HASHES: Final = re.compile(r"hashlib\.(?:md5|sha1|sha224|sha256|sha384|sha512|blake2b|blake2s|sha3_\d+)")
_PACKS: Final = re.compile(r"base64\.\w*encode\w*|binascii\.(?:hexlify|b2a_\w+)")
_WRITES_ANEW: Final = frozenset({"encode", "decode", "hexdigest", "digest", "lower", "upper", "strip", "hex", "title"})
_NAME: Final = re.compile(
    r"(?i)(?:user_?|account_?|login_?|person_?|member_?)?(?:name|id|e?_?mail|login)|user|account|member|email_address|pk"
)
"""What of an account others know or count."""
_STEPS: Final = 8


def cookies_worked_out(facts: SourceFacts) -> Iterator[Span]:
    """Where such a cookie is set."""
    for call in facts.calls("*.set_cookie"):
        name, value = text_of(call.argument(0, "key")), call.argument(1, "value")
        if (
            call.span is not None
            and value is not None
            and _OPENS.fullmatch(name or "")
            and _is_made_anew(value)
            and _is_known(value)
        ):
            yield call.span


def _is_made_anew(value: Value, depth: int = _STEPS) -> bool:
    """That it is hashed or packed; a bare name in a cookie is told where it is believed."""
    if not isinstance(value, Call) or not depth:
        return False
    if _HASHES.fullmatch(value.callee) or _PACKS.fullmatch(value.callee):
        return True
    inner = (
        value.receiver
        if value.method in _WRITES_ANEW
        else value.args[0]
        if value.callee == "str" and value.args
        else None
    )
    return inner is not None and _is_made_anew(inner, depth - 1)


def _is_known(value: Value, depth: int = _STEPS) -> bool:
    """That all of it is made of literals and of names of accounts, one of the latter at least."""
    found = list(_leaves(value, depth))
    return bool(found) and all(one is not None for one in found) and any(not isinstance(one, Constant) for one in found)


def _leaves(value: Value, depth: int) -> Iterator[Value | None]:
    """What it is made of; None for what cannot be told, or may be secret."""
    match value:
        case Constant(name=name):
            yield None if name and re.search(r"(?i)secret|key|salt|pepper", name) else value
        case Format(parts=several) if depth:
            for one in several:
                yield from _leaves(one, depth - 1)
        case Call(receiver=inner) if inner is not None and value.method in _WRITES_ANEW and depth:
            yield from _leaves(inner, depth - 1)
        case Call(callee=callee, args=(inner,)) if depth and (
            callee in ("str", "bytes") or _HASHES.fullmatch(callee) or _PACKS.fullmatch(callee)
        ):
            yield from _leaves(inner, depth - 1)
        case Member(attribute=name):
            yield value if _NAME.fullmatch(name) else None
        case Item(key=key):
            yield value if _NAME.fullmatch(text_of(key) or "") else None
        case _:
            yield None
