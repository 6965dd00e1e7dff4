"""Cookies without a signature that say who is calling: a name, an address or a number in them is looked up among people."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.facts import SourceFacts
from stopper.core.people.people_tables import is_of_people, kind_of_query
from stopper.core.place import Span
from stopper.core.stores.named_columns import column_of
from stopper.core.stores.sql_tables import table_of
from stopper.core.values import Call, Choice, Constant, Item, Mapping, Name, Sequence, Value, text_of

_COOKIES: Final = "flask.request.cookies"
_NAMES: Final = re.compile(
    r"(?i)(?:current_?|auth_?|logged_?in_?|remember_?)?(?:user|account|customer|member|person|employee|student|client)(?:_?(?:id|name|email|no|number))?"
    r"|uid|e_?mail|login|remember(?:_?me)?|me|auth|identity"
)
_FINDS: Final = (
    "*.filter_by",
    "*.find_one",
    "*.get_or_none",
    "*.get",
    "*.get_or_404",
    "*.execute",
    "*.fetch_one",
    "*.query_db",
    "*.get_by_id",
)
_UNPACKS: Final = re.compile(
    r"base64\.\w*decode\w*|binascii\.(?:unhexlify|a2b_\w+)|bytes\.fromhex|(?:\w+\.)*json\.loads|urllib\.parse\.unquote(?:_plus)?"
)
_KEEPS: Final = frozenset({"strip", "lower", "upper", "casefold"})
_FINDER: Final = re.compile(
    r"(?i)_?(?:find|get|load|fetch|look_?up)_(?:\w+_)?(?:user|account|customer|member|person|employee)\w*"
)


def named_by_cookies(facts: SourceFacts) -> Iterator[tuple[str, Span]]:
    """The name of each such cookie, and where it is read."""
    if not any(True for _ in facts.readings(_COOKIES)):
        return
    for value in _looked_up(facts):
        for part, unpacked in _raw(value):
            if isinstance(part, Item) and isinstance(part.owner, Name) and part.owner.dotted == _COOKIES:
                name = str(part.key.value) if isinstance(part.key, Constant) else ""
                if part.span is not None and (unpacked or _NAMES.fullmatch(name)):
                    yield name, part.span


def said_by_cookies(facts: SourceFacts) -> Iterator[tuple[str, Span]]:
    """What is wrong with each such cookie, and where it is read."""
    yield from (
        (f"the cookie {name}, which nobody signs, says who the caller is", at) for name, at in named_by_cookies(facts)
    )


def _raw(value: Value, depth: int = 6, unpacked: bool = False) -> Iterator[tuple[Value, bool]]:
    """The value, and what it is where a text was only cut, counted or unpacked; what a signer made of it is another. What stands packed in a cookie of any
    name is no draw, which nobody has to unpack."""
    yield value, unpacked
    if isinstance(value, Call) and depth:
        packed = _UNPACKS.fullmatch(value.callee) is not None
        keeps = value.method in _KEEPS or (value.method == "decode" and value.callee[:1] == "?")
        inner = value.args[:1] if packed or value.callee in ("int", "str") else (value.receiver,) if keeps else ()
        for part in inner:
            if part is not None:
                yield from _raw(part, depth - 1, unpacked or packed)
    elif isinstance(value, Item) and isinstance(value.owner, Call) and depth:
        yield from _raw(value.owner, depth - 1, unpacked)
    elif isinstance(value, (Choice, Sequence)) and depth:
        for part in value.options if isinstance(value, Choice) else value.items:
            yield from _raw(part, depth - 1, unpacked)


_CALLER: Final = re.compile(
    r"g\.(?:(?:current|auth|logged_?in)_?)?(?:user|account|member|customer|employee|student|person)(?:_?(?:id|name|email))?"
)


def _looked_up(facts: SourceFacts) -> Iterator[Value]:
    """What people are asked for by, and what ``g`` keeps as who is calling."""
    yield from (one.value for one in facts.assignments() if _CALLER.fullmatch(one.target))
    for call in facts.calls(*_FINDS):
        if is_of_people(kind_of_query(call)) or (call.args and is_of_people(table_of(call))):
            yield from _given(call)
    for call in facts.calls():
        if _FINDER.fullmatch(call.method) and facts.function(call.callee) is not None:
            yield from _given(call)
    for one in facts.comparisons("=="):
        for side, value in ((one.left, one.right), (one.right, one.left)):
            if is_of_people(column_of(facts, side)[0].rpartition(".")[2]):
                yield value


def _given(call: Call) -> Iterator[Value]:
    yield from (value for _, value in call.keywords)
    for value in call.args:
        if isinstance(value, Mapping):
            yield from (inner for _, inner in value.items)
        elif not text_of(value):
            yield value
