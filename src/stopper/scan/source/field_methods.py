"""Methods of what a declared field holds: ``self.hasher.hash(password)`` of a dataclass that says ``hasher: Hasher``. Each gets the name of the
method that runs, and the object that the one place which makes the outer one puts there."""

from stopper.core.values import Call, Name, Value, walk
from stopper.scan.source.held_fields import record_fields
from stopper.scan.source.project import ClassState, Project
from stopper.scan.source.renaming import hand, note_called, rename

_DEEPEST = 3
"""Fields of fields: ``self.accounts.hasher.hash(…)``."""


def name_field_methods(project: Project, tests: frozenset[str]) -> None:
    """Give calls of such methods the name of what they run, where the annotation names one class of the project."""
    declared = {
        name: held
        for name, state in project.classes.items()
        if (held := {field: kind for field in state.fields if (kind := _class_of(project, state.fields[field]))})
    }
    if not declared:
        return
    renamed: dict[str, list[str]] = {}
    makers: dict[str, list[Call]] = {}
    for call in project.calls:
        if call.callee in declared and (call.span is None or call.span.path not in tests):
            makers.setdefault(call.callee, []).append(call)
    for call in project.calls:
        found = _meant(project, declared, call.callee)
        if found is None:
            continue
        home, field, method = found
        rename(call, method)
        renamed.setdefault(call.function, []).append(method)
        made = _put_there(project, makers.get(home, []), home, field)
        if made is not None:
            hand(call, made)
    note_called(project, renamed)


def _class_of(project: Project, annotation: Value) -> str:
    """The one class of the project that an annotation names: ``Hasher``, ``Hasher | None``."""
    named = {part.dotted for part in walk(annotation, 3) if isinstance(part, Name) and part.dotted in project.classes}
    return named.pop() if len(named) == 1 else ""


def _meant(project: Project, declared: dict[str, dict[str, str]], callee: str) -> tuple[str, str, str] | None:
    """The class, its field, and the method of what lies there, for ``app.Accounts.hasher.hash``."""
    owner, _, word = callee.rpartition(".")
    fields: list[str] = []
    while owner and len(fields) < _DEEPEST:
        owner, _, field = owner.rpartition(".")
        fields.insert(0, field)
        if owner not in project.classes:
            continue
        home, kind = owner, owner
        for name in fields:
            home, kind = kind, _declared(project, declared, kind, name)
        method = project.attribute(kind, word) if kind else None
        found = type(method) is Name and project.has_function(method.dotted)
        return (home, fields[-1], method.dotted) if found and isinstance(method, Name) else None
    return None


def _declared(project: Project, declared: dict[str, dict[str, str]], name: str, field: str) -> str:
    """What the class, or one that it is derived from, says that the field holds."""
    for _ in range(_DEEPEST):
        kind = declared.get(name, {}).get(field, "")
        state: ClassState | None = project.classes.get(name)
        base = next((one for one in state.bases if one in project.classes), "") if state is not None else ""
        if kind or not base:
            return kind
        name = base
    return ""


def _put_there(project: Project, makers: list[Call], home: str, field: str) -> Call | None:
    """The object that the one call which makes the outer one puts into the field."""
    fields = record_fields(project, home) if len(makers) == 1 and not makers[0].open else None
    if fields is None or field not in fields:
        return None
    given = makers[0].argument(fields.index(field), field)
    return given if isinstance(given, Call) and given.callee in project.classes else None
