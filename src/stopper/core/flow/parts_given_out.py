"""What of a value goes out with an answer: not what a call on the way was told; and whether it is the program's own file."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.values import Call, Name, Value, parts

_HANDS_ON: Final = re.compile(
    r"jsonify|make_response|Response|str|list|dict|reversed|sorted|\w*(?:join|lines|code|format|escape|strip|split|replace|dumps|render\w*)"
)
"""Calls whose result has in it what they are given."""
SIGNS: Final = re.compile(r"(?:jwt|jose|joserfc|authlib|hmac|hashlib|itsdangerous|cryptography)\.")
"""What these are given, ``jwt.encode(claims, key)``, is not seen in what they give."""


def given_out(value: Value, depth: int = 6) -> Iterator[Value]:
    """The value and what of it goes out, each part once: not the key, say, that a token was verified with before its claims are shown."""
    seen = {id(value)}
    level = [value]
    while level:
        yield from level
        inside = [part for one in level if depth and _hands_on(one) for part in parts(one)]
        level = list[Value]()
        depth -= 1
        for part in inside:
            if id(part) not in seen:
                seen.add(id(part))
                level.append(part)


def _hands_on(value: Value) -> bool:
    if not isinstance(value, Call):
        return True
    return _HANDS_ON.fullmatch(value.method) is not None and SIGNS.match(value.callee) is None


def is_own_file(value: Value | None) -> bool:
    """``__file__``, also made absolute or a path: ``os.path.abspath(__file__)``, ``Path(__file__).resolve()``."""
    match value:
        case Name(dotted="__file__"):
            return True
        case Call(callee="os.path.abspath" | "os.path.realpath" | "pathlib.Path", args=(inner, *_)):
            return is_own_file(inner)
        case Call(receiver=inner, method="resolve" | "absolute" | "as_posix"):
            return is_own_file(inner)
        case _:
            return False
