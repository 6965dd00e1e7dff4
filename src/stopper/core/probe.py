"""How a probe talks: a generator over a closed set of steps, judged by what it returns.

A probe is a function of a :class:`Target` that yields steps and returns a Verdict. It never does anything itself, so the same
probe runs over WSGI and over HTTP, inside the scan's budget, pace and mode. It calls the typed helpers::

    def probe(target):
        honest = yield from send(request)
"""

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Protocol, TypeVar, cast

from stopper.core.app import App, Route
from stopper.core.exchange import Exchange, Request
from stopper.core.finding import Evidence, Verdict
from stopper.core.place import RouteRef
from stopper.core.rule import Severity, Surface
from stopper.core.secret import Secret
from stopper.core.tls import TlsSeen

T = TypeVar("T")
Mode = Literal["passive", "default", "active"]
Depth = Literal["quick", "standard", "deep"]


@dataclass(frozen=True, slots=True)
class Send:
    """Send one request; the answer is its Exchange. ``Skipped`` is raised inside the probe when the mode or budget forbids it."""

    request: Request


@dataclass(frozen=True, slots=True)
class Together:
    """Send several requests at the same moment; the answer is a list of Exchanges in the order given."""

    requests: tuple[Request, ...]


@dataclass(frozen=True, slots=True)
class Listen:
    """Open a loopback listener; the answer has ``url`` and ``hits()``. It is closed when the probe ends."""


@dataclass(frozen=True, slots=True)
class Compute:
    """Run *function* off the scheduler (guessing a secret, for example); the answer is what it returns."""

    function: Callable[[], object]


@dataclass(frozen=True, slots=True)
class Undo:
    """Remember a request that takes back what the probe did. It is sent when the probe ends, also after a crash."""

    request: Request


@dataclass(frozen=True, slots=True)
class Own:
    """Say that *made* has made the thing at *path*, because its reading shows the random texts of that request: it may be deleted."""

    path: str
    made: Request


@dataclass(frozen=True, slots=True)
class LookAtTls:
    """Try which versions of TLS the target takes and read its certificate, over connections that carry no request; the answer is a TlsSeen."""


@dataclass(frozen=True, slots=True)
class Question:
    """Say that another question begins: what was read for those before is known to it, as what another probe has read, until something is written."""


Step = Send | Together | Listen | Compute | Undo | Own | LookAtTls | Question
Steps = Generator[Step, Any, T]

LITTLE: Final = "the budget will not do for all"
"""Where ``Target.notes`` says that probes are to leave out what seldom finds anything."""


class Skipped(Exception):
    """Raised inside a probe at a step that the scan's mode, budget or surface forbids; ends the probe as ``open``."""


def send(request: Request) -> Steps[Exchange]:
    """Send one request and return its exchange."""
    return cast("Exchange", (yield Send(request)))


def together(requests: Sequence[Request]) -> Steps[list[Exchange]]:
    """Send several requests at the same moment and return their exchanges in order."""
    return cast("list[Exchange]", (yield Together(tuple(requests))))


def compute(function: Callable[[], T]) -> Steps[T]:
    """Run *function* beside the scan and return its result."""
    return cast("T", (yield Compute(function)))


def undo(request: Request) -> Steps[None]:
    """Remember *request* to be sent when the probe ends."""
    yield Undo(request)


def own(path: str, made: Request) -> Steps[None]:
    """Say that the request *made* has made the thing at *path*; only what a scan has made itself is ever deleted."""
    yield Own(path, made)


def question() -> Steps[None]:
    """Begin another question of the same probe, which need not ask anew for what those before have read."""
    yield Question()


class Listener(Protocol):
    """A loopback listener of ours."""

    url: str

    def hits(self) -> tuple[Request, ...]:
        """The requests that arrived so far."""
        ...


def listen() -> Steps[Listener]:
    """Open a loopback listener for the length of this probe."""
    return cast("Listener", (yield Listen()))


def look_at_tls() -> Steps[TlsSeen]:
    """What the target's TLS takes and shows. ``Skipped`` is raised where the surface has none."""
    return cast("TlsSeen", (yield LookAtTls()))


_HELD: Final[set[Secret]] = set()
"""Every credential that anybody of a scan has had, also one that is over: exchanges hold it as plain text, and the redactor forgets a
secret that nobody keeps."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Somebody the scan can be. ``headers`` carry the credential; ``token`` is the bearer token alone, where there is one.

    ``subject`` is the e-mail or user name; ``password`` is known for accounts that the scan logs in with.
    ``minted`` says that the scan signed the token itself with the application's own key (audit only); ``guessed`` that nobody gave
    the account and the scan came in by one that anybody knows.
    """

    name: str
    headers: tuple[tuple[str, Secret], ...]
    token: Secret | None = None
    subject: str | None = None
    password: Secret | None = None
    refresh_token: Secret | None = None
    minted: bool = False
    issued_by: RouteRef | None = None
    """The route that gave the credential, where the scan got it from the server itself."""
    guessed: bool = False
    any_password: bool = False
    """Whether the name alone lets in, as one that changes the statement of the log-in does: its password says nothing."""

    def __post_init__(self) -> None:
        known = (self.token, self.password, self.refresh_token, *(value for _, value in self.headers))
        _HELD.update(one for one in known if one is not None)

    @property
    def cookies(self) -> str:
        """The cookies by which it is known, as a header says them; empty where it shows none."""
        return "; ".join(value.reveal() for name, value in self.headers if name.lower() == "cookie")

    def on(self, request: Request) -> Request:
        """*request* as this identity: its credential headers replace those of the same name."""
        names = {name.lower() for name, _ in self.headers}
        kept = tuple(pair for pair in request.headers if pair[0].lower() not in names)
        mine = tuple((name, value.reveal()) for name, value in self.headers)
        return Request(request.method, request.target, (*kept, *mine), request.body, request.effect, self.name)


class Forge(Protocol):
    """Makes bad tokens out of good ones, and good ones where the key is known. It lives in ``scan/tokens/forge.py``."""

    def tampered(self, token: str, **claims: object) -> str:
        """The token with changed claims and its old signature."""
        ...

    def foreign(self, token: str, **claims: object) -> str:
        """The token (with changed claims) signed by a key that nobody trusts, under the same ``alg`` family."""
        ...

    def unsigned(self, token: str, spelling: str = "none", **claims: object) -> str:
        """The token under ``alg`` *spelling* with an empty signature."""
        ...

    def signed(self, token: str, secret: Secret, **claims: object) -> str:
        """The token with changed claims, signed anew by HMAC with *secret*."""
        ...

    def headed(self, token: str, secret: bytes, header: Mapping[str, object], **claims: object) -> str:
        """The token under HMAC with *secret* (also an empty one) and with changed header members."""
        ...

    def stripped(self, token: str) -> str:
        """The token as it was issued, with an empty signature."""
        ...

    def own_key(self, token: str, member: str, url: str = "", claims: Mapping[str, object] | None = None) -> str:
        """The token signed by a key that its own header brings along: ``jwk``, ``x5c``, or ``jku`` and ``x5u`` at *url*."""
        ...

    def public_forms(self, text: str) -> tuple[bytes, ...]:
        """Every public key in *text* as the bytes that a careless server may use as an HMAC secret."""
        ...

    def garbage(self) -> str:
        """A well-formed token that no server has issued, signed by an unknown key."""
        ...

    def header(self, token: str) -> dict[str, object]:
        """The token's header; empty when it is not a compact JWS."""
        ...

    def claims(self, token: str) -> dict[str, object]:
        """The token's claims, unverified; empty when it is not a compact JWS."""
        ...

    def guess(self, token: str) -> Secret | None:
        """The HMAC secret of *token*, when a word list has it. Slow: call it through ``compute``."""
        ...

    def signs(self, token: str, secret: Secret) -> bool:
        """That *secret* makes the HMAC signature of *token*."""
        ...

    def guess_cookie(self, cookie: str) -> Secret | None:
        """The key that signed a Flask session cookie, when a word list has it. Slow: call it through ``compute``."""
        ...


@dataclass(frozen=True, slots=True)
class Target:
    """What a probe may know: the model of the application, who it can be, and how it may behave.

    ``request_for(route, method)`` gives an honest request: path parameters filled from harvested or typed values, a body
    built from the spec or from what the source reads. ``canary`` is a random text of this run, for spotting our own values.
    """

    app: App
    surface: Surface
    base_url: str
    mode: Mode
    depth: Depth
    forge: Forge
    request_for: Callable[[Route, str], Request]
    identities: tuple[Identity, ...] = ()
    canary: str = ""
    notes: dict[str, object] = field(default_factory=dict[str, object])
    """A scratch pad that probes of one scan share (a found login route, a guessed secret)."""


def failed(
    message: str, routes: Sequence[RouteRef], evidence: Sequence[Evidence], severity: Severity | None = None
) -> Verdict:
    """The target has the weakness, and here is the proof. ``severity`` says that it weighs less than the worst that the rule tells of."""
    return Verdict("fail", message, tuple(routes), tuple(evidence), severity)


def passed(message: str, evidence: Sequence[Evidence] = ()) -> Verdict:
    """The target was tested and does not have it."""
    return Verdict("pass", message, (), tuple(evidence))


def unsure(message: str) -> Verdict:
    """It could not be told; counted in coverage, never as a pass."""
    return Verdict("open", message)


def not_applicable(message: str) -> Verdict:
    """The target has nothing that the rule speaks of."""
    return Verdict("not-applicable", message)
