"""From a value to what it derives from. Values keep their structure, so this is a pure question that is asked when a rule asks it."""

import re
from collections.abc import Mapping as MappingType
from typing import TYPE_CHECKING, Final

from stopper.core.labels import CREDENTIALS, Label, LabelKind
from stopper.core.naming import sensitive
from stopper.core.values import (
    Call,
    Caught,
    ConfigValue,
    Constant,
    EnvironmentValue,
    Item,
    Mapping,
    Member,
    Name,
    Parameter,
    Truth,
    Unknown,
    Value,
    is_constant,
    parts,
)

if TYPE_CHECKING:
    from stopper.core.facts import SourceFacts

Labels = frozenset[Label]
NONE: Final[Labels] = frozenset()
GLIMPSE: Final = 8
"""Characters of a credential that may be shown to tell one from another."""
DEEPEST: Final = 40
"""Values nested deeper than this are generated code; their labels are no worse for being cut."""


def _of(*kinds: LabelKind, source: str = "") -> Labels:
    return frozenset(Label(kind, False, source) for kind in kinds)


REQUEST: Final[dict[str, Labels]] = {
    "args": _of("query-string", "request-data"),
    "query_string": _of("query-string", "request-data"),
    "form": _of("request-data"),
    "json": _of("request-data"),
    "get_json": _of("request-data"),
    "values": _of("query-string", "request-data"),
    "files": _of("request-data"),
    "data": _of("request-data"),
    "get_data": _of("request-data"),
    "stream": _of("request-data"),
    "view_args": _of("path-parameter", "request-data"),
    "cookies": _of("cookie"),
    "headers": _of("request-headers"),
    "environ": _of("request-headers"),
    "authorization": _of("authorization-header"),
    "url": _of("request-url"),
    "full_path": _of("request-url"),
    "path": _of("request-url"),
    "base_url": _of("request-url"),
    "url_root": _of("request-url"),
    "host_url": _of("request-url"),
    "host": _of("request-url", "request-header", source="host"),
    "referrer": _of("request-header", source="referer"),
    "user_agent": _of("request-header", source="user-agent"),
    "access_route": _of("request-header", source="x-forwarded-for"),
    "origin": _of("request-header", source="origin"),
}

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
UPSTREAM: Final = re.compile(r"(?:requests|httpx)\..*|urllib\.request\.urlopen|aiohttp\..*")
MODEL: Final = re.compile(
    r"(?:openai|anthropic|litellm|cohere|ollama|google\.generativeai|langchain\w*|transformers)\..*"
)
PASSING: Final = frozenset(
    {
        "str",
        "repr",
        "bytes",
        "format",
        "list",
        "dict",
        "tuple",
        "set",
        "sorted",
        "reversed",
        "ascii",
        "vars",
        "iter",
        "next",
        "frozenset",
    }
    | {
        "json.dumps",
        "json.loads",
        "flask.json.dumps",
        "flask.json.loads",
        "flask.jsonify",
        "flask.make_response",
        "flask.Response",
    }
    | {
        "base64.b64encode",
        "base64.b64decode",
        "base64.urlsafe_b64decode",
        "base64.urlsafe_b64encode",
        "urllib.parse.quote",
    }
    | {
        "urllib.parse.unquote",
        "urllib.parse.urlencode",
        "urllib.parse.urljoin",
        "copy.copy",
        "copy.deepcopy",
        "os.path.join",
    }
    | {
        "os.path.normpath",
        "pathlib.Path",
        "sqlalchemy.text",
        "typing.cast",
        "min",
        "max",
        "zip",
        "map",
        "filter",
        "enumerate",
    }
    | {
        "traceback.format_exception",
        "traceback.format_exception_only",
        "textwrap.dedent",
        "html.unescape",
        "int",
        "float",
        "abs",
        "round",
    }
)
TEXT_METHODS: Final = frozenset(
    {
        "split",
        "rsplit",
        "strip",
        "lstrip",
        "rstrip",
        "replace",
        "encode",
        "decode",
        "lower",
        "upper",
        "partition",
        "rpartition",
        "get",
    }
    | {
        "pop",
        "items",
        "values",
        "keys",
        "to_dict",
        "copy",
        "read",
        "format",
        "join",
        "title",
        "removeprefix",
        "removesuffix",
        "json",
    }
    | {
        "splitlines",
        "hex",
        "isoformat",
        "getlist",
        "setdefault",
        "casefold",
        "strftime",
        "text",
        "get_json",
        "iter_content",
        "readlines",
    }
    | {"__str__", "__repr__", "with_traceback", "errors", "to_json", "as_string"}
)
NUMBERS: Final = frozenset({"int", "float", "bool", "len", "uuid.UUID", "round", "abs", "decimal.Decimal"})
CURATED: Final = frozenset({"code", "name", "status", "status_code", "__class__", "errno", "response"})
"""Attributes of an exception that tell nothing of what went wrong inside."""


class _Asking:
    """One question: what the values on the way were, so that neither cycles nor shared parts cost more than once."""

    __slots__ = ("bindings", "cuts", "facts", "known", "numbers", "open", "whole")

    def __init__(self, facts: "SourceFacts", numbers: bool) -> None:
        self.facts = facts
        self.numbers = numbers
        self.known: dict[tuple[int, int], Labels] = {}
        self.bindings: list[MappingType[str, Value]] = []
        """Kept alive, because ``known`` goes by identity."""
        self.open: set[object] = set()
        self.cuts = 0
        """How often an answer was cut short, by a cycle or by depth. Answers made without a cut are whole and kept for ever."""
        self.whole = facts.remembered_labels(numbers)

    def of(self, value: Value | None, bound: MappingType[str, Value], depth: int = 0) -> Labels:
        """The labels of *value* where parameters of the function it came from are bound to *bound*."""
        if value is None:
            return NONE
        if depth > DEEPEST:
            self.cuts += 1
            return NONE
        kept = self.whole.get(id(value)) if not bound else None
        if kept is not None:
            return kept[1]
        key = (id(value), id(bound) if bound else 0)
        if key in self.known:
            return self.known[key]
        before = self.cuts
        found = self._plain(value, bound, depth)
        if value.name:
            found |= _by_name(value.name, found)
        if not bound and self.cuts == before:
            # The value is kept with its labels, so that its identity cannot pass to another.
            self.whole[id(value)] = (value, found)
        else:
            self.known[key] = found
        return found

    def _plain(self, value: Value, bound: MappingType[str, Value], depth: int) -> Labels:
        match value:
            case Constant() | Truth():
                return NONE
            case Name(dotted=dotted):
                return _of_name(dotted)
            case Call():
                return self._call(value, bound, depth)
            case Item():
                return self._item(value, bound, depth)
            case Member():
                return self._member(value, bound, depth)
            case Parameter():
                return self._parameter(value, bound, depth)
            case Caught():
                return _of("exception")
            case EnvironmentValue(variable=variable):
                return _of("environment", source=variable)
            case ConfigValue(key=key):
                return _of("config-secret" if _is_secret(key) else "config", source=key)
            case _:
                return self._union(parts(value), bound, depth)

    def _union(self, values: tuple[Value, ...], bound: MappingType[str, Value], depth: int) -> Labels:
        found: Labels = NONE
        for value in values:
            found |= self.of(value, bound, depth + 1)
        return found

    def _item(self, value: Item, bound: MappingType[str, Value], depth: int) -> Labels:
        key = value.key.value if isinstance(value.key, Constant) else None
        owner = value.owner
        if isinstance(owner, Name) and owner.dotted == "flask.request.headers" and isinstance(key, str):
            return _header(key)
        if isinstance(owner, Name) and owner.dotted == "flask.request.environ" and isinstance(key, str):
            return _header(key.removeprefix("HTTP_").replace("_", "-"))
        found = self.of(owner, bound, depth + 1)
        if isinstance(key, str):
            if any(label.kind == "request-headers" for label in found):
                return _header(key)
            found = frozenset(label for label in found if label.kind != "whole-config" and not _container(label, key))
            found |= _by_name(key, found)
        if value.default is not None and not isinstance(value.default, Constant):
            found |= self.of(value.default, bound, depth + 1)
        return frozenset(label for label in found if label.kind not in CREDENTIALS) if _is_glimpse(value) else found

    def _member(self, value: Member, bound: MappingType[str, Value], depth: int) -> Labels:
        if value.attribute == "config" and _is_application(value.owner):
            return _of("whole-config", source="config")
        found = self.of(value.owner, bound, depth + 1)
        if value.attribute in CURATED or (
            value.attribute == "description" and not self._is_plain_exception(value.owner)
        ):
            found = frozenset(label for label in found if label.kind != "exception")
        return found | _by_name(value.attribute, found)

    def _is_plain_exception(self, value: Value) -> bool:
        return isinstance(value, Caught) and not all(
            "HTTPException" in name or "werkzeug" in name for name in value.catches
        )

    def _parameter(self, value: Parameter, bound: MappingType[str, Value], depth: int) -> Labels:
        if value.parameter in bound:
            passed = bound[value.parameter]
            return self.of(passed, {}, depth + 1) if passed is not value else NONE
        mark = (value.function, value.parameter)
        if mark in self.open or depth > 12:
            self.cuts += 1
            return NONE
        self.open.add(mark)
        found = self._of_route(value) | self._of_handler(value)
        for call in self.facts.calls(value.function):
            given = call.argument(value.index if value.index >= 0 else None, value.parameter)
            if given is not None:
                found |= self.of(given, {}, depth + 4)
        self.open.discard(mark)
        return found

    def _of_route(self, value: Parameter) -> Labels:
        for route in self.facts.routes_of_view(value.function):
            if any(name == value.parameter for name, _ in route.parameters):
                typed = dict(route.parameters)[value.parameter]
                if typed in ("int", "uuid") and self.numbers:
                    return NONE
                return _of("path-parameter", "request-data", source=value.parameter)
        return NONE

    def _of_handler(self, value: Parameter) -> Labels:
        if value.index != 0:
            return NONE
        for handler in self.facts.error_handlers_of(value.function):
            if not handler.what.isdigit() and not handler.what.startswith("werkzeug.exceptions"):
                return _of("exception")
        return NONE

    def _call(self, value: Call, bound: MappingType[str, Value], depth: int) -> Labels:
        callee = value.callee
        known = _of_callee(value)
        if known is not None:
            return known
        if self.numbers and callee in NUMBERS:
            return NONE
        if callee in PASSING:
            return self._union(parts(value), bound, depth)
        results = self.facts.function(callee) if callee[:1] != "?" else None
        if results is not None:
            return self._results(value, results.returns, results.parameters, bound, depth)
        found = _of_name(callee)
        if value.receiver is not None and (value.method in TEXT_METHODS or value.method in REQUEST):
            found |= self._union(
                parts(value) if value.method in ("format", "join", "replace") else (value.receiver,), bound, depth
            )
        return found

    def _results(
        self, call: Call, returns: tuple[Value, ...], parameters: tuple[str, ...], bound: MappingType[str, Value], depth: int
    ) -> Labels:  # fmt: skip
        mark = ("call", call.callee)
        if mark in self.open or depth > 20:
            self.cuts += 1
            return NONE
        self.open.add(mark)
        passed: dict[str, Value] = {}
        for index, name in enumerate(parameters):
            given = call.argument(index, name)
            if given is not None:
                passed[name] = given if not bound else _Bound.of(given, bound)
        self.bindings.append(passed)
        found: Labels = NONE
        for value in returns:
            found |= self.of(value, passed, depth + 2)
        self.open.discard(mark)
        return found


class _Bound:
    """A parameter passed on unchanged is replaced by what the outer caller passed."""

    @staticmethod
    def of(value: Value, bound: MappingType[str, Value]) -> Value:
        """What *value* is for the outer caller."""
        if isinstance(value, Parameter) and value.parameter in bound:
            return bound[value.parameter]
        return value


def labels_of(facts: "SourceFacts", value: Value | None, *, numbers: bool = False) -> Labels:
    """The labels of *value*, through parameters and results of the project's functions. With *numbers*, what was made a number
    (``int(…)``, a path parameter of type int) carries none: it can inject nothing."""
    return _Asking(facts, numbers).of(value, {})


def _is_glimpse(value: Item) -> bool:
    """A slice of a few characters from either end, as people show to tell keys apart: it gives no credential away."""
    match value.key:
        case Unknown(parts=(Constant(value=None | 0), Constant(value=int(end)))):
            return 0 < end <= GLIMPSE
        case Unknown(parts=(Constant(value=int(start)), Constant(value=None))):
            return -GLIMPSE <= start < 0
        case _:
            return False


_APPLICATIONS: Final = frozenset({"Flask", "APIFlask", "OpenAPI", "Quart"})


def _is_application(value: Value) -> bool:
    """That the value is a Flask application, by what made it or by the usual name of a parameter."""
    if isinstance(value, Parameter):
        return value.parameter in ("app", "application", "flask_app", "current_app")
    return isinstance(value, Call) and value.method in _APPLICATIONS


def _of_name(dotted: str) -> Labels:
    if dotted.startswith("flask.request"):
        words = dotted.split(".")
        if len(words) == 2:
            return NONE
        if words[2] == "headers" and len(words) > 3:
            return (
                _of("request-headers") if words[3] in ("items", "to_wsgi_list", "values", "get_all", "copy") else NONE
            )
        return REQUEST.get(words[2], NONE)
    whole, _, _ = dotted.rpartition(".") if dotted.endswith((".items", ".values", ".copy")) else (dotted, "", "")
    if whole in ("flask.Flask.config", "flask.current_app.config", "os.environ", "app.config"):
        return _of("whole-config", source=whole)
    if dotted == "flask.session" or dotted.startswith("flask.session."):
        return _of("session")
    return NONE


def _of_callee(call: Call) -> Labels | None:
    callee = call.callee
    if TOKEN_MAKERS.fullmatch(callee):
        return _of("token", source=callee)
    if UNVERIFIED.fullmatch(callee):
        return _of("unverified-claims", source=callee)
    if CLAIM_READERS.fullmatch(callee):
        chosen = call.keyword("options")
        off = isinstance(chosen, Mapping) and is_constant(chosen.get("verify_signature"), False)
        return _of(
            "unverified-claims" if off or is_constant(call.keyword("verify"), False) else "claims", source=callee
        )
    if callee in (
        "traceback.format_exc",
        "traceback.format_tb",
        "traceback.format_stack",
        "traceback.format_exception",
    ):
        return _of("traceback")
    if callee in ("sys.exc_info", "sys.exception"):
        return _of("exception")
    if callee.startswith("random.") and callee != "random.SystemRandom":
        return _of("random", source=callee)
    if callee == "uuid.uuid1":
        return _of("random", source=callee)
    if callee.startswith(("hashlib.", "hmac.", "werkzeug.security.", "bcrypt.", "secrets.", "argon2.", "passlib.")):
        return NONE
    if UPSTREAM.fullmatch(callee):
        return _of("upstream", source=callee)
    return _of("model-output", source=callee) if MODEL.fullmatch(callee) else None


def _header(name: str) -> Labels:
    lowered = name.lower()
    if lowered == "authorization":
        return _of("authorization-header", source=lowered)
    found = _of("request-header", source=lowered)
    if re.search(r"api-?key|access-?key|^x-key$|subscription-key", lowered):
        return found | _of("api-key", source=lowered)
    if lowered == "cookie":
        return found | _of("cookie")
    if re.search(r"(?:auth|access|refresh|api|x|session|id|bearer)-?token$|^token$", lowered) and "csrf" not in lowered:
        return found | _of("token", source=lowered)
    return found


def _by_name(name: str, found: Labels) -> Labels:
    kind = sensitive(name)
    if kind is None or any(label.kind == kind and not label.by_name for label in found):
        return NONE
    return frozenset({Label(kind, True, name)})


def _container(label: Label, key: str) -> bool:
    """That the label is about another key of the same container."""
    return label.by_name and sensitive(key) is None


def _is_secret(key: str) -> bool:
    return sensitive(key) in ("config-secret", "password", "api-key", "token") or key.endswith(
        ("SECRET", "SECRET_KEY", "_PRIVATE_KEY")
    )
