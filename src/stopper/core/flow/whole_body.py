"""Everything that a caller wrote at once: the body as an object, a form, the query."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

from stopper.core.flow.body_models import takes_all
from stopper.core.flow.passing import passed
from stopper.core.guards.asked_in_vain import only_notes
from stopper.core.place import Span
from stopper.core.values import (
    NAMED,
    Call,
    Choice,
    Format,
    Item,
    Mapping,
    Member,
    Name,
    Parameter,
    Value,
    options,
    walk,
)

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
                    for call in _callers(facts, option.function)
                    for given in _handed(facts, option, call)
                ):
                    return True
            case Call(receiver=receiver) if option.method in _SAME and receiver is not None:
                if is_whole_of(facts, receiver, depth - 1):
                    return True
            case Mapping(items=((name, _),), open=True) if (key := _name_gone_through(name)) is not None:
                gone_through = key.owner
                if (
                    isinstance(gone_through, Call)
                    and gone_through.method == "keys"
                    and gone_through.receiver is not None
                ):
                    gone_through = gone_through.receiver  # the names of ``body.items()``
                if is_whole_of(facts, gone_through, depth - 1) and not is_held_by_name(facts, key):
                    return True
            case Mapping(items=((Member() as column, Item(owner=held, key=read)),), open=True) if read == column:
                # ``{one.name: body[one.name] for one in User.__table__.columns}``
                if names_all_columns(column) and is_whole_of(facts, held, depth - 1) and not _is_listed(facts, column):
                    return True
            case _:
                pass
    return is_whole(value)


def names_all_columns(value: Value) -> bool:
    """``User.__table__.columns``, ``inspect(User).column_attrs``: every column there is, those of rights among them."""
    return any(_is_of_table(part) for part in walk(value, 5))


def _is_of_table(part: Value) -> bool:
    match part:
        case Name(dotted=said) | Call(callee=said) | Member(attribute=said):
            words = said.removesuffix(".keys").split(".")
        case _:
            return False
    return "__table__" in words or "__mapper__" in words or "_meta" in words or words[-1] in ("column_attrs", "columns")


def _is_listed(facts: "SourceFacts", column: Member) -> bool:
    """That the column's name is held against a list of those that callers may set; that the body has it says nothing."""
    return any(
        one.left == column and not is_whole(one.right) and admits_by_list(facts, one, column.span)
        for one in facts.comparisons("in", "not in")
    )


def _name_gone_through(name: Value) -> Item | None:
    """The name of a member in what a comprehension makes of it: ``f"profile.{name}"``, ``"set__{}".format(name.replace(".", "__"))``."""
    return (
        next((one for one in walk(name, 3) if isinstance(one, Item)), None)
        if isinstance(name, (Format, Item))
        else None
    )


_ROWS: Final = frozenset(
    {
        "first",
        "one",
        "get",
        "get_or_404",
        "first_or_404",
        "one_or_404",
        "one_or_none",
        "scalar",
        "scalar_one",
        "current_user",
        "get_current_user",
    }
)


def _callers(facts: "SourceFacts", function: str) -> "Iterator[Call]":
    """The calls of a function, and those of a method, that one class of the project has, on a row that was looked up or on who is calling."""
    yield from facts.calls(function)
    made = facts.function(function)
    word = function.rpartition(".")[2]
    if made is None or not made.owner or len(_owners(facts).get(word, ())) != 1:
        return
    for call in facts.calls(f"?.{word}", f"*.current_user.{word}"):
        if call.callee[:2] != "?." or (isinstance(call.receiver, Call) and call.receiver.method in _ROWS):
            yield call


def _owners(facts: "SourceFacts") -> "dict[str, set[str]]":
    def by_method() -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for one in facts.functions():
            if one.owner:
                found.setdefault(one.name.rpartition(".")[2], set()).add(one.owner)
        return found

    return facts.once("classes by their methods", by_method)


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
    found = one.operator == "in"
    asks = [
        asked for asked in facts.conditions_in(one.function) if asked.span.holds(one.span) and asked.body is not None
    ]
    if used is None or not asks:
        return found
    within = [asked for asked in asks if asked.body is not None and asked.body.holds(used)]
    if within:
        return all(found is not asked.negated for asked in within)
    apart = any(
        each.body and each.body.holds(used) and not each.body.holds(one.span) for each in facts.conditions_around(used)
    )
    # ``if name not in KNOWN: log.warning(name)`` goes on with it all the same, but where what follows is an ``elif``.
    return any(found is asked.negated and (apart or not only_notes(facts, asked)) for asked in asks)
