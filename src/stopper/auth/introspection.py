"""Opaque tokens of a foreign issuer: it is asked what each is worth (RFC 7662), seldom, and believed only when it says it well."""

import hashlib
import threading
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass, field
from typing import Final, NamedTuple, TypeGuard

from stopper.auth.api_key_form import PREFIX
from stopper.auth.clock import Clock
from stopper.auth.forking import in_each_child
from stopper.auth.issuer import Issuer
from stopper.auth.jws import MAX_TOKEN
from stopper.auth.verifier import judge_statement
from stopper.core.errors import InvalidCredentialError, SettingError, StoreUnavailableError
from stopper.core.principal import Principal
from stopper.core.secret import Secret

Ask = Callable[[Secret], dict[str, object]]
"""What the issuer says of a token. Raises InvalidCredentialError for an answer that is none, StoreUnavailableError without one."""

WAIT: Final = 10.0
"""Seconds that a request waits for the answer that another one has asked for."""
MOST_AT_ONCE: Final = 16
"""Questions under way; strangers who invent tokens must not make us flood the issuer."""
_TYPES: Final = frozenset({"bearer", "dpop", "access_token", "urn:ietf:params:oauth:token-type:access_token"})


Outcome = Principal | str
"""Who acts, or the reason why nobody does."""
Late = tuple[str, int]


class _Known(NamedTuple):
    outcome: Outcome
    asked: float
    until: float


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """Seconds that an answer is kept: ``good`` never past the token's ``exp``, ``bad`` for a token that is worth nothing."""

    good: float = 30.0
    bad: float = 10.0


@dataclass(slots=True)
class _UnderWay:
    lock: threading.Lock = field(default_factory=threading.Lock)
    questions: dict[bytes, "Future[Outcome | Late]"] = field(default_factory=dict[bytes, "Future[Outcome | Late]"])


class OpaqueTokens:
    """Says who acts with an opaque token of one issuer. Safe for threads and forks."""

    def __init__(
        self,
        issuer: Issuer,
        ask: Ask,
        clock: Clock,
        *,
        audience: str | None = None,
        lifetimes: Lifetimes | None = None,
        size: int = 4096,
    ) -> None:
        """*audience* is for an issuer that names none. Raises SettingError where an audience is asked for and nobody has one."""
        self._issuer = issuer
        self._audience = issuer.audience or audience
        if self._audience is None and "aud" in issuer.required:
            raise SettingError(
                f"{issuer.url} has no audience, so tokens for other APIs would pass; set STOPPER_AUDIENCE or Issuer(audience=…)",
                rule="jwt-audience-issuer-unchecked",
            )
        self._ask = ask
        self._clock = clock
        self._lifetimes = lifetimes or Lifetimes()
        self._size = size
        # Apart, so that tokens that strangers invent push no good answer out.
        self._good: dict[bytes, _Known] = {}
        self._bad: dict[bytes, _Known] = {}
        self._renew()
        in_each_child(self._renew)

    def _renew(self) -> None:
        self._under_way = _UnderWay()

    def verify(self, token: str) -> Principal:
        """Who acts with *token*. Raises InvalidCredentialError, and StoreUnavailableError where the issuer does not answer."""
        if len(token) > MAX_TOKEN:
            raise InvalidCredentialError("token-too-long")
        digest = hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
        known = self._remembered(digest)
        outcome = self._joined(digest, Secret(token)) if known is None else known.outcome
        if isinstance(outcome, str):
            raise InvalidCredentialError(outcome)
        return outcome

    def _remembered(self, digest: bytes) -> _Known | None:
        known = self._good.get(digest) or self._bad.get(digest)
        # A clock that was set back makes an answer come from the future: it is asked for anew.
        return known if known is not None and known.asked <= self._clock() < known.until else None

    def _joined(self, digest: bytes, token: Secret) -> Outcome:
        """One question for all who show the same token at the same time."""
        under_way = self._under_way
        with under_way.lock:
            question = under_way.questions.get(digest)
            mine = question is None
            if question is None:
                if len(under_way.questions) >= MOST_AT_ONCE:
                    raise StoreUnavailableError("introspection-busy")
                question = under_way.questions[digest] = Future()
        if not mine:
            return _awaited(question)
        try:
            # Between the look into memory and the lock somebody may have got the answer.
            known = self._remembered(digest)
            outcome = self._asked(digest, token) if known is None else known.outcome
        except BaseException as wrong:
            # Those who wait get an error of their own: one object must not be raised in many threads.
            late = (
                (wrong.reason, wrong.retry_after) if isinstance(wrong, StoreUnavailableError) else ("introspection", 1)
            )
            question.set_result(late)
            raise
        else:
            question.set_result(outcome)
            return outcome
        finally:
            with under_way.lock:
                under_way.questions.pop(digest, None)

    def _asked(self, digest: bytes, token: Secret) -> Outcome:
        now = self._clock()
        try:
            answer = self._ask(token)
            principal = self._judged(answer)
        except InvalidCredentialError as refused:
            if (
                refused.reason != "introspection-answer"
            ):  # a gateway's page instead of an answer says nothing of the token
                self._keep(self._bad, digest, _Known(refused.reason, now, now + self._lifetimes.bad))
            return refused.reason
        expires = answer.get("exp")
        ends = now + self._lifetimes.good
        self._keep(self._good, digest, _Known(principal, now, min(ends, expires) if _is_time(expires) else ends))
        return principal

    def _judged(self, answer: dict[str, object]) -> Principal:
        active = answer.get("active")
        if active is not True:
            raise InvalidCredentialError("inactive" if active is False else "introspection-answer")
        kind = answer.get("token_type", "bearer")
        if not isinstance(kind, str) or kind.lower() not in _TYPES:
            raise InvalidCredentialError("not-an-access-token")
        if kind.lower() == "dpop" and "cnf" not in answer:
            raise InvalidCredentialError("unknown-binding")  # bound, and nobody says to which key (RFC 9449 §6.2)
        url = self._issuer.url
        if answer.get("iss", url) != url:
            raise InvalidCredentialError("issuer")
        claims = {**{name: value for name, value in answer.items() if name != "active"}, "iss": url}
        return judge_statement(claims, self._issuer.required, self._audience, self._clock())

    def _keep(self, entries: dict[bytes, _Known], digest: bytes, known: _Known) -> None:
        while len(entries) >= max(1, self._size):
            try:
                del entries[next(iter(entries))]
            except (StopIteration, KeyError, RuntimeError):  # another thread was faster
                break
        if self._size:
            entries[digest] = known


def is_opaque(token: str) -> bool:
    """Whether *token* is neither a signed JWT nor an API key of ours; only such a one is ever shown to the issuer."""
    return not token.startswith(PREFIX) and (token.count(".") != 2 or not token.startswith("eyJ"))


def _awaited(question: "Future[Outcome | Late]") -> Outcome:
    try:
        found = question.result(WAIT)
    except FutureTimeoutError:
        found = ("introspection-late", 1)
    if isinstance(found, tuple):
        raise StoreUnavailableError(*found)
    return found


def _is_time(value: object) -> TypeGuard[float]:
    return type(value) is int or type(value) is float
