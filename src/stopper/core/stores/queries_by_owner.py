"""What queries hold against a column that says whose a row is: by keyword, in an expression, or bound to a statement."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from stopper.core.facts import SourceFacts
from stopper.core.flow.steps_run import run_within
from stopper.core.guards.whose_it_is import looks_at_who
from stopper.core.owner_names import WHO, WHOSE, WHOSE_ID
from stopper.core.place import Span
from stopper.core.stores.query_comparisons import is_column, is_query
from stopper.core.values import Call, Choice, Constant, Item, Mapping, Member, Name, Value, options, text_of, walk

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


def reads_all_otherwise(facts: SourceFacts, value: Value, span: Span, function: str) -> bool:
    """``if customer_id: rows = Order.query.filter_by(customer_id=customer_id)`` with ``else: rows = Order.query.all()``: who names none gets them all."""
    said = _keys(value)
    others = [one.body for one in facts.conditions_in(function) if said & _keys(one.value) and one.negated and one.body]
    if not others:
        return False
    calls = [call for call in facts.calls_in(function) if call.span is not None]
    asked = {name for call in calls if call.span is not None and call.span.holds(span) for name in rows_of(call)}
    if not asked:
        return False
    return any(
        any(asked & rows_of(call) for call in otherwise)
        for otherwise in (run_within(facts, function, body) for body in others)
        if not any(call.span is not None and call.span.holds(span) for call in otherwise)
        if not any(isinstance(part, Name) and WHO.search(part.dotted) for call in otherwise for part in walk(call))
    )


def rows_of(call: Call) -> set[str]:
    """The classes whose rows a query gives: ``session.query(Order, Item).join(…)``, ``Order.query.all()``."""
    found: set[str] = set()
    for part in walk(call, 12):
        if isinstance(part, Call) and part.method in ("query", "select"):
            found |= {one.dotted for one in part.args if isinstance(one, Name)}
        if isinstance(part, Call) and ".query." in part.callee:
            found.add(part.callee.partition(".query.")[0])
        if isinstance(part, Name) and part.dotted.endswith(".query"):
            found.add(part.dotted.removesuffix(".query"))
        if isinstance(part, Member) and part.attribute == "query" and isinstance(part.owner, Name):
            found.add(part.owner.dotted)
    return found


def _keys(value: Value) -> set[str]:
    return {text for part in walk(value, 5) if isinstance(part, Item) and (text := text_of(part.key))}


_GROUP: Final = re.compile(
    r"(?i)(?:owner|tenant|org|organi[sz]ation|account|user|customer|member|client|employee|patient|team|group|company|workspace|department|dept|branch|division|school|clinic|practice|household|family|agency|firm|merchant)_?(?:id|uuid|slug|code|name)?"
)
_ASKS: Final = tuple(
    f"*.{word}"
    for word in (
        "find",
        "find_one",
        "count_documents",
        "update_one",
        "update_many",
        "delete_one",
        "delete_many",
        "filter_by",
    )
)


def asked_for_before_the_own(facts: SourceFacts) -> Iterator[tuple[Span, str]]:
    """``things.find({"team": request.args.get("team") or g.me["team"]})``: the caller's own team holds only where he names no other; each place
    with the key under which it is sent."""
    for call in facts.calls(*_ASKS):
        pairs = list(call.keywords) if call.method == "filter_by" else []
        asked = [one for given in call.args[:1] for one in options(given) if isinstance(one, Mapping)]
        pairs += [(text_of(key) or "", value) for one in asked for key, value in one.items]
        for name, value in pairs:
            key = sent_before_own(facts, value) if _GROUP.fullmatch(name) else None
            if key is not None and call.span is not None and not looks_at_who(facts, call.function, value):
                yield call.span, key


def sent_before_own(facts: SourceFacts, value: Value) -> str | None:
    """The key of ``request.args.get("team") or g.me["team"]``, and of ``request.args.get("team", g.me["team"])``."""
    first, *others = options(value)
    if not isinstance(first, (Item, Member)):
        return None
    key = (text_of(first.key) or "") if isinstance(first, Item) else first.attribute
    others += [first.default] if isinstance(first, Item) and first.default is not None else []
    own = any(
        (isinstance(part, Name) and (WHO.search(part.dotted) or part.dotted.startswith("flask.g.")))
        or (isinstance(part, Call) and WHO.search(part.callee))
        for one in others
        for part in walk(one, 4)
    )
    sent = (
        own
        and _GROUP.fullmatch(key) is not None
        and facts.derives(
            replace(first, default=None) if isinstance(first, Item) else first,
            "request-data",
            "query-string",
            "request-header",
            by_name=False,
        )
    )
    return key if sent else None


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
