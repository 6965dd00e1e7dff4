"""Errors are answered by something else than the handler that was written for them."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.app import App
from stopper.core.deployment.app_wiring import Handling
from stopper.core.fact import ErrorHandler, Function
from stopper.core.facts import SourceFacts, source_of
from stopper.core.flow.raising import raised_in
from stopper.core.place import Span
from stopper.core.rule import Edit, Hit, Rule
from stopper.core.values import Call, Caught, Constant, Format, Member, Name, Parameter, Value, is_constant, walk

EVERYTHING: Final = frozenset({"Exception", "BaseException"})
LAST: Final = frozenset({*EVERYTHING, "500", "werkzeug.exceptions.InternalServerError"})
UNROUTED: Final[dict[str, str]] = {
    "404": "404",
    "405": "405",
    "werkzeug.exceptions.NotFound": "404",
    "werkzeug.exceptions.MethodNotAllowed": "405",
}
"""What happens before a blueprint is known, so that its handler is not asked."""
_HTTP: Final = frozenset({"werkzeug.exceptions.HTTPException", "?"})
_TEXTS: Final = frozenset({"original_exception", "args", "message", "orig", "__traceback__"})
_OF_STORES: Final = re.compile(
    r"(?:psycopg2?|sqlalchemy|sqlite3|pymysql|MySQLdb|mysql|oracledb|pymongo|mongoengine|peewee|redis|elasticsearch|ldap3?|requests|httpx|urllib3?|"
    r"boto3?|botocore|pika|kombu)\.|(?:OSError|IOError|ConnectionError)$"
)
"""Errors of databases and other servers, which say how the service is built: by their names nobody outside knows them."""
NO_ROUTE: Final = "is not asked for addresses that no route has"
AS_WELL: Final = "and every other error of HTTP as well"
Registered = ErrorHandler | Handling
_ABORTS: Final = ("*.abort", "*.get_or_404", "*.first_or_404", "*.one_or_404")
_ENOUGH: Final = 2
"""So many handlers for codes of their own say that errors of HTTP were thought of."""


def detect(app: App) -> Iterator[Hit]:
    """A blueprint's 404 or 405, a handler for everything that swallows HTTP's errors, a blueprint that tells more than the app."""
    facts = source_of(app)
    written = tuple(facts.error_handlers())
    registered = app.wiring.handlers if app.wiring is not None else ()
    handlers: tuple[Registered, ...] = (*written, *_unseen(registered, written))
    whole = {one.what for one in handlers if not one.blueprint} | {one.what for one in registered if not one.blueprint}
    answering = whole - {one.what for one in handlers if one.what in EVERYTHING and _passes_on(facts, one)}
    for one in handlers:
        beside = whole if not one.blueprint else {other.what for other in handlers if other.blueprint == one.blueprint}
        why = _unrouted(one, answering) or _swallows(facts, one, beside, whole) or _tells_more(facts, one, handlers)
        if why:
            place = _place(facts, one)
            yield Hit(why, place, certainty="likely", reader="running" if isinstance(one, Handling) else None)


def _unseen(registered: tuple[Handling, ...], written: tuple[ErrorHandler, ...]) -> Iterator[Handling]:
    """Handlers of the project whose registration the source does not show: in a loop, by a table, by another name."""
    known = {(one.what, one.function.rpartition(".")[2]) for one in written}
    for one in registered:
        if one.span is not None and (one.what, one.function.rpartition(".")[2]) not in known:
            yield one


def _place(facts: SourceFacts, one: Registered) -> Span | None:
    """The line of the function's ``def``, where it is known; else the registration."""
    function = facts.function(one.function)
    return function.span if function is not None else one.span


def _unrouted(one: Registered, whole: set[str]) -> str:
    code = UNROUTED.get(one.what)
    if not one.blueprint or code is None:
        return ""
    covered = {what for what in whole if UNROUTED.get(what) == code} or whole & {*_HTTP, *EVERYTHING}
    return "" if covered else f"a blueprint's handler for {code} {NO_ROUTE}"


def _swallows(facts: SourceFacts, one: Registered, beside: set[str], whole: set[str]) -> str:
    """Flask asks the handlers of classes of a blueprint before those of the application, and those of codes before both."""
    if one.what not in EVERYTHING or beside & _HTTP:
        return ""
    codes = {what for what in beside | whole if what.isdigit() and what.startswith("4")}
    if len(codes) >= _ENOUGH or _looks(facts, one):
        return ""
    if not one.blueprint:
        if any(
            not is_constant(call.keyword("json_errors"), False)
            for call in facts.calls("apiflask.APIFlask", "apiflask.app.APIFlask")
        ):
            return ""  # APIFlask has a handler of its own for each code
        return f"this handler answers 404, 405 {AS_WELL}"
    path = one.span.path if one.span is not None else ""
    aborts = path in facts.once("files that abort", lambda: _aborting_files(facts))
    return "this handler answers what its blueprint aborts with as well, whatever the code" if aborts else ""


def _aborting_files(facts: SourceFacts) -> frozenset[str]:
    """Those in which a call aborts, a function does, or one is called that does."""
    aborts = list(facts.calls(*_ABORTS))
    names = {call.function for call in aborts if call.function}
    spans = [call.span for call in aborts]
    spans += [function.span for name in names if (function := facts.function(name)) is not None]
    spans += [call.span for call in facts.calls(*names)] if names else []
    return frozenset(span.path for span in spans if span is not None)


def _passes_on(facts: SourceFacts, one: Registered) -> bool:
    """``if isinstance(error, HTTPException): return error``: errors of HTTP are answered as if there were no handler."""
    return any(isinstance(said.value, Parameter) and said.value.index == 0 for said in facts.returns_of(one.function))


def _looks(facts: SourceFacts, one: Registered) -> bool:
    if isinstance(one, Handling) and facts.function(one.function) is None:
        return not one.blind
    return _knows_http(facts, one.function)


def _made_by(facts: SourceFacts, function: Function) -> list[str]:
    """The handlers that the function makes and gives back, where it is none itself."""
    made = [one.dotted for one in function.returns if isinstance(one, Name)]
    return [one for one in made if one.startswith(f"{function.name}.") and facts.function(one) is not None]


def _knows_http(facts: SourceFacts, name: str) -> bool:
    """That the function looks whether the error is one of HTTP, or takes its code, or cannot be read."""
    function = facts.function(name)
    if function is None:
        return True
    if any(_knows_http(facts, one) for one in _made_by(facts, function)):
        return True
    for call in facts.calls_in(name):
        words = {value.dotted for value in walk(call) if isinstance(value, Name)}
        if any("HTTPException" in word or word.startswith("werkzeug.exceptions") for word in words):
            return True
        if call.callee in ("getattr", "hasattr") or call.method == "get_response":
            return True
        if any(isinstance(value, Member) and value.attribute in ("code", "get_response") for value in walk(call)):
            return True
        if facts.function(call.callee) is not None:
            return any(isinstance(arg, (Parameter, Caught)) for arg in call.args)  # judged by another function
    return any(
        isinstance(inner, Parameter) or (isinstance(inner, Member) and inner.attribute == "code")
        for value in function.returns
        for inner in _as_answer(value)
    ) or any(_raises_errors_of_http(facts, one.span) for one in raised_in(facts, name))


def _raises_errors_of_http(facts: SourceFacts, span: Span) -> bool:
    """That what is raised here may be an error of HTTP that goes on: not where only the request was asked about (``if wants_page: raise``)."""
    around = list(facts.conditions_around(span))
    return not around or any(
        isinstance(part, Parameter) or (isinstance(part, Call) and facts.function(part.callee) is not None)
        for one in around
        for part in walk(one.value, 6)
    )


def _as_answer(value: Value) -> Iterator[Value]:
    """The answer itself and the codes in it, not what stands inside its texts."""
    yield value
    for inner in walk(value):
        if isinstance(inner, Member):
            yield inner


def _tells_more(facts: SourceFacts, one: Registered, handlers: tuple[Registered, ...]) -> str:
    inside = one.what in LAST or _OF_STORES.match(one.what) is not None
    if not one.blueprint or not inside or not _tells(facts, one.function):
        return ""
    careful = [other for other in handlers if not other.blueprint and other.what in LAST]
    if careful and not any(_tells(facts, other.function) for other in careful):
        return "this blueprint tells what went wrong inside, which the application's own handler does not"
    return ""


def _tells(facts: SourceFacts, name: str) -> bool:
    function = facts.function(name)
    return function is not None and any(_is_text_of_error(inner) for value in function.returns for inner in walk(value))


def _is_text_of_error(value: Value) -> bool:
    match value:
        case Call(callee="str" | "repr", args=(inner, *_)):
            return any(isinstance(one, Parameter) and one.index == 0 for one in walk(inner))
        case Call(callee="traceback.format_exc" | "traceback.format_exception"):
            return True
        case Format(parts=inner):
            return any(isinstance(one, Parameter) and one.index == 0 for one in inner)
        case Member(owner=Parameter(index=0), attribute=attribute):
            return attribute in _TEXTS
        case Constant():
            return False
        case _:
            return False


def fix(app: App, hit: Hit) -> Edit | None:
    """``app_errorhandler`` for what no route has; errors of HTTP go on at the top of a handler that would answer them all."""
    facts = source_of(app)
    found = next((one for one in facts.error_handlers() if _place(facts, one) == hit.span), None)
    function = facts.function(found.function) if found is not None else None
    if found is None or hit.span is None or function is None:
        return None
    if hit.message.endswith(NO_ROUTE):
        registered = any(one.name.endswith(".errorhandler") for one in function.decorators)
        return Edit(found.span, "app_errorhandler", safe=False, how="method") if registered else None
    if not hit.message.endswith(AS_WELL) or len(function.parameters) != 1 or _made_by(facts, function):
        return None
    kept = f"if isinstance({function.parameters[0]}, werkzeug.exceptions.HTTPException):\n    return {function.parameters[0]}"
    return Edit(hit.span, kept, safe=False, imports=("werkzeug.exceptions",), how="inside")


RULE = Rule(
    slug="error-handler-scope-wrong",
    family="leak",
    title="Error handlers with the wrong scope",
    harm="Errors are answered by something else than the handler that was written for them.",
    severity="medium",
    check="data-exposure",
    cwe=(209,),
    owasp="API8:2023",
    asvs=("V16.5.4",),
    surfaces=("source", "running"),
    ends="`Stopper(app)` answers an exception of any blueprint with a status and its title.",
    certainty="likely",
    detect=detect,
    fix=fix,
)
