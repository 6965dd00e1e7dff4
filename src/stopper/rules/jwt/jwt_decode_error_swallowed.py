"""A bad token raises an error, the error is thrown away, and the request goes on as if the token had been good."""

from collections.abc import Iterator
from typing import Final

from stopper.core.app import App
from stopper.core.facts import Handler, SourceFacts, source_of
from stopper.core.finding import Evidence, Verdict
from stopper.core.flow.body_models import classes_by_name
from stopper.core.flow.places_in_steps import is_behind, places
from stopper.core.flow.raising import raised_in
from stopper.core.guards.kept_caller import dispatches_views, hooks_before_guards, is_asked_for_later
from stopper.core.guards.made_up_callers import stands_for_somebody
from stopper.core.guards.made_up_rights import is_made_up, makes_up_rights, passes_as_made_up
from stopper.core.guards.tried_otherwise import (
    REFUSING,
    asks_otherwise,
    is_tried_otherwise,
    is_turned_away_behind,
    refuses_in,
    stops_somebody,
    tries_what_it_is_given,
)
from stopper.core.probe import Steps, Target, failed, not_applicable, passed
from stopper.core.probing.baseline import controls
from stopper.core.probing.signature import broken_signature, first_let_in, no_baseline, token_baseline
from stopper.core.rule import Hit, Rule
from stopper.core.tokens.jwt_names import DECODING, OTHER_VERIFIERS, verifies, written_in
from stopper.core.values import (
    Call,
    Choice,
    Constant,
    Item,
    Mapping,
    Parameter,
    Sequence,
    Value,
    is_constant,
    options,
    walk,
)

MESSAGE: Final = "the error of a bad token is swallowed and the request goes on"


def detect(app: App) -> Iterator[Hit]:
    """Handlers round a verification that neither refuse nor raise, where nothing behind them refuses either."""
    facts = source_of(app)
    names = {name for name in (*DECODING, *OTHER_VERIFIERS) if any(verifies(call) for call in facts.calls(name))}
    if not names:
        return
    calls = [call for name in names for call in facts.calls(name)]
    names |= {call.function for call in calls if call.function}
    steps = names | {written_in(facts, call) for call in calls}
    yield from _suppressed(facts)
    for handler in facts.handlers():
        if (
            handler.action in ("refuse", "raise")
            or not (steps & set(handler.tried) or tries_what_it_is_given(facts, handler, steps))
            or is_tried_otherwise(facts, handler)
        ):
            continue
        if stands_for_somebody(facts, handler):
            yield Hit(MESSAGE, handler.span)
            continue
        if is_asked_for_later(facts, handler.function) or handler.function in hooks_before_guards(app):
            continue  # who is calling is found out here, and asked for elsewhere
        judged = _goes_on_by_return if handler.action == "return" else _goes_on
        if judged(facts, handler):
            yield Hit(MESSAGE, handler.span)


def _suppressed(facts: SourceFacts) -> Iterator[Hit]:
    """``with contextlib.suppress(jwt.PyJWTError):`` round a verification, with no refusal behind it."""
    for call in facts.calls("contextlib.suppress"):
        inside = [one for one in facts.calls_in(call.function) if verifies(one)]
        if not inside or call.span is None or _refuses_behind(facts, call.function, call.span.line):
            continue
        if is_asked_for_later(facts, call.function):
            continue
        if not _aborts(facts, call.function) and _lets_a_request_on(facts, call.function, call.span.line):
            yield Hit(MESSAGE, call.span)


def _lets_a_request_on(facts: SourceFacts, function: str, line: int) -> bool:
    """A view, a hook, or the wrapper of a decorator that runs its view behind this line."""
    return facts.is_view(function) or _is_hook(facts, function) or _runs_a_view(facts, function, line)


def _goes_on(facts: SourceFacts, handler: Handler) -> bool:
    """``pass`` and the like: a hook, a wrapper round a view or a view goes on, unless it looks at the outcome and refuses."""
    if refuses_in(facts, handler) or _raises_behind(facts, handler) or is_turned_away_behind(facts, handler):
        return False
    if _says_yes_behind(facts, handler) or _lets_somebody_in(facts, handler):
        return True
    if makes_up_rights(facts, handler):
        return _runs_a_view(facts, handler.function, handler.span.end_line) or facts.is_view(handler.function)
    if passes_as_made_up(facts, handler):
        return _lets_a_request_on(facts, handler.function, handler.span.end_line)
    if _refuses_behind(facts, handler.function, handler.span.end_line) or _may_answer_no(facts, handler):
        return False
    if _answers_apart(facts, handler) or _leaves(facts, handler.function, facts.function_around(handler.span)):
        return False
    if _lets_a_request_on(facts, handler.function, handler.span.end_line):
        return True
    return _callers_go_on(facts, handler.function)


def _raises_behind(facts: SourceFacts, handler: Handler) -> bool:
    """Nothing but a raise stands behind it, or another check that raises in its turn: ``for key in KEYS: try: return decode(…) except: continue``
    and then ``raise``."""
    line = handler.span.end_line
    raised = [one.span.line for one in facts.raises() if one.function == handler.function and one.span.line > line]
    behind = [
        one.value
        for one in facts.returns_of(handler.function)
        if one.span.line > line and not (isinstance(one.value, Call) and raised_in(facts, one.value.callee))
    ]
    around = (one for one in facts.conditions_in(handler.function) if one.body is not None and raised)
    return (
        bool(raised)
        and not behind
        and not any(
            one.body is not None and one.span.line > line and one.body.line <= raised[-1] <= one.body.end_line
            for one in around
        )
    )


def _says_yes_behind(facts: SourceFacts, handler: Handler) -> bool:
    """``return True`` behind it, in a function that somebody asks whether the token is good."""
    behind = [one for one in facts.returns_of(handler.function) if one.span.line > handler.span.end_line]
    tested = any(
        one.function == handler.function and one.span.line > handler.span.end_line
        for one in facts.conditions_in(handler.function)
    )
    if not behind or tested or facts.is_view(handler.function):
        return False
    return is_constant(behind[0].value, True) or _begins_as_yes(facts, behind[0].value, handler)


def _begins_as_yes(facts: SourceFacts, value: Value, handler: Handler) -> bool:
    """``ok = True`` above the ``try``, which this handler leaves as it is."""
    known = [one for one in options(value) if isinstance(one, Constant) and one.span is not None]
    first = min(
        (call.span.line for call in facts.calls_in(handler.function) if call.span and verifies(call)), default=0
    )
    return any(is_constant(one, True) and one.span is not None and one.span.line < first for one in known) and not any(
        one.span is not None and handler.span.holds(one.span) for one in known
    )


def _lets_somebody_in(facts: SourceFacts, handler: Handler) -> bool:
    """A loader of Flask-Login or Flask-HTTPAuth that gives an object of the project back, whether or not the token was good."""
    function = facts.function(handler.function)
    if function is None or not any(one.name.endswith(_LOADERS) for one in function.decorators):
        return False
    behind = [one.value for one in facts.returns_of(handler.function) if one.span.line > handler.span.end_line]
    return bool(behind) and all(isinstance(one, Call) and one.callee in classes_by_name(facts) for one in behind)


_LOADERS: Final = (".request_loader", ".verify_token", ".identity_loader")


def _may_answer_no(facts: SourceFacts, handler: Handler) -> bool:
    """``return unauthorized() if g.claims is None else None`` behind it."""
    for one in facts.returns_of(handler.function):
        if one.span.line > handler.span.end_line and isinstance(one.value, Choice):
            for option in one.value.options:
                made = facts.returns_of(option.callee) if isinstance(option, Call) else ()
                said = [option, *(inner.value for inner in made)]
                if any(
                    isinstance(part, Constant) and part.value in (401, 403) for inner in said for part in walk(inner, 3)
                ):
                    return True
    return False


def _answers_apart(facts: SourceFacts, handler: Handler) -> bool:
    """``answer = unauthorized_answer()`` in the handler and nothing but ``return answer`` behind the ``try``: no work is left to do."""
    line = handler.span.end_line
    branches = [one for one in facts.conditions_in(handler.function) if one.body is not None]
    around = {one.span for one in branches if one.body is not None and one.body.holds(handler.span)}
    apart = [one.span for one in facts.handlers_in(handler.function)]
    apart += [
        one.body for one in branches if one.body and one.span in around and not one.body.holds(handler.span)
    ]  # the other branch of an `if` round the `try`
    home = facts.function_around(handler.span)
    works = any(
        facts.function_around(place) == home and place.line > line and not any(one.holds(place) for one in apart)
        for call in facts.calls_in(handler.function)
        for place in places(facts, call.span)
    )
    behind = [one.value for one in facts.returns_of(handler.function) if one.span.line > line]
    if not works and behind and facts.is_view(handler.function) and all(map(_says_nothing, behind)):
        return True  # a log-out, say: the work is in the ``try``, and everybody gets the same answer
    return not works and any(
        isinstance(part, Call) and any(handler.span.holds(place) for place in places(facts, part.span))
        for value in behind
        for part in walk(value, 4)
    )


def _says_nothing(value: Value) -> bool:
    """``"", 204``"""
    said = value.items if isinstance(value, Sequence) else (value,)
    return all(isinstance(one, Constant) for one in said)


def _goes_on_by_return(facts: SourceFacts, handler: Handler) -> bool:
    """A value is returned: the view itself, somebody made up, or nothing at all from a hook."""
    returned = [
        one.value for one in facts.returns() if one.function == handler.function and handler.span.holds(one.span)
    ]
    if any(_is_view_call(value) for value in returned):
        return not asks_otherwise(facts, handler)
    if not returned and refuses_in(facts, handler):  # ``abort(503)``
        return False
    if any(isinstance(value, Call) and is_made_up(facts, value) for value in returned):
        return True
    if _is_hook(facts, handler.function):
        return all(isinstance(value, Constant) and value.value is None for value in returned)
    if facts.is_view(handler.function):
        return False
    if any(isinstance(value, Constant) and value.value is True for value in returned):
        return True
    if any(isinstance(value, Mapping) and value.items and not _is_error(value) for value in returned):
        return not _callers_look(facts, handler.function)
    if any(isinstance(value, Constant) and isinstance(value.value, str) and value.value for value in returned):
        return _names_somebody(facts, handler) and not _callers_look(facts, handler.function)
    if all(map(_is_nothing, returned)):
        return _callers_go_on(facts, handler.function)
    if all(isinstance(one, Sequence) and one.items and _is_nothing(one.items[0]) for one in returned):
        return not stops_somebody(facts, handler.function) and _callers_go_on(facts, handler.function)
    return any(
        isinstance(part, Call) and part.callee in DECODING and not verifies(part)
        for value in returned
        for part in walk(value)
    )


def _is_nothing(value: Value) -> bool:
    return (isinstance(value, Constant) and not value.value) or (isinstance(value, Mapping) and not value.items)


def _names_somebody(facts: SourceFacts, handler: Handler) -> bool:
    """``return "anonymous"`` where a good token gives its ``sub``, for views that change something in that name."""
    good = any(
        isinstance(part, Item) and any(isinstance(one, Call) and verifies(one) for one in walk(part.owner, 3))
        for one in facts.returns_of(handler.function)
        for part in (one.value,)
    )
    views = [one for one in _first_calls(facts, handler.function) if facts.is_view(one)]
    return good and any(
        not {"GET", "HEAD", "OPTIONS"}.issuperset(route.methods)
        for view in views
        for route in facts.routes_of_view(view)
    )


def _is_error(value: Mapping) -> bool:
    return any(
        word in key.lower()
        for key in value.keys()  # noqa: SIM118
        for word in ("error", "message", "msg", "detail", "status", "valid", "ok", "success")
    )


def _is_hook(facts: SourceFacts, function: str) -> bool:
    return any(function in route.hooks for route in facts.routes) or dispatches_views(facts, function)


def _is_view_call(value: Value) -> bool:
    """``view(*args, **kwargs)``: something without a name of its own is called, which in a wrapper is what it wraps; not out of a table."""
    if not isinstance(value, Call) or (isinstance(value.receiver, Item) and isinstance(value.receiver.owner, Mapping)):
        return False
    return value.callee == "?" or isinstance(value.receiver, Parameter)


def _runs_a_view(facts: SourceFacts, function: str, line: int) -> bool:
    """A wrapper of a decorator: it hands the request on to the function it wraps."""
    return any(_is_view_call(one.value) for one in facts.returns_of(function) if one.span.line >= line)


def _refuses_behind(facts: SourceFacts, function: str, line: int) -> bool:
    return any(one.refuses and one.span.line >= line for one in facts.conditions_in(function))


def _callers_look(facts: SourceFacts, function: str) -> bool:
    """Somebody who calls the function refuses by a condition behind the call, or leaves where the function brought nothing."""
    return any(
        _leaves(facts, caller, function)
        or any(one.refuses and is_behind(facts, one.span, call) for one in facts.conditions_in(caller))
        for caller, call in _first_calls(facts, function).items()
    )


def _leaves(facts: SourceFacts, where: str, function: str) -> bool:
    """That one function leaves where another, which may be a step of it, brought nothing."""
    return where != function and any(
        one.negated and one.stops and _is_outcome(facts, one.value, function) for one in facts.conditions_in(where)
    )


def _first_calls(facts: SourceFacts, function: str) -> dict[str, Call]:
    """Who calls the function, and where first; a refusal before that is about something else."""
    found: dict[str, Call] = {}
    for call in facts.calls(function) if function else ():
        known = found.setdefault(call.function, call)
        if call.span is not None and known.span is not None and call.span.line < known.span.line:
            found[call.function] = call
    return found


def _is_outcome(facts: SourceFacts, value: Value, function: str) -> bool:
    """What the function brought, also by way of a step that hands it on, or ``hasattr(found, "user_id")`` of it."""
    if isinstance(value, Call) and value.callee == "hasattr" and value.args:
        value = value.args[0]
    if not isinstance(value, Call):
        return False
    handed_on = [one.value for one in facts.returns_of(value.callee)] if value.callee != function else []
    return value.callee == function or any(isinstance(one, Call) and one.callee == function for one in handed_on)


def _callers_go_on(facts: SourceFacts, function: str) -> bool:
    """The function only helps: some caller stands in a request's way, and none of them refuses."""
    callers = _first_calls(facts, function)
    on_the_way = [one for one in callers if facts.is_view(one) or _is_hook(facts, one) or _runs_a_view(facts, one, 0)]
    return (
        bool(on_the_way)
        and not _callers_look(facts, function)
        and not any(_aborts(facts, one, callers[one]) for one in on_the_way)
    )


def _aborts(facts: SourceFacts, function: str, behind: Call | None = None) -> bool:
    """That something refuses there, on the line of that call or behind it."""
    return any(
        call.method in REFUSING and (behind is None or is_behind(facts, call.span, behind))
        for call in facts.calls_in(function)
    )


def probe(target: Target) -> Steps[Verdict]:
    """Proves a swallowed error of the source; without one, shows tokens that break a decoder in unusual ways."""
    baseline = yield from token_baseline(target)
    if baseline is None or baseline.identity.token is None:
        return no_baseline(target)
    told = any(True for _ in detect(target.app))
    if baseline.kind == "presence-only":
        if not told or baseline.nonsense is None:
            return not_applicable(f"{baseline.ref} lets nonsense in, which any-bearer-token-accepted asks")
        shown_one = Evidence("exchange", "nonsense in place of a token is accepted", baseline.nonsense)
        message = f"{baseline.ref} goes on after the error of a token that cannot be read"
        return failed(message, (baseline.ref,), (*controls(baseline), shown_one))
    if told:
        return (yield from broken_signature(target))
    odd = [
        ("of one part", "AAAA"),  # no word: what is shown as a token is masked wherever it stands
        ("of empty parts", ".."),
        ("whose header is no JSON", "AAAA.AAAA.AAAA"),
        ("whose header is a list", "W10.W10.AAAA"),
    ]
    seen = yield from first_let_in(baseline, odd)
    if seen is None:
        return passed(f"{baseline.ref} refuses tokens that no decoder can read")
    evidence = Evidence("exchange", f"a token {seen[0]} is accepted", seen[1])
    return failed(
        f"{baseline.ref} goes on when the token cannot be read at all", (baseline.ref,), (*controls(baseline), evidence)
    )


RULE = Rule(
    slug="jwt-decode-error-swallowed",
    family="jwt",
    title="A decode error is swallowed and the request goes on",
    harm=__doc__ or "",
    severity="critical",
    check="authentication",
    cwe=(755,),
    owasp="API2:2023",
    asvs=("V16.5.3",),
    surfaces=("source", "wsgi", "http"),
    ends="Stopper's `@bearer` runs before the view, and any error in it is a refusal.",
    certainty="likely",
    detect=detect,
    probe=probe,
)
