"""What queries hold against a column that says whose a row is: by keyword, in an expression, or bound to a statement."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.facts import SourceFacts
from stopper.core.guards.whose_it_is import looks_at_who
from stopper.core.owner_names import WHOSE, WHOSE_ID
from stopper.core.place import Span
from stopper.core.stores.query_comparisons import is_column, is_query
from stopper.core.values import Call, Choice, Constant, Item, Member, Name, Value, options, text_of, walk

_WHOSE_COLUMN: Final = re.compile(
    r"(?i)\b(?:owner|tenant|org|organi[sz]ation|account|user|customer)_?(?:id|uuid)?\s*=\s*[?:%]"
)


_OTHER_PARTY: Final = re.compile(r"(?i)(?:recipient|receiver|sender|buyer|seller|guest|assignee)(?:_?(?:id|uuid))?")


def owners_asked_for(facts: SourceFacts) -> Iterator[tuple[Value, Span, str]]:
    """Each such value, where it is asked for, and in which function."""
    for call in facts.calls("*.filter_by", "*.where", "*.filter", "*.find", "*.find_one", "*.execute"):
        for value in (*(value for name, value in call.keywords if WHOSE.search(name)), *_bound(call)):
            if call.span is not None and not only_narrows(facts, call, value):
                yield value, call.span, call.function
    for comparison in facts.comparisons("=="):
        left, right = comparison.texts or ("", "")
        sides = ((comparison.left, left, comparison.right), (comparison.right, right, comparison.left))
        for column, written, value in sides:
            if _says_whose(column, written) and is_query(facts, comparison):
                yield value, comparison.span, comparison.function


def only_narrows(facts: SourceFacts, call: Call, value: Value) -> bool:
    """``if asked: query = query.filter_by(user_id=asked)``, where whoever does not ask gets the rows of ``query`` all the same."""
    said = _keys(value)
    if not said or call.span is None or call.receiver is None:
        return False
    before = options(call.receiver)
    asked = (one for one in facts.conditions_in(call.function) if not one.negated and said & _keys(one.value))
    return next(asked, None) is not None and any(
        isinstance(part, Choice) and call in part.options and any(one in part.options for one in before)
        for later in facts.calls_in(call.function)
        if later.span is not None and later.span.line > call.span.line
        for part in walk(later.receiver, 12)
    )


def _keys(value: Value) -> set[str]:
    return {text for part in walk(value, 5) if isinstance(part, Item) and (text := text_of(part.key))}


def _says_whose(column: Value, written: str) -> bool:
    """``Order.user_id``; where the model was read, the value is its column, and only the source says what it is called."""
    said = column.attribute if isinstance(column, Member) else column.dotted if isinstance(column, Name) else ""
    if isinstance(column, Call) and is_column(column):
        said = written
    name = said.rpartition(".")[2]
    return (
        WHOSE.search(name) is not None
        or WHOSE_ID.fullmatch(name) is not None
        or _OTHER_PARTY.fullmatch(name) is not None
    )


def _bound(call: Call) -> list[Value]:
    """What is put into ``WHERE tenant_id = ?`` of a statement."""
    said = [one for one in walk(call.argument(0), 3) if isinstance(one, Constant) and isinstance(one.value, str)]
    if call.method != "execute" or not any(_WHOSE_COLUMN.search(str(one.value)) for one in said):
        return []
    return [part for one in call.args[1:] for part in walk(one, 2) if not isinstance(part, Constant)]


def is_of_a_session(facts: SourceFacts, value: Value) -> bool:
    """``_acting()["user"]["id"]`` of a function that asks the session before it believes the caller for whom he acts."""
    while isinstance(value, (Item, Member)):
        value = value.owner
    return isinstance(value, Call) and facts.function(value.callee) is not None and looks_at_who(facts, value.callee)
