"""Signatures by a hardware token over PKCS#11: ``pkcs11:token=stopper;object=signing`` (RFC 7512)."""

import os
import threading
from collections.abc import Callable
from typing import Any, Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from stopper.auth.forking import in_each_child
from stopper.auth.verification_key import PublicKey
from stopper.core.secret import Secret
from stopper.secrets.backends import Pkcs11Access
from stopper.secrets.errors import Cause, FetchError
from stopper.secrets.extra import library
from stopper.secrets.key_holder import KeyVersion, digest
from stopper.secrets.key_place import token_and_object

_ED25519: Final = (bytes.fromhex("06032b6570"), b"\x13\x0cedwards25519")
"""CKA_EC_PARAMS of Ed25519: its OID (RFC 8410 §3), or its name as PKCS#11 v3 has it."""
_CURVES: Final = {
    bytes.fromhex("06082a8648ce3d030107"): ec.SECP256R1(),
    bytes.fromhex("06052b81040022"): ec.SECP384R1(),
}
_MISSING: Final = ("NoSuchKey", "MultipleObjectsReturned", "MultipleTokensReturned")
_PIN: Final = ("PinIncorrect", "PinLocked", "PinExpired", "PinInvalid", "PinLenRange", "UserPinNotInitialized")

Work = Callable[[Any, str], Any]
"""What is done in a session with a label."""


def open_module(access: Pkcs11Access) -> "Pkcs11Token":
    """The holder of ``pkcs11:`` keys. Raises FetchError where no module is set, or its extra is not installed."""
    if not access.module:
        raise FetchError("missing", "the PKCS#11 library is not set; set STOPPER_PKCS11_MODULE to its path")
    return Pkcs11Token(access)


class Pkcs11Token:
    """Key pairs of one label in one token; of several the one with the greatest CKA_ID is the newest. One call at a time."""

    def __init__(self, access: Pkcs11Access) -> None:
        self._pkcs11 = library("pkcs11", "pkcs11")
        self._access = access
        self._sessions: dict[str, Any] = {}
        self._owner = os.getpid()
        self._wrong_pin: Secret | None = None
        self._new_lock()
        in_each_child(self._new_lock)

    def newest(self, path: str) -> KeyVersion:
        """The key pair of that label with the greatest id. Raises FetchError."""
        found = self._guarded(path, self._newest)
        if not isinstance(found, KeyVersion):
            raise FetchError(
                "missing", f"the token holds no key pair that signs tokens under {path}; make it, or mend the place"
            )
        return found

    def sign(self, path: str, version: str, algorithm: str, message: bytes) -> bytes:
        """The signature by the private key of that id. Raises FetchError."""

        def work(session: Any, label: str) -> Any:
            return self._sign(session, label, version, algorithm, message)

        return bytes(self._guarded(path, work))

    def _newest(self, session: Any, label: str) -> KeyVersion | None:
        names = self._pkcs11.Attribute
        wanted = {names.CLASS: self._pkcs11.ObjectClass.PUBLIC_KEY, names.LABEL: label}
        keys = sorted(session.get_objects(wanted), key=lambda one: int.from_bytes(one[names.ID], "big"))
        public = _public_key(keys[-1], names, self._pkcs11.KeyType) if keys else None
        return None if public is None else KeyVersion(bytes(keys[-1][names.ID]).hex(), public)

    def _sign(self, session: Any, label: str, version: str, algorithm: str, message: bytes) -> Any:
        key = session.get_key(self._pkcs11.ObjectClass.PRIVATE_KEY, label=label, id=bytes.fromhex(version))
        ways = self._pkcs11.Mechanism
        if algorithm == "EdDSA":
            return key.sign(message, mechanism=ways.EDDSA)
        if algorithm == "RS256":
            return key.sign(message, mechanism=ways.SHA256_RSA_PKCS)
        if algorithm == "PS256":  # RFC 7518 §3.5: the salt is as long as the hash
            salted = (ways.SHA256, self._pkcs11.MGF.SHA256, 32)
            return key.sign(message, mechanism=ways.SHA256_RSA_PKCS_PSS, mechanism_param=salted)
        return key.sign(digest(algorithm, message), mechanism=ways.ECDSA)  # gives R and S side by side

    def _guarded(self, path: str, work: Work) -> Any:
        token, label = token_and_object(path)
        # Errors are handed back and raised here: a frame below holds the PIN.
        with self._lock:
            found = self._worked(token, label, work)
        if isinstance(found, FetchError):
            raise found
        return found

    def _worked(self, token: str, label: str, work: Work) -> Any:
        kind = ""
        # A session that the token ended, or that another part of this process logged out, is made anew once.
        for _ in range(2 if token in self._sessions else 1):
            try:
                return work(self._session(token), label)
            except FetchError as wrong:
                return wrong
            except Exception as wrong:  # noqa: BLE001 - a driver in C raises its own kinds, and more
                kind = type(wrong).__name__
            self._sessions.pop(token, None)
        return FetchError(_cause(kind), f"the token {token} does not sign with {label} ({kind}); {_mend(kind)}")

    def _session(self, token: str) -> Any:
        """One session a process and token: what a parent opened is not used in a forked child."""
        library = self._pkcs11.lib(self._access.module)
        if self._owner != os.getpid():
            self._sessions.clear()
            library.reinitialize()
            self._owner = os.getpid()
        if token not in self._sessions:
            self._sessions[token] = self._entered(library.get_token(token_label=token))
        return self._sessions[token]

    def _entered(self, token: Any) -> Any:
        pin = self._access.pin()
        if pin is None:
            raise FetchError("denied", "the token asks for its PIN; set STOPPER_PKCS11_PIN, best as file:…")
        # Tried again and again, a wrong PIN locks the token for good.
        if self._wrong_pin is not None and pin == self._wrong_pin:
            raise FetchError("denied", "the token refused this PIN and is not asked again; set STOPPER_PKCS11_PIN anew")
        try:
            return token.open(user_pin=pin.reveal())
        except (
            self._pkcs11.UserAlreadyLoggedIn
        ):  # by another part of this process: the log-in counts for all of its sessions
            return token.open()
        except Exception as wrong:
            if type(wrong).__name__ in _PIN:
                self._wrong_pin = pin
            raise

    def _new_lock(self) -> None:
        self._lock = threading.Lock()


def _public_key(key: Any, names: Any, kinds: Any) -> PublicKey | None:
    if key[names.KEY_TYPE] == kinds.RSA:
        numbers = (int.from_bytes(key[name], "big") for name in (names.PUBLIC_EXPONENT, names.MODULUS))
        return rsa.RSAPublicNumbers(*numbers).public_key()
    curve, point = bytes(key[names.EC_PARAMS]), bytes(key[names.EC_POINT])
    try:
        if curve in _ED25519:
            return ed25519.Ed25519PublicKey.from_public_bytes(_inside(point, 32))
        if curve in _CURVES:
            size = (_CURVES[curve].key_size + 7) // 8
            return ec.EllipticCurvePublicKey.from_encoded_point(_CURVES[curve], _inside(point, 2 * size + 1))
    except (ValueError, UnsupportedAlgorithm):
        pass
    return None


def _inside(point: bytes, size: int) -> bytes:
    """The point within its OCTET STRING; some tokens give it bare."""
    return point if len(point) == size else point[-size:] if len(point) == size + 2 else b""


def _cause(kind: str) -> Cause:
    return "missing" if kind in _MISSING else "denied" if kind in _PIN or kind == "UserNotLoggedIn" else "unreachable"


def _mend(kind: str) -> str:
    return {
        "missing": "look at the labels of the token and of its key pair; private and public key bear one id",
        "denied": "set STOPPER_PKCS11_PIN, and look whether the token is locked",
    }.get(_cause(kind), "look at STOPPER_PKCS11_MODULE and whether a token of that label is there")
