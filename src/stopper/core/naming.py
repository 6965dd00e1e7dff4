"""What a name alone suggests about the value behind it. Never proof: labels made from it are marked ``by_name``."""

import re
from functools import lru_cache
from typing import Final, Literal

NameKind = Literal["token", "api-key", "password", "config-secret"]

_WORDS: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
HUMP: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
"""Where a word begins in ``accountNumber``."""
_TAILS: Final = frozenset({
    "errors", "message", "msg", "required", "valid", "schema", "form", "policy", "age", "model", "table", "column",
    "endpoint", "hash", "hashed", "digest", "url", "uri", "path", "type", "name", "field", "header", "headers",
    "id", "ids", "expires", "expiry", "lifetime", "ttl", "algorithm", "length", "len", "size", "count", "file",
    "dir", "prefix", "pattern", "re", "regex", "error",
})  # fmt: skip
VARIABLE: Final = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+")
"""A text that is the name of a variable or setting: it says where a secret is, and is none."""
_NOT_TOKENS: Final = frozenset({
    "csrf", "xsrf", "next", "page", "continuation", "pagination", "cancel", "sync", "unk", "pad", "eos", "bos", "form", "forgery", "antiforgery", "payment", "invoice", "receipt", "public",
    "publishable",
})  # fmt: skip


_PASSWORDS: Final = frozenset({
    "password", "passwd", "pwd", "passphrase", "passwort", "kennwort", "wachtwoord", "contrasena", "senha", "losenord", "haslo",
    "heslo", "parola", "sifre", "passw", "pword", "psw", "pswd",
})  # fmt: skip
"""Of the languages that fields of applications are called in, and as they are shortened."""
_WHICH: Final = frozenset({
    "new", "old", "current", "plain", "plaintext", "cleartext", "raw", "input", "typed", "entered",
    "nueva", "nova", "noua", "nuova", "neu", "nouveau", "vieja", "antiga", "veche", "vecchia", "alt", "ancien", "actual", "atual", "actuala",
    "attuale", "actuel", "anterior",
})  # fmt: skip
"""Which password it is, said behind the word: ``password_new``, ``senha_atual``."""
_WHERE: Final = frozenset({"prod", "production", "live", "staging", "stage"})
"""Which installation the secret is of: ``AUTH_TOKEN_LIVE``."""
_OF_ACCOUNTS: Final = frozenset({
    "db", "database", "sql", "mysql", "mariadb", "pg", "postgres", "postgresql", "mongo", "mongodb", "oracle", "redis", "elastic", "es", "rabbit",
    "rabbitmq", "amqp", "mqtt", "kafka", "broker", "smtp", "mail", "email", "imap", "ldap", "ftp", "sftp", "ssh", "proxy", "auth", "admin", "root",
    "user", "api", "service", "sudo", "backup",
})  # fmt: skip
"""What stands before ``pass`` and ``pw`` where they are short for a password: ``DB_PASS``, and not ``boarding_pass`` or ``first_pass``."""
_SIGNS: Final = (
    "token", "jwt", "key", "pass", "pwd", "_pw", "secret", "kennwort", "wachtwoord", "contrasena", "senha", "losenord", "haslo", "heslo", "parola",
    "sifre", "pword", "psw",
)  # fmt: skip


_TURNED: Final = re.compile(
    r"id_(user|owner|author|account|customer|client|member|person|profile|patient|employee|student|company|tenant|team|group|org|organi[sz]ation|workspace)"
)
"""How an id of somebody is called in languages that say the noun last."""


def as_parameter(name: str) -> str:
    """A name as a parameter is spelled: ``accountNumber`` and ``account-number`` as ``account_number``, ``id_user`` as ``user_id``."""
    said = HUMP.sub("_", name).replace("-", "_").lower()
    return f"{said[3:]}_id" if said.startswith("id_") and _TURNED.fullmatch(said) else said


@lru_cache(maxsize=65536)
def sensitive(name: str) -> NameKind | None:
    """What kind of secret a variable, key, header or attribute of that name holds by its name; None for anything else.

    ``access_token`` is a token; ``token_type``, ``csrf_token`` and ``password_hash`` are none.
    """
    if len(name) > 60 or len(name) < 3:
        return None
    lowered = name.lower()
    if not any(part in lowered for part in _SIGNS):
        return None
    words = [word.lower() for word in _WORDS.findall(name)]
    if len(words) > 1 and (words[-1] in _WHICH or words[-1] in ("1", "2")) and words[-2] in _PASSWORDS:
        words.pop()  # ``password_new``, ``psw1``
    elif len(words) > 2 and words[-1] in _WHERE:
        words.pop()  # ``DB_PASSWORD_PROD``
    elif "for" in words and words[words.index("for") - 1] in _PASSWORDS:
        del words[words.index("for") :]  # ``password_for_backups``
    if not words or words[-1] in _TAILS:
        return None
    return _kind(words)


def _kind(words: list[str]) -> NameKind | None:
    last, joined = words[-1], "".join(words)
    before = words[-2] if len(words) > 1 else ""
    if last in _PASSWORDS or joined.endswith(("password", "motdepasse")):
        return "password"
    if last in ("pass", "pw") and before in _OF_ACCOUNTS:
        return "password"
    if last == "apikey" or (last == "key" and before in ("api", "xapi")):
        return "api-key"
    if last in ("token", "jwt", "accesstoken", "authtoken") and before not in _NOT_TOKENS:
        return "token"
    if last == "secret" or (last == "key" and before in ("secret", "private", "signing", "jwt", "encryption")):
        return "config-secret"
    if joined.endswith("secretaccesskey"):  # of Amazon
        return "config-secret"
    return None


_KEY_NAME: Final = re.compile(
    r"(?i)(?:x[-_])?(?:[a-z0-9]+[-_])*(?:api|access|app|auth|service|client|subscription|partner|internal|integration|device|consumer"
    r"|developer|admin|master|machine|license)[-_]?keys?|(?:x[-_])?(?:[a-z0-9]+[-_])*api[-_]?(?:token|secret)|x[-_]key"
    r"|x-(?:[a-z0-9]+-)*(?:app|client|partner|device|consumer|machine|integration|agent|sensor)-secret"
    r"|x-(?!(?:[a-z0-9]+-)*(?:idempotency|cache|surrogate|partition|routing|sort|shard|group|dedup\w*|object|row|primary|public|trace|request|correlation)-key)"
    r"(?:[a-z0-9]+-)+key"
)


@lru_cache(maxsize=16384)
def is_key_name(name: str) -> bool:
    """That a header, parameter, field or variable of that name holds an API key: ``X-API-Key``, ``apikey``, ``partner_key``."""
    lowered = name.lower()
    return (
        len(name) <= 60
        and ("key" in lowered or "api" in lowered or "secret" in lowered)
        and _KEY_NAME.fullmatch(name) is not None
    )


_SOME_KEY: Final = re.compile(
    r"(?i)_?(?!(?:[a-z0-9]+_)*(?:cache|sort|primary|foreign|public|publishable|partition|object|storage|session|row|group|lookup|dict|routing|route|redis|hash|index|unique"
    r"|search|order|shard|dedup\w*|idempotency|translation|i18n|message|column|field|config|settings?|query|param\w*|context|json|site|maps?|hot|meta|state|tag|label|event|metric"
    r"|feature|flag|lock|job|task|queue|topic|bucket|s3|file|item|data|test|dummy|fake|example|sample|mock|hmac|fernet|aes|enc|encrypt|encryption|cipher|crypto|crypt)_key$)"
    r"(?:[a-z0-9]+_)+key"
)
_CRYPTO: Final = re.compile(
    r"(?i)_?(?:[a-z0-9]+_)*(?:(?:hmac|fernet|aes|enc|encrypt|cipher|crypto|crypt)_?key|pass|pepper|auth)"
)


@lru_cache(maxsize=16384)
def may_be_key(name: str) -> bool:
    """That a name leaves it to the text whether it is the key of a service: ``STRIPE_KEY``, ``payment_gateway_key``; not ``cache_key``."""
    return name.lower().endswith("_key") and sensitive(name) is None and _SOME_KEY.fullmatch(name) is not None


@lru_cache(maxsize=16384)
def may_be_secret(name: str) -> bool:
    """The same of other secrets: ``HMAC_KEY``, ``smtp_pass``, ``pepper``."""
    return len(name) <= 60 and _CRYPTO.fullmatch(name) is not None


_BROUGHT: Final = ("x-api", "x-auth", "x-token", "x-access", "api", "auth")


def brings_credential(header: str) -> bool:
    """That a header of that name brings what proves who is calling: ``x-internal-token``, ``x-worker-secret``; not a token of a form."""
    return header.startswith(_BROUGHT) or sensitive(header) in ("token", "config-secret", "password")
