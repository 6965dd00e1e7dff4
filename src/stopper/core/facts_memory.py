"""What source facts have worked out so far: indices and labels. It changes nothing that they say."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final, Protocol

from stopper.core.fact import (
    ClassFact,
    Comparison,
    Condition,
    ConfigWrite,
    ErrorHandler,
    Flow,
    Function,
    Reading,
    SourceRoute,
)
from stopper.core.labels import Label
from stopper.core.place import Span
from stopper.core.values import Call, Value

DEEPEST_HEIR: Final = 9
"""Classes between one and what it is derived from, both counted."""
MOST_OUTER: Final = 3
"""Callers whose tests are looked at too, one above the other."""
NO_CALLERS: Final[Mapping[str, str]] = MappingProxyType({})


class HasSpan(Protocol):
    """Any fact: it stands somewhere."""

    @property
    def span(self) -> Span | None: ...


@lru_cache(maxsize=1)
def labelling() -> Callable[..., frozenset[Label]]:
    """What labels a value. It asks facts, so it is imported by the first question."""
    from stopper.core.flow.labelling import labels_of

    return labels_of


@dataclass(slots=True)
class Memory:
    """What was worked out once; it belongs to the facts and changes nothing that they say."""

    calls: dict[str, dict[str, list[Call]]] = field(default_factory=dict[str, dict[str, list[Call]]])
    functions: dict[str, Function] = field(default_factory=dict[str, Function])
    flows: dict[str, list[Flow]] = field(default_factory=dict[str, list[Flow]])
    labelled: dict[str, list[Flow]] = field(default_factory=dict[str, list[Flow]])
    """The same with labels, sink by sink: one that nobody asks for is never labelled."""
    classes: dict[str, ClassFact] = field(default_factory=dict[str, ClassFact])
    children: dict[str, list[ClassFact]] = field(default_factory=dict[str, list[ClassFact]])
    patterns: dict[str, list[Call]] = field(default_factory=dict[str, list[Call]])
    lines: dict[str, list[Function]] = field(default_factory=dict[str, list[Function]])
    around: dict[tuple[str, int, int], list[Function]] = field(
        default_factory=dict["tuple[str, int, int]", list[Function]]
    )
    """The innermost functions around the lines that were asked for: several, where more than one begins on a line."""
    heirs: dict[tuple[str, ...], list[ClassFact]] = field(default_factory=dict["tuple[str, ...]", "list[ClassFact]"])
    comparisons: dict[str, list[Comparison]] = field(default_factory=dict[str, list[Comparison]])
    of_functions: dict[str, tuple[object, dict[str, list[Any]]]] = field(
        default_factory=dict[str, "tuple[object, dict[str, list[Any]]]"]
    )
    handlers: dict[str, list[ErrorHandler]] = field(default_factory=dict[str, list[ErrorHandler]])
    config: dict[str, list[ConfigWrite]] = field(default_factory=dict[str, list[ConfigWrite]])
    conditions: dict[str, list[Condition]] = field(default_factory=dict[str, list[Condition]])
    over: dict[tuple[str, int], list[tuple[Span, Condition]]] = field(
        default_factory=dict["tuple[str, int]", "list[tuple[Span, Condition]]"]
    )
    """The conditions around each line that was asked for, with their bodies."""
    readings: dict[str, list[Reading]] = field(default_factory=dict[str, list[Reading]])
    views: dict[str, list[SourceRoute]] = field(default_factory=dict[str, list[SourceRoute]])
    kept: dict[int, Sequence[HasSpan]] = field(default_factory=dict[int, "Sequence[HasSpan]"])
    imported: set[str] = field(default_factory=set[str])
    """Every dotted name that is imported, and every beginning of one."""
    small: set[str] = field(default_factory=set[str])
    """Every word in small letters."""
    others: dict[str, Any] = field(default_factory=dict[str, Any])
    labels: dict[bool, dict[int, tuple[Value, frozenset[Label]]]] = field(default_factory=lambda: {False: {}, True: {}})

    def calls_by_name(self, every: Sequence[Call]) -> dict[str, dict[str, list[Call]]]:
        """The calls by whole name and by last word."""
        index = self.calls
        if not index:
            names: dict[str, list[Call]] = {}
            words: dict[str, list[Call]] = {}
            for call in every:
                names.setdefault(call.callee, []).append(call)
                words.setdefault(call.method, []).append(call)
            index.update(name=names, word=words)
        return index

    def heirs_of(self, bases: tuple[str, ...], every: Sequence[ClassFact]) -> list[ClassFact]:
        """Those of *every* that have one of these bases, directly or through others of them."""
        if not self.classes:
            for one in every:
                self.classes[one.name] = one
                for base in one.bases:
                    self.children.setdefault(base, []).append(one)
        found: set[int] = set()
        names: Sequence[str] = bases
        for _ in range(DEEPEST_HEIR):
            heirs = [one for name in names for one in self.children.get(name, ()) if id(one) not in found]
            found.update(map(id, heirs))
            names = [one.name for one in heirs if self.classes[one.name] is one]
        return [one for one in every if id(one) in found]

    def beginnings(self, imported: Iterable[str]) -> set[str]:
        """Those names and every beginning of them: ``flask.helpers.url_for``, ``flask.helpers``, ``flask``.

        Whoever imports only a face of another library (``stopper.compat.…``) has not imported ``stopper``: the guard is not there.
        """
        found = self.imported
        if not found:
            for name in imported:
                while name and name not in found:
                    found.add(name)
                    if name == "stopper.compat":
                        break
                    name = name.rpartition(".")[0]
        return found

    def lowered(self, words: Iterable[str]) -> set[str]:
        """Those words in small letters."""
        if not self.small:
            self.small.update(map(str.lower, words))
        return self.small

    def in_function(
        self, function: str, what: str, every: Sequence[Any], outer: Mapping[str, str] = NO_CALLERS
    ) -> Sequence[Any]:
        """Those of *every*, facts of the kind *what*, that stand in that function, those of its one caller in *outer* before them."""
        known = self.of_functions.get(what)
        if known is None or known[0] is not every:
            index: dict[str, list[Any]] = {}
            for one in every:
                index.setdefault(one.function, []).append(one)
            known = self.of_functions[what] = (every, index)
        found: Sequence[Any] = known[1].get(function, ())
        for _ in range(MOST_OUTER):
            if function not in outer:
                break
            function = outer[function]
            found = (*known[1].get(function, ()), *found)
        return found

    def conditions_on(self, path: str, line: int, every: Sequence[Condition]) -> Sequence[tuple[Span, Condition]]:
        """The conditions in whose body that line stands, each with the body."""
        found = self.over.get((path, line))
        if found is None:
            if not self.conditions:
                for one in every:
                    self.conditions.setdefault(one.span.path, []).append(one)
            found = self.over[path, line] = [
                (body, one)
                for one in self.conditions.get(path, ())
                if (body := one.body) is not None and body.line <= line <= body.end_line
            ]
        return found

    def function_around(self, span: Span, every: Sequence[Function]) -> str:
        """The innermost function around these lines, ``""`` at module level; of several that begin on one line the one that holds the place."""
        lines = span.path, span.line, span.end_line
        found = self.around.get(lines)
        if found is None:
            if not self.lines:
                for one in every:
                    self.lines.setdefault(one.span.path, []).append(one)
            held = [
                one for one in self.lines.get(span.path, ())
                if one.span.line <= span.line and span.end_line <= one.span.end_line
            ]  # fmt: skip
            last = max((one.span.line for one in held), default=0)
            found = self.around[lines] = [one for one in held if one.span.line == last]
        if len(found) > 1:
            return next((one for one in found if one.span.holds(span)), found[0]).name
        return found[0].name if found else ""

    def views_of(self, routes: Sequence[SourceRoute]) -> dict[str, list[SourceRoute]]:
        """The routes by their view."""
        if not self.views:
            for route in routes:
                self.views.setdefault(route.view, []).append(route)
        return self.views
