"""What of a value goes out with an answer: not what a call on the way was told; and whether it is the program's own file."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.values import Call, Name, Value, parts, text_of, walk

_HANDS_ON: Final = re.compile(
    r"jsonify|make_response|Response|str|list|dict|reversed|sorted|\w*(?:join|lines|code|format|escape|strip|split|replace|dumps|render\w*)"
)
"""Calls whose result has in it what they are given."""
SIGNS: Final = re.compile(r"(?:jwt|jose|joserfc|authlib|hmac|hashlib|itsdangerous|cryptography)\.")
"""What these are given, ``jwt.encode(claims, key)``, is not seen in what they give."""


OWN_FILE: Final = re.compile(r"(?i)(?:^|/)\.env[\w.]*$|\.(?:sqlite3?|db|log|bak|sql|pem|key|env)(?:\.gz|\.\d)?$")
"""Files of a project that are nobody else's: logs, databases, keys, settings of the environment."""
_LINES: Final = frozenset({"join", "deque", "list", "reversed", "islice"})


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


def is_read_from_own_file(value: Value) -> bool:
    """``Path("logs/app.log").read_text()``, ``open(__file__).read()``, and the lines of it: ``list(open("app.log"))``."""
    if isinstance(value, Call) and value.method in _LINES:
        return any(
            isinstance(one, Call) and one.callee == "open" and _is_own(one.argument(0)) for one in walk(value, 3)
        )
    if not isinstance(value, Call) or value.method not in ("read", "read_text", "read_bytes", "readlines"):
        return False
    opened = value.receiver if isinstance(value.receiver, Call) else None
    return _is_own(opened.args[0] if opened is not None and opened.args else None)


def _is_own(path: Value | None) -> bool:
    return is_own_file(path) or OWN_FILE.search(text_of(path) or "") is not None
