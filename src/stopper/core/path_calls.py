"""Calls that make a file's path: of its folder and its name, or of the same path in another form."""

from typing import Final

from stopper.core.values import Call, Value

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


def file_named(value: Value | None) -> Value | None:
    """What names the file: ``"auth.toml"`` of ``str(Path(folder, "auth.toml").resolve())``; any other value as it is."""
    while isinstance(value, Call) and value.method in _OF_PATHS and (value.args or value.receiver is not None):
        value = value.args[-1] if value.args else value.receiver
    return value
