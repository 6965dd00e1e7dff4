"""Every column of a table goes out, also those that are added later."""

import re
from collections.abc import Collection, Iterator
from typing import Final

from stopper.core.answers.response_fields import secret_fields
from stopper.core.app import App
from stopper.core.edits.call_edits import calls_at
from stopper.core.edits.leaving_out_edits import without_members
from stopper.core.fact import ClassFact, Flow
from stopper.core.facts import SourceFacts, source_of
from stopper.core.finding import Evidence, Verdict
from stopper.core.flow.body_models import classes_by_name
from stopper.core.people.shown_passwords import marshalled_passwords, shows_password, told_by_record
from stopper.core.people.told_passwords import is_stored_password, told_passwords
from stopper.core.place import RouteRef, Span
from stopper.core.probe import Steps, Target, failed, not_applicable, passed
from stopper.core.probing.provoke import asked_honestly
from stopper.core.rule import Edit, Hit, Rule
from stopper.core.stores.cleaned_copies import cleaned_copies
from stopper.core.stores.whole_records import are_kept, is_answered_whole, shown_in_part, shows_hidden_fields
from stopper.core.stores.whole_rows import (
    PEOPLE,
    SECRET,
    gives_data_classes,
    is_data_class,
    is_kept_by_no_table,
    is_whole_row,
    may_be_of_rows,
    tells_all,
)
from stopper.core.stores.whole_schemas import answered_whole, dumped_whole, takes_all_columns
from stopper.core.stores.whole_selects import (
    giving_functions,
    held_in,
    is_row_of_all,
    running_functions,
    wide_functions,
)
from stopper.core.values import (
    Call,
    Choice,
    Constant,
    Item,
    Mapping,
    Member,
    Name,
    Parameter,
    Value,
    is_constant,
    text_of,
    walk,
)

_WHOLE: Final = frozenset(
    {"vars", "dataclasses.asdict", "playhouse.shortcuts.model_to_dict", "sqlalchemy_utils.get_columns"}
)
_TELLING: Final = ("__dict__", "__table__", "__mapper__", "column_attrs", "attrs", "columns", "c", "_mapping")
_BY_LIBRARIES: Final = ("*.dicts", "*.model_dump", "*.mappings", "*.to_json", "*.to_dict", "*.to_mongo", "*._asdict")
_LETS_OUT: Final = frozenset({"marshal_with", "marshal_list_with", "output"})


def detect(app: App) -> Iterator[Hit]:
    """``__dict__``, ``vars``, all columns of a table, the rows of ``SELECT *``, or what a schema of every column makes, that reach a response."""
    facts = source_of(app)
    wide = wide_functions(facts)
    methods = _wide_methods(facts)
    runs = running_functions(facts)
    gives = giving_functions(facts, wide) if wide else frozenset[str]()
    documents = facts.imports("pymongo", "flask_pymongo")
    by_libraries = (
        next(facts.calls(*_BY_LIBRARIES), None) is not None
        or any(map(is_data_class, facts.classes()))
        or are_kept(facts)
    )
    schemas = facts.imports("marshmallow_sqlalchemy", "flask_marshmallow")
    fields = facts.imports("marshmallow", "flask_marshmallow", "apiflask", "flask_restx", "flask_restful", "pydantic")
    yield from _hashes_shown(facts) if fields else ()
    told = {(span.path, span.line): span for span in told_passwords(facts)}
    for span in told.values():
        yield Hit("a stored password or its hash goes into this response", span, certainty="likely")
    if (
        not documents
        and not schemas
        and not wide
        and not runs
        and not methods
        and not facts.says(*_TELLING)
        and not by_libraries
        and _WHOLE.isdisjoint(facts.callees())
    ):
        return
    hides = any(map(_hides, facts.classes())) or any(
        SECRET.search(text_of(call.argument(0)) or "") for call in facts.calls("sqlalchemy.Column", "*.Column")
    )
    for returned in _by_providers(facts):
        yield _told("every object of a model is answered with all its columns", returned, hides)
    for given in answered_whole(facts, takes_all_columns) if schemas else ():
        yield _told("the schema of this answer takes every column of its model", given, hides)
    marshals = any(True for _ in facts.calls("*.marshal"))
    seen: set[tuple[str, int]] = set(told)
    for flow in facts.flows("response"):
        rows = flow.function in wide
        if (flow.span.path, flow.span.line) in seen or not (
            _shows_columns(facts, flow, methods, marshals)
            or (flow.detail in ("flask.jsonify", "return") and gives_data_classes(facts, flow.value))
            or (flow.detail == "flask.jsonify" and is_answered_whole(facts, flow.value))
            or ((runs or rows) and any(is_row_of_all(one, runs, rows, gives) for one in held_in(flow.value, 8)))
            or (schemas and any(dumped_whole(facts, one, takes_all_columns) for one in walk(flow.value, 4)))
            or (documents and any(_is_whole_document(facts, one, flow.function) for one in held_in(flow.value)))
        ):
            continue
        if not _lets_fields_out(facts, flow.function):
            seen.add((flow.span.path, flow.span.line))
            yield _told(
                "all columns of a row go into this response", flow.span, hides or rows or bool(runs) or documents
            )


def _shows_columns(facts: SourceFacts, flow: Flow, methods: Collection[str], marshals: bool) -> bool:
    """A part of an answer is all that an object or a row has."""
    inside = list(walk(flow.value))
    left = _of_one_column(facts, inside) | cleaned_copies(facts, flow.function, inside) | shown_in_part(facts, inside)
    if marshals:
        left |= _marshalled(flow.value)
    read = any(isinstance(one, Call) and one.callee == "getattr" for one in inside)
    return any(
        isinstance(value, (Call, Member, Name))
        and id(value) not in left
        and (
            _is_all_of_it(facts, flow.function, value, methods)
            or (read and isinstance(value, Call) and tells_all(value) and not _chooses(facts, flow.function))
        )
        for value in inside
    )


def _is_all_of_it(facts: SourceFacts, function: str, value: Call | Member | Name, methods: Collection[str]) -> bool:
    match value:
        case Call(callee="vars", args=(Name(dotted=dotted), *_)) if _is_of_words(facts, dotted):
            return False
        case Call(callee="vars", args=args):
            return bool(args) and not _is_sifted(facts, value)
        case Member(attribute="__dict__", owner=owner):
            return not is_kept_by_no_table(facts, owner)
        case Name(dotted=dotted) if dotted in methods:
            return True  # ``map(User.as_dict, users)``
        case Name(dotted=dotted):
            return dotted.endswith((".__table__.columns", ".__mapper__.columns")) or (
                dotted.endswith(".__dict__") and may_be_of_rows(facts, dotted[:-9])
            )
        case Member(attribute="columns", owner=Member(attribute="__table__")):
            return True
        case Member(attribute="column_attrs" | "attrs" | "columns" | "c"):
            return tells_all(value) and not _chooses(facts, function)
        case Call(callee="playhouse.shortcuts.model_to_dict") if value.keyword("only") is not None:
            return False
        case Call(callee=callee):
            return (
                callee.endswith(".__dict__.copy")
                or is_whole_row(facts, value)
                or shows_hidden_fields(facts, value)
                or (callee in _WHOLE and callee != "dataclasses.asdict")
                or (_is_wide_method(facts, value, methods) and not _names_fields(value))
            )
        case _:
            return False


def _is_wide_method(facts: SourceFacts, call: Call, methods: Collection[str]) -> bool:
    return call.callee in methods or (
        call.method in methods and facts.function(call.callee) is None and _is_of_object(call)
    )


def _hashes_shown(facts: SourceFacts) -> Iterator[Hit]:
    """A schema that an answer is made by has a field for the hash of a password."""
    dumped = (
        flow.span for flow in facts.flows("response") if any(_dumps_hash(facts, one) for one in walk(flow.value, 4))
    )
    for span in dict.fromkeys((*answered_whole(facts, shows_password), *dumped, *marshalled_passwords(facts))):
        yield Hit("the schema of this answer has a field for the hash of a password", span, certainty="likely")


def _dumps_hash(facts: SourceFacts, value: Value) -> bool:
    return dumped_whole(facts, value, shows_password) or told_by_record(facts, value)


def _is_of_object(call: Call) -> bool:
    """A method of something that was made or looked up, or of who is calling: ``current_user.to_dict()``, ``g.member.to_dict()``."""
    return call.receiver is not None or ".current_user." in call.callee or call.callee.startswith("flask.g.")


def _told(message: str, span: Span, hides: bool) -> Hit:
    """Where nothing in sight has a column that nobody would choose to show, the objects may be no rows, or hold nothing else."""
    if hides:
        return Hit(message, span, certainty="likely")
    return Hit(f"{message}: look whether each of them is meant to be shown", span, certainty="possible", severity="low")


def _hides(known: ClassFact) -> bool:
    """A class with something secret among its columns or fields, or one of people."""
    if PEOPLE.fullmatch(known.name.rpartition(".")[2]) and (known.attributes or known.fields):
        return True
    return any(SECRET.search(name) and isinstance(value, Call) for name, value in known.attributes.items()) or any(
        SECRET.search(name) for name in known.fields
    )


def _lets_fields_out(facts: SourceFacts, view: str) -> bool:
    """That a decorator of the view lets out what a list of fields or a schema names: ``@api.marshal_with(fields)``, ``@app.output(Note)``."""
    function = facts.function(view)
    return function is not None and any(
        one.call is not None and one.call.args and one.name.rpartition(".")[2] in _LETS_OUT
        for one in function.decorators
    )


def _marshalled(value: Value) -> frozenset[int]:
    """What ``marshal(row.__dict__, FIELDS)`` is given: the fields name what is let out."""
    made = [one for one in walk(value) if isinstance(one, Call) and one.method == "marshal" and len(one.args) > 1]
    return frozenset(id(part) for call in made for part in walk(call.args[0]))


def _of_one_column(facts: SourceFacts, inside: list[Value]) -> frozenset[int]:
    """The columns out of which one is taken by a name that does not come from themselves: ``getattr(Person.__table__.columns, "town")``."""
    taken = [one.args[0] for one in inside if isinstance(one, Call) and one.callee == "getattr" and one.args]
    taken += [one.owner for one in inside if isinstance(one, Item) and _is_a_name(one.key)]
    whole = (one for one in taken if tells_all(one) or _is_own_dict(one) or is_whole_row(facts, one))
    return frozenset(id(part) for one in whole for part in walk(one, 3))


def _is_a_name(key: Value) -> bool:
    """A text, or one that comes from elsewhere; what a loop gives of the columns themselves is none."""
    if isinstance(key, Choice):  # ``for name in ("id", "title")``
        return all(text_of(one) is not None for one in key.options)
    return text_of(key) is not None or (
        isinstance(key, (Parameter, Item, Call)) and not any(map(tells_all, walk(key, 4)))
    )


def _names_fields(call: Call) -> bool:
    """``person.as_dict(fields={"name", "town"})``: whoever calls says what goes out."""
    return any(word in _CHOOSING and not is_constant(given, None) for word, given in call.keywords)


_CHOOSING: Final = frozenset({"fields", "only", "include", "columns", "keys", "attributes", "exclude"})
_PROVIDERS: Final = re.compile(r"(?:.*\.)?(?:DefaultJSONProvider|JSONProvider|JSONEncoder)")


def _by_providers(facts: SourceFacts) -> Iterator[Span]:
    """``class Provider(DefaultJSONProvider)`` whose ``default`` gives every column of whatever row it meets."""
    for found in facts.classes() if facts.says(*_TELLING) or "vars" in facts.callees() else ():
        if "default" in found.methods and any(_PROVIDERS.fullmatch(base) for base in found.bases):
            for one in facts.returns_of(f"{found.name}.default"):
                told = any(tells_all(part) or _is_of_dict(part) for part in walk(one.value))
                if _is_own_dict(one.value) or (told and not _chooses(facts, one.function)):
                    yield one.span


def _is_of_dict(value: Value) -> bool:
    if isinstance(value, Call) and value.callee == "vars":
        return True
    return isinstance(value, Member) and value.attribute == "__dict__"


def _is_of_words(facts: SourceFacts, dotted: str) -> bool:
    """A class that is a list of words: an enumeration, or texts with names."""
    known = classes_by_name(facts).get(dotted)
    return known is not None and any(
        base.rpartition(".")[2] in ("str", "int", "Enum", "StrEnum", "IntEnum") for base in known.bases
    )


def _is_whole_document(facts: SourceFacts, value: Value, function: str) -> bool:
    """``collection.find_one({…})`` with no second argument that chooses fields, and nothing taken out of it afterwards."""
    several = (
        isinstance(value, Call) and value.callee.startswith(("pymongo.", "flask_pymongo.")) and value.method == "find"
    )
    if not isinstance(value, Call) or not (several or (value.method == "find_one" and value.receiver is not None)):
        return False
    if not (value.lacks(1, "projection") or _leaves_only_the_id_out(value.argument(1, "projection"))):
        return False
    taken = (text_of(call.argument(0)) for call in facts.calls_in(function) if call.method == "pop")
    return all(name in ("_id", "__v") for name in taken)  # the id, which only gets another form


def _leaves_only_the_id_out(projection: Value | None) -> bool:
    """``{"_id": 0}`` chooses no field."""
    return (
        isinstance(projection, Mapping)
        and not projection.open
        and all(text_of(key) == "_id" and is_constant(held, 0, False) for key, held in projection.items)
    )


def _wide_methods(facts: SourceFacts) -> frozenset[str]:
    """The project's functions that give back every column of a row, by their whole name and, of methods, by their own.

    One that compares or asks something chooses what it gives back.
    """
    if not facts.says(*_TELLING) and "vars" not in facts.callees():
        return frozenset()
    found: set[str] = set()
    for function in facts.functions():
        name = function.name
        if function.owner and not may_be_of_rows(facts, function.owner):
            continue
        asked = [one.span for one in facts.conditions_in(name) if not _asks_for_type(one.value)] + [
            one.span for one in facts.comparisons_in(name)
        ]
        if any(map(function.span.holds, asked)):  # what its one caller asks is none of its own
            continue
        taken = {text_of(one.args[0]) for one in facts.calls_in(name) if one.method == "pop" and one.args}
        copied = taken <= {"_sa_instance_state"} and not function.name.endswith("__repr__")
        if copied and any(_is_own_dict(one.value) for one in facts.returns_of(name)):
            found |= {name, name.rpartition(".")[2]} if function.owner else {name}
        if any(tells_all(part) for one in facts.returns_of(name) for part in walk(one.value)):
            found |= {name, name.rpartition(".")[2]} if function.owner else {name}
    return frozenset(found)


def _asks_for_type(test: Value) -> bool:
    """``value.isoformat() if isinstance(value, date) else value``: how something is written down, and not whether."""
    return isinstance(test, Call) and test.callee in ("isinstance", "hasattr", "callable")


def _chooses(facts: SourceFacts, function: str) -> bool:
    """That the function asks of something whether it stands in a list."""
    return any(one.operator in ("in", "not in") for one in facts.comparisons_in(function))


def _is_sifted(facts: SourceFacts, call: Call) -> bool:
    """``{… for key, value in vars(row).items() if key in FIELDS}``: the function that is written there goes by a list."""
    place = facts.function(facts.function_around(call.span)) if call.span is not None else None
    return place is not None and any(
        place.span.holds(one.span) and one.operator == "in" and not isinstance(one.left, Constant)
        for one in facts.comparisons("in")
    )


def _is_own_dict(value: Value) -> bool:
    """``self.__dict__``, ``dict(vars(self))``, a copy of it."""
    if isinstance(value, Call) and value.callee.endswith(".__dict__.copy"):
        return True
    if isinstance(value, Call) and (value.method == "copy" or value.callee in ("dict", "vars", "copy.copy")):
        inner = value.receiver or (value.args[0] if value.args else None)
        return value.callee == "vars" or (inner is not None and _is_own_dict(inner))
    said = value.dotted if isinstance(value, Name) else value.attribute if isinstance(value, Member) else ""
    return said.rpartition(".")[2] == "__dict__"


def probe(target: Target) -> Steps[Verdict]:
    """Look for objects in answers that have an id and a column that nobody would choose to show."""
    places: list[RouteRef] = []
    evidence: list[Evidence] = []
    asked = yield from asked_honestly(target)
    for one in asked:
        response = one.honest.response
        whole = "_sa_instance_state" in response.text or (secret_fields(response) and '"id"' in response.text)
        if response.succeeded and one.ref.method == "GET" and whole:
            places.append(one.ref)
            evidence.append(Evidence("exchange", f"{one.ref.path} answers with a whole row", one.honest))
    if places:
        return failed(f"{places[0]} answers with every column of a row", places, evidence)
    if not asked:
        return not_applicable("no route can be asked in this mode")
    return passed(f"none of {len(asked)} routes answers with a column that nobody would choose to show")


def fix(app: App, hit: Hit) -> Edit | None:
    """The answer without the members that hold a stored password or its hash; which columns of a row may be seen is for a person to say."""
    facts = source_of(app)
    given = [flow.value for flow in facts.flows("response") if flow.span == hit.span]
    given += calls_at(facts, hit.span)
    return without_members(given, is_stored_password) if hit.span in set(told_passwords(facts)) else None


RULE = Rule(
    slug="whole-model-serialized",
    family="leak",
    title="A model is answered whole",
    harm="Every column of a table goes out, also those that are added later.",
    severity="high",
    check="property-authorization",
    cwe=(213,),
    owasp="API3:2023",
    asvs=("V15.3.1",),
    surfaces=("source", "wsgi", "http"),
    ends="Stopper's `Secret` is answered as `***`, so a key that is one does not go out.",
    certainty="likely",
    detect=detect,
    fix=fix,
    probe=probe,
)
