"""Where labels begin: the names, calls and headers that say by themselves what comes out of them."""

import re
from functools import lru_cache
from typing import Final

from stopper.core.labels import Label, LabelKind
from stopper.core.naming import is_key_name, sensitive
from stopper.core.values import (
    Call,
    Mapping,
    is_constant,
    text_of,
)

Labels = frozenset[Label]

NONE: Final[Labels] = frozenset()


def labelled(*kinds: LabelKind, source: str = "") -> Labels:
    return frozenset(Label(kind, False, source) for kind in kinds)


REQUEST: Final[dict[str, Labels]] = {
    "args": labelled("query-string", "request-data"),
    "query_string": labelled("query-string", "request-data"),
    "form": labelled("request-data"),
    "json": labelled("request-data"),
    "get_json": labelled("request-data"),
    "values": labelled("query-string", "request-data"),
    "files": labelled("request-data"),
    "data": labelled("request-data"),
    "get_data": labelled("request-data"),
    "stream": labelled("request-data"),
    "body": labelled("request-data"),
    "view_args": labelled("path-parameter", "request-data"),
    "body_params": labelled("request-data"),
    "query_params": labelled("query-string", "request-data"),
    "form_params": labelled("request-data"),
    "path_params": labelled("path-parameter", "request-data"),
    "context": labelled("request-data"),
    "content_type": labelled("request-header", source="content-type"),
    "cookies": labelled("cookie"),
    "headers": labelled("request-headers"),
    "environ": labelled("request-headers"),
    "authorization": labelled("authorization-header"),
    "url": labelled("request-url"),
    "full_path": labelled("request-url"),
    "path": labelled("request-url"),
    "base_url": labelled("request-url"),
    "url_root": labelled("request-url"),
    "host_url": labelled("request-url"),
    "host": labelled("request-url", "request-header", source="host"),
    "referrer": labelled("request-header", source="referer"),
    "user_agent": labelled("request-header", source="user-agent"),
    "access_route": labelled("request-header", source="x-forwarded-for"),
    "origin": labelled("request-header", source="origin"),
}

WRITTEN: Final = labelled("request-data", "query-string")
"""What a caller wrote, whatever it is called."""

FREE_FIELD: Final = re.compile(
    r"(?:wtforms|flask_wtf|wtforms_\w+)(?:\.\w+)*\.(?:String|Text|TextArea|Password|Email|URL|Hidden|Search|Tel)Field"
)
"""Fields of a form whose ``data`` is the text that the caller wrote."""

FORMS: Final = frozenset(
    {
        "flask_wtf.FlaskForm",
        "flask_wtf.Form",
        "flask_wtf.form.FlaskForm",
        "wtforms.Form",
        "wtforms.form.Form",
    }
)
"""What a class of the project whose objects are forms is derived from."""

TOKEN_MAKERS: Final = re.compile(
    r"(?:jwt|jose\.jwt|authlib\.jose\.(?:jwt|JsonWebToken)|joserfc\.jwt)\.encode|flask_jwt_extended\.create_(?:access|refresh)_token"
    r"|itsdangerous\.\w+\.dumps|flask_praetorian\.\w+\.encode_jwt_token"
)

CLAIM_READERS: Final = re.compile(
    r"(?:jwt|jose\.jwt|authlib\.jose\.(?:jwt|JsonWebToken)|joserfc\.jwt)\.decode(?:_complete)?|flask_jwt_extended\.(?:get_jwt\w*|decode_token|current_user)"
)

UNVERIFIED: Final = re.compile(
    r"(?:jwt|jose\.jwt|jose\.jws)\.get_unverified_\w+|flask_jwt_extended\.get_unverified_jwt_headers|authlib\.jose\.\w+\.peek\w*"
)

_PARSED: Final = re.compile(
    r"flask_(?:restful|restx|restplus)\.reqparse\.RequestParser\.parse_args|webargs\.flaskparser\..*parse"
)
"""What a parser of requests gives: of the right types, and written by the caller."""

UPSTREAM: Final = re.compile(
    r"(?!requests\.structures|httpx\.Headers)(?:requests|httpx)\..*|urllib\.request\.urlopen|aiohttp\..*"
)

MODEL: Final = re.compile(
    r"(?:openai|anthropic|litellm|cohere|ollama|google\.generativeai|langchain\w*|transformers)\..*"
)

PASSING: Final = frozenset({
    "traceback.format_exception", "traceback.format_exception_only", "textwrap.dedent", "pprint.pformat", "html.unescape", "int",
    "float", "abs", "round", "os.path.normpath", "os.path.abspath", "os.path.realpath", "os.path.expanduser", "pathlib.Path",
    "shlex.split", "unicodedata.normalize", "textwrap.shorten", "string.capwords", "codecs.decode", "codecs.encode", "re.split", "sqlalchemy.text", "typing.cast", "min", "max",
    "zip", "map", "filter", "enumerate", "urllib.parse.unquote", "urllib.parse.urlencode", "urllib.parse.urljoin",
    "copy.copy", "copy.deepcopy", "os.path.join", "markdown.markdown", "markdown2.markdown", "mistune.html", "base64.b64encode", "base64.b64decode",
    "base64.urlsafe_b64decode", "base64.urlsafe_b64encode", "urllib.parse.quote", "str", "repr", "bytes", "format",
    "list", "dict", "tuple", "set", "sorted", "reversed", "ascii", "vars", "iter", "next", "frozenset",
    "json.dumps", "json.loads", "flask.json.dumps", "flask.json.loads", "flask.jsonify", "flask.make_response",
    "yaml.dump", "yaml.safe_dump", "toml.dumps", "tomli_w.dumps", "orjson.dumps", "ujson.dumps", "simplejson.dumps", "bson.json_util.dumps",
    "urllib3.HTTPHeaderDict", "urllib3._collections.HTTPHeaderDict", "httpx.Headers", "werkzeug.datastructures.Headers",
    "requests.structures.CaseInsensitiveDict", "multidict.CIMultiDict", "multidict.MultiDict", "collections.OrderedDict", "collections.ChainMap",
    "flask.Response", "urllib.parse.quote_plus", "urllib.parse.unquote_plus", "werkzeug.urls.iri_to_uri", "werkzeug.urls.uri_to_iri",
    "werkzeug.urls.url_quote", "werkzeug.urls.url_quote_plus", "werkzeug.urls.url_unquote", "werkzeug.urls.url_unquote_plus",
    "werkzeug.urls.url_encode", "werkzeug.urls.url_fix", "werkzeug.urls.url_join", "yarl.URL", "furl.furl",
    "zlib.decompress", "gzip.decompress", "bz2.decompress", "lzma.decompress", "brotli.decompress", "brotlicffi.decompress",
    "zstandard.decompress", "snappy.decompress", "snappy.uncompress", "lz4.frame.decompress", "binascii.unhexlify", "bytes.fromhex",
    "binascii.a2b_base64", "base64.b32decode", "base64.b85decode", "base64.b16decode", "base64.decodebytes",
})  # fmt: skip

TEXT_METHODS: Final = frozenset({
    "joinpath", "__str__", "__repr__", "with_traceback", "errors", "to_json", "as_string", "splitlines", "hex", "isoformat",
    "getlist", "setdefault", "casefold", "strftime", "text", "get_json", "iter_content", "readlines", "split",
    "rsplit", "strip", "lstrip", "rstrip", "replace", "encode", "decode", "lower", "upper", "partition",
    "rpartition", "get", "pop", "items", "values", "keys", "to_dict", "copy", "read", "format", "join", "title",
    "removeprefix", "removesuffix", "json", "_replace", "geturl", "with_query", "update_query", "with_fragment",
    "receive", "capitalize", "swapcase", "zfill", "ljust", "rjust", "center", "expandtabs", "resolve", "absolute", "expanduser", "as_posix",
})  # fmt: skip

NUMBERS: Final = frozenset({"int", "float", "bool", "len", "uuid.UUID", "round", "abs", "decimal.Decimal"})

CURATED: Final = frozenset({"code", "name", "status", "status_code", "__class__", "errno", "response"})
"""Attributes of an exception that tell nothing of what went wrong inside."""


_SAID_NAME: Final = labelled("request-data") | labelled("request-header", source="authorization")
"""Who the caller says to be: the caller wrote it, and it opens nothing."""


@lru_cache(maxsize=65536)
def of_name(dotted: str) -> Labels:
    if dotted.startswith("flask.request"):
        words = dotted.split(".")
        if len(words) == 2:
            return NONE
        if words[2] == "authorization" and words[3:] in (["type"], ["realm"]):
            return NONE
        if words[2] == "authorization" and words[3:] == ["username"]:
            return _SAID_NAME
        if words[2] == "headers" and len(words) > 3:
            return labelled("request-headers") if words[3] in ("items", "to_wsgi_list", "values", "copy") else NONE
        return REQUEST.get(words[2], NONE)
    whole, _, _ = dotted.rpartition(".") if dotted.endswith((".items", ".values", ".copy")) else (dotted, "", "")
    if whole in ("flask.Flask.config", "flask.current_app.config", "os.environ", "app.config"):
        return labelled("whole-config", source=whole)
    if dotted == "flask.session" or dotted.startswith("flask.session."):
        return labelled("session")
    return NONE


def of_callee(call: Call) -> Labels | None:
    """What a call gives, by its name; None where the name says nothing. The name's part is worked out once."""
    found = _by_callee(call.callee)
    if found is not _CLAIMS:
        return found
    chosen = call.keyword("options")
    off = isinstance(chosen, Mapping) and is_constant(chosen.get("verify_signature"), False)
    return labelled(
        "unverified-claims" if off or is_constant(call.keyword("verify"), False) else "claims", source=call.callee
    )


_CLAIMS: Final = labelled("claims", source="whatever it was")
"""Stands for a call whose options decide whether its claims are verified."""


@lru_cache(maxsize=65536)
def _by_callee(callee: str) -> Labels | None:
    if TOKEN_MAKERS.fullmatch(callee):
        return labelled("token", source=callee)
    if UNVERIFIED.fullmatch(callee):
        return labelled("unverified-claims", source=callee)
    if CLAIM_READERS.fullmatch(callee):
        return _CLAIMS
    if callee in (
        "traceback.format_exc",
        "traceback.format_tb",
        "traceback.format_stack",
        "traceback.format_exception",
        "traceback.TracebackException",
        "traceback.TracebackException.from_exception",
        "traceback.extract_tb",
    ):
        return labelled("traceback")
    if callee in ("sys.exc_info", "sys.exception"):
        return labelled("exception")
    if callee.startswith("random.") and callee != "random.SystemRandom":
        return labelled("random", source=callee)
    if callee == "uuid.uuid1":
        return labelled("random", source=callee)
    if callee.startswith(("hashlib.", "hmac.", "werkzeug.security.", "bcrypt.", "secrets.", "argon2.", "passlib.")):
        return NONE
    if _PARSED.fullmatch(callee):
        return labelled("request-data")
    if UPSTREAM.fullmatch(callee):
        return labelled("upstream", source=callee)
    return labelled("model-output", source=callee) if MODEL.fullmatch(callee) else None


def of_header(name: str) -> Labels:
    lowered = name.lower()
    if lowered == "authorization":
        return labelled("authorization-header", source=lowered)
    found = labelled("request-header", source=lowered)
    if re.search(r"api-?key|access-?key|^x-key$|subscription-key", lowered) or is_key_name(lowered):
        return found | labelled("api-key", source=lowered)
    if lowered == "cookie":
        return found | labelled("cookie")
    if (
        re.search(
            r"(?:auth|access|refresh|api|x|session|id|bearer|service|internal|client|app|partner|device|admin)-?token$|^token$",
            lowered,
        )
        and "csrf" not in lowered
    ):
        return found | labelled("token", source=lowered)
    return found


HEADERS_READ: Final = frozenset(f"flask.request.headers.{method}" for method in ("getlist", "get_all", "keys"))
"""What gives a list of what one header says, or of the names that the caller's headers have."""


def of_headers_read(call: Call) -> Labels:
    name = text_of(call.argument(0, "key", "name"))
    return of_header(name) if name is not None else labelled("request-header")


def by_name(name: str, found: Labels) -> Labels:
    kind = sensitive(name)
    if kind is None or any(label.kind == kind and not label.by_name for label in found):
        return NONE
    return frozenset({Label(kind, True, name)})


def of_another_key(label: Label, key: str) -> bool:
    """That the label is about another key of the same container."""
    return label.by_name and sensitive(key) is None


def is_secret(key: str) -> bool:
    return sensitive(key) in ("config-secret", "password", "api-key", "token") or key.endswith(
        ("SECRET", "SECRET_KEY", "_PRIVATE_KEY")
    )
