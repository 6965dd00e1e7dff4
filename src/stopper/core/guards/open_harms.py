"""What an open route gives to whoever calls it: changes, people's data, what is kept of them or for the staff."""

import re
from collections.abc import Sequence as SequenceType
from typing import Final

from stopper.core.app import App, Route
from stopper.core.fact import Function
from stopper.core.facts import SourceFacts
from stopper.core.flow.changing_calls import changes_rows, hands_on, only_remembers, writes
from stopper.core.flow.view_functions import FunctionIndex
from stopper.core.guards.open_doors import answers_graphql, serves_somebody
from stopper.core.guards.public_routes import is_open_by_nature, is_public
from stopper.core.personal import is_personal, mentions_personal
from stopper.core.spec_document import shape
from stopper.core.values import Call, Constant, Item, Mapping, Member, Name, Value, text_of, walk

_INTERNAL: Final = re.compile(r"(?i)(^|[/_-])(admin|internal|staff|audit|backup|payroll)([/_-]|$)")
OF_PEOPLE: Final = re.compile(
    r"(?i)(^|[/_-])(users?|accounts?|customers?|members?|employees?|patients?|orders?|invoices?|payments?|billing|transactions?|salaries|balances?)([/_.-]|$)"
)
"""Paths that speak of people, or of what they buy and pay."""
_ONE_OF_THEIRS: Final = re.compile(
    r"(?i)(?:^|[/_-])(?:orders?|invoices?|receipts?|payments?|transactions?|bills?|patients?|prescriptions?|payslips?|statements?)/\{"
)
"""A page about one thing that somebody has bought, paid or been told, by its number."""
_READS: Final = re.compile(
    r"(?!flask\.).*\.(all|first|first_or_404|get_or_404|one|one_or_none|find|find_one|find_all|fetchall|fetchone|execute|scalars?|filter_by|"
    r"filter|paginate|select|items|values|to_dict|to_json|dump|serialize|query|query\.(limit|order_by|yield_per))$"
)
_FETCHES: Final = re.compile(
    r"(?!flask\.)(?:.*\.)?(?:hgetall|lrange|smembers|zrange|scan_iter|mget|aggregate|find_many|list_\w+|get_all\w*|fetch_\w+|load_\w+)"
)
_BUSINESS: Final = re.compile(
    r"(?i)(^|[/_-])(revenue|sales|earnings|finances?|financials?|reports?|reporting|analytics|statistics|stats|dashboard|logs?|usage|leads|deals|stock|forecasts?|margins?|exports?|loans?|bookings?|appointments?|reservations?|tickets?|contracts?)([/_.-]|$)"
)
_PICTURE: Final = re.compile(r"(?i)avatar|photo|image|picture|thumb|logo|icon|preview|qr")
_EXPORT: Final = re.compile(r"(?i)(?:export|dump|download|backup|full|all)(?:[._-]\w+)*|\w+[._](?:csv|xlsx?|json|xml)")
"""The last part of a path behind which lies all of what the path before it lists."""
OF_PERSONS: Final = "gives away people's data"
_MANY: Final = 6
_LAYERS: Final = 2
"""From what a view calls to what writes: a service, and the repository below it."""
_MANAGERS: Final = frozenset({"contextlib.contextmanager", "contextlib.asynccontextmanager"})


def is_published(app: App) -> bool:
    """That what is told of people is for everybody here: many routes that show it are open, and few are not."""
    shown = [
        route.access["GET"].state
        for route in app.routes
        if "GET" in route.access and OF_PEOPLE.search(route.path) and not _INTERNAL.search(route.path)
    ]
    return shown.count("open") >= _MANY and shown.count("open") > 2 * shown.count("guarded")


def harm_of(
    index: FunctionIndex, route: Route, method: str, own: SequenceType[Function], published: bool
) -> str | None:
    """What an anonymous caller gets out of it, or None where the source does not say."""
    facts = index.facts
    functions = [name for name in index.calling([function.name for function in own], 1) if not _only_opens(facts, name)]
    if method in ("PUT", "PATCH", "DELETE"):
        deeper = index.calling([function.name for function in own], 3)
        return None if only_remembers(facts, deeper) else "changes data"
    if method == "POST":
        below = [name for name in index.calling(functions, _LAYERS) if not _only_opens(facts, name)]
        changes = (
            any(writes(facts, name) for name in functions)
            or any(changes_rows(facts, name) for name in below)
            or answers_graphql(facts, own, route.view)
        )
        return "changes data" if changes or hands_on(facts, {name for name, _ in route.parameters}, own) else None
    if any(_serves_people(facts, name) for name in functions) or serves_somebody(facts, route, own):
        return OF_PERSONS
    calls = [call.callee for name in functions for call in facts.calls_in(name)]
    is_page = any(callee.startswith("flask.render_template") for callee in calls)
    if any(map(_READS.fullmatch, calls)) and (
        _INTERNAL.search(route.path)
        or _ONE_OF_THEIRS.search(route.path)
        or (OF_PEOPLE.search(route.path) and not is_page and not published)
    ):
        return "gives away what is kept of people or for the staff"
    return None


def _only_opens(facts: SourceFacts, name: str) -> bool:
    """A context manager, such as one that opens a connection and commits at the end: what happens in it is what its user does."""
    function = facts.function(name)
    return function is not None and any(one.name in _MANAGERS for one in function.decorators)


def is_forgotten(app: App) -> bool:
    """That a route without a guard is the exception here: all others that are not public by their nature have one."""
    states = [
        access.state
        for route in app.routes
        if not is_public(route) and not is_open_by_nature(route)
        for method, access in route.access.items()
        if method not in ("HEAD", "OPTIONS")
    ]
    return 0 < 2 * states.count("open") <= states.count("guarded")


def harm_of_forgotten(
    app: App, index: FunctionIndex, route: Route, own: SequenceType[Function], forgotten: bool
) -> str | None:
    """The same of a GET by what its neighbours ask: *forgotten* says that open routes are the exception here."""
    exports = _exports_guarded(app, route)
    if not (forgotten or exports) or not _reads_kept(index, own):
        return None
    if _BUSINESS.search(route.path) or exports:
        return "gives away what is kept of people or for the staff"
    return (
        "gives away what lies below a thing that is not shown to everybody" if _is_below_guarded(app, route) else None
    )


def _reads_kept(index: FunctionIndex, own: SequenceType[Function]) -> bool:
    """That it reads what is kept."""
    names = index.calling([function.name for function in own], 1)
    calls = [call.callee for name in names for call in index.facts.calls_in(name)]
    return any(_READS.fullmatch(one) or _FETCHES.fullmatch(one) for one in calls)


def _is_below_guarded(app: App, route: Route) -> bool:
    """``/trucks/{id}/trips``, where whoever asks for ``/trucks/{id}`` must say who he is. Pictures are asked for by tags, without a token."""
    path = shape(route.path)
    return _PICTURE.search(path) is None and any(
        above.endswith("}") and path.startswith(f"{above}/") for above in _guarded_readings(app, route)
    )


def _exports_guarded(app: App, route: Route) -> bool:
    """``/trucks/export.csv``, where whoever asks for ``/trucks`` must say who he is."""
    collection, _, last = shape(route.path).rpartition("/")
    return _EXPORT.fullmatch(last) is not None and collection in _guarded_readings(app, route)


def _guarded_readings(app: App, route: Route) -> list[str]:
    return [
        shape(other.path).rstrip("/")
        for other in app.routes
        if other is not route and (access := other.access.get("GET")) is not None and access.state == "guarded"
    ]


def _serves_people(facts: SourceFacts, function: str) -> bool:
    """The function reads or returns members, attributes or columns that hold people's data."""
    values: list[Value] = [
        *facts.calls_in(function),
        *(found.value for found in facts.returns_of(function)),
    ]
    return any(_names_people(part) for value in values for part in walk(value))


def _is_sent(owner: Value) -> bool:
    """What a caller sends is nothing that is given away."""
    return any(isinstance(one, Name) and one.dotted.startswith("flask.request.") for one in walk(owner, 3))


def _names_people(part: Value) -> bool:
    match part:
        case Mapping():
            return any(is_personal(name) for name in part.keys())  # noqa: SIM118
        case Member(
            owner=Call(callee="urllib.parse.urlparse" | "urllib.parse.urlsplit" | "sqlalchemy.engine.make_url")
        ):
            return False  # the password of a server's address
        case Member(attribute=attribute):
            return is_personal(attribute)
        case Item(owner=owner, key=key):
            return is_personal(text_of(key) or "") and not _is_sent(owner)
        case Constant(value=str(text)) if re.match(r"(?i)\s*select\s", text):
            return mentions_personal(text)
        case _:
            return False
