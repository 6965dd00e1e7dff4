"""Whether a token is shown by whoever it was issued to: with a DPoP proof (RFC 9449) or a client certificate (RFC 8705)."""

import hmac
import logging
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from flask import Request, Response, after_this_request

from stopper.auth.clock import Clock
from stopper.auth.confirmation import Bound, bound_to
from stopper.auth.dpop import DpopProofs, Proven, Target, target_of
from stopper.auth.dpop_nonce import Nonces
from stopper.auth.requirement import Redeem
from stopper.core.asvs_level import by_level
from stopper.core.errors import InvalidCredentialError, InvalidRequestError, SettingError
from stopper.core.principal import Principal
from stopper.core.settings import Settings, secret, switch, text, texts
from stopper.extension.client_certificate import ShownCertificates, open_certificates
from stopper.extension.proxies import Proxies, proxies_from

REQUIRE_BOUND_TOKENS: Final = switch(
    "REQUIRE_BOUND_TOKENS",
    False,
    "Whether every bearer token must be bound to its holder's key: by DPoP or by a client certificate. A stolen token opens nothing then.",
)
DPOP_ALGORITHMS: Final = texts(
    "DPOP_ALGORITHMS", ("EdDSA", "ES256"), "The algorithms that clients may sign DPoP proofs with."
)
DPOP_NONCE_KEY: Final = secret(
    "DPOP_NONCE_KEY",
    "32 random bytes that all nodes share; with it every DPoP proof must carry a nonce of ours, so that none can be made in advance.",
)
PUBLIC_URL: Final = text(
    "PUBLIC_URL",
    "",
    "The scheme and host that clients use, such as https://api.example.com; DPoP proofs must name it. Unset: taken from the request.",
)
_log: Final = logging.getLogger("stopper")
_PROOF: Final = "HTTP_DPOP"
MAX_PROOF: Final = 4096
"""Letters of a DPoP header that are read."""


class Binding:
    """Judges, for one application, how tokens are shown. ``proofs`` is None where nothing remembers used proofs."""

    def __init__(
        self,
        proofs: DpopProofs | None,
        proxies: Proxies,
        *,
        required: bool = False,
        public_url: str = "",
        certificates: ShownCertificates | None = None,
    ) -> None:
        self.certificates = certificates
        self.proofs = proofs
        self.required = required
        self._proxies = proxies
        self._scheme, self._host = _checked_url(public_url)
        self._algorithms = "" if proofs is None else f'algs="{" ".join(proofs.algorithms)}"'

    def challenge_for(self, environ: Mapping[str, object]) -> tuple[str, str]:
        """The scheme in which a refusal of this request is worded, and what stands behind it (RFC 9449 §7.1)."""
        shown = environ.get("HTTP_AUTHORIZATION")
        with_proof = isinstance(shown, str) and shown[:5].lower() == "dpop "
        if self.proofs is not None and (with_proof or (self.required and shown is None)):
            return "DPoP", self._algorithms
        return "Bearer", ""

    def shown_as_bearer(self, principal: Principal, environ: Mapping[str, object]) -> None:
        """Raises InvalidCredentialError for a token that is bound to what the request does not show."""
        bound = bound_to(principal.claims)
        if bound.key is not None:
            raise InvalidCredentialError("bound-token")
        if bound.certificate is None and self.required:
            raise InvalidCredentialError("unbound-token")
        self._judge_certificate(bound, environ)

    def shown_with_proof(self, principal: Principal, token: str, asked: Request) -> None:
        """Raises InvalidCredentialError, DpopNonceRequiredError or StoreUnavailableError unless the token is bound to the proof's key."""
        bound = bound_to(principal.claims)
        if self.proofs is None or bound.key is None:
            raise InvalidCredentialError("unbound-token")
        self._judge_certificate(bound, asked.environ)
        proven = self.proofs.judge(_one_proof(asked.environ), self._target(asked), token=token, key=bound.key)
        _hand_out(proven)

    def key_of(self, asked: Request) -> str | None:
        """The thumbprint of the key that *asked*, which asks for a token, shows a proof of; None where it shows none.

        Raises what a proof that does not hold raises, and InvalidRequestError where a token needs one and none is shown.
        """
        if _PROOF not in asked.environ:
            if self.required:
                raise InvalidRequestError("no-proof")
            return None
        if self.proofs is None:
            raise InvalidRequestError("no-proofs-here")
        proven = self.proofs.judge(_one_proof(asked.environ), self._target(asked))
        _hand_out(proven)
        return proven.key

    def _judge_certificate(self, bound: Bound, environ: Mapping[str, object]) -> None:
        if bound.certificate is None:
            return
        shown = None if self.certificates is None else self.certificates.thumbprint(environ)
        if shown is None or not hmac.compare_digest(shown, bound.certificate):
            raise InvalidCredentialError("other-certificate")

    def _target(self, asked: Request) -> Target:
        environ = asked.environ
        path = f"{environ.get('SCRIPT_NAME', '')}{environ.get('PATH_INFO', '')}".encode("latin-1", "replace")
        if self._host:
            return target_of(asked.method, self._scheme, self._host, path)
        caller = self._proxies.caller(environ)
        return target_of(asked.method, caller.scheme, caller.host, path)


def open_binding(settings: Settings, redeem: Redeem | None, clock: Clock) -> Binding:
    """What the settings declare. *redeem* remembers used proofs. Raises SettingError for what cannot work."""
    required, key = by_level(settings, REQUIRE_BOUND_TOKENS, True), settings.get(DPOP_NONCE_KEY)
    algorithms: tuple[str, ...] = settings.get(DPOP_ALGORITHMS)
    nonces = None if key is None else Nonces(key, clock)
    proofs = None if redeem is None else DpopProofs(redeem, clock, algorithms=algorithms, nonces=nonces)
    proxies = proxies_from(settings)
    certificates = open_certificates(settings, proxies, clock)
    if proofs is None and (nonces is not None or (required and certificates is None)):
        raise SettingError("DPoP proofs are taken once, but nothing remembers the used ones; set STOPPER_DATABASE_URL")
    if required and proofs is not None and not settings.get(PUBLIC_URL):
        _log.warning(
            "STOPPER_PUBLIC_URL is not set, so a proof that was made for another host passes where a request names that host; set it to"
            " the scheme and host that clients use"
        )
    return Binding(proofs, proxies, required=required, public_url=settings.get(PUBLIC_URL), certificates=certificates)


def _one_proof(environ: Mapping[str, object]) -> str:
    """The one DPoP header. Servers join two by a comma, which no proof holds."""
    shown = environ.get(_PROOF)
    if not isinstance(shown, str) or not shown:
        raise InvalidCredentialError("no-proof")
    if len(shown) > MAX_PROOF or "," in shown:
        raise InvalidRequestError("dpop-header")
    return shown.strip(" \t")


def _hand_out(proven: Proven) -> None:
    nonce = proven.next_nonce
    if nonce is None:
        return

    def write(answer: Response) -> Response:
        answer.headers["DPoP-Nonce"] = nonce
        return answer

    after_this_request(write)


def _checked_url(said: str) -> tuple[str, str]:
    if not said:
        return "", ""
    wrong = SettingError("STOPPER_PUBLIC_URL is a scheme and a host, such as https://api.example.com")
    try:
        parts = urlsplit(said)
        fits = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        raise wrong from None
    if not fits or parts.path not in ("", "/") or parts.query or parts.fragment or "@" in parts.netloc:
        raise wrong
    return parts.scheme, parts.netloc
