"""What leaves a report is masked here: texts, headers by name, targets, bodies and lines of source.

Exchanges are stored as they went over the wire; every format takes them through this file, so a mask is in one place.
"""

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, cast
from urllib.parse import unquote

from stopper.core.login_names import DEEDS, OPAQUE
from stopper.core.redactor import is_sensitive_name, mask
from stopper.core.secret import MASK
from stopper.scan.reports import data_secrets

if TYPE_CHECKING:
    from stopper.core.exchange import Headers

LONGEST_BODY: Final = 2_000
"""Characters of a body that a report shows."""

_READ_AT_MOST: Final = 65_536
"""Bytes of a body that are masked: far more than is shown, so that a secret cut at this edge is never in what is shown."""

_PLAIN_HEADERS: Final = re.compile(r"(?i)access-control-|x-content-|content-|x-ratelimit")
_SECRET_HEADERS: Final = re.compile(
    r"(?i)auth|session|csrf|xsrf|signature|(?:^|[-_])(?:api|access|private)?key$|(?:^|[-_])sid$"
)
_SECRET_FIELDS: Final = frozenset(
    {
        "otp",
        "pin",
        "jwt",
        "sid",
        "key",
        "ticket",
        "sig",
        "signature",
        "assertion",
        "session",
        "mfa_code",
        "pw",
        "pwd",
        "pass",
        "cvv",
        "cvc",
    }
)
_SECRET_PARAMETERS: Final = _SECRET_FIELDS | {"code", "state", "auth", "nonce", "hash"}
_PLAIN_FIELDS: Final = frozenset({"token_type", "expires_in"})

# C0 and C1 controls but tab and newline, and the marks that turn the direction of text (Unicode UAX 9): a target must not
# write to the reader's terminal or reorder a line.
_CONTROLS: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")
_UNFINISHED: Final = re.compile(
    r"(?i)([\"'][\w.-]{0,60}(?:passw|secret|token|api.?key|credential|private.?key)[\w.-]{0,60}[\"']\s{0,8}:\s{0,8}[\"'])[^\"']*\Z"
)


def _head_of_query(encoded: bool) -> str:
    """How the head of a query is written in a body, or in an address or a form."""
    signs = {"$": "%24", ":": "%3A", ",": "%2C", "(": "%28", ")": "%29", "{": "%7B", " ": "(?:%20|\\+)"}
    at, colon, comma, opens, closes, brace, space = (signs[one] if encoded else re.escape(one) for one in "$:,(){ ")
    name = "coded" if encoded else "plain"
    said = r"(?:\w|%5B|%5D|%21){1,80}?" if encoded else r"[\[\]!\w]{1,80}"
    one = rf"{at}\w+{colon}{space}{said}"
    given = rf"(?:(?P<{name}>\w+){colon}{space}{at}(?P={name})(?:{comma}{space}(?=\w)|(?={closes})))+"
    return (
        rf"(?:query|mutation){opens}{one}(?:{comma}{space}{one})*{closes}{space}{brace}{space}\w+{opens}{given}{closes}"
    )


_ASKED: Final = re.compile(rf"\A{_head_of_query(encoded=False)}|(?:\A|(?<=[?&]))query={_head_of_query(encoded=True)}")
"""The head of a query as a scan writes it: names and types, and no value."""
_LONG_SEGMENT: Final = re.compile(r"(?<=/)(?<!://)(?=[\w~+=.-]*\d)(?=[\w~+=.-]*[A-Za-z])[\w~+=.-]{24,}(?=/|\?|#|$)")
_UUID: Final = re.compile(r"(?i)[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def text(value: str) -> str:
    """*value* masked, with characters that would disturb a terminal made visible."""
    return visible(_mask(_without_subscript_secrets(value)))


def _mask(value: str) -> str:
    asked = _ASKED.search(value)
    if asked is None:
        return _plainly(value)
    return "".join((_plainly(value[: asked.start()]), asked.group(), _plainly(value[asked.end() :])))


def _plainly(value: str) -> str:
    return data_secrets.sentences(mask(data_secrets.statements(value)))


def line(value: str) -> str:
    """*value* masked and on one line."""
    return " ".join(text(value).split())


def visible(value: str) -> str:
    """*value* with control characters, direction marks and lone surrogates as ``\\u001b`` and the like."""
    return _CONTROLS.sub(lambda found: f"\\u{ord(found.group()):04x}", value)


def headers(pairs: "Headers") -> "Headers":
    """The pairs with credentials as ``***``; the scheme, the cookie's name and its attributes stay."""
    return tuple((line(name), _header(name, value)) for name, value in pairs)


def target(value: str) -> str:
    """A raw request target with secret parameters and token-like path segments as ``***``."""
    path, mark, query = _mask(value).partition("?")
    path = _LONG_SEGMENT.sub(lambda found: found.group() if _UUID.fullmatch(found.group()) else MASK, path)
    if mark:
        path += "?" + "&".join(_parameter(pair) for pair in query.split("&"))
    return visible(path)


def where(value: str) -> str:
    """A file, a module or a URL, masked."""
    return target(value) if "://" in value else line(value)


def body(raw: bytes, content_type: str = "") -> str:
    """A body as masked text: JSON and forms by the names of their fields, everything by shape, bytes only by their number."""
    if not raw:
        return ""
    read = raw[:_READ_AT_MOST].decode("utf-8", "replace")
    if read.count("\ufffd") + read.count("\x00") > len(read) // 10:
        return f"({len(raw):,} bytes that are not text)"
    if "x-www-form-urlencoded" in content_type.lower():
        shown = visible("&".join(_parameter(pair) for pair in _mask(read).split("&")))
    else:
        shown = _json(read) or _UNFINISHED.sub(rf"\1{MASK}", text(read))
    return shown if len(shown) <= LONGEST_BODY else shown[:LONGEST_BODY] + f"… ({len(raw):,} bytes in all)"


def _json(read: str) -> str | None:
    try:
        value: object = json.loads(read)
        return visible(json.dumps(_value(value), ensure_ascii=False))
    except (ValueError, RecursionError):
        return None


def _value(value: object) -> object:
    if isinstance(value, str):
        return _mask(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value if (shown := data_secrets.cards(said := str(value))) == said else shown
    if isinstance(value, Mapping):
        pairs = cast("Mapping[str, object]", value)
        return {mask(name): _field(name, item) for name, item in pairs.items()}
    if isinstance(value, list):
        return [_value(item) for item in cast("list[object]", value)]
    return value


def _field(name: str, value: object) -> object:
    lowered = name.lower()
    if lowered not in _PLAIN_FIELDS and (is_sensitive_name(name) or lowered in _SECRET_FIELDS):
        return value if value is None or isinstance(value, bool) else MASK
    if isinstance(value, str) and DEEDS.fullmatch(name) and OPAQUE.fullmatch(value):
        return MASK
    return _value(value)


def _parameter(pair: str) -> str:
    name, equals, value = pair.partition("=")
    lowered = unquote(name).lower()
    if equals and value and (is_sensitive_name(lowered) or lowered in _SECRET_PARAMETERS):
        return f"{name}={MASK}"
    return pair


def _header(name: str, value: str) -> str:
    lowered = name.lower()
    if lowered in ("location", "content-location", "referer", "origin", "link"):
        return target(value)
    if lowered == "cookie":
        return "; ".join(_cookie(pair.strip()) for pair in value.split(";"))
    if lowered == "set-cookie":
        first, mark, attributes = value.partition(";")
        return _cookie(first.strip()) + (f"; {line(attributes)}" if mark else "")
    if lowered in ("www-authenticate", "proxy-authenticate"):
        # A challenge, not a credential: what follows its scheme are parameters (RFC 9110 §11.6.1).
        scheme, space, parameters = value.partition(" ")
        return line(scheme) + space + line(parameters)
    if _PLAIN_HEADERS.match(name):
        return line(value)
    if lowered in ("authorization", "proxy-authorization"):
        scheme, space, _ = value.partition(" ")
        return f"{line(scheme)} {MASK}" if space and scheme.isalpha() else MASK
    return MASK if is_sensitive_name(name) or _SECRET_HEADERS.search(name) else line(value)


def _cookie(pair: str) -> str:
    name, equals, value = pair.partition("=")
    return f"{line(name)}={MASK if value else ''}" if equals else MASK


# --- lines of source -------------------------------------------------------------------------------------------------

_LONGEST_LINE: Final = 4_000
"""Characters of one line of source that are looked through; a longer one is generated, and only its length is shown."""

_LITERAL: Final = re.compile(
    r"(?P<prefix>[rbuRBU]{0,2})(?P<quote>[\"'])(?P<value>(?:\\.|(?!(?P=quote))[^\\\n])*)(?P=quote)(?P<after>\s*[\]:]?)"
)
_LINE_WITH_SECRET: Final = re.compile(
    r"(?i)passw|pwd|secret|token|key|credential|authoriz|jwt|encode|decode|sign|salt|hmac|pin\b|otp|://"
)
_HARMLESS: Final = re.compile(
    r"[A-Z][A-Z0-9_]*|(?:HS|RS|ES|PS)\d{3}|EdDSA|(?i:none)|/[\w/<>:{}.-]*|(?i:x-)?[A-Za-z]+(?:-[A-Za-z]+)+|Bearer ?|Authorization|utf-?8|ascii|sub|exp|iat|iss|aud|nbf|jti|"
    r"verify_\w+|require|\W*|sha\d+|md5|GET|POST"
)
_STATEMENT: Final = re.compile(r"(?i)\s*(?:select|insert\s+into|update|delete\s+from)\s")
_READERS_OF_NAMES: Final = (
    "get(",
    "getenv(",
    "pop(",
    "setdefault(",
    "getlist(",
    "route(",
    "header(",
    "config(",
    "import_module(",
)
_ADDRESS: Final = re.compile(r"https?://[A-Za-z0-9.-]+(?::\d+)?(?:/[A-Za-z]?[a-z_.-]{0,20}|/v\d+)*")
"""An address without anybody's name, a query, or a part that could be a key."""
_OF: Final = re.compile(r"""(?P<name>[A-Za-z_][\w-]*)["']?\]?[:=]\Z""")
"""The name, key or member to which a value is given."""
_ABOUT: Final = re.compile(
    r"(?i)(^|_)(field|header|name|type|typ|scheme|prefix|url|uri|path|endpoint|policy|format|location|param(eter)?|sub|iss|aud|scopes?|roles?|algorithms?|alg|"
    r"host|methods?|message|error|description|title|detail|samesite|domain|realm|mode|charset|encoding|label|placeholder|help)$"
)
"""Names of what is said about a credential and is none."""
_WORDS: Final = re.compile(r"[A-Za-z]{1,15}(?:[ ._/-][A-Za-z]{1,15}){0,8}[.:!?]?")
_EXPRESSION: Final = re.compile(
    r"(?<=[:=])(?=\s{0,8}[A-Za-z_][\w.]{0,200}[(\[])|"
    r"(?<==)(?=(?:[a-z_]{1,40}[_.])?(?:pass(?:word|wd)?|pwd|token|secret|key|credentials?|jwt|otp|pin|code)(?:_[a-z]{1,20})?[,)])"
)
"""Where an expression begins: a call, something of a list, or a variable that is called after what it holds (``token=new_token,``)."""
_SUBSCRIPT: Final = re.compile(
    r"(?i)(\[\s{0,8}[\"'][\w.-]{0,60}(?:passw|secret|token|api.?key|private.?key|credential)[\w.-]{0,60}[\"']\s{0,8}\]\s{0,8}=\s{0,8}[rbu]{0,2})"
    r"([\"'])(?:\\.|(?!\2)[^\\\n])*\2"
)


def source(value: str) -> str:
    """Lines of Python with every literal that may be a secret as ``"***"``; names of settings, headers and claims stay."""
    return "\n".join(visible(_source_line(one)) for one in value.split("\n"))


def _source_line(one: str) -> str:
    if len(one) > _LONGEST_LINE:
        return f"({len(one):,} characters on one line)"
    made = _LITERAL.sub(_literal, one) if _LINE_WITH_SECRET.search(one) else one
    # The redactor takes what follows "token =" for a token; an expression is none, and a diff must stay readable.
    return "".join(mask(piece) for piece in _EXPRESSION.split(_without_subscript_secrets(made)))


def _literal(found: re.Match[str]) -> str:
    before = found.string[max(0, found.start() - 40) : found.start()].replace(" ", "")
    named = found["after"].strip() or before.endswith(_READERS_OF_NAMES)
    if named or _HARMLESS.fullmatch(found["value"]) or _is_no_secret(before, found["value"]):
        return found.group()
    if _STATEMENT.match(found["value"]):
        return data_secrets.statements(found.group())
    return f"{found['prefix']}{found['quote']}{MASK}{found['quote']}{found['after']}"


def _is_no_secret(before: str, value: str) -> bool:
    """By what it is the value of: ``TOKEN_URL = "https://…"``, ``{"sub": "admin"}``. What could be one by its look is taken for one."""
    if _ADDRESS.fullmatch(value):
        return True
    of = _OF.search(before)
    return of is not None and _ABOUT.search(of["name"]) is not None and _WORDS.fullmatch(value) is not None


def _without_subscript_secrets(value: str) -> str:
    return _SUBSCRIPT.sub(rf"\1\2{MASK}\2", value)
