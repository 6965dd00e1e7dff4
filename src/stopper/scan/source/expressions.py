"""From an expression to a value. Every expression is looked at once; what is worth a fact is recorded on the way."""

import ast
import operator
import re
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final, Literal, cast

from stopper.core.fact import Comparison, Text
from stopper.core.naming import sensitive
from stopper.core.place import Span
from stopper.core.values import (
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
    Plain,
    Sequence,
    Truth,
    Unknown,
    Value,
)
from stopper.scan.source import names
from stopper.scan.source.project import Module, Project, Scope

MOST_PARTS: Final = 24
MOST_ITEMS: Final = 4096
LARGEST_TEXT: Final = 65536
"""Bounds for what is folded: beyond them a value is still right, but open."""
TOKEN_LIKE: Final = re.compile(r"[^\s<>(){}\"']{16,4096}")
OPERATORS: Final[dict[type[ast.operator], Callable[[Any, Any], Any]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: lambda one, other: one // other,
    ast.Div: lambda one, other: one / other,
}
COMPARISONS: Final[dict[type[ast.cmpop], str]] = {
    ast.Eq: "==", ast.NotEq: "!=", ast.In: "in", ast.NotIn: "not in", ast.Is: "is", ast.IsNot: "is not",
    ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=",
}  # fmt: skip
NOTHING: Final = Unknown()
NONE: Final = Constant(None)


@lru_cache(maxsize=65536)
def canonical(dotted: str) -> str:
    """The one name for something that libraries offer under several."""
    if dotted.startswith("flask."):
        dotted = names.FLASK_HOMES.sub("flask.", dotted)
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

    __slots__ = ("calls", "closure", "function", "module", "owner", "path", "project", "scope", "under")

    def __init__(self, project: Project, module: Module, function: str, closure: Scope, owner: str = "") -> None:
        self.project = project
        self.module = module
        self.path = module.path
        self.function = function
        self.scope: Scope = {}
        self.closure = closure
        self.owner = owner
        self.calls: list[str] = []
        self.under: tuple[tuple[Value, bool], ...] = ()
        """The tests around the statement that is read."""

    def span(self, node: Any) -> Span:
        """Where a node stands, columns in characters."""
        column, end = node.col_offset, node.end_col_offset
        lines = self.module.lines
        if lines is not None:
            column = _characters(lines, node.lineno, column)
            end = _characters(lines, node.end_lineno, end)
        return Span(self.path, node.lineno, node.end_lineno, column + 1, end + 1)

    def value(self, node: ast.expr) -> Value:
        """The value of an expression."""
        return READERS.get(type(node), _other)(self, node)

    def values(self, nodes: list[ast.expr]) -> tuple[Value, ...]:
        """The values of several."""
        return tuple([READERS.get(type(node), _other)(self, node) for node in nodes])

    def load(self, name: str) -> Value:
        """What a plain name is bound to here."""
        found = self.scope.get(name)
        if found is None:
            found = self.closure.get(name)
            if found is None:
                found = self.module.bindings.get(name)
                if found is None:
                    return Name(name)
        return named(found, name) if sensitive(name) else found

    def dotted(self, value: Value, depth: int = 6) -> str | None:
        """The dotted name of a value, or of the class it is an instance of."""
        if type(value) is Name:
            return names.INSTANCES.get(value.dotted, value.dotted)
        if type(value) is Call:
            if value.callee in self.project.classes:
                return value.callee
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
            from stopper.scan.source.statements import read_function

            read_function(self.project, self.project.pending.pop(callee))
        return self.project.returned.get(callee, [])

    def is_config(self, value: Value) -> bool:
        """That the value is the settings of an application."""
        if type(value) is Name:
            return value.dotted in _CONFIGS
        if type(value) is Member and value.attribute == "config":
            owner = self.dotted(value.owner)
            return owner == "flask.Flask" or (owner is None and _called_app(value.owner))
        return False


_CONFIGS: Final = frozenset({"flask.current_app.config", "flask.Flask.config", "app.config", "current_app.config"})


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


def _characters(lines: list[bytes], line: int, offset: int) -> int:
    if line > len(lines):
        return offset
    return len(lines[line - 1][:offset].decode("utf-8", "replace"))


def named(value: Value, name: str) -> Value:
    """The same value, read through that name."""
    kind = type(value)
    if kind is Name and cast("Name", value).dotted == name:
        return Name(name, value.span, name)
    if kind is Constant:
        return Constant(cast("Constant", value).value, value.span, name)
    if kind is Call or value.name:
        return value
    if kind is Unknown:
        return Unknown(cast("Unknown", value).parts, value.span, name)
    return replace(value, name=name)


def either(*found: Value) -> Value:
    """One of several values, flat, each once."""
    flat: list[Value] = []
    for value in found:
        for option in value.options if type(value) is Choice and not value.every else (value,):
            if not any(option is known or _same(option, known) for known in flat):
                flat.append(option)
    if len(flat) == 1:
        return flat[0]
    return Choice(tuple(flat[:8]))


def _same(one: Value, other: Value) -> bool:
    if type(one) is Constant and type(other) is Constant:
        return type(one.value) is type(other.value) and one.value == other.value
    return type(one) is Name and type(other) is Name and one.dotted == other.dotted


def _constant(reader: Reader, node: ast.Constant) -> Value:
    value = node.value
    if type(value) is str:
        span = reader.span(node)
        if 16 <= len(value) <= 4096 and TOKEN_LIKE.fullmatch(value):
            reader.project.texts.append(Text(value, span))
        return Constant(value, span)
    if value is ...:
        return NOTHING
    return Constant(value, reader.span(node))


def _name(reader: Reader, node: ast.Name) -> Value:
    return reader.load(node.id)


def _attribute(reader: Reader, node: ast.Attribute) -> Value:
    owner = reader.value(node.value)
    return attribute(reader, owner, node.attr)


def attribute(reader: Reader, owner: Value, name: str) -> Value:
    """The value of ``owner.name``."""
    found: Value
    if type(owner) is Name:
        dotted = owner.dotted
        known = _of_project(reader, dotted, name)
        found = known if known is not None else Name(canonical(f"{dotted}.{name}"))
    else:
        if type(owner) is Call and owner.callee in reader.project.classes:
            known = reader.project.attribute(owner.callee, name)
            if known is not None:
                return named(known, name) if sensitive(name) else known
        found = Member(owner, name)
    return named(found, name) if sensitive(name) else found


def _of_project(reader: Reader, dotted: str, name: str) -> Value | None:
    if dotted in reader.project.classes:
        return reader.project.attribute(dotted, name)
    if dotted in _NOT_MODULES:
        return None
    module = reader.project.load(reader.module, dotted)
    if module is None:
        return None
    if name in module.bindings:
        return module.bindings[name]
    child = reader.project.load(reader.module, f"{dotted}.{name}")
    return Name(child.name) if child is not None else None


_NOT_MODULES: Final = frozenset({"self", "cls", "flask.request", "flask.session", "os.environ", "flask.g"})


def _subscript(reader: Reader, node: ast.Subscript) -> Value:
    owner = reader.value(node.value)
    if isinstance(node.slice, ast.Slice):
        bounds = [NONE if bound is None else reader.value(bound) for bound in (node.slice.lower, node.slice.upper)]
        if node.slice.step is not None:
            reader.value(node.slice.step)
        return Item(owner, Unknown(tuple(bounds)), None, reader.span(node))
    return item(reader, owner, reader.value(node.slice), None, node)


def item(reader: Reader, owner: Value, key: Value, default: Value | None, node: ast.expr) -> Value:
    """The value of ``owner[key]`` or ``owner.get(key, default)``."""
    text = key.value if type(key) is Constant and type(key.value) is str else None
    if type(owner) is Mapping and text is not None:
        known = owner.get(text)
        if known is None and not owner.open and default is not None:
            known = default
        if known is not None:
            return named(known, text) if sensitive(text) else known
    if type(owner) is Sequence and type(key) is Constant and type(key.value) is int and not owner.open:
        number = key.value
        if -len(owner.items) <= number < len(owner.items):
            return owner.items[number]
    name = text if text is not None and sensitive(text) else ""
    if text is not None:
        if type(owner) is Name and owner.dotted == "os.environ":
            return EnvironmentValue(text, default, reader.span(node), name)
        if reader.is_config(owner):
            return ConfigValue(text, default, reader.span(node), name)
    return Item(owner, key, default, reader.span(node), name)


def _joined(reader: Reader, node: ast.JoinedStr) -> Value:
    found: list[Value] = []
    for part in node.values:
        if type(part) is ast.FormattedValue:
            inner = reader.value(part.value)
            found.append(inner)
            if part.format_spec is not None:
                reader.value(part.format_spec)
        else:
            found.append(Constant(cast("str", cast("ast.Constant", part).value)))
    return formatted(reader, found, node)


def formatted(reader: Reader, found: list[Value], node: ast.expr) -> Value:
    """A text made of these parts; a Constant when all are literals."""
    if all(type(part) is Constant and type(part.value) in (str, int) for part in found):
        text = "".join(str(cast("Constant", part).value) for part in found)
        if len(text) <= LARGEST_TEXT:
            return Constant(text, reader.span(node))
    flat: list[Value] = []
    for part in found:
        if type(part) is Format and len(flat) + len(part.parts) <= MOST_PARTS:
            flat.extend(part.parts)
        else:
            flat.append(part)
    return Format(tuple(flat), reader.span(node))


def _binary(reader: Reader, node: ast.BinOp) -> Value:
    left, right = _left(reader, node)
    fold = OPERATORS.get(type(node.op))
    if fold is not None and type(left) is Constant and type(right) is Constant:
        folded = _fold(fold, left.value, right.value)
        if folded is not None:
            return Constant(folded, reader.span(node), left.name)
    if type(node.op) is ast.Add:
        if _is_text(left) or _is_text(right):
            return formatted(reader, [left, right], node)
        if type(left) is Sequence and type(right) is Sequence:
            return sequence(left.items + right.items, left.kind, left.open or right.open, reader.span(node))
    if type(node.op) is ast.Mod and _is_text(left):
        given = list(right.items) if type(right) is Sequence else [right]
        return formatted(reader, [left, *given, NOTHING], node)
    if type(node.op) is ast.BitOr and type(left) is Mapping and type(right) is Mapping:
        return mapping(left.items + right.items, left.open or right.open, reader.span(node))
    return Unknown((left, right))


def _left(reader: Reader, node: ast.BinOp) -> tuple[Value, Value]:
    """The two sides; a long chain of ``+`` is walked in a loop, so that a generated file cannot exhaust the stack."""
    if type(node.left) is not ast.BinOp or type(node.left.left) is not ast.BinOp:
        return reader.value(node.left), reader.value(node.right)
    chain: list[ast.expr] = []
    inner: ast.expr = node.left
    while type(inner) is ast.BinOp and type(inner.left) is ast.BinOp:
        chain.append(inner.right)
        inner = inner.left
    head = reader.value(inner)
    rest = [reader.value(part) for part in reversed(chain)]
    parts = [head, *rest]
    if any(_is_text(part) for part in parts):
        return formatted(reader, parts, node), reader.value(node.right)
    if all(type(part) is Constant for part in parts):
        return _chain_constant(reader, node.left), reader.value(node.right)
    return Unknown(tuple(parts[:MOST_PARTS])), reader.value(node.right)


def _chain_constant(reader: Reader, node: ast.expr, depth: int = 24) -> Value:
    if type(node) is not ast.BinOp or depth < 0:
        return reader.value(node)
    left, right = _chain_constant(reader, node.left, depth - 1), reader.value(node.right)
    fold = OPERATORS.get(type(node.op))
    if fold is not None and type(left) is Constant and type(right) is Constant:
        folded = _fold(fold, left.value, right.value)
        if folded is not None:
            return Constant(folded, reader.span(node))
    return Unknown((left, right))


def _fold(fold: Callable[[Any, Any], Any], left: Plain, right: Plain) -> Plain:
    numbers = isinstance(left, (int, float)) and isinstance(right, (int, float))
    texts = fold is operator.add and type(left) is type(right) and isinstance(left, (str, bytes))
    repeated = fold is operator.mul and isinstance(left, (str, bytes)) and isinstance(right, int) and 0 <= right <= 256
    if not (numbers or texts or repeated) or _size(left) + _size(right) > LARGEST_TEXT:
        return None
    try:
        return cast("Plain", fold(left, right))
    except (ArithmeticError, ValueError, MemoryError):
        return None


def _size(value: Plain) -> int:
    if isinstance(value, (str, bytes)):
        return len(value)
    # A number of more bits than a key has is a trap for whoever multiplies it on.
    return LARGEST_TEXT + 1 if isinstance(value, int) and value.bit_length() > 4096 else 0


def _is_text(value: Value) -> bool:
    return type(value) is Format or (type(value) is Constant and type(value.value) in (str, bytes))


def sequence(items: tuple[Value, ...], kind: Literal["list", "tuple", "set"], is_open: bool, span: Span) -> Sequence:
    """A display of bounded length."""
    return Sequence(items[:MOST_ITEMS], kind, is_open or len(items) > MOST_ITEMS, span)


def mapping(items: tuple[tuple[Value, Value], ...], is_open: bool, span: Span) -> Mapping:
    """A mapping of bounded length."""
    return Mapping(items[:MOST_ITEMS], is_open or len(items) > MOST_ITEMS, span)


def _display(reader: Reader, node: ast.List | ast.Tuple | ast.Set) -> Value:
    items: list[Value] = []
    is_open = False
    for element in node.elts:
        if type(element) is ast.Starred:
            inner = reader.value(element.value)
            if type(inner) is Sequence:
                items.extend(inner.items)
                is_open = is_open or inner.open
            else:
                items.append(Unknown((inner,)))
                is_open = True
        else:
            items.append(reader.value(element))
    return sequence(tuple(items), _KINDS[type(node)], is_open, reader.span(node))


_KINDS: Final[dict[type[ast.expr], Any]] = {ast.List: "list", ast.Tuple: "tuple", ast.Set: "set"}


def _dict(reader: Reader, node: ast.Dict) -> Value:
    pairs: list[tuple[Value, Value]] = []
    is_open = False
    for key, value in zip(node.keys, node.values, strict=True):
        if key is None:
            inner = reader.value(value)
            if type(inner) is Mapping:
                pairs.extend(inner.items)
                is_open = is_open or inner.open
            else:
                pairs.append((NOTHING, inner))
                is_open = True
            continue
        said, held = reader.value(key), reader.value(value)
        is_open = is_open or type(said) is not Constant
        if type(said) is Constant and type(said.value) is str and sensitive(said.value):
            held = named(held, said.value)
        pairs.append((said, held))
    return mapping(tuple(pairs), is_open, reader.span(node))


def _boolean(reader: Reader, node: ast.BoolOp) -> Value:
    found = reader.values(node.values)
    if type(node.op) is not ast.Or:
        return Choice(found, every=True)
    first = found[0]
    if (
        len(found) == 2
        and isinstance(first, (EnvironmentValue, ConfigValue, Item))
        and (first.default is None or type(first.default) is Constant)
    ):
        return _with_default(first, found[1])
    return either(*found)


def _with_default(value: EnvironmentValue | ConfigValue | Item, default: Value) -> Value:
    """``os.environ.get("X") or "d"`` means what ``.get("X", "d")`` means, nearly enough for every reader of source."""
    return replace(
        value,
        default=default
        if value.default in (None, NONE) or not cast("Constant", value.default).value
        else either(value.default, default),
    )


def _ternary(reader: Reader, node: ast.IfExp) -> Value:
    reader.value(node.test)
    return either(reader.value(node.body), reader.value(node.orelse))


def _compare(reader: Reader, node: ast.Compare) -> Value:
    left = reader.value(node.left)
    first = left
    rest: list[Value] = []
    for op, right_node in zip(node.ops, node.comparators, strict=True):
        right = reader.value(right_node)
        reader.project.comparisons.append(
            Comparison(
                COMPARISONS[type(op)], left, right, reader.span(node), reader.function, _texts(node, left, right)
            )
        )
        rest.append(right)
        left = right
    return Truth((first, *rest))


def _texts(node: ast.Compare, left: Value, right: Value) -> tuple[str, str] | None:
    if len(node.ops) != 1 or type(node.ops[0]) not in (ast.Eq, ast.NotEq):
        return None
    if type(left) is Constant or type(right) is Constant:
        return None
    return ast.unparse(node.left), ast.unparse(node.comparators[0])


def _unary(reader: Reader, node: ast.UnaryOp) -> Value:
    inner = reader.value(node.operand)
    if type(inner) is Constant:
        if type(node.op) is ast.Not:
            return Constant(not inner.value, reader.span(node))
        if type(node.op) is ast.USub and isinstance(inner.value, (int, float)):
            return Constant(-inner.value, reader.span(node))
    return Truth((inner,)) if type(node.op) is ast.Not else Unknown((inner,))


def _comprehension(reader: Reader, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp) -> Value:
    before = dict(reader.scope)
    sources: list[Value] = []
    for generator in node.generators:
        over = reader.value(generator.iter)
        sources.append(over)
        bind_target(reader, generator.target, element_of(over))
        for test in generator.ifs:
            reader.value(test)
    if type(node) is ast.DictComp:
        pair = (reader.value(node.key), reader.value(node.value))
        result: Value = Mapping((pair,), True, reader.span(node))
    else:
        made = (reader.value(cast("ast.ListComp", node).elt),)
        result = Sequence(made, "set" if type(node) is ast.SetComp else "list", True, reader.span(node))
    set_scope(reader, before)
    return result


def set_scope(reader: Reader, scope: Scope) -> None:
    """Make these the names of the scope. A module's own names are shared with other modules, so the dict stays the same object."""
    if reader.scope is reader.module.bindings:
        saved = dict(scope)
        reader.scope.clear()
        reader.scope.update(saved)
    else:
        reader.scope = scope


def element_of(value: Value) -> Value:
    """One element of what is iterated over."""
    if type(value) is Sequence and value.items:
        return either(*value.items[:8])
    if type(value) is Call and value.method in ("items", "values", "keys") and value.receiver is not None:
        return Item(value.receiver, NOTHING)
    return Item(value, NOTHING)


def bind_target(reader: Reader, target: ast.expr, value: Value) -> None:
    """Bind the names of a loop or comprehension target."""
    if type(target) is ast.Name:
        reader.scope[target.id] = value
    elif isinstance(target, (ast.Tuple, ast.List)):
        for number, element in enumerate(target.elts):
            inner = element.value if type(element) is ast.Starred else element
            part: Value = value
            if type(value) is Sequence and number < len(value.items) and not value.open:
                part = value.items[number]
            bind_target(reader, inner, part)


def _lambda(reader: Reader, node: ast.Lambda) -> Value:
    before = dict(reader.scope)
    arguments = node.args
    for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
        reader.scope[argument.arg] = Unknown(name=argument.arg if sensitive(argument.arg) else "")
    inner = reader.value(node.body)
    set_scope(reader, before)
    return Unknown((inner,))


def _walrus(reader: Reader, node: ast.NamedExpr) -> Value:
    found = reader.value(node.value)
    reader.scope[node.target.id] = found
    return found


def _inner(reader: Reader, node: Any) -> Value:
    return reader.value(node.value) if node.value is not None else NOTHING


def _other(reader: Reader, node: ast.expr) -> Value:
    found = tuple(reader.value(child) for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr))
    return Unknown(found)


# Calls are read by calls.py, which needs this file; statements.py, which knows both, adds it.
READERS: Final[dict[type[ast.expr], Callable[[Reader, Any], Value]]] = {
    ast.Constant: _constant, ast.Name: _name, ast.Attribute: _attribute, ast.Subscript: _subscript,
    ast.JoinedStr: _joined, ast.BinOp: _binary, ast.List: _display, ast.Tuple: _display, ast.Set: _display, ast.Dict: _dict,
    ast.BoolOp: _boolean, ast.IfExp: _ternary, ast.Compare: _compare, ast.UnaryOp: _unary, ast.ListComp: _comprehension,
    ast.SetComp: _comprehension, ast.GeneratorExp: _comprehension, ast.DictComp: _comprehension, ast.Lambda: _lambda,
    ast.NamedExpr: _walrus, ast.Await: _inner, ast.Yield: _inner, ast.YieldFrom: _inner, ast.Starred: _inner,
}  # fmt: skip
