"""From an expression to a value. Every expression is looked at once; what is worth a fact is recorded on the way."""

import ast
from collections.abc import Callable
from typing import Any, Final, cast

from stopper.core.drafts import changed
from stopper.core.naming import sensitive
from stopper.core.outgoing.held_headers import NAME_OF_HEADER
from stopper.core.values import (
    Call,
    Choice,
    ConfigValue,
    Constant,
    EnvironmentValue,
    Item,
    Mapping,
    Member,
    Name,
    Parameter,
    Sequence,
    Truth,
    Value,
)
from stopper.scan.source.cursors import column_of, statement_before
from stopper.scan.source.drafts import (
    new_assignment,
    new_choice,
    new_comparison,
    new_condition,
    new_constant,
    new_item,
    new_mapping,
    new_name,
    new_sequence,
    new_truth,
    new_unknown,
)
from stopper.scan.source.elements import element_in
from stopper.scan.source.folding import SHORTEST_NOTED, binary, joined, mapping, note_text, one_mapping, sequence
from stopper.scan.source.lookups import attribute_node, item, subscript
from stopper.scan.source.loops import is_table
from stopper.scan.source.names import DRAWN
from stopper.scan.source.picking import debug_flag, holds_for_tests
from stopper.scan.source.project import Pending
from stopper.scan.source.reader import NONE, NOTHING, Reader, either, named, set_scope
from stopper.scan.source.refusing import is_abort, or_refused, turned, two_ways, unless_refused
from stopper.scan.source.removing import latest, or_as_before
from stopper.scan.source.settled import outcome
from stopper.scan.source.unrolling import unrolled

COMPARISONS: Final[dict[type[ast.cmpop], str]] = {
    ast.Eq: "==", ast.NotEq: "!=", ast.In: "in", ast.NotIn: "not in", ast.Is: "is", ast.IsNot: "is not",
    ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=",
}  # fmt: skip


def _constant(reader: Reader, node: ast.Constant) -> Value:
    value = node.value
    if type(value) is str:
        span = reader.span(node)
        if len(value) < SHORTEST_NOTED:
            reader.project.words.add(value)
        else:
            note_text(reader, value, span)
        return new_constant(value, span)
    if value is ...:
        return NOTHING
    return new_constant(value, reader.span(node))


def _name(reader: Reader, node: ast.Name) -> Value:
    found = reader.scope.get(node.id)
    return reader.load(node.id) if found is None or sensitive(node.id) else found


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
                items.append(new_unknown((inner,)))
                is_open = True
        else:
            items.append(reader.value(element))
    return sequence(tuple(items), _KINDS[type(node)], is_open, reader.span(node))


_KINDS: Final[dict[type[ast.expr], Any]] = {ast.List: "list", ast.Tuple: "tuple", ast.Set: "set"}


def _dict(reader: Reader, node: ast.Dict) -> Value:
    pairs: list[tuple[Value, Value]] = []
    is_open = spread = False
    for key, value in zip(node.keys, node.values, strict=True):
        if key is None:
            inner = one_mapping(reader.value(value), pairs)
            if type(inner) is Mapping:
                pairs.extend(inner.items)
                spread = True
                is_open = is_open or inner.open
            else:
                pairs.append((NOTHING, inner))
                is_open = True
            continue
        said = reader.value(key)
        held = reader.value(value) if type(value) is not ast.Lambda or reader.function else as_function(reader, value)
        is_open = is_open or type(said) is not Constant
        if type(said) is Constant and type(said.value) is str and sensitive(said.value):
            held = named(held, said.value)
        pairs.append((said, held))
    return mapping(latest(pairs) if spread else tuple(pairs), is_open, reader.span(node))


def _boolean(reader: Reader, node: ast.BoolOp) -> Value:
    if is_abort(node.values[-1]):
        return or_refused(reader, node)
    first = reader.value(node.values[0])
    taken = len(reader.taken)
    found = (first, *reader.values(node.values[1:]))
    or_as_before(reader, taken)
    if type(node.op) is not ast.Or:
        return new_choice(found, every=True)
    if (
        len(found) == 2
        and isinstance(first, (EnvironmentValue, ConfigValue, Item))
        and (first.default is None or type(first.default) is Constant)
    ):
        return _with_default(first, found[1])
    return either(*found)


def _with_default(value: EnvironmentValue | ConfigValue | Item, default: Value) -> Value:
    """``os.environ.get("X") or "d"`` means what ``.get("X", "d")`` means, nearly enough for every reader of source."""
    return changed(
        value,
        default=default
        if value.default in (None, NONE) or not cast("Constant", value.default).value
        else either(value.default, default),
    )


def _ternary(reader: Reader, node: ast.IfExp) -> Value:
    reader.branches = True
    if is_abort(node.orelse) or is_abort(node.body):
        return unless_refused(reader, node)
    test, negated = turned(node.test)
    asked = reader.value(test)
    flag = debug_flag(test, asked) if type(asked) is not Call else None
    returned = flag is None and reader.returned is node and holds_for_tests(asked, negated) is None
    literal = type(node.body) is ast.Constant and type(node.orelse) is ast.Constant
    if flag is None and not returned and (_is_worth_keeping(asked) or (literal and type(asked) is Truth)):
        _keep_condition(reader, test, asked, negated, node.body)
        _keep_condition(reader, test, asked, not negated, node.orelse)
    elif flag is not None:
        place, shown = reader.span(test), node.orelse if negated else node.body
        reader.project.conditions.append(
            new_condition(flag, False, False, False, place, reader.function, reader.span(shown))
        )
    taken = len(reader.taken)
    known = _or_default(reader, node)
    if known is not None:
        body, orelse = known, known
    elif returned:
        body, orelse = two_ways(reader, node, asked, negated)
    else:
        body, orelse = reader.value(node.body), reader.value(node.orelse)
    or_as_before(reader, taken)
    tests = holds_for_tests(asked, negated)
    if tests is not None:  # ``4 if app.testing else 12``: what is where people are served
        return orelse if tests else body
    settled = outcome(reader, node.test)
    return either(body, orelse) if settled is None else body if settled else orelse


def _is_worth_keeping(asked: Value) -> bool:
    """What a name or a comparison is asked inside an expression stands in other facts."""
    return type(asked) in (Call, Member) or (type(asked) is Choice and asked.every)


def _keep_condition(reader: Reader, test: ast.expr, asked: Value, negated: bool, body: ast.expr) -> None:
    place, shown = reader.span(test), reader.span(body)
    reader.project.conditions.append(new_condition(asked, negated, False, False, place, reader.function, shown))


def _or_default(reader: Reader, node: ast.IfExp) -> Value | None:
    """``held[key] if key in held else other``, which is ``held.get(key, other)``."""
    match node.test:
        case ast.Compare(left=key, ops=[ast.In() | ast.NotIn() as op], comparators=[held]):
            there, other = (node.body, node.orelse) if type(op) is ast.In else (node.orelse, node.body)
        case _:
            return None
    if type(there) is not ast.Subscript or type(key) not in (ast.Name, ast.Constant):
        return None
    if ast.dump(there.slice) != ast.dump(key) or ast.dump(there.value) != ast.dump(held):
        return None
    return item(reader, reader.value(held), reader.value(key), reader.value(other), node)


def _compare(reader: Reader, node: ast.Compare) -> Value:
    left = reader.value(node.left)
    first = left
    rest: list[Value] = []
    for op, right_node in zip(node.ops, node.comparators, strict=True):
        right = reader.value(right_node)
        reader.project.comparisons.append(
            new_comparison(
                COMPARISONS[type(op)], left, right, reader.span(node), reader.function, _texts(node, left, right)
            )
        )
        if type(left) is Sequence and type(right) is Sequence and type(op) in (ast.Eq, ast.NotEq):
            _pairwise(reader, node, op, left, right)
        rest.append(right)
        left = right
    return new_truth((first, *rest), differs=len(rest) == 1 and type(node.ops[0]) in (ast.NotEq, ast.NotIn, ast.IsNot))


def _pairwise(reader: Reader, node: ast.Compare, op: ast.cmpop, left: Sequence, right: Sequence) -> None:
    """``(scheme, given) == ("sha256", wanted)`` compares each with its other."""
    if left.open or right.open or len(left.items) != len(right.items):
        return
    for one, other in zip(left.items, right.items, strict=True):
        reader.project.comparisons.append(
            new_comparison(COMPARISONS[type(op)], one, other, reader.span(node), reader.function, None)
        )


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
            return new_constant(not inner.value, reader.span(node))
        if type(node.op) is ast.USub and isinstance(inner.value, (int, float)):
            return new_constant(-inner.value, reader.span(node))
        if type(node.op) is ast.UAdd:
            return inner
    return new_truth((inner,)) if type(node.op) is ast.Not else new_unknown((inner,))


def _comprehension(reader: Reader, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp) -> Value:
    before = dict(reader.scope)
    sources: list[Value] = []
    first = reader.value(node.generators[0].iter)
    known = unrolled(reader, node, first, bind_target)
    if known is not None:
        set_scope(reader, before)
        return known
    for number, generator in enumerate(node.generators):
        over = statement_before(reader, generator.iter, reader.value(generator.iter) if number else first)
        sources.append(over)
        bind_target(reader, generator.target, element_in(reader, over))
        for said in generator.ifs:
            test, negated = turned(said)
            asked = reader.value(test)
            if _is_worth_keeping(asked):
                _keep_condition(reader, test, asked, negated, node.key if isinstance(node, ast.DictComp) else node.elt)
    if type(node) is ast.DictComp:
        pair = (reader.value(node.key), reader.value(node.value))
        result: Value = new_mapping((pair,), True, reader.span(node))
    else:
        made = (reader.value(cast("ast.ListComp", node).elt),)
        result = new_sequence(made, "set" if type(node) is ast.SetComp else "list", True, reader.span(node))
    set_scope(reader, before)
    return result


def test_aside(reader: Reader, test: ast.expr) -> None:
    """Read what a ``while`` or the ``if`` within a comprehension tests, and keep its place where it calls something."""
    before = len(reader.calls)
    reader.value(test)
    if len(reader.calls) > before:
        reader.project.asides.append(reader.span(test))


def bind_target(reader: Reader, target: ast.expr, value: Value) -> None:
    """Bind the names of a loop or comprehension target."""
    if type(target) is ast.Name:
        reader.scope[target.id] = value
    elif isinstance(target, (ast.Tuple, ast.List)):
        for number, element in enumerate(target.elts):
            inner = element.value if type(element) is ast.Starred else element
            part: Value = (
                NAME_OF_HEADER
                if number == 0 and len(target.elts) > 1 and _is_of_headers(value)
                else column_of(value, number)
            )
            if type(value) is Sequence and number < len(value.items) and not value.open:
                part = value.items[number]
            elif _is_row_handed_over(value):
                part = new_item(value, new_constant(number))
            elif type(value) is Choice and all(_holds(one, number) for one in value.options):
                column = tuple(one.items[number] for one in value.options if type(one) is Sequence)
                part = new_choice(column) if is_table(value.options) else either(*column)
            bind_target(reader, inner, part)


def _is_row_handed_over(value: Value) -> bool:
    """One of what a parameter holds, taken apart: ``for path, view in rows``."""
    return type(value) is Item and type(value.owner) is Parameter and value.key is NOTHING


def _is_of_headers(value: Value) -> bool:
    """One of the request's headers, which come in pairs of a name and a value: the name alone tells nothing."""
    return type(value) is Item and type(value.owner) is Name and value.owner.dotted == "flask.request.headers"


def _holds(value: Value, number: int) -> bool:
    return type(value) is Sequence and number < len(value.items) and not value.open


def _lambda(reader: Reader, node: ast.Lambda) -> Value:
    before = dict(reader.scope)
    arguments = node.args
    for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
        reader.scope[argument.arg] = new_unknown(name=argument.arg if sensitive(argument.arg) else "")
    inner = reader.value(node.body)
    set_scope(reader, before)
    return new_unknown((inner,))


def as_function(reader: Reader, node: ast.Lambda) -> Value:
    """A lambda in a table of a module, as a function of its own."""
    qualified = f"{reader.module.name}.<lambda {node.lineno}:{node.col_offset}>"
    reader.project.pending[qualified] = Pending(node, reader.module, qualified, reader.closure, "")
    return new_name(qualified)


def _walrus(reader: Reader, node: ast.NamedExpr) -> Value:
    found = reader.value(node.value)
    name = node.target.id
    reader.scope[name] = found
    if reader.function and (sensitive(name) or (name.endswith(DRAWN) and type(found) is not Constant)):
        reader.project.assignments.append(new_assignment(name, name, found, reader.span(node), reader.function))
    return found


def _yielded(reader: Reader, node: ast.Yield | ast.YieldFrom) -> Value:
    value = _inner(reader, node)
    if reader.function and not (type(value) is Constant and type(value.value) is not str):
        reader.project.yielded.setdefault(reader.function, []).append((value, reader.span(node)))
    return value


def _inner(reader: Reader, node: Any) -> Value:
    return reader.value(node.value) if node.value is not None else NOTHING


EXPRESSIONS: Final[dict[type[ast.expr], Callable[[Reader, Any], Value]]] = {
    ast.Constant: _constant, ast.Name: _name, ast.Attribute: attribute_node, ast.Subscript: subscript,
    ast.JoinedStr: joined, ast.BinOp: binary, ast.List: _display, ast.Tuple: _display, ast.Set: _display, ast.Dict: _dict,
    ast.BoolOp: _boolean, ast.IfExp: _ternary, ast.Compare: _compare, ast.UnaryOp: _unary, ast.ListComp: _comprehension,
    ast.SetComp: _comprehension, ast.GeneratorExp: _comprehension, ast.DictComp: _comprehension, ast.Lambda: _lambda,
    ast.NamedExpr: _walrus, ast.Await: _inner, ast.Yield: _yielded, ast.YieldFrom: _yielded, ast.Starred: _inner,
}  # fmt: skip
