"""A statement of SQL that is put together, written anew with placeholders and the values beside it."""

import ast
import keyword
import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Final, cast

_VALUE: Final = re.compile(r"(?is)(?:[=<>]|\blike|\bilike|\bglob|\bbetween|\bbetween\s+\S+\s+and)\s*\Z")
"""What stands before a value of a condition; a name of a column or table stands behind other words."""
_LISTED: Final = re.compile(r"(?is)\bvalues\s*(?:\([^()]*\)\s*,\s*)*\([^()]*\Z")
_ENDS: Final = re.compile(r"\s|[),;]|\Z")
_PAGE: Final = re.compile(r"(?is)\b(?:limit|offset)\s*\Z")
"""Where SQLite takes a text for a number, and other drivers do not."""
_TAKES: Final = re.compile(r"(?is)\s*(?:select|insert|update|delete|replace|with)\b")
"""Statements that take placeholders wherever a value stands."""
_NUMBER: Final = re.compile(
    r"(?i)(?:.*_)?(?:id|uid|pk|no|num|number|limit|offset|page|size|count|age|year|amount|price|quantity|qty)"
)
"""What is called so is a value also where no quotes stand round it; else it may be a piece of SQL."""
_SEVERAL: Final = re.compile(r"(?i)(?:.*_)?(?:pairs?|args|params|values|tuple|row|data|items)")
_ESCAPES: Final = re.compile(r"(?i)replace|escape|quote|adapt|literal|mogrify|join|format|translate")
_READS: Final = frozenset({"get", "format", "str", "int", "get_json", "strip", "lower", "upper"})
"""Calls that give the same one statement later."""
_BOUND: Final = re.compile(r"(?<!:):[A-Za-z_]")
_PARTS_MOST: Final = 60
_PERCENT: Final = re.compile(r"%(s|%)|%.?")
_BRACES: Final = re.compile(r"\{\{|\}\}|\{(\w*)\}|[{}]")
_WORD: Final = re.compile(r"[A-Za-z_]\w*")

Piece = str | ast.expr
Source = Callable[[ast.expr], str]
"""The source text of an expression."""


def bound(scope: ast.AST, call: ast.Call, mark: str, source: Source) -> list[tuple[ast.expr, str]] | None:
    """The expressions to replace in *scope*, the function around *call*, and what stands there then.

    *mark* is the placeholder: ``?`` and ``%s`` of the drivers, with the values as second argument, or ``:`` for ``text()`` of SQLAlchemy,
    with the values in ``bindparams()``. None where one part is no value, such as a column's name, or where the text is used twice.
    """
    if len(call.args) != 1 or call.keywords or isinstance(call.args[0], ast.Starred):
        return None
    given = call.args[0]
    made = _given_once(scope, given, call) if isinstance(given, ast.Name) else given
    pieces = None if made is None else _pieces(made)
    if made is None or pieces is None:
        return None
    statement = _Statement(mark, source)
    begins = isinstance(pieces[0], str) and _TAKES.match(pieces[0]) is not None
    if not begins or not statement.read(pieces) or not statement.values:
        return None
    text = _literal(statement.text)
    if mark == ":":
        named = ", ".join(f"{name}={value}" for name, value in statement.values)
        return [(call, f"{source(call.func)}({text}).bindparams({named})")] if made is given else None
    values = ", ".join(value for _, value in statement.values)
    beside = f"({values},)" if len(statement.values) == 1 else f"({values})"
    if made is given:
        return [(given, f"{text}, {beside}")]
    return [(made, text), (given, f"{source(given)}, {beside}")]


def _given_once(scope: ast.AST, name: ast.Name, call: ast.Call) -> ast.expr | None:
    """What the name is given, where it is given something once, right before the statement in which it is used once: what it is made of is read
    there then, and must be the same."""
    used = [one for one in ast.walk(scope) if isinstance(one, ast.Name) and one.id == name.id]
    made = [
        one.value
        for one in ast.walk(scope)
        if isinstance(one, ast.Assign) and [getattr(part, "id", "") for part in one.targets] == [name.id]
    ]
    if len(used) != 2 or len(made) != 1 or not _follows(scope, made[0], call):
        return None
    calls = [one.func for one in ast.walk(made[0]) if isinstance(one, ast.Call)]
    return made[0] if all(getattr(one, "attr", getattr(one, "id", "")) in _READS for one in calls) else None


def _follows(scope: ast.AST, made: ast.expr, call: ast.Call) -> bool:
    """That the call stands in the statement after, or first in a ``with`` or ``try`` there; a loop would ask for later values."""
    for node in ast.walk(scope):
        for block in (getattr(node, field, None) for field in ("body", "orelse", "finalbody")):
            statements = cast("list[ast.stmt]", block) if isinstance(block, list) else list[ast.stmt]()
            for one, following in pairwise(statements):
                if isinstance(one, ast.Assign) and one.value is made:
                    first = following.body[0] if isinstance(following, (ast.With, ast.Try)) else following
                    return not hasattr(first, "body") and any(part is call for part in ast.walk(first))
    return False


def _pieces(node: ast.expr) -> list[Piece] | None:
    """The texts and expressions that make the statement, in their order; texts beside each other are one."""
    whole: list[Piece] = []
    for piece in (piece for operand in _operands(node) for piece in _each(operand)):
        if piece is None or len(whole) > _PARTS_MOST:
            return None
        last = whole[-1] if whole else None
        if isinstance(piece, str) and isinstance(last, str):
            whole[-1] = last + piece
        else:
            whole.append(piece)
    return whole or None


def _operands(node: ast.expr) -> list[ast.expr]:
    """What ``a + b + c`` adds, in its order."""
    found: list[ast.expr] = []
    while isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        found.append(node.right)
        node = node.left
    return [node, *reversed(found)]


def _each(node: ast.expr) -> Iterator[Piece | None]:
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.JoinedStr(values=values):
            for one in values:
                if isinstance(one, ast.FormattedValue):
                    yield one.value if one.conversion == -1 and one.format_spec is None else None
                else:
                    yield from _each(one)
        case ast.BinOp(op=ast.Mod(), left=ast.Constant(value=str(text)), right=right):
            if isinstance(right, ast.Name) and _SEVERAL.fullmatch(right.id):
                yield None  # it may be a tuple
            yield from _filled(text, list(right.elts) if isinstance(right, ast.Tuple) else [right])
        case ast.Call(func=ast.Attribute(attr="format", value=ast.Constant(value=str(text))), args=args, keywords=more):
            yield from _formatted(text, args, more)
        case _:
            yield node if _is_plain(node) else None


def _is_plain(node: ast.expr) -> bool:
    """A variable, member or call; not one that made it ready for the text: ``name.replace("'", "''")``, ``quote(name)``."""
    called = (one.func for one in ast.walk(node) if isinstance(one, ast.Call))
    return isinstance(node, (ast.Name, ast.Attribute, ast.Subscript, ast.Call)) and not any(
        _ESCAPES.search(getattr(one, "attr", getattr(one, "id", ""))) for one in called
    )


def _is_number(node: ast.expr) -> bool:
    """That a value stands where no quotes are, by its cast or by what it is called."""
    made = isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("str", "int", "float")
    return made or _NUMBER.fullmatch(_called(node)) is not None


def _filled(text: str, given: list[ast.expr]) -> Iterator[Piece | None]:
    """``"… %s …" % (a, b)``"""
    rest, at = iter(given), 0
    for match in _PERCENT.finditer(text):
        yield text[at : match.start()]
        at = match.end()
        yield "%" if match[1] == "%" else next(rest, None) if match[1] == "s" else None
    yield text[at:]
    if next(rest, None) is not None:
        yield None


def _formatted(text: str, args: list[ast.expr], more: list[ast.keyword]) -> Iterator[Piece | None]:
    """``"… {} … {name} …".format(a, name=b)``"""
    named = {one.arg: one.value for one in more}
    rest, at = iter(args), 0
    for match in _BRACES.finditer(text):
        yield text[at : match.start()]
        at = match.end()
        name = match[1]
        if match[0] in ("{{", "}}"):
            yield match[0][0]
        elif name == "":
            yield next(rest, None)
        elif name is not None and name.isdigit():
            yield args[int(name)] if int(name) < len(args) else None
        else:
            yield named.get(name)
    yield text[at:]


class _Statement:
    """A statement that is read piece by piece: ``text`` has placeholders, ``values`` the names and sources of what they stand for."""

    def __init__(self, mark: str, source: Source) -> None:
        self.text = ""
        self.values: list[tuple[str, str]] = []
        self._mark, self._source = mark, source
        self._quote = ""
        self._quoted: list[Piece] = []

    def read(self, pieces: list[Piece]) -> bool:
        """Whether each expression is a value that a placeholder can stand for."""
        for number, piece in enumerate(pieces):
            following = pieces[number + 1] if number + 1 < len(pieces) else ""
            if isinstance(piece, str):
                if not self._literal(piece):
                    return False
            elif self._quote:
                self._quoted.append(piece)
            elif isinstance(following, str) and _is_number(piece) and self._takes_value(following):
                self._put([piece], quoted=False)
            else:
                return False
        return not self._quote

    def _literal(self, text: str) -> bool:
        if self._quote:
            inside, quote, text = text.partition(self._quote)
            self._quoted.append(inside)
            if not quote:
                return True
            if not _ENDS.match(text):
                return False
            self._quote = ""
            self._put([one for one in self._quoted if one != ""], quoted=True)
        at, quote = _open(text)
        if not quote:
            return self._say(text)
        if not self._say(text[:at]) or not (_VALUE.search(self.text) or _LISTED.search(self.text)):
            return False
        self._quote = quote
        self._quoted = [text[at + 1 :]]
        return True

    def _say(self, text: str) -> bool:
        """Adds what stays; a sign that would count as one more placeholder cannot stay."""
        self.text += text
        return not (_BOUND.search(text) if self._mark == ":" else self._mark[0] in text)

    def _takes_value(self, following: str) -> bool:
        """One of several in ``VALUES (…, …)``, or behind an operator; what stands alone in brackets may be a whole list."""
        if not _ENDS.match(following):
            return False
        alone = self.text.rstrip().endswith("(") and following.lstrip().startswith(")")
        in_place = _VALUE.search(self.text) or (self._mark == "?" and _PAGE.search(self.text))
        return bool(in_place) or (bool(_LISTED.search(self.text)) and not alone)

    def _put(self, parts: list[Piece], *, quoted: bool) -> None:
        first = next((one for one in parts if not isinstance(one, str)), None)
        name = self._name(first)
        self.values.append((name, self._value(parts, quoted=quoted)))
        self.text += f":{name}" if self._mark == ":" else self._mark

    def _name(self, node: ast.expr | None) -> str:
        said = _called(node)
        taken = {name for name, _ in self.values}
        return next(
            name
            for number in range(1, len(taken) + 2)
            if (name := said + ("" if number == 1 else str(number))) not in taken
        )

    def _value(self, parts: list[Piece], *, quoted: bool) -> str:
        if len(parts) == 1 and not isinstance(parts[0], str):
            node = parts[0]
            if (
                not quoted
                and isinstance(node, ast.Call)
                and getattr(node.func, "id", "") == "str"
                and len(node.args) == 1
            ):
                node = node.args[0]
            return self._source(node)
        said = [one if isinstance(one, str) else self._source(one) for one in parts]
        if not any(sign in one for one in said for sign in "'\"\\{}\n"):
            return "".join(
                (
                    'f"',
                    *(one if isinstance(part, str) else f"{{{one}}}" for one, part in zip(said, parts, strict=True)),
                    '"',
                )
            )
        return " + ".join(
            _literal(part) if isinstance(part, str) else f"str({one})" for one, part in zip(said, parts, strict=True)
        )


def _open(text: str) -> tuple[int, str]:
    """Where a text in quotes begins that does not end in *text*, and its quote; an empty one where there is none."""
    at, quote = 0, ""
    for number, sign in enumerate(text):
        if sign in "'\"" and quote in ("", sign):
            at, quote = number, "" if quote else sign
    return at, quote


def _called(node: ast.expr | None) -> str:
    """A word for the value: the name of the variable, the attribute, or the key under which the request has it."""
    match node:
        case ast.Name(id=key) | ast.Attribute(attr=key):
            return _word(key)
        case ast.Subscript(slice=ast.Constant(value=str(key))) | ast.Call(args=[ast.Constant(value=str(key)), *_]):
            return _word(key)
        case ast.Call(args=[inner, *_]):
            return _called(inner)
        case _:
            return "value"


def _word(name: str) -> str:
    """The name in lower case, where a keyword of a call may be called so."""
    name = name.lower()
    return name if _WORD.fullmatch(name) and not keyword.iskeyword(name) and name != "self" else "value"


def _literal(text: str) -> str:
    """The text as Python writes it; one of several lines keeps them."""
    if "\n" in text and "\\" not in text and '"""' not in text and not text.endswith('"'):
        return f'"""{text}"""'
    said = repr(text)
    return f'"{said[1:-1]}"' if said.startswith("'") and '"' not in said and "\\'" not in said else said
