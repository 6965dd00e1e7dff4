"""TLS servers on the loopback that are weak in one way each, with the authority that vouches for them."""

import socket
import ssl
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

HOST = "api.example.com"
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"
_Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@dataclass(frozen=True)
class Authority:
    """Signs certificates; ``file`` is what a client trusts."""

    key: ec.EllipticCurvePrivateKey
    name: x509.Name
    file: Path


def authority(folder: Path) -> Authority:
    key, name = ec.generate_private_key(ec.SECP256R1()), _name("authority of a test")
    made = _builder(name, name, key, (-1, 1)).add_extension(
        x509.BasicConstraints(ca=True, path_length=None), critical=True
    )
    usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
    made = made.add_extension(usage, critical=True)
    file = folder / "authority.pem"
    file.write_bytes(made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    return Authority(key, name, file)


def certificate(
    folder: Path, by: Authority | None, *, host: str = HOST, days: tuple[int, int] = (-1, 1), rsa_bits: int = 0
) -> Path:
    """A file with key and certificate; without an authority it is signed by itself."""
    key: _Key = rsa.generate_private_key(65537, rsa_bits) if rsa_bits else ec.generate_private_key(ec.SECP256R1())
    name = _name(host)
    made = _builder(name, by.name if by else name, key, days)
    made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
    signed = made.sign(by.key if by else key, hashes.SHA256())
    file = folder / "server.pem"
    plain = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(plain + signed.public_bytes(serialization.Encoding.PEM))
    return file


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _builder(name: x509.Name, issuer: x509.Name, key: _Key, days: tuple[int, int]) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(issuer).public_key(key.public_key())
    made = made.serial_number(x509.random_serial_number())
    return made.not_valid_before(now + timedelta(days=days[0])).not_valid_after(now + timedelta(days=days[1]))


class TlsServer:
    """Answers ``{}`` to every request until it is closed, and keeps what was sent to it."""

    def __init__(
        self, file: Path, *, old: bool = False, newest: ssl.TLSVersion | None = None, ciphers: str = "ALL:!aNULL"
    ) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.set_ciphers(f"{ciphers}:@SECLEVEL=0")  # only so can it hold a short key or speak an old version
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            self._context.minimum_version = ssl.TLSVersion.TLSv1 if old else ssl.TLSVersion.TLSv1_2
            if newest is not None:
                self._context.maximum_version = newest
        self._context.load_cert_chain(file)
        self.heard: list[bytes] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                link, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._one, args=(link,), daemon=True).start()

    def _one(self, link: socket.socket) -> None:
        link.settimeout(10)
        with link, suppress(OSError), self._context.wrap_socket(link, server_side=True) as safe:
            asked = safe.recv(65536)
            if asked:
                self.heard.append(asked)
                safe.sendall(_ANSWER)

    def close(self) -> None:
        self._listener.close()


@contextmanager
def serving(file: Path, **how: Any) -> Iterator[TlsServer]:
    server = TlsServer(file, **how)
    try:
        yield server
    finally:
        server.close()
