"""Signing secrets that stand in the source: literals that are handed to a JWT library."""

from collections.abc import Iterator
from typing import Final

from stopper.core.app import App
from stopper.core.secret import Secret
from stopper.core.values import Call, Value, literals

_CALLEES: Final = (
    "jwt.encode",
    "jwt.decode",
    "jose.jwt.encode",
    "jose.jwt.decode",
    "joserfc.jwt.encode",
    "joserfc.jwt.decode",
)
SHORTEST: Final = 1


def source_keys(app: App) -> dict[str, Secret]:
    """The secrets by where they stand, ``source:app.py:12``."""
    found: dict[str, Secret] = {}
    if app.source is None:
        return found
    for call in app.source.calls(*_CALLEES):
        for value in _key_values(app, call):
            for constant in literals(value):
                if (
                    isinstance(constant.value, (str, bytes))
                    and len(constant.value) >= SHORTEST
                    and call.span is not None
                ):
                    found.setdefault(f"source:{call.span.path}:{call.span.line}", Secret(constant.value))
    return found


def _key_values(app: App, call: Call) -> Iterator[Value]:
    """What stands as the key: the second argument or the keyword, settings followed."""
    value = call.keyword("key") or call.keyword("secret") or (call.args[1] if len(call.args) > 1 else None)
    if value is not None and app.source is not None:
        yield from app.source.followed(value)
