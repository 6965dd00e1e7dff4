"""Verification keys by their kid, from a JWKS (RFC 7517 §5) or one by one."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final, Protocol, cast

from stopper.auth.algorithm import canonical_name
from stopper.auth.verification_key import VerificationKey
from stopper.core.errors import KeyringError

MAX_JWKS_BYTES: Final = 256 * 1024
MAX_KEYS: Final = 100


class KeySource(Protocol):
    """Where a verifier finds keys. It answers from memory and must return the very same object while a key stays good."""

    def find(self, kid: str | None) -> VerificationKey | None:
        """The key of that id, or None. For a token without ``kid``: the only key, if there is exactly one."""
        ...


class KeySet:
    """A fixed set of keys. ``skipped`` says, one line each, why members of a JWKS were left out."""

    __slots__ = ("_by_kid", "_only", "skipped")

    def __init__(self, keys: Iterable[VerificationKey], *, skipped: Sequence[str] = ()) -> None:
        """Raises KeyringError for no key at all, two keys of one kid, or symmetric beside asymmetric keys."""
        found = tuple(keys)
        self.skipped = tuple(skipped)
        self._only = found[0] if len(found) == 1 else None
        self._by_kid = {key.kid: key for key in found if key.kid is not None}
        if not found:
            why = f": {self.skipped[0]}" if self.skipped else ""
            raise KeyringError(f"the key set holds no usable key{why}")
        if len(found) > 1 and len(self._by_kid) != len(found):
            raise KeyringError("every key of a set needs a kid of its own")
        if len({key.symmetric for key in found}) > 1:
            raise KeyringError("a key set must not mix secrets with public keys")

    def find(self, kid: str | None) -> VerificationKey | None:
        """The key of that id; without an id the only key, if there is exactly one."""
        if kid is None:
            return self._only
        found = self._by_kid.get(kid)
        # A single key that has no name of its own serves whatever name the issuer gives it.
        return self._only if found is None and self._only is not None and self._only.kid is None else found

    @property
    def keys(self) -> tuple[VerificationKey, ...]:
        """Every key of the set."""
        return tuple(self._by_kid.values()) if self._only is None else (self._only,)

    @classmethod
    def from_jwks(
        cls, document: Mapping[str, object], *, algorithms: Sequence[str] = (), allow_rsa_2048: bool = False
    ) -> "KeySet":
        """The usable keys of a JWKS; a member that is not usable is skipped with its reason and the rest serve.

        *algorithms* are the ones wanted (any, when empty): a key for another one is skipped, and a key without ``alg`` takes
        the one that fits its type, if exactly one does. Raises KeyringError when nothing is left, or for a set that is unsafe as a
        whole: one kid twice, or secrets beside public keys.
        """
        members = document.get("keys")
        if not isinstance(members, (list, tuple)):
            raise KeyringError('a JWKS is an object with a list "keys"')
        jwks = [
            cast("Mapping[str, object]", item) for item in cast("list[object]", members) if isinstance(item, Mapping)
        ]
        if len(jwks) > MAX_KEYS:
            raise KeyringError(f"a JWKS holds at most {MAX_KEYS} keys")
        _judge_whole(jwks)
        found: list[VerificationKey] = []
        skipped: list[str] = []
        for jwk in jwks:
            try:
                found.append(_usable(jwk, algorithms, allow_rsa_2048))
            except KeyringError as wrong:
                skipped.append(str(wrong))
        return cls(found, skipped=skipped)

    @classmethod
    def from_file(cls, path: Path, *, algorithms: Sequence[str] = (), allow_rsa_2048: bool = False) -> "KeySet":
        """The usable keys of a JWKS file. Raises KeyringError."""
        try:
            raw = path.read_bytes()[: MAX_JWKS_BYTES + 1]
            document: object = json.loads(raw) if len(raw) <= MAX_JWKS_BYTES else None
        except OSError as wrong:
            raise KeyringError(
                f"{path}: cannot be read: {wrong.strerror}; put the issuer's key set (JWKS) there, or give its https:// address"
            ) from None
        except (ValueError, RecursionError):
            raise KeyringError(f"{path}: is not JSON") from None
        if not isinstance(document, dict):
            raise KeyringError(f'{path}: must hold a JWKS of at most {MAX_JWKS_BYTES} bytes, {{"keys": […]}}')
        return cls.from_jwks(cast("dict[str, object]", document), algorithms=algorithms, allow_rsa_2048=allow_rsa_2048)


def _judge_whole(jwks: Sequence[Mapping[str, object]]) -> None:
    kids = [kid for jwk in jwks if isinstance(kid := jwk.get("kid"), str)]
    if len(set(kids)) != len(kids):
        raise KeyringError("two keys of the JWKS have one kid")
    types = {jwk.get("kty") == "oct" for jwk in jwks}
    if len(types) > 1:
        raise KeyringError("a key set must not mix secrets with public keys")


_BY_TYPE: Final[Mapping[tuple[object, object], tuple[str, ...]]] = {
    ("RSA", None): ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    ("EC", "P-256"): ("ES256",),
    ("EC", "P-384"): ("ES384",),
    ("EC", "P-521"): ("ES512",),
    ("OKP", "Ed25519"): ("EdDSA",),
    ("oct", None): ("HS256", "HS384", "HS512"),
}


def _usable(jwk: Mapping[str, object], algorithms: Sequence[str], allow_rsa_2048: bool) -> VerificationKey:
    wanted = [canonical_name(name) for name in algorithms]
    said = jwk.get("alg")
    kid = jwk.get("kid")
    shown = repr(kid[:64]) if isinstance(kid, str) else "without kid"
    if isinstance(said, str):
        if wanted and canonical_name(said) not in wanted:
            raise KeyringError(f"key {shown}: is for {said[:40]}, which is not among {', '.join(wanted)}")
        return VerificationKey.from_jwk(jwk, allow_rsa_2048=allow_rsa_2048)
    kind = jwk.get("kty"), jwk.get("crv")
    known = _BY_TYPE.get(kind, ()) if all(isinstance(name, (str, type(None))) for name in kind) else ()
    fitting = [name for name in known if not wanted or name in wanted]
    if len(fitting) != 1:
        raise KeyringError(f"key {shown}: has no alg, and {len(fitting)} of the wanted algorithms fit it")
    return VerificationKey.from_jwk(jwk, algorithm=fitting[0], allow_rsa_2048=allow_rsa_2048)
