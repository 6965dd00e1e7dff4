"""Watches one WSGI call: learns the secrets of the request, looks at the answer's headers, cookies and body. It changes neither."""

import base64
import binascii
import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, cast

from stopper.core import leak_learning
from stopper.core.leak_journal import Exchange, LeakJournal, current
from stopper.core.leak_learning import LARGEST_BODY, Learned
from stopper.core.leak_rules import host_name, is_kept_by_nobody, may_pass
from stopper.core.watchlist import Watched, is_distinctive

LARGEST_ANSWER: Final = 1024 * 1024
"""Bytes of an answer that are looked at."""
TAIL: Final = 4096
"""Characters kept of one piece of an answer for the next, so that a secret cut in two is still seen."""
_TEXT: Final = re.compile(r"(?i)text/|json|xml|javascript|urlencoded|^$")

Call = Callable[[dict[str, Any], Any], Iterable[bytes]]


def answer(journal: LeakJournal, app: Any, call: Call, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Call the application and watch. Its answer is passed on as it is."""
    around = current.get()
    if not journal.running or (around is not None and around.owner is journal):
        return call(environ, start_response)
    exchange = Exchange(journal, app, environ, str(environ.get("REQUEST_METHOD", "")))
    mark = current.set(exchange)
    try:
        with journal.looking() as now:
            if now:
                _learn_request(journal, exchange)
        body = _Answer(journal, exchange)
        given = call(environ, body.watched(start_response))
        return body.over(given)
    finally:
        current.reset(mark)


def _learn_request(journal: LeakJournal, exchange: Exchange) -> None:
    environ = exchange.environ
    journal.own_hosts.update(host_name(str(environ[key])) for key in ("HTTP_HOST", "SERVER_NAME") if key in environ)
    for learned in leak_learning.of_headers(environ):
        _shown(journal, exchange, learned)
    length = str(environ.get("CONTENT_LENGTH") or "")
    if length.isdigit() and 0 < int(length) <= LARGEST_BODY:
        kind = str(environ.get("CONTENT_TYPE", "")).lower()
        if any(word in kind for word in ("json", "urlencoded", "multipart")):
            environ["wsgi.input"] = _Input(environ["wsgi.input"], int(length), lambda body: _learn_body(journal, exchange, body, kind))  # fmt: skip


def _learn_body(journal: LeakJournal, exchange: Exchange, body: bytes, kind: str) -> None:
    with journal.looking() as now:
        if now:
            for learned in leak_learning.of_request_body(body, kind):
                _shown(journal, exchange, learned)


def _shown(journal: LeakJournal, exchange: Exchange, learned: Learned) -> None:
    known = journal.watchlist.get(learned.value)
    if known is None and is_distinctive(learned.value):
        known = journal.learn(learned)
    if known is not None:
        exchange.shown.add(known.value)


class _Input:
    """A request's body that is read as before; whoever reads it to the end has shown what is in it."""

    def __init__(self, stream: Any, length: int, done: Callable[[bytes], None]) -> None:
        self._stream = stream
        self._left = length
        self._parts: list[bytes] = []
        self._done = done

    def _note(self, part: bytes) -> bytes:
        if self._left > 0 and part:
            self._parts.append(bytes(part))
            self._left -= len(part)
            if self._left <= 0:
                self._done(b"".join(self._parts))
                self._parts.clear()
        return part

    def read(self, *size: int) -> bytes:
        return self._note(self._stream.read(*size))

    def readinto(self, buffer: Any) -> int:
        part = self.read(len(buffer))
        buffer[: len(part)] = part
        return len(part)

    def read1(self, *size: int) -> bytes:
        return self._note(self._stream.read1(*size))

    def readline(self, *size: int) -> bytes:
        return self._note(self._stream.readline(*size))

    def readlines(self, *hint: int) -> list[bytes]:
        return [self._note(line) for line in self._stream.readlines(*hint)]

    def __iter__(self) -> Iterator[bytes]:
        for line in self._stream:
            yield self._note(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class _Answer:
    """The answer of one exchange."""

    def __init__(self, journal: LeakJournal, exchange: Exchange) -> None:
        self._journal = journal
        self._exchange = exchange
        self._private = False
        self._looks = False
        self._json = False
        self._inflate: Any = None
        self._tail = ""
        self._left = LARGEST_ANSWER

    def watched(self, start_response: Any) -> Any:
        """*start_response* that looks at the headers first."""

        def start(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            with self._journal.looking() as now:
                if now:
                    self._read_headers(headers)
            return start_response(status, headers, *more)

        return start

    def over(self, given: Iterable[bytes]) -> Iterable[bytes]:
        """*given*, looked at piece by piece while it is taken; itself where it is no text or the server sends the file."""
        wrapper = self._exchange.environ.get("wsgi.file_wrapper")
        sends_file = isinstance(wrapper, type) and isinstance(given, wrapper)
        return given if sends_file or not self._looks else _Pieces(given, self)

    def _read_headers(self, headers: list[tuple[str, str]]) -> None:
        said = {name.lower(): value for name, value in headers}
        method = self._exchange.method
        self._private = is_kept_by_nobody(method, said.get("cache-control", ""), has_expires="expires" in said)
        self._json = "json" in said.get("content-type", "")
        self._looks = method != "HEAD" and bool(_TEXT.search(said.get("content-type", "")))
        coding = said.get("content-encoding", "").lower()
        if coding in ("gzip", "deflate"):
            self._inflate = zlib.decompressobj(47)  # both kinds of header
        elif coding not in ("", "identity"):
            self._looks = False
        for name, value in headers:
            self._read_header(name.lower(), value)

    def _read_header(self, name: str, value: str) -> None:
        if name == "set-cookie":
            self._read_cookie(value)
        elif name in ("location", "refresh", "content-location"):
            self._journal.search(value, "redirect")
        else:
            found = self._journal.watchlist.find(value)
            for secret in found:
                self._judge(secret, "response-header", name)
            if not found:
                for learned in leak_learning.of_headers({f"HTTP_{name.upper().replace('-', '_')}": value}):
                    if name != "cookie":
                        self._made(learned.value, f"the header {name}")

    def _read_cookie(self, line: str) -> None:
        journal = self._journal
        name, _, value = line.partition(";")[0].partition("=")
        value = value.strip().strip('"')
        inside = "\n".join(_readable_parts(value))
        readable = journal.watchlist.find(inside) if inside else ()
        for secret in readable:
            if not may_pass(secret, "session", issues=False, private=False):
                journal.tell(secret, "session", f"cookie {leak_learning.plain_name(name.strip())}")
        for secret in journal.watchlist.find(line):
            # The cookie that carries a token or session is where it belongs; what was read inside is told already.
            if secret not in readable and not may_pass(secret, "response-header", issues=True, private=True):
                journal.tell(secret, "response-header", "set-cookie")
        for learned in leak_learning.cookies(f"{name}={value}"):
            made = journal.watchlist.get(value) or journal.learn(learned, where=self._exchange.route)
            if made is not None:
                journal.note_maker(value, self._exchange.route)

    def read(self, piece: bytes) -> None:
        """Look at one piece of the body."""
        if self._left <= 0 or not piece:
            return
        with self._journal.looking() as now:
            if now:
                mark = current.set(self._exchange)
                try:
                    self._read_text(piece)
                finally:
                    current.reset(mark)

    def _read_text(self, piece: bytes) -> None:
        if self._inflate is not None:
            piece = self._inflate.decompress(piece, self._left)
        text = self._tail + piece[: self._left].decode("utf-8", "replace")
        self._left -= len(piece)
        if self._json and self._exchange.method != "OPTIONS" and _may_issue(text):
            self._learn_made(text)
        for secret in self._journal.watchlist.find(text):
            self._judge(secret, "response", "")
        self._tail = text[-TAIL:]

    def _learn_made(self, text: str) -> None:
        for learned in leak_learning.of_answer(text):
            self._made(learned.value, learned.label)

    def _made(self, value: str, label: str) -> None:
        """A token that stands in an answer for the first time, or again but unasked, was made by this route."""
        journal, route = self._journal, self._exchange.route
        known = journal.watchlist.get(value)
        if known is not None:
            if known.kind in ("token", "api-key", "issued") and self._private and value not in self._exchange.shown:
                journal.note_maker(value, route)
            return
        made = journal.learn(Learned(value, label, "issued"), where=route)
        if made is None:
            return
        journal.note_maker(value, route)
        if not self._private:
            journal.tell(made, "response", "caches may keep it: a GET that makes a token needs Cache-Control: no-store")

    def _judge(self, secret: Watched, sink: Any, detail: str) -> None:
        issues = self._journal.is_made_by(secret.value, self._exchange.route)
        if not may_pass(secret, sink, issues=issues, private=self._private):
            self._journal.tell(secret, sink, detail)


class _Pieces:
    """The body of an answer, passed on as it comes."""

    def __init__(self, given: Iterable[bytes], answer: _Answer) -> None:
        self._given = given
        self._iterator: Iterator[bytes] | None = None
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if self._iterator is None:
            self._iterator = iter(self._given)
        piece = next(self._iterator)
        self._answer.read(piece)
        return piece

    def close(self) -> None:
        """Close what is underneath, as WSGI asks for."""
        close = getattr(self._given, "close", None)
        if close is not None:
            close()


_ISSUE_HINTS: Final = ("token", "Token", "key", "Key", "secret", "jwt", "refresh", "access")


def _may_issue(text: str) -> bool:
    return len(text) <= LARGEST_BODY + TAIL and any(hint in text for hint in _ISSUE_HINTS)


def _readable_parts(value: str) -> Iterator[str]:
    """The JSON objects in a signed cookie (itsdangerous, with or without zlib) or a JWT: whoever holds it can read them."""
    for number, part in enumerate(value.split(".")[:-1]):
        if not part:
            continue
        try:
            data = base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
            if number == 1 and value.startswith("."):
                data = zlib.decompressobj().decompress(data, LARGEST_BODY)
        except (binascii.Error, ValueError, zlib.error):
            continue
        if data.lstrip().startswith(b"{"):
            yield data.decode("utf-8", "replace")


def plant(environ: dict[str, Any], name: str, value: str) -> None:
    """Put one more cookie into a request: an application that dumps its headers shows it."""
    said = cast("str", environ.get("HTTP_COOKIE", ""))
    environ["HTTP_COOKIE"] = f"{said}; {name}={value}" if said else f"{name}={value}"
