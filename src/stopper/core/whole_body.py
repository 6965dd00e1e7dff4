"""Everything that a caller wrote at once: the body as an object, a form, the query."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from stopper.core.body_models import takes_all
from stopper.core.passing import passed
from stopper.core.place import Span
from stopper.core.values import NAMED, Call, Choice, Format, Item, Mapping, Name, Parameter, Value, options

if TYPE_CHECKING:
    from stopper.core.fact import Comparison
    from stopper.core.facts import SourceFacts

_READS: Final = frozenset(
    {"flask.request.get_json", "flask.request.json", "flask.request.form", "flask.request.values", "flask.request.args"}
)
_SAME: Final = frozenset({"to_dict", "copy", "items", "dict", "loads", "as_dict", "cast"})


def is_whole(value: Value | None, depth: int = 5) -> bool:
    """That the value is all of it, with whatever members the caller put in: not one member, not what a schema kept."""
    if value is None or depth == 0:
        return False
    match value:
        case Name(dotted=dotted):
            return dotted in _READS
        case Call(callee=callee) if callee in _READS:
            return True
        case Call() if value.method in _SAME:
            inside = (
                *value.args,
                *([value.receiver] if value.receiver is not None else []),
                *[said for _, said in value.keywords],
            )
            owner = value.callee.rpartition(".")[0]
            return owner in _READS or any(is_whole(one, depth - 1) for one in inside)
        case Choice():
            return any(is_whole(one, depth - 1) for one in options(value))
        case Mapping(items=items):
            return any(
                getattr(key, "value", None) in ("**", None, "$set") and is_whole(said, depth - 1) for key, said in items
            )
        case _:
            return False


def is_whole_of(facts: "SourceFacts", value: Value | None, depth: int = 3) -> bool:
    """:func:`is_whole`, also where a caller of the function hands it over, or where a comprehension goes through its members without
    holding their names against a list."""
    if value is None or depth == 0:
        return False
    for option in options(value):
        if isinstance(option, (Parameter, Call)) and takes_all(facts, option):
            return True
        match option:
            case Parameter():
                if any(
                    is_whole_of(facts, given, depth - 1)
                    for call in facts.calls(option.function)
                    for given in _handed(facts, option, call)
                ):
                    return True
            case Call(receiver=receiver) if option.method in _SAME and receiver is not None:
                if is_whole_of(facts, receiver, depth - 1):
                    return True
            case (
                Mapping(items=((Format(parts=(*_, Item() as key)), _),), open=True)
                | Mapping(items=((Item() as key, _),), open=True)
            ):
                gone_through = key.owner
                if (
                    isinstance(gone_through, Call)
                    and gone_through.method == "keys"
                    and gone_through.receiver is not None
                ):
                    gone_through = gone_through.receiver  # the names of ``body.items()``
                if is_whole_of(facts, gone_through, depth - 1) and not is_held_by_name(facts, key):
                    return True
            case _:
                pass
    return is_whole(value)


def _handed(facts: "SourceFacts", parameter: Parameter, call: Call) -> Iterable[Value]:
    """What a call gives for a parameter; for ``**named`` only what it unpacks itself, as single keywords are no whole."""
    if parameter.index == NAMED:
        return [given for name, given in call.keywords if name == "**"]
    return passed(facts, parameter, call)


def is_held_by_name(facts: "SourceFacts", key: Item) -> bool:
    """That the name of the member is held against a list of those that are admitted, wherever that is written: ``if name in ALLOWED``."""
    return any(
        (one.left == key or (isinstance(one.left, Item) and one.left.owner == key.owner))
        and admits_by_list(facts, one, key.span)
        for one in facts.comparisons("in", "not in")
    )


def admits_by_list(facts: "SourceFacts", one: "Comparison", used: Span | None) -> bool:
    """That what is used at that place was found in the list. ``if name in PROTECTED: continue`` lists what is left out, and admits all
    that nobody thought of."""
    for asked in facts.conditions_in(one.function):
        if asked.span.holds(one.span) and asked.body is not None and used is not None:
            inside = asked.body.holds(used) is not asked.negated
            return inside is (one.operator == "in")
    return one.operator == "in"
