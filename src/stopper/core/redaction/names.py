"""Names whose value is a credential, wherever a name and a value stand together in a text or a mapping."""

import re
from functools import lru_cache
from typing import Final

from stopper.core.secret import MASK

SENSITIVE_NAMES: Final = (
    "password", "passwd", "passphrase", "pwd", "secret", "token", "apikey", "api_key", "api-key", "x-api-key",
    "authorization", "proxy-authorization", "cookie", "set-cookie", "private_key", "client_secret", "access_token",
    "refresh_token", "id_token", "secret_key", "credential", "credentials", "otp", "totp", "pin", "session_id", "csrf_token",
)  # fmt: skip
"""Names whose value is masked whole, wherever a name and a value stand together."""

# Names that end so are sensitive whatever stands before: `db_password`, `accessToken`. The short ones need a border before them.
_LONG_ENDS: Final = (
    *sorted({name.replace("-", "").replace("_", "") for name in SENSITIVE_NAMES if len(name) > 4}),
    "accesskey", "accountkey", "signingkey", "encryptionkey", "masterkey", "sharedkey", "sessionkey", "licensekey",
    "passcode", "sessionid", "sessid", "signature",
)  # fmt: skip
_SHORT_END: Final = re.compile(r"(?:\A|[^a-z])(?:pwd|pass|otp|totp|pin)\Z")
_NAME_HINTS: Final = (
    "pass",
    "pwd",
    "secret",
    "token",
    "key",
    "auth",
    "cookie",
    "cred",
    "otp",
    "pin",
    "sess",
    "signature",
)
_COOKIE: Final = re.compile(
    r"(?i)(\b(?:set-)?cookie(?:[\"']?\s{0,4}[:=]|[\"']\s{0,4},)\s{0,4}b?[\"']?)(?!\*\*\*)[^\s\"'][^\r\n\"']{0,8191}"
)

# name=value, name: value, 'name': 'value', "name": "value", ('name', 'value'), also with the signs escaped for JSON, HTML or a URL.
# The name is looked at before the value is taken.
_QUOTE: Final = r"\\{0,7}[\"']|&(?:quot|\#34|\#39|\#x27);|%22|%27"
_HEAD: Final = re.compile(
    rf"(?: (?<![A-Za-z0-9_.]) | (?<=%[0-9A-Fa-f][0-9A-Fa-f]) ) (?P<q>(?:{_QUOTE})?) (?P<name>[A-Za-z][A-Za-z0-9_.-]{{1,63}}) (?P=q)"
    r" (?:\s{0,4}|%20|\+) (?: [=:] | %3[AaDd] | (?<=[\"'])\s{0,4},(?=\s{0,4}b?\\{0,7}[\"']) ) (?:\s{0,4}|%20|\+) (?:b(?=[\"']))?",
    re.VERBOSE | re.IGNORECASE,
)
_VALUE: Final = re.compile(
    r"\"(?:[^\"\\]|\\.){0,8192}+\" | '(?:[^'\\]|\\.){0,8192}+'"
    rf" | (?P<q>{_QUOTE})(?:(?!(?P=q)).){{0,8192}}(?P=q)"
    r" | (?!\*\*\*|[\"'{\[(<]|[-.,:;]+(?:\s|\Z)|(?:none|null|true|false|undefined|nil)\b"
    r"|(?:bearer|basic|digest|dpop|negotiate)(?:\s|%20|\+)) [^\s,;&\"'}\])<>]{1,8192}",
    re.VERBOSE | re.IGNORECASE,
)
# Authorization: its scheme stays, whatever it is called.
_SCHEMED: Final = re.compile(
    r"(?:[\"'])?(?P<scheme>[A-Za-z][A-Za-z0-9-]{1,30})(?:[ \t]|%20|\+)+(?=[A-Za-z0-9])", re.IGNORECASE
)
_CREDENTIAL: Final = re.compile(r"[^\s,;&\"'}\])<>]{1,8192}")
_OPTION: Final = re.compile(r"(--(?P<name>[A-Za-z][A-Za-z0-9-]{1,63})\s+)(?![-*])[^\s]{1,8192}")
_LETTERS: Final = re.compile(r"[A-Za-z0-9]")


def gives_away(lowered: str) -> bool:
    """Whether a text in small letters holds a piece of a sensitive name. Cheap."""
    return any(map(lowered.__contains__, _NAME_HINTS))


def mask_named(text: str, lowered: str) -> str:
    """*text* with the values behind sensitive names as ``***``. *lowered* is the text in small letters."""
    if not gives_away(lowered):
        return text
    if "cookie" in lowered:
        text = _COOKIE.sub(rf"\1{MASK}", text)
    text = _mask_pairs(text)
    return _OPTION.sub(_mask_option, text) if "--" in text else text


def _mask_pairs(text: str) -> str:
    parts: list[str] = []
    done = 0
    # Heads alone are searched for: `RuntimeError: password=x` holds two, and the first must not swallow the second.
    for head in _HEAD.finditer(text):
        if head.start() < done or not is_credential_name(head["name"]):
            continue
        at = head.end()
        if head["name"].lower().endswith("authorization") and (scheme := _SCHEMED.match(text, at)):
            value = _CREDENTIAL.match(text, scheme.end())
            if value is not None and "=" not in value[0].rstrip("="):
                parts += (text[done : value.start()], MASK)
                done = value.end()
            continue
        value = _VALUE.match(text, at)
        if value is None or not _LETTERS.search(value[0]):
            continue
        parts += (text[done : head.end()], _masked(value))
        done = value.end()
    return "".join((*parts, text[done:])) if parts else text


def _masked(value: re.Match[str]) -> str:
    quote = value["q"] or (value[0][0] if value[0][0] in "\"'" else "")
    return f"{quote}{MASK}{quote}"


def _mask_option(match: re.Match[str]) -> str:
    return f"{match[1]}{MASK}" if is_credential_name(match["name"]) else match[0]


@lru_cache(1024)
def is_credential_name(name: str) -> bool:
    """Whether a name that stands before a value in a text says that the value is a credential."""
    squeezed = name.lower()
    if _SHORT_END.search(squeezed):
        return True
    return squeezed.replace("-", "").replace("_", "").replace(".", "").endswith(_LONG_ENDS)


@lru_cache(1024)
def is_sensitive_name(name: str) -> bool:
    """Whether a header, field or setting of this name holds a credential."""
    lowered = name.lower().replace("-", "_")
    return any(part in lowered for part in _NAME_PARTS)


_NAME_PARTS: Final = tuple(sorted({n.replace("-", "_") for n in SENSITIVE_NAMES if len(n) > 3}))
