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

# Names that end so are sensitive whatever stands before: `db_password`, `accessToken`. The short ones need a border before them.
_LONG_ENDS: Final = tuple(sorted({name.replace("-", "").replace("_", "") for name in SENSITIVE_NAMES if len(name) > 4}))
_SHORT_END: Final = re.compile(r"(?:\A|[^a-z])(?:pwd|otp|totp|pin)\Z")
_NAME_HINTS: Final = ("pass", "pwd", "secret", "token", "key", "auth", "cookie", "credential", "otp", "pin", "session")

# Each shape: (lower-case texts, one of which must be there first, the pattern, what stands instead).
_SHAPES: Final[tuple[tuple[tuple[str, ...], re.Pattern[str], str], ...]] = (
    # JWS and JWE in compact form (RFC 7515 §3.1, RFC 7516 §3.1): a header that begins with {" in base64url.
    (("eyj",), re.compile(r"(?<![A-Za-z0-9])eyJ[A-Za-z0-9_-]{6,}(?:\.[A-Za-z0-9_-]*){1,4}"), MASK),
    (("stp_",), re.compile(r"(?<![A-Za-z0-9])stp_([a-z]+)_([A-Za-z0-9]{4})[A-Za-z0-9]*_[A-Za-z0-9_-]{8,}"), rf"stp_\1_\2{MASK}"),
    # Provider formats that carry their own mark (documented by each provider).
    (("akia", "asia"), re.compile(r"\b(AKIA|ASIA)[0-9A-Z]{16}\b"), rf"\1{MASK}"),
    (("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"), re.compile(r"\b(gh[pousr]_|github_pat_)[A-Za-z0-9_]{20,}"), rf"\1{MASK}"),
    (("glpat-",), re.compile(r"\bglpat-[A-Za-z0-9_-]{16,}"), f"glpat-{MASK}"),
    (("xox",), re.compile(r"\b(xox[abeoprs]-)[A-Za-z0-9-]{10,}"), rf"\1{MASK}"),
    (("sk_", "rk_", "pk_"), re.compile(r"\b([srp]k_(?:live|test)_)[A-Za-z0-9]{10,}"), rf"\1{MASK}"),
    (("sk-",), re.compile(r"\bsk-(?:[A-Za-z]+-)*(?=[A-Za-z_-]*[0-9])[A-Za-z0-9_-]{20,}"), f"sk-{MASK}"),
    (("aiza",), re.compile(r"\bAIza[0-9A-Za-z_-]{35}"), f"AIza{MASK}"),
    (("sg.",), re.compile(r"\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}"), f"SG.{MASK}"),
    (("npm_",), re.compile(r"\bnpm_[A-Za-z0-9]{36}\b"), f"npm_{MASK}"),
    (("pypi-",), re.compile(r"\bpypi-[A-Za-z0-9_-]{40,}"), f"pypi-{MASK}"),
)  # fmt: skip
# The hints by a sign that they hold: most texts lack it, and then those hints are not looked for.
_HINTS: Final = tuple(hint for hints, _, _ in _SHAPES for hint in hints)
_LINE_HINTS: Final = tuple(hint for hint in _HINTS if "_" in hint)
_DASH_HINTS: Final = tuple(hint for hint in _HINTS if hint.endswith("-") or hint == "xox")
_PLAIN_HINTS: Final = tuple(hint for hint in _HINTS if hint not in _LINE_HINTS and hint not in _DASH_HINTS)
_LONG: Final = registry.LONG
"""Everything in the table above, and every longer secret, stands in a run of at least so many characters without a blank."""

# Scheme and credential (RFC 9110 §11.4). The credential of prose ("bearer tokens", "basic well-known") has no digit and one case.
_PEM: Final = re.compile(r"-----BEGIN ([A-Z ]*PRIVATE KEY)-----.*?(?:-----END \1-----|\Z)", re.DOTALL)
_SCHEME_HINTS: Final = ("bearer", "basic", "digest", "dpop")
_SCHEME: Final = re.compile(
    r"(?i:\b(bearer|basic|dpop|digest)(\s+|%20|\\t|=))"
    r"(?=[A-Za-z0-9._~+/=-]*(?:[0-9_~+/=]|[a-z][A-Z]|[A-Za-z]{20}))[A-Za-z0-9._~+/=-]{6,}"
)
_USER_INFO: Final = re.compile(r"(?P<head>[A-Za-z][A-Za-z0-9+.-]{1,20}://[^\s/:@'\"]{0,200}):[^\s/@'\"]{1,500}@")
_COOKIE: Final = re.compile(
    r"(?i)(\b(?:set-)?cookie[\"']?\s{0,4}[:=,]\s{0,4}b?[\"']?)(?!\*\*\*)[^\s\"'][^\r\n\"']{0,8191}"
)

# name=value, name: value, 'name': 'value', "name": "value", ('name', 'value'); the name is looked at before the value is taken.
_HEAD: Final = re.compile(
    r"(?<![A-Za-z0-9_.]) (?P<q>\\?[\"']?) (?P<name>[A-Za-z][A-Za-z0-9_.-]{1,63}) (?P=q)"
    r" \s{0,4} (?:[=:] | (?<=[\"'])\s{0,4},) \s{0,4} (?:b(?=[\"']))?",
    re.VERBOSE | re.IGNORECASE,
)
_VALUE: Final = re.compile(
    r"\"(?:[^\"\\]|\\.){0,8192}+\" | '(?:[^'\\]|\\.){0,8192}+' | \\\"[^\"\\]{0,8192}\\\""
    r" | (?!\*\*\*|[\"'{\[(]|(?:none|null|true|false)\b|(?:bearer|basic|digest|dpop)\s) [^\s,;&\"'}\])]{1,8192}",
    re.VERBOSE | re.IGNORECASE,
)
_OPTION: Final = re.compile(r"(--(?P<name>[A-Za-z][A-Za-z0-9-]{1,63})\s+)(?![-*])[^\s]{1,8192}")


def mask(text: str) -> str:
    """*text* with every known secret and everything of a credential's shape as ``***``.

    A text without a long word, a scheme's name and a sign between name and value costs a few searches.
    """
    lowered = text.lower()
    has = lowered.__contains__
    if max(map(len, text.split()), default=0) >= _LONG:
        if registry.may_stand_in(text):
            text = _mask_forms(text, registry.live_forms())
        if (
            any(map(has, _PLAIN_HINTS))
            or ("-" in text and any(map(has, _DASH_HINTS)))
            or ("_" in text and any(map(has, _LINE_HINTS)))
        ):
            text = _mask_shapes(text, lowered)
    elif short := registry.short_forms():
        text = _mask_forms(text, short)
    if "-----" in text:
        text = _PEM.sub(rf"-----BEGIN \1----- {MASK}", text)
    if any(map(has, _SCHEME_HINTS)):
        text = _SCHEME.sub(rf"\1\2{MASK}", text)
    if "://" in text and "@" in text:
        text = _USER_INFO.sub(rf"\g<head>:{MASK}@", text)
    if ("=" in text or ":" in text or "," in text or "--" in text) and any(map(has, _NAME_HINTS)):
        text = _mask_named(text, lowered)
    return text


def _mask_forms(text: str, forms: tuple[str, ...]) -> str:
    for form in forms:
        if form in text:
            text = text.replace(form, MASK)
    return text


def _mask_shapes(text: str, lowered: str) -> str:
    for hints, pattern, instead in _SHAPES:
        if any(map(lowered.__contains__, hints)):
            text = pattern.sub(instead, text)
    return text


def _mask_named(text: str, lowered: str) -> str:
    if "cookie" in lowered:
        text = _COOKIE.sub(rf"\1{MASK}", text)
    text = _mask_pairs(text)
    return _OPTION.sub(_mask_option, text) if "--" in text else text


def _mask_pairs(text: str) -> str:
    parts: list[str] = []
    done = 0
    # Heads alone are searched for: `RuntimeError: password=x` holds two, and the first must not swallow the second.
    for head in _HEAD.finditer(text):
        if head.start() < done or not _is_credential_name(head["name"]):
            continue
        value = _VALUE.match(text, head.end())
        if value is None:
            continue
        shown = value[0]
        quote = shown[:2] if shown.startswith("\\") else shown[0] if shown[0] in "\"'" else ""
        parts += (text[done : head.end()], quote, MASK, quote)
        done = value.end()
    return "".join((*parts, text[done:])) if parts else text


def _mask_option(match: re.Match[str]) -> str:
    return f"{match[1]}{MASK}" if _is_credential_name(match["name"]) else match[0]


def _is_credential_name(name: str) -> bool:
    squeezed = name.lower()
    if _SHORT_END.search(squeezed):
        return True
    return squeezed.replace("-", "").replace("_", "").replace(".", "").endswith(_LONG_ENDS)


def is_sensitive_name(name: str) -> bool:
    """Whether a header, field or setting of this name holds a credential."""
    lowered = name.lower().replace("-", "_")
    return any(part in lowered for part in _NAME_PARTS)


_NAME_PARTS: Final = tuple(sorted({n.replace("-", "_") for n in SENSITIVE_NAMES if len(n) > 3}))


def mask_value(value: object, *, depth: int = 6) -> object:
    """A copy of *value* in which texts are masked and values under a sensitive name are ``***``.

    Other objects stay themselves while their ``repr`` shows no secret, and become the masked ``repr`` otherwise.
    """
    if isinstance(value, Secret):
        return MASK
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, (bytes, bytearray)):
        return mask(bytes(value).decode("utf-8", "replace"))
    if isinstance(value, Mapping):
        pairs = cast("Mapping[object, object]", value)
        if depth == 0:
            return mask(repr(pairs))
        return {mask(str(key)): _mask_entry(str(key), item, depth) for key, item in pairs.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        items = cast("Iterable[object]", value)
        return mask(repr(items)) if depth == 0 else [mask_value(item, depth=depth - 1) for item in items]
    return _mask_object(value)


def _mask_object(value: object) -> object:
    try:
        shown = f"{value!r} {value!s}"
    except Exception:  # noqa: BLE001 - whatever a stranger's __repr__ raises
        return f"<{type(value).__name__}>"
    return value if mask(shown) == shown else mask(repr(value))


def _mask_entry(name: str, value: object, depth: int) -> object:
    if is_sensitive_name(name) and not isinstance(value, (bool, type(None))):
        return MASK
    return mask_value(value, depth=depth - 1)
