"""Guards that refuse nobody: what they find out is thrown away, is always true, comes too late, or hangs where nothing runs it."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.fact import Condition, Function
from stopper.core.facts import SourceFacts
from stopper.core.flow.nested_functions import inside
from stopper.core.flow.raising import raised_in
from stopper.core.flow.request_hooks import AFTER, BEFORE, hung
from stopper.core.flow.standing_alone import stands_alone
from stopper.core.guards.asked_together import COMPARES, both_asked
from stopper.core.guards.caller_askers import askers, asks_caller
from stopper.core.guards.guards_by_their_questions import asks_round_a_view, demands_somebody
from stopper.core.guards.kept_caller import is_asked_for_later
from stopper.core.guards.let_in_anyway import let_in_anyway
from stopper.core.guards.told_and_let_on import told_and_let_on
from stopper.core.owner_names import ROLE, WHO
from stopper.core.place import Span
from stopper.core.values import (
    Call,
    Choice,
    Constant,
    Item,
    Member,
    Name,
    Parameter,
    Truth,
    Value,
    is_constant,
    options,
    text_of,
    walk,
)

Told = tuple[Span, str]

_LOOKS: Final = re.compile(r"(?i)verif|check|valid|auth|login|logged|allowed|permi")
_GUARD: Final = re.compile(
    r"(?i)(?:log_?in|auth\w*|token|jwt|key|session|user|admin|role|roles|permission|member|staff)_?(?:is_)?(?:required|needed|protected|only)$|"
    r"^(?:require|protect|ensure|needs?|must_be)\w*_(?:log_?in|auth\w*|token|jwt|key|session|user|admin|roles?|permissions?)$|^(?:authenticated|protected|secured|members_only|auth)$"
)
"""What a decorator is called that is there to turn callers away."""
_NOTES: Final = re.compile(
    r"(?:.*\.)?(?:debug|info|warning|warn|error|exception|critical|log|print|flash|get|strip|removeprefix|startswith|split|lower|wraps|partition|replace|str)|\?"
)
"""Calls that turn nobody away, and the view itself."""
_SHOWN: Final = (
    "flask.session",
    "flask.request.headers",
    "flask.request.authorization",
    "flask.request.cookies",
    "flask.g.",
)
_ASKS: Final = re.compile(r"(?i)^(?:is_(?!authenticated|active|anonymous)|has_|can_|may_)\w+$")
_LEAVES_FUNCTION: Final = re.compile(r"staticmethod|classmethod|functools\.(?:wraps|cache|lru_cache)")
"""Decorators after which it is a function still: ``@LocalProxy`` makes a value of it."""
_PROPERTY: Final = re.compile(r"(?:.*\.)?(?:property|cached_property|hybrid_property|hybrid_method|setter)")
_ERROR: Final = re.compile(
    r"(?:.*\.)?(?:\w*(?:Auth|Login|Token|Permission|Access|Api|API|Forbidden|Unauthori[sz]ed|Denied|Credential)\w*(?:Error|Exception)|Forbidden|Unauthori[sz]ed|\w*Denied)"
)
_SEVERAL: Final = 3
_ERROR_ENDS: Final = ("Error", "Exception", "Forbidden", "Unauthorized", "Unauthorised", "Denied")
_ADDS: Final = re.compile(r"flask_restful\.|flask_restx\.|flask_restplus\.|\w*Resource$")


def in_vain(facts: SourceFacts) -> Iterator[Told]:
    """Each place, with what is wrong there."""
    yield from _answers_dropped(facts)
    yield from _gives_the_view_back(facts)
    yield from _refuses_nobody(facts)
    yield from _always_true(facts)
    yield from _method_not_called(facts)
    yield from _errors_not_raised(facts)
    yield from _hangs_elsewhere(facts)
    yield from _behind_the_view(facts)
    yield from _only_asserted(facts)
    yield from both_asked(facts)
    yield from let_in_anyway(facts)
    yield from told_and_let_on(facts)


def asks_who(value: Value) -> bool:
    """That a value is made of what the caller shows, or of who was found to be calling."""
    return any(
        isinstance(part, Name) and (part.dotted.startswith(_SHOWN) or WHO.search(part.dotted) is not None)
        for part in walk(value)
    )


def _answers_dropped(facts: SourceFacts) -> Iterator[Told]:
    """``compare_digest(…)`` or ``verify(token)``, which says yes or no, on a line of its own."""
    for call in facts.calls(*COMPARES):
        if call.function and call.span is not None and stands_alone(facts, call) and not _spends_time(facts, call):
            yield call.span, f"nothing looks at what {call.method}() answers"
    for function in facts.functions():
        answers = [one.value for one in facts.returns_of(function.name)]
        if (
            len(answers) < 2
            or not all(is_constant(one, True, False) for one in answers)
            or _stops(facts, function.name)
        ):
            continue
        if not {one.value for one in answers if isinstance(one, Constant)} >= {True, False}:
            continue
        if not _looks_at_credentials(facts, function.name):
            continue
        dropped = [
            call.span
            for call in facts.calls(function.name)
            if call.span is not None
            and (facts.is_view(call.function) or _is_guard(facts, call.function))
            and stands_alone(facts, call)
        ]
        said = f"nothing looks at what {function.name.rpartition('.')[2]}() answers"
        if len(dropped) < _SEVERAL:
            yield from ((span, said) for span in dropped)
        else:  # what has to change is the function, which should refuse by itself
            yield dropped[0], f"{said}, in {len(dropped)} places"


def _spends_time(facts: SourceFacts, call: Call) -> bool:
    """In a branch of its own, so that who is not known waits as long as who is."""
    dummy = any(isinstance(value, Constant) for value in call.args)
    return dummy or (call.span is not None and any(True for _ in facts.conditions_around(call.span)))


def _looks_at_credentials(facts: SourceFacts, name: str) -> bool:
    if _LOOKS.search(name.rpartition(".")[2]) is None:
        return False
    asked = any(asks_who(one.value) for one in facts.conditions_in(name))
    return asked or any(
        call.method in ("decode", "compare_digest", "loads", "checkpw") for call in facts.calls_in(name)
    )


def _gives_the_view_back(facts: SourceFacts) -> Iterator[Told]:
    """A decorator that makes its guard and returns the view without it."""
    for function in facts.functions():
        returns = facts.returns_of(function.name)
        inner = [one for one in inside(facts, function.name) if one.rpartition(".")[0] == function.name]
        if not inner or not returns or not all(_is_own_parameter(one.value, function) for one in returns):
            continue
        if any(one.refuses and asks_who(one.value) for name in inner for one in facts.conditions_in(name)):
            yield returns[0].span, f"{function.name.rpartition('.')[2]}() gives back the view without its guard"


def _is_own_parameter(value: Value, function: Function) -> bool:
    return isinstance(value, Parameter) and value.function == function.name


def _refuses_nobody(facts: SourceFacts) -> Iterator[Told]:
    """A guard by its name, or a hook, that asks who is calling and goes on whatever the answer is."""
    hooks = hung(facts, *BEFORE)
    for function in facts.functions():
        name = function.name
        hook = name in hooks
        if not (hook or _is_made_by_guard(facts, name) or demands_somebody(facts, name)) or not facts.routes_reaching(
            name
        ):
            continue
        asked = [one for one in facts.conditions_in(name) if asks_who(one.value) and _is_absence(one)]
        if not asked or _stops(facts, name) or any(not _NOTES.fullmatch(call.callee) for call in facts.calls_in(name)):
            continue
        views = [one for one in facts.returns_of(name) if not is_constant(one.value, None)]
        if hook and (views or not _only_notes(facts, name, asked)):
            continue
        if not hook and not (views and all(isinstance(one.value, Call) and one.value.callee == "?" for one in views)):
            continue
        if any(one.target.startswith(("g.", "session[")) for one in facts.assignments_in(name)):
            continue
        yield asked[0].span, "nobody is turned away here, whatever the answer is"


def _is_absence(one: Condition) -> bool:
    """``if not session.get("user")``, ``if "user" not in session``, ``if g.user is None``"""
    return one.negated or any(isinstance(part, Truth) for part in options(one.value))


def _only_notes(facts: SourceFacts, name: str, asked: list[Condition]) -> bool:
    """Something is written to a log where nobody was found, or the hook ends there."""
    return any(
        one.stops
        or any(
            call.span is not None and one.body is not None and one.body.holds(call.span)
            for call in facts.calls_in(name)
        )
        for one in asked
    )


def _stops(facts: SourceFacts, name: str) -> bool:
    """That something in the function turns a caller away, or may do so out of sight."""
    if raised_in(facts, name) or any(one.refuses for one in facts.conditions_in(name)):
        return True
    if any(call.method in ("abort", "redirect") for call in facts.calls_in(name)):
        return True
    return any(is_constant(part, 401, 403) for one in facts.returns_of(name) for part in walk(one.value, 2))


def _is_made_by_guard(facts: SourceFacts, name: str) -> bool:
    """``login_required.inner``"""
    outer = name.rpartition(".")[0]
    return any(
        _GUARD.search(head.rpartition(".")[2]) is not None and facts.function(head) is not None
        for head in (outer, outer.rpartition(".")[0])
    )


def _is_guard(facts: SourceFacts, name: str) -> bool:
    return _is_made_by_guard(facts, name) or name in hung(facts, *BEFORE) or asks_round_a_view(facts, name)


def _always_true(facts: SourceFacts) -> Iterator[Told]:
    """``if user.role == "hr" or "admin":``"""
    for one in facts.conditions():
        value = one.value
        if not isinstance(value, Choice) or value.every or one.negated or one.refuses:
            continue
        true = any(isinstance(part, Constant) and isinstance(part.value, str) and part.value for part in value.options)
        tests = [part for part in value.options if isinstance(part, Truth)]
        if true and any(asks_who(part) or _names_role(part) for part in tests):
            yield one.span, "the text behind `or` is always true, so this lets everybody on"


def _names_role(value: Value) -> bool:
    return any(
        (isinstance(part, Member) and ROLE.search(part.attribute) is not None)
        or (isinstance(part, Item) and ROLE.search(text_of(part.key) or "") is not None)
        for part in walk(value, 4)
    )


def _method_not_called(facts: SourceFacts) -> Iterator[Told]:
    """``if not current_user.is_admin: abort(403)`` where ``is_admin`` is a method: a method is never false."""
    methods = _plain_methods(facts)
    for one in facts.conditions():
        if isinstance(one.value, Name) and (one.refuses or _is_guard(facts, one.function)):
            word = one.value.dotted
            if _is_plain_function(facts, word):
                yield one.span, f"`{word.rpartition('.')[2]}` is a function and is not called, so this is always true"
                continue
        for part in options(one.value) if methods or _asking_functions(facts) else ():
            word = part.dotted if isinstance(part, Name) else part.attribute if isinstance(part, Member) else ""
            owner = word.rpartition(".")[0] if isinstance(part, Name) else ""
            who = WHO.search(owner) is not None or (isinstance(part, Member) and asks_who(part.owner))
            if who and word.rpartition(".")[2] in methods:
                yield one.span, f"`{word.rpartition('.')[2]}` is a method and is not called, so this is always true"
            elif word in _asking_functions(facts):
                yield one.span, f"`{word.rpartition('.')[2]}` is a function and is not called, so this is always true"


def _is_plain_function(facts: SourceFacts, name: str) -> bool:
    """A function or method of the project of which no decorator makes a value."""
    known = facts.function(name)
    return known is not None and all(_LEAVES_FUNCTION.fullmatch(one.name) for one in known.decorators)


def _asking_functions(facts: SourceFacts) -> frozenset[str]:
    """Functions of the project that are called as a question is and ask who is calling: ``is_editor``."""
    return facts.once(
        "questions about the caller that are functions",
        lambda: frozenset(
            name
            for name in (function.name for function in facts.functions() if not function.parameters)
            if _ASKS.match(name.rpartition(".")[2]) and "." in name and name in askers(facts)
        ),
    )


def _plain_methods(facts: SourceFacts) -> frozenset[str]:
    """Questions about people that are methods wherever the project has them."""

    def found() -> frozenset[str]:
        methods: set[str] = set()
        others: set[str] = set()
        for one in facts.classes():
            others.update(word for word in (*one.attributes, *one.fields) if _ASKS.match(word))
            for word in one.methods:
                made = facts.function(f"{one.name}.{word}")
                if _ASKS.match(word) and made is not None:
                    bare = not any(_PROPERTY.fullmatch(each.name) for each in made.decorators) and not made.parameters
                    (methods if bare else others).add(word)
        return frozenset(methods - others)

    return facts.once("questions about people that are methods", found)


def _errors_not_raised(facts: SourceFacts) -> Iterator[Told]:
    """``AuthError("unknown key")`` on a line of its own, in a guard or where the caller was asked."""
    named = [name for name in facts.callees() if name.endswith(_ERROR_ENDS) and _ERROR.fullmatch(name)]
    for call in facts.calls(*named) if named else ():
        if not call.function or call.span is None or not stands_alone(facts, call):
            continue
        around = [
            one for one in facts.conditions_in(call.function) if one.body is not None and one.body.holds(call.span)
        ]
        status = [one.value for one in call.args if isinstance(one, Constant) and type(one.value) is int]
        if (
            around
            and not set(status) - {401, 403}
            and (
                _is_guard(facts, call.function)
                or any(asks_who(one.value) or asks_caller(facts, one.value) for one in around)
            )
        ):
            yield call.span, "the error is made and not raised, so the request goes on"


def _hangs_elsewhere(facts: SourceFacts) -> Iterator[Told]:
    """``method_decorators`` of Flask-RESTful on a view class of Flask, which asks for ``decorators``."""
    for one in facts.classes("flask.views.MethodView", "flask.views.View"):
        held = one.attributes.get("method_decorators")
        if held is None or any(_ADDS.search(base) for base in one.bases) or "decorators" in one.attributes:
            continue
        span = next((part.span for part in walk(held, 2) if part.span is not None), None)
        yield (
            span or one.span,
            "a view class of Flask looks at `decorators`; what stands in `method_decorators` never runs",
        )


def _behind_the_view(facts: SourceFacts) -> Iterator[Told]:
    """``after_request`` that turns away who has no session: the view has run."""
    for name in sorted(hung(facts, *AFTER, "teardown_request")):
        for one in facts.conditions_in(name):
            inner = one.body
            if inner is None:
                continue
            refusals = [each.span for each in facts.assignments_in(name) if is_constant(each.value, 401, 403)]
            refusals += [
                each.span
                for each in facts.returns_of(name)
                if any(is_constant(part, 401, 403) for part in walk(each.value, 2))
            ]
            refusals += [call.span for call in facts.calls_in(name) if call.method == "abort" and call.span is not None]
            if any(inner.holds(span) for span in refusals) and (
                any(map(_says_who, walk(one.value))) or asks_caller(facts, one.value)
            ):
                yield one.span, "the view has run before this asks who is calling"


def _says_who(part: Value) -> bool:
    return isinstance(part, Name) and (part.dotted.startswith("flask.session") or WHO.search(part.dotted) is not None)


def _only_asserted(facts: SourceFacts) -> Iterator[Told]:
    """``assert current_user.role == "admin"``: python -O leaves it out."""
    for one in facts.comparisons("==", "!="):
        if not one.asserted or not one.function or not any(_says_role(side) for side in (one.left, one.right)):
            continue
        guards = facts.is_view(one.function) or _is_guard(facts, one.function)
        if guards and not is_asked_for_later(facts, one.function):
            yield one.span, "python -O leaves this check out; what refuses is an `if`"


def _says_role(value: Value) -> bool:
    named = (
        value.dotted.rpartition(".")[2]
        if isinstance(value, Name)
        else value.attribute
        if isinstance(value, Member)
        else ""
    )
    return ROLE.search(named) is not None and asks_who(value)
