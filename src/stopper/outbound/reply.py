"""What another service answered, whole and bounded."""

import json
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Self

from stopper.outbound.errors import OutboundError, ReplyRefusedError, UpstreamStatusError

_KEPT_BACK: Final = frozenset(
    {"set-cookie", "set-cookie2", "connection", "transfer-encoding", "keep-alive", "proxy-authenticate", "trailer", "upgrade",
     "content-encoding", "content-length"}
)  # fmt: skip
_GZIP: Final = zlib.MAX_WBITS | 16


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply. ``headers`` have lower-case names; cookies and what belongs to the connection are left out. ``body`` is unpacked.

    Its ``repr`` shows the status and the size alone.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    method: str = field(default="", repr=False)
    host: str = field(default="", repr=False)

    def __repr__(self) -> str:
        return f"Reply({self.status}, {len(self.body)} bytes)"

    @property
    def text(self) -> str:
        """The body as UTF-8; what is not UTF-8 becomes U+FFFD."""
        return self.body.decode("utf-8", "replace")

    def json(self) -> object:
        """The body's JSON. Raises ReplyRefusedError without a part of it."""
        wrong: OutboundError | None = None
        found: object = None
        try:
            found = json.loads(self.body)
        except (ValueError, RecursionError):
            wrong = ReplyRefusedError("json", "the reply is not JSON").at(self.method, self.host)
        if wrong is not None:
            raise wrong
        return found

    def checked(self) -> Self:
        """This reply, if its status is below 400. Raises UpstreamStatusError otherwise."""
        if self.status >= 400:
            raise UpstreamStatusError(self.status).at(self.method, self.host)
        return self


def joined(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Headers by their lower-case names; repeated ones are joined (RFC 9110 §5.3)."""
    found: dict[str, str] = {}
    for name, value in pairs:
        lowered = name.lower()
        found[lowered] = f"{found[lowered]}, {value}" if lowered in found else value
    return found


def shown_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """What of the headers a caller sees."""
    return {name: value for name, value in headers.items() if name not in _KEPT_BACK}


def unpacked(chunks: Iterable[bytes], encoding: str, most: int) -> bytes:
    """The body in *chunks*, of which at most *most* bytes are ever unpacked. Raises ReplyRefusedError."""
    coding = encoding.strip().lower()
    if coding in ("", "identity"):
        return _bounded(chunks, most)
    if coding not in ("gzip", "x-gzip"):
        raise ReplyRefusedError("encoding", "the reply is packed in a way that was not asked for")
    return _bounded(_gunzipped(chunks, most), most)


def _bounded(chunks: Iterable[bytes], most: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > most:
            raise ReplyRefusedError("too-large", f"the reply is larger than {most} bytes")
        parts.append(chunk)
    return b"".join(parts)


def _gunzipped(chunks: Iterable[bytes], most: int) -> Iterable[bytes]:
    unpack = zlib.decompressobj(_GZIP)
    began = broken = False
    for chunk in chunks:
        packed = chunk
        began = began or bool(chunk)
        while packed and not unpack.eof:
            try:
                piece = unpack.decompress(packed, most + 1)
            except zlib.error:
                broken = True
                break
            packed = unpack.unconsumed_tail
            yield piece
        if broken or packed or unpack.unused_data:  # one member alone; what follows it is not a part of the reply
            raise ReplyRefusedError("encoding", "the reply's gzip is broken")
    if began and not unpack.eof:
        raise ReplyRefusedError("encoding", "the reply's gzip is broken off")
