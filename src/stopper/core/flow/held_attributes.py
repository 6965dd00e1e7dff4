"""What an object of a class of the project has under an attribute: what it was made with, through functions that give it back."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from stopper.core.fact import ClassFact
from stopper.core.flow.body_models import classes_by_name, is_record
from stopper.core.flow.passing import handed
from stopper.core.place import Span
from stopper.core.values import Call, ConfigValue, Item, Member, Name, Parameter, Unknown, Value, options, text_of

if TYPE_CHECKING:
    from stopper.core.facts import SourceFacts

STEPS = 4
"""Functions that an object is handed through."""


def held_under(
    facts: "SourceFacts", owner: Value, attribute: str, steps: int = STEPS
) -> Iterator[tuple[Value, str]]:  # fmt: skip
    """The values under that attribute, each with the function in which it was put there."""
    for made in _made(facts, owner, steps):
        known = classes_by_name(facts).get(made.callee)
        value = _put(facts, known, made, attribute) if known is not None else None
        if value is None and known is not None and not made.open:
            value = _by_default(facts, known, attribute)
        if value is not None:
            yield value, made.function
        if known is not None:
            yield from _appended(facts, known, attribute)


def surely_held(facts: "SourceFacts", owner: Value, attribute: str) -> list[Value] | None:
    """Everything that an object may have under that attribute; None where it is not seen how each was made, or somebody changes it later."""
    if attribute in facts.once("attributes that are changed", lambda: _changed_outside(facts)):
        return None
    found: list[Value] = []
    for made in _each_made(facts, owner, STEPS):
        known = classes_by_name(facts).get(made.callee) if made is not None and not made.open else None
        value = _put(facts, known, made, attribute) if known is not None and made is not None else None
        if value is None:
            return None
        found.append(value)
    return found or None


def _changed_outside(facts: "SourceFacts") -> frozenset[str]:
    classes = classes_by_name(facts)
    return frozenset(
        one.attribute
        for one in facts.assignments()
        if one.into is not None and not (isinstance(one.into, Name) and one.into.dotted in classes)
    )


def _each_made(facts: "SourceFacts", value: Value, steps: int) -> Iterator[Call | None]:
    """The same as :func:`_made`, with None for what is made otherwise."""
    for option in options(value):
        if isinstance(option, Call) and option.callee in classes_by_name(facts):
            yield option
            continue
        several = list(handed(facts, option)) if isinstance(option, Parameter) else []
        if isinstance(option, Parameter) and isinstance(option.default, Call):
            several.append(option.default)
        if isinstance(option, Call) and option.callee[:1] != "?":
            several = _given_back(facts, option.callee)
        for one in several if steps else ():
            yield from _each_made(facts, one, steps - 1)
        if not several or not steps:
            yield None


def _made(facts: "SourceFacts", value: Value, steps: int) -> Iterator[Call]:
    """The calls of classes of the project whose object the value may be."""
    for option in options(value):
        if isinstance(option, Call) and option.callee in classes_by_name(facts):
            yield option
        elif isinstance(option, Call) and option.callee[:1] != "?" and steps:
            for one in _given_back(facts, option.callee):
                yield from _made(facts, one, steps - 1)
        elif isinstance(option, Parameter) and steps:
            yield from raised_for(facts, option)
            for given in handed(facts, option):
                if given is not option:
                    yield from _made(facts, given, steps - 1)
            if isinstance(option.default, Call):
                yield from _made(facts, option.default, steps - 1)
        elif isinstance(option, ConfigValue) and steps:  # ``current_app.config["SETTINGS"]``
            for kept in facts.config_values(option.key):
                yield from _made(facts, kept, steps - 1)
        elif isinstance(option, Item) and steps:  # ``current_app.extensions["courier"]``
            for kept in kept_by_application(facts, option):
                yield from _made(facts, kept, steps - 1)


def _given_back(facts: "SourceFacts", name: str) -> list[Value]:
    """What a function gives back, also one that is read as a part of its only caller."""
    found = [one.value for one in facts.returns_of(name)]
    own = None if found else facts.function(name)
    return found if own is None else list(own.returns)


def _place(value: Item) -> str:
    """What the value is called among the extensions of the application, ``""`` where it is none of them."""
    named = isinstance(value.owner, Name) and value.owner.dotted.endswith(".extensions")
    return (text_of(value.key) or "") if named else ""


def kept_by_application(facts: "SourceFacts", value: Item) -> tuple[Value, ...]:
    """What was put into ``app.extensions`` under the name that *value* reads there."""
    place = _place(value)
    kept = facts.once("what applications keep among their extensions", lambda: _extensions(facts)) if place else {}
    return kept.get(place, ())


def _extensions(facts: "SourceFacts") -> dict[str, tuple[Value, ...]]:
    found: dict[str, tuple[Value, ...]] = {}
    for one in facts.assignments() if facts.says("extensions") else ():
        member = isinstance(one.into, Member) and one.into.attribute == "extensions"
        if one.attribute and (member or (isinstance(one.into, Name) and one.into.dotted.endswith(".extensions"))):
            found[one.attribute] = (*found.get(one.attribute, ()), one.value)
    return found


def raised_for(facts: "SourceFacts", value: Parameter) -> Iterator[Call]:
    """The exceptions of the project that are raised for a registered handler to answer."""
    handled = {one.what for one in facts.error_handlers_of(value.function)} if value.index == 0 else set[str]()
    for one in facts.raises() if handled & classes_by_name(facts).keys() else ():
        if isinstance(one.value, Call) and one.value.callee in handled:
            yield one.value


def _put(facts: "SourceFacts", known: ClassFact, made: Call, attribute: str) -> Value | None:
    """What the constructor puts there: by a parameter of ``__init__``, else by a declared field; None where it does not say."""
    if "__init__" in known.methods:
        held = known.attributes.get(attribute)
        if isinstance(held, Parameter) and held.function == f"{known.name}.__init__":
            return made.argument(held.index if held.index >= 0 else None, held.parameter)
        return held
    bases = [one for base in known.bases if (one := classes_by_name(facts).get(base)) is not None]
    if not known.fields and len(bases) == 1 and "__init__" not in bases[0].methods:
        return _put(facts, bases[0], made, attribute)  # it brings nothing of its own
    above = any(one.fields for one in bases)
    place = list(known.fields).index(attribute) if attribute in known.fields and not above else None
    return made.argument(place, attribute)


def _by_default(facts: "SourceFacts", known: ClassFact, attribute: str) -> Value | None:
    """What a field of a record is when nothing is passed for it, also by ``field(default_factory=lambda: …)``."""
    held = known.attributes.get(attribute) if attribute in known.fields and is_record(facts, known.name) else None
    if not isinstance(held, Call) or held.method not in ("field", "Field"):
        return held
    made = held.keyword("default_factory")
    if isinstance(made, Unknown) and len(made.parts) == 1:
        return made.parts[0]
    return held.keyword("default")


def _appended(facts: "SourceFacts", known: ClassFact, attribute: str) -> Iterator[tuple[Value, str]]:
    """What is put into the list of a record, ``errors: list = field(default_factory=list)``, by ``outcome.errors.append(…)``."""
    held = known.attributes.get(attribute)
    if isinstance(held, Call) and held.method in ("field", "Field") and held.span is not None:
        put = facts.once("what is put into lists of records", lambda: _put_into_lists(facts))
        yield from put.get(held.span, ())


def _put_into_lists(facts: "SourceFacts") -> dict[Span, list[tuple[Value, str]]]:
    found: dict[Span, list[tuple[Value, str]]] = {}
    for call in facts.calls("*.append", "*.add"):
        into = call.receiver
        if isinstance(into, Call) and into.method in ("field", "Field") and into.span is not None and call.args:
            found.setdefault(into.span, []).append((call.args[0], call.function))
    return found


_OF_THE_ROW: Final = frozenset({"id", "pk", "_id"})
"""What a database gives, whatever else a row is filled with."""


def put_into(facts: "SourceFacts", value: Member) -> tuple[Value, ...]:
    """What is put under that attribute of an object which is made here: by its constructor, or by a line behind it (``note.title = …``)."""
    known = classes_by_name(facts)
    made = [one for one in options(value.owner) if isinstance(one, Call) and one.callee in known]
    if not made:
        return ()
    later = facts.once("what is put into objects that are made", lambda: _put_later(facts))
    found = [held for one in made for held in later.get((id(one), value.attribute), ())]
    for one in made:
        given = _put(facts, known[one.callee], one, value.attribute)
        if given is not None:
            found.append(given)
        elif one.open and value.attribute not in _OF_THE_ROW:
            found += [held for name, held in one.keywords if name == "**"]
    return tuple(found)


def _put_later(facts: "SourceFacts") -> dict[tuple[int, str], tuple[Value, ...]]:
    """By the object itself, and by the attribute; the facts keep both alive."""
    found: dict[tuple[int, str], tuple[Value, ...]] = {}
    for one in facts.assignments():
        if isinstance(one.into, Call):
            key = (id(one.into), one.attribute)
            found[key] = (*found.get(key, ()), one.value)
    return found
