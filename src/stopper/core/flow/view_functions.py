"""The functions behind a route: its view, or the methods of its view class, and what they call in the project."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from stopper.core.fact import Comparison, Condition, Function
from stopper.core.facts import SourceFacts
from stopper.core.place import Span
from stopper.core.values import Call, Value

VERBS = frozenset({"get", "post", "put", "patch", "delete", "head", "options"})


def viewed_class(value: Value) -> str:
    """The class that ``Notes.as_view("notes")`` makes a view of; ``""`` for anything else."""
    return value.callee.rpartition(".")[0] if isinstance(value, Call) and value.method == "as_view" else ""


@dataclass(frozen=True, slots=True)
class FunctionIndex:
    """Functions by name, by class and by file, and what is asked in them, built once for one run of a detector; tests left out."""

    facts: SourceFacts
    by_name: dict[str, Function] = field(default_factory=dict[str, Function])
    by_owner: dict[str, list[Function]] = field(default_factory=dict[str, list[Function]])
    by_path: dict[str, list[Function]] = field(default_factory=dict[str, list[Function]])
    comparisons: dict[str, list[Comparison]] = field(default_factory=dict[str, list[Comparison]])
    conditions: dict[str, list[Condition]] = field(default_factory=dict[str, list[Condition]])

    def of_view(self, view: str, span: Span | None = None, method: str = "") -> Iterator[Function]:
        """The view's functions, by name or by place: the running application may know a module under another name than the source.

        With a *method*, a method of a view class counts only when it answers that one.
        """
        named = [self.by_name[view]] if view in self.by_name else []
        found = {function.name: function for function in (*named, *self.by_owner.get(view, ()), *self._at(span))}
        for function in found.values():
            word = function.name.rpartition(".")[2]
            if not method or not function.owner or word not in VERBS or word == method.lower():
                yield function

    def _at(self, span: Span | None) -> Iterator[Function]:
        if span is not None:
            for function in self.by_path.get(span.path, ()):
                if span.line <= function.span.line <= span.end_line:
                    yield function

    def calling(self, names: Iterable[str], steps: int) -> list[str]:
        """These functions and those of the project that they call, so many steps deep."""
        found = dict.fromkeys(names)
        edge = list(found)
        for _ in range(steps):
            called = [call.callee for name in edge for call in self.facts.calls_in(name) if call.callee in self.by_name]
            edge = [name for name in dict.fromkeys(called) if name not in found]
            found.update(dict.fromkeys(edge))
        return list(found)


def index_of(facts: SourceFacts) -> FunctionIndex:
    """The index of *facts*."""
    made = facts.once("functions of views", lambda: _tables(facts))
    return FunctionIndex(facts, *made)


def _tables(facts: SourceFacts) -> "_Tables":
    index = FunctionIndex(facts)
    for function in facts.functions():
        index.by_name.setdefault(function.name, function)
        index.by_path.setdefault(function.span.path, []).append(function)
        if function.owner:
            index.by_owner.setdefault(function.owner, []).append(function)
    _inherit(facts, index.by_owner)
    for comparison in facts.comparisons():
        index.comparisons.setdefault(comparison.function, []).append(comparison)
    for condition in facts.conditions():
        index.conditions.setdefault(condition.function, []).append(condition)
    return index.by_name, index.by_owner, index.by_path, index.comparisons, index.conditions


def _inherit(facts: SourceFacts, by_owner: dict[str, list[Function]]) -> None:
    """Give view classes the methods of the classes of the project that they descend from, where they have none of that name. What stands
    before all of them is a guard and no view."""
    viewed = dict.fromkeys(route.view for route in facts.routes)
    known = {one.name: one for one in facts.classes()} if viewed else {}
    for name in viewed:
        held = known.get(name)
        edge = list(held.bases) if held is not None else []
        met: set[str] = {name}
        while edge:
            base = edge.pop(0)
            if base in met or base not in known:
                continue
            met.add(base)
            own = {"dispatch_request", *(one.name.rpartition(".")[2] for one in by_owner.get(name, ()))}
            more = [one for one in by_owner.get(base, ()) if one.owner == base]
            by_owner[name] = [
                *by_owner.get(name, ()),
                *(one for one in more if one.name.rpartition(".")[2] not in own),
            ]
            edge += known[base].bases


_Tables = tuple[
    dict[str, Function], dict[str, list[Function]], dict[str, list[Function]], dict[str, list[Comparison]], dict[str, list[Condition]]
]  # fmt: skip
