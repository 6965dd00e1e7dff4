"""Which values of a running application are secrets: of its configuration, its environment, its requests and its answers."""

import base64
import binascii
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, cast
from urllib.parse import parse_qsl, unquote

from stopper.core.leak import Kind
from stopper.core.naming import sensitive

LARGEST_BODY: Final = 64 * 1024
"""Bodies up to so many bytes are read for secrets."""
_FOLDERS: Final = ("PWD", "OLDPWD")
"""Where a shell stands and stood (POSIX.1-2024, XBD 8.3), not somebody's password."""

_SIGNING: Final = re.compile(
    r"(?i)(^|_)(secret_key|(jwt|token|session|cookie|csrf).*(secret|key)|signing_key|private_key|pepper|salt)(_|\d|$)"
)
_SHOWN_TO_ALL: Final = re.compile(
    r"(?i)(^|[_-])(public|publishable|site|maps?|browser|client_id|analytics|csrf|xsrf|field|name|header|location)([_-]|$)"
)
_URL_PASSWORD: Final = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]*://[^/\s:@]*:([^/\s@]+)@")
_PLAIN_NAME: Final = re.compile(r"[A-Za-z_][\w.-]{0,39}")
_BYSTANDERS: Final = re.compile(r"(?i)csrf|xsrf|^_g|^_ut|lang|locale|theme|consent|leak_canary")
_PAIR: Final = re.compile(r'"([^"\\]{1,64})"\s{0,4}:\s{0,4}"((?:[^"\\]|\\.){1,8192})"')
_PART: Final = re.compile(r'name="([^"\r\n]{1,64})"\r\n\r\n([^\r\n]{1,512})\r\n')
_HINTS: Final = (b"pass", b"pwd", b"token", b"jwt", b"key", b"secret", b"refresh", b"access")
_ISSUED: Final = re.compile(r"(?i)^(access|refresh|id|auth|bearer|jwt)(_?token)?$")


@dataclass(frozen=True, slots=True)
class Learned:
    """One secret that was recognised. ``label`` says where, never what."""

    value: str
    label: str
    kind: Kind


def plain_name(name: str) -> str:
    """*name* where it is fit to be shown: it may come from a stranger's request."""
    return name if _PLAIN_NAME.fullmatch(name) else "a field"


def of_settings(settings: Mapping[str, object], source: str) -> Iterator[Learned]:
    """The secrets in a configuration or in an environment: by the setting's name, and passwords in URLs."""
    for key, said in settings.items():
        if key in _FOLDERS:
            continue
        for value in _texts(said):
            kind = _setting_kind(key)
            if kind is not None:
                yield Learned(value, f"{source} {key}", kind)
            elif (found := _URL_PASSWORD.match(value)) is not None:
                yield Learned(unquote(found[1]), f"the password in {source} {key}", "config-credential")


def _setting_kind(key: str) -> Kind | None:
    name = key.lower()
    if name in ("secret_key", "secret_key_fallbacks"):
        return "signing-key"
    if _SHOWN_TO_ALL.search(name):
        return None
    if sensitive(name) is None and not name.endswith(("_pepper", "_salt")):
        return None
    return "signing-key" if _SIGNING.search(name) else "config-credential"


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (bytes, bytearray)):
        yield bytes(value).decode("utf-8", "surrogateescape")
    elif isinstance(value, (list, tuple)):
        for item in cast("Iterable[object]", value):
            if isinstance(item, (str, bytes)):
                yield from _texts(item)


_header_kinds: Final[dict[str, Kind | None]] = {}


def of_headers(environ: Mapping[str, object]) -> Iterator[Learned]:
    """The credentials in the headers and the query of a WSGI request."""
    for key, said in environ.items():
        if not key.startswith("HTTP_") or not isinstance(said, str):
            continue
        if key == "HTTP_AUTHORIZATION" or key == "HTTP_PROXY_AUTHORIZATION":
            yield from _authorization(said)
        elif key == "HTTP_COOKIE":
            yield from cookies(said)
        else:
            kind = _header_kind(key)
            if kind is not None:
                yield Learned(said, f"the header {key[5:].replace('_', '-').title()}", kind)
    query = environ.get("QUERY_STRING")
    if isinstance(query, str) and "=" in query and len(query) <= LARGEST_BODY:
        yield from _query(query)


def _header_kind(key: str) -> Kind | None:
    if key not in _header_kinds:
        name = key[5:].lower()
        found = None if _SHOWN_TO_ALL.search(name) else sensitive(name)
        if len(_header_kinds) > 1000:
            _header_kinds.clear()
        _header_kinds[key] = None if found is None else "api-key" if found == "api-key" else "token"
    return _header_kinds[key]


def _authorization(said: str) -> Iterator[Learned]:
    scheme, _, rest = said.strip().partition(" ")
    if scheme.lower() == "basic":
        try:
            password = base64.b64decode(rest, validate=True).decode("utf-8", "replace").partition(":")[2]
        except (binascii.Error, ValueError):
            return
        yield Learned(rest, "the Authorization header", "token")
        yield Learned(password, "the password of the Authorization header", "password")
    else:
        yield Learned(rest.strip() or scheme, "the Authorization header", "token")


def cookies(header: str) -> Iterator[Learned]:
    """The cookies that look like a credential: long ones that are not known to be anything else."""
    for part in header.split(";"):
        name, equals, value = part.strip().partition("=")
        if equals and len(value) >= 16 and not _BYSTANDERS.search(name):
            yield Learned(value.strip('"'), f"the cookie {plain_name(name)}", "cookie")


def _query(query: str) -> Iterator[Learned]:
    # `token` and `key` in a query are mostly links of one use, which were sent by mail and are shown again in a form.
    for name, value in parse_qsl(query):
        kind = sensitive(name)
        if kind is not None and name.lower() not in ("token", "key", "secret"):
            yield Learned(value, f"{plain_name(name)} in the query", _field_kind(kind))


def of_request_body(body: bytes, content_type: str) -> Iterator[Learned]:
    """The passwords, tokens and keys among the fields of a request. A value that also stands in a harmless field is no secret."""
    lowered = body[:LARGEST_BODY].lower()
    if not any(hint in lowered for hint in _HINTS):
        return
    pairs = list(_fields(body[:LARGEST_BODY], content_type))
    harmless = {value for name, value in pairs if sensitive(name) is None and not _is_repeated(name)}
    for name, value in pairs:
        kind = sensitive(name)
        if kind is not None and value not in harmless:
            yield Learned(value, f"the field {plain_name(name)}", _field_kind(kind))


def _is_repeated(name: str) -> bool:
    return "pass" in name.lower() or "confirm" in name.lower()


def _field_kind(kind: str) -> Kind:
    return "password" if kind == "password" else "api-key" if kind == "api-key" else "token"


def _fields(body: bytes, content_type: str) -> Iterable[tuple[str, str]]:
    text = body.decode("utf-8", "replace")
    if "json" in content_type:
        return _json_pairs(text)
    if "multipart" in content_type:
        return _PART.findall(text)
    if "urlencoded" in content_type:
        try:
            return parse_qsl(text, max_num_fields=1000)
        except ValueError:
            return ()
    return ()


def _json_pairs(text: str) -> Iterator[tuple[str, str]]:
    for name, value in _PAIR.findall(text):
        if "\\" in value:
            try:
                value = json.loads(f'"{value}"')
            except ValueError:
                continue
        yield name, value


def of_answer(text: str) -> Iterator[Learned]:
    """The tokens and keys that a JSON answer hands out, by the names of its members."""
    for name, value in _json_pairs(text):
        kind = sensitive(name)
        if (kind is not None and kind != "password") or _ISSUED.match(name):
            yield Learned(value, f"the member {plain_name(name)}", "issued")
