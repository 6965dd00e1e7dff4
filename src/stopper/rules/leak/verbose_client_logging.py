"""Whoever may read the logs finds the credentials and data that clients send."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.app import App
from stopper.core.deployment.app_wiring import Wiring
from stopper.core.deployment.switched_on import asked_for, is_on, switched_on
from stopper.core.facts import SourceFacts, source_of
from stopper.core.place import Span
from stopper.core.rule import Edit, Hit, Rule
from stopper.core.values import (
    Call,
    Constant,
    Format,
    Item,
    Mapping,
    Member,
    Name,
    Parameter,
    Value,
    is_constant,
    options,
    text_of,
    walk,
)

ECHO: Final = "SQLALCHEMY_ECHO"
_CLIENTS: Final = re.compile(
    r"(?:urllib3|requests(?:_oauthlib)?|oauthlib|httpx|httpcore|http\.client|botocore|boto3|aiohttp|openai|anthropic|stripe|twilio|hpack|sqlalchemy\.(?:engine|pool|orm)"
    r"|suds|zeep|ldap3|paramiko|elasticsearch|google\.auth|azure|msal|pymongo|psycopg|asyncio_redis|werkzeug\.debug)(?:\..*)?"
)
_OF_AMAZON: Final = re.compile(r"(?:botocore|boto3)?(?:\..*)?")
_SQL: Final = re.compile(r"sqlalchemy\.engine.*")
_ENGINES: Final = (
    "sqlalchemy.create_engine",
    "sqlalchemy.ext.asyncio.create_async_engine",
    "sqlmodel.create_engine",
    "sqlalchemy.engine.create_engine",
)
_SWITCHES: Final = frozenset({"[OPENAI_LOG]", "[ANTHROPIC_LOG]", "[HTTPX_LOG_LEVEL]"})
_HANDLERS: Final = ("urllib.request.HTTPHandler", "urllib.request.HTTPSHandler")
_MESSAGE: Final = "a client writes what it sends to the log"


def detect(app: App) -> Iterator[Hit]:
    """Switches that make HTTP clients and SQLAlchemy log what they send, unless somebody asks for it."""
    facts = source_of(app)
    found_echo = False
    for found in switched_on(app, ECHO):
        found_echo = True
        yield Hit("every statement is logged with its values", found.span, certainty=found.certainty)
    for found in switched_on(app, "MAIL_DEBUG") if facts.imports("flask_mail", "flask_mailman") else ():
        yield Hit(
            "all that is said to the mail server is written, the log-in among it", found.span, certainty=found.certainty
        )
    said = (
        *_engines(facts),
        *_engine_options(facts),
        *_loggers(facts),
        *_debuglevels(facts),
        *_variables(facts),
        *_hooks(facts),
        *_traced(facts),
        *_in_files(facts),
    )
    for span in said:
        if not asked_for(facts, span):
            yield Hit(_MESSAGE, span)
    if app.wiring is not None and not said:
        yield from _running(app.wiring)
    running = app.config.get(ECHO)
    if not found_echo and running is not None and running.reader == "running" and running.value in (True, "debug"):
        yield Hit("SQLALCHEMY_ECHO is on in the running application", reader="running")


def _running(wiring: Wiring) -> Iterator[Hit]:
    """Clients whose logger has a level of its own, and somewhere to write to, after everything was loaded."""
    for one in wiring.loggers:
        if _CLIENTS.fullmatch(one.name) and one.level <= (20 if _SQL.fullmatch(one.name) else 10):
            yield Hit(f"the logger {one.name} writes what the client sends", reader="running")
    if wiring.prints_http:
        yield Hit("http.client prints every request with its headers", reader="running")


def _engines(facts: SourceFacts) -> Iterator[Span]:
    for call in facts.calls(*_ENGINES):
        echo = call.keyword("echo")
        if (
            (is_on(facts, echo) or is_constant(echo, "debug"))
            and not is_constant(call.keyword("hide_parameters"), True)
            and call.span is not None
        ):
            yield call.span


def _engine_options(facts: SourceFacts) -> Iterator[Span]:
    """``SQLALCHEMY_ENGINE_OPTIONS = {"echo": True}``, ``SQLAlchemy(engine_options={"echo": True})``."""
    for call in facts.calls("flask_sqlalchemy.SQLAlchemy", "flask_sqlalchemy.SQLAlchemy.init_app"):
        chosen = call.keyword("engine_options")
        if isinstance(chosen, Mapping) and call.span is not None and _echoes(facts, chosen):
            yield call.span
    for write in facts.config_writes("SQLALCHEMY_ENGINE_OPTIONS", "ALCHEMICAL_ENGINE_OPTIONS"):
        chosen = write.value
        if write.loaded is not False and isinstance(chosen, Mapping) and _echoes(facts, chosen):
            yield write.span


def _echoes(facts: SourceFacts, chosen: Mapping) -> bool:
    echo = chosen.get("echo")
    shows = is_on(facts, echo) or is_constant(echo, "debug")
    return shows and not is_constant(chosen.get("hide_parameters"), True)


def _loggers(facts: SourceFacts) -> Iterator[Span]:
    for call in facts.calls("*.setLevel"):
        names = _logger_names(call.receiver)
        if call.args and call.span is not None and any(_is_verbose(name, call.args[0]) for name in names):
            yield call.span
    for call in facts.calls("logging.config.dictConfig"):
        for value in walk(call, 5):
            for key, settings in value.items if isinstance(value, Mapping) else ():
                name = text_of(key) or ""
                level = settings.get("level") if isinstance(settings, Mapping) else None
                if (
                    _CLIENTS.fullmatch(name)
                    and level is not None
                    and _is_verbose(name, level)
                    and call.span is not None
                ):
                    yield call.span
    for call in facts.calls("boto3.set_stream_logger"):
        name, level = text_of(call.argument(0, "name")) or "", call.argument(1, "level")
        if (
            call.span is not None
            and (level is None or _is_verbose(name or "boto3", level))
            and _OF_AMAZON.fullmatch(name)
        ):
            yield call.span


_ENTRY: Final = re.compile(r"(?i)^\s*(qualname|level)\s*[=:]\s*(\S+)")


def _in_files(facts: SourceFacts) -> Iterator[Span]:
    """Levels in the INI file that ``logging.config.fileConfig`` reads."""
    if next(facts.calls("logging.config.fileConfig"), None) is None:
        return
    for file in facts.files_of("config"):
        section: dict[str, tuple[str, int]] = {}
        for number, line in (*enumerate(file.lines, 1), (0, "[")) if any(file.lines_with("qualname")) else ():
            if line.lstrip().startswith("["):
                (name, _), (level, place) = section.get("qualname", ("", 0)), section.get("level", ("", 0))
                if _is_verbose(name, Constant(level.upper())):
                    yield Span(file.path, place, place, 1, len(file.lines[place - 1]) + 1)
                section = {}
            elif (said := _ENTRY.match(line)) is not None:
                section[said[1].lower()] = (said[2], number)


def _logger_names(receiver: Value | None) -> tuple[str, ...]:
    if isinstance(receiver, Call) and receiver.callee == "logging.getLogger" and receiver.args:
        return tuple(name for one in options(receiver.args[0]) if (name := text_of(one)))
    return ()


def _is_verbose(name: str, level: Value) -> bool:
    if not _CLIENTS.fullmatch(name):
        return False
    said = (
        level.dotted.rpartition(".")[2]
        if isinstance(level, Name)
        else level.value
        if isinstance(level, Constant)
        else None
    )
    verbose = ("DEBUG", "NOTSET", 10, 0, "debug", *(("INFO", 20, "info") if _SQL.fullmatch(name) else ()))
    return said in verbose and not isinstance(said, bool)


_SENDERS: Final = ("requests.adapters.HTTPAdapter", "requests.Session", "httpx.BaseTransport", "httpx.HTTPTransport")
"""Classes whose heirs see every request that is sent."""


def _hooks(facts: SourceFacts) -> Iterator[Span]:
    """``httpx.Client(event_hooks={"request": [log_request]})`` and the hooks of requests, which write all headers of what is sent."""
    hooked: set[str] = set()
    for call in facts.calls("httpx.Client", "httpx.AsyncClient"):
        hooked |= {one.dotted for one in walk(call.keyword("event_hooks"), 4) if isinstance(one, Name)}
    for one in facts.assignments():
        if one.target.endswith(("event_hooks", "hooks")) or one.attribute in ("response", "request"):
            hooked |= {part.dotted for part in walk(one.value, 4) if isinstance(part, Name)}
    for call in facts.calls("*.append"):
        if isinstance(call.receiver, Item) and any(
            part.attribute in ("hooks", "event_hooks") for part in walk(call.receiver, 3) if isinstance(part, Member)
        ):
            hooked |= {part.dotted for part in call.args if isinstance(part, Name)}
    for found in facts.classes(*_SENDERS):
        hooked |= {f"{found.name}.{method}" for method in found.methods if method in ("send", "handle_request")}
    for call in facts.calls(*(f"*.{word}" for word in _LOGS)) if facts.imports("requests", "httpx") else ():
        if call.span is not None and any(map(_is_sent_headers, call.args)):
            yield call.span  # ``log.info("asked with %s", answer.request.headers)``
    for name in sorted(hooked):
        for call in facts.calls_in(name) if facts.function(name) is not None else ():
            if call.method in _LOGS and call.span is not None and any(map(_is_all_headers, call.args)):
                yield call.span


def _traced(facts: SourceFacts) -> Iterator[Span]:
    """``connection.set_trace_callback(print)`` of sqlite3: each statement with the values that were bound to it."""
    for call in facts.calls("*.set_trace_callback") if facts.imports("sqlite3") else ():
        said = call.argument(0)
        writes = isinstance(said, Name) and said.dotted.rpartition(".")[2] in _LOGS
        if call.span is not None and (writes or _writes_its_argument(facts, said)):
            yield call.span


def _writes_its_argument(facts: SourceFacts, said: Value | None) -> bool:
    name = said.dotted if isinstance(said, Name) else ""
    return facts.function(name) is not None and any(
        call.method in _LOGS and any(isinstance(part, Parameter) for value in call.args for part in walk(value, 3))
        for call in facts.calls_in(name)
    )


_LOGS: Final = frozenset({"debug", "info", "warning", "error", "critical", "exception", "log", "print", "echo"})


def _is_sent_headers(value: Value) -> bool:
    inner = value.args[0] if isinstance(value, Call) and value.callee in ("dict", "str") and value.args else value
    if not isinstance(inner, Member) or inner.attribute != "headers" or not isinstance(inner.owner, Member):
        return False
    made = inner.owner.owner
    return (
        inner.owner.attribute == "request"
        and isinstance(made, Call)
        and made.callee.startswith(("requests.", "httpx."))
    )


def _is_all_headers(value: Value) -> bool:
    """``request.headers``, ``dict(response.request.headers)`` of what a hook is handed."""
    inner = (
        value.args[0] if isinstance(value, Call) and value.callee in ("dict", "str", "list") and value.args else value
    )
    if isinstance(inner, Format):
        return any(map(_is_all_headers, inner.parts))
    if not isinstance(inner, Member) or inner.attribute != "headers":
        return False
    owner = inner.owner.owner if isinstance(inner.owner, Member) and inner.owner.attribute == "request" else inner.owner
    return isinstance(owner, Parameter)


def _variables(facts: SourceFacts) -> Iterator[Span]:
    """``os.environ["OPENAI_LOG"] = "debug"``, which the client reads when it is made."""
    for one in facts.assignments() if facts.imports("os") else ():
        if one.target in _SWITCHES and (text_of(one.value) or "").lower() == "debug":
            yield one.span
    for call in facts.calls("os.environ.setdefault", "os.putenv"):
        named = f"[{text_of(call.argument(0))}]" in _SWITCHES
        if named and (text_of(call.argument(1)) or "").lower() == "debug" and call.span is not None:
            yield call.span


def _debuglevels(facts: SourceFacts) -> Iterator[Span]:
    if facts.imports("http", "urllib3", "requests", "six"):
        for one in facts.assignments():
            if one.attribute == "debuglevel" and is_on(facts, one.value):
                yield one.span
    for call in facts.calls(*_HANDLERS, "*.set_debuglevel"):
        level = call.argument(0, "debuglevel", "level")
        if call.span is not None and is_on(facts, level):
            yield call.span


def fix(app: App, hit: Hit) -> Edit | None:
    """``False``, where the literal stands in the setting or call itself."""
    facts = source_of(app)
    values = [write.value for write in facts.config_writes(ECHO) if write.span == hit.span]
    values += [
        echo for call in facts.calls(*_ENGINES) if call.span == hit.span and (echo := call.keyword("echo")) is not None
    ]
    for value in values:
        span = value.span if is_constant(value, True) else None
        if span is not None and hit.span is not None and hit.span.holds(span):
            return Edit(span, "False", safe=True)
    return None


RULE = Rule(
    slug="verbose-client-logging",
    family="leak",
    title="Clients log what they send",
    harm="Whoever may read the logs finds the credentials and data that clients send.",
    severity="medium",
    check="data-exposure",
    cwe=(532,),
    owasp="API8:2023",
    asvs=("V16.2.5",),
    surfaces=("source", "running"),
    ends="`Stopper(app)` masks every log record of the process before a handler sees it.",
    detect=detect,
    fix=fix,
)
