"""Strangers find what was made for the operator, because its address is known."""

import json
import re
from collections.abc import Iterator
from typing import Final, cast

from stopper.core.answers.settings_shown import shows_settings_whole
from stopper.core.app import App
from stopper.core.deployment.desk_files import is_command, is_of_a_desk
from stopper.core.deployment.switched_on import asked_for, is_on
from stopper.core.exchange import Response
from stopper.core.facts import SourceFacts, source_of
from stopper.core.finding import Evidence, Verdict
from stopper.core.flow.held_attributes import held_under, kept_by_application
from stopper.core.guards.reached_by_admins import is_run_by_admins_alone
from stopper.core.naming import sensitive
from stopper.core.place import RouteRef
from stopper.core.probe import Steps, Target, failed, not_applicable, passed, send
from stopper.core.probing.baseline import attempt
from stopper.core.rule import Hit, Rule
from stopper.core.values import (
    Call,
    ConfigValue,
    EnvironmentValue,
    Item,
    Mapping,
    Member,
    Name,
    Truth,
    Value,
    is_constant,
    options,
    parts,
    text_of,
)

TOOLS: Final = (
    "flask_debugtoolbar.DebugToolbarExtension", "flask_debugtoolbar.DebugToolbarExtension.init_app", "flask_profiler.init_app", "flask_profiler.Profiler",
    "werkzeug.middleware.profiler.ProfilerMiddleware", "werkzeug.contrib.profiler.ProfilerMiddleware", "flask_monitoringdashboard.bind",
    "flask_debug_toolbar.DebugToolbarExtension", "linesman.middleware.make_linesman_middleware",
    "healthcheck.EnvironmentDump", "healthcheck.environmentdump.EnvironmentDump",
)  # fmt: skip
PATH: Final = re.compile(
    r"(?i)(?:^|[/_-])(?:debug|health\w*|status|info|diag\w*|metrics?|env(?:ironment)?|config(?:uration)?|settings|profiler?|phpinfo|actuator|_internal|sysinfo|version|ready|live)(?=[/_.-]|$)"
)
_SECRET_NAME: Final = re.compile(
    r"(?i)secret|password|passwd|token|api_?key|private|(?:database|redis|broker|db|mongo(?:db)?|postgres\w*|mysql|amqp|rabbit\w*)_ur[il]|_uri$|_dsn$|credential"
)
_SHOWN: Final = re.compile(
    r"(?i)[\"']?\b(\w*(?:secret_?key|password|passwd|database_ur[il]|api_?key|_dsn|_token|redis_url|broker_url))\b[\"']?\s*[:=]\s*[\"']?(?!\*|null|none|\"|'|true|false)([^\s\"',}<]{6,})"
    r"|\b(?:secret|api|signing|encryption|private) key\b\s*(?:is\s*)?[:=]?\s*[\"']?(?=[^\s\"',}<]*[\d_!@#$%-])(?!\*)[^\s\"',}<]{6,}"
    r"|\b[a-z][a-z0-9+]{2,20}://[^\s/:@\"']+:(?!\*)[^\s/@\"']{3,}@"
)
_TOOLBAR: Final = re.compile(r"flDebug(?:Toolbar|ToolbarHandle)|id=\"flDebug\"|<title>Flask-profiler")
_PERSON: Final = re.compile(r"(?i)e-?mail|user_?name|login|first_?name|last_?name|is_?admin")
_PERSONAL: Final = re.compile(r"(?i)pass(word|wd)?|(access|auth|refresh|session|reset)?_?token|api_?key")
_ROUTES_MOST: Final = 8


def detect(app: App) -> Iterator[Hit]:
    """A toolbar or profiler that is always there, and diagnostics routes that answer with settings or the environment."""
    facts = source_of(app)
    for call in facts.calls(*TOOLS):
        if call.callee.startswith("flask_profiler.") and _is_switched(facts):
            continue
        given = (
            bool(call.args or call.keywords) or call.method == "EnvironmentDump"
        )  # an extension without an application waits for its init_app
        if given and not (is_of_a_desk(call.span) or is_command(facts, call.function) or asked_for(facts, call.span)):
            toolbar = call.method in ("DebugToolbarExtension", "init_app") and "toolbar" in call.callee.lower()
            switches = [write.value for write in facts.config_writes("DEBUG_TB_ENABLED")] if toolbar else []
            if switches and all(is_constant(one, False) for one in switches):
                continue
            if toolbar and not (switches and all(is_constant(one, True) for one in switches)):
                message = (
                    "a toolbar that shows the inside is set up: look whether debug mode is ever on where others come"
                )
                yield Hit(message, call.span, certainty="possible", severity="low")
            else:
                yield Hit("a tool that shows the inside is always on", call.span, certainty="likely")
    for call in facts.calls("prometheus_client.Info.info", "prometheus_client.metrics.Info.info"):
        if any(_is_secret(name) for one in call.args for name in _named(facts, one)):
            yield Hit("what everybody may read about this application holds settings", call.span, certainty="likely")
    if not any(PATH.search(route.path) for route in facts.routes):
        return
    seen: set[tuple[str, int]] = set()
    for flow in facts.flows("response"):
        path = next((one.path for one in facts.routes_of_view(flow.function) if PATH.search(one.path)), None)
        if path is None or (flow.span.path, flow.span.line) in seen or asked_for(facts, flow.span):
            continue
        named = list(_named(facts, flow.value))
        whole = flow.has("whole-config", by_name=False) and shows_settings_whole(facts, flow)
        told = whole or flow.has("config-secret", by_name=False) or any(map(_is_secret, named))
        by_admins = is_run_by_admins_alone(app, flow.function)
        if told and by_admins:
            seen.add((flow.span.path, flow.span.line))
            said = f"{path} shows settings to administrators: look whether a secret is one of them"
            yield Hit(said, flow.span, certainty="possible", severity="low")
        elif told:
            seen.add((flow.span.path, flow.span.line))
            yield Hit(f"{path} shows settings", flow.span, certainty="likely")
        elif not by_admins and _tells_of_the_inside(flow.value):
            seen.add((flow.span.path, flow.span.line))
            said = f"{path} tells on what and where the application runs: look whether strangers need to know"
            yield Hit(said, flow.span, certainty="possible", severity="low")


def _tells_of_the_inside(value: Value) -> bool:
    """Where the database is, or several of these: the machine, the paths, the versions."""
    words = set(_words_shown(value))
    return any(word.endswith("engine.url") for word in words) or len(words & _INSIDE) >= _SEVERAL


def _words_shown(value: Value, depth: int = 6) -> Iterator[str]:
    """The names and calls whose values are seen in that value; what a call is given is not, unless the call makes a text of it."""
    if isinstance(value, Name):
        yield value.dotted
    elif isinstance(value, Call) and value.callee not in ("str", "repr", "dict", "flask.jsonify"):
        yield value.callee
        yield from (
            _words_shown(value.receiver, depth - 1) if value.method == "render_as_string" and value.receiver else ()
        )
    elif isinstance(value, Member) and value.attribute == "url" and isinstance(value.owner, Call):
        yield "engine.url" if value.owner.method == "create_engine" else ""
    elif isinstance(value, Member) and isinstance(value.owner, (Name, Member)):
        yield f"{getattr(value.owner, 'dotted', '') or getattr(value.owner, 'attribute', '')}.{value.attribute}"
    else:
        for part in parts(value) if depth else ():
            yield from _words_shown(part, depth - 1)


_SEVERAL: Final = 3
_INSIDE: Final = frozenset({
    "sys.version", "sys.path", "sys.executable", "sys.argv", "sys.prefix", "os.getcwd", "os.uname", "os.getpid", "os.listdir", "socket.gethostname",
    "socket.getfqdn", "platform.platform", "platform.uname", "platform.node", "platform.version", "platform.python_version", "getpass.getuser",
})  # fmt: skip


def _is_secret(name: str) -> bool:
    return _SECRET_NAME.search(name) is not None or sensitive(name) is not None


def _is_switched(facts: SourceFacts) -> bool:
    """That the profiler is off until the environment says otherwise, or asks for a password."""
    for write in facts.config_writes("flask_profiler", "FLASK_PROFILER"):
        enabled = write.value.get("enabled") if isinstance(write.value, Mapping) else None
        if enabled is not None and not is_constant(enabled, True) and not is_on(facts, enabled):
            return True
        asks = write.value.get("basicAuth") if isinstance(write.value, Mapping) else None
        if isinstance(asks, Mapping) and is_constant(asks.get("enabled"), True) and asks.get("password") is not None:
            return True
    return False


def _named(facts: SourceFacts, value: Value, depth: int = 12) -> Iterator[str]:
    """The settings and variables whose values are seen in that value: not what is only tested, counted or connected to."""
    match value:
        case ConfigValue(key=name) | EnvironmentValue(variable=name):
            yield name
            return
        case Item(owner=Name(dotted=dotted), key=key) if dotted.endswith((".environ", ".config")):
            yield from (said for one in options(key) if (said := text_of(one)) is not None)
            return
        case Member(owner=Item() as owner, attribute=word):  # ``current_app.extensions["settings"].release``
            inside: tuple[Value, ...] = tuple(held for held, _ in held_under(facts, owner, word))
        case Item(owner=Name(dotted=dotted)) if dotted.endswith(".extensions"):
            inside = kept_by_application(facts, value)
        case Truth() | Call(callee="bool" | "len" | "any" | "all" | "isinstance" | "type"):
            return
        case Call(callee=callee) if _ASKS_OTHERS.match(callee):
            return  # what another service answers, whatever it was asked with
        case Call(receiver=receiver) if receiver is not None and (
            value.method not in _TEXTS or _is_connection(receiver)
        ):
            inside = (
                *value.args,
                *(one for name, one in value.keywords if name not in _CONNECTIONS),
            )
        case Call(receiver=None, args=args, keywords=keywords):
            inside = (*args, *(one for name, one in keywords if name not in _CONNECTIONS))
        case _:
            inside = parts(value)
    for part in inside if depth else ():
        yield from _named(facts, part, depth - 1)


def _is_connection(value: Value) -> bool:
    """``redis.from_url(current_app.config["REDIS_URL"])``: what it gives lies behind that address."""
    return isinstance(value, Call) and _OPENS.search(value.callee) is not None


_OPENS: Final = re.compile(
    r"(?i)(?:^|[._])(?:from_url|connect\w*|(?:strict)?redis|\w*client|create_engine|driver|sessionmaker)$"
)
_ASKS_OTHERS: Final = re.compile(r"(?:requests|httpx|urllib\.request|urllib3|aiohttp)\.")
_CONNECTIONS: Final = frozenset({"connection", "conn", "client", "redis", "redis_client", "engine", "bind"})
"""Names under which a call is given whom to ask; the address of it is no part of the answer."""
_TEXTS: Final = frozenset(
    {
        "format",
        "join",
        "strip",
        "lower",
        "upper",
        "replace",
        "split",
        "rsplit",
        "get",
        "items",
        "values",
        "copy",
        "to_dict",
    }
)


def probe(target: Target) -> Steps[Verdict]:
    """Ask the routes whose path says diagnostics, as nobody, and look for settings with their values or for a toolbar."""
    asked = 0
    places: list[RouteRef] = []
    evidence: list[Evidence] = []
    routes = [route for route in target.app.routes if "GET" in route.methods and PATH.search(route.path)]
    for route in routes[:_ROUTES_MOST]:
        answer = yield from attempt(send(target.request_for(route, "GET")))
        if answer is None:
            continue
        asked += 1
        if answer.response.succeeded and shows_settings(answer.response):
            places.append(RouteRef("GET", route.path))
            evidence.append(Evidence("exchange", f"{route.path} shows settings to nobody in particular", answer))
    if places:
        return failed(f"{places[0]} shows settings with their values", places, evidence)
    if not asked:
        return not_applicable("no route is made for diagnostics")
    return passed(f"{asked} routes for diagnostics show no settings")


def shows_settings(response: Response) -> bool:
    """That a setting which is a secret stands in the answer with its value, or that a toolbar is part of it."""
    said = response.json()
    text = response.text if said is None else json.dumps(_without_people(said))
    return _SHOWN.search(text) is not None or _TOOLBAR.search(response.text) is not None


def _without_people(value: object) -> object:
    """*value* without the passwords and tokens of people: they are no settings, and `sensitive-field-in-response` tells them."""
    if isinstance(value, list):
        return [_without_people(one) for one in cast("list[object]", value)]
    if isinstance(value, dict):
        named = cast("dict[str, object]", value)
        person = any(_PERSON.fullmatch(name) for name in named)
        return {name: _without_people(one) for name, one in named.items() if not (person and _PERSONAL.fullmatch(name))}
    return value


RULE = Rule(
    slug="diagnostics-route-exposes-config",
    family="leak",
    title="A diagnostics route shows settings",
    harm="Strangers find what was made for the operator, because its address is known.",
    severity="high",
    check="data-exposure",
    cwe=(215,),
    owasp="API8:2023",
    asvs=("V13.4.5",),
    surfaces=("source", "wsgi", "http"),
    ends="`Stopper(app)` lets no route answer that has no policy.",
    certainty="likely",
    repeats=("bundled-app-unprotected",),
    detect=detect,
    probe=probe,
)
