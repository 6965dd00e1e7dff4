"""An error shows the source and opens a Python prompt to whoever caused it."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.app import App
from stopper.core.deployment.desk_files import is_of_a_desk
from stopper.core.deployment.served_otherwise import is_served_otherwise
from stopper.core.deployment.setting_facts import plain
from stopper.core.deployment.switched_on import asked_for, is_on
from stopper.core.facts import SourceFacts, source_of
from stopper.core.probing.loopback import is_loopback
from stopper.core.rule import Edit, Hit, Rule
from stopper.core.values import Call, Constant, Mapping, Member, Name, Value, is_constant

APPS: Final = ("flask.Flask.run", "flask_socketio.SocketIO.run", "connexion.App.run", "connexion.FlaskApp.run")
POSITION: Final = 2
"""``Flask.run(host, port, debug, …)``."""
_DEBUGS: Final = "the application is started in debug mode"
_APP_NAME: Final = re.compile(r"(?:\w*_)?app(?:lication)?|(?:create|make|build)_(?:\w*_)?app(?:lication)?")


def detect(app: App) -> Iterator[Hit]:
    """``run(debug=True)`` of something that is, or is called like, a Flask application."""
    facts = source_of(app)
    for call, value in (*((call, _debug(call)) for call in facts.calls("*.run")), *_run_beside(facts)):
        if not is_on(facts, value) or not (call.method in _BESIDE or _runs_flask(facts, call)):
            continue
        if asked_for(facts, call.span) or _is_put_for_a_desk(facts, call, value) or is_of_a_desk(call.span):
            continue
        if call.method not in _BESIDE and _is_of_this_machine(facts, call) and is_served_otherwise(facts, call):
            message = f"{_DEBUGS}, on this machine alone: look whether what ships starts this file"
            yield Hit(message, call.span, certainty="possible", severity="low")
        elif is_constant(value, True, 1):
            yield Hit(f"{_DEBUGS}, which runs code for whoever reaches it", call.span)
        else:
            yield Hit(
                f"{_DEBUGS} wherever the environment says nothing",
                call.span,
                certainty="likely",
            )


def _is_put_for_a_desk(facts: SourceFacts, call: Call, value: Value | None) -> bool:
    """``if os.environ.get("DEV") == "1": options["debug"] = True``, in the function that runs it."""
    if not isinstance(value, Constant) or value.span is None or call.span is None:
        return False
    return facts.function_around(value.span) == facts.function_around(call.span) and asked_for(facts, value.span)


_BESIDE: Final = frozenset({"Thread", "Process"})


def _run_beside(facts: SourceFacts) -> Iterator[tuple[Call, Value | None]]:
    """``Thread(target=app.run, kwargs={"debug": True})``, which calls it later."""
    for call in facts.calls("threading.Thread", "multiprocessing.Process"):
        target, given = call.argument(1, "target"), call.argument(4, "kwargs")
        runs = isinstance(target, Name) and target.dotted in ("flask.Flask.run", *APPS)
        runs = runs or (
            isinstance(target, Member)
            and target.attribute == "run"
            and isinstance(target.owner, Call)
            and target.owner.callee == "flask.Flask"
        )
        if runs and isinstance(given, Mapping):
            yield call, given.get("debug")


def _debug(call: Call) -> Value | None:
    return call.argument(POSITION if call.callee == "flask.Flask.run" else None, "debug")


def _is_of_this_machine(facts: SourceFacts, call: Call) -> bool:
    """That nobody but this machine is answered: a loopback address, or none, which is Flask's own choice."""
    host = call.argument(1 if call.callee == "flask_socketio.SocketIO.run" else 0, "host")
    said = plain(facts, host) if host is not None else ()
    return host is None or (bool(said) and all(isinstance(one, str) and is_loopback(f"http://{one}") for one in said))


def _runs_flask(facts: SourceFacts, call: Call) -> bool:
    owner = call.callee.rpartition(".")[0]
    if call.callee in APPS or any(found.name == owner for found in facts.classes("flask.Flask")):
        return True
    if not facts.imports("flask") or call.receiver is None:
        return False
    match call.receiver:
        case Call(callee=dotted) | Name(dotted=dotted):
            called = dotted.rpartition(".")[2]
        case _:
            called = ""
    return any(_APP_NAME.fullmatch(name) for name in (called, call.receiver.name))


def fix(app: App, hit: Hit) -> Edit | None:
    """``debug=False``, where the literal stands in the call itself."""
    call = next((call for call in source_of(app).calls("*.run") if call.span == hit.span), None)
    value = _debug(call) if call is not None else None
    if hit.span is None or not isinstance(value, Constant) or value.span is None or not hit.span.holds(value.span):
        return None
    return Edit(value.span, "False", safe=True)


RULE = Rule(
    slug="debug-enabled",
    family="leak",
    title="Debug mode in `app.run`",
    harm="An error shows the source and opens a Python prompt to whoever caused it.",
    severity="critical",
    check="data-exposure",
    cwe=(489,),
    owasp="API8:2023",
    asvs=("V13.4.2",),
    surfaces=("source",),
    ends="`Stopper(app)` refuses debug mode as long as `STOPPER_MODE` is `prod`.",
    detect=detect,
    fix=fix,
)
