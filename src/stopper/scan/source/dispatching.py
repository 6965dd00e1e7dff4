"""What a view class says of its own guard: attributes that open it, and methods in place of those that its base asks by."""

from collections.abc import Iterator

from stopper.core.values import Sequence, Value, is_constant
from stopper.scan.source import guard_names
from stopper.scan.source.judging import Judges
from stopper.scan.source.project import Project
from stopper.scan.source.routes import function_name


def opens(word: str, held: Value) -> bool:
    """``auth_required = False``, ``authentication_classes = ()``, ``public = True``: the class asks nobody."""
    if guard_names.ASKS_BY_CLASS.search(word):
        return is_constant(held, False, None) or (isinstance(held, Sequence) and not held.items and not held.open)
    return guard_names.OPEN_BY_CLASS.search(word) is not None and is_constant(held, True)


def said(project: Project, view_class: str, depth: int = 6) -> Iterator[tuple[str, Value]]:
    """The attributes of a class and of those that it descends from, the nearest ones."""
    met: set[str] = set()
    level = [view_class]
    while level and depth:
        states = [state for name in level if (state := project.classes.get(name)) is not None]
        for state in states:
            yield from ((name, value) for name, value in state.attributes.items() if name not in met)
            met.update(state.attributes)
        level = [base for state in states for base in state.bases]
        depth -= 1


def comes_first(project: Project, view_class: str, home: str, depth: int = 5) -> bool:
    """That the ``dispatch_request`` of *home* runs, and no view class of Flask stands before it: ``class Item(MethodView, Guarded)``."""
    state = project.classes.get(view_class)
    if view_class == home or state is None or not depth:
        return True
    for base in state.bases:
        if base in ("flask.views.MethodView", "flask.views.View"):
            return False
        if base == home or (base in project.classes and project.attribute(base, "dispatch_request") is not None):
            return comes_first(project, base, home, depth - 1)
    return True


def asks_by_hooks(judges: Judges, view_class: str, name: str) -> bool | None:
    """Whether what a base's ``dispatch_request`` asks stops anybody at this class, which may have a method of its own in place of
    ``self.authorize()``. The base is known to stop callers."""
    facts, home = judges.facts, name.rpartition(".")[0]
    if any(facts.function_around(one.span) == name for one in judges.refusals.get(name, ())):
        return True
    own: list[bool | None] = []
    for call in facts.calls_in(name):
        if call.callee == name or not judges.is_guard_call(call):
            continue
        owner, _, word = call.callee.rpartition(".")
        found = judges.project.attribute(view_class, word) if owner == home else None
        other = function_name(found) if found is not None else ""
        if other == call.callee or other not in judges.project.functions:
            return True
        own.append(judges.judge(other).stops)
    return True if not own or True in own else own[0]
