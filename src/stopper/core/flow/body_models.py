"""Objects and mappings that are filled with data from outside by declared fields: pydantic, dataclasses, attrs, msgspec, marshmallow.

Such an object is what it was filled with, field by field. A field that admits nothing but numbers, dates, members of an enumeration or
texts of a given form is *narrow*: whatever a caller sends, it can inject nothing.
"""

import re
from typing import TYPE_CHECKING, Final

from stopper.core.fact import ClassFact
from stopper.core.flow.loaded_bodies import is_loaded
from stopper.core.origins import FORMS, FREE_FIELD
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
    text_of,
    walk,
)

if TYPE_CHECKING:
    from stopper.core.facts import SourceFacts

_VALIDATES: Final = frozenset({
    "model_validate", "model_validate_json", "model_construct", "parse_obj", "parse_raw", "validate_python", "validate_json",
    "parse_obj_as", "from_dict", "structure",
})  # fmt: skip
"""What makes an object of the data that it is handed."""
_LOADS: Final = frozenset({"load", "loads", "deserialize"})
_DUMPS: Final = frozenset({"model_dump", "model_dump_json", "dict", "model_copy", "copy", "asdict", "to_dict"})
_DECODES: Final = ("msgspec.json.decode", "msgspec.convert", "msgspec.from_builtins", "dacite.from_dict")
_IN_MEMORY: Final = re.compile(r"object|pydantic\.(?:\w+\.)*\w+|msgspec\.Struct|typing\.NamedTuple")
"""What a record may stand on that has no database behind it."""
_RECORDS: Final = re.compile(
    r"pydantic\.(?:main\.|generics\.)?(?:BaseModel|GenericModel|RootModel)|pydantic\.dataclasses\.dataclass|sqlmodel\.SQLModel|msgspec\.Struct"
    r"|typing\.(?:NamedTuple|TypedDict)|dataclasses\.dataclass|attrs?\.(?:s|define|frozen|mutable|attrs)|flask_openapi3\.\w*BaseModel"
)
_MODELS: Final = re.compile(r"pydantic\.(?:main\.)?BaseModel|flask_openapi3\.\w*BaseModel")
_SCHEMAS: Final = re.compile(
    r"(?:flask_)?marshmallow(?:\.\w+)*\.(?:Schema|SQLAlchemySchema|SQLAlchemyAutoSchema)|apiflask(?:\.\w+)?\.Schema|.*\.ma\.Schema|.*\.Marshmallow\.\w*Schema"
)
_NARROW: Final = frozenset({
    "int", "float", "bool", "Decimal", "UUID", "UUID1", "UUID3", "UUID4", "UUID5", "datetime", "date", "time", "timedelta", "Literal",
    "PositiveInt", "NonNegativeInt", "conint", "confloat", "StrictInt", "StrictBool", "StrictFloat", "NonNegativeFloat", "PositiveFloat",
    "IPvAnyAddress", "IPv4Address", "IPv6Address", "AwareDatetime", "NaiveDatetime", "FutureDate", "PastDate", "None", "condecimal", "PydanticObjectId", "ObjectId",
})  # fmt: skip
_AROUND: Final = frozenset({"Optional", "Annotated", "Union", "Final", "ClassVar", "Required", "NotRequired", "Mapped"})
_OPEN: Final = re.compile(
    r"^(?:str|bytes|Any|object|dict|list|set|tuple|Dict|List|Set|Tuple|Mapping|Sequence|constr|StrictStr|SecretStr|Json|EmailStr|NameEmail|\w*Url|\w*Dsn)$"
)
_NARROW_FIELDS: Final = frozenset({
    "Integer", "Int", "Float", "Number", "Boolean", "Bool", "UUID", "DateTime", "NaiveDateTime", "AwareDateTime", "Date", "Time",
    "TimeDelta", "Decimal", "Enum", "EnumField", "IP", "IPv4", "IPv6", "Constant",
})  # fmt: skip
_LOOSE_CHECKS: Final = frozenset({"Length", "Range", "URL", "Email", "Predicate", "NoneOf", "DataRequired", "And"})
HANDS_BODY: Final = frozenset({"arguments", "input", "use_args", "use_kwargs"})
"""Decorators of Flask-Smorest, APIFlask and webargs that hand what the caller sent to a view, by a schema."""
HAND_BODY: Final = frozenset(
    f"apifairy.{module}{word}" for module in ("", "decorators.") for word in ("body", "arguments")
)
"""The same of APIFairy, whose words are too common to go by."""


def hands_body(decorator: str) -> bool:
    """That a decorator of that name hands what the caller sent to the view under it."""
    return decorator.rpartition(".")[2] in HANDS_BODY or decorator in HAND_BODY


_ENUMS: Final = ("Enum", "StrEnum", "IntEnum", "Flag")
_VALIDATORS: Final = frozenset({"validates", "validator", "field_validator"})


def classes_by_name(facts: "SourceFacts") -> dict[str, ClassFact]:
    """The project's classes by their qualified names."""
    return facts.once("classes by name", lambda: {one.name: one for one in facts.all_classes})


def _descends(facts: "SourceFacts", name: str, kind: re.Pattern[str], depth: int = 6) -> bool:
    known = classes_by_name(facts).get(name)
    if known is None or depth < 0:
        return kind.fullmatch(name) is not None
    return any(kind.fullmatch(one.name) for one in known.decorators) or any(
        _descends(facts, base, kind, depth - 1) for base in known.bases
    )


def is_record(facts: "SourceFacts", name: str) -> bool:
    """That the class of that name holds declared fields and nothing else: a pydantic model, a dataclass, a named tuple."""
    return name in classes_by_name(facts) and _descends(facts, name, _RECORDS)


def is_model(facts: "SourceFacts", name: str) -> bool:
    """That it is a model of pydantic, which judges what it is filled with."""
    return name in classes_by_name(facts) and _descends(facts, name, _MODELS)


def is_kept_here(facts: "SourceFacts", name: str) -> bool:
    """That it is such a record and no table of a database: a data class that stands on nothing, a pydantic model."""
    known = classes_by_name(facts).get(name)
    return known is not None and is_record(facts, name) and all(map(_IN_MEMORY.fullmatch, known.bases))


def is_schema(facts: "SourceFacts", name: str) -> bool:
    """That it is a marshmallow schema, of the project or of the library."""
    return _descends(facts, name, _SCHEMAS)


def filled_from(facts: "SourceFacts", call: Call) -> tuple[Value, ...]:
    """What a call makes its result of, field by field: the body handed to a pydantic model, a schema or a dataclass."""
    word, owner = call.method, call.callee.rpartition(".")[0]
    if word in _VALIDATES and facts.function(call.callee) is None:
        return call.args[-2:]
    if word in _LOADS and (is_schema(facts, owner) or (owner == "?" and is_loaded(call))):
        return call.args[:1]
    if call.callee in _DECODES:
        return call.args
    if word in _DUMPS:
        if call.callee == "dataclasses.asdict":
            return call.args[:1]
        made = call.receiver
        return (made,) if isinstance(made, (Call, Parameter)) and class_of(facts, made) is not None else ()
    if is_record(facts, call.callee):
        return (*call.args, *(value for _, value in call.keywords))
    return ()


def class_of(facts: "SourceFacts", value: Value, depth: int = 4) -> str | None:
    """The class of declared fields that a value is an object of; for what a schema loads, the schema."""
    if depth < 0:
        return None
    match value:
        case Call():
            return _class_of_call(facts, value, depth)
        case Parameter():
            return value.typed if is_record(facts, value.typed) else _schema_of(facts, value)
        case Member() | Item():
            owner = class_of(facts, value.owner, depth - 1)
            word = value.attribute if isinstance(value, Member) else text_of(value.key)
            declared = declared_as(facts, owner, word or "") if owner is not None else None
            return next((one for one in _names(declared) if is_record(facts, one)), None)
        case Choice():
            found = (class_of(facts, one, depth - 1) for one in value.options)
            return next((one for one in found if one is not None), None)
        case _:
            return None


def _class_of_call(facts: "SourceFacts", call: Call, depth: int) -> str | None:
    owner = call.callee.rpartition(".")[0]
    if is_record(facts, call.callee):
        return call.callee
    if call.method in _VALIDATES and is_record(facts, owner):
        return owner
    if call.method in _LOADS and is_schema(facts, owner):
        return owner
    if call.method in _DUMPS and call.receiver is not None:
        return class_of(facts, call.receiver, depth - 1)
    named = [one.dotted for one in (*call.args, *dict(call.keywords).values()) if isinstance(one, Name)]
    if call.callee in _DECODES or call.method in ("structure", "parse_obj_as"):
        return next((one for one in named if is_record(facts, one)), None)
    function = facts.function(call.callee)
    for returned in function.returns if function is not None else ():
        if (found := class_of(facts, returned, depth - 1)) is not None:
            return found
    return None


def _schema_of(facts: "SourceFacts", value: Parameter) -> str | None:
    """The schema in a decorator that hands the body to a view: ``@app.input(PostIn)``, ``@blp.arguments(PostSchema)``."""
    function = facts.function(value.function)
    for one in function.decorators if function is not None else ():
        if one.call is None or not hands_body(one.name):
            continue
        for part in walk(one.call.argument(0, "schema", "argmap"), 3):
            name = part.dotted if isinstance(part, Name) else part.callee if isinstance(part, Call) else ""
            if name in classes_by_name(facts):
                return name
    return None


def declared_as(facts: "SourceFacts", owner: str, word: str, depth: int = 6) -> Value | None:
    """The annotation of a field, or what a schema has under its name; also of the classes above."""
    known = classes_by_name(facts).get(owner)
    if known is None or depth < 0:
        return None
    if word in known.fields:
        return known.fields[word]
    if word in known.attributes:
        return known.attributes[word]
    found = (declared_as(facts, base, word, depth - 1) for base in known.bases)
    return next((one for one in found if one is not None), None)


def _names(value: Value | None) -> list[str]:
    return [
        one.dotted if isinstance(one, Name) else one.callee for one in walk(value, 4) if isinstance(one, (Name, Call))
    ]


def declares(facts: "SourceFacts", word: re.Pattern[str]) -> bool:
    """That a class of declared fields has one whose name has *word* in it."""
    return any(
        any(word.search(name) for name in (*one.fields, *one.attributes))
        and (is_record(facts, one.name) or is_schema(facts, one.name))
        for one in facts.classes()
    )


def admitted_words(facts: "SourceFacts", owner: Value, word: str) -> tuple[str, ...] | None:
    """The texts that a field admits where it lists them: ``Literal["a", "b"]``, ``OneOf(["a", "b"])``; None where it lists none."""
    known = class_of(facts, owner)
    declared = declared_as(facts, known, word) if known is not None else None
    for part in walk(declared, 5):
        listed = isinstance(part, Item) and isinstance(part.owner, Name) and part.owner.dotted.endswith("Literal")
        if listed or (isinstance(part, Call) and part.method == "OneOf"):
            inside = (
                part.key if isinstance(part, Item) else part.argument(0, "choices") if isinstance(part, Call) else None
            )
            found = [one.value for one in walk(inside, 2) if isinstance(one, Constant) and isinstance(one.value, str)]
            return tuple(found) or None
    return None


def takes_all(facts: "SourceFacts", value: Value) -> bool:
    """That a value holds whatever members the caller sent: its schema has ``unknown = INCLUDE``, its model ``extra="allow"``."""
    if isinstance(value, Call) and value.method in _LOADS and _lets_more_in(value.keyword("unknown")):
        return True
    known = classes_by_name(facts).get(class_of(facts, value) or "")
    said: dict[str, Value] = dict(known.attributes) if known is not None else {}
    inner = [
        held.attributes
        for word in ("Meta", "Config")
        if isinstance(name := said.get(word), Name) and (held := classes_by_name(facts).get(name.dotted)) is not None
    ]
    config = said.get("model_config")
    extra = (
        config.keyword("extra")
        if isinstance(config, Call)
        else config.get("extra")
        if isinstance(config, Mapping)
        else None
    )
    return any(
        _lets_more_in(one) for one in (extra, *(each.get(word) for each in inner for word in ("unknown", "extra")))
    )


def _lets_more_in(value: Value | None) -> bool:
    return text_of(value) in ("allow", "include") or (
        isinstance(value, Name) and value.dotted.endswith(("INCLUDE", "Extra.allow"))
    )


def is_narrow(facts: "SourceFacts", owner: Value, word: str) -> bool:
    """That the field *word* of *owner* admits only what can inject nothing."""
    if isinstance(owner, Call) and owner.method == "parse_args":
        return _is_chosen(facts, owner, word)
    known = class_of(facts, owner)
    if known is None:
        return False
    declared = declared_as(facts, known, word)
    if is_validated(facts, known, word):
        return True
    if isinstance(declared, Call) and not _is_type(declared):
        return _is_narrow_field(declared)
    given = given_at_first(facts, known, word)
    return _is_narrow_type(facts, declared) or (isinstance(given, Call) and _asks_form(given))


def _is_chosen(facts: "SourceFacts", parsed: Call, word: str) -> bool:
    """``parser.add_argument("sort", choices=("date", "name"))``, or a type that is a number: of Flask-RESTful and Flask-RESTX."""
    return any(
        call.receiver is not None
        and parsed.receiver is not None
        and getattr(call.receiver, "span", None) == getattr(parsed.receiver, "span", None)
        and text_of(call.argument(0)) == word
        and (call.keyword("choices") is not None or _is_number_type(call.keyword("type")))
        for call in facts.calls("*.add_argument")
    )


def _is_number_type(value: Value | None) -> bool:
    return isinstance(value, Name) and value.dotted in ("int", "float", "bool", "uuid.UUID")


def _is_type(value: Call) -> bool:
    return value.method in ("constr", "conint", "confloat", "condecimal", "conlist")


def given_at_first(facts: "SourceFacts", owner: str, word: str) -> Value | None:
    """What the class gives a field where nobody says anything: ``limit: int = Field(20, le=100)``."""
    known = classes_by_name(facts).get(owner)
    return known.attributes.get(word) if known is not None else None


def is_validated(facts: "SourceFacts", owner: str, word: str) -> bool:
    """A validator of the class looks at the field itself."""
    known = classes_by_name(facts).get(owner)
    for method in known.methods if known is not None else ():
        function = facts.function(f"{owner}.{method}")
        for one in function.decorators if function is not None else ():
            if one.name.rpartition(".")[2] in _VALIDATORS and one.call is not None and _says(one.call, word):
                return True
    return False


def _says(call: Call, word: str) -> bool:
    return any(text_of(said) == word for said in call.args)


def _is_narrow_type(facts: "SourceFacts", declared: Value | None) -> bool:
    if declared is None:
        return False
    names = [one.rpartition(".")[2] for one in _names(declared)]
    if isinstance(declared, Constant) and isinstance(declared.value, str):  # an annotation within quotes
        names = re.findall(r"\w+", declared.value.partition("Literal")[0]) + (
            ["Literal"] if "Literal" in declared.value else []
        )
    if any(isinstance(one, Call) and _asks_form(one) for one in walk(declared, 4)):
        return True
    if "Literal" in names:
        return True
    wanted = [one for one in names if one not in _AROUND]
    return (
        bool(wanted)
        and not any(_OPEN.match(one) for one in wanted)
        and all(_is_closed(facts, one, declared) for one in wanted)
    )


def _is_closed(facts: "SourceFacts", word: str, declared: Value) -> bool:
    if word in _NARROW:
        return True
    whole = next((one for one in _names(declared) if one.rpartition(".")[2] == word), word)
    known = classes_by_name(facts).get(whole)
    return known is not None and any(base.rpartition(".")[2] in _ENUMS for base in known.bases)


def _asks_form(call: Call) -> bool:
    """``Field(pattern="…")``, ``constr(regex="…")``, ``AfterValidator(check)``."""
    return call.keyword("pattern", "regex") is not None or call.method in (
        "AfterValidator",
        "BeforeValidator",
        "PlainValidator",
    )


def _is_narrow_field(field: Call) -> bool:
    """A field of marshmallow that is no text, or whose validator asks more than its length."""
    if field.method in _NARROW_FIELDS:
        return True
    if _asks_form(field):
        return True
    for part in walk(field.keyword("validate", "validators"), 4):
        if isinstance(part, Call) and part.method not in _LOOSE_CHECKS:
            return True
        if isinstance(part, Name):
            return True
    return False


def is_form_text(facts: "SourceFacts", made: Call) -> bool:
    """That the ``data`` of what is made is text of the caller: a field of a form that takes any, or a form itself."""
    if FREE_FIELD.fullmatch(made.callee):
        return True
    forms: frozenset[str] = facts.once("classes of forms", lambda: frozenset(one.name for one in facts.classes(*FORMS)))
    return made.callee in forms
