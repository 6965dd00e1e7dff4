"""Folds what is literal: texts put together, arithmetic on constants, displays joined; all of it bounded."""

import ast
import operator
import re
from collections.abc import Callable
from collections.abc import Sequence as Sequenced
from typing import Any, Final, Literal, cast

from stopper.core.keys.key_shapes import may_hold_key
from stopper.core.place import Span
from stopper.core.values import (
    Call,
    Choice,
    Constant,
    Format,
    Item,
    Mapping,
    Member,
    Name,
    Parameter,
    Plain,
    Sequence,
    Value,
    options,
)
from stopper.scan.source.drafts import (
    new_call,
    new_choice,
    new_constant,
    new_format,
    new_item,
    new_mapping,
    new_sequence,
    new_text,
    new_unknown,
)
from stopper.scan.source.picking import picked
from stopper.scan.source.reader import NOTHING, Reader, either
from stopper.scan.source.removing import MOST_ITEMS, latest

MOST_PARTS: Final = 24
MOST_TEXTS: Final = 8
LARGEST_TEXT: Final = 65536
LARGEST_BASE: Final = 1024
LARGEST_POWER: Final = 64
"""Bounds for what is folded: beyond them a value is still right, but open."""

SHORTEST_NOTED: Final = 16
LONGEST_LINE: Final = 400
TOKEN_LIKE: Final = re.compile(r"[^\s<>(){}\"']{16,4096}")
PLAIN_PERCENT: Final = re.compile("%[sd]")
PLAIN_FIELD: Final = re.compile(r"\{([A-Za-z_]\w*|\d*)\}")
OPERATORS: Final[dict[type[ast.operator], Callable[[Any, Any], Any]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: lambda one, other: one // other,
    ast.Div: lambda one, other: one / other,
    ast.Pow: lambda one, other: one**other if abs(one) <= LARGEST_BASE and 0 <= other <= LARGEST_POWER else None,
    ast.LShift: lambda one, other: one << other if abs(one) <= LARGEST_BASE and 0 <= other <= LARGEST_POWER else None,
}


def percent(template: Value, given: list[Value], node: ast.expr, reader: Reader) -> Value:
    """``template % given``: folded where the template has nothing but plain ``%s`` and ``%d`` and all is literal."""
    if type(template) is Constant and type(template.value) is str and _is_written(given):
        pieces = PLAIN_PERCENT.split(template.value)
        if len(pieces) == len(given) + 1 and "%" not in "".join(pieces):
            return _filled(reader, pieces, given, node)
    return formatted(reader, [template, *given, NOTHING], node)


def braces(template: Value, given: list[Value], named: dict[str, Value], node: ast.expr, reader: Reader) -> Value:
    """``template.format(…)``: folded where every field is plain (``{}``, ``{0}``, ``{name}``) and all is literal."""
    spread = named.get("**")
    if spread is not None and type(template) is Constant and type(template.value) is str:
        fields = [one for one in PLAIN_FIELD.findall(template.value) if one.isidentifier() and one not in named]
        members: dict[str, Value] = {
            one: new_item(spread, new_constant(one), None, reader.span(node)) for one in fields
        }
        named = {**{word: value for word, value in named.items() if word != "**" or not members}, **members}
    everything = [*given, *named.values()]
    if type(template) is Constant and type(template.value) is str and _is_written(everything):
        fields = PLAIN_FIELD.findall(template.value)
        by_name = {**{str(number): value for number, value in enumerate(given)}, **named}
        wanted = [by_name.get(field or str(number)) for number, field in enumerate(fields)]
        held = [value for value in wanted if value is not None]
        pieces = PLAIN_FIELD.sub("\0", template.value).split("\0")
        if len(held) == len(wanted) and not any(brace in "".join(pieces) for brace in "{}"):
            return _filled(reader, pieces, held, node)
    return formatted(reader, [template, *everything, NOTHING], node)


def _plain(given: list[Value]) -> list[str] | None:
    texts = [str(one.value) for one in given if type(one) is Constant and type(one.value) in (str, int)]
    return texts if len(texts) == len(given) and sum(map(len, texts)) <= LARGEST_TEXT else None


def _is_written(given: list[Value]) -> bool:
    """That each of these is a literal, or one of a few."""
    said = [one for value in given for one in options(value)]
    return _plain(said) is not None and not any(type(one) is Choice and one.every for one in given)


def _filled(reader: Reader, pieces: list[str], given: list[Value], node: ast.expr) -> Value:
    parts: list[Value] = [new_constant(pieces[0])]
    for value, piece in zip(given, pieces[1:], strict=True):
        parts += [
            value if type(value) is Choice else new_constant(str(cast("Constant", value).value)),
            new_constant(piece),
        ]
    return formatted(reader, parts, node)


def joined(reader: Reader, node: ast.JoinedStr) -> Value:
    found: list[Value] = []
    for part in node.values:
        if type(part) is ast.FormattedValue:
            inner = reader.value(part.value)
            found.append(inner)
            if part.format_spec is not None:
                reader.value(part.format_spec)
        else:
            text = cast("str", cast("ast.Constant", part).value)
            reader.project.words.add(text)
            found.append(new_constant(text))
    return formatted(reader, found, node)


def formatted(reader: Reader, found: list[Value], node: ast.expr) -> Value:
    """A text made of these parts; a Constant when all are literals."""
    if all(type(part) is Constant and type(part.value) in (str, int) for part in found):
        text = "".join(str(cast("Constant", part).value) for part in found)
        if len(text) <= LARGEST_TEXT:
            reader.project.words.add(text)
            return new_constant(text, reader.span(node))
    if any(type(part) is Choice for part in found) and (each := _each_written(reader, found, node)) is not None:
        return each
    flat: list[Value] = []
    for part in found:
        if type(part) is Format and len(flat) + len(part.parts) <= MOST_PARTS:
            flat.extend(part.parts)
        else:
            flat.append(part)
    return new_format(tuple(flat), reader.span(node))


def _each_written(reader: Reader, found: list[Value], node: ast.expr) -> Value | None:
    """The few texts that it may be where each part is a literal, or one of a few: ``f"https://{stage}.example.com"``."""
    texts = [""]
    for part in found:
        several = part.options if type(part) is Choice and not part.every else (part,)
        said = [str(one.value) for one in several if type(one) is Constant and type(one.value) in (str, int)]
        if len(said) != len(several) or len(texts) * len(said) > MOST_TEXTS:
            return None
        texts = [text + more for text in texts for more in said]
    if any(len(text) > LARGEST_TEXT for text in texts):
        return None
    reader.project.words.update(texts)
    return new_choice(tuple([new_constant(text, reader.span(node)) for text in texts]), reader.span(node))


def note_text(reader: Reader, value: str, span: Span) -> None:
    """Keep a literal text: as a word, and where it could be a key by its form."""
    reader.project.words.add(value)
    if (SHORTEST_NOTED <= len(value) <= 4096 and TOKEN_LIKE.fullmatch(value)) or (
        len(value) > 60 and "PRIVATE KEY-----" in value
    ):
        reader.project.texts.append(new_text(value, span))
    elif " " in value and len(value) <= LONGEST_LINE and (("://" in value and "@" in value) or may_hold_key(value)):
        # ``"git clone https://anna:…@git.example.com/site"``: the words of a command
        reader.project.texts += [new_text(word, span) for word in value.split() if TOKEN_LIKE.fullmatch(word)]


def binary(reader: Reader, node: ast.BinOp) -> Value:
    left, right = _left(reader, node)
    fold = OPERATORS.get(type(node.op))
    if fold is not None and type(left) is Constant and type(right) is Constant:
        folded = _fold(fold, left.value, right.value)
        if folded is not None:
            if type(folded) is str:
                note_text(reader, folded, reader.span(node))
            return new_constant(folded, reader.span(node), left.name)
    if type(node.op) is ast.Add:
        if _is_text(left) or _is_text(right):
            return formatted(reader, [left, right], node)
        if type(left) is Sequence and type(right) is Sequence:
            return sequence(left.items + right.items, left.kind, left.open or right.open, reader.span(node))
    if type(node.op) is ast.Mod and type(left) is not Name and _is_text(left):
        given = _by_name(reader, left, right) or (list(right.items) if type(right) is Sequence else [right])
        return percent(left, given, node, reader)
    if type(node.op) is ast.BitOr and type(left) is Sequence and type(right) is Sequence:
        return sequence(left.items + right.items, "set", left.open or right.open, reader.span(node))
    if type(node.op) is ast.BitAnd and (_is_a_set(left) or _is_a_set(right)):
        return new_call("?.intersection", (right,), (), False, left, reader.function, reader.span(node))
    if type(node.op) is ast.BitOr and type(left) is Mapping:
        poured = one_mapping(right, left.items)
        if type(poured) is Mapping:
            return mapping(latest(left.items + poured.items), left.open or poured.open, reader.span(node))
    if type(node.op) is ast.BitOr:  # what ``{**left, **right}`` is
        if isinstance(left, Mapping) and not left.open:
            return mapping((*left.items, (NOTHING, right)), True, reader.span(node))
        if isinstance(right, Mapping) and not right.open:
            return mapping(((NOTHING, left), *right.items), True, reader.span(node))
    return new_unknown((left, right))


def _is_a_set(value: Value) -> bool:
    if type(value) is Call:
        return value.callee in ("set", "frozenset") or (value.method in ("keys", "intersection") and not value.keywords)
    return type(value) is Sequence and value.kind == "set"


_NAMED_PERCENT: Final = re.compile(r"%\((\w+)\)[sdr]")


def _by_name(reader: Reader, template: Value, given: Value) -> list[Value]:
    """What ``"… %(name)s" % given`` takes out of a mapping that is not written there."""
    if type(template) is not Constant or type(template.value) is not str or type(given) not in _HOLDS_NAMES:
        return []
    if type(given) is Call and given.callee in ("locals", "vars", "globals"):
        return []
    names = dict.fromkeys(_NAMED_PERCENT.findall(template.value))
    reader.project.words.update(names)
    return [new_item(given, new_constant(name)) for name in names]


_HOLDS_NAMES: Final = frozenset({Call, Name, Parameter, Item, Member})


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
    return new_unknown(tuple(parts[:MOST_PARTS])), reader.value(node.right)


def _chain_constant(reader: Reader, node: ast.expr, depth: int = 24) -> Value:
    if type(node) is not ast.BinOp or depth < 0:
        return reader.value(node)
    left, right = _chain_constant(reader, node.left, depth - 1), reader.value(node.right)
    fold = OPERATORS.get(type(node.op))
    if fold is not None and type(left) is Constant and type(right) is Constant:
        folded = _fold(fold, left.value, right.value)
        if folded is not None:
            return new_constant(folded, reader.span(node))
    return new_unknown((left, right))


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


_GIVES_TEXT: Final = frozenset(
    {
        "strip",
        "lstrip",
        "rstrip",
        "lower",
        "upper",
        "casefold",
        "title",
        "capitalize",
        "removeprefix",
        "removesuffix",
        "hexdigest",
        "isoformat",
        "strftime",
    }
)
_TEXTS_OF_REQUESTS: Final = frozenset(
    f"flask.request.{word}"
    for word in (
        "host",
        "host_url",
        "url_root",
        "root_url",
        "base_url",
        "url",
        "path",
        "full_path",
        "script_root",
        "scheme",
    )
)
_GIVING_TEXT: Final = frozenset({"str", "flask.url_for", "ascii", "repr", "hex"})


def _is_text(value: Value) -> bool:
    if type(value) is Call:
        return value.callee in _GIVING_TEXT or value.method in _GIVES_TEXT
    if type(value) is Name:
        return value.dotted in _TEXTS_OF_REQUESTS
    return type(value) is Format or (type(value) is Constant and type(value.value) in (str, bytes))


def sequence(items: tuple[Value, ...], kind: Literal["list", "tuple", "set"], is_open: bool, span: Span) -> Sequence:
    """A display of bounded length."""
    return new_sequence(items[:MOST_ITEMS], kind, is_open or len(items) > MOST_ITEMS, span)


def mapping(items: tuple[tuple[Value, Value], ...], is_open: bool, span: Span) -> Mapping:
    """A mapping of bounded length."""
    return new_mapping(items[:MOST_ITEMS], is_open or len(items) > MOST_ITEMS, span)


def sliced(owner: Value, *bounds: Value) -> Value | None:
    """A part of a literal text, or of a display; None where its bounds are not seen."""
    several = owner.items if type(owner) is Sequence and not owner.open else None
    if type(owner) is not Constant and several is None:
        return None
    numbers = [one.value for one in bounds if type(one) is Constant and (one.value is None or type(one.value) is int)]
    if len(numbers) != len(bounds) or numbers[-1] == 0:
        return None
    start, stop, step = numbers
    where = slice(start, stop, step)
    if type(owner) is Sequence:
        return new_sequence(owner.items[where], owner.kind, False, owner.span)
    said = owner.value if type(owner) is Constant else None
    return new_constant(said[where], owner.span, owner.name) if isinstance(said, (str, bytes)) else None


def as_mapping(value: Value) -> Value:
    """Pairs of a key and a value as the mapping that ``dict`` and ``update`` make of them; any other value itself."""
    if type(value) is Choice or type(value) is Item:
        return one_mapping(value)
    if type(value) is not Sequence or not value.items:
        return value
    pairs = [tuple(one.items) for one in value.items if type(one) is Sequence and not one.open and len(one.items) == 2]
    if len(pairs) != len(value.items):
        return value
    return new_mapping(tuple([(one[0], one[1]) for one in pairs]), value.open, value.span)


def one_mapping(value: Value, before: Sequenced[tuple[Value, Value]] = ()) -> Value:
    """Arguments that are put together in two ways, ``**options`` of one mapping or another, or of the one in a table that a stage names,
    as one that has what each of them has. What not each of them has may be as it was *before*."""
    several = value.options if type(value) is Choice and not value.every else picked(value)
    if not several or not all(type(one) is Mapping for one in several):
        return value
    held: dict[object, list[tuple[Value, Value]]] = {}
    for one in several:
        for key, inner in one.items if type(one) is Mapping else ():
            held.setdefault(key.value if type(key) is Constant else id(key), []).append((key, inner))
    if before and any(len(same) < len(several) for same in held.values()):
        for key, inner in before:
            said = held.get(key.value if type(key) is Constant else id(key))
            if said is not None and len(said) < len(several):
                said.append((key, inner))
    pairs = [(same[0][0], either(*[inner for _, inner in same])) for same in held.values()]
    return new_mapping(tuple(pairs), any(type(one) is Mapping and one.open for one in several), value.span)
