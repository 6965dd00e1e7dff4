"""Whoever reads the log can use the tokens in it."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.app import App
from stopper.core.deployment.behind_settings import is_off_at_first
from stopper.core.fact import Flow, TextFile
from stopper.core.facts import SourceFacts, source_of
from stopper.core.flow.request_hooks import ALWAYS, hung
from stopper.core.labels import LabelKind
from stopper.core.naming import sensitive
from stopper.core.place import Span
from stopper.core.rule import Hit, Rule
from stopper.core.values import Call, Constant, Item, Name, Value, text_of, walk

MESSAGE: Final = "the format of the access log writes down a header that carries a credential"
QUERY: Final = "the format of the access log writes down the query, in which the application takes a credential"
_QUERY: Final = re.compile(r"%\([qr]\)s|\$(?:request_uri|args|query_string)\b")
"""gunicorn's query and request line, nginx's query."""
SETTINGS: Final = frozenset({"access_log_format", "logformat", "log_format"})
_OF_ITS_OWN: Final = r"(?!(?:[a-z0-9]+[-_])*(?:csrf|xsrf|idempotency|cache|request|trace|page|public|routing)[-_])(?:[a-z0-9]+[-_])*(?:token|secret|api[-_]?key|auth[-_]?key|access[-_]?key|session[-_](?:id|key)|credentials?|password)"
"""A header of the project's own whose name says that it carries a credential: ``X-Session-Token``."""
_NAMES: Final = rf"(?:http_)?(?:proxy-)?(?:authorization|(?:set[-_])?cookie|{_OF_ITS_OWN})"
_GUNICORN: Final = re.compile(rf"(?i)%[(]?\{{{_NAMES}\}}[ieo](?:\)s)?")
"""gunicorn's ``%({authorization}i)s`` and ``%({http_authorization}e)s``, Apache's ``%{Authorization}i``."""
_PROXY: Final = re.compile(
    rf"(?i)\$(?:arg_(?:\w*token|api_?key|jwt|password|secret)|http_(?:proxy_)?authorization|http_cookie|http_{_OF_ITS_OWN}"
    r"|(?:sent|upstream)_http_set_cookie|cookie_(?:(?!\w*[cx]srf)\w*token\w*|\w*sess(?:ion)?(?:_?id)?|sid|jwt\w*))\b"
)
"""nginx's variables in a ``log_format``."""
_VARIABLE: Final = re.compile(r"\$http_(\w+)|%\(?\{(?:http_)?([\w-]+)\}[ie]")
_LINE: Final = re.compile(r"(?i)log_?-?format")
_SWITCHES: Final = {
    word: re.compile(pattern.encode())
    for word, pattern in {
        "accesslog.": rf"accesslog\.fields\.headers\.(?:defaultmode|names\.{_NAMES})\s*=\s*keep",
        ": keep": rf"^\s*{_NAMES}\s*:\s*keep\b",
        "capture": rf"capture\s+request\s+header\s+{_NAMES}\b",
        "%req(": rf"%req\({_NAMES}\)",
        "%(var.": rf"%\(var\.{_NAMES}\)",
        "log_credentials": r"^\s*log_credentials\s*(?:#|$)",
    }.items()
}
"""Traefik's and Caddy's switches, HAProxy's capture, Envoy's and uWSGI's variables, which say by themselves that a header is written down. They
are asked of small letters as bytes: so a script that is one line is looked through at once."""


_LOGGERS: Final = ("gunicorn.glogging.Logger", "werkzeug.serving.WSGIRequestHandler")
_REQUEST_LINE: Final = frozenset({"method", "path", "full_path", "url", "url_rule", "endpoint"})
_HELD_BACK: Final = re.compile(
    r"(?i)mask|redact|scrub|obfuscat|hash|digest|sha\d|hmac|saniti[sz]e|censor|truncate|strip_query|^(?:len|bool|type|hash)$"
)
"""What is called so shows no credential."""
_HEADERS: Final[tuple[LabelKind, ...]] = ("authorization-header", "api-key", "request-headers", "token")
_URL: Final = frozenset({"url", "full_path", "query_string", "uri", "args"})
"""What of the request has the query in it."""
_OWN: Final = "headers that are keys by what they are held against"
_IN_URL: Final = frozenset({"token", "api-key", "password", "secret"})


def detect(app: App) -> Iterator[Hit]:
    """A log format, in gunicorn's settings or in files beside the code, that names such a header; a hook that writes a line for each
    request with one in it, or with the URL where the application takes credentials there."""
    facts = source_of(app)
    yield from _by_hand(facts)
    in_url = any(sensitive(one.key) in _IN_URL for one in facts.readings("flask.request.args", "flask.request.values"))
    for assigned in facts.assignments():
        if assigned.attribute.lower() not in SETTINGS:
            continue
        texts = [str(one.value) for one in walk(assigned.value) if isinstance(one, Constant)]
        if any(_GUNICORN.search(text) or _names_own_key(facts, text) for text in texts):
            yield Hit(MESSAGE, assigned.span)
        elif in_url and any(_QUERY.search(text) for text in texts):
            yield Hit(QUERY, assigned.span, certainty="likely")
    for file in facts.files_of("config", "procfile", "dockerfile", "compose", "script", "deployment"):
        for word, switch in _SWITCHES.items():
            for number, line in file.lines_with(word):
                if switch.search(line.encode(errors="replace").lower()) and not line.lstrip().startswith("#"):
                    yield Hit(MESSAGE, Span(file.path, number, number, 0, len(line)))
        for number, line in _format_lines(file):
            if not line.lstrip().startswith("#") and (
                _PROXY.search(line) or _GUNICORN.search(line) or _names_own_key(facts, line)
            ):
                yield Hit(MESSAGE, Span(file.path, number, number, 0, len(line)))
            elif in_url and not line.lstrip().startswith("#") and _QUERY.search(line):
                yield Hit(QUERY, Span(file.path, number, number, 0, len(line)), certainty="likely")


def _format_lines(file: TextFile) -> Iterator[tuple[int, str]]:
    """The lines of every log format of the file: from its name up to a semicolon."""
    after = 0
    for begin, line in file.lines_with("log_format", "logformat", "log-format", "log_-format"):
        if begin <= after or not _LINE.search(line):
            continue
        yield begin, line
        for after in range(begin + 1, len(file.lines) + 1):
            line = file.lines[after - 1]
            if ";" in file.lines[after - 2] and not _LINE.search(line):
                break
            yield after, line


def _names_own_key(facts: SourceFacts, text: str) -> bool:
    """That a format names a header which the application holds against a key: ``$http_x_depot_key``, ``%({x-depot-key}i)s``."""
    named = [one or other for one, other in _VARIABLE.findall(text.lower())]
    own = facts.once(_OWN, lambda: _key_headers(facts)) if named else set[str]()
    return any(name.replace("-", "_") in own for name in named)


def _key_headers(facts: SourceFacts) -> set[str]:
    """The headers, as nginx writes them, that the application holds against something and whose names end like a key's."""
    sides = [side for one in facts.comparisons() for side in (one.left, one.right)]
    sides += [part for call in facts.calls("hmac.compare_digest", "secrets.compare_digest") for part in call.args]
    names = [
        text_of(part.key) or ""
        for side in sides
        for part in walk(side, 4)
        if isinstance(part, Item) and isinstance(part.owner, Name) and part.owner.dotted == "flask.request.headers"
    ]
    return {name.lower().replace("-", "_") for name in names if name.lower().endswith(("key", "token", "secret"))}


def _by_hand(facts: SourceFacts) -> Iterator[Hit]:
    lines: dict[Span, list[Flow]] = {}
    for flow in facts.flows("log", "print", label=(*_HEADERS, "cookie", "request-url", "query-string")):
        lines.setdefault(flow.span, []).append(flow)
    writers = _writers(facts) if lines else frozenset[str]()
    takes_in_url = bool(writers) and any(sensitive(one.key) in _IN_URL for one in facts.readings("flask.request.args"))
    for span, flows in lines.items():
        if flows[0].function in writers and _says_request(facts, flows[0].function, span):
            if is_off_at_first(facts, flows[0]):
                continue  # whoever switches it on looks for something
            shown = [one for one in flows if not _is_held_back(one.value)]
            if any(one.has(*_HEADERS, by_name=False) or _is_all_cookies(one.value) for one in shown) or (
                takes_in_url and any(_has_query(one.value) for one in shown)
            ):
                yield Hit("a line that is written for each request has a credential of it", span)


def _is_all_cookies(value: Value) -> bool:
    """``request.cookies`` as a whole, the session's among them."""
    inside = list(walk(value, 6))
    single = {id(one.owner) for one in inside if isinstance(one, Item)}
    return any(
        isinstance(one, Name) and one.dotted == "flask.request.cookies" and id(one) not in single for one in inside
    )


def _has_query(value: Value) -> bool:
    return any(
        isinstance(part, Name) and part.dotted.startswith("flask.request.") and part.dotted.split(".")[2] in _URL
        for part in walk(value, 6)
    )


def _writers(facts: SourceFacts) -> frozenset[str]:
    """The functions that run for each request: hooks, however they are registered, and methods of servers' loggers."""
    heirs = {one.name for one in facts.classes(*_LOGGERS)}
    methods = (one.name for one in facts.functions() if one.owner in heirs)
    return hung(facts, *ALWAYS).union(methods, *(route.hooks for route in facts.routes))


def _says_request(facts: SourceFacts, function: str, span: Span) -> bool:
    """That the line tells which request it is about, as an access log does."""
    return any(
        isinstance(part, Name)
        and part.dotted.startswith("flask.request.")
        and part.dotted.rpartition(".")[2] in _REQUEST_LINE
        for call in facts.calls_in(function)
        if call.span == span
        for given in (*call.args, *(said for _, said in call.keywords))
        for part in walk(given, 6)
    )


def _is_held_back(value: Value) -> bool:
    return any(isinstance(part, Call) and _HELD_BACK.search(part.method) for part in walk(value, 6))


RULE = Rule(
    slug="token-in-access-log",
    family="bearer",
    title="Token in the access log",
    harm=__doc__ or "",
    severity="medium",
    check="data-exposure",
    cwe=(532,),
    owasp="API8:2023",
    asvs=("V14.2.1",),
    surfaces=("source",),
    ends="Stopper's log formatter masks credentials in the access log too (docs/secrets-in-logs.md).",
    repeats=("whole-request-logged",),
    detect=detect,
)
