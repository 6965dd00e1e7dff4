"""Looks at a server's TLS over connections of its own. Nothing but handshakes is sent there, so no check of the scan is weakened."""

import ipaddress
import ssl
import warnings
from datetime import UTC, datetime
from typing import Final, Literal

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import rsa

from stopper.core.tls import WEAK_CIPHERS, CertificateSeen, TlsSeen
from stopper.scan.wire.tls_ciphers import Connect, weak_ciphers

Answer = tuple[Literal["taken", "refused", "untested"], str]

_OLD: Final = {"TLS 1.0": ("TLSv1", b"\x03\x01"), "TLS 1.1": ("TLSv1_1", b"\x03\x02")}
_UNREADABLE: Final = (
    OSError,
    ValueError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)
"""What a handshake, or a certificate that somebody made up, can come to."""
_OTHER_VERSION: Final = ("UNSUPPORTED_PROTOCOL", "WRONG_SSL_VERSION", "WRONG_VERSION_NUMBER")
"""What this side says when the server answers in another version than the one it was offered."""


def look(connect: Connect, host: str, trusting: ssl.SSLContext) -> TlsSeen:
    """What the server at *connect* takes and shows. ``trusting`` is the context of the scan's own requests."""
    now = datetime.now(UTC)
    certificate, weak, unread = None, "", ""
    try:
        certificate, weak = _certificate(connect, host, trusting)
    except _UNREADABLE as error:
        unread = _why(error)
    answers = {version: _old_version(connect, host, version) for version in _OLD}

    def those(kind: str) -> tuple[str, ...]:
        return tuple(version for version, (answer, _) in answers.items() if answer == kind)

    untested = [(version, answers[version][1]) for version in those("untested")]
    ciphers, unclear = weak_ciphers(connect, host)
    untested += [(WEAK_CIPHERS, unclear)] if unclear else []
    return TlsSeen(now, those("taken"), those("refused"), tuple(untested), certificate, unread, weak, ciphers)


def _certificate(connect: Connect, host: str, trusting: ssl.SSLContext) -> tuple[CertificateSeen, str]:
    """The certificate of a normal handshake; where that fails, of one that takes any. Beside it stands why a normal handshake failed
    when it was not for the certificate."""
    try:
        return _read(_shown(connect, host, trusting), host, ""), ""
    except ssl.SSLCertVerificationError as refused:
        return _read(_shown(connect, host, _any_server()), host, _why(refused)), ""
    except ssl.SSLEOFError:
        raise  # cut off, which says nothing
    except ssl.SSLError as refused:
        return _read(_shown(connect, host, _any_server()), host, ""), _why(refused)


def _shown(connect: Connect, host: str, context: ssl.SSLContext) -> bytes:
    with connect() as link, context.wrap_socket(link, server_hostname=host) as shaken:
        found = shaken.getpeercert(binary_form=True)
    if not found:
        raise ValueError("the server shows no certificate")
    return found


def _read(der: bytes, host: str, trouble: str) -> CertificateSeen:
    one = x509.load_der_x509_certificate(der)
    key = one.public_key()
    return CertificateSeen(
        one.not_valid_before_utc,
        one.not_valid_after_utc,
        not trouble or _fits(one, host),
        one.issuer == one.subject,
        key.key_size if isinstance(key, rsa.RSAPublicKey) else None,
        one.signature_hash_algorithm.name if one.signature_hash_algorithm else None,
        trouble,
    )


def _fits(one: x509.Certificate, host: str) -> bool:
    """Whether the certificate names the host (RFC 9525 §6). Only where it has no names of that kind its common name counts."""
    try:
        names = one.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        names = None
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        known = names.get_values_for_type(x509.DNSName) if names is not None else []
    else:
        return names is not None and address in names.get_values_for_type(x509.IPAddress)
    common = [str(part.value) for part in one.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)]
    return any(_same_name(name.lower(), host.lower().rstrip(".")) for name in known or common)


def _same_name(pattern: str, host: str) -> bool:
    """Whether the names are one; ``*.`` stands for exactly one label."""
    if pattern.startswith("*."):
        return pattern[2:] == host.partition(".")[2]
    return pattern == host


def _old_version(connect: Connect, host: str, version: str) -> Answer:
    context = _only(version)
    if context is None:
        return "untested", "the OpenSSL of this machine does not speak it"
    try:
        link = connect()
    except OSError as error:
        return "untested", f"no connection: {_why(error)}"
    try:
        with link, context.wrap_socket(link, server_hostname=host):
            return "taken", ""
    except TimeoutError:
        return "untested", "the server did not answer in time"
    except (ssl.SSLEOFError, ConnectionError):
        return "refused", ""
    except ssl.SSLError as error:
        # An alert is the server's word. Anything else went wrong on this side, which says nothing of the server.
        said = error.reason or ""
        return ("refused", "") if "ALERT" in said or said in _OTHER_VERSION else ("untested", _why(error))
    except OSError as error:
        return "untested", _why(error)


def _only(version: str) -> ssl.SSLContext | None:
    """A context that speaks *version* alone, or None where this machine's OpenSSL cannot."""
    name, number = _OLD[version]
    context = _any_server()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # it is asked for because it is old
            context.minimum_version = context.maximum_version = ssl.TLSVersion[name]
    except (ValueError, ssl.SSLError):
        return None
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    try:
        context.wrap_bio(incoming, outgoing).do_handshake()
    except ssl.SSLWantReadError:
        hello = outgoing.read()
    except ssl.SSLError:
        return None
    else:
        return None
    return context if hello[9:11] == number else None


def _any_server() -> ssl.SSLContext:
    """Takes every certificate and cipher. Only for handshakes that nothing follows."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    return context


def _why(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message.rstrip(".")
    if isinstance(error, ssl.SSLError) and error.reason:
        return error.reason.lower().replace("_", " ")
    if isinstance(error, TimeoutError):
        return "timed out"
    return (isinstance(error, OSError) and error.strerror) or str(error) or type(error).__name__
