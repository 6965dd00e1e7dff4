"""What of the request, or of the parameters of a function, a value is made of, by where it is read."""

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from stopper.core.labels import LabelKind
from stopper.core.place import Span
from stopper.core.values import Call, Item, Mapping, Member, Name, Parameter, Unknown, Value, options, parts, text_of

if TYPE_CHECKING:
    from stopper.core.facts import SourceFacts

Origin = tuple[str, object]
_DEPTH: Final = 13
_BODIES: Final = frozenset({"flask.request.get_json"})


def origins(value: Value | None) -> frozenset[Origin]:
    """What of the request, or of the parameters of its function, a value is made of, by where it is read."""
    return frozenset(_origins(value))


def _origins(value: Value | None) -> Iterator[Origin]:
    level, met = [value] if value is not None else [], set[int]()
    for _ in range(_DEPTH):
        deeper: list[Value] = []
        for part in level:
            if id(part) not in met:
                met.add(id(part))
                yield from _origin(part)
                deeper.extend(_made_of(part))
        level = deeper


def _origin(part: Value) -> Iterator[Origin]:
    if isinstance(part, Item):
        if part.span is not None:
            several = [_same_reading(part.owner, text_of(one)) for one in options(part.key)]
            known: list[Origin] = [("read", one) for one in several if one is not None]
            yield from known or (("read", _place(part.span)),)
        elif (source := _source(part)) is not None:
            yield ("element", source)
        elif isinstance(part.key, Item) and (source := _source(part.key)) is not None:
            yield ("held", source)  # ``for name, value in body.items()``: what stands under each name, and not the name
    elif isinstance(part, Parameter):
        yield ("parameter", (part.function, part.parameter))
    elif isinstance(part, Call) and part.span is not None and _is_declared_argument(part):
        yield ("read", _place(part.span))


def _made_of(part: Value) -> tuple[Value, ...]:
    """What is inside, without the names under which something lies: a list of names that are known says nothing of what stands there."""
    if isinstance(part, Mapping):
        return tuple([held for _, held in part.items])
    if isinstance(part, Item) and isinstance(part.key, Item) and _source(part.key) is not None:
        return (part.owner,) if part.owner is _owner(part.key) else (part.owner, part.key)
    if isinstance(part, Call) and part.method == "join":
        return tuple([name for one in part.args for name in (_names(one) or (one,))])
    return parts(part)


def _names(held: Value) -> tuple[Value, ...]:
    """What joining a mapping, or its ``keys()``, puts together."""
    named = held.receiver if isinstance(held, Call) and held.method == "keys" else held
    return tuple([key for key, _ in named.items]) if isinstance(named, Mapping) else ()


def _owner(element: Item) -> Value | None:
    """What the element, or the name, is one of."""
    named = isinstance(element.owner, Call) and element.owner.method == "keys"
    return element.owner.receiver if named and isinstance(element.owner, Call) else element.owner


def _source(element: Item) -> object:
    """Where that is read of which a loop gives this one: the body of a request, a parameter; None where it is no such element."""
    owner = _owner(element) if isinstance(element.key, Unknown) and element.span is None else None
    if isinstance(owner, Call) and owner.span is not None:
        return _place(owner.span)
    return owner.dotted if isinstance(owner, Name) else None


def _is_declared_argument(call: Call) -> bool:
    """``parser.parse_args().get("since")``"""
    return call.method == "get" and isinstance(call.receiver, Call) and call.receiver.method == "parse_args"


def _same_reading(owner: Value, key: str | None) -> tuple[str, str] | None:
    """What ``request.args.get("next")`` reads: written twice, it is the same thing of one request. One that a loop over literal names reads is
    each of them."""
    if isinstance(owner, Name) and owner.dotted.startswith("flask.request.") and key is not None:
        return owner.dotted, key
    if isinstance(owner, Call) and owner.callee in _BODIES and key is not None:
        return owner.callee, key
    return None


def _place(span: Span) -> tuple[str, int, int]:
    return (span.path, span.line, span.column)


def without_fallback(facts: "SourceFacts", value: Value, *kinds: LabelKind) -> Value:
    """``request.args.get("next", url_for("page", team=team.name))`` without what stands for it: whoever sends an address does not get that one."""
    if isinstance(value, Item) and value.default is not None and not facts.derives(value.default, *kinds):
        return replace(value, default=None)
    return value


def is_of_a_thing(facts: "SourceFacts", value: Value) -> bool:
    """``campaign.link``: a text of the path has no members, so a decorator of the view has put something else in its place."""
    return (
        isinstance(value, Member)
        and isinstance(value.owner, Parameter)
        and any(
            value.owner.parameter == name
            for route in facts.routes_of_view(value.owner.function)
            for name, _ in route.parameters
        )
    )
