"""Headers that the source sets on its own answers by hand, however it is spelled."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from stopper.core.facts import SourceFacts
from stopper.core.place import Span
from stopper.core.values import Mapping, Sequence, Value, options, text_of

_ONE_BY_ONE: Final = ("*.add", "*.set", "*.setdefault", "*.add_header", "*.__setitem__")
_SEVERAL: Final = ("*.update", "*.extend", "flask.Response", "flask.make_response", "flask.wrappers.Response")


@dataclass(frozen=True, slots=True)
class SetHeader:
    """One header set: its value, where, and in which function."""

    value: Value
    span: Span
    function: str


def headers_set(facts: SourceFacts, name: str) -> Iterator[SetHeader]:
    """Every place that gives the answer's header *name* a value."""
    wanted = name.lower()
    property_ = wanted.replace(
        "-", "_"
    )  # ``response.access_control_allow_origin``, as Werkzeug has one for many headers
    for assigned in facts.assignments():
        if (assigned.attribute.lower() == wanted and assigned.target.startswith("[")) or (
            assigned.attribute == property_ and "." in assigned.target and assigned.function
        ):
            yield SetHeader(assigned.value, assigned.span, assigned.function)
    for call in facts.calls(*_ONE_BY_ONE):
        if len(call.args) > 1 and (text_of(call.args[0]) or "").lower() == wanted and call.span is not None:
            yield SetHeader(call.args[1], call.span, call.function)
    for call in facts.calls(*_SEVERAL):
        for given in (*call.args, *(said for _, said in call.keywords)):
            if call.span is not None:
                yield from (SetHeader(value, call.span, call.function) for value in _inside(given, wanted))
    for returned in facts.returns():
        for option in options(returned.value):
            for item in option.items if isinstance(option, Sequence) else ():
                yield from (SetHeader(value, returned.span, returned.function) for value in _inside(item, wanted))


def _inside(given: Value, wanted: str) -> Iterator[Value]:
    for one in options(given):
        if isinstance(one, Mapping):
            yield from (value for key, value in one.items if (text_of(key) or "").lower() == wanted)
        elif isinstance(one, Sequence):
            for item in one.items:
                if isinstance(item, Sequence) and len(item.items) == 2 and text_of(item.items[0]):
                    yield from (item.items[1],) if (text_of(item.items[0]) or "").lower() == wanted else ()
