"""One leak that was seen at run time: which secret, by its label, reached which sink, at which line of the application."""

from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal[
    "canary", "signing-key", "config-credential", "password", "token", "api-key", "cookie", "issued", "registered"
]
"""What is known of a secret.

``signing-key`` never leaves the process. ``config-credential`` may go to the one host that it is for. ``password token api-key cookie``
were shown by a client, ``issued`` was made by the application for one. ``registered`` is a live Secret of which nothing else is known.
"""

Sink = Literal[
    "log", "print", "warning", "response", "response-header", "session", "redirect", "url", "exception-message", "traceback",
    "outbound-url", "outbound-headers", "outbound-body", "subprocess",
]  # fmt: skip
"""Where it went. The names are those of the source reader's sinks where both know the same place."""

SINKS: Final[dict[Sink, str]] = {
    "log": "a log record",
    "print": "standard output or error",
    "warning": "a warning",
    "response": "the body of an answer",
    "response-header": "a header of an answer",
    "session": "the session cookie, which the client can read",
    "redirect": "the address of a redirect",
    "url": "a URL that was built",
    "exception-message": "the text of an exception that nobody handled",
    "traceback": "a local variable of an exception that nobody handled, which error trackers send",
    "outbound-url": "the URL of a call to another host",
    "outbound-headers": "the headers of a call to another host",
    "outbound-body": "the data sent to another host",
    "subprocess": "the arguments of a process, which every user of the machine can read",
}
"""Each sink in words."""


@dataclass(frozen=True, slots=True)
class CodePlace:
    """A line of code. ``path`` is relative to the working directory where it lies below it; ``line`` is 0 where none is known."""

    path: str = ""
    line: int = 0
    function: str = ""

    def __str__(self) -> str:
        return f"{self.path}:{self.line}" if self.path else "?"


@dataclass(frozen=True, slots=True)
class Leak:
    """One leak. ``secret`` is a label such as ``config SECRET_KEY``, never the value. ``route`` is the method and URL rule of the
    request that was answered, ``""`` outside of one. ``detail`` says more about the sink: a logger, a header, a host."""

    secret: str
    kind: Kind
    sink: Sink
    place: CodePlace
    route: str = ""
    detail: str = ""

    def __str__(self) -> str:
        inside = (
            f" in {self.place.function}()" if self.place.function else ""
        )  # with (): `token: …` would look like a secret
        more = f" ({self.detail})" if self.detail else ""
        during = f", during {self.route}" if self.route else ""
        return f"{self.place}{inside}: {self.secret} reached {SINKS[self.sink]}{more}{during} [{self.sink}]"

    def as_dict(self) -> dict[str, object]:
        """The members of one line of JSON."""
        return {
            "secret": self.secret, "kind": self.kind, "sink": self.sink, "path": self.place.path, "line": self.place.line,
            "function": self.place.function, "route": self.route, "detail": self.detail,
        }  # fmt: skip
