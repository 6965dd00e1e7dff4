"""Whoever reaches the debugger runs any Python on the server."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.app import App
from stopper.core.deployment.ci_steps import is_of_one_desk
from stopper.core.deployment.switched_on import asked_for, is_on
from stopper.core.exchange import Request, Response
from stopper.core.facts import SourceFacts, source_of
from stopper.core.finding import Evidence, Verdict
from stopper.core.place import RouteRef, Span
from stopper.core.probe import Steps, Target, failed, passed, send, unsure
from stopper.core.rule import Edit, Hit, Rule
from stopper.core.values import Call, Constant, Mapping, Value, is_constant, text_of

DEBUGGERS: Final = (
    "werkzeug.debug.DebuggedApplication",
    "werkzeug.DebuggedApplication",
    "flask.Flask.debugger",
    "werkzeug.debug.tbtools.DebuggedApplication",
)
_SERVERS: Final = ("werkzeug.serving.run_simple", "werkzeug.run_simple")
_COMMANDS: Final = ("flask_script.Server", "flask_script.commands.Server")
"""The command of Flask-Script that starts the server of development."""
_PIN: Final = re.compile(r"\bWERKZEUG_DEBUG_PIN\b[\"']?\s*[=: ]\s*[\"']?(?i:off)\b")
_DEBUGS: Final = re.compile(
    r"(?i)\b(?:FLASK_)?DEBUG\b[\"']?\s*[=: ]\s*[\"']?(?:1|true|on|yes)\b|--debug\b|FLASK_ENV[\"']?\s*[=: ]\s*[\"']?dev"
)
"""Where the same file says that debug mode is on."""
RESOURCE: Final = "/?__debugger__=yes&cmd=resource&f=debugger.js"
CONSOLE: Final = "/console"
_SCRIPT: Final = re.compile(r"__debugger__|EVALEX|pinauth")
_PROMPT: Final = re.compile(
    r"EVALEX\s*=\s*true[\s\S]{0,2000}SECRET\s*=|<title>[^<]{0,40}Console // Werkzeug Debugger", re.IGNORECASE
)


def detect(app: App) -> Iterator[Hit]:
    """The debugger as middleware or as an option of the server, or a PIN that is off; else what is round the running application."""
    seen = False
    for hit in _written(app):
        seen = True
        yield hit
    debugger = app.wiring.debugger if app.wiring is not None else None
    if debugger is not None and not seen and (debugger.evaluates or not debugger.asks_pin):
        why = (
            "every error of the running application opens the debugger"
            if debugger.asks_pin
            else "its debugger asks for no PIN"
        )
        yield Hit(why, reader="running")


def _written(app: App) -> Iterator[Hit]:
    facts = source_of(app)
    for call in (*facts.calls(*DEBUGGERS), *facts.calls(*_SERVERS, *_COMMANDS, "*.run")):
        why = _opens(facts, call)
        if why and not asked_for(facts, call.span):
            yield Hit(why, call.span)
    if facts.imports("os"):
        for call in facts.calls("os.environ.update"):
            given = [*call.keywords, *(pair for one in call.args if isinstance(one, Mapping) for pair in _texts(one))]
            if any(name == "WERKZEUG_DEBUG_PIN" and (text_of(held) or "").lower() == "off" for name, held in given):
                yield Hit("the PIN of the debugger is off", call.span)
        for assignment in facts.assignments():
            if assignment.target == "[WERKZEUG_DEBUG_PIN]" and (text_of(assignment.value) or "").lower() == "off":
                yield Hit("the PIN of the debugger is off", assignment.span)
        for call in facts.calls("os.environ.setdefault", "os.putenv"):
            if text_of(call.argument(0)) == "WERKZEUG_DEBUG_PIN" and (text_of(call.argument(1)) or "").lower() == "off":
                yield Hit("the PIN of the debugger is off", call.span)
    for file in facts.files_of("dockerfile", "compose", "procfile", "env", "config", "deployment"):
        for number, line in enumerate(file.lines, 1):
            if "WERKZEUG" in line and _PIN.search(line) and not line.lstrip().startswith("#"):
                place = Span(file.path, number, number, 1, len(line) + 1)
                if is_of_one_desk(file) or not any(map(_DEBUGS.search, file.lines)):
                    said = "the PIN of the debugger is off: look whether debug mode is ever on where others come"
                    yield Hit(said, place, certainty="possible", severity="low")
                else:
                    yield Hit("the PIN of the debugger is off", place)


def _texts(mapping: Mapping) -> Iterator[tuple[str, Value]]:
    return ((text_of(key) or "", held) for key, held in mapping.items)


def _opens(facts: SourceFacts, call: Call) -> str:
    if call.callee in DEBUGGERS:
        if is_constant(call.keyword("pin_security"), False):
            return "the debugger asks for no PIN"
        evaluates = call.argument(1, "evalex")
        return "every error opens the debugger" if evaluates is None or not is_constant(evaluates, False) else ""
    flask_runs = (
        call.callee in _SERVERS
        or call.callee in _COMMANDS
        or call.callee == "flask.Flask.run"
        or (facts.imports("flask") and call.callee.endswith(".run") and call.keyword("use_debugger") is not None)
    )
    return (
        "the server opens its debugger on every error"
        if flask_runs and is_on(facts, call.keyword("use_debugger"))
        else ""
    )


def fix(app: App, hit: Hit) -> Edit | None:
    """``use_debugger=False``, or the application without the debugger around it."""
    for call in source_of(app).calls(*DEBUGGERS, *_SERVERS, *_COMMANDS, "*.run"):
        if call.span != hit.span or call.span is None:
            continue
        for value in (call.keyword("use_debugger"), call.argument(1, "evalex")):
            inside = isinstance(value, Constant) and value.span is not None and call.span.holds(value.span)
            if inside and isinstance(value, Constant) and value.value is True and value.span is not None:
                return Edit(value.span, "False", safe=True) if call.keyword("pin_security") is None else None
    return None


def probe(target: Target) -> Steps[Verdict]:
    """Ask for the script and the console that only the debugger has."""
    control = yield from send(Request("GET", f"/?stopper={target.canary}&cmd=resource&f=debugger.js"))
    resource = yield from send(Request("GET", RESOURCE))
    console = yield from send(Request("GET", CONSOLE))
    if control.response.error:
        return unsure("the server does not answer")
    evidence = [Evidence("exchange", "control: the same address without the debugger's mark", control)]
    if _is_script(resource.response) and not _is_script(control.response):
        evidence.append(Evidence("exchange", "the debugger gives out its own script", resource))
        if _PROMPT.search(console.response.text):
            evidence.append(Evidence("exchange", "its console is open too", console))
        return failed("the debugger of Werkzeug answers", [RouteRef("GET", "/")], evidence)
    if _PROMPT.search(console.response.text) and "Werkzeug" in console.response.text:
        evidence.append(Evidence("exchange", "the console of the debugger", console))
        return failed("the console of the debugger answers", [RouteRef("GET", CONSOLE)], evidence)
    return passed("neither the debugger's script nor its console answers")


def _is_script(response: Response) -> bool:
    return response.succeeded and "javascript" in response.content_type and _SCRIPT.search(response.text) is not None


RULE = Rule(
    slug="werkzeug-debugger-reachable",
    family="leak",
    title="The debugger of Werkzeug can be reached",
    harm="Whoever reaches the debugger runs any Python on the server.",
    severity="critical",
    check="data-exposure",
    cwe=(489,),
    owasp="API8:2023",
    asvs=("V13.4.2",),
    surfaces=("source", "running", "wsgi", "http"),
    ends="`Stopper(app)` refuses debug mode as long as `STOPPER_MODE` is `prod`.",
    detect=detect,
    probe=probe,
    fix=fix,
    effect_of=("debug-enabled", "debug-enabled-in-config"),
)
