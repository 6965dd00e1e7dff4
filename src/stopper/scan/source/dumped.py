"""What an object that is made here becomes as a mapping: ``asdict(Claims(sub=…))``, ``row._asdict()``, ``vars(options)``."""

import re
from typing import Final

from stopper.core.naming import sensitive
from stopper.core.place import Span
from stopper.core.values import Call, Mapping, Value
from stopper.scan.source.declared import from_settings
from stopper.scan.source.drafts import new_constant, new_mapping
from stopper.scan.source.held_fields import maker_of, record_fields
from stopper.scan.source.project import Project
from stopper.scan.source.reader import NOTHING

FUNCTIONS: Final = frozenset({"dataclasses.asdict", "attrs.asdict", "attr.asdict", "vars"})
METHODS: Final = frozenset({"_asdict", "model_dump", "dict"})
_SETTINGS: Final = re.compile(r"(?:Settings|Config(?:uration)?|Options)$")
_DEEPEST: Final = 3


def dumped(project: Project, made: Value, span: Span | None, word: str = "") -> Mapping | None:
    """The mapping that ``asdict(made)`` or a method *word* of it gives. All settings with their secrets at once stay a call, which says so."""
    if type(made) is Call and _SETTINGS.search(made.callee):
        fields = record_fields(project, made.callee) or ()
        if sum(1 for one in fields if sensitive(one)) > 1:
            return None
    return fields_as_mapping(project, made, span, word)


def poured_in(project: Project, value: Value) -> Value:
    """What such a call gives to ``app.config.update(…)``; any other value as it is."""
    if type(value) is not Call or value.keywords:
        return value
    made, word = value.receiver, value.method
    if (value.callee in FUNCTIONS or value.callee == "dict") and len(value.args) == 1:
        made, word = value.args[0], ""
    elif word not in METHODS or value.args:
        return value
    owner = made.callee if type(made) is Call else value.callee.rpartition(".")[0] if made is None else ""
    if project.reads_environment(owner):
        return _settings_as_mapping(project, owner, made if type(made) is Call else None, value)
    found = fields_as_mapping(project, made, value.span, word) if made is not None else None
    return value if found is None else found


def _settings_as_mapping(project: Project, owner: str, made: Call | None, dumping: Call) -> Value:
    """The settings that an object of that class holds: what it is made with, or what the environment says."""
    if (made is not None and made.open) or project.attribute(owner, dumping.method) is not None:
        return dumping
    pairs: list[tuple[Value, Value]] = []
    for name in _declared_fields(project, owner):
        given = made.keyword(name) if made is not None else None
        held = from_settings(project, owner, name, project.attribute(owner, name)) if given is None else given
        pairs.append((new_constant(name, held.span or dumping.span), held))
    return new_mapping(tuple(pairs), False, dumping.span) if pairs else dumping


def _declared_fields(project: Project, owner: str, depth: int = 6) -> list[str]:
    """The fields of the class and of its bases in the project, those of the bases first."""
    found = project.classes.get(owner)
    if found is None or not depth:
        return []
    before = [name for base in found.bases for name in _declared_fields(project, base, depth - 1)]
    return list(dict.fromkeys([*before, *(name for name in found.fields if name != "model_config")]))


def fields_as_mapping(
    project: Project, made: Value, span: Span | None, word: str = "", depth: int = _DEEPEST
) -> Mapping | None:
    """The fields of a record of the project as its call says them; None for anything else, and where the class does it in its own way."""
    if type(made) is not Call or made.open or made.callee not in project.classes:
        return None
    fields = record_fields(project, made.callee)
    if not fields or maker_of(project, made.callee) is not None:
        return None
    if word and project.attribute(made.callee, word) is not None:
        return None
    pairs: list[tuple[Value, Value]] = []
    for number, name in enumerate(fields):
        given = made.argument(number, name)
        held = project.attribute(made.callee, name) if given is None else given
        inner = fields_as_mapping(project, held, span, word, depth - 1) if depth and type(held) is Call else None
        value = inner if inner is not None else NOTHING if held is None else held
        pairs.append((new_constant(name, span), value))
    return new_mapping(tuple(pairs), False, span)
