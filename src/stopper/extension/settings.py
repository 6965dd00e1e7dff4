"""The settings of the guard, declared once."""

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, cast

from stopper.auth.issuer import Introspection, Issuer, Profile
from stopper.core.errors import SettingError
from stopper.core.settings import Setting, Settings, declare, number, secret, switch, text, texts

MODE: Final = text(
    "MODE",
    "prod",
    "`prod` refuses whatever is unsafe on the internet; `dev` is for one machine.",
    choices=("prod", "dev"),
)
ISSUER: Final = text(
    "ISSUER", "", "The exact `iss` of the tokens that this system issues itself, such as https://auth.example.com."
)
AUDIENCE: Final = text("AUDIENCE", "", "This API's name in a token's `aud`; tokens for anybody else are refused.")
DATABASE_URL: Final = secret(
    "DATABASE_URL",
    "Where keys, accounts and revocations are kept: `sqlite:///…` or `postgresql://…`; unset: stopper.db in the instance folder.",
)
REDIS_URL: Final = secret(
    "REDIS_URL",
    "A Redis or Valkey that several nodes share: `redis://host:6379/0`, `rediss://…` for TLS. Revocations reach every node at once, and"
    " limits count for all nodes together.",
)
API_KEY_HEADER: Final = text("API_KEY_HEADER", "X-API-Key", "The header in which clients show an API key.")
API_KEY_PEPPER: Final = secret(
    "API_KEY_PEPPER",
    "The key of the hash under which API keys are kept: 32 random bytes, apart from the database. Beside a `master.key` it is derived from that.",
)
FOREIGN_API_KEYS: Final = switch(
    "FOREIGN_API_KEYS",
    False,
    "Whether API keys that another system made are taken once they are imported. A text that is no key then costs a look-up.",
)
ENVELOPE: Final = text(
    "ENVELOPE",
    "problem",
    'How refusals look: `problem` (RFC 9457) or `status` (`{"status": "failed", "error": {…}}`).',
    choices=("problem", "status"),
)
CORS_ORIGINS: Final = texts(
    "CORS_ORIGINS", (), "The exact origins whose pages may call this API, such as https://app.example.com."
)
CORS_CREDENTIALS: Final = switch("CORS_CREDENTIALS", False, "Whether pages of those origins may send cookies along.")
CONTENT_SECURITY_POLICY: Final = text(
    "CONTENT_SECURITY_POLICY",
    "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "The Content-Security-Policy of answers that set none themselves; the default fits data. HTML pages have their own, unless this one is set alone.",
)
PAGE_POLICY: Final = text(
    "PAGE_CONTENT_SECURITY_POLICY",
    "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "The Content-Security-Policy of HTML pages that set none themselves: scripts, styles and forms of this origin, nothing inline, no frames.",
)


def page_policy(settings: Settings) -> str:
    """What HTML pages get: their own policy, but the general one where only that was set."""
    general_alone = settings.is_set(CONTENT_SECURITY_POLICY) and not settings.is_set(PAGE_POLICY)
    return settings.get(CONTENT_SECURITY_POLICY if general_alone else PAGE_POLICY)


TOKEN_CACHE_SIZE: Final = number(
    "TOKEN_CACHE_SIZE",
    4096,
    "How many verified tokens a process remembers (about 2 kB each); 0 verifies every time.",
    most=1_000_000,
)
ALLOW_ERROR_DETAILS: Final = switch(
    "ALLOW_ERROR_DETAILS", False, "Whether the text given to `abort(4xx, …)` reaches the client, secrets masked."
)


def _parse_issuers(value: object) -> tuple[Issuer, ...]:
    said: object = value
    if isinstance(value, str):
        try:
            said = json.loads(value)
        except ValueError:
            raise ValueError("a JSON list of issuers") from None
    if not isinstance(said, (list, tuple)):
        raise ValueError("a list of Issuer objects")
    return tuple(_issuer(item) for item in cast("list[object]", said))


def _issuer(item: object) -> Issuer:
    if isinstance(item, Issuer):
        return item
    if not isinstance(item, Mapping):
        raise ValueError("a list of Issuer objects")
    said = cast("Mapping[str, object]", item)
    if not set(said) <= _ISSUER_MEMBERS or not isinstance(said.get("url"), str) or not _has_keys(said):
        raise ValueError(
            'a list of {"url", "algorithms", "keys"} with "profile", "audience" and "require" as you need them; for opaque tokens'
            ' {"url", "profile": "opaque", "introspection": {"url", "client_id", "secret"}}'
        )
    return Issuer(
        cast("str", said["url"]),
        cast("list[str]", said.get("algorithms", ())),
        cast("Profile", said.get("profile", "rfc9068")),
        keys=cast("str | Mapping[str, object] | None", said.get("keys")),
        introspection=_introspection(said.get("introspection")),
        audience=cast("str | None", said.get("audience")),
        require=cast("list[str] | None", said.get("require")),
    )


_ISSUER_MEMBERS: Final = frozenset({"url", "algorithms", "keys", "profile", "audience", "require", "introspection"})


def _has_keys(said: Mapping[str, object]) -> bool:
    if "introspection" in said:
        return "algorithms" not in said and "keys" not in said
    return isinstance(said.get("algorithms"), (list, tuple)) and isinstance(said.get("keys"), (str, Mapping))


def _introspection(said: object) -> Introspection | None:
    """*said* as it stands in JSON; ``secret`` is the name of a secret of STOPPER_SECRETS, never the secret itself."""
    if said is None:
        return None
    members = cast("Mapping[str, object]", said) if isinstance(said, Mapping) else _NO_MEMBERS
    found = [members.get("url"), members.get("secret"), members.get("client_id", "")]
    if not members.keys() <= {"url", "secret", "client_id"} or not all(isinstance(value, str) for value in found):
        raise ValueError('introspection as {"url", "client_id", "secret"}, the secret by its name in STOPPER_SECRETS')
    url, secret_name, client_id = cast("list[str]", found)
    return Introspection(url, secret_name, client_id)


_NO_MEMBERS: Final[Mapping[str, object]] = MappingProxyType({})
_NO_ISSUERS: Final[tuple[Issuer, ...]] = ()
ISSUERS: Final = declare(
    Setting(
        "ISSUERS",
        _NO_ISSUERS,
        "The issuers whose tokens are taken: `Issuer` objects, or JSON in the environment.",
        "list of issuers",
        _parse_issuers,
    )
)


def checked_header_name(name: str) -> str:
    """*name*, if it can be the header of an API key. Raises SettingError."""
    if not name or not all(char.isascii() and (char.isalnum() or char == "-") for char in name):
        raise SettingError(f"STOPPER_API_KEY_HEADER must be a header name such as X-API-Key, not {name!r}")
    if name.lower() in ("authorization", "cookie", "host", "content-type", "content-length", "proxy-authorization"):
        raise SettingError(f"STOPPER_API_KEY_HEADER cannot be {name}: that header has another meaning; use X-API-Key")
    return name
