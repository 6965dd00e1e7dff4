"""Calls that another library has made ready: its own headers are taken off, everything else is judged as ever."""

from collections.abc import Iterable, Mapping

from stopper.outbound.body import ANYTHING
from stopper.outbound.client import Client
from stopper.outbound.errors import CallRefusedError, OutboundError
from stopper.outbound.reply import Reply


def request_as_is(
    client: Client,
    method: str,
    url: str,
    headers: Iterable[tuple[str | bytes, str | bytes]],
    body: object,
    made_there: Mapping[str, str],
) -> Reply:
    """The reply to a request of another library. *made_there*: headers that it makes itself, with their value or ``*``.

    Raises OutboundError.
    """
    try:
        return _reply(client, method, url, headers, body, made_there)
    except OutboundError as wrong:
        failed = wrong.at("", "")
    del method, url, headers, body, made_there  # a traceback that shows variables finds nothing here
    raise failed


def _reply(
    client: Client,
    method: str,
    url: str,
    headers: Iterable[tuple[str | bytes, str | bytes]],
    body: object,
    made_there: Mapping[str, str],
) -> Reply:
    named: dict[str, str] = {}
    for name, value in headers:
        lowered, said = _text(name).lower(), _text(value)
        if made_there.get(lowered) not in ("*", said.lower()):
            if lowered in named:
                raise CallRefusedError("headers", "a header stands twice")
            named[lowered] = said
    accept = named.pop("accept", ANYTHING)
    types = [part.partition(";")[0].strip() for part in accept.split(",")]
    return client.request(method, url, headers=named, data=_bytes(body), accept=types)


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
