"""Reads one scope: what its names are bound to, where a node stands, what class a value is of."""

import ast
from collections import defaultdict
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, Final, cast

from stopper.core.drafts import changed
from stopper.core.fact import Condition
from stopper.core.naming import sensitive
from stopper.core.place import Span
from stopper.core.values import (
    Call,
    Choice,
    Constant,
    Member,
    Name,
    Parameter,
    Unknown,
    Value,
)
from stopper.scan.source import names
from stopper.scan.source.drafts import MOST_LINES, NUMBERS, SpanDraft, new_choice, new_constant, new_name, new_unknown
from stopper.scan.source.project import Module, Project, Scope

NOTHING: Final = Unknown()

NONE: Final = Constant(None)


@lru_cache(maxsize=65536)
def canonical(dotted: str) -> str:
    """The one name for something that libraries offer under several."""
    if dotted.startswith("flask.ext."):
        dotted = f"flask_{dotted[10:]}"  # until Flask 1.0
    elif dotted.startswith("flask."):
        dotted = names.FLASK_HOMES.sub("flask.", dotted)
    elif dotted.startswith(names.FACES):
        dotted = dotted.removeprefix(names.FACES)
    moved = names.MOVED.get(dotted)
    return moved if moved is not None else dotted


@lru_cache(maxsize=65536)
def instance_of(dotted: str) -> str | None:
    """What class a call of that name gives an instance of; None where it is no class by the usual spelling."""
    known = names.INSTANCES.get(dotted)
    if known is not None:
        return known
    last = dotted.rpartition(".")[2]
    return dotted if last[:1].isupper() and not last.isupper() else None


class Reader:
    """Reads the expressions of one scope: a module's top level, a class body or a function body."""

    __slots__ = (
        "branches",
        "calls",
        "closure",
        "flags",
        "follows",
        "function",
        "loops",
        "module",
        "owner",
        "path",
        "project",
        "returned",
        "scope",
        "statements",
        "taken",
        "under",
        "unrolled",
    )

    def __init__(self, project: Project, module: Module, function: str, closure: Scope, owner: str = "") -> None:
        self.project = project
        self.module = module
        self.path = module.path
        self.function = function
        self.scope: Scope = {}
        self.closure = closure
        self.owner = owner
        self.calls: list[str] = []
        self.branches = False
        """That a conditional expression was read: which of two values it gives may hang on what the function is given."""
        self.follows = True
        """That a call of a function that only gives back a value is read as that value."""
        self.taken: list[tuple[str, Value]] = []
        """Names of mappings out of which something was taken, each with what it stood for before."""
        self.loops: list[list[Scope]] = []
        """The loops around the statement that is read, each with what names stood for where it is left by ``break``."""
        self.unrolled = False
        """That a loop over a table is read row by row: what it writes stands where the row does."""
        self.returned: ast.expr | None = None
        """What the ``return`` that is read gives back."""
        self.under: tuple[tuple[Value, bool], ...] = ()
        """The tests around the statement that is read."""
        self.statements: list[ast.stmt] | None = None
        """All statements of the function that is read."""
        self.flags: dict[str, list[tuple[Condition, bool]]] = {}
        """The flags that were set where a test held, each with that test and whether the flag is true then."""

    def span(self, node: Any) -> Span:
        """Where a node stands, columns in characters."""
        column, end = node.col_offset, node.end_col_offset
        wide = self.module.wide
        if wide is not None and (node.lineno in wide or node.end_lineno in wide):
            column = _characters(wide, node.lineno, column)
            end = _characters(wide, node.end_lineno, end)
        # Filled here and not in a function of its own: a call more for every third node would be felt.
        line: int = node.lineno
        end_line: int = node.end_lineno
        if end_line < MOST_LINES:
            line, end_line = NUMBERS[line], NUMBERS[end_line]
        made: Any = object.__new__(SpanDraft)
        made.path = self.path
        made.line = line
        made.end_line = end_line
        made.column = column + 1
        made.end_column = end + 1
        made.__class__ = Span
        return made  # type: ignore[no-any-return]

    def value(self, node: ast.expr) -> Value:
        """The value of an expression."""
        return READERS[type(node)](self, node)

    def values(self, nodes: list[ast.expr]) -> tuple[Value, ...]:
        """The values of several."""
        return tuple([READERS[type(node)](self, node) for node in nodes])

    def load(self, name: str) -> Value:
        """What a plain name is bound to here."""
        found = self.scope.get(name)
        if found is None:
            found = self.closure.get(name)
            if found is None:
                found = self.module.bindings.get(name)
                if found is None:
                    return new_name(name)
        return named(found, name) if sensitive(name) else found

    def dotted(self, value: Value, depth: int = 6) -> str | None:
        """The dotted name of a value, or of the class it is an instance of."""
        if type(value) is Name:
            return names.INSTANCES.get(value.dotted, value.dotted)
        if type(value) is Call:
            if value.callee in self.project.classes:
                return self._class_of(value.callee)
            known = instance_of(value.callee)
            if known is not None:
                return known
            return self._dotted_result(value.callee, depth)
        if type(value) is Member:
            owner = self.dotted(value.owner, depth - 1) if depth else None
            if owner is None:
                return None
            joined = f"{owner}.{value.attribute}"
            return names.INSTANCES.get(joined, joined)
        if type(value) is Parameter:
            return _class_of_parameter(value.parameter)
        if type(value) is Choice and depth:
            for option in value.options:
                found = self.dotted(option, depth - 1)
                if found is not None and (type(option) is not Constant):
                    return found
        return None

    def _class_of(self, name: str) -> str:
        """The class of the project of that name, or the library's where it is derived from one that routes hang on."""
        if self.project.is_app(name):
            return "flask.Flask"
        return "flask.Blueprint" if self.project.is_blueprint(name) else name

    def _dotted_result(self, callee: str, depth: int) -> str | None:
        if not depth:
            return None
        for result in self.results(callee):
            found = self.dotted(result, depth - 1)
            if found is not None:
                return found
        return None

    def results(self, callee: str) -> list[Value]:
        """What a function of the project returns, read now if it is still waiting."""
        if callee in self.project.pending:
            from stopper.scan.source.definitions import read_function

            read_function(self.project, self.project.pending.pop(callee))
        return self.project.returned.get(callee, [])

    def is_config(self, value: Value) -> bool:
        """That the value is the settings of an application."""
        if type(value) is Name:
            return value.dotted in CONFIGS or value.dotted.endswith(".app.config")
        if type(value) is Member and value.attribute == "config":
            owner = self.dotted(value.owner)
            return owner == "flask.Flask" or (owner is None and _called_app(value.owner))
        return False


CONFIGS: Final = frozenset({"flask.current_app.config", "flask.Flask.config", "app.config", "current_app.config"})
"""The settings of an application, by name."""


def _called_app(value: Value) -> bool:
    return isinstance(value, (Name, Parameter, Member)) and (
        (isinstance(value, Member) and value.attribute in names.APP_NAMES)
        or (isinstance(value, Parameter) and value.parameter in names.APP_NAMES)
    )


def _class_of_parameter(name: str) -> str | None:
    if name in names.APP_NAMES:
        return "flask.Flask"
    if name in names.BLUEPRINT_NAMES:
        return "flask.Blueprint"
    return "logging.Logger" if names.LOGGER_NAME.match(name) else None


def wide_lines(lines: Iterable[str]) -> dict[int, bytes]:
    """The lines that are not plain ASCII, as bytes, by their number."""
    return {number: line.encode("utf-8", "replace") for number, line in enumerate(lines, 1) if not line.isascii()}


def _characters(wide: dict[int, bytes], line: int, offset: int) -> int:
    held = wide.get(line)
    return offset if held is None else len(held[:offset].decode("utf-8", "replace"))


def named(value: Value, name: str) -> Value:
    """The same value, read through that name."""
    kind = type(value)
    if kind is Name and cast("Name", value).dotted == name:
        return new_name(name, value.span, name)
    if kind is Constant:
        return new_constant(cast("Constant", value).value, value.span, name)
    if kind is Call or value.name:
        return value
    if kind is Unknown:
        return new_unknown(cast("Unknown", value).parts, value.span, name)
    return changed(value, name=name)


def either(*found: Value) -> Value:
    """One of several values, flat, each once."""
    flat: list[Value] = []
    for value in found:
        for option in value.options if type(value) is Choice and not value.every else (value,):
            if not any(option is known or _same(option, known) for known in flat):
                flat.append(option)
    if len(flat) == 1:
        return flat[0]
    return new_choice(tuple(flat[:8]))


def _same(one: Value, other: Value) -> bool:
    if type(one) is Constant and type(other) is Constant:
        return type(one.value) is type(other.value) and one.value == other.value
    return type(one) is Name and type(other) is Name and one.dotted == other.dotted


def set_scope(reader: Reader, scope: Scope) -> None:
    """Make these the names of the scope. A module's own names are shared with other modules, so the dict stays the same object."""
    if reader.scope is reader.module.bindings:
        saved = dict(scope)
        reader.scope.clear()
        reader.scope.update(saved)
    else:
        reader.scope = scope


def _other(reader: Reader, node: ast.expr) -> Value:
    found = tuple(reader.value(child) for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr))
    return new_unknown(found)


READERS: Final[defaultdict[type[ast.expr], Callable[[Reader, Any], Value]]] = defaultdict(lambda: _other)
"""How each kind of expression is read; :mod:`stopper.scan.source.statements` brings the kinds together."""
