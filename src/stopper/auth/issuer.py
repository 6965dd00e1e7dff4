"""Who may issue tokens that we take: declared, with the algorithms, the keys and the claims that are asked for."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, cast

from stopper.auth.algorithm import ALGORITHMS, canonical_name
from stopper.auth.key_set import KeySet, KeySource
from stopper.auth.published_keys import PublishedKeys
from stopper.auth.verification_key import VerificationKey
from stopper.core.errors import KeyringError, SettingError
from stopper.core.secret import Secret

Profile = Literal["rfc9068", "jwt", "opaque"]
Keys = KeySource | VerificationKey | Secret | Mapping[str, object] | Sequence[VerificationKey] | str | Path
"""A JWKS (mapping, path of a file or https URL), one or more prepared keys, an HMAC secret, or something that finds keys."""

RFC9068_CLAIMS: Final = ("exp", "iat", "iss", "aud", "sub", "jti")
JWT_CLAIMS: Final = ("exp", "iat", "iss", "aud", "sub")
OPAQUE_CLAIMS: Final = ("exp", "aud", "sub")
_ALWAYS: Final = ("exp", "iat", "iss", "sub")
_DEFAULTS: Final[Mapping[str, tuple[str, ...]]] = {
    "rfc9068": RFC9068_CLAIMS,
    "jwt": JWT_CLAIMS,
    "opaque": OPAQUE_CLAIMS,
}
_NEEDED: Final[Mapping[str, tuple[str, ...]]] = {"rfc9068": RFC9068_CLAIMS, "jwt": _ALWAYS, "opaque": ("sub",)}


@dataclass(frozen=True, slots=True)
class Introspection:
    """Where an issuer says what its opaque tokens are worth (RFC 7662), and what shows it that we may ask.

    ``secret``: the secret of ``client_id``, sent as Basic; without a ``client_id`` a bearer token of ours. It is a Secret, a function that gives
    one, or the name of one that STOPPER_SECRETS declares.
    """

    url: str
    secret: Secret | Callable[[], Secret] | str = field(repr=False)
    client_id: str = ""


class _NoKeys:
    """The keys of an issuer whose tokens have no signature."""

    def find(self, kid: str | None) -> None:
        """None."""


@dataclass(frozen=True, slots=True, init=False)
class Issuer:
    """One issuer of access tokens.

    ``url``: its exact ``iss``. ``algorithms``: the ones that it may use; a key must be for one of them. ``profile``: ``rfc9068``
    (``typ: at+jwt``, all of ``exp iat iss aud sub jti``) or ``jwt`` for providers that send ``typ: JWT``, no ``jti`` or no ``aud``.
    ``require``: the claims that must be there; for ``jwt`` it replaces the default (``exp iat iss aud sub``), of which only ``aud``
    can be left out. ``audience``: our name in ``aud``; None means the setting STOPPER_AUDIENCE. ``keys``: see :data:`Keys`.

    ``opaque`` is for tokens that only the issuer can read: ``introspection`` says whom to ask (RFC 7662), there are no algorithms and no keys,
    and ``require`` replaces ``exp aud sub``, of which ``sub`` cannot be left out.

    Raises SettingError with the mend for anything that is unsafe or cannot work.
    """

    url: str
    algorithms: tuple[str, ...]
    profile: Profile
    require: tuple[str, ...]
    required: frozenset[str] = field(repr=False, compare=False)
    audience: str | None
    keys: KeySource
    introspection: "Introspection | None"
    allow_rsa_2048: bool

    def __init__(
        self,
        url: str,
        algorithms: Sequence[str] = (),
        profile: Profile = "rfc9068",
        *,
        keys: Keys | None = None,
        introspection: "Introspection | None" = None,
        require: Sequence[str] | None = None,
        audience: str | None = None,
        allow_rsa_2048: bool = False,
    ) -> None:
        put = object.__setattr__
        put(self, "url", _checked_name("an issuer's url", url))
        put(self, "profile", _checked_profile(url, profile))
        put(self, "introspection", introspection)
        put(self, "allow_rsa_2048", allow_rsa_2048)
        if profile == "opaque":
            _judge_opaque(url, algorithms, keys, introspection)
            put(self, "algorithms", ())
            put(self, "keys", _NoKeys())
        elif keys is None or introspection is not None:
            raise SettingError(f'{url} needs keys; introspection is for the profile "opaque"')
        else:
            put(self, "algorithms", _checked_algorithms(url, algorithms, mixed=_binds(keys)))
            put(self, "keys", _key_source(url, keys, self.algorithms, allow_rsa_2048))
        put(self, "require", _checked_claims(url, profile, require))
        put(self, "required", frozenset(self.require))
        put(self, "audience", None if audience is None else _checked_name(f"the audience of {url}", audience))

    def with_keys(self, keys: KeySource) -> "Issuer":
        """The same issuer with another source of its keys."""
        return Issuer(
            self.url, self.algorithms, self.profile, keys=keys, require=self.require, audience=self.audience,
            allow_rsa_2048=self.allow_rsa_2048,
        )  # fmt: skip


def _checked_name(what: str, text: str) -> str:
    if not isinstance(text, str) or not text or len(text) > 512 or not text.isprintable() or " " in text:  # pyright: ignore[reportUnnecessaryIsInstance]
        raise SettingError(
            f"{what} must be a text without spaces, such as https://auth.example.com",
            rule="jwt-audience-issuer-unchecked",
        )
    return text


def _binds(keys: object) -> bool:
    """Whether *keys* gives each key by its own kid and for one algorithm, as our own keyring does: then no public key can pass for a secret."""
    return getattr(keys, "one_algorithm_each", False) is True


def _checked_algorithms(url: str, algorithms: Sequence[str], *, mixed: bool) -> tuple[str, ...]:
    names = (algorithms,) if isinstance(algorithms, str) else tuple(algorithms)
    found = tuple(dict.fromkeys(canonical_name(name) for name in names))
    unknown = [name for name in found if name not in ALGORITHMS]
    if unknown or not found:
        said = repr(str(unknown[0])[:40]) if unknown else "an empty list"
        raise SettingError(
            f"the algorithms of {url} cannot be {said}; choose from {', '.join(ALGORITHMS)}",
            rule="jwt-algorithms-missing",
        )
    if len({ALGORITHMS[name].symmetric for name in found}) > 1 and not mixed:
        raise SettingError(
            f"the algorithms of {url} mix HMAC with public keys, so a public key could pass for a secret; name one kind",
            rule="jwt-algorithms-too-broad",
        )
    return found


def _judge_opaque(url: str, algorithms: Sequence[str], keys: object, introspection: Introspection | None) -> None:
    if introspection is None or algorithms or keys is not None:
        raise SettingError(
            f"{url} gives out opaque tokens: it needs introspection=Introspection(…), no algorithms and no keys"
        )


def _checked_profile(url: str, profile: str) -> str:
    if profile not in ("rfc9068", "jwt", "opaque"):
        raise SettingError(f'the profile of {url} must be "rfc9068", "jwt" or "opaque", not {profile!r}')
    return profile


def _checked_claims(url: str, profile: Profile, require: Sequence[str] | None) -> tuple[str, ...]:
    default = _DEFAULTS[profile]
    if require is None:
        return default
    if isinstance(require, str) or not all(isinstance(name, str) and name for name in require):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise SettingError(
            f'require of {url} must be a list of claim names, such as ["exp", "iat", "iss", "aud", "sub"]'
        )
    needed = _NEEDED[profile]
    missing = [name for name in needed if name not in require]
    if missing:
        raise SettingError(f"require of {url} must hold {', '.join(missing)}: the profile {profile} cannot do without")
    return tuple(dict.fromkeys(require))


def _key_source(url: str, keys: Keys, algorithms: tuple[str, ...], allow_rsa_2048: bool) -> KeySource:
    try:
        found = _made(keys, algorithms, allow_rsa_2048)
    except KeyringError as wrong:
        raise SettingError(f"keys of {url}: {wrong}", rule=_rule_of(str(wrong))) from None
    misfit = [key for key in found.keys if key.algorithm not in algorithms] if isinstance(found, KeySet) else []
    if misfit:
        raise SettingError(
            f"keys of {url}: {misfit[0]!r} is for none of {', '.join(algorithms)}", rule="jwt-algorithms-missing"
        )
    return found


def _made(keys: Keys, algorithms: tuple[str, ...], allow_rsa_2048: bool) -> KeySource:
    if isinstance(keys, VerificationKey):
        return KeySet((keys,))
    if isinstance(keys, Secret):
        if len(algorithms) != 1:
            raise KeyringError("a secret needs exactly one algorithm, such as HS256")
        return KeySet((VerificationKey.from_secret(None, algorithms[0], keys),))
    if isinstance(keys, str) and "://" in keys:
        if ALGORITHMS[algorithms[0]].symmetric:
            raise KeyringError("a secret is not published at a URL; name public-key algorithms")
        return PublishedKeys(keys, algorithms, allow_rsa_2048)
    if isinstance(keys, (str, Path)):
        return KeySet.from_file(Path(keys), algorithms=algorithms, allow_rsa_2048=allow_rsa_2048)
    if isinstance(keys, Mapping):
        return KeySet.from_jwks(keys, algorithms=algorithms, allow_rsa_2048=allow_rsa_2048)
    if isinstance(keys, (list, tuple)):
        return KeySet(cast("Sequence[VerificationKey]", keys))
    if not callable(getattr(keys, "find", None)):
        raise KeyringError("must be a JWKS, the path or URL of one, a Secret or VerificationKey objects")
    return cast("KeySource", keys)


def _rule_of(message: str) -> str:
    if "public key, a certificate" in message:
        return "public-key-as-secret"
    if "secret" in message:
        return "jwt-secret-too-short"
    return "rsa-key-too-small" if "RSA" in message else "jwks-handling-insecure"
