"""One element of what a loop or a comprehension goes through."""

from typing import Final

from stopper.core.values import NAMED, Call, Choice, Constant, Mapping, Member, Name, Parameter, Sequence, Value
from stopper.scan.source.drafts import new_call, new_choice, new_item, new_name, new_sequence
from stopper.scan.source.loops import MOST_ROWS, is_table, pairs_of
from stopper.scan.source.reader import NOTHING, Reader, either

MOST_OPTIONS: Final = 8
"""What a choice holds; more keys than these are told apart no longer."""
_ENUMS: Final = ("Enum", "StrEnum", "IntEnum")
_SENT: Final = frozenset(f"flask.request.{part}" for part in ("args", "form", "values", "json", "cookies"))


def is_enum(reader: Reader, name: str) -> bool:
    """That the class of the project is an enumeration."""
    found = reader.project.classes.get(name)
    return found is not None and any(base.rpartition(".")[2] in _ENUMS for base in found.bases)


def element_in(reader: Reader, value: Value) -> Value:
    """One element of what is iterated over, which may be an enumeration of the project."""
    found = reader.project.classes.get(value.dotted) if type(value) is Name else None
    if found is not None and type(value) is Name and is_enum(reader, value.dotted):
        members = [one for one in found.attributes.values() if type(one) is Constant]
        return either(*members[:16]) if members else element_of(value)
    return _of_generator(reader, value) or element_of(value)


def _of_generator(reader: Reader, value: Value) -> Value | None:
    """One of the rows that a generator of the project gives one after the other: ``yield "SECRET_KEY", key``."""
    if type(value) is not Call or not reader.project.has_function(value.callee):
        return None
    reader.results(value.callee)
    rows = tuple([one for one, _ in reader.project.yielded.get(value.callee, ())])
    return new_choice(rows[:MOST_ROWS]) if is_table(rows) else None


def element_of(value: Value) -> Value:
    """One element of what is iterated over."""
    value = _filled(value)
    if type(value) is Sequence and value.items:
        if is_table(value.items):
            return new_choice(value.items[:MOST_ROWS])  # row by row, and each as often as it stands there
        return either(*value.items[:8])
    pairs = pairs_of(value)
    if pairs:
        return pairs[0] if len(pairs) == 1 else new_choice(pairs)
    if type(value) is Call and value.callee == "enumerate" and value.args:
        return new_sequence((NOTHING, element_of(value.args[0])), "tuple")  # a number of its own stands beside each
    if type(value) is Call and value.callee == "zip" and len(value.args) > 1 and not value.open:
        return new_sequence(tuple([element_of(one) for one in value.args]), "tuple")
    keys = _keys_of(value.receiver if type(value) is Call and value.method == "keys" and not value.args else value)
    if keys:
        return either(*keys) if len(keys) <= MOST_OPTIONS else new_item(new_sequence(keys, "list"), NOTHING)
    if type(value) is Mapping and value.items:
        return either(*[_name_in(key, held) for key, held in value.items[:MOST_OPTIONS]])
    if type(value) is Parameter and value.index == NAMED:
        return new_item(new_call("?.keys", (), (), False, value, value.function, value.span), NOTHING)
    if type(value) is Member and value.attribute == "headers":
        return NOTHING  # the names of what a client or an answer holds; those of the request come in pairs
    held_in = _filled(value.receiver) if type(value) is Call and value.receiver is not None else None
    if type(value) is Call and type(held_in) is Mapping and held_in.items and not value.args:
        several = held_in.items[:MOST_OPTIONS]
        if value.method == "values":
            return either(*[_held_in(key, held) for key, held in several])
        if value.method == "items" and len(several) == 1:
            (key, held), *_ = several
            return new_sequence((_name_in(key, held), _held_in(key, held)), "tuple")
    held_by = _part_of_request(value) or value.receiver if type(value) is Call else None
    if type(value) is Call and value.method in ("items", "values", "keys") and held_by is not None:
        one = new_item(held_by, NOTHING)
        if value.method == "keys" or value.args or _comes_in_pairs(held_by):
            return one
        held = new_item(held_by, one)  # as ``data[name]`` for each of its names
        if value.method == "values":
            return held
        names = new_call("?.keys", (), (), False, held_by, value.function, value.span)
        return new_sequence((new_item(names, NOTHING), held), "tuple")
    return new_item(value, NOTHING)


def joined_by_keys(value: Value) -> Value:
    """What ``", ".join(row)`` and ``", ".join(row.keys())`` put together: the names of a mapping that is written out, anything else itself."""
    held = value.receiver if type(value) is Call and value.method == "keys" and not value.args else value
    return new_sequence(keys, "list") if type(held) is Mapping and (keys := _keys_of(held)) else value


def _filled(value: Value) -> Value:
    """What a loop has put into a display that was empty before it: nothing comes out of the empty one."""
    if type(value) is not Choice or value.every:
        return value
    full = [one for one in value.options if not isinstance(one, (Mapping, Sequence)) or one.items or one.open]
    return full[0] if len(full) == 1 else value


def _name_in(key: Value, held: Value) -> Value:
    """A name of a mapping that is put together on the way; of what another one was poured into it, the names of that."""
    return element_of(held) if key is NOTHING else key


def _held_in(key: Value, held: Value) -> Value:
    return new_item(held, NOTHING) if key is NOTHING else held


def _part_of_request(call: Call) -> Value | None:
    """What ``request.args.items()`` goes through."""
    held, _, method = call.callee.rpartition(".")
    return new_name(held) if method == "items" and held in _SENT else None


def _comes_in_pairs(value: Value) -> bool:
    """The request's headers and what a model is asked for: who reads them knows what goes with what."""
    return type(value) is Name and value.dotted == "flask.request.headers"


def _keys_of(value: Value | None) -> tuple[Value, ...]:
    """The keys that going through a mapping gives; nothing where not all of them are seen."""
    several = value.options if type(value) is Choice else (value,)
    keys: dict[object, Value] = {}
    for one in several:
        if type(one) is not Mapping or one.open or not all(type(key) is Constant for key, _ in one.items):
            return ()
        keys.update((key.value, key) for key, _ in one.items if type(key) is Constant)
    return tuple(keys.values())
