"""What one pass over the source knows, in the form that rules ask for it.

A detector asks facts and never sees a syntax tree::

    def detect(app: App) -> Iterator[Hit]:
        for call in source_of(app).calls("jwt.decode", "jose.jwt.decode"):
            verify = call.keyword("options")
            if isinstance(verify, Mapping) and is_constant(verify.get("verify_signature"), False):
                yield Hit("the signature is not verified", call.span)


    def detect(app: App) -> Iterator[Hit]:
        for flow in source_of(app).flows("log", "print", label=("token", "authorization-header")):
            yield Hit("a token is logged", flow.span, certainty="likely" if flow.by_name_only("token") else "certain")

Every query leaves out test files unless ``tests=True``. Values (:mod:`stopper.core.values`) come resolved: constants, aliases and
settings are followed before a rule sees them. Names are dotted and resolved: ``flask.Flask.run``, ``flask.request``, ``shop.views.show``.
A method of an object of unknown class is ``?.method``. Facts of a function that is a part of the one function that calls it stand there:
``function_around`` tells in which they are written.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from collections.abc import Mapping as MappingType
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar, cast

from stopper.core.fact import (
    Assignment,
    ClassFact,
    Comparison,
    Condition,
    ConfigWrite,
    Decorator,
    ErrorHandler,
    Flow,
    Function,
    Handler,
    Raise,
    Reading,
    Return,
    SinkKind,
    SourceRoute,
    Suppression,
    Text,
    TextFile,
)
from stopper.core.facts_memory import HasSpan, Memory, labelling
from stopper.core.labels import Label, LabelKind
from stopper.core.later_pattern import later
from stopper.core.place import RouteRef, Span
from stopper.core.values import Call, ConfigValue, Item, Value

if TYPE_CHECKING:
    from stopper.core.app import App

__all__ = [
    "Assignment", "ClassFact", "Comparison", "Condition", "ConfigWrite", "Decorator", "ErrorHandler", "Flow",
    "Function", "Handler", "Raise", "Reading", "Return", "SinkKind", "SourceFacts", "SourceRoute", "Suppression",
    "Text", "TextFile", "source_of",
]  # fmt: skip


Located = TypeVar("Located", bound=HasSpan)
Made = TypeVar("Made")


@dataclass(frozen=True, slots=True)
class SourceFacts:
    """Facts of every scanned file. Read the fields, or better ask the methods: they leave out tests and are indexed."""

    files: tuple[str, ...] = ()
    tests: frozenset[str] = frozenset()
    modules: MappingType[str, str] = field(default_factory=dict[str, str])
    """Dotted module name → path."""
    imported: frozenset[str] = frozenset()
    """Every dotted name that a file imports, tests left out: ``flask``, ``flask.Flask``, ``jwt``."""
    all_calls: tuple[Call, ...] = ()
    all_functions: tuple[Function, ...] = ()
    all_classes: tuple[ClassFact, ...] = ()
    all_config: tuple[ConfigWrite, ...] = ()
    all_assignments: tuple[Assignment, ...] = ()
    all_comparisons: tuple[Comparison, ...] = ()
    all_conditions: tuple[Condition, ...] = ()
    all_returns: tuple[Return, ...] = ()
    all_raises: tuple[Raise, ...] = ()
    all_handlers: tuple[Handler, ...] = ()
    all_error_handlers: tuple[ErrorHandler, ...] = ()
    all_flows: tuple[Flow, ...] = ()
    all_texts: tuple[Text, ...] = ()
    all_readings: tuple[Reading, ...] = ()
    routes: tuple[SourceRoute, ...] = ()
    suppressions: tuple[Suppression, ...] = ()
    text_files: tuple[TextFile, ...] = ()
    reach: MappingType[str, tuple[RouteRef, ...]] = field(default_factory=dict[str, tuple[RouteRef, ...]])
    """Qualified function → the routes that run it."""
    words: frozenset[str] = field(default=frozenset(), repr=False)
    """Every attribute's and keyword's name, and every literal text; ask :meth:`says`."""
    all_lookups: tuple[Item, ...] = ()
    """What is looked up in a mapping, a setting or one of several under a key that is no literal, tests too."""
    asides: frozenset[Span] = field(default=frozenset(), repr=False)
    """What is tested by no ``if`` of its own and calls something: a ``while``, and the ``if`` within a comprehension; tests too."""
    sole: MappingType[str, str] = field(default_factory=dict[str, str], repr=False)
    """Functions that one function alone calls, with that function: what it tests has been tested."""
    _memory: Memory = field(default_factory=Memory, init=False, repr=False, compare=False)

    def is_test(self, span: Span | None) -> bool:
        """That the place is in a test file."""
        return span is not None and span.path in self.tests

    def imports(self, *names: str) -> bool:
        """That some file (tests left out) imports one of these modules or names."""
        return not self._memory.beginnings(self.imported).isdisjoint(names)

    def says(self, *words: str) -> bool:
        """That one of these stands in the source as an attribute, a keyword or a whole text; true where nobody collected the words."""
        return not self.words or not self.words.isdisjoint(words)

    def says_anyhow(self, *words: str) -> bool:
        """The same in whatever letter case; *words* in small letters."""
        return not self.words or not self._memory.lowered(self.words).isdisjoint(words)

    def says_like(self, word: str, pattern: re.Pattern[str]) -> bool:
        """The same of a text that has the word (small letters) in it and in which the pattern is found."""
        return not self.words or any(word in said.lower() and pattern.search(said) for said in self.words)

    # -- calls -----------------------------------------------------------------------------------------------------------------

    def calls(self, *callees: str, tests: bool = False) -> Iterator[Call]:
        """The calls of these resolved names, in file and line order. ``?.method`` asks for that method of an object of unknown
        class; ``*.method`` for that last word whatever stands before it. No name means every call."""
        if not callees:
            return self._kept(self.all_calls, tests)
        index = self._memory.calls_by_name(self.all_calls)
        found = [
            named
            for callee in callees
            if (named := index["word"].get(callee[2:]) if callee[:2] == "*." else index["name"].get(callee)) is not None
        ]
        if not found:
            return iter(())
        several = (call for named in found for call in self._kept(named, tests))
        return self._kept(found[0], tests) if len(found) == 1 else several

    def calls_matching(self, pattern: str, tests: bool = False) -> Iterator[Call]:
        """The calls whose whole callee matches that regular expression: ``r"requests\\.(get|post)"``."""
        known = self._memory.patterns.get(pattern)
        if known is None:
            matches = later(pattern).fullmatch
            names = self._memory.calls_by_name(self.all_calls)["name"]
            known = [call for callee, found in names.items() if matches(callee) for call in found]
            self._memory.patterns[pattern] = known
        return self._kept(known, tests)

    def callees(self) -> Iterable[str]:
        """Every name that is called, each once, tests too."""
        return self._memory.calls_by_name(self.all_calls)["name"]

    def calls_in(self, function: str) -> Iterator[Call]:
        """The calls written in that function's body."""
        return iter(self._memory.in_function(function, "calls", self.all_calls))

    def conditions_in(self, function: str) -> Sequence[Condition]:
        """Every ``if`` in that function's body, after those of the one function that calls it, tests not left out."""
        return self._memory.in_function(function, "conditions", self.all_conditions, outer=self.sole)

    def conditions_around(self, span: Span) -> "Iterator[Condition]":
        """Every ``if`` in whose body that place stands, tests left out."""
        if not self.is_test(span):
            for body, one in self._memory.conditions_on(span.path, span.line, self.all_conditions):
                if body.holds(span):
                    yield one

    def handlers_in(self, function: str) -> Sequence[Handler]:
        """Every ``except`` written in that function's body, tests not left out."""
        return self._memory.in_function(function, "handlers", self.all_handlers)

    def assignments_in(self, function: str) -> Sequence[Assignment]:
        """The assignments written in that function's body that are facts, tests not left out."""
        return self._memory.in_function(function, "assignments", self.all_assignments)

    def comparisons_in(self, function: str) -> Sequence[Comparison]:
        """The comparisons in that function's body, after those of the one function that calls it, tests not left out."""
        return self._memory.in_function(function, "comparisons", self.all_comparisons, outer=self.sole)

    def returns_of(self, function: str) -> Sequence[Return]:
        """The returns of that function, tests not left out."""
        return self._memory.in_function(function, "returns", self.all_returns)

    # -- settings --------------------------------------------------------------------------------------------------------------

    def config_writes(self, *keys: str, tests: bool = False) -> Iterator[ConfigWrite]:
        """The writes of these settings (every one, when none is named)."""
        if not keys:
            return self._kept(self.all_config, tests)
        if len(keys) > 1:
            return (write for write in self._kept(self.all_config, tests) if write.key in keys)
        index = self._memory.config
        if not index and self.all_config:
            for write in self.all_config:
                index.setdefault(write.key, []).append(write)
        found = index.get(next(iter(keys)))
        return iter(()) if found is None else self._kept(found, tests)

    def config_values(self, key: str) -> tuple[Value, ...]:
        """The values that were written to that setting, tests left out."""
        return tuple(write.value for write in self.config_writes(key))

    def followed(self, value: Value | None) -> tuple[Value, ...]:
        """What a value may be once settings are followed: a ConfigValue gives what was written there, else its default, else
        itself; anything else is itself; None gives nothing."""
        if not isinstance(value, ConfigValue):
            return () if value is None else (value,)
        written = self.config_values(value.key)
        return written or ((value.default,) if value.default is not None else (value,))

    # -- structure -------------------------------------------------------------------------------------------------------------

    def functions(self, *, tests: bool = False) -> Iterator[Function]:
        """Every function."""
        return self._kept(self.all_functions, tests)

    def function(self, name: str) -> Function | None:
        """The function of that qualified name."""
        known = self._memory.functions
        if not known and self.all_functions:
            known.update((function.name, function) for function in self.all_functions)
        return known.get(name)

    def classes(self, *bases: str, tests: bool = False) -> Iterator[ClassFact]:
        """The classes that have one of these resolved bases, directly or through classes of the project; every class when none is
        named."""
        if not bases:
            return self._kept(self.all_classes, tests)
        known = self._memory.heirs.get(bases)
        if known is None:
            known = self._memory.heirs[bases] = self._memory.heirs_of(bases, self.all_classes)
        return self._kept(known, tests)

    def assignments(self, *, tests: bool = False) -> Iterator[Assignment]:
        """Every assignment."""
        return self._kept(self.all_assignments, tests)

    def comparisons(self, *operators: str, tests: bool = False) -> Iterator[Comparison]:
        """The comparisons by these operators."""
        if len(operators) != 1:
            return (
                one for one in self._kept(self.all_comparisons, tests) if not operators or one.operator in operators
            )
        index = self._memory.comparisons
        if not index and self.all_comparisons:
            for one in self.all_comparisons:
                index.setdefault(one.operator, []).append(one)
        found = index.get(next(iter(operators), ""))
        return iter(()) if found is None else self._kept(found, tests)

    def conditions(self, *, tests: bool = False) -> Iterator[Condition]:
        """Every ``if``."""
        return self._kept(self.all_conditions, tests)

    def returns(self, *, tests: bool = False) -> Iterator[Return]:
        """Every return with a value."""
        return self._kept(self.all_returns, tests)

    def raises(self, *, tests: bool = False) -> Iterator[Raise]:
        """Every raise."""
        return self._kept(self.all_raises, tests)

    def handlers(self, *, tests: bool = False) -> Iterator[Handler]:
        """Every ``except``."""
        return self._kept(self.all_handlers, tests)

    def error_handlers(self, *, tests: bool = False) -> Iterator[ErrorHandler]:
        """Every registered error handler."""
        return self._kept(self.all_error_handlers, tests)

    def texts(self, *, tests: bool = False) -> Iterator[Text]:
        """Every literal text that could be a key or token by its length."""
        return self._kept(self.all_texts, tests)

    def readings(self, *sources: str, tests: bool = False) -> Iterator[Reading]:
        """Every look-up by a literal key in what a request carries; in these parts of it, where some are named
        (``flask.request.args``)."""
        if not sources:
            return self._kept(self.all_readings, tests)
        if len(sources) != 1:
            return (found for found in self._kept(self.all_readings, tests) if found.source in sources)
        index = self._memory.readings
        if not index and self.all_readings:
            for found in self.all_readings:
                index.setdefault(found.source, []).append(found)
        named = index.get(next(iter(sources)))
        return iter(()) if named is None else self._kept(named, tests)

    def files_of(self, *kinds: str) -> Iterator[TextFile]:
        """The files beside the code of these kinds."""
        return (found for found in self.text_files if found.kind in kinds)

    # -- data flow -------------------------------------------------------------------------------------------------------------

    def flows(
        self, *sinks: SinkKind, label: LabelKind | tuple[LabelKind, ...] = (), by_name: bool = True, tests: bool = False
    ) -> Iterator[Flow]:
        """The flows into these sinks (any, when none is named) that carry one of these labels (any, when none is named)."""
        from stopper.core.flow.labelled_flows import labelled_flows

        kinds: tuple[LabelKind, ...] = (label,) if isinstance(label, str) else label
        for flow in labelled_flows(self, self._memory, sinks):
            if (not kinds or flow.has(*kinds, by_name=by_name)) and (tests or not self.is_test(flow.span)):
                yield flow

    def labels(self, value: Value | None) -> frozenset[Label]:
        """What a value derives from, also through parameters and results of the project's own functions."""
        known = self._memory.labels[False].get(id(value))
        return labelling()(self, value) if known is None else known[1]

    def once(self, what: str, make: "Callable[[], Made]") -> "Made":
        """What *make* gives, asked once. Nothing in it may hold the facts themselves: they would never be freed."""
        others = self._memory.others
        if what not in others:
            others[what] = make()
        return cast("Made", others[what])

    def remembered_labels(self, numbers: bool) -> dict[int, tuple[Value, frozenset[Label]]]:
        """Where labelling keeps what it worked out, by the identity of the value."""
        return self._memory.labels[numbers]

    def derives(self, value: Value | None, *kinds: LabelKind, by_name: bool = True) -> bool:
        """That a value derives from one of these origins."""
        return any(label.kind in kinds and (by_name or not label.by_name) for label in self.labels(value))

    # -- routes ----------------------------------------------------------------------------------------------------------------

    def routes_reaching(self, function: str) -> tuple[RouteRef, ...]:
        """The routes that run that function: as view, guard, ``before_request`` or through calls. Module level (``""``) reaches
        all."""
        if not function:
            return tuple(RouteRef(method, route.path) for route in self.routes for method in route.methods)
        return self.reach.get(function, ())

    def routes_of_view(self, view: str) -> tuple[SourceRoute, ...]:
        """The routes whose view is that function (or that view class)."""
        views = self._memory.views_of(self.routes)
        return tuple(views.get(view) or views.get(view.rpartition(".")[0]) or ())

    def is_view(self, function: str) -> bool:
        """That the function answers a route."""
        return bool(self.routes_of_view(function))

    def error_handlers_of(self, function: str) -> tuple[ErrorHandler, ...]:
        """The registrations of that function as an error handler."""
        index = self._memory.handlers
        if not index and self.all_error_handlers:
            for handler in self.all_error_handlers:
                index.setdefault(handler.function, []).append(handler)
        return tuple(index.get(function, ()))

    def function_around(self, span: Span) -> str:
        """The qualified name of the innermost function around a place; ``""`` at module level."""
        return self._memory.function_around(span, self.all_functions)

    def grown(self, **changes: Any) -> "SourceFacts":
        """The same facts with more of them. What was worked out about the others stays; only for whoever makes facts."""
        made = replace(self, **changes)
        object.__setattr__(made, "_memory", self._memory)
        return made

    def _kept(self, found: "Sequence[Located]", tests: bool) -> "Iterator[Located]":
        if tests or not self.tests:
            return iter(found)
        kept = self._memory.kept.get(id(found))
        if kept is None:
            left_out = self.tests
            kept = [one for one in found if one.span is None or one.span.path not in left_out]
            # Only sequences that these facts hold come here, so an identity stays with its sequence.
            self._memory.kept[id(found)] = kept
        return iter(cast("list[Located]", kept))


def source_of(app: "App") -> SourceFacts:
    """The app's source facts; empty ones where no source was read, so that a detector need not ask."""
    return app.source if app.source is not None else SourceFacts()
