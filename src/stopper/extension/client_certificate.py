"""The client certificate that a trusted proxy hands on in a header. From anybody else that header is ignored, and without a setting always."""

import base64
import binascii
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final, cast
from urllib.parse import unquote_to_bytes

from stopper.auth.certificate import Certificates, certificate_thumbprint
from stopper.auth.clock import Clock
from stopper.core.errors import InvalidCredentialError, InvalidRequestError, SettingError
from stopper.core.principal import Principal
from stopper.core.settings import Settings, text
from stopper.extension.credentials import header_key
from stopper.extension.proxies import Proxies

HEADER: Final = text(
    "CLIENT_CERTIFICATE_HEADER",
    "",
    "The header in which your proxies hand on the client's certificate, such as Client-Cert; unset: no certificate is read.",
)
FORMAT: Final = text(
    "CLIENT_CERTIFICATE_FORMAT",
    "rfc9440",
    "How it stands there: `rfc9440` (`:base64:`), `pem` (percent-encoded PEM, as nginx writes it) or `xfcc` (as Envoy writes it).",
    choices=("rfc9440", "pem", "xfcc"),
)
AUTHORITIES: Final = text(
    "CLIENT_CERTIFICATE_AUTHORITIES",
    "",
    "A PEM file with the authorities whose client certificates are a credential of their own (`client_certificate`).",
)
MAX_HEADER: Final = 32_768
_BYTES: Final = re.compile(r":([A-Za-z0-9+/]+={0,2}):")
# One class between the two lines, white space in it: two beside each other would share it out in every way.
_PEM: Final = re.compile(rb"\s*-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----\s*")
_XFCC: Final = re.compile(r'([A-Za-z]+)=(?:"((?:[^"\\]|\\.)*)"|([^";,]*))(?:;|\Z)')


class ShownCertificates:
    """Reads and verifies the certificates of one application's requests."""

    def __init__(self, proxies: Proxies, header: str, form: str, certificates: Certificates | None) -> None:
        """*certificates* verifies those that stand alone; None where they only confirm tokens."""
        self._proxies = proxies
        self._name = header_key(header)
        self._form = form
        self._certificates = certificates

    @property
    def stands_alone(self) -> bool:
        """Whether a certificate can be a credential of its own."""
        return self._certificates is not None

    def der(self, environ: Mapping[str, object]) -> bytes | None:
        """The certificate of this request; None where no trusted proxy hands one on. Raises InvalidRequestError for what is none."""
        said = environ.get(self._name)
        if not isinstance(said, str) or not said or not self._proxies.is_proxy(environ):
            return None
        found = _decoded(said, self._form) if len(said) <= MAX_HEADER else None
        if not found:
            raise InvalidRequestError("certificate-header")
        return found

    def thumbprint(self, environ: Mapping[str, object]) -> str | None:
        """The ``x5t#S256`` of this request's certificate."""
        found = self.der(environ)
        return None if found is None else certificate_thumbprint(found)

    def authenticate(self, der: bytes) -> Principal:
        """Who acts with it. Raises InvalidCredentialError."""
        if self._certificates is None:
            raise InvalidCredentialError("no-authorities")
        return self._certificates.verify(der)


def open_certificates(settings: Settings, proxies: Proxies, clock: Clock) -> ShownCertificates | None:
    """What the settings declare; None where no header is named. Raises SettingError for what anybody could forge."""
    header, authorities = settings.get(HEADER), settings.get(AUTHORITIES)
    if not header:
        if authorities:
            raise SettingError(
                "STOPPER_CLIENT_CERTIFICATE_AUTHORITIES is set, but not the header; set STOPPER_CLIENT_CERTIFICATE_HEADER"
            )
        return None
    if not re.fullmatch(r"[A-Za-z0-9-]{1,64}", header) or header.lower() in ("authorization", "cookie", "host", "dpop"):
        raise SettingError(f"STOPPER_CLIENT_CERTIFICATE_HEADER cannot be {header[:64]!r}; use Client-Cert")
    if not proxies.trusted:
        raise SettingError(
            "STOPPER_CLIENT_CERTIFICATE_HEADER is set, but no proxy is trusted, so anybody could write it; set STOPPER_TRUSTED_PROXIES"
        )
    if isinstance(proxies.trusted, int):
        raise SettingError(
            "STOPPER_TRUSTED_PROXIES is a number, so nobody can tell a proxy from a stranger who writes the certificate's header; name"
            " the networks of your proxies, or unix"
        )
    certificates = Certificates.from_file(Path(authorities), clock) if authorities else None
    return ShownCertificates(proxies, header, settings.get(FORMAT), certificates)


def _decoded(said: str, form: str) -> bytes | None:
    """The DER in a header; None for what is none, two certificates among it."""
    if form == "rfc9440":
        found = _BYTES.fullmatch(said.strip(" \t"))
        return None if found is None else _base64(found[1].encode("ascii"))
    escaped = said if form == "pem" else _xfcc(said)
    block = None if escaped is None else _PEM.fullmatch(unquote_to_bytes(escaped))
    return None if block is None else _base64(b"".join(cast("bytes", block[1]).split()))


def _base64(text: bytes) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


def _xfcc(said: str) -> str | None:
    """The one ``Cert`` of the one element: two elements mean that the proxy did not take the client's own header away."""
    found: str | None = None
    at = 0
    while at < len(said):
        pair = _XFCC.match(said, at)
        if pair is None:
            return None
        if pair[1].lower() == "cert":
            if found is not None:
                return None
            found = pair[2] if pair[2] is not None else pair[3]
        at = pair.end()
    return found
