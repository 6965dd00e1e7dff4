"""The route looks as if it were protected, and everybody passes."""

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from typing import Final

from stopper.core.app import App
from stopper.core.edits.call_edits import calls_at
from stopper.core.fact import ClassFact, Decorator, Function, Handler
from stopper.core.facts import SourceFacts, source_of
from stopper.core.flow.nested_functions import inside
from stopper.core.flow.raising import raised_in
from stopper.core.flow.request_hooks import BEFORE, hung
from stopper.core.flow.standing_alone import stands_alone
from stopper.core.flow.steps_run import steps_run
from stopper.core.guards.guards_by_their_questions import asks_round_a_view
from stopper.core.guards.guards_in_vain import in_vain
from stopper.core.guards.guards_that_pass import pass_all, turn_nobody_away
from stopper.core.guards.kept_caller import is_asked_for_later
from stopper.core.guards.refusals_dropped import refusals_dropped
from stopper.core.guards.refusals_made import ANSWERS, errors_made, only_refusing, refused_by_number
from stopper.core.guards.tried_otherwise import is_tried_otherwise, only_leads_on
from stopper.core.owner_names import WHO
from stopper.core.place import RouteRef
from stopper.core.rule import Edit, Hit, Rule
from stopper.core.stores.found_rows import asks_whether_found
from stopper.core.values import (
    Call,
    Caught,
    Constant,
    Item,
    Member,
    Name,
    Truth,
    Value,
    is_constant,
    walk,
)

_LIBRARY: Final = re.compile(
    r"flask_login\.(utils\.)?(login_required|fresh_login_required)|flask_httpauth\.\w+\.login_required|flask_security\.(decorators\.)?(auth_required|login_required|"
    r"auth_token_required|roles_required|roles_accepted)|flask_principal\.\w+\.require|stopper\.\w+|authlib\..*|flask_jwt\.jwt_required|flask_praetorian\.\w*(auth|roles)\w*|apiflask\..*auth_required|.*\.auth_required"
)
_JWT: Final = "flask_jwt_extended."
_WHO: Final = (
    "flask.session", "flask.g", "flask.request.headers", "flask.request.authorization", "flask.request.cookies",
    "flask_login.current_user", "flask_security.current_user", "flask_jwt_extended.",
)  # fmt: skip
_SHOWN: Final = ("flask.session", "flask.request.headers", "flask.request.authorization", "flask.request.cookies")
_OWN: Final = re.compile(
    r"(?i)(login|auth|token|jwt|api_?key|admin|role|permission|scope|user|credential|session)\w*_?(required|needed|only)$|^(?:has|with|must_have)_(?:role|permission|scope|right)s?$|^(require|requires|needs|check|ensure|verify|protect|validate|authenticate|authorize|authenticated|protected|secured?|admin_only|login_required)\w*(auth|token|login|key|admin|role|user|permission|scope|session)?\w*$"
)


_PERSON: Final = re.compile(
    r"(?i)flask\.g\.\w*(?:user|identity|principal|account|member|person|tenant|caller|who|auth|token|claims|session|login|role|admin|key)"
)
"""What of ``g`` says who is calling; a site, a locale or a database there says nothing of it."""
_SAYS_WHO: Final = re.compile(
    r"(?i)auth|key|token|jwt|user|login|sess|sid|secret|signature|account|principal|identity|bearer|remote|client"
)
_ABOVE: Final = "stands above its route, so it never runs"
_NOT_RETURNED: Final = "the refusal is made and not returned, so the request goes on"
_STATUS: Final = frozenset({"status_code", "status", "code"})


def detect(app: App) -> Iterator[Hit]:
    """Guards above the route decorator, and guards that notice a missing credential and go on."""
    facts = source_of(app)
    told = [*_above(app, facts), *_go_on(facts), *_not_asked(app, facts), *_too_late(facts), *_answers_yes_or_no(facts)]
    yield from told
    seen = {hit.span for hit in told if hit.span is not None}
    for span, why in chain(in_vain(facts), pass_all(app)):
        if span not in seen:
            seen.add(span)
            yield Hit(why, span)
    places = {facts.function_around(one) for one in seen}
    for span, why in turn_nobody_away(app):
        if facts.function_around(span) not in places:  # what is wrong in it was told
            yield Hit(why, span)


def _above(app: App, facts: SourceFacts) -> Iterator[Hit]:
    written: list[Function | ClassFact] = [*facts.functions(), *facts.classes()]
    for function in written:
        for one in function.decorators:
            if one.above_route and _is_guard(facts, one) and not _guarded_otherwise(app, function, one):
                ref = next(
                    (RouteRef(route.methods[0], route.path) for route in facts.routes_of_view(function.name)), None
                )
                yield Hit(
                    f"the guard of {function.name.rpartition('.')[2]} {_ABOVE}",
                    one.span,
                    ref,
                )


def _is_guard(facts: SourceFacts, one: Decorator) -> bool:
    if one.name.startswith(_JWT):
        return False  # jwt-required-above-route speaks of these
    if _LIBRARY.fullmatch(one.name) is not None or _OWN.search(one.name.rpartition(".")[2]) is not None:
        return True
    parts = inside(facts, one.name)
    if any(asked.refuses and _asks_who(asked.value) for name in parts for asked in facts.conditions_in(name)):
        return True
    return any(  # ``@jwt_required()`` on the function that it puts in place of the view
        other.name.startswith(_JWT) or _LIBRARY.fullmatch(other.name) is not None
        for name in parts
        if (function := facts.function(name)) is not None
        for other in function.decorators
    ) or any(
        call.callee.startswith(_JWT) and "verify" in call.method for name in parts for call in facts.calls_in(name)
    )


def _asks_who(value: Value) -> bool:
    """That a condition looks at what the caller shows, or at who was found to be calling."""
    return any(
        isinstance(part, Name)
        and part.dotted.startswith(_WHO)
        and (not part.dotted.startswith("flask.g.") or _PERSON.match(part.dotted) is not None)
        for part in walk(value)
    )


def _asks_what(value: Value) -> bool:
    """``"HX-Request" in request.headers``: a header or cookie that says how to answer, and not who is calling."""
    who = {part.dotted for part in walk(value) if isinstance(part, Name) and part.dotted.startswith(_WHO)}
    said = [part.value for part in walk(value) if isinstance(part, Constant) and isinstance(part.value, str)]
    return (
        who <= {"flask.request.headers", "flask.request.cookies"}
        and bool(said)
        and not any(map(_SAYS_WHO.search, said))
    )


def _not_asked(app: App, facts: SourceFacts) -> Iterator[Hit]:
    """A check that answers with a refusal, called by a view or hook that does not look at the answer."""
    for span, message, only_asks in refusals_dropped(app, facts, _asks_who):
        if only_asks:
            yield Hit(message, span, certainty="likely")
        else:
            doubtful = f"{message}: look whether it was for more than that"
            yield Hit(doubtful, span, certainty="possible", severity="low")


def _answers_yes_or_no(facts: SourceFacts) -> Iterator[Hit]:
    """``is_logged_in()`` on a line of its own, in a view: what it answers changes nothing."""
    for function in facts.functions():
        returns = facts.returns_of(function.name)
        if not returns or raised_in(facts, function.name):
            continue
        if not all(_is_truth(one.value) for one in returns) or not any(
            _asks_who(one.value) and not _asks_what(one.value) for one in returns
        ):
            continue
        if any(call.method in ("abort", "redirect") for call in facts.calls_in(function.name)):
            continue
        for call in facts.calls(function.name):
            if call.span is not None and facts.is_view(call.function) and stands_alone(facts, call):
                message = f"nothing looks at what {function.name.rpartition('.')[2]}() answers: look whether it was asked for that"
                yield Hit(message, call.span, certainty="possible", severity="low")


def _is_truth(value: Value) -> bool:
    return isinstance(value, Truth) or is_constant(value, True, False)


def _too_late(facts: SourceFacts) -> Iterator[Hit]:
    """A decorator that runs the view first, and asks who is calling before it hands out the answer."""
    for call in facts.calls("?"):
        outer, own = call.function.rpartition(".")[0], facts.function(call.function)
        if call.span is None or facts.function(outer) is None or own is None or not own.span.holds(call.span):
            continue  # of a step elsewhere that runs the view the line says nothing of before and after
        if isinstance(call.receiver, Item):
            continue  # one of several that a list has, and not the view
        if _OWN.search(outer.rpartition(".")[2]) is None and not asks_round_a_view(facts, call.function):
            continue
        asked = [one for one in facts.conditions_in(call.function) if _asks_who(one.value)]
        leaves = any(one.span.holds(call.span) for one in facts.returns_of(call.function))
        within = leaves or any(
            one.body is not None and one.body.holds(call.span) for one in facts.conditions_in(call.function)
        )
        late = [one for one in asked if one.refuses and one.span.line > call.span.line]
        if late and not within and not any(one.span.line < call.span.line for one in asked):
            yield Hit("the view has run before its guard asks who is calling", late[0].span)


def _guarded_otherwise(app: App, function: Function | ClassFact, above: Decorator) -> bool:
    found = [access for route in app.routes if route.view == function.name for access in route.access.values()]
    if not found or any(access.state != "guarded" for access in found):
        return False
    alone = all(not guard.stops or guard.kind == "view-body" for access in found for guard in access.guards)
    return not (alone and _asks_what_it_left(source_of(app), function.name, above))


def _asks_what_it_left(facts: SourceFacts, view: str, above: Decorator) -> bool:
    """``if note.owner != g.claims["sub"]: abort(404)``, where nothing but that decorator writes ``g.claims``: without it there is nobody. And
    ``if row is None``, where only the look-up of the row was told who is calling."""
    values = [one.value for one in facts.conditions_in(view)]
    who = [one for one in values if _asks_who(one)]
    if who and all(map(asks_whether_found, who)):
        return True
    asked = [part.dotted for value in values for part in walk(value) if isinstance(part, Name)]
    if any(name.startswith((*_SHOWN, "flask_login.", "flask_security.", _JWT)) for name in asked):
        return False
    left = {name.split(".")[2] for name in asked if _PERSON.match(name)}
    own = set(inside(facts, above.name))
    kept = [one for one in facts.assignments() if isinstance(one.into, Name) and one.into.dotted == "flask.g"]
    written = [one.function for one in kept if one.attribute in left]
    return bool(written) and own.issuperset(written)


def _go_on(facts: SourceFacts) -> Iterator[Hit]:
    """Hooks and decorators whose refusal is made and thrown away: ``jsonify(…), 401`` without ``return``, a bare ``Forbidden()``."""
    for call in (*facts.calls(*ANSWERS, *only_refusing(facts), *errors_made(facts)), *refused_by_number(facts)):
        if (
            call.function
            and call.span is not None
            and _thrown_away(facts, call)
            and (_is_guard_function(facts, call.function) or _after_asking(facts, call))
        ):
            yield Hit(_NOT_RETURNED, call.span)
    for handler in facts.handlers():
        if (
            handler.action in ("pass", "go-on")
            and (_is_guard_function(facts, handler.function) or asks_round_a_view(facts, handler.function))
            and facts.routes_reaching(handler.function)
            and (
                _swallows_refusal(handler)
                or (_checks(facts, handler) and not _stops_later(facts, handler.function, handler.span.line))
            )
            and not _answers_with_the_error(facts, handler)
            and not _answers_nothing(facts, handler)
            and not _says_why(facts, handler)
            and not is_asked_for_later(facts, handler.function)
            and not is_tried_otherwise(facts, handler)
            and not only_leads_on(facts, handler)
        ):
            yield Hit("a credential that fails the check is let through by this `except`", handler.span)


def _says_why(facts: SourceFacts, handler: Handler) -> bool:
    """``except Exception as error: message = f"invalid: {error}"``, where whoever calls the function stops at a message."""
    return any(
        one.stops and not one.negated and isinstance(one.value, Call) and one.value.callee == handler.function
        for one in facts.conditions()
    ) and any(
        isinstance(part, Caught) and part.catches == handler.catches
        for returned in facts.returns_of(handler.function)
        for part in walk(returned.value, 5)
    )


def _swallows_refusal(handler: Handler) -> bool:
    """``try: … abort(403)`` and ``except Exception``: what refuses is an exception like any other."""
    return any(name.endswith(".abort") for name in handler.tried) and any(
        name in ("*", "Exception", "BaseException")
        or name.endswith(("exceptions.HTTPException", "exceptions.Forbidden"))
        for name in handler.catches
    )


def _answers_with_the_error(facts: SourceFacts, handler: Handler) -> bool:
    """What went wrong is kept as the answer, which is given at the function's end: ``answer, status = {"code": error.code}, error.status_code``."""
    return any(
        isinstance(part, Member)
        and part.attribute in _STATUS
        and isinstance(part.owner, Caught)
        and part.owner.catches == handler.catches
        for one in facts.returns_of(handler.function)
        for part in walk(one.value, 5)
    )


def _answers_nothing(facts: SourceFacts, handler: Handler) -> bool:
    """``try: … return account`` with nothing but ``return None`` behind it, in a function that its caller asks: who failed is not found. What a
    hook gives back lets the request go on."""
    name = handler.function
    if name in hung(facts, *BEFORE):
        return False
    if facts.function(name.rpartition(".")[0]) is not None:  # a decorator runs the view in the ``try``, or not at all
        runs = [call.span.line for call in facts.calls_in(name) if call.callee == "?" and call.span is not None]
        return bool(runs) and max(runs) < handler.span.line
    given = facts.returns_of(name)
    found = [one for one in given if one.span.line < handler.span.line and not is_constant(one.value, None, False)]
    later = [one for one in given if one.span.line > handler.span.line]
    return bool(found) and all(is_constant(one.value, None, False) for one in later)


def _is_guard_function(facts: SourceFacts, function: str) -> bool:
    """By its own name, or by that of a function in which it is made (``authenticated.decorate.wrapper``), or as a hook."""
    outer, _, word = function.rpartition(".")
    if _OWN.search(word) or function in hung(facts, *BEFORE):
        return True
    head = outer.rpartition(".")[2]
    return (
        _OWN.search(head) is not None
        or head in ("auth", "bearer", "jwt", "logged_in", "signed_in")
        or (facts.function(outer) is not None and _is_guard_function(facts, outer))
    )


def _after_asking(facts: SourceFacts, call: Call) -> bool:
    """That the ``if`` around the call looks at what the caller shows."""
    return any(
        one.body is not None and call.span is not None and one.body.holds(call.span) and _looks_at_caller(one.value)
        for one in facts.conditions_in(call.function)
    )


def _looks_at_caller(value: Value) -> bool:
    return any(
        (isinstance(part, Name) and (part.dotted.startswith(_SHOWN) or WHO.search(part.dotted) is not None))
        or (isinstance(part, Call) and WHO.search(part.callee) is not None)
        for part in walk(value)
    )


def _thrown_away(facts: SourceFacts, call: Call) -> bool:
    """The call stands in an ``if`` of the function that does not stop, and in no return, raise, assignment or other call."""
    if call.span is None:
        return False
    inside = [one for one in facts.conditions_in(call.function) if one.body is not None and one.body.holds(call.span)]
    if not inside or any(one.stops for one in inside):
        return False
    returns = facts.returns_of(call.function)
    others = [one.span for one in returns]
    others += [one.span for one in raised_in(facts, call.function)]
    others += [one.span for one in facts.assignments_in(call.function)]
    others += [one.span for one in facts.calls_in(call.function) if one is not call and one.span is not None]
    kept = any(isinstance(part, Call) and part.span == call.span for one in returns for part in walk(one.value))
    return not kept and not any(span.holds(call.span) for span in others)


def _checks(facts: SourceFacts, handler: Handler) -> bool:
    return any(
        not name.startswith(("json.", "simplejson.", "flask.json.", "yaml.", "pickle.", "tomllib."))
        and re.search(
            r"(?i)(^|\.)(jwt\.decode|verify\w*|decode_token|loads|validate_token|authenticate\w*|verify_jwt_in_request)$",
            name,
        )
        for tried in handler.tried
        for name in (tried, *steps_run(facts, tried))
    )


def _stops_later(facts: SourceFacts, function: str, line: int) -> bool:
    """The function refuses further down: by an ``if``, or by an answer of 401 or 403 at its end."""
    if any(one.refuses and one.function == function for one in facts.conditions()):
        return True
    ends = [
        part
        for one in facts.returns()
        if one.function == function and one.span.line > line
        for part in walk(one.value, 2)
    ]
    ends += [value for call in facts.calls_in(function) if call.span and call.span.line > line for value in call.args]
    return any(isinstance(part, Constant) and part.value in (401, 403) for part in ends)


def fix(app: App, hit: Hit) -> Edit | None:
    """The guard below its route; ``return`` before a refusal that is made, and ``raise`` before an exception."""
    if hit.span is None:
        return None
    if hit.message.endswith(_ABOVE):
        return Edit(hit.span, "", safe=False, how="below")
    facts = source_of(app)
    for call in calls_at(facts, hit.span) if hit.message == _NOT_RETURNED else ():
        word = (
            "raise " if call.callee[:20] == "werkzeug.exceptions." or call.callee in errors_made(facts) else "return "
        )
        at = replace(hit.span, end_line=hit.span.line, end_column=hit.span.column)
        return Edit(at, word, safe=False)
    return None


RULE = Rule(
    slug="auth-check-has-no-effect",
    family="authorization",
    title="An authentication check has no effect",
    harm=__doc__ or "",
    severity="critical",
    check="authentication",
    cwe=(862,),
    owasp="API5:2023",
    asvs=("V8.2.1",),
    surfaces=("source",),
    ends="`Stopper(app)` guards the endpoint, in whatever order the decorators stand.",
    certainty="likely",
    detect=detect,
    fix=fix,
)
