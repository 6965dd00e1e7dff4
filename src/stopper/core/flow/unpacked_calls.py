"""What ``**`` pours into a call, written out: ``init(**options())``, ``set_cookie(name, **{**USUAL, **more})``."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Final

from stopper.core.flow.passing import callers, passed
from stopper.core.values import NAMED, REST, Call, ConfigValue, Mapping, Parameter, Unknown, Value, options, text_of

if TYPE_CHECKING:
    from stopper.core.facts import SourceFacts

MOST: Final = 8
"""Ways to make one call that are looked at."""
_Row = tuple[dict[str, Value], bool]
"""What is poured in by its names, and whether more may be."""


def unpacked(facts: "SourceFacts", call: Call) -> tuple[Call, ...]:
    """The call once for each mapping that ``**`` may be, what it holds written as keywords; the call itself where it has none."""
    poured = [value for name, value in call.keywords if name == "**"]
    if len(poured) != 1:
        return (call,)
    plain = {name: value for name, value in call.keywords if name != "**"}
    if any(isinstance(one, Unknown) and len(one.parts) == 1 for one in call.args):  # not ``base + path``
        return tuple(islice(_handed_on(facts, call, plain, poured[0]), MOST)) or (call,)
    rows = islice(_rows(facts, poured[0], 4), MOST)
    return tuple(replace(call, keywords=tuple({**plain, **row}.items()), open=is_open) for row, is_open in rows)


def _handed_on(facts: "SourceFacts", call: Call, plain: dict[str, Value], poured: Value) -> Iterator[Call]:
    """``requests.get(*args, **kwargs)`` of a function of the project that hands on what it is given: the call for each of its callers."""
    *first, last = call.args
    rest = last.parts[0] if isinstance(last, Unknown) and len(last.parts) == 1 else None
    if not isinstance(poured, Parameter) or poured.index != NAMED or any(isinstance(one, Unknown) for one in first):
        return
    if isinstance(rest, Parameter) and rest.index <= REST and rest.function == poured.function:
        for caller in callers(facts, poured.function):
            named = {
                name: value
                for name, value in caller.keywords
                if any(value is one for one in passed(facts, poured, caller))
            }
            yield replace(
                call,
                args=(*first, *passed(facts, rest, caller)),
                keywords=tuple({**plain, **named}.items()),
                open=caller.open,
            )


def _rows(facts: "SourceFacts", value: Value, depth: int) -> Iterator[_Row]:
    for one in options(value):
        function = facts.function(one.callee) if isinstance(one, Call) and depth else None
        if isinstance(one, Mapping):
            yield from _of_mapping(facts, one, depth)
        elif isinstance(one, ConfigValue) and depth and (written := facts.config_values(one.key)):
            for held in written:  # ``**current_app.config["COOKIES"]``
                yield from _rows(facts, held, depth - 1)
        elif function is not None and function.returns:
            for returned in function.returns:
                yield from _rows(facts, returned, depth - 1)
        elif isinstance(one, Parameter) and one.index == NAMED and any(True for _ in callers(facts, one.function)):
            for caller in callers(facts, one.function):
                own = set(map(id, passed(facts, one, caller)))
                yield {name: given for name, given in caller.keywords if id(given) in own}, caller.open
        else:
            yield {}, True


def _of_mapping(facts: "SourceFacts", value: Mapping, depth: int) -> Iterator[_Row]:
    others = [held for key, held in value.items if text_of(key) is None]
    rows: list[_Row] = [({}, value.open and not others)]
    for key, held in value.items:
        name = text_of(key)
        more: list[_Row] = (
            [({name: held}, False)]
            if name is not None
            else list(islice(_rows(facts, held, depth - 1), MOST))
            if depth
            else [({}, True)]
        )
        rows = [({**row, **added}, was or is_open) for row, was in rows for added, is_open in more][:MOST]
    yield from rows
