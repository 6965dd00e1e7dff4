"""Who has one id knows all the others, so one forgotten check gives away everything."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.app import App, Route
from stopper.core.fact import SourceRoute
from stopper.core.facts import SourceFacts, source_of
from stopper.core.finding import Evidence, Verdict
from stopper.core.flow.view_functions import index_of
from stopper.core.owner_names import OWNER, PRIVATE
from stopper.core.place import RouteRef, Span
from stopper.core.probe import Steps, Target, failed, not_applicable, passed, unsure
from stopper.core.probing.baseline import TRIES, answered, attempt
from stopper.core.probing.things.objects import as_id, entries, ids
from stopper.core.rule import Hit, Rule
from stopper.core.spec_document import mapping, operations, place_of, speaks_of
from stopper.core.values import (
    Call,
    ConfigValue,
    Constant,
    EnvironmentValue,
    Format,
    Item,
    Mapping,
    Member,
    Name,
    Parameter,
    Unknown,
    Value,
    is_constant,
    parts,
    text_of,
    walk,
)

_ID: Final = re.compile(r"(?i)^(id|pk|\w*_id|\w+Id|\w*_?(no|number))$")
_IN_PATHS: Final = "numbers in the paths"
_IN_DOCUMENT: Final = "numbers in the document"
"""What one decision about ids ends, however many paths have one."""
_OWN_ID: Final = re.compile(
    r"(?i)(?!(?:message|event|trace|request|correlation|span|log|thread|job|run)_)\w+_(?:id|slug|ref|number)|_?id|slug|uid|number|reference"
)
_CLOCKS: Final = (
    "time.time", "time.time_ns", "time.monotonic_ns", "itertools.count", "next", "random.randint", "random.randrange", "random.random",
    "random.choice", "random.choices", "random.getrandbits", "uuid.uuid1", "datetime.datetime.now", "datetime.datetime.utcnow", "datetime.datetime.today",
)  # fmt: skip
_COUNTS: Final = frozenset({"incr", "incrby", "hincrby", "zcard", "llen", "lastrowid"})
"""What a store counts with."""
_FINDS: Final = re.compile(r"(?:find|update|delete|replace|count)(?:_|$)")
_CHANGES: Final = ("find_one_and_update", "find_and_modify")
"""Changes of a document that give it back, as it is then or was before: ``{"$inc": {"last": 1}}`` counts."""
_NEXT: Final = re.compile(r"(?is)^\s*select\s+(?:\w+\s*\(\s*)*(?:max|count)\s*\(.*\+\s*1\b.*\bfrom\b")
"""``SELECT COALESCE(MAX(id), 0) + 1 FROM orders``: the next number, as the database is asked for it."""
_ROW: Final = re.compile(r"[A-Z]|(?:first|one|get|find_one|one_or_none|first_or_404|get_or_404|get_or_none)$")
_SIZES: Final = frozenset({"len", "count", "max", "scalar"})
_LINK: Final = re.compile(r"(?i)(?:share_|download_|public_)?(?:url|link|path|href)")
_ENCODES: Final = frozenset({
    "hashlib.md5", "hashlib.sha1", "hashlib.sha256", "zlib.crc32", "base64.b64encode", "base64.urlsafe_b64encode", "base64.b32encode", "hex",
})  # fmt: skip
"""What a number can be turned into by everybody."""
_RANDOM: Final = re.compile(r"secrets\.|urandom|uuid4|SystemRandom|hmac|token_")
_OWNER: Final = re.compile(r"(?i)owner|own_|belongs")
_PUBLIC: Final = re.compile(
    r"(?i)(^|[/_-])(public|products?|categor\w+|tags?|articles?|posts?|blog|news|pages?|docs|admin)([/_-]|$)"
)


def detect(app: App) -> Iterator[Hit]:
    """A number as the id in the path of a private thing, in the source or in the document."""
    told = {route.path for route in app.routes if _asked_whose(route)}
    facts = source_of(app)
    for route in facts.routes:
        name = next(
            (name for name, kind in route.parameters if _ID.match(name) and _is_number(facts, route, name, kind)), None
        )
        if name is None or route.path in told or _only_in_tests(app, route.path):
            continue
        if _private(route.path) or (not _PUBLIC.search(route.path) and _asks_owner(facts, route)):
            told.add(route.path)
            text = f"{route.path} finds a private thing by the number {name}, which is easily guessed"
            yield Hit(text, route.registered_at, RouteRef(route.methods[0], route.path), cause=_IN_PATHS)
    yield from _counted(source_of(app))
    if app.spec is None or not (speaks_of(app.spec, app.routes)):
        return
    for one in operations(app.spec):
        for parameter in one.parameters:
            schema = mapping(parameter.get("schema")) or parameter
            number = parameter.get("in") == "path" and schema.get("type") == "integer"
            if number and _ID.match(str(parameter.get("name"))) and _private(one.path) and one.path not in told:
                told.add(one.path)
                text = f"the document gives {one.path} a number as id, which is easily guessed"
                place = place_of(app, one.written, one.method.lower())
                yield Hit(text, place, one.ref, reader="spec", cause=_IN_DOCUMENT)


def _asks_owner(facts: SourceFacts, route: SourceRoute) -> bool:
    """That the view looks whose the thing is, so it is somebody's, whatever its path calls it. What everybody may read and only its
    owner may change has no secret in its id."""
    methods = ("GET",) if "GET" in route.methods else route.methods
    views = [one.name for method in methods for one in index_of(facts).of_view(route.view, route.span, method)]
    compared = [one for view in dict.fromkeys(views) for one in facts.comparisons_in(view)]
    sides = [(a, b) for one in compared for a, b in ((one.left, one.right), (one.right, one.left))]
    if any(_names_owner(side) and not isinstance(other, Constant) for side, other in sides):
        return True
    return any(
        OWNER.search(name) and not isinstance(value, Constant)
        for view in dict.fromkeys(views)
        for call in facts.calls_in(view)
        if call.method in ("filter_by", "find_one", "get_or_none", "first_or_404")
        for name, value in call.keywords
    )


def _names_owner(value: Value) -> bool:
    said = value.attribute if isinstance(value, Member) else text_of(value.key) if isinstance(value, Item) else None
    if isinstance(value, Name):
        said = value.dotted.rpartition(".")[2] if not value.dotted.startswith("flask.g.") else None
    return said is not None and OWNER.search(said) is not None


def _is_number(facts: SourceFacts, route: SourceRoute, name: str, kind: str) -> bool:
    """By the path, or because the view makes a number of it: ``/orders/<order_id>`` and ``int(order_id)``."""
    if kind == "int":
        return True
    return kind in ("string", "default", "") and any(
        call.callee == "int" and any(isinstance(one, Parameter) and one.parameter == name for one in call.args[:1])
        for call in facts.calls_in(route.view)
    )


def _counted(facts: SourceFacts) -> Iterator[Hit]:
    """An id made of the time, of a counter or of a small random number, under which something is kept that is asked for by it."""
    yield from _by_default(facts)
    makers = {
        call.function
        for call in facts.calls(*_CLOCKS, *(f"*.{word}" for word in (*_COUNTS, *_CHANGES)))
        if call.function
    }
    makers |= {call.function for call in facts.calls("len", "*.count", "max", *_ENCODES) if call.function}
    makers |= {
        call.function for call in facts.calls("*.execute") if call.args and _NEXT.match(text_of(call.args[0]) or "")
    }
    makers |= {call.function for maker in makers for call in facts.calls(maker) if call.function}
    asked = {
        f"{model.name}.{name}"
        for model in (facts.classes() if makers else ())
        for name, column in model.attributes.items()
        if _is_asked_for(facts, name, column)
    }
    for function in sorted(makers):
        if not facts.routes_reaching(function):
            continue
        pairs = [(one.attribute, one.value, one.span) for one in facts.assignments_in(function)]
        for call in facts.calls_in(function):
            names = ((f"{call.callee}.{name}", name, value) for name, value in call.keywords)
            pairs += [("id" if full in asked else name, value, call.span) for full, name, value in names if call.span]
            pairs += [member for one in call.args[_asks(call) :] if call.span for member in _members(one, call.span)]
        pairs += [member for one in facts.returns_of(function) for member in _members(one.value, one.span)]
        found = next(
            ((name, span) for name, value, span in pairs if _names_id(name, value) and _is_counted(facts, value)), None
        )
        if found is not None:
            yield Hit(f"`{found[0]}` is made of the time or a counter, and is easily guessed", found[1])


def _names_id(name: str, value: Value) -> bool:
    """By its name, or as the last part of a link."""
    return _OWN_ID.fullmatch(name) is not None or (isinstance(value, Format) and _LINK.fullmatch(name) is not None)


def _by_default(facts: SourceFacts) -> Iterator[Hit]:
    """``reference = Column(String, default=new_reference)``"""
    for model in facts.classes():
        for name, column in model.attributes.items():
            made = column.keyword("default", "default_factory", "insert_default") if isinstance(column, Call) else None
            if made is None or not (_OWN_ID.fullmatch(name) or _is_asked_for(facts, name, column)):
                continue
            maker = made.dotted if isinstance(made, Name) else ""
            if _is_counted(facts, made) or any(_is_counted(facts, one.value) for one in facts.returns_of(maker)):
                yield Hit(
                    f"`{name}` is made of the time or a counter, and is easily guessed", column.span or model.span
                )


def _is_asked_for(facts: SourceFacts, name: str, column: Value) -> bool:
    """``/s/<code>`` with a unique column ``code``: whatever it is called, it finds the thing."""
    unique = isinstance(column, Call) and is_constant(column.keyword("unique", "primary_key"), True)
    return unique and any(name == one for route in facts.routes for one, _ in route.parameters)


def _asks(value: Value) -> bool:
    """``notes.find_one({"_id": ident})``: what it is handed first is a query, which makes no id."""
    return isinstance(value, Call) and _FINDS.match(value.method) is not None


def _members(value: Value, span: Span) -> list[tuple[str, Value, Span]]:
    inside = list(walk(value, 2))
    asked = {id(one) for part in inside if isinstance(part, Call) and _asks(part) for one in part.args[:1]}
    return [
        (text_of(key) or "", inner, part.span or span)
        for part in inside
        if isinstance(part, Mapping) and id(part) not in asked
        for key, inner in part.items
    ]


def _is_counted(facts: SourceFacts, value: Value, depth: int = 2) -> bool:
    """The next number of a clock, a store or a list, or what a function of the project makes of one."""
    calls = [part for part in _made_of(value, 6) if isinstance(part, Call)]
    if any(_RANDOM.search(one.callee) for one in calls):
        return False
    if any(one.callee in _CLOCKS or one.method in _COUNTS for one in calls) or any(map(_is_next, _made_of(value, 3))):
        return True
    if any(map(_is_raised, _made_of(value, 4))) or any(
        call.args and _NEXT.match(text_of(call.args[0]) or "") for call in calls
    ):
        return True
    if any(one.callee in _ENCODES and _is_of_number(one) for one in calls):
        return True
    returned = [one.value for call in calls if depth for one in facts.returns_of(call.callee)]
    return any(_is_counted(facts, one, depth - 1) for one in returned)


def _made_of(value: Value, depth: int) -> Iterator[Value]:
    """The parts of a value. A member of a row that is made or found there is what it was told to be: ``Order(at=now()).id`` is made of no time."""
    inside: tuple[Value, ...] = parts(value)
    if isinstance(value, Member) and isinstance(value.owner, Call) and _ROW.match(value.owner.method):
        told = value.owner.keyword(value.attribute)
        inside = (told,) if told is not None else ()
    yield value
    for one in inside if depth else ():
        yield from _made_of(one, depth - 1)


def _is_of_number(call: Call) -> bool:
    """``md5(str(row.id))``, ``b64encode(str(row.id))``, with nothing secret beside it."""
    inside = list(walk(call, 8))
    if any(isinstance(part, (ConfigValue, EnvironmentValue)) for part in inside):
        return False
    return any(
        (isinstance(part, Member) and part.attribute in ("id", "pk"))
        or (
            isinstance(part, Call)
            and part.method in ("Column", "mapped_column")
            and is_constant(part.keyword("primary_key"), True)
        )
        for part in inside
    )


def _is_next(value: Value) -> bool:
    """``len(notes) + 1``, ``Note.query.count() + 1``, ``max(notes) + 1``"""
    return (
        isinstance(value, Unknown)
        and any(isinstance(part, Call) and part.method in _SIZES for part in value.parts)
        and any(is_constant(part, 1) for part in value.parts)
    )


def _is_raised(value: Value) -> bool:
    """``counters.find_one_and_update({"_id": "visits"}, {"$inc": {"last": 1}})["last"]``: the field that was counted up."""
    if not (isinstance(value, Item) and isinstance(value.owner, Call) and value.owner.method in _CHANGES):
        return False
    change = value.owner.argument(1, "update")
    raised = change.get("$inc") if isinstance(change, Mapping) else None
    return isinstance(raised, Mapping) and raised.get(text_of(value.key) or "") is not None


def _only_in_tests(app: App, path: str) -> bool:
    """That only test code registers the route."""
    facts = source_of(app)
    return all(facts.is_test(route.span) for route in facts.routes if route.path == path)


def _private(path: str) -> bool:
    return bool(PRIVATE.search(path)) and not _PUBLIC.search(path)


def probe(target: Target) -> Steps[Verdict]:
    """Ids in lists of private things: numbers that follow one another."""
    seen = 0
    for one, parameter in list(_lists(target.app))[: TRIES[target.depth] // 3]:
        exchange = yield from attempt(answered(target, target.request_for(one, "GET")))
        if exchange is None or not exchange.response.succeeded:
            continue
        found = [next(ids(entry, parameter), "") for entry in entries(exchange.response.json())]
        found = [value for value in found if as_id(value)]
        if len(set(found)) < 3:
            continue
        seen += 1
        numbers = sorted({int(value) for value in found if value.isascii() and value.isdigit()})
        if len(numbers) == len(set(found)) and numbers[-1] - numbers[0] < 2 * len(numbers):
            ref = RouteRef("GET", one.path)
            if not any(route.readers & {"source", "running"} for route in target.app.routes):
                return unsure(f"{ref} shows ids that follow one another; whether owners are asked for is not known")
            text = f"{ref} shows ids that follow one another: {', '.join(map(str, numbers[:4]))}"
            return failed(text, [ref], [Evidence("exchange", "a list with the ids of its things", exchange)])
    if not seen:
        return not_applicable("no list of private things with three of them was found")
    return passed(f"the ids in {seen} lists do not follow one another")


def _lists(app: App) -> Iterator[tuple[Route, str]]:
    """Routes that list private things which another route reads by their id."""
    by_path = {route.path.rstrip("/"): route for route in app.routes if "GET" in route.methods and not route.parameters}
    for route in app.routes:
        head, _, last = route.path.rstrip("/").rpartition("/")
        if (
            last.startswith("{")
            and len(route.parameters) == 1
            and head in by_path
            and _private(head)
            and not _asked_whose(route)
        ):
            yield by_path[head], last.strip("{}")


def _asked_whose(route: Route) -> bool:
    """A guard of the route asks for the owner: who guesses an id gains nothing."""
    return any(_OWNER.search(guard.name) for access in route.access.values() for guard in access.guards)


RULE = Rule(
    slug="object-id-guessable",
    family="authorization",
    title="Ids of private things are guessable",
    harm=__doc__ or "",
    severity="low",
    check="object-authorization",
    cwe=(340,),
    owasp="API1:2023",
    asvs=("V8.2.2",),
    surfaces=("source", "wsgi", "http"),
    ends="`owner(function)` in a policy of Stopper lets only the owner reach a thing, whatever its id.",
    certainty="possible",
    detect=detect,
    probe=probe,
)
