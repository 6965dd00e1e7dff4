"""Headers that the source sets on its own answers by hand, however it is spelled."""

from collections.abc import Iterator
from dataclasses import dataclass
from operator import itemgetter
from typing import Final

from stopper.core.fact import Assignment
from stopper.core.facts import SourceFacts
from stopper.core.place import Span
from stopper.core.values import ConfigValue, Item, Mapping, Member, Sequence, Value, options, text_of

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
    property_ = wanted.replace("-", "_")  # ``response.access_control_allow_origin``: Werkzeug has one for many headers
    if not facts.says_anyhow(wanted, property_):
        return
    written = facts.once("assignments that may be headers", lambda: _written(facts))
    for _, assigned in sorted((*written.get(f"[{wanted}]", ()), *written.get(property_, ())), key=itemgetter(0)):
        yield SetHeader(assigned.value, assigned.span, assigned.function)
    yield from facts.once("headers that answers are given", lambda: _all_given(facts)).get(wanted, ())
    for assigned in (one for _, one in written.get("[]", ())):
        for name, value in _of_settings(facts, assigned):
            if name.lower() == wanted:
                yield SetHeader(value, assigned.span, assigned.function)


def _written(facts: SourceFacts) -> dict[str, list[tuple[int, Assignment]]]:
    """What is assigned under ``[name]``, in small letters, and to a property, with its place in the order."""
    found: dict[str, list[tuple[int, Assignment]]] = {}
    for number, one in enumerate(facts.assignments()):
        if one.target.startswith("["):
            found.setdefault(f"[{one.attribute.lower()}]", []).append((number, one))
        elif one.function and "." in one.target:
            found.setdefault(one.attribute, []).append((number, one))
    return found


def _of_settings(facts: SourceFacts, one: Assignment) -> Iterator[tuple[str, Value]]:
    """``for name, value in app.config["HEADERS"].items(): answer.headers[name] = value``: the pairs of the setting."""
    value = one.value
    if not isinstance(value, Item) or not isinstance(value.owner, ConfigValue) or not isinstance(value.key, Item):
        return
    if value.key.owner == value.owner and isinstance(one.into, Member) and one.into.attribute == "headers":
        for write in facts.config_writes(value.owner.key):
            yield from _inside(write.value)


def _all_given(facts: SourceFacts) -> dict[str, list[SetHeader]]:
    """What calls and returns give, by the header's name in small letters."""
    found: dict[str, list[SetHeader]] = {}
    for call in facts.calls(*_ONE_BY_ONE):
        if len(call.args) > 1 and call.span is not None and (name := text_of(call.args[0])):
            found.setdefault(name.lower(), []).append(SetHeader(call.args[1], call.span, call.function))
    for call in facts.calls("*.append"):
        pair = call.args[0] if len(call.args) == 1 else None
        if isinstance(pair, Sequence) and len(pair.items) == 2 and call.span and (name := text_of(pair.items[0])):
            found.setdefault(name.lower(), []).append(SetHeader(pair.items[1], call.span, call.function))
    for call in facts.calls(*_SEVERAL):
        if call.span is None:
            continue
        for given in (*call.args, *(said for _, said in call.keywords)):
            for name, value in _inside(given):
                found.setdefault(name.lower(), []).append(SetHeader(value, call.span, call.function))
    for returned in facts.returns():
        for option in options(returned.value):
            for item in option.items if isinstance(option, Sequence) else ():
                for name, value in _inside(item):
                    found.setdefault(name.lower(), []).append(SetHeader(value, returned.span, returned.function))
    return found


def _inside(given: Value) -> Iterator[tuple[str, Value]]:
    for one in options(given):
        if isinstance(one, Mapping):
            yield from ((name, value) for key, value in one.items if (name := text_of(key)))
        elif isinstance(one, Sequence):
            for item in one.items:
                if isinstance(item, Sequence) and len(item.items) == 2 and (name := text_of(item.items[0])):
                    yield name, item.items[1]
