"""Expressions that make a file's path: of its folder and its name, or of the same path in another form."""

from collections.abc import Iterator
from itertools import islice
from typing import Final

from stopper.core.values import Call, Constant, Format, Unknown, Value, literals, options, text_of

_OF_PATHS: Final = frozenset(
    {
        "join",
        "joinpath",
        "abspath",
        "realpath",
        "normpath",
        "expanduser",
        "Path",
        "PurePath",
        "resolve",
        "absolute",
        "fspath",
        "str",
        "as_posix",
    }
)
MOST_NAMES: Final = 8
"""Names that one path may be, of those that are looked for."""
MOST_PIECES: Final = 12
"""Pieces of one path that are looked at."""


def file_named(value: Value | None) -> Value | None:
    """What names the file, with the folders that are said before it: ``"conf/auth.toml"`` of
    ``str((HERE / "conf" / "auth.toml").resolve())``; any other value as it is."""
    if value is None:
        return None
    pieces: list[str] = []
    for piece in islice(_from_the_end(value), MOST_PIECES):
        text = text_of(piece)
        if text is None and not pieces:
            return piece
        if text is None or text.startswith("/"):
            break
        pieces.insert(0, text)
    return Constant("/".join(pieces)) if len(pieces) > 1 else next(_from_the_end(value))


def files_named(path: Value | None) -> Iterator[str]:
    """The files that a path may name, without the folders that lead out of the application's own; modules left out."""
    for text in texts_of(file_named(path)):
        if not text.endswith(".py"):
            name = "/".join(part for part in text.split("/") if part not in ("", ".", ".."))
            if name:
                yield name


def texts_of(value: Value | None) -> Iterator[str]:
    """The texts that a name may be: ``f"conf/{os.getenv('STAGE', 'live')}.toml"`` with what stands in where the environment says nothing."""
    for one in options(value):
        several = [""]
        for part in one.parts if isinstance(one, Format) else (one,):
            said = [str(literal.value) for literal in literals(part) if isinstance(literal.value, (str, int))]
            several = [before + text for before in several for text in said][:MOST_NAMES]
        yield from several


def _from_the_end(value: Value) -> Iterator[Value]:
    """The pieces of a path, its last one first."""
    if isinstance(value, Call) and value.method in _OF_PATHS and (value.args or value.receiver is not None):
        before = () if value.receiver is None else (value.receiver,)
        for one in reversed((*before, *value.args)):
            yield from _from_the_end(one)
    elif isinstance(value, Unknown) and len(value.parts) == 2:  # HERE / "auth.toml"
        for one in reversed(value.parts):
            yield from _from_the_end(one)
    else:
        yield value
