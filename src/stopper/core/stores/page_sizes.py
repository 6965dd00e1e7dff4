"""How large a page a caller may ask for: the number that the request says, and what holds it down on the way to the query."""

import re
from typing import Final

from stopper.core.facts import SourceFacts
from stopper.core.flow import passing
from stopper.core.flow.body_models import HANDS_BODY, class_of
from stopper.core.flow.bounded_fields import is_bounded
from stopper.core.flow.held_attributes import held_under
from stopper.core.values import (
    NAMED,
    REST,
    Call,
    Constant,
    Item,
    Mapping,
    Member,
    Name,
    Parameter,
    Value,
    options,
    text_of,
    walk,
)

SIZES: Final = re.compile(
    r"(?i)^(limit|per_?page|page_?size|size|count|max_?results|top|first|n|num|take|rows|pagesize|items)$"
)
NO_BOUND: Final = 10_000
"""Rows. Of larger pages than this a bound is none."""


def is_free(facts: SourceFacts, value: Value, depth: int = 2) -> bool:
    """The number itself, or a cast of it; ``min(…)`` and the like are no more free."""
    for option in options(value):
        match option:
            case Item(owner=Name(dotted=dotted), key=Constant(value=str(key))) if dotted.startswith("flask.request."):
                if SIZES.match(key):
                    return True
            case Item(owner=Call(callee="flask.request.get_json"), key=Constant(value=str(key))) if SIZES.match(key):
                return True
            case Parameter() if depth and not facts.is_view(option.function):
                if any(
                    is_free(facts, given, depth - 1) and not is_asked(facts, call.function, depth - 1)
                    for call in facts.calls(option.function)
                    for given in passing.passed(facts, option, call)
                ):
                    return True
            case Parameter() if SIZES.match(option.parameter) and _is_poured_in(facts, option):
                return True
            case Call(callee="int" | "float" | "abs", args=(inner, *_)):
                if is_free(facts, inner):
                    return True
            case Call(callee="min", args=several) if any(map(is_vast, several)):
                if any(is_free(facts, one) for one in several) and not any(map(_is_small, several)):
                    return True
            case Call(callee="max", args=several):
                if any(is_free(facts, one) for one in several):  # it has a least, and no most
                    return True
            case Call(callee=callee) if callee.startswith(("flask.request.args.", "flask.request.values.")):
                if option.args and SIZES.match(text_of(option.args[0]) or ""):
                    return True
            case Call(
                method="get", receiver=Call(method="parse_args") as owner, args=(Constant(value=str(key)), *_)
            ) if SIZES.match(key) and not _is_declared_small(facts, owner, key):
                return True
            case (
                Call(method="get", receiver=Call() as owner, args=(Constant(value=str(key)), *_))
                | Item(owner=Call() as owner, key=Constant(value=str(key)))
            ) if SIZES.match(key) and _is_handed_to_wrapper(facts, owner):
                return True
            case Item(owner=Parameter(index=index), default=left_out) if (
                index == NAMED and left_out is not None and is_free(facts, left_out, depth)
            ):
                return True  # ``kwargs.pop("per_page", request.args.get("per_page"))``
            case Item(owner=owner, key=Constant(value=str(key))) | Member(owner=owner, attribute=key) if SIZES.match(
                key
            ):
                kept = list(held_under(facts, owner, key)) if depth and isinstance(option, Member) else []
                if kept:  # ``Page.of_request().limit``, with what the object was made of
                    return any(
                        is_free(facts, one, depth - 1) and not is_asked(facts, home, depth - 1) for one, home in kept
                    )
                if facts.derives(option, "request-data") and not _is_declared_small(facts, owner, key):
                    return True
            case _:
                pass
    return False


def _is_poured_in(facts: SourceFacts, value: Parameter) -> bool:
    """``@use_kwargs({"limit": fields.Int()})`` over ``def things(limit)``, with nothing that says how large it may be."""
    function = facts.function(value.function)
    for one in function.decorators if function is not None else ():
        table = one.call.argument(0, "argmap", "schema") if one.call is not None else None
        poured = one.name.endswith("use_kwargs") or (one.call is not None and one.call.keyword("as_kwargs") is not None)
        if not poured or table is None:
            continue
        field = table.get(value.parameter) if isinstance(table, Mapping) else None
        if field is not None:
            return not (isinstance(field, Call) and field.keyword("validate") is not None)
        if class_of(facts, table) is not None:
            return not is_bounded(facts, table, value.parameter, NO_BOUND)
    return False


def _is_handed_to_wrapper(facts: SourceFacts, value: Value) -> bool:
    """What a schema hands to ``def paginate(*args)`` in a decorator of the project: ``return arguments(PageSchema)(paginate)``."""
    return any(
        isinstance(part, Parameter)
        and (part.index <= REST or part.index == NAMED)
        and any(call.method in HANDS_BODY for call in facts.calls_in(part.function.rpartition(".")[0]))
        for part in walk(value, 4)
    )


def is_vast(value: Value | None) -> bool:
    """A bound that holds nobody back."""
    return isinstance(value, Constant) and isinstance(value.value, int) and value.value > NO_BOUND


def _is_small(value: Value) -> bool:
    return isinstance(value, Constant) and not is_vast(value)


def _is_declared_small(facts: SourceFacts, owner: Value, key: str) -> bool:
    """A field with a largest value, or an argument of a parser whose type is no plain number."""
    if is_bounded(facts, owner, key, NO_BOUND):
        return True
    if class_of(facts, owner) is not None:
        return False
    said = [call for call in facts.calls("*.add_argument") if text_of(call.argument(0, "name")) == key]
    tables = [
        value
        for call in facts.calls_matching(r"webargs\.flaskparser\..*use_(?:args|kwargs)|.*\.(?:arguments|input)")
        for part in walk(call.argument(0, "argmap", "schema"), 2)
        if isinstance(part, Mapping) and (value := part.get(key)) is not None
    ]
    kinds = [one.keyword("type") for one in said] + [one.keyword("validate") for one in tables if isinstance(one, Call)]
    if not said and not tables:
        return True  # what the caller sends is read in a way that cannot be seen
    return any(kind is not None and not isinstance(kind, Name) for kind in kinds) or any(
        one.keyword("choices") is not None for one in said
    )


def is_asked(facts: SourceFacts, function: str, depth: int = 3) -> bool:
    """The function compares the number with something larger than nothing."""
    return any(
        one.function == function
        and any(is_free(facts, side, depth) for side in (one.left, one.right))
        and not any(isinstance(side, Constant) and side.value in (0, 1) for side in (one.left, one.right))
        for one in facts.comparisons(">", ">=", "<", "<=", "in", "not in")
    )


def is_asked_there(facts: SourceFacts, function: str) -> bool:
    """The same, also by a function of the project that reads the number for it: ``size, offset = window()``."""
    readers = [call.callee for call in facts.calls_in(function) if not call.args and not call.keywords]
    return any(is_asked(facts, name) for name in (function, *readers) if name == function or facts.function(name))


def is_held_inside(facts: SourceFacts, call: Call) -> bool:
    """That the call is of a function of the project which compares the number with something larger than nothing, or cuts it."""
    called = facts.function(call.callee)
    if called is None:
        return False
    given = called.parameters[1:] if called.parameters[:1] in (("self",), ("cls",)) else called.parameters
    mine = {
        name
        for index, name in enumerate(given)
        if (passed := call.argument(index, name)) is not None and is_free(facts, passed)
    }
    return any(
        any(_is_one_of(side, mine) for side in (one.left, one.right))
        and not any(isinstance(side, Constant) and side.value in (0, 1) for side in (one.left, one.right))
        for one in facts.comparisons_in(called.name)
    ) or any(
        inner.callee == "min" and any(_is_one_of(a, mine) for a in inner.args) for inner in facts.calls_in(called.name)
    )


def _is_one_of(value: Value, names: set[str]) -> bool:
    return any(isinstance(one, Parameter) and one.parameter in names for one in options(value))
