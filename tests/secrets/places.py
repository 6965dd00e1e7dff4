"""Places that keep signing keys, each real or speaking what its maker documents: made, rotated, and taken away by tests."""

import base64
import json
import os
import shutil
import subprocess
import sys
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, Protocol

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature
from tests.secrets import kms_server
from tests.secrets.clouds import START, TOKEN, Answer, Cloud
from tests.secrets.door import Door, answers
from tests.secrets.openbao import HERE, OpenBao

from stopper.core.secret import Secret
from stopper.secrets import Access, VaultAccess
from stopper.secrets.backends import Pkcs11Access

MODULES = ("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/pkcs11/libsofthsm2.so", "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so")  # fmt: skip


class Place(Protocol):
    """One place with one key. ``text`` names it as a setting does."""

    text: str
    access: Access

    def rotate(self) -> None:
        """A new key pair is the newest one from now on."""

    def away(self, gone: bool) -> None:
        """Nobody answers there, or it does again."""


class Transit:
    """A key of a real OpenBao, behind a door. Its token may sign with this key and read its public half, and nothing else."""

    def __init__(self, bao: OpenBao, door: Door, kind: str) -> None:
        self._bao, self._door = bao, door
        self._name = f"key-{kind}-{os.urandom(4).hex()}"
        bao.call("POST", f"transit/keys/{self._name}", {"type": kind})
        bao.policy(f"reads-{self._name}", f"transit/keys/{self._name}")
        bao.policy(f"signs-{self._name}", f"transit/sign/{self._name}", f"transit/sign/{self._name}/*", may="update")
        self.token = bao.token(f"reads-{self._name}", f"signs-{self._name}", ttl="1h")
        shown = Secret(self.token)
        self.access = Access(vault=VaultAccess(door.url, ca_file=str(bao.ca_file), token=lambda: shown))
        self.text = f"vault-transit:transit/{self._name}"

    def rotate(self) -> None:
        self._bao.call("POST", f"transit/keys/{self._name}/rotate", {})

    def away(self, gone: bool) -> None:
        self._door.fault = answers("503 Service Unavailable", b'{"errors": ["sealed"]}') if gone else None


class Kms:
    """A key of a local KMS behind an alias; a rotation makes a new key and moves the alias."""

    def __init__(self, cloud: Cloud, keys: list[Any], aliases: dict[str, int], spec: str) -> None:
        self._cloud, self._keys, self._aliases, self._spec = cloud, keys, aliases, spec
        self._alias = f"alias/stopper-{os.urandom(4).hex()}"
        self.rotate()
        self.access = Access(aws_region="eu-central-1")
        self.text = f"aws-kms:{self._alias}"

    def rotate(self) -> None:
        self._keys.append(kms_server.MAKE[self._spec]())
        self._aliases[self._alias] = len(self._keys) - 1

    def away(self, gone: bool) -> None:
        self._cloud.broken = gone


class KeyVault:
    """A key in a local server that speaks Azure Key Vault's interface and signs for real."""

    def __init__(self, cloud: Cloud, keys: "dict[str, list[Any]]", kind: str) -> None:
        self._cloud, self._keys, self._kind = cloud, keys, kind
        self._name = f"stopper-{kind.lower()}"
        keys[self._name] = []
        self.rotate()
        self.access = Access()
        self.text = f"azure-key:{HERE}:{cloud.port}/{self._name}"

    def rotate(self) -> None:
        made = (
            rsa.generate_private_key(65537, 3072)
            if self._kind == "RSA"
            else ec.generate_private_key(_CURVES[self._kind])
        )
        self._keys[self._name].append(made)

    def away(self, gone: bool) -> None:
        self._cloud.broken = gone


_CURVES = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1()}


def _b64(number: "int | bytes", size: int = 0) -> str:
    raw = number if isinstance(number, bytes) else number.to_bytes(size or (number.bit_length() + 7) // 8, "big")
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def key_vault(keys: "dict[str, list[Any]]"):  # type: ignore[no-untyped-def]
    """GET /keys/{name}/{version} and POST /keys/{name}/{version}/sign, after the challenge of a bearer token."""

    def decide(cloud: Cloud, request: BaseHTTPRequestHandler) -> Answer:
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            challenge = (
                f'Bearer authorization="https://login.microsoftonline.com/t", resource="https://0.0.1:{cloud.port}"'
            )
            return 401, {"error": {"code": "Unauthorized", "message": "no token"}}, {"WWW-Authenticate": challenge}
        if cloud.forbidden:
            return 403, {"error": {"code": "Forbidden", "message": "no right"}}, {}
        _, _, name, *rest = request.path.partition("?")[0].split("/")
        kept = keys.get(name, [])
        place = int(rest[0], 16) if rest and rest[0] else len(kept) - 1
        if not 0 <= place < len(kept):
            return 404, {"error": {"code": "KeyNotFound", "message": "not found"}}, {}
        kid = f"https://{HERE}:{cloud.port}/keys/{name}/{place:032x}"
        if request.command == "POST":
            asked = json.loads(request.sent)  # type: ignore[attr-defined]
            return _signed(kept[place], asked, kid)
        shown = {"kid": kid, "key_ops": ["sign", "verify"], **_jwk(kept[place])}
        return (
            200,
            {"key": shown, "attributes": {"enabled": True, "created": START + place, "updated": START + place}},
            {},
        )

    return decide


def _jwk(key: Any) -> dict[str, str]:
    numbers = key.public_key().public_numbers()
    if isinstance(key, rsa.RSAPrivateKey):
        return {"kty": "RSA", "n": _b64(numbers.n), "e": _b64(numbers.e)}
    size = (key.key_size + 7) // 8
    return {"kty": "EC", "crv": f"P-{key.key_size}", "x": _b64(numbers.x, size), "y": _b64(numbers.y, size)}


def _signed(key: Any, asked: dict[str, str], kid: str) -> Answer:
    value = base64.urlsafe_b64decode(asked["value"] + "==")
    kind = {32: hashes.SHA256(), 48: hashes.SHA384()}.get(len(value))
    fits = asked["alg"] in (("RS256", "PS256") if isinstance(key, rsa.RSAPrivateKey) else (f"ES{key.key_size}",))
    if kind is None or not fits:
        return 400, {"error": {"code": "BadParameter", "message": "no digest of that algorithm"}}, {}
    if isinstance(key, rsa.RSAPrivateKey):
        way = padding.PKCS1v15() if asked["alg"] == "RS256" else padding.PSS(padding.MGF1(kind), kind.digest_size)
        made = key.sign(value, way, Prehashed(kind))
    else:
        size = (key.key_size + 7) // 8
        made = b"".join(
            n.to_bytes(size, "big") for n in decode_dss_signature(key.sign(value, ec.ECDSA(Prehashed(kind))))
        )
    return 200, {"kid": kid, "value": _b64(made)}, {}


class SoftToken:
    """Key pairs of one label in a real SoftHSM. Its folder is this run's own."""

    PIN = "canary-pin-74"

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._label = f"signing-{os.urandom(4).hex()}"
        self._count = 0
        self.shown: Secret | None = Secret(self.PIN)
        self.rotate()
        self.access = Access(pkcs11=Pkcs11Access(soft_module(), lambda: self.shown))
        self.text = f"pkcs11:token=stopper%20tests;object={self._label}"

    def rotate(self) -> None:
        """By another process, as an administrator would."""
        self._count += 1
        kind, params = _KINDS[self._kind]
        subprocess.run(
            [sys.executable, "-c", _MAKE, soft_module(), self.PIN, self._label, str(self._count), kind, params],
            check=True, timeout=60,
        )  # fmt: skip

    def away(self, gone: bool) -> None:
        """The token is pulled out, or put in again."""
        folder = Path(os.environ["SOFTHSM2_CONF"]).parent
        if gone:
            (folder / "tokens").rename(folder / "out")
            (folder / "tokens").mkdir()
        else:
            shutil.rmtree(folder / "tokens")
            (folder / "out").rename(folder / "tokens")
        end_sessions()


def end_sessions() -> None:
    """Every session of this process ends, and the module looks anew for its tokens."""
    import pkcs11

    pkcs11.lib(soft_module()).reinitialize()


_KINDS = {
    "P-256": ("EC", "06082a8648ce3d030107"), "P-384": ("EC", "06052b81040022"), "Ed25519": ("EC_EDWARDS", "06032b6570"),
    "RSA": ("RSA", ""),
}  # fmt: skip
_MAKE = """
import sys
import pkcs11 as p
module, pin, label, number, kind, params = sys.argv[1:]
named = {"store": True, "label": label, "id": int(number).to_bytes(2, "big")}
session = p.lib(module).get_token(token_label="stopper tests").open(rw=True, user_pin=pin)
if kind == "RSA":
    session.generate_keypair(p.KeyType.RSA, 3072, **named)
else:
    made = session.create_domain_parameters(getattr(p.KeyType, kind), {p.Attribute.EC_PARAMS: bytes.fromhex(params)}, local=True)
    way = {"mechanism": p.Mechanism.EC_EDWARDS_KEY_PAIR_GEN} if kind == "EC_EDWARDS" else {}
    made.generate_keypair(**named, **way)
"""


def soft_module() -> str:
    """The library of SoftHSM; the test is skipped where it is not installed."""
    found = next(
        (path for path in (os.environ.get("STOPPER_TEST_SOFTHSM", ""), *MODULES) if path and Path(path).exists()), ""
    )
    if not found or shutil.which("softhsm2-util") is None:
        pytest.skip("capability missing: softhsm2")
    return found


def soft_tokens(folder: Path) -> None:
    """A SoftHSM of this run with one token."""
    soft_module()
    (folder / "tokens").mkdir()
    (folder / "softhsm2.conf").write_text(
        f"directories.tokendir = {folder}/tokens\nobjectstore.backend = file\nlog.level = ERROR\n"
    )
    os.environ["SOFTHSM2_CONF"] = str(folder / "softhsm2.conf")
    subprocess.run(
        ["softhsm2-util", "--init-token", "--free", "--label", "stopper tests", "--pin", SoftToken.PIN, "--so-pin", "so-pin-123"],
        check=True, capture_output=True, timeout=60,
    )  # fmt: skip
