"""The ``.env`` file of a developer's machine: ``NAME=value`` lines, never read in production."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from stopper.core.secret import Secret
from stopper.secrets.backend import LARGEST
from stopper.secrets.errors import FetchError

_LINE: Final = re.compile(r"(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_]*)[ \t]*=[ \t]*(.*)")
_QUOTED: Final = re.compile(r"""(["'])((?:\\.|(?!\1).)*)\1[ \t]*(?:#.*)?""")
_ESCAPES: Final = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\", "$": "$"}


def read(path: Path) -> Mapping[str, Secret]:
    """The names of *path* with their values; empty where there is no such file. The last of two equal names wins.

    A value may stand in single quotes (as it is) or double quotes (with ``\\n``, ``\\"`` and ``\\\\``); without quotes it ends
    before ``" #"``. Nothing is expanded. Raises FetchError for what cannot be read, with the line's number.
    """
    try:
        with path.open("rb") as held:
            raw = Secret(held.read(LARGEST + 1))
    except FileNotFoundError:
        return {}
    except OSError as wrong:
        why = (wrong.strerror or "error").lower()
    else:
        if len(raw.reveal_bytes()) > LARGEST:
            raise FetchError(
                "malformed", f"{path.name} is larger than {LARGEST // 1024} KiB; it is no list of settings"
            )
        return dict(_pairs(raw, path.name))
    raise FetchError("denied", f"{path.name} cannot be read: {why}")


def _pairs(raw: Secret, name: str) -> Iterator[tuple[str, Secret]]:
    # Lines live in _pair() alone: a traceback that shows locals must not show them.
    for number, pair in enumerate(map(_pair, raw.reveal().removeprefix("\ufeff").split("\n")), 1):
        if pair is None:
            raise FetchError("malformed", f"line {number} of {name} is not NAME=value")
        if pair[1]:
            yield pair


def _pair(line: str) -> tuple[str, Secret] | None:
    said = line.strip()
    if not said or said.startswith("#"):
        return "", Secret("")
    found = _LINE.fullmatch(said)
    value = _value(found[2]) if found else None
    return (found[1], value) if found and value is not None else None


def _value(said: str) -> Secret | None:
    if said[:1] in ('"', "'"):
        quoted = _QUOTED.fullmatch(said)
        if quoted is None:
            return None
        return Secret(quoted[2] if quoted[1] == "'" else re.sub(r"\\(.)", _unescaped, quoted[2]))
    return Secret(re.split(r"[ \t]#", said, maxsplit=1)[0].rstrip())


def _unescaped(found: re.Match[str]) -> str:
    return _ESCAPES.get(found[1], found[0])
