"""Guards of a project that ask who is calling and turn nobody away: what they find out is thrown away, or kept where nobody looks."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.app import App, Route
from stopper.core.fact import Comparison, Condition, Function
from stopper.core.facts import SourceFacts, source_of
from stopper.core.flow.nested_functions import inside
from stopper.core.flow.raising import raised_in
from stopper.core.flow.request_hooks import BEFORE, hung
from stopper.core.flow.standing_alone import stands_alone
from stopper.core.guards.caller_askers import askers, asks_caller
from stopper.core.guards.idle_questions import is_with_itself
from stopper.core.guards.kept_caller import is_asked_for_later
from stopper.core.guards.public_routes import is_public
from stopper.core.guards.tried_otherwise import only_leads_on
from stopper.core.owner_names import OWNER, ROLE, WHO
from stopper.core.place import Span
from stopper.core.text_words import mentions
from stopper.core.values import (
    Call,
    Choice,
    Constant,
    Item,
    Member,
    Name,
    Truth,
    Value,
    is_constant,
    text_of,
    walk,
)

Told = tuple[Span, str]

_CALLED: Final = 4
"""Functions from a check to what refuses."""

_MEANT: Final = re.compile(
    r"(?i)(?:^|[._])(?:gate|guard(?:ed)?|(?:signed|logged)_in|auth(?:enticated?|enticate|orize[dr]?|_check|_guard)?|(?:login|log_in|auth\w*|token|jwt|api_?key|key|session|user|admin|role|permission|scope)s?_?(?:required|needed|protected|only)|"
    r"(?:require|ensure|enforce|demand|protect|must_be|needs?)(?:_?(?:login|log_in|auth\w*|token|jwt|api_?key|key|session|user|admin|role|permission|scope)s?\w*)|(?:check|verify|validate)_?(?:login|log_in|auth\w*|token|jwt|api_?key|user|credentials?|access)\w*)$|"
    r"(?:^|[._])\w*(?:auth|guard|security|login|access)\w*\.(?:required|require|protect|protected|needed)$"
)
"""What a function is called that is there to turn callers away; the last two words of its name are looked at."""
_CHECKS: Final = re.compile(
    r"(?i)_?(?:verify|check|ensure|require|auth|validate|assert|must|needs?_|demand|enforce|guard|protect)"
)
_OF_ANSWERS: Final = re.compile(
    r"(?i)^(?:accept|content|upgrade|access-control|x-requested-with|hx-|origin|sec-)|auth|key|token|secret|signature|password"
)
_SENT: Final = frozenset({"flask.request.headers", "flask.request.cookies", "flask.request.args"})
_LETS_GO: Final = re.compile(
    r"(?i)(?:^|[_-])(?:internal|debug|test(?:ing)?|bypass|skip|trusted|admin|dev|superuser|override|no_?auth|preview|monitor|service|local|intern|staff)(?:$|[_-])"
)
"""A word that somebody thought of to be let go by."""
_FOR_SOME: Final = re.compile(
    r"(?i)(?:^|[._])(?:admin|staff|superuser|roles?|permissions?)s?_?(?:required|needed|only)$"
)
"""A guard that asks for more than that somebody is known: the ones beside it do not stand in for it."""
_LOOSE: Final = re.compile(r"(?i)optional|maybe|anonymous|csrf|xsrf|guest")
_CHANGES: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_KEPT: Final = ("g.", "session[", "request.", "flask.g.", "environ[")


def pass_all(app: App) -> Iterator[Told]:
    """Each place where a check of the caller changes nothing, with what is wrong there."""
    facts = source_of(app)
    yield from _answers_unheard(facts)
    yield from _asserted_guards(facts)
    yield from _entered_in_vain(facts)
    yield from _swallowed_guards(facts)
    yield from _compared_with_themselves(facts)
    yield from _never_run(facts)
    yield from _let_go_by_a_word(facts)


def _never_run(facts: SourceFacts) -> Iterator[Told]:
    """``guard()`` of a function with a ``yield`` in it: nothing of it runs until somebody takes something out."""
    known = askers(facts)
    for function in facts.functions():
        if not function.generates or function.decorators or not _turns_away(facts, function):
            continue
        short = ".".join(function.name.split(".")[-2:])
        if function.name not in known or not (_MEANT.search(short) or _CHECKS.match(short.rpartition(".")[2])):
            continue
        for call in facts.calls(function.name):
            if call.span is not None and _stands_before(facts, call.function) and stands_alone(facts, call):
                yield call.span, f"{call.method}() has a `yield`, so that nothing of it runs by being called"


def _let_go_by_a_word(facts: SourceFacts) -> Iterator[Told]:
    """``if request.headers.get("X-Internal") == "1": return None`` in a hook, before anybody is asked: everybody can send that."""
    hooks = hung(facts, *BEFORE)
    for one in facts.conditions():
        if one.function not in hooks and not _runs_the_view(facts, one.function):
            continue
        lets_go = one.stops and not one.refuses and not one.negated and _is_a_word(one.value)
        if (lets_go and _asks_afterwards(facts, one)) or (_is_without_word(one) and _asks_inside(facts, one)):
            yield one.span, "whoever sends this is let go before anybody asks who is calling"


def _asks_afterwards(facts: SourceFacts, one: Condition) -> bool:
    if any(
        other.refuses and other.span.line > one.span.line and asks_caller(facts, other.value)
        for other in facts.conditions_in(one.function)
    ):
        return True
    return any(place.line > one.span.end_line for place in _asking_places(facts, one))


def _asks_inside(facts: SourceFacts, one: Condition) -> bool:
    held = one.body
    return held is not None and any(map(held.holds, _asking_places(facts, one)))


def _asking_places(facts: SourceFacts, one: Condition) -> Iterator[Span]:
    """Where functions are called that ask who is calling and turn callers away; of a call in a step of its own, where the step is called."""
    known = askers(facts)
    calls = list(facts.calls_in(one.function))
    for call in calls:
        called = facts.function(call.callee) if call.callee in known else None
        if called is None or call.span is None or not _turns_away(facts, called):
            continue
        if call.span.path == one.span.path:
            yield call.span
        else:
            step = facts.function_around(call.span)
            yield from (other.span for other in calls if other.callee == step and other.span is not None)


def _is_without_word(one: Condition) -> bool:
    """``if "debug" not in request.args: check()``"""
    value = one.value
    return (
        isinstance(value, Truth)
        and len(value.parts) == 2
        and value.differs
        and isinstance(value.parts[1], Name)
        and value.parts[1].dotted in _SENT
        and _LETS_GO.search(text_of(value.parts[0]) or "") is not None
    )


def _is_a_word(value: Value) -> bool:
    """A literal that a header, a cookie or the query is held against, or a word that is there; what says how to answer, or is a credential,
    is none."""
    if isinstance(value, Item):
        return _is_sent(value) and _LETS_GO.search(text_of(value.key) or "") is not None
    if not isinstance(value, Truth) or len(value.parts) != 2 or value.differs:
        return False
    read, said = value.parts
    if isinstance(said, Name):  # ``"debug" in request.args``
        return said.dotted in _SENT and _LETS_GO.search(text_of(read) or "") is not None
    if not isinstance(read, Item) or not isinstance(said, Constant):
        return False
    return (
        _is_sent(read)
        and isinstance(said.value, str)
        and bool(said.value)
        and not _OF_ANSWERS.search(text_of(read.key) or "")
    )


def _is_sent(read: Item) -> bool:
    return isinstance(read.owner, Name) and read.owner.dotted in _SENT


def _compared_with_themselves(facts: SourceFacts) -> Iterator[Told]:
    """``return note.owner_id == note.owner_id``"""
    for one in facts.comparisons("==", "!="):
        named = one.left.attribute if isinstance(one.left, Member) and is_with_itself(one) else ""
        if OWNER.search(named) or ROLE.search(named):
            yield (
                one.span,
                f"`{named}` is compared with itself, so this says nothing of who is calling",
            )


def turn_nobody_away(app: App) -> Iterator[Told]:
    """Guards by their name that stop nobody, whatever it is that makes them so."""
    facts = source_of(app)
    for name, routes in _passed(app, facts).items():
        own = [name, *inside(facts, name)]
        function = facts.function(name)
        if function is None and facts.function(f"{name}.__call__") is None:
            continue
        short = ".".join(name.split(".")[-2:])
        hook = name in hung(facts, *BEFORE)
        meant = _MEANT.search(short) is not None and _LOOSE.search(short) is None
        if not meant or not any(_matters(route, hook) for route in routes):
            continue
        if any(_answers_with_refusal(facts, one) for one in own):
            continue
        if any(is_asked_for_later(facts, one) for one in own) or _is_looked_at(facts, own):
            continue
        place = _place(facts, own)
        if place is not None:
            yield place, f"{short.rpartition('.')[2]}() asks who is calling and turns nobody away, whatever it finds"


def _passed(app: App, facts: SourceFacts) -> dict[str, list[Route]]:
    """Guards that the reader followed to their end and that stop nobody at any route, with the open routes behind them."""
    found: dict[str, list[Route]] = {}
    stopping: set[str] = set()
    for route in app.routes:
        for access in route.access.values():
            for guard in access.guards:
                if guard.stops is not False:
                    stopping.add(guard.name)
                elif (access.state == "open" or _FOR_SOME.search(guard.name)) and guard.kind in (
                    "before_request",
                    "decorator",
                    "class-decorator",
                ):
                    found.setdefault(guard.name, []).append(route)
    above = {one.name for function in facts.functions() for one in function.decorators if one.above_route}
    return {name: routes for name, routes in found.items() if name not in stopping and name not in above}


def _answers_with_refusal(facts: SourceFacts, name: str) -> bool:
    """``response = "Forbidden", 403`` in one branch, the view's in the other, and ``return response``; an answer of any kind beside the view's."""
    given = [one.value for one in facts.returns_of(name) if not is_constant(one.value, None)]
    views = [one for one in given if isinstance(one, Call) and one.callee == "?"]
    if views and len(given) > len(views):
        return True
    return any(
        is_constant(part, 401, 403) or (isinstance(part, Call) and part.callee == "flask.redirect")
        for one in facts.returns_of(name)
        if isinstance(one.value, Choice)
        for part in walk(one.value, 3)
    )


def _matters(route: Route, hook: bool) -> bool:
    """A decorator was put there for this route; behind a hook it must be one that changes something."""
    if is_public(route):
        return False
    return not hook or any(access.state == "open" and method in _CHANGES for method, access in route.access.items())


def _is_looked_at(facts: SourceFacts, own: list[str]) -> bool:
    """That what the guard keeps of the caller is looked at in another function, or cannot be told."""
    kept = [one.target for name in own for one in facts.assignments_in(name) if one.target.startswith(_KEPT)]
    names = {target.removeprefix("flask.").split("[")[0] for target in kept}
    names = {f"flask.{target}" for target in names}
    if not names:
        return False
    said = [word for word in (name.rpartition(".")[2] for name in names) if word]
    values: list[Value] = [call for call in facts.calls() if call.function not in own]
    values += [one.value for one in facts.conditions() if one.function not in own]
    values += [one.value for one in facts.returns() if one.function not in own]
    return any(
        (isinstance(part, Name) and any(part.dotted.startswith(name) for name in names))
        or (isinstance(part, Member) and part.attribute in said)
        for value in values
        for part in walk(value, 4)
    )


def _place(facts: SourceFacts, own: list[str]) -> Span | None:
    """The test of the caller, else the call that asks, else the function."""
    known = askers(facts)
    for name in own:
        for asked in facts.conditions_in(name):
            if asks_caller(facts, asked.value) or mentions(asked.value, ROLE):
                return asked.span
    for name in own:
        for call in facts.calls_in(name):
            if call.callee in known and call.span is not None:
                return call.span
    return next((one.span for name in own if name in known and (one := facts.function(name)) is not None), None)


def _answers_unheard(facts: SourceFacts) -> Iterator[Told]:
    """``is_logged_in()``, ``edit.test()``: says yes or no about the caller, on a line of its own in a view, a hook or a decorator."""
    for function in facts.functions():
        name = function.name
        if not function.returns or not all(map(_is_truth, function.returns)):
            continue
        here = [(call, call.span) for call in facts.calls(name) if call.span is not None]
        here = [(call, span) for call, span in here if _stands_before(facts, call.function)]
        if not here or _turns_away(facts, function) or not any(asks_caller(facts, one) for one in function.returns):
            continue
        for call, span in here:
            if stands_alone(facts, call):
                yield span, f"nothing looks at what {name.rpartition('.')[2]}() answers"


def _is_truth(value: Value) -> bool:
    if isinstance(value, Choice):
        return all(map(_is_truth, value.options))
    return (
        isinstance(value, Truth)
        or is_constant(value, True, False)
        or (isinstance(value, Call) and value.callee == "bool")
    )


def _turns_away(facts: SourceFacts, function: Function) -> bool:
    """By itself, or by a function of the project that it calls, or one that this one calls."""
    names, level = {function.name}, [function.name]
    for _ in range(_CALLED):
        calls = [call for name in level for call in facts.calls_in(name)]
        if any(one.refuses for name in level for one in facts.conditions_in(name)) or any(
            call.method in ("abort", "redirect") for call in calls
        ):
            return True
        level = sorted({call.callee for call in calls if facts.function(call.callee) is not None} - names)
        names.update(level)
    return False


def _stands_before(facts: SourceFacts, name: str) -> bool:
    """A view, a hook, or the function inside a decorator that runs the view."""
    return facts.is_view(name) or name in hung(facts, *BEFORE) or _runs_the_view(facts, name)


def _runs_the_view(facts: SourceFacts, name: str) -> bool:
    return any(isinstance(one.value, Call) and one.value.callee == "?" for one in facts.returns_of(name)) and bool(
        facts.routes_reaching(name)
    )


def _asserted_guards(facts: SourceFacts) -> Iterator[Told]:
    """``def require_user(): assert claims() is not None``, ``assert note.owner_id == g.user.id`` in a view: python -O leaves the only check out."""
    for one in facts.comparisons("is", "is not", "in", "not in", "==", "!="):
        if not one.asserted or not _asks(facts, one):
            continue
        if facts.is_view(one.function) and one.operator in ("==", "in") and not _is_asked_again(facts, one):
            yield one.span, "python -O leaves this check out; what refuses is an `if`"
        if not _MEANT.search(one.function):
            continue
        asked = facts.conditions_in(one.function)
        if not asked and any(_stands_before(facts, call.function) for call in facts.calls(one.function)):
            yield one.span, "python -O leaves this check out; what refuses is an `if`"


def _is_asked_again(facts: SourceFacts, one: Comparison) -> bool:
    """That an ``if`` of the view turns callers away too: the ``assert`` only says what is known then."""
    return any(asked.refuses and asks_caller(facts, asked.value) for asked in facts.conditions_in(one.function))


def _asks(facts: SourceFacts, one: Comparison) -> bool:
    if any(isinstance(side, Call) and side.callee == "len" for side in (one.left, one.right)):
        return False  # how many there are says nothing of who is calling
    return any(
        asks_caller(facts, side) or any(isinstance(part, Name) and WHO.search(part.dotted) for part in walk(side, 3))
        for side in (one.left, one.right)
    )


def _swallowed_guards(facts: SourceFacts) -> Iterator[Told]:
    """``with suppress(Refused): verify()`` in a view: the only thing that the check does is to raise, and that ends there."""
    for one in facts.handlers():
        if one.action not in ("pass", "go-on") or not _stands_before(facts, one.function):
            continue
        if any(asked.refuses for asked in facts.conditions_in(one.function)) or only_leads_on(facts, one):
            continue
        for name in askers(facts).intersection(one.tried):
            checks = _CHECKS.match(name.rpartition(".")[2]) is not None
            if (
                not checks
                or facts.returns_of(name)
                or any(kept.target.startswith(_KEPT) for kept in facts.assignments_in(name))
            ):
                continue
            raised = {each.exception for each in raised_in(facts, name)}
            if any(call.method == "abort" for call in facts.calls_in(name)):
                raised.add("werkzeug.exceptions.HTTPException")
            if raised and ({"*", "Exception", "BaseException"} | raised).intersection(one.catches):
                yield one.span, f"what {name.rpartition('.')[2]}() raises to refuse ends here, and the request goes on"


def _entered_in_vain(facts: SourceFacts) -> Iterator[Told]:
    """``with Authenticated():`` whose ``__enter__`` looks for a credential and lets everybody in."""
    for function in facts.functions():
        name = function.name
        home, _, word = name.rpartition(".")
        if word != "__enter__" or name not in askers(facts) or _turns_away(facts, function):
            continue
        if any(not isinstance(one, Name) for one in function.returns) or _MEANT.search(home.rpartition(".")[2]) is None:
            continue
        if raised_in(facts, name):
            continue
        for call in facts.calls(home):
            if call.span is not None and facts.is_view(call.function) and stands_alone(facts, call):
                yield call.span, f"{home.rpartition('.')[2]} asks who is calling and turns nobody away"
