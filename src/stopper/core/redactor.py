"""Takes secrets out of text: every live :class:`Secret` in its usual spellings, and what looks like a credential."""

import re
from collections.abc import Iterable, Mapping
from typing import Final, cast

from stopper.core import registry
from stopper.core.secret import MASK, Secret

SENSITIVE_NAMES: Final = (
    "password", "passwd", "passphrase", "pwd", "secret", "token", "apikey", "api_key", "api-key", "x-api-key",
    "authorization", "proxy-authorization", "cookie", "set-cookie", "private_key", "client_secret", "access_token",
    "refresh_token", "id_token", "secret_key", "credential", "credentials", "otp", "totp", "pin", "session_id", "csrf_token",
)  # fmt: skip
"""Names whose value is masked whole, wherever a name and a value stand together."""

_NAME: Final = (
    r"(?:[A-Za-z0-9]+[_.-])*(?:"
    + "|".join(sorted((re.escape(n) for n in SENSITIVE_NAMES), key=len, reverse=True))
    + r")"
)

# Each shape: (a lower-case text that must be there first, the pattern, what stands instead).
_SHAPES: Final[tuple[tuple[tuple[str, ...], re.Pattern[str], str], ...]] = (
    (("private key",), re.compile(r"-----BEGIN ([A-Z ]*PRIVATE KEY)-----.*?(?:-----END \1-----|\Z)", re.DOTALL), rf"-----BEGIN \1----- {MASK}"),
    # JWS and JWE in compact form (RFC 7515 §3.1, RFC 7516 §3.1): a header that begins with {" in base64url.
    (("eyj",), re.compile(r"\beyJ[A-Za-z0-9_-]{6,}(?:\.[A-Za-z0-9_-]*){1,4}"), MASK),
    (("stp_",), re.compile(r"\bstp_([a-z]+)_([A-Za-z0-9]{4})[A-Za-z0-9]*_[A-Za-z0-9_-]{8,}"), rf"stp_\1_\2{MASK}"),
    (("bearer", "basic", "digest", "dpop"), re.compile(r"(?i)\b(bearer|basic|dpop|digest)(\s+)(?=[A-Za-z0-9._~+/=-]*[0-9._~+/=-])[A-Za-z0-9._~+/=-]{8,}"), rf"\1\2{MASK}"),
    # Provider formats that carry their own mark (documented by each provider).
    (("akia", "asia"), re.compile(r"\b(AKIA|ASIA)[0-9A-Z]{16}\b"), rf"\1{MASK}"),
    (("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"), re.compile(r"\b(gh[pousr]_|github_pat_)[A-Za-z0-9_]{20,}"), rf"\1{MASK}"),
    (("glpat-",), re.compile(r"\bglpat-[A-Za-z0-9_-]{16,}"), f"glpat-{MASK}"),
    (("xox",), re.compile(r"\b(xox[abeoprs]-)[A-Za-z0-9-]{10,}"), rf"\1{MASK}"),
    (("sk_", "rk_", "pk_"), re.compile(r"\b([srp]k_(?:live|test)_)[A-Za-z0-9]{10,}"), rf"\1{MASK}"),
    (("sk-",), re.compile(r"\bsk-(?:[A-Za-z]+-)*[A-Za-z0-9_-]{20,}"), f"sk-{MASK}"),
    (("aiza",), re.compile(r"\bAIza[0-9A-Za-z_-]{35}"), f"AIza{MASK}"),
    (("sg.",), re.compile(r"\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}"), f"SG.{MASK}"),
    (("npm_",), re.compile(r"\bnpm_[A-Za-z0-9]{36}\b"), f"npm_{MASK}"),
    (("pypi-",), re.compile(r"\bpypi-[A-Za-z0-9_-]{40,}"), f"pypi-{MASK}"),
    (("://",), re.compile(r"(?P<scheme>\b[a-z][a-z0-9+.-]{1,20}://)(?P<user>[^\s/:@]{0,200}):[^\s/@]{1,500}@"), rf"\g<scheme>\g<user>:{MASK}@"),
)  # fmt: skip
_HINTS: Final = re.compile("|".join(re.escape(hint) for hints, _, _ in _SHAPES for hint in hints), re.IGNORECASE)

_NAME_HINT: Final = re.compile(
    "passw|passphrase|pwd|secret|token|api.?key|authoriz|cookie|private_key|credential|otp|pin|session_id",
    re.IGNORECASE,
)
# name=value, name: value, 'name': 'value', "name": "value" and --name value.
_PAIR: Final = re.compile(
    rf"(?ix)(?P<head> (?<![A-Za-z0-9]) (?P<q>[\"']?) {_NAME} (?P=q) \s{{0,4}} [=:] \s{{0,4}} (?:b(?=[\"']))? )"
    r"(?: \" (?:[^\"\\]|\\.){0,8192} \" | ' (?:[^'\\]|\\.){0,8192} ' | (?!\*\*\*|[\"'{\[(]|none\b|null\b|true\b|false\b) [^\s,;&\"'}\])]{1,8192} )"
)


def mask(text: str) -> str:
    """*text* with every known secret and everything of a credential's shape as ``***``.

    Costs one search per live secret and two regular-expression searches where nothing is found.
    """
    for form in registry.live_forms():
        if form in text:
            text = text.replace(form, MASK)
    if _HINTS.search(text):
        lowered = text.lower()
        for hints, pattern, instead in _SHAPES:
            if any(hint in lowered for hint in hints):
                text = pattern.sub(instead, text)
    if _NAME_HINT.search(text):
        text = _PAIR.sub(_mask_pair, text)
    return text


def _mask_pair(match: re.Match[str]) -> str:
    value = match.group(0)[len(match.group("head")) :]
    quote = value[0] if value[:1] in "\"'" else ""
    return f"{match.group('head')}{quote}{MASK}{quote}"


def is_sensitive_name(name: str) -> bool:
    """Whether a header, field or setting of this name holds a credential."""
    lowered = name.lower().replace("-", "_")
    # Access-Control-Allow-Credentials says whether credentials may be sent; it holds none.
    return not lowered.startswith("access_control_") and any(part in lowered for part in _NAME_PARTS)


_NAME_PARTS: Final = tuple(sorted({n.replace("-", "_") for n in SENSITIVE_NAMES if len(n) > 3}))


def mask_value(value: object, *, depth: int = 6) -> object:
    """A copy of *value* in which texts are masked and values under a sensitive name are ``***``."""
    if isinstance(value, Secret):
        return MASK
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, bytes):
        return mask(value.decode("utf-8", "replace"))
    if isinstance(value, Mapping):
        pairs = cast("Mapping[object, object]", value)
        if depth == 0:
            return mask(repr(pairs))
        return {str(key): _mask_entry(str(key), item, depth) for key, item in pairs.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        items = cast("Iterable[object]", value)
        return mask(repr(items)) if depth == 0 else [mask_value(item, depth=depth - 1) for item in items]
    return value


def _mask_entry(name: str, value: object, depth: int) -> object:
    if is_sensitive_name(name) and not isinstance(value, (bool, type(None))):
        return MASK
    return mask_value(value, depth=depth - 1)
