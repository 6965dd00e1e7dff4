"""Comprehensions over what is seen, element by element: ``{f"JWT_{key.upper()}": value for key, value in settings.items()}``."""

import ast
from collections.abc import Callable
from typing import Final

from stopper.core.values import Call, Choice, Constant, Item, Mapping, Sequence, Value
from stopper.scan.source.drafts import new_mapping, new_sequence
from stopper.scan.source.dumped import poured_in
from stopper.scan.source.loops import mapping_by_setting
from stopper.scan.source.project import Project
from stopper.scan.source.reader import Reader

Comprehension = ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp
MOST_UNROLLED: Final = 48
TEXT_METHODS: Final = frozenset({
    "strip", "lower", "upper", "encode", "decode", "lstrip", "rstrip", "title", "removeprefix", "removesuffix", "replace", "capitalize",
    "casefold", "swapcase", "hex",
})  # fmt: skip
"""Methods of texts and bytes that make another text of one."""
_ASKED: Final = frozenset(
    {"isupper", "islower", "isidentifier", "startswith", "endswith", "isdigit", "isalpha", "isalnum"}
)
_RECORDING: Final = (
    ast.Compare, ast.Lambda, ast.NamedExpr, ast.Await, ast.ListComp, ast.DictComp, ast.GeneratorExp, ast.SetComp,
)  # fmt: skip
"""Expressions that are facts each time they are read."""


def unrolled(
    reader: Reader, node: Comprehension, over: Value, bind: Callable[[Reader, ast.expr, Value], None]
) -> Value | None:
    """What it is, element by element; None where that is not seen, or where it would be a fact for each of them. The names of its target
    are bound on the way."""
    generator = node.generators[0]
    made: tuple[ast.expr, ...] = (node.key, node.value) if isinstance(node, ast.DictComp) else (node.elt,)
    if len(node.generators) > 1 or not all(map(_is_plain, made)):
        return None
    turns = _turns(reader.project, over)
    if turns is None:
        return None
    elements, is_open = turns
    pairs = type(generator.target) is not ast.Name
    if not elements or len(elements) > MOST_UNROLLED or not (pairs or all(type(one) is Constant for one in elements)):
        return None
    rows: list[tuple[Value, ...]] = []
    for one in elements:
        bind(reader, generator.target, one)
        kept = [_holds(reader, test) for test in generator.ifs]
        if None in kept:
            return None
        if all(kept):
            rows.append(reader.values(list(made)))
    if type(node) is ast.DictComp:
        return new_mapping(tuple([(key, value) for key, value in rows]), is_open, reader.span(node))
    held = tuple([row[0] for row in rows])
    return new_sequence(held, "set" if type(node) is ast.SetComp else "list", is_open, reader.span(node))


def rows_of_settings(
    project: Project, node: ast.For | ast.AsyncFor, over: Value, element: Callable[[], Value]
) -> tuple[Value, ...] | None:
    """The rows of a table in the source, where the loop over it does nothing but put each under a name: ``app.config[name] = cast(value)``.
    None for any other loop, which is read once."""
    if node.orelse or len(node.body) > 3 or not all(map(_puts, node.body)) or type(node.target) is ast.Name:
        return None
    turns = _turns(project, over)
    if turns is None or not 0 < len(turns[0]) <= MOST_UNROLLED:
        return None
    if not turns[1]:
        return turns[0]
    # ``{**DEFAULTS, **given}.items()``: what else may come is put there too, as the *element* that any turn has
    pairs = all(type(row) is Sequence and len(row.items) == 2 for row in turns[0])
    return (*turns[0], element()) if pairs and type(node.target) is ast.Tuple else None


def _puts(statement: ast.stmt) -> bool:
    if type(statement) is ast.Assign:
        return len(statement.targets) == 1 and type(statement.targets[0]) in (ast.Subscript, ast.Name)
    call = statement.value if type(statement) is ast.Expr else None
    if type(call) is not ast.Call:
        return False
    if type(call.func) is ast.Name:
        return call.func.id == "setattr"
    return type(call.func) is ast.Attribute and call.func.attr in ("setdefault", "update")


def _turns(project: Project, over: Value) -> tuple[tuple[Value, ...], bool] | None:
    """The elements that going through it gives one by one, and whether there may be more."""
    if type(over) is Sequence:
        return None if over.open else (over.items, False)
    held, word = (over.receiver, over.method) if type(over) is Call and not over.args else (over, "keys")
    held = mapping_by_setting(held) if type(held) is Item else held if held is None else poured_in(project, held)
    if type(held) is not Mapping or word not in ("items", "keys", "values"):
        return None
    seen = [(key, value) for key, value in held.items if type(key) is Constant]
    if word == "items":
        return tuple([Sequence(pair, "tuple") for pair in seen]), held.open
    return tuple([pair[0 if word == "keys" else 1] for pair in seen]), held.open


def _is_plain(node: ast.expr) -> bool:
    """That reading it several times records nothing several times: nothing in it is called or compared, but for what makes texts."""
    return all(
        not isinstance(one, _RECORDING) and (type(one) is not ast.Call or _makes_text(one)) for one in ast.walk(node)
    )


def _makes_text(call: ast.Call) -> bool:
    if type(call.func) is ast.Name:
        return call.func.id in ("getattr", "str", "int", "chr", "bool")
    return type(call.func) is ast.Attribute and call.func.attr in TEXT_METHODS and type(call.func.value) is not ast.Call


def _holds(reader: Reader, test: ast.expr) -> bool | None:
    """Whether the condition of a comprehension holds for the element at hand; what nobody has set yet is taken to be set."""
    match test:
        case ast.UnaryOp(op=ast.Not(), operand=inner):
            told = _holds(reader, inner)
            return None if told is None else not told
        case ast.BoolOp(op=op, values=several):
            each = [_holds(reader, one) for one in several]
            if None in each:
                return None
            return all(each) if isinstance(op, ast.And) else any(each)
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            return _compared(op, _plain(reader, left), _plain(reader, right))
        case ast.Call(func=ast.Attribute(value=ast.Name() as name, attr=word), args=given, keywords=[]) if (
            word in _ASKED
        ):
            text, said = _plain(reader, name), [_plain(reader, one) for one in given]
            if (
                type(text) is not Constant
                or type(text.value) is not str
                or any(type(one) is not Constant for one in said)
            ):
                return None
            plain = [one.value for one in said if type(one) is Constant and type(one.value) is str]
            wanted = 1 if word in ("startswith", "endswith") else 0
            return bool(getattr(text.value, word)(*plain)) if len(plain) == len(said) == wanted else None
        case ast.Name():
            return _is_full(_plain(reader, test))
        case _:
            return None


def _is_full(value: Value | None) -> bool:
    if isinstance(value, (Mapping, Sequence)):
        return bool(value.items)
    return bool(value.value) if isinstance(value, Constant) else True


def _plain(reader: Reader, node: ast.expr) -> Value | None:
    """A name's value, a literal, or a display of literals: what can be read without recording anything."""
    return reader.value(node) if isinstance(node, (ast.Name, ast.Constant, ast.Tuple, ast.Set, ast.List)) else None


def _compared(op: ast.cmpop, left: Value | None, right: Value | None) -> bool | None:
    if isinstance(op, (ast.Is, ast.IsNot)):
        if type(right) is not Constant or left is None or type(left) is Choice:
            return None
        return (type(left) is Constant and left.value is right.value) is isinstance(op, ast.Is)
    if type(left) is not Constant:
        return None
    if isinstance(op, (ast.Eq, ast.NotEq)) and type(right) is Constant:
        return (left.value == right.value) is isinstance(op, ast.Eq)
    if isinstance(op, (ast.In, ast.NotIn)):
        several = right.items if type(right) is Sequence and not right.open else None
        if type(right) is Mapping and not right.open:
            several = tuple([key for key, _ in right.items])
        if several is None or not all(type(one) is Constant for one in several):
            return None
        return any(type(one) is Constant and one.value == left.value for one in several) is isinstance(op, ast.In)
    return None
