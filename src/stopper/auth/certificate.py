"""A client certificate as a credential: signed by an authority that we name, in date, and made for clients."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from stopper.auth import base64url
from stopper.auth.clock import Clock
from stopper.core.errors import InvalidCredentialError, SettingError
from stopper.core.principal import Principal, frozen

MAX_DER: Final = 12_288
SECONDS: Final = 60.0
"""How long a verified certificate is remembered; its dates are judged on every use."""
_KEPT: Final = 1024


class _Known(NamedTuple):
    principal: Principal
    starts: float
    ends: float
    until: float


def certificate_thumbprint(der: bytes) -> str:
    """The ``x5t#S256`` of a certificate (RFC 8705 §3.1)."""
    return base64url.encode(hashlib.sha256(der).digest())


class Certificates:
    """Verifies client certificates against *authorities*. Safe for threads."""

    def __init__(self, authorities: Sequence[x509.Certificate], clock: Clock) -> None:
        """Raises SettingError without an authority."""
        if not authorities:
            raise SettingError("a client certificate is signed by somebody: name the authorities")
        self._store = Store(list(authorities))
        self._clock = clock
        self._known: dict[bytes, _Known] = {}

    @classmethod
    def from_file(cls, path: Path, clock: Clock) -> "Certificates":
        """The authorities in a PEM file. Raises SettingError when it holds none."""
        try:
            authorities = x509.load_pem_x509_certificates(path.read_bytes())
        except (OSError, ValueError):
            authorities = []
        if not authorities:
            raise SettingError(f"{path} holds no certificate in PEM; name the file of your client authorities")
        return cls(authorities, clock)

    def verify(self, der: bytes) -> Principal:
        """Who acts with the certificate *der*, whose key the TLS handshake has proven.

        The subject is its first name: a URI (as SPIFFE has it), then a DNS name, then a mail address. Raises InvalidCredentialError.
        """
        digest, now = hashlib.sha256(der).digest(), self._clock()
        known = self._known.get(digest)
        if known is None or now >= known.until:
            known = self._verified(der, now)
            if len(self._known) >= _KEPT:
                self._known = {}
            self._known[digest] = known
        if not known.starts <= now < known.ends:
            raise InvalidCredentialError("certificate-date")
        return known.principal

    def _verified(self, der: bytes, now: float) -> _Known:
        if len(der) > MAX_DER:
            raise InvalidCredentialError("certificate-too-long")
        found, reason = self._judged(der, now)
        if found is None:
            raise InvalidCredentialError(reason)
        starts, ends = found.not_valid_before_utc.timestamp(), found.not_valid_after_utc.timestamp()
        return _Known(_principal(found, der), starts, ends, now + SECONDS)

    def _judged(self, der: bytes, now: float) -> tuple[x509.Certificate | None, str]:
        verifier = PolicyBuilder().store(self._store).time(datetime.fromtimestamp(now, UTC)).build_client_verifier()
        try:
            found = x509.load_der_x509_certificate(der)
        except (ValueError, UnsupportedAlgorithm):
            return None, "certificate-form"
        try:
            verifier.verify(found, [])
        except (VerificationError, ValueError, UnsupportedAlgorithm):
            return None, "certificate-chain"
        return (found, "") if _is_for_clients(found) else (None, "certificate-usage")


def _principal(found: x509.Certificate, der: bytes) -> Principal:
    names = _names(found)
    if not names:
        raise InvalidCredentialError("certificate-name")
    thumbprint = certificate_thumbprint(der)
    claims = frozen(
        {
            "sub": names[0],
            "jti": thumbprint,
            "iat": int(found.not_valid_before_utc.timestamp()),
            "names": names,
            "issuer": found.issuer.rfc4514_string(),
            "serial": format(found.serial_number, "x"),
        }
    )
    return Principal(names[0], "client_certificate", claims=claims, credential_id=thumbprint)  # type: ignore[arg-type]


def _is_for_clients(found: x509.Certificate) -> bool:
    # RFC 5280 §4.2.1.12 takes a missing extension for "everything"; then a server's certificate would be a client's too.
    try:
        return ExtendedKeyUsageOID.CLIENT_AUTH in found.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except (x509.ExtensionNotFound, ValueError):
        return False


def _names(found: x509.Certificate) -> list[str]:
    try:
        said = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        names = [
            *said.get_values_for_type(x509.UniformResourceIdentifier),
            *said.get_values_for_type(x509.DNSName),
            *said.get_values_for_type(x509.RFC822Name),
        ]
    except (x509.ExtensionNotFound, ValueError):
        return []
    return [name for name in names if name and len(name) <= 255 and name.isprintable()]
