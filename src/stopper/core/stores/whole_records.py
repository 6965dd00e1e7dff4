"""Records that a program keeps its rows in, data classes and such, which go out with every field, the hash of a password too."""

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from stopper.core.fact import ClassFact
from stopper.core.flow.body_models import classes_by_name
from stopper.core.values import (
    Call,
    Constant,
    Item,
    Mapping,
    Member,
    Name,
    Parameter,
    Unknown,
    Value,
    options,
    text_of,
    walk,
)

if TYPE_CHECKING:
    from stopper.core.facts import SourceFacts

_TAKES_APART: Final = frozenset({"dataclasses.asdict", "attr.asdict", "attrs.asdict"})
_HIDDEN: Final = re.compile(
    r"(?i)(?:\w+_)?(?:hashed_)?(?:pass(?:word|wd|phrase)?|pwd?|pin)(?:_?(?:hash|digest|salt))?|password_\w*hash|(?:totp|mfa|otp|two_factor)_?(?:secret|seed)|ssn|(?:private_|secret_)?api_?key"
)
"""Fields of a kept record that nobody is shown, whoever asks."""
_SHOWN_ONCE: Final = re.compile(
    r"(?i)created|issued|new|request|form|command|input|credential|key|token|secret|setting|config|option"
)
"""Records that hand a secret to whoever gets it, that carry what somebody has typed, or that no table holds."""
_DEEPEST: Final = 4


def shows_hidden_fields(facts: "SourceFacts", value: Value) -> bool:
    """``asdict(account)`` of a data class that has the hash of a password among its fields, with nothing taken out of it afterwards."""
    if not isinstance(value, Call) or value.callee not in _TAKES_APART or not value.args:
        return False
    if any(word in ("filter", "dict_factory") for word, _ in value.keywords):
        return False
    hidden = _hidden_fields(_record(facts, value.args[0]))
    return bool(hidden) and not _is_cleaned(facts, value)


def _is_cleaned(facts: "SourceFacts", copy: Call) -> bool:
    """That where the copy is made, or where it goes out, a hidden field is taken out or says something else, or a list says which fields stay."""
    homes = {copy.function, facts.function_around(copy.span) if copy.span is not None else ""}
    return (
        any(
            (call.method == "pop" or call.callee == "operator.delitem")
            and any(_HIDDEN.fullmatch(text_of(said) or "") for given in call.args for said in options(given))
            for home in homes
            for call in facts.calls_in(home)
        )
        or any(
            one.operator in ("in", "not in") or _names_hidden(one.left) or _names_hidden(one.right)
            for home in homes
            for one in facts.comparisons_in(home)
            if one.operator in ("in", "not in", "==", "!=")
        )
        or any(
            one.target[:1] == "[" and _HIDDEN.fullmatch(one.attribute) and isinstance(one.value, Constant)
            for home in homes
            for one in facts.assignments_in(home)
        )
    )


def _names_hidden(value: Value) -> bool:
    return _HIDDEN.fullmatch(text_of(value) or "") is not None


def shown_in_part(facts: "SourceFacts", inside: Iterable[Value]) -> frozenset[int]:
    """The copies of which one field is taken, ``asdict(account)["name"]``, or over whose hidden fields a literal is written:
    ``{**asdict(account), "password": None}``, ``asdict(account) | {"password": ""}``."""
    found = set[int]()
    for one in inside:
        if isinstance(one, Item) and text_of(one.key) is not None and not _names_hidden(one.key):
            found.add(id(one.owner))
        over = one.parts[1] if isinstance(one, Unknown) and len(one.parts) == 2 else one
        names = (
            {text_of(key) for key, held in over.items if isinstance(held, Constant)}
            if isinstance(over, Mapping)
            else set[str | None]()
        )
        for part in walk(one, 3) if names else ():
            if isinstance(part, Call) and part.callee in _TAKES_APART and part.args:
                hidden = _hidden_fields(_record(facts, part.args[0]))
                found |= {id(part)} if hidden and names.issuperset(hidden) else set()
    return frozenset(found)


def shows_all_fields(facts: "SourceFacts", value: Value) -> bool:
    """``user.__dict__``, ``vars(user)`` of an object of the project that has the hash of a password, or ``asdict(user)``."""
    match value:
        case Call(callee="vars", args=(owner, *_)) | Member(attribute="__dict__", owner=owner):
            known = _record(facts, owner)
        case _:
            return shows_hidden_fields(facts, value)
    held = (
        {one.attribute for one in facts.assignments_in(f"{known.name}.__init__")} if known is not None else set[str]()
    )
    named = {*known.attributes, *known.fields, *held} if known is not None else held
    return any(map(_HIDDEN.fullmatch, named))


def is_answered_whole(facts: "SourceFacts", value: Value) -> bool:
    """``jsonify(account)`` of such a data class, which Flask takes apart itself."""
    known = _record(facts, value)
    return known is not None and _is_plain(known) and bool(_hidden_fields(known))


def are_kept(facts: "SourceFacts") -> bool:
    """That the project has such a data class at all."""
    return any(_is_plain(one) and _hidden_fields(one) for one in facts.classes())


def _is_plain(known: ClassFact) -> bool:
    return any(one.name.rpartition(".")[2] == "dataclass" for one in known.decorators)


def _hidden_fields(known: ClassFact | None) -> tuple[str, ...]:
    if known is None or _SHOWN_ONCE.search(known.name.rpartition(".")[2]):
        return ()
    return tuple(name for name in known.fields if _HIDDEN.fullmatch(name))


def _record(facts: "SourceFacts", value: Value, depth: int = _DEEPEST) -> ClassFact | None:
    """The class of the project of which the value is an object, by how it was made or what an annotation says."""
    classes = classes_by_name(facts)
    for one in options(value) if depth else ():
        name = _class_name(facts, one)
        if name in classes:
            return classes[name]
        inner: tuple[Value, ...] = ()
        if isinstance(one, Item) or (isinstance(one, Member) and one.attribute == "__dict__"):
            inner = (one.owner,)
        elif isinstance(one, Call) and (made := facts.function(one.callee)) is not None:
            inner = made.returns
        for part in inner:
            if (found := _record(facts, part, depth - 1)) is not None:
                return found
    return None


def _class_name(facts: "SourceFacts", value: Value) -> str:
    """The name of its class, as far as a call, an annotation, or the function that gives it back says it."""
    match value:
        case Name(dotted=name) | Parameter(typed=name) if name:
            return name
        case Call(callee=name) if (made := facts.function(name)) is not None:
            return made.gives
        case Call(callee=name) if name in classes_by_name(facts):
            return name
        case Call(span=place) | Item(span=place) | Member(span=place) if place is not None:
            around = facts.function_around(place)
            home = facts.function(around)
            given = any(one.span.holds(place) for one in facts.returns_of(around)) if home is not None else False
            return home.gives if home is not None and given else ""
        case _:
            return ""
