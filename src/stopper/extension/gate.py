"""The one hook: read credentials, authenticate, decide. What it lets through reaches the view; all else is answered here."""

from collections.abc import Mapping
from typing import Final, cast

from flask import Request, Response, request
from werkzeug.local import LocalProxy

from stopper.auth.address_list import is_within
from stopper.auth.api_key import ADDRESSES_CLAIM, LIMIT_CLAIM
from stopper.auth.api_key_reader import family_of
from stopper.auth.clock import Clock
from stopper.auth.introspection import is_opaque
from stopper.auth.policy import Kinds, Policy, bearer, browser_session, client_certificate
from stopper.auth.requirement import Context, Redeem, Situation
from stopper.auth.revocation import Revocations, news_later
from stopper.auth.role_table import NO_ROLES, RoleTable
from stopper.core.errors import (
    AuthenticationRequiredError,
    ForbiddenError,
    InvalidCredentialError,
    InvalidRequestError,
    RefusalError,
)
from stopper.core.principal import Principal
from stopper.extension import credentials, current, decision_log
from stopper.extension.answers import Answers
from stopper.extension.binding import Binding
from stopper.extension.door import Doors, automatic_options
from stopper.extension.limits import Measured
from stopper.extension.limits_count import RequestLimits
from stopper.extension.proxies import client_address
from stopper.extension.response_headers import GUARDED
from stopper.extension.sessions import BrowserSessions
from stopper.extension.wiring import Parts

_KINDS: Final[dict[tuple[bool, bool], Kinds]] = {
    (False, False): frozenset(),
    (True, False): frozenset({"bearer"}),
    (False, True): frozenset({"api_key"}),
    (True, True): frozenset({"bearer", "api_key"}),
}
DECIDED: Final = "stopper.decided"
"""In the environ: the rule on which the gate has decided that the request may go on."""

_request: Final = cast("LocalProxy[Request]", request)
_BEARER: Final[Kinds] = bearer.alternatives[0]
_SESSION: Final[Kinds] = browser_session.alternatives[0]
_CERTIFICATE: Final[Kinds] = client_certificate.alternatives[0]
_CERTIFICATE_TOO: Final[Kinds] = _BEARER | _CERTIFICATE


class Gate:
    """Decides on every request of one application."""

    def __init__(
        self,
        doors: Doors,
        parts: Parts,
        answers: Answers,
        clock: Clock,
        api_key_header: str,
        binding: Binding,
        sessions: BrowserSessions | None = None,
        limits: RequestLimits | None = None,
        follow: Revocations | None = None,
        roles: RoleTable = NO_ROLES,
    ) -> None:
        """*follow*: hears of new revocations in the round trip that counts, and asks for them in none of its own."""
        self._doors = doors
        self._parts = parts
        self._answers = answers
        self._clock = clock
        self._binding = binding
        self._sessions = sessions
        self._limits = limits or RequestLimits(None)
        self._follow = follow
        self._roles = roles
        self._api_key_name = credentials.header_key(api_key_header)

    def decide(self) -> Response | None:
        """None when the request may go on, the refusal otherwise."""
        # The request itself: every look through the proxy costs.
        asked = _request._get_current_object()  # pyright: ignore[reportPrivateUsage]
        if self._sessions is not None and "HTTP_COOKIE" in asked.environ:
            self._sessions.hold_back(asked)
        rule = asked.url_rule
        if rule is None or asked.routing_exception is not None:
            return None  # nothing matched: Flask answers 404, 405 or the redirect itself, and no view runs
        method = asked.method
        environ = asked.environ
        if method == "OPTIONS" and automatic_options(rule):
            environ[DECIDED] = rule
            return None  # Flask answers it; the view does not run
        endpoint = rule.endpoint
        door = self._doors.find(endpoint, method)
        policy = door.policy
        if policy is None:
            decision_log.refused(environ, method, endpoint, 404 if door.state == "closed" else 503, door.state, None)
            return self._answers.plain(404) if door.state == "closed" else self._answers.closed()
        limits = door.limits
        if not policy.alternatives:
            if limits and (too_many := self._too_many(limits, asked)) is not None:
                decision_log.refused(environ, method, endpoint, too_many.status, too_many.reason, None)
                return self._answers.refusal(too_many)
            decision_log.passed(environ, method, endpoint, None)
            environ[DECIDED] = rule
            return None
        environ[GUARDED] = True
        principal: Principal | None = None
        try:
            if limits or self._follow is not None:
                principal = self._counted(limits, policy, asked)
            else:
                principal = self._recalled(policy, environ) or self._authenticate(policy, asked)
                if principal is not None and (LIMIT_CLAIM in principal.claims or principal.also is not None):
                    self._count(limits, asked, principal)
            refusal = None
            if policy.requirements and principal is not None:
                refusal = self._judge(policy, principal, asked)
        except RefusalError as raised:
            refusal = raised
        if refusal is not None:
            decision_log.refused(environ, method, endpoint, refusal.status, refusal.reason, principal)
            return self._answers.refusal(refusal, self._binding.challenge_for(environ))
        if principal is not None:
            current.remember(asked, principal)
        decision_log.passed(environ, method, endpoint, principal)
        environ[DECIDED] = rule
        return None

    def _judge(self, policy: Policy, principal: Principal, asked: Request) -> RefusalError | None:
        loaded: dict[str, object] = {}
        refusal = policy.judge(self.situation(principal, asked, loaded, self._parts.single_use))
        if loaded and refusal is None:
            asked.view_args = {**(asked.view_args or {}), **loaded}
        return refusal

    def situation(
        self,
        principal: Principal,
        asked: Request,
        loaded: dict[str, object] | None = None,
        single_use: Redeem | None = None,
    ) -> Situation:
        """What a requirement may look at in the request *asked*."""
        now = self._clock()

        def context() -> Context:
            return Context(now, asked.method, asked.path, client_address(asked))

        return Situation(principal, now, asked.view_args or {}, single_use, self._roles, loaded, context)

    def _too_many(self, limits: tuple[Measured, ...], asked: Request) -> RefusalError | None:
        """The refusal of a public door."""
        held = self._limits.held(limits, asked)
        return held if held is not None else self._limits.count(limits, asked, None, known=True)[0]

    def _counted(self, limits: tuple[Measured, ...], policy: Policy, asked: Request) -> Principal | None:
        """Who acts, and counted: in one round trip with what is asked of revocations. A refused credential counts for its address."""
        held = self._limits.held(limits, asked)
        if held is not None:
            raise held
        later = None if self._follow is None else news_later.set(True)
        try:
            try:
                principal = self._recalled(policy, asked.environ) or self._authenticate(policy, asked)
            except RefusalError:
                refused, _ = self._limits.count(limits, asked, None, known=False)
                if refused is not None:
                    raise refused from None
                raise
            self._count(limits, asked, principal)
            return principal
        finally:
            if later is not None:
                news_later.reset(later)

    def _count(self, limits: tuple[Measured, ...], asked: Request, principal: Principal | None) -> None:
        follow = self._follow
        refused, newest = self._limits.count(limits, asked, principal, hear=follow is not None, known=True)
        if refused is not None:
            raise refused
        if (
            follow is not None
            and principal is not None
            and follow.hear(newest)
            and any(map(self._is_void, (principal, principal.also)))
        ):
            raise InvalidCredentialError("revoked")

    def _is_void(self, principal: Principal | None) -> bool:
        """Whether what was just heard ended the credential of *principal*. A session is looked up at each request anyway."""
        revocations = self._parts.revocations
        if principal is None or revocations is None or principal.kind == "browser_session":
            return False
        claims: Mapping[str, object] = principal.claims
        if principal.kind == "api_key":
            claims = {"sid": family_of(principal.credential_id or ""), "iat": self._clock()}
        return revocations.is_revoked(claims)

    def _recalled(self, policy: Policy, environ: Mapping[str, object]) -> Principal | None:
        """The principal of a lone bearer token that was verified before: what was verified then need not be read again."""
        authorization, verifier = environ.get("HTTP_AUTHORIZATION"), self._parts.verifier
        if (
            verifier is None
            or not isinstance(authorization, str)
            or not authorization.startswith("Bearer ")
            or self._api_key_name in environ
            or _BEARER not in policy.alternatives
            or _CERTIFICATE_TOO in policy.alternatives
            or ("HTTP_COOKIE" in environ and self._session_shown(policy, environ) is not None)
        ):
            return None
        principal = verifier.recall(authorization[7:])
        return None if principal is None else self._own(self._living(principal), environ)

    def _authenticate(self, policy: Policy, asked: Request) -> Principal | None:
        """Who acts; None where nothing at all is shown and the policy lets nobody in particular pass."""
        shown = credentials.read(asked.environ, self._api_key_name)
        if shown.with_proof and self._binding.proofs is None:
            shown = credentials.Shown(None, shown.api_key, other_scheme=True)
        kinds = _KINDS[shown.bearer is not None, shown.api_key is not None]
        sessions = self._session_shown(policy, asked.environ) if "HTTP_COOKIE" in asked.environ else None
        if sessions is not None:
            kinds |= _SESSION
        certificate = self._certificate_shown(policy, kinds, asked.environ)
        if certificate is not None:
            kinds |= _CERTIFICATE
        if kinds not in policy.alternatives:
            if len(kinds) > 1 or (kinds and shown.other_scheme):
                raise InvalidRequestError("two-credentials")
            raise AuthenticationRequiredError("other-scheme" if shown.other_scheme else "nothing-shown")
        if shown.other_scheme:
            # Beside nothing of ours it is a credential all the same: who shows one does not pass as nobody.
            raise InvalidRequestError("two-credentials") if kinds else InvalidCredentialError("other-scheme")
        if not kinds:
            return None
        token = None
        if shown.bearer is not None:
            token = (
                self._with_proof(shown.bearer, asked)
                if shown.with_proof
                else self._own(self._bearer(shown.bearer), asked.environ)
            )
        key = self._api_key(shown.api_key, asked) if shown.api_key is not None else None
        session = sessions.authenticate(asked) if sessions is not None else None
        attested = None if certificate is None else self._certificate(certificate)
        found = [principal for principal in (token, session, key, attested) if principal is not None]
        if not found:
            raise AuthenticationRequiredError("nothing-shown")
        return found[0] if len(found) == 1 else _together(*found)

    def _session_shown(self, policy: Policy, environ: Mapping[str, object]) -> BrowserSessions | None:
        """What judges the session, where the request shows one and the policy asks for one; any other cookie is ignored."""
        sessions = self._sessions
        if sessions is None or not any("browser_session" in kinds for kinds in policy.alternatives):
            return None
        return sessions if sessions.shown(environ) else None

    def _certificate_shown(self, policy: Policy, kinds: Kinds, environ: Mapping[str, object]) -> bytes | None:
        """The certificate of the connection, where the policy asks for one beside *kinds*; elsewhere it is ignored, as a cookie is."""
        certificates = self._binding.certificates
        if certificates is None or kinds | _CERTIFICATE not in policy.alternatives:
            return None
        return certificates.der(environ)

    def _certificate(self, der: bytes) -> Principal:
        certificates = self._binding.certificates
        if certificates is None:
            raise InvalidCredentialError("no-certificates")
        return self._living(certificates.authenticate(der))

    def _bearer(self, token: str) -> Principal:
        parts = self._parts
        if parts.opaque is not None and is_opaque(token):
            return self._living(parts.opaque.verify(token))
        if parts.verifier is None:
            raise InvalidCredentialError("no-verifier")
        return self._living(parts.verifier.verify(token))

    def _own(self, principal: Principal, environ: Mapping[str, object]) -> Principal:
        """*principal*, whose token was shown without a proof: it must be one that anybody may show."""
        if self._binding.required or "cnf" in principal.claims:
            self._binding.shown_as_bearer(principal, environ)
        if ADDRESSES_CLAIM in principal.claims:
            _from_there(principal)
        return principal

    def _with_proof(self, token: str, asked: Request) -> Principal:
        principal = self._bearer(token)
        self._binding.shown_with_proof(principal, token, asked)
        return principal

    def _living(self, principal: Principal) -> Principal:
        revocations = self._parts.revocations
        if revocations is not None and revocations.is_revoked(principal.claims):
            raise InvalidCredentialError("revoked")
        return principal

    def _api_key(self, key: str, asked: Request) -> Principal:
        if self._parts.api_keys is None:
            raise InvalidCredentialError("no-api-keys")
        return self._parts.api_keys.verify(key, client_address(asked))


def _from_there(principal: Principal) -> None:
    """Refuse a token of an API key that may be used from some networks alone, as the key itself is refused."""
    said = principal.claims[ADDRESSES_CLAIM]
    networks = (
        tuple(text for text in cast("tuple[object, ...]", said) if isinstance(text, str))
        if isinstance(said, tuple)
        else ()
    )
    asked = _request._get_current_object()  # pyright: ignore[reportPrivateUsage]
    if not is_within(client_address(asked), networks):
        raise InvalidCredentialError("key-address")


def _together(first: Principal, second: Principal, *more: Principal) -> Principal:
    """The first, who is a person or acts for one, with the other beside it."""
    if more:
        raise InvalidRequestError("three-credentials")
    # A certificate names no tenant; it says which machine speaks.
    if second.kind != "client_certificate" and first.tenant != second.tenant:
        raise ForbiddenError("two-tenants")
    if second.kind == "browser_session" and first.subject != second.subject:
        raise ForbiddenError("two-subjects")
    return Principal(
        first.subject, first.kind, first.scopes, first.roles, first.claims, first.auth_time, first.amr,
        first.credential_id, first.tenant, second,
    )  # fmt: skip
