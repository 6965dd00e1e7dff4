"""Lists that answer with all rows of a table that grows, without a page and without a limit."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.fact import Function
from stopper.core.facts import SourceFacts
from stopper.core.flow.view_functions import index_of
from stopper.core.guards.reached_by_admins import asks_for_admins
from stopper.core.place import RouteRef
from stopper.core.rule import Hit
from stopper.core.values import Call, Choice, Constant, Item, Mapping, Name, Truth, Value, is_constant, text_of, walk

_GROWS: Final = re.compile(
    r"(?i)(^|[/_-])(orders?|invoices?|events?|messages?|logs?|entries|transactions?|payments?|comments?|posts?|articles?|notes?|tickets?|users?|customers?|"
    r"accounts?|members|people|persons|employees|patients|bookings?|reservations?|uploads?|files|photos|images|documents|reports|records|readings|measurements|"
    r"history|audit|notifications?|reviews|products|items|todos|tasks|transfers|shipments|visits|sessions|jobs|downloads|contacts|leads|books|"
    r"places|listings|recipes|alerts|deliveries|parcels|trips|rides|cases|claims|candidates|students|subscribers|subscriptions|bids|offers|devices|assets|"
    r"receipts|expenses|appointments|prescriptions|tracks|videos|movies|songs|questions|answers|followers|quotes|threads|tenants|guests|vehicles|courses)/?$"
)
"""Words for what comes to be many, as the last of a path."""
_HELD: Final = re.compile(
    r"(?i)^(limit|paginate\w*|fetchmany|slice|islice|head|first\w*|one\w*|scalar_one\w*|get_or_404|batch_size|filter\w*|where|find_by\w*|search\w*|top|count|"
    r"render_template\w*|iter\w*|yield_per|stream\w*|partitions|\w*page\w*|cached?|memoize|offset)$"
)
_QUERY: Final = re.compile(r"^(?:order_by|filter|filter_by|where|options|query|select)$")
_FILTERS: Final = re.compile(r"(?i)^(filter\w*|where)$")
_SELECT: Final = re.compile(
    r"(?is)^\s*select\b(?!.*\b(?:limit|where|count\(|fetch\s+first|top\s+\d|group\s+by|join)\b).*\bfrom\b"
)
_OF_ADMINS: Final = re.compile(r"(?i)admin|staff|superuser")
_PAGES: Final = re.compile(r"(?i)page|limit|offset|cursor|before|after|since|start|size|per_page|count|from|until")


def whole_tables(facts: SourceFacts) -> Iterator[Hit]:
    """Views of reading routes that answer with every row, and ask the caller nothing about how many."""
    index = index_of(facts)
    for route in facts.routes:
        if "GET" not in route.methods or route.parameters or facts.is_test(route.span) or not _GROWS.search(route.path):
            continue
        for function in index.of_view(route.view, method="GET"):
            calls = list(facts.calls_in(function.name))
            if any(_HELD.match(call.method) and not _FILTERS.match(call.method) for call in calls) or any(
                one.function == function.name and _PAGES.search(one.key) for one in facts.readings("flask.request.args")
            ):
                continue
            filtered = [call for call in calls if _FILTERS.match(call.method)]
            found = next((call for call in calls if _takes_all(call) and not _is_filtered(call, filtered)), None)
            if found is None:
                found = next((one for one in _gone_through(facts, function) if not _is_filtered(one, filtered)), None)
            if found is not None and found.span is None:
                continue
            if found is not None and function.returns:
                message, where = f"GET {route.path} answers with all that there are", RouteRef("GET", route.path)
                above = any(_OF_ADMINS.search(one.name.rpartition(".")[2]) for one in function.decorators)
                if above or (found.span is not None and asks_for_admins(facts, found.span)):
                    message = f"{message}: look how many, only administrators ask"
                    yield Hit(message, found.span, where, certainty="possible", severity="low")
                else:
                    yield Hit(message, found.span, where)
                break


def _gone_through(facts: SourceFacts, function: Function) -> Iterator[Call]:
    """A query of a model that the answer goes through without ``all()``: ``[one.id for one in Order.query.order_by(Order.id)]``."""
    for value in function.returns:
        for part in walk(value, 8):
            made = part.owner if isinstance(part, Item) else None
            if (
                isinstance(made, Call)
                and _QUERY.match(made.method)
                and _is_of_a_model(made)
                and _names_all(facts, made)
            ):
                yield made


def _names_all(facts: SourceFacts, call: Call) -> bool:
    """No statement stands in it, or one that leaves nothing out: ``query("SELECT id FROM people")``; a function of the project that is
    called so is known by its statement alone."""
    texts = [text for part in walk(call, 4) if " " in (text := text_of(part) or "")]
    return all(_SELECT.search(text) for text in texts) and (bool(texts) or facts.function(call.callee) is None)


def _is_filtered(call: Call, filtered: list[Call]) -> bool:
    """That a filter which may leave few rows stands on every way to *call*. A word that is looked for only where the caller sends one
    leaves all of them, and so does a mark that most rows have."""
    if not filtered:
        return False
    ways = [part for part in walk(call, 10) if isinstance(part, Choice)]
    if any(_is_way_without(option) for one in ways for option in one.options):
        return False
    return not all(map(_leaves_most, filtered))


def _is_way_without(value: Value) -> bool:
    """A query as it stands before ``if word: query = query.where(…)``."""
    if isinstance(value, Name):
        return value.dotted.endswith(".query")
    parts = [part for part in walk(value, 10) if isinstance(part, Call)]
    return any(part.method in ("query", "select") or ".query" in part.callee for part in parts) and not any(
        _FILTERS.match(part.method) for part in parts
    )


def _leaves_most(call: Call) -> bool:
    """``filter_by(active=True)``, ``where(Order.deleted.is_(False))``: literals alone."""
    given = (*call.args, *(value for _, value in call.keywords))
    if not given or call.open:
        return False
    return all(isinstance(one, Constant) and isinstance(one.value, bool) for _, one in call.keywords) and all(
        isinstance(one, (Truth, Call)) and _is_of_literals(one) for one in call.args
    )


def _is_of_literals(value: Value) -> bool:
    inner = (
        value.parts
        if isinstance(value, Truth)
        else value.args
        if isinstance(value, Call) and value.method in ("is_", "isnot", "is_not")
        else ()
    )
    return any(isinstance(one, Constant) and isinstance(one.value, (bool, type(None))) for one in inner)


def _takes_all(call: Call) -> bool:
    if call.method == "all":
        return not call.args and (".query" in call.callee or _is_of_a_model(call.receiver))
    if call.method == "scalars":
        return call.receiver is not None and _is_of_a_model(call.argument(0) or call.receiver)
    if call.method == "fetchall":
        texts = [text for part in walk(call.receiver, 4) if (text := text_of(part)) is not None]
        return any(_SELECT.search(text) for text in texts)
    if call.method == "find":
        asked = call.argument(0, "filter")
        everything = asked is None or (isinstance(asked, Mapping) and not asked.items and not asked.open)
        return everything and call.keyword("limit") is None and not is_constant(call.argument(0), "")
    return False


def _is_of_a_model(value: Value | None) -> bool:
    """``session.query(Order)``, ``session.scalars(select(Order))``, with orders and options between."""
    return any(
        isinstance(part, Call) and (part.method in ("query", "select") or ".query." in part.callee)
        for part in walk(value, 8)
    )
