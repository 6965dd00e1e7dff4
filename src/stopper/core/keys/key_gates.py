"""Refusals that hang on an API key which nothing judges: they ask whether one was sent, or how it looks."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from stopper.core.fact import Condition
from stopper.core.facts import SourceFacts
from stopper.core.flow.parameter_origins import is_asked_by_connexion
from stopper.core.keys.api_key_names import is_key_reading
from stopper.core.keys.unjudged_keys import FORMS, asks_absence, declared_headers, names_in, never_judged
from stopper.core.place import Span
from stopper.core.values import (
    Call,
    Choice,
    Constant,
    Format,
    Item,
    Mapping,
    Name,
    Parameter,
    Truth,
    Unknown,
    Value,
    is_constant,
    options,
    text_of,
    walk,
)

_MISSING: Final = frozenset(
    {
        "KeyError",
        "LookupError",
        "Exception",
        "*",
        "werkzeug.exceptions.BadRequestKeyError",
        "werkzeug.exceptions.BadRequest",
    }
)
"""What is caught where a header is not there."""


@dataclass(frozen=True, slots=True)
class Gate:
    """A place that turns away whoever shows no key, and the function it stands in."""

    span: Span
    function: str


def idle_gates(facts: SourceFacts, told: set[str]) -> Iterator[Gate]:
    """The places that refuse for want of a key that nothing in the project judges, but for keys that the functions *told* look at."""
    names = never_judged(facts)
    names -= _seen_in(facts, told, names) if names else frozenset()
    if names:
        yield from _gates(facts, names)


def _seen_in(facts: SourceFacts, functions: set[str], names: frozenset[str]) -> frozenset[str]:
    """The keys that these functions read or ask for."""
    values: list[Value] = [one.value for one in facts.readings() if one.function in functions]
    for function in functions:
        values += [one.value for one in facts.conditions_in(function)]
        values += [one.value for one in facts.returns_of(function)]
    return frozenset(name for value in values for name in names_in(facts, value, names))


def _gates(facts: SourceFacts, names: frozenset[str]) -> Iterator[Gate]:
    flags = _flags(facts, names)
    answers = _answers(facts, names)
    for one in facts.conditions():
        if not one.refuses:
            continue
        if (asks_absence(one.value, one.negated) and any(True for _ in names_in(facts, one.value, names))) or (
            asks_absence(one.value, one.negated)
            and any(isinstance(part, Name) and part.dotted in flags for part in walk(one.value, 3))
        ):
            yield Gate(one.span, one.function)
        else:
            yield from _by_answer(one.value, one.negated, answers)
    yield from _in_handlers(facts, names)
    for decorator, said in declared_headers(facts):
        if said.lower().replace("-", "_") in names:
            yield Gate(decorator.span, "")
    for call in facts.calls("*.add_argument"):
        named = (text_of(call.argument(0, "name")) or "").lower().replace("-", "_")
        if named in names and is_constant(call.keyword("required"), True) and call.span is not None:
            yield Gate(call.span, call.function)


def _flags(facts: SourceFacts, names: frozenset[str]) -> frozenset[str]:
    """The names in ``g`` that say whether a key was sent."""
    return frozenset(
        f"flask.{one.target}"
        for one in facts.assignments()
        if one.target.startswith("g.") and any(True for _ in names_in(facts, one.value, names))
    )


def _answers(facts: SourceFacts, names: frozenset[str]) -> dict[str, Span]:
    """The functions whose answer is whether a key was sent, with the place where they say so."""
    found: dict[str, Span] = {}
    for one in facts.returns():
        asks = isinstance(one.value, (Truth, Choice, Call)) and not is_constant(one.value, None)
        if asks and any(True for _ in names_in(facts, one.value, names)):
            found.setdefault(one.function, one.span)
    for condition in facts.conditions():
        if condition.function not in found and any(True for _ in names_in(facts, condition.value, names)):
            said = [one.value for one in facts.returns_of(condition.function)]
            yes_or_no = any(is_constant(one, True) for one in said) and all(
                is_constant(one, True, False, None) for one in said
            )
            if yes_or_no or _is_somebody_or_none(condition, said):
                found[condition.function] = condition.span  # no more than that hangs on the key
    return found


def _is_somebody_or_none(condition: Condition, said: list[Value]) -> bool:
    """``return Caller("machine") if key else None``, the same in two lines: somebody is made up where a key was sent."""
    given = [option for one in said for option in options(one)]
    return (
        asks_absence(condition.value, not condition.negated)
        and any(is_constant(one, None, False) for one in given)
        and any(
            isinstance(one, (Call, Format, Mapping, Constant)) and not is_constant(one, None, False) for one in given
        )
    )


def _by_answer(value: Value, negated: bool, answers: dict[str, Span]) -> Iterator[Gate]:
    for option in options(value) if answers else ():
        said_no = isinstance(option, Truth) and (
            len(option.parts) == 1 or (is_constant(option.parts[1], None) and not option.differs)
        )
        turned = isinstance(option, Truth) and said_no
        asked = option.parts[0] if isinstance(option, Truth) and turned else option
        if isinstance(asked, Call) and asked.callee in answers and turned != negated:
            yield Gate(answers[asked.callee], asked.callee)


def _in_handlers(facts: SourceFacts, names: frozenset[str]) -> Iterator[Gate]:
    """``try: key = request.headers["X-API-Key"]`` with a refusal where it is not there, or where it has another form."""
    for one in facts.handlers():
        if one.action != "refuse":
            continue
        missing = not _MISSING.isdisjoint(one.catches) and any(
            reading.value.default is None and reading.key.lower().replace("-", "_") in names
            for reading in facts.readings()
            if reading.function == one.function and reading.span.line < one.span.line
        )
        formed = any(
            call.callee in one.tried
            and FORMS.fullmatch(call.callee)
            and not call.callee.startswith("flask.")
            and any(True for value in call.args for _ in names_in(facts, value, names))
            for call in facts.calls_in(one.function)
        )
        if missing or formed:
            yield Gate(one.span, one.function)


_LOADERS: Final = re.compile(r"flask_httpauth\.HTTPTokenAuth\.verify_token|.*\.verify_token")
_FORMS: Final = re.compile(
    r"re\.(?:full)?match|re\.search|\?\.(?:fullmatch|match|startswith|endswith|isalnum|isdigit|strip|lower|encode)|len|bool|isinstance|str"
)


def lets_in_by_form(facts: SourceFacts) -> Iterator[Span]:
    """A function that a library asks about a key, or that a refusal hangs on, and that looks at its form alone."""
    if facts.imports("flask_httpauth", "apiflask"):
        for function in facts.functions():
            if function.parameters and any(_LOADERS.fullmatch(one.name) for one in function.decorators):
                yield from _by_form(facts, function.name, function.parameters[0])
    if facts.imports("connexion"):
        for function in facts.functions():
            if function.parameters and is_asked_by_connexion(facts, function):
                yield from _by_form(facts, function.name, function.parameters[0])
    asked_by_refusals = (
        one.value for one in facts.conditions() if one.refuses and one.negated and isinstance(one.value, Call)
    )
    refusing = frozenset(one.function for one in facts.raises() if one.function)
    for asked in (*asked_by_refusals, *(facts.calls(*refusing) if refusing else ())):
        if not asked.args:
            continue
        asking = facts.function(asked.callee) if is_key_reading(asked.args[0]) else None
        names = [one for one in asking.parameters if one not in ("self", "cls")] if asking is not None else []
        if asking is not None and names:
            yield from _by_form(facts, asking.name, names[0])


def _by_form(facts: SourceFacts, function: str, parameter: str) -> Iterator[Span]:
    """Where that function lets in by the form of its parameter: nothing compares it, looks it up or hands it on."""

    def holds(value: Value, depth: int = 8) -> bool:
        return any(isinstance(one, Parameter) and one.parameter == parameter for one in walk(value, depth))

    for one in facts.comparisons_in(function):
        for side, other in ((one.left, one.right), (one.right, one.left)):
            counted = isinstance(side, Call) and side.callee == "len"
            if holds(side) and not counted and not is_constant(other, None, ""):
                return
    for call in facts.calls_in(function):
        if not _FORMS.fullmatch(call.callee) and any(
            holds(given) for given in (*call.args, *(value for _, value in call.keywords))
        ):
            return
    for held in facts.assignments_in(function):
        if any(isinstance(inner, Item) and holds(inner.key, 3) for inner in walk(held.value, 6)):
            return
    lets_in = [one for one in facts.returns_of(function) if not is_constant(one.value, None, False)]
    if any(isinstance(inner, Item) and not _is_cut(inner) for given in lets_in for inner in walk(given.value, 6)):
        return
    tests = [one for one in facts.conditions_in(function) if holds(one.value)]
    fixed = any(isinstance(given, (Constant, Mapping)) for one in lets_in for given in options(one.value))
    if (lets_in and (tests or fixed or all(holds(one.value) for one in lets_in))) or any(one.refuses for one in tests):
        yield (tests[0] if tests else lets_in[0]).span


def _is_cut(value: Item) -> bool:
    """``key[:8]``: a part of what was sent, and nothing that was looked up by it."""
    return isinstance(value.key, Unknown) and isinstance(value.owner, Parameter)
