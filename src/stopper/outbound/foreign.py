"""Calls that another library has made ready: its own headers are taken off, everything else is judged as ever."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from stopper.outbound.body import ANYTHING
from stopper.outbound.client import Client
from stopper.outbound.errors import CallRefusedError, OutboundError
from stopper.outbound.reply import Reply


@dataclass(frozen=True, slots=True)
class Ready:
    """A request of another library. ``made_there``: headers that the library makes itself, with their value or ``*``."""

    method: str = field(repr=False)
    url: str = field(repr=False)
    headers: Iterable[tuple[str | bytes, str | bytes]] = field(repr=False)
    body: object = field(repr=False)
    made_there: Mapping[str, str] = field(repr=False)


def send(client: Client, ready: Ready) -> Reply:
    """The reply to *ready*. Raises OutboundError."""
    try:
        return _reply(client, ready)
    except OutboundError as wrong:
        failed = wrong.at("", "")
    del ready  # a traceback that shows variables finds nothing here
    raise failed


def _reply(client: Client, ready: Ready) -> Reply:
    named: dict[str, str] = {}
    for name, value in ready.headers:
        lowered, said = _text(name).lower(), _text(value)
        if ready.made_there.get(lowered) not in ("*", said.lower()):
            if lowered in named:
                raise CallRefusedError("headers", "a header stands twice")
            named[lowered] = said
    types = [part.partition(";")[0].strip() for part in named.pop("accept", ANYTHING).split(",")]
    return client.request(ready.method, ready.url, headers=named, data=_bytes(ready.body), accept=types)


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value


def _bytes(body: object) -> bytes | None:
    if body is None or isinstance(body, bytes):
        return body
    if isinstance(body, str):
        return body.encode()
    read = getattr(body, "read", None)
    found: object = read() if callable(read) else None
    if isinstance(found, (bytes, bytearray)):
        return bytes(found)
    if isinstance(body, Iterable):
        parts = list(body)  # pyright: ignore[reportUnknownVariableType,reportUnknownArgumentType]
        if all(isinstance(part, (bytes, bytearray)) for part in parts):  # pyright: ignore[reportUnknownVariableType]
            return b"".join(parts)  # pyright: ignore[reportUnknownArgumentType]
    raise CallRefusedError("body", "the body must be bytes")
