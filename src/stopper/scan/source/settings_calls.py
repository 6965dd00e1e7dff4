"""Settings that a call of ``app.config`` writes, and the modules that it loads."""

import ast
from collections.abc import Iterator

from stopper.core.fact import ConfigWrite
from stopper.core.values import (
    Call,
    Choice,
    Constant,
    EnvironmentValue,
    Format,
    Mapping,
    Name,
    Parameter,
    Value,
    literals,
    options,
    text_of,
    walk,
)
from stopper.scan.source.drafts import new_assignment
from stopper.scan.source.dumped import poured_in
from stopper.scan.source.folding import as_mapping
from stopper.scan.source.given_config import parameters_in
from stopper.scan.source.loops import row_by_row
from stopper.scan.source.names import ATTRIBUTE_SETTINGS
from stopper.scan.source.project import Scope
from stopper.scan.source.reader import Reader


def write_config(reader: Reader, key: Value, value: Value) -> None:
    """Record one setting, or one for each row of a table that a loop goes through. Keys that are not literal are not settings that a
    rule could name."""
    for name, held in row_by_row(key, value) if type(key) is Choice else ((key, value),):
        span = name.span or held.span
        if type(name) is Constant and type(name.value) is str and span is not None:
            reader.project.config.append(ConfigWrite(name.value, held, span, "item", reader.function))


def config_call(reader: Reader, call: Call, word: str) -> None:
    """What a call of ``app.config`` writes; the module that a text for ``from_object`` means is read."""
    if call.span is None:
        return
    if word in ("update", "from_mapping"):
        unpacked = [value for name, value in call.keywords if name in ("**", "mapping")]
        given = [poured_in(reader.project, one) for one in (*call.args, *unpacked)]
        for argument in map(as_mapping, given):
            _names_written(reader, argument)
            reader.project.handed_settings.extend(parameters_in(argument))
            if type(argument) is Mapping:
                for key, value in argument.items:
                    write_config(reader, key, value)
            elif type(argument) is Call:
                reader.project.given_settings.append(argument.callee)
        for name, value in call.keywords:
            if name not in ("**", "mapping"):
                reader.project.config.append(ConfigWrite(name, value, value.span or call.span, "item", reader.function))
    elif word == "setdefault" and len(call.args) == 2:
        write_config(reader, call.args[0], call.args[1])
    elif word in ("from_object", "from_pyfile") and call.args:
        for text in _named_objects(call.args[0]):
            file = text.removesuffix(".py").replace("/", ".").strip(".")
            for dotted in (file, file.rpartition(".")[0], f"instance.{file}"):
                if dotted and reader.project.load(reader.module, dotted) is not None:
                    break


def attributes_set(reader: Reader, call: Call, node: ast.expr) -> None:
    """``setattr(app, "secret_key", value)``, once for each row where a loop goes through a table of them: an assignment."""
    owner, key, value = call.args
    is_app = reader.dotted(owner) == "flask.Flask"
    found = reader.project.classes.get(owner.dotted) if type(owner) is Name else None
    before = f"{ast.unparse(node)}." if isinstance(node, (ast.Name, ast.Attribute)) else ""
    for name, held in row_by_row(key, value):
        said = text_of(name)
        if said is None or call.span is None:
            continue
        reader.project.words.add(said)
        reader.project.assignments.append(
            new_assignment(f"{before}{said}", said, held, call.span, reader.function, owner)
        )
        if found is not None and not is_app:
            if isinstance(held, (Constant, EnvironmentValue, Mapping)):
                found.attributes.setdefault(said, held)
        elif said in ATTRIBUTE_SETTINGS:
            place = held.span or call.span
            reader.project.config.append(
                ConfigWrite(ATTRIBUTE_SETTINGS[said], held, place, "attribute", reader.function)
            )


def _names_written(reader: Reader, value: Value) -> None:
    """The settings among what ``vars(Settings)`` and ``globals()`` hold: names in capitals, as ``app.config`` takes them."""
    if type(value) not in (Call, Mapping):
        return
    for one in walk(value, 6):
        if type(one) is Call and one.callee in ("vars", "globals") and len(one.args) <= 1:
            for name, held in _names_of(reader, one.args[0] if one.args else None).items():
                if name.isupper() and (span := held.span or one.span) is not None:
                    reader.project.config.append(ConfigWrite(name, held, span, "item", reader.function))


def _names_of(reader: Reader, owner: Value | None) -> Scope:
    if owner is None:
        return reader.module.bindings
    if type(owner) is not Name:
        return {}
    if owner.dotted in reader.project.classes:
        return reader.project.classes[owner.dotted].attributes
    module = reader.project.load(reader.module, owner.dotted)
    return module.bindings if module is not None else {}


def _named_objects(value: Value) -> Iterator[str]:
    """The texts that ``from_object`` may be given, and the part before the first gap of one that is put together."""
    for option in options(value):
        first = option.parts[0] if type(option) is Format and option.parts else None
        default = option.default if isinstance(option, (EnvironmentValue, Parameter)) else None
        default = default.default if type(default) is Parameter else default if type(option) is Parameter else None
        for literal in (first,) if type(first) is Constant else (*literals(option), *literals(default)):
            if type(literal) is Constant and type(literal.value) is str:
                yield literal.value.strip(".")
