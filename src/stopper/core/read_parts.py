"""What of the request, or of the parameters of a function, a value is made of, by where it is read."""

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from stopper.core.labels import LabelKind
from stopper.core.place import Span
from stopper.core.values import Call, Item, Member, Name, Parameter, Value, text_of, walk

if TYPE_CHECKING:
    from stopper.core.facts import SourceFacts

Origin = tuple[str, object]
_BODIES: Final = frozenset({"flask.request.get_json"})


def origins(value: Value | None) -> frozenset[Origin]:
    """What of the request, or of the parameters of its function, a value is made of, by where it is read."""
    return frozenset(_origins(value))


def _origins(value: Value | None) -> Iterator[Origin]:
    for part in walk(value):
        if isinstance(part, Item) and part.span is not None:
            yield ("read", _same_reading(part) or _place(part.span))
        elif isinstance(part, Parameter):
            yield ("parameter", (part.function, part.parameter))
        elif isinstance(part, Call) and part.span is not None and _is_declared_argument(part):
            yield ("read", _place(part.span))


def _is_declared_argument(call: Call) -> bool:
    """``parser.parse_args().get("since")``"""
    return call.method == "get" and isinstance(call.receiver, Call) and call.receiver.method == "parse_args"


def _same_reading(item: Item) -> tuple[str, str] | None:
    """What ``request.args.get("next")`` reads: written twice, it is the same thing of one request."""
    key = text_of(item.key)
    if isinstance(item.owner, Name) and item.owner.dotted.startswith("flask.request.") and key is not None:
        return item.owner.dotted, key
    if isinstance(item.owner, Call) and item.owner.callee in _BODIES and key is not None:
        return item.owner.callee, key
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
