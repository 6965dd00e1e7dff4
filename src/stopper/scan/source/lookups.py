"""Follows ``owner.name`` and ``owner[key]`` to what is known under it."""

import ast
import re
from typing import Final

from stopper.core.fact import Reading
from stopper.core.naming import sensitive
from stopper.core.origins import FREE_FIELD
from stopper.core.values import (
    NAMED,
    Call,
    Choice,
    ConfigValue,
    Constant,
    EnvironmentValue,
    Format,
    Item,
    Mapping,
    Member,
    Name,
    Parameter,
    Sequence,
    Value,
    options,
    text_of,
)
from stopper.scan.source.copied_parts import as_it_came
from stopper.scan.source.declared import FIELDS, by_default, declared, from_settings, is_passed, of_typed_settings
from stopper.scan.source.drafts import (
    new_call,
    new_choice,
    new_constant,
    new_item,
    new_member,
    new_name,
    new_unknown,
)
from stopper.scan.source.elements import is_enum
from stopper.scan.source.folding import sliced
from stopper.scan.source.held_fields import field_of, lineage_of
from stopper.scan.source.loops import column_under, is_table
from stopper.scan.source.picking import (
    LITERAL,
    attribute_of_heirs,
    attribute_of_picked,
    attribute_of_result,
    is_by_setting,
    picked,
)
from stopper.scan.source.prepared_addresses import prepared_address
from stopper.scan.source.reader import NONE, NOTHING, READERS, Reader, canonical, either, named
from stopper.scan.source.rows import class_of, method_beside
from stopper.scan.source.statuses import status_named
from stopper.scan.source.straight import held_by_property, result_of
from stopper.scan.source.wsgi_names import ENVIRON, header_of, of_environ


def attribute_node(reader: Reader, node: ast.Attribute) -> Value:
    owner = READERS[type(node.value)](reader, node.value)
    if (
        type(owner) is Call
        and owner.method == "parse_args"
        and OF_REQPARSE.match(owner.callee)
        and not hasattr(dict, node.attr)
    ):
        return item(reader, owner, new_constant(node.attr), None, node)  # ``args.name`` is ``args["name"]``
    return attribute(reader, owner, node.attr)


def attribute(reader: Reader, owner: Value, name: str) -> Value:
    """The value of ``owner.name``."""
    reader.project.words.add(name)
    found: Value
    if name == "secret_key" and _is_app(reader, owner):
        return ConfigValue("SECRET_KEY", None, None, name)
    if type(owner) is Name:
        dotted = owner.dotted
        if dotted == "flask.g" and (kept := reader.scope.get(f"g.{name}")) is not None:
            return named(kept, name) if sensitive(name) else kept
        known = _of_project(reader, dotted, name)
        if dotted == reader.owner and dotted in reader.project.heirs:
            known = attribute_of_heirs(reader, name, known) or known
            if known is None and (beside := method_beside(reader, owner, name)) is not None:
                known = new_name(beside)
        if type(known) is Name:
            known = held_by_property(reader, known.dotted, owner) or known
        if type(known) is Call:
            known = by_default(reader.project, known)
        if known is None:
            known = of_typed_settings(reader.project, owner, name)
        known = known if known is not None else status_named(dotted, name)
        found = known if known is not None else new_name(canonical(reader.project.inherited(dotted, name)))
    elif name == "url" and (address := prepared_address(owner)) is not None:
        return address
    else:
        if name == "value" and (_is_of_enum(owner) or (type(owner) is Constant and type(owner.value) is int)):
            return owner
        if type(owner) is Call and (id(owner), name) in reader.project.put_later:
            return new_member(owner, name)  # no longer what its class says
        if type(owner) is Call and owner.callee in reader.project.classes:
            known = reader.project.attribute(owner.callee, name)
            if known is None or (type(known) is Call and known.callee in FIELDS):
                known = _once_made(reader, owner.callee, name)
            if reader.project.reads_environment(owner.callee) and (
                known is not None or reader.project.declares(owner.callee, name)
            ):
                return from_settings(reader.project, owner.callee, name, known)
            if type(known) is Name:
                known = held_by_property(reader, known.dotted, owner) or known
            if type(known) in _OF_MAKER and (held := field_of(reader.project, owner, name, reader.results)) is not None:
                known = held
            if known is not None and not is_passed(reader.project, owner, name):
                known = by_default(reader.project, known) if type(known) is Call else known
                return named(known, name) if sensitive(name) else known
        made_of = owner.receiver if type(owner) is Call and owner.callee == "?" and not owner.args else None
        if made_of is not None and type(made_of) in (
            Item,
            Choice,
        ):  # ``STAGES[stage]()``, an object of one of a few classes
            held = attribute_of_picked(reader, made_of, name, attribute)
            if held is not None:
                return named(held, name) if sensitive(name) else held
        if name == "data" and type(owner) is Choice and any(map(_is_field, owner.options)):
            return new_choice(tuple([attribute(reader, one, name) for one in owner.options]))  # ``form[name].data``
        if type(owner) is Parameter and (typed := of_typed_settings(reader.project, owner, name)) is not None:
            return named(typed, name) if sensitive(name) else typed
        if type(owner) in (Item, Choice):
            held = attribute_of_picked(reader, owner, name, attribute)
            if held is None and type(owner) is Choice:
                held = declared(reader.project, owner, name)
            if held is not None:
                return named(held, name) if sensitive(name) else held
        if type(owner) is Call and owner.callee[:1] != "?":
            held = field_of(reader.project, owner, name, reader.results)
            if held is None and (home := class_of(reader, owner)) is not None:
                known = _once_made(reader, home, name)
                held = known if type(known) in LITERAL else None
            if held is None and (
                given := reader.results(owner.callee)
            ):  # ``settings = chosen()``, one of a few classes
                held = attribute_of_result(reader, given, name, attribute)
            if held is not None:
                return named(held, name) if sensitive(name) else held
        found = (
            _BODY
            if name == "payload" and type(owner) is Call and _OF_RESTX.match(owner.callee)
            else new_member(owner, name)
        )
    return named(found, name) if sensitive(name) else found


def _is_field(value: Value) -> bool:
    """A field of a form whose data is what the caller wrote."""
    return type(value) is Call and FREE_FIELD.fullmatch(value.callee) is not None


_OF_MAKER: Final = frozenset({Parameter, Format, EnvironmentValue})
"""What a class holds of which an object may know more: it may be made of what ``__init__`` takes."""


def _once_made(reader: Reader, owner: str, name: str) -> Value | None:
    """What the class has under that name once what makes its objects has been read."""
    for home in sorted(lineage_of(reader.project, owner)):
        for word in _MAKERS:
            reader.results(f"{home}.{word}")
    return reader.project.attribute(owner, name)


_MAKERS: Final = ("__init__", "__post_init__", "__attrs_post_init__")


def _is_app(reader: Reader, owner: Value) -> bool:
    if type(owner) is Name:
        return owner.dotted in ("flask.current_app", "flask.Flask")
    return type(owner) is Call and reader.project.is_app(owner.callee)


def _is_of_enum(owner: Value) -> bool:
    """A literal and a tuple have no ``value`` of their own: they are members of an enumeration."""
    if type(owner) is Choice and not owner.every:
        return all(map(_is_of_enum, owner.options))
    if type(owner) is Call:
        return owner.callee == "datetime.timedelta"
    return type(owner) in (EnvironmentValue, Sequence) or (type(owner) is Constant and owner.value is not None)


_OF_RESTX: Final = re.compile(r"flask_rest(?:x|plus)(?:\.\w+)?\.(?:Api(?:\.namespace)?|Namespace)$")
_BODY: Final = Name("flask.request.json")
"""``api.payload`` of Flask-RESTX is the JSON body, as it came."""


def _of_project(reader: Reader, dotted: str, name: str) -> Value | None:
    if dotted in reader.project.classes:
        known = reader.project.attribute(dotted, name)
        # ``self.x = None`` says that some other method gives it a value, which may not have been read yet.
        is_blank = type(known) is Constant and known.value is None and reader.function.startswith(dotted + ".")
        return None if is_blank else known
    if dotted in _NOT_MODULES:
        return None
    module = reader.project.load(reader.module, dotted)
    if module is None:
        return None
    if name in module.bindings:
        return module.bindings[name]
    child = reader.project.load(reader.module, f"{dotted}.{name}")
    if child is None and "__getattr__" in module.bindings:  # ``def __getattr__(name)`` of a module
        asked = new_call(f"{module.name}.__getattr__", (new_constant(name),), (), False, None, reader.function, None)
        return result_of(reader, asked)
    return new_name(child.name) if child is not None else None


_NOT_MODULES: Final = frozenset({"self", "cls", "flask.request", "flask.session", "os.environ", "flask.g"})


def subscript(reader: Reader, node: ast.Subscript) -> Value:
    owner = reader.value(node.value)
    if isinstance(node.slice, ast.Slice):
        bounds = [NONE if bound is None else reader.value(bound) for bound in (node.slice.lower, node.slice.upper)]
        step = NONE if node.slice.step is None else reader.value(node.slice.step)
        if (part := sliced(owner, *bounds, step)) is not None:
            return part
        return new_item(owner, new_unknown(tuple(bounds)), None, reader.span(node))
    return item(reader, owner, reader.value(node.slice), None, node)


LOADS: Final = frozenset(
    {
        "json.load",
        "json.loads",
        "yaml.safe_load",
        "yaml.full_load",
        "yaml.load",
        "tomllib.load",
        "tomllib.loads",
        "toml.load",
    }
)
_LOOKED_IN: Final = (Mapping, ConfigValue, Choice)
_SETTINGS: Final = frozenset({Name, Member})
_KEYS: Final = frozenset({Constant, Choice})


def item(reader: Reader, owner: Value, key: Value, default: Value | None, node: ast.expr) -> Value:
    """The value of ``owner[key]`` or ``owner.get(key, default)``."""
    text = key.value if type(key) is Constant and type(key.value) is str else None
    if type(owner) is Call and owner.callee[:13] == "configparser." and reader.project.settings_texts:
        owner = _parsed_by(reader, owner)
    if type(owner) is Call:
        owner = as_it_came(owner)
    if type(owner) is Mapping and text is not None:
        known = owner.get(text)
        if known is None and (poured := [held for said, held in owner.items if said is NOTHING and request_part(held)]):
            return item(reader, either(*poured), key, default, node)  # ``{**request.args, **request.headers}["key"]``
        if owner.open and _ends_with_environment(owner):
            return EnvironmentValue(
                text, default if known is None else known, reader.span(node), text if sensitive(text) else ""
            )
        if known is None and not owner.open and default is not None:
            known = default
        if known is not None:
            later = [pair for pair in owner.after(text) if _may_be_sent(pair[1])] if owner.open else []
            known = either(known, *[_put_later(reader, pair, key, node) for pair in later]) if later else known
            return named(known, text) if sensitive(text) else known
    if type(owner) is Choice and text is not None and not owner.every and (column := column_under(owner, text)):
        if is_table(owner.options):
            return new_choice(column)  # row by row, as its other columns
        return either(*[named(one, text) if sensitive(text) else one for one in column])
    if text is not None and is_by_setting(owner):  # ``STAGES[os.environ["STAGE"]]["key"]``
        rows = [one.get(text) for one in picked(owner) if type(one) is Mapping]
        if rows and all(one is not None for one in rows):
            return either(*[named(one, text) if sensitive(text) else one for one in rows if one is not None])
    if type(owner) is Name and text is not None and is_enum(reader, owner.dotted):
        return attribute(reader, owner, text)
    if type(owner) is Call and type(key) in _KEYS and reader.project.is_form(owner.callee):
        fields = [one.value if type(one) is Constant else None for one in options(key)]
        if fields and all(type(one) is str for one in fields):  # ``form["city"]`` of WTForms is ``form.city``
            return either(*[attribute(reader, owner, str(one)) for one in fields])
    if type(owner) is Sequence and type(key) is Constant and type(key.value) is int and not owner.open:
        number = key.value
        if -len(owner.items) <= number < len(owner.items):
            return owner.items[number]
    if type(owner) is Constant and type(key) is Constant and type(owner.value) is str and type(key.value) is int:
        return new_constant(owner.value[key.value :][:1] if key.value != -1 else owner.value[-1:], owner.span)
    name = text if text is not None and sensitive(text) else ""
    if text is not None:
        if type(owner) is Name and owner.dotted == "os.environ":
            return EnvironmentValue(text, default, reader.span(node), name)
        if reader.is_config(owner):
            return ConfigValue(text, default, reader.span(node), name)
        if type(owner) is Name and owner.dotted == ENVIRON:
            part = of_environ(text)
            if part is not None:
                return part
            header = header_of(text)
            if header is not None:
                owner, text = new_name("flask.request.headers"), header
                key = new_constant(header, reader.span(node))
    elif type(key) is Choice and not key.every and type(owner) in _SETTINGS:
        is_environment = type(owner) is Name and owner.dotted == "os.environ"
        if (is_environment or reader.is_config(owner)) and all(text_of(one) is not None for one in options(key)):
            return either(
                *[item(reader, owner, one, default, node) for one in options(key)]
            )  # ``for name in ("A", "B")``
    made = new_item(owner, key, default, reader.span(node), name)
    if type(key) is not Constant and (
        type(owner) in _LOOKED_IN
        or _is_of_a_file(owner)
        or (type(owner) is Name and owner.dotted.startswith("flask.request."))
    ):
        reader.project.lookups.append(made)
    several = (key,) if text is not None else tuple(options(key)) if type(key) is Choice and not key.every else ()
    sources = request_parts(owner) if several else ()
    for one in (
        several if sources and made.span is not None else ()
    ):  # each, for ``data[name]`` in a loop over literal names
        if type(one) is Constant and type(one.value) is str and made.span is not None:
            read = made if one is key else new_item(owner, one, default, made.span)
            for source in sources:
                reader.project.readings.append(Reading(source, one.value, read, made.span, reader.function))
    return made


def _put_later(reader: Reader, pair: tuple[Value, Value], key: Value, node: ast.expr) -> Value:
    """What a pair says of a key that a mapping has already: all of another one (``**sent``), or what a loop has put there."""
    return item(reader, pair[1], key, None, node) if pair[0] is NOTHING else pair[1]


def _may_be_sent(held: Value) -> bool:
    """That somebody else says what it is: the request, or who hands it in. Of ``**options`` nobody is known to say more than what stands there."""
    return bool(request_part(held)) or (type(held) is Parameter and held.index != NAMED)


def _is_of_a_file(owner: Value) -> bool:
    """``yaml.safe_load(file)``, and what stands in it under a literal name."""
    while type(owner) is Item and type(owner.key) is Constant:
        owner = owner.owner
    return type(owner) is Call and owner.callee in LOADS


def _ends_with_environment(held: Mapping) -> bool:
    """``{**DEFAULTS, **os.environ}``: what the environment says comes last."""
    key, last = held.items[-1] if held.items else (None, None)
    return key is NOTHING and type(last) is Name and last.dotted == "os.environ"


def of_parser(reader: Reader, parser: Call, keys: tuple[Value, ...], fallback: Value | None, node: ast.expr) -> Value:
    """``parser.get(section, option, fallback="…")`` of a ``ConfigParser()``: the second is a key too, and no default."""
    section, option = keys
    if type(option) is Constant and type(option.value) is str:
        option = new_constant(option.value.lower(), option.span)
    return item(reader, item(reader, parser, section, None, node), option, fallback, node)


def _parsed_by(reader: Reader, parser: Call) -> Value:
    """What a ``ConfigParser()`` has read, where the file is seen."""
    from stopper.scan.source.parsed_files import read_into

    held = read_into(reader, parser)
    return held if type(held) is Mapping else parser


def parsed_file(reader: Reader, parser: str, given: tuple[Value, ...]) -> Value | None:
    """What a parser makes of a file of settings beside the code; the parsers are imported where there is one."""
    from stopper.scan.source.parsed_files import parsed

    return parsed(reader, parser, given)


OF_REQPARSE: Final = re.compile(r"flask_(?:restful|restx|restplus)\.")
"""What a parser of Flask-RESTful has read from the request, wherever in it."""


def request_parts(owner: Value) -> tuple[str, ...]:
    """The parts of the request that a look-up may begin in: ``request.get_json(silent=True) or request.args`` is of two."""
    return tuple(dict.fromkeys(filter(None, map(request_part, options(owner)))))


def request_part(owner: Value, depth: int = 4) -> str:
    """The part of the request that a look-up begins in, ``""`` where it begins elsewhere."""
    if type(owner) is Name:
        return owner.dotted if owner.dotted.startswith("flask.request.") else ""
    if type(owner) is Call:
        if owner.method == "parse_args" and OF_REQPARSE.match(owner.callee):
            return owner.callee
        if owner.callee == "dict" and owner.args and depth:
            return request_part(owner.args[0], depth - 1)
        return (
            owner.callee.removesuffix(".to_dict").removesuffix(".copy")
            if owner.callee.startswith("flask.request.")
            else ""
        )
    if isinstance(owner, (Item, Choice)) and depth:
        inner = (owner.owner,) if isinstance(owner, Item) else owner.options
        return next(filter(None, (request_part(one, depth - 1) for one in inner)), "")
    return ""
