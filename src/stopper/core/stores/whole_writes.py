"""Where every member that a caller sent is written to an object: by ``setattr``, by keywords, by an update."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final, cast

from stopper.core.app import App
from stopper.core.facts import SourceFacts, source_of
from stopper.core.flow.body_models import classes_by_name, is_record, takes_all
from stopper.core.flow.nested_functions import inside
from stopper.core.flow.passed_keywords import passed_as
from stopper.core.flow.whole_body import admits_by_list, is_whole, is_whole_of, names_all_columns
from stopper.core.guards.reached_by_admins import is_reached_by_admins, is_run_by_admins_alone
from stopper.core.stores.columns_from_body import columns_from_body
from stopper.core.stores.writes_elsewhere import (
    gives_rights,
    holds_rights,
    is_of_all_columns,
    writes_elsewhere,
)
from stopper.core.values import (
    Call,
    Constant,
    Format,
    Item,
    Mapping,
    Member,
    Name,
    Parameter,
    Sequence,
    Unknown,
    Value,
    is_constant,
    parts,
    text_of,
    walk,
)

_UPDATES: Final = (
    "*.update",
    "*.update_one",
    "*.insert_one",
    "*.find_one_and_update",
    "*.update_many",
    "*.values",
    "*.insert",
    "*.replace_one",
    "*.bulk_insert_mappings",
)
_KEEPS: Final = frozenset({"load", "validate", "model_validate", "parse_obj", "deserialize", "validated"})
_SCHEMAS: Final = (
    "schema",
    "form",
    "serializer",
    "model_validate",
    "parse_obj",
    "validate",
    "dto",
    "input",
    "request",
    "payload",
    "args",
    "params",
    "command",
    "settings",
    "parser",
    "body",
)


_PICKY: Final = ("pydantic.BaseModel", "marshmallow.Schema")
"""Bases of classes that say which members they take."""
_SAYS_SO: Final = re.compile(r"(?i)^validate_?\w*(?:schema|body|json|input)|^(?:schema|body|json)_?\w*validat")
_GRANTS: Final = re.compile(
    r"(?i)^(?:\w+_)?roles?$|^is_|admin|balance|credits?$|verified|approved|^password(?:_hash)?$|permission|^owner|^user_id$"
)
"""Columns that whoever sends a form must not fill."""
_RIGHTS: Final = re.compile(
    r"(?i)(?:user_?)?roles?|(?:is_?)?(?:admin|staff|super_?user|moderator)|permissions?|balance|wallet|credits?|(?:is_?)?verified"
)
"""The same, word for word."""
_PEOPLE: Final = re.compile(r"(?i)user|account|member|person|people|profile|employee|customer|roles?\b")
_CALLER: Final = re.compile(r"(?i)^flask\.g\.\w*(?:user|account|member|person|customer|profile)\.update$")
_COPIES: Final = ("set", "frozenset", "tuple", "list", "sorted")
_LOOKS: Final = frozenset({"validate", "load", "validate_json"})


def whole_writes(app: App) -> Iterator[Call]:
    """The calls that do so, each place once."""
    facts, seen = source_of(app), set[object]()
    ways = (_by_setattr, _by_setter, _by_keywords, _by_update, _by_auto_schema, writes_elsewhere, columns_from_body)
    for call in (call for way in ways for call in way(facts)):
        if call.span in seen or call.span is None or _looked_at_before(facts, call):
            continue
        seen.add(call.span)
        if _writes_people(call) or not is_run_by_admins_alone(app, call.function):
            yield call


def _writes_people(call: Call) -> bool:
    """That what is written says by a name that it is somebody, whose rights and password are columns: no administrator gives all of them."""
    written = call.args[0] if call.callee == "setattr" and call.args else call.receiver
    names = [call.function.rpartition(".")[0], call.callee, *(_name(part) for part in walk(written, 5))]
    return any(_PEOPLE.search(name) for name in names)


def _name(value: Value) -> str:
    match value:
        case Name(dotted=said) | Call(callee=said) | Member(attribute=said) | Parameter(parameter=said):
            return said
        case _:
            return ""


def _looked_at_before(facts: SourceFacts, call: Call) -> bool:
    """A decorator of the project holds the whole body against a schema of Marshmallow, which refuses members that it does not know."""
    if not facts.imports("marshmallow", "marshmallow_sqlalchemy", "flask_marshmallow") or facts.imports(
        "marshmallow.EXCLUDE", "marshmallow.INCLUDE"
    ):
        return False
    ways = {call.function, *(one.function for one in facts.calls(call.function))} if call.function else set[str]()
    decorated = [own for name in ways if (own := facts.function(name)) is not None and own.decorators]
    views = [own for own in decorated if facts.is_view(own.name)]
    return bool(views) and all(any(_validates(facts, one.name) for one in own.decorators) for own in views)


def _validates(facts: SourceFacts, decorator: str) -> bool:
    if facts.function(decorator) is None:
        return _SAYS_SO.search(decorator.rpartition(".")[2]) is not None  # it lies out of sight
    return any(
        call.method in _LOOKS and any(is_whole(given) for given in call.args)
        for name in inside(facts, decorator)
        for call in facts.calls_in(name)
    )


def _by_setattr(facts: SourceFacts) -> Iterator[Call]:
    for call in facts.calls("setattr"):
        if len(call.args) != 3 or not isinstance(call.args[1], (Item, Member)):
            continue
        whole = _is_inside(facts, call.args[1]) or is_of_all_columns(facts, call)
        if whole and not _kept_to_a_list(facts, call):
            yield call


def _by_setter(facts: SourceFacts) -> Iterator[Call]:
    """``getattr(person, f"set_{name}")(value)``: a method that sets a field is picked by the name that was sent."""
    listed = list(facts.comparisons("in", "not in"))
    for call in facts.calls("getattr"):
        picked = call.args[1] if len(call.args) > 1 else None
        if not isinstance(picked, Format) or not (text_of(next(iter(picked.parts), None)) or "").startswith("set"):
            continue
        for name in picked.parts:
            sent = isinstance(name, (Item, Member)) and _is_inside(facts, name)
            if any(one.left == name and not is_whole_of(facts, one.right) for one in listed):
                continue  # wherever the list is asked: the setter may be called by another function
            if sent and not _kept_to_a_list(facts, replace(call, args=(*call.args[:1], name))):
                yield call


def _kept_to_a_list(facts: SourceFacts, call: Call) -> bool:
    """The name is asked about before: ``if key in ALLOWED``, ``if key not in ALLOWED: continue``, ``if body.keys() - ALLOWED: raise``."""
    if any(
        one.stops and isinstance(part, Unknown) and len(part.parts) > 1 and any(map(_are_names, part.parts))
        for one in facts.conditions_in(call.function)
        for part in walk(one.value, 3)
    ):
        return True
    name = cast("Item | Member", call.args[1])
    if any(isinstance(part, Call) and _meets_a_list(facts, part) for part in walk(name, 6)):
        return True
    keys = [part for part in walk(name, 3) if isinstance(part, Item)]
    for one in facts.comparisons_in(call.function):
        if one.operator not in ("in", "not in") or isinstance(one.right, Call) or call.span is None:
            continue
        if is_whole_of(facts, one.right) or names_all_columns(one.right):
            continue  # ``if name in body`` asks whether it was sent, and a list of all columns leaves none out
        same = isinstance(one.left, Item) and one.left.owner == name.owner and one.span.line <= call.span.line
        if (same or one.left in keys) and admits_by_list(facts, one, call.span) and not _lists_rights(one.right):
            return True
    return False


def _meets_a_list(facts: SourceFacts, call: Call) -> bool:
    """``body.keys() & ALLOWED``, ``ALLOWED.intersection(body)``: nothing that the list does not name."""
    if call.method != "intersection" or call.receiver is None:
        return False
    sides = (call.receiver, *call.args)
    lists = [one.args[0] if isinstance(one, Call) and one.callee in _COPIES and one.args else one for one in sides]
    return any(
        not (isinstance(one, Call) or is_whole_of(facts, one) or names_all_columns(one) or _lists_rights(one))
        for one in lists
    )


def _lists_rights(admitted: Value) -> bool:
    """``if key in ("name", "phone", "role", "wallet")``: a list that lets what nobody gives himself through."""
    listed = admitted.items if isinstance(admitted, Sequence) else ()
    return any(_RIGHTS.fullmatch(text_of(one) or "") for one in listed)


def _is_inside(facts: SourceFacts, value: Value, depth: int = 4) -> bool:
    """That all of the body is in the value, and no schema has kept the members that it knows."""
    if is_whole(value) or (isinstance(value, Parameter) and is_whole_of(facts, value)):
        return True
    if isinstance(value, Call) and takes_all(facts, value):
        return True  # ``model_config = ConfigDict(extra="allow")``
    if depth == 0 or (isinstance(value, Call) and (value.method in _KEEPS or _is_made_by_hand(facts, value))):
        return False
    if gives_rights(facts, value):
        return True
    if isinstance(value, Call) and is_record(facts, value.callee) and not takes_all(facts, value):
        return False  # a class of declared fields
    if isinstance(value, Mapping) and value.open and len(value.items) == 1:
        return is_whole_of(facts, value)  # a comprehension, which may go through a list of its own
    return any(_is_inside(facts, part, depth - 1) for part in parts(value))


def _is_made_by_hand(facts: SourceFacts, call: Call) -> bool:
    """``Changes.of(body)``: a method of a class of the project makes the object of single members."""
    made = facts.function(call.callee)
    return made is not None and bool(made.owner) and not any(is_whole_of(facts, one) for one in made.returns)


def _are_names(value: Value) -> bool:
    """``body.keys()`` or ``set(body)``."""
    if not isinstance(value, Call):
        return False
    whole = (
        value.receiver if value.method == "keys" else value.args[0] if value.callee == "set" and value.args else None
    )
    return whole is not None and is_whole(whole)


def _by_keywords(facts: SourceFacts) -> Iterator[Call]:
    """``User(**request.json)``: of a class that is a model, or of one whose name is no schema's."""
    told: Call | None = None
    for call, _, value in passed_as(facts, "**".__eq__):
        if call is told or not _is_model(facts, call):
            continue
        if is_whole_of(facts, value) or (gives_rights(facts, value) and not is_reached_by_admins(facts, call.function)):
            told = call
            yield call


_HOLDS_ANYTHING: Final = re.compile(
    r".*(?:Dict|Namespace|Counter|ChainMap|Headers)|(?:collections|types|argparse|werkzeug|flask|datetime|decimal|urllib|requests|httpx)\..*"
)
"""Classes of libraries that are filled with anything and kept nowhere."""


def _is_model(facts: SourceFacts, call: Call) -> bool:
    word = call.method
    if any(part in word.lower() for part in _SCHEMAS):
        return False
    if facts.function(call.callee) is not None or any(one.name == call.callee for one in facts.classes(*_PICKY)):
        return False
    known = classes_by_name(facts).get(call.callee)
    if known is not None:
        if holds_rights(facts, call.callee):
            return True
        return any(base.endswith(("Model", "Base", "Document")) or "Model" in base for base in known.bases) and not any(
            "pydantic" in base or "BaseModel" in base or "Schema" in base for base in known.bases
        )
    if _HOLDS_ANYTHING.fullmatch(call.callee):
        return False
    return word[:1].isupper() or word in ("create", "update", "filter_by_update", "values", "insert")


def _by_update(facts: SourceFacts) -> Iterator[Call]:
    """``user.__dict__.update(data)``, ``query.update(data)``, ``update_one({…}, {"$set": data})``, ``insert().values(data)``."""
    for call in facts.calls(*_UPDATES):
        given = [
            *call.args,
            *(value for name, value in call.keywords if name in ("**", "values", "document", "update")),
        ]
        if call.method in ("update_one", "update_many", "find_one_and_update"):
            given = [
                said for value in call.args[1:] if isinstance(value, Mapping) for said in [value.get("$set")] if said
            ]
            given += [value for name, value in call.keywords if name == "**"]
        if not any(is_whole_of(facts, value) for value in given):
            continue
        if call.method != "update" or (_is_stored(call) and not _says_how(facts, call)):
            yield call


def _by_auto_schema(facts: SourceFacts) -> Iterator[Call]:
    """``MemberSchema().load(body, instance=member)``, where the schema has every column of its model, among them what nobody gives himself."""
    if not facts.imports("marshmallow_sqlalchemy", "flask_marshmallow"):
        return
    known = classes_by_name(facts)
    for schema in facts.classes():
        if not any(base.endswith("SQLAlchemyAutoSchema") for base in schema.bases):
            continue
        meta = known.get(f"{schema.name}.Meta")
        said: dict[str, Value] = dict(meta.attributes) if meta is not None else {}
        model = said.get("model")
        columns = known.get(model.dotted) if isinstance(model, Name) else None
        left_out = any(word in said for word in ("fields", "exclude", "dump_only")) or not is_constant(
            said.get("load_instance"), True
        )
        given = {name for name in (columns.attributes if columns is not None else ()) if _GRANTS.search(name)}
        if left_out or not given - set(schema.attributes):
            continue
        for call in facts.calls(f"{schema.name}.load"):
            made = call.receiver
            narrowed = isinstance(made, Call) and made.keyword("only", "exclude", "dump_only") is not None
            if not narrowed and call.args and (is_whole(call.args[0]) or is_whole_of(facts, call.args[0])):
                yield call


def _says_how(facts: SourceFacts, call: Call) -> bool:
    """Rows of the project's models have an ``update`` of the project's own, which is judged by what it does."""
    made = call.receiver
    one_row = isinstance(made, Call) and made.method in ("get", "get_or_404", "first", "first_or_404", "one")
    return one_row and any(one.name.endswith(".update") and one.owner for one in facts.functions())


def _is_stored(call: Call) -> bool:
    """Of a query, of an object's ``__dict__`` or of a row that was looked up; a plain dictionary in the function is none."""
    made = call.receiver
    if _CALLER.search(call.callee):
        return True
    if made is None:
        return call.callee.count(".") > 1 and (
            ".query" in call.callee or ".__dict__." in call.callee or ".__data__." in call.callee
        )
    if isinstance(made, Member) and made.attribute in ("__dict__", "__data__"):  # of Python, of Peewee
        return True
    if isinstance(made, Call) and made.method == "setdefault":
        return isinstance(
            made.receiver, Mapping
        )  # a dictionary of the module: ``PROFILES.setdefault(key, {}).update(body)``
    if isinstance(made, Call):
        return (
            made.method
            in (
                "filter_by",
                "filter",
                "where",
                "query",
                "objects",
                "get",
                "get_or_404",
                "first",
                "first_or_404",
                "vars",
                "one",
            )
            or made.callee == "vars"
        )
    return isinstance(made, Item) and isinstance(made.owner, (Name, Mapping)) and not isinstance(made.key, Constant)
