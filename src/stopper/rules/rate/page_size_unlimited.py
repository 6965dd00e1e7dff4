"""One request asks for a million rows and gets them."""

import re
from collections.abc import Iterator, Sequence
from typing import Final, cast

from stopper.core.app import App
from stopper.core.edits import call_edits
from stopper.core.exchange import Exchange, Response
from stopper.core.facts import SourceFacts, source_of
from stopper.core.finding import Evidence, Verdict
from stopper.core.flow.body_models import declares
from stopper.core.place import RouteRef, Span
from stopper.core.probe import Steps, Target, failed, not_applicable, passed, send, unsure
from stopper.core.probing.baseline import answered, attempt, candidates
from stopper.core.probing.query import query_names, with_query, without_query
from stopper.core.rule import Edit, Hit, Rule
from stopper.core.stores.page_sizes import SIZES, is_asked, is_asked_there, is_free, is_held_inside, is_vast
from stopper.core.stores.whole_tables import whole_tables
from stopper.core.values import (
    Call,
    Format,
    Item,
    Mapping,
    Parameter,
    Unknown,
    Value,
    is_constant,
    options,
    text_of,
    walk,
)

_SINKS: Final = ("*.limit", "*.paginate", "*.fetchmany", "*.head", "*.slice", "*.islice")
_PARSERS: Final = ("flask_restful", "flask_restx", "webargs", "flask_smorest", "apiflask")
_BY_NAME: Final = ("*.find", "*.search")
"""What is told the number by its name alone: ``things.find(wanted, limit=size)``."""
_SEARCHES: Final = ("elasticsearch", "opensearchpy", "elasticsearch_dsl")
"""Stores that are told it as ``size``: ``es.search(query=wanted, size=size)``."""
_CAPS: Final = ("max_per_page",)
_HOLDS: Final = re.compile(r"(?i)(^|[._])(min|clamp|cap|bound|limit_to)\w*$")


def detect(app: App) -> Iterator[Hit]:
    """The caller's number as the size of a page, with nothing that holds it down; or a whole table as one answer."""
    facts = source_of(app)
    yield from whole_tables(facts)
    names = {
        one.key
        for one in facts.readings(
            "flask.request.args", "flask.request.values", "flask.request.json", "flask.request.get_json"
        )
        if SIZES.match(one.key)
    }
    names |= {
        name
        for call in facts.calls("flask.request.args.get", "flask.request.values.get")
        if (name := text_of(call.argument(0)) or "") and SIZES.match(name)
    }
    if not names and not declares(facts, SIZES) and not facts.imports(*_PARSERS):
        return
    seen: set[object] = set()
    told_as = ("per_page", "limit", "error_out", *(("size",) if facts.imports(*_SEARCHES) else ()))
    for call in facts.calls(*_SINKS, *_BY_NAME, "paginate", "flask_sqlalchemy.paginate"):
        given = [
            *(call.args if f"*.{call.method}" not in _BY_NAME else ()),
            *(value for name, value in call.keywords if name in told_as or not name),
        ]
        spread = _spread(facts, call)
        given += [value for name, value in spread if name in ("per_page", "limit")]
        caps = [call.keyword(*_CAPS), *(value for name, value in spread if name in _CAPS)]
        if call.method == "paginate" and is_vast(call.keyword("max_page_size")):
            yield Hit("the largest page that a caller may ask for is no limit", call.span)
            continue
        if any(cap is not None and not is_constant(cap, None) and not is_vast(cap) for cap in caps) or (
            call.receiver is not None and call.method == "limit" and "flask_limiter" in call.callee
        ):
            continue
        if not any(is_free(facts, value) for value in given) or is_held_inside(facts, call):
            continue
        if _hands_on(facts, call):
            continue  # told there, once for all who call it
        if not is_asked_there(facts, call.function) and not seen & {call.span, call.function or call.span}:
            seen |= {call.span, call.function or call.span}
            yield Hit("the caller says how large a page is, and nothing holds it down", call.span)
    for span, function in _sliced(facts):
        if not seen & {span, function} and not is_asked(facts, function):
            seen |= {span, function}
            yield Hit("the caller says how large a page is, and nothing holds it down", span)
    for call in facts.calls("*.execute"):
        text = next((text for value in call.args[:1] for text in _sql(value)), "")
        free = any(is_free(facts, part) for value in call.args for part in _inside(value))
        if not free or not re.search(r"(?i)\blimit\b", text) or is_asked(facts, call.function) or call.function in seen:
            continue
        seen.add(call.function or call.span)
        yield Hit("the caller says how many rows are read, and nothing holds it down", call.span)


def _sliced(facts: SourceFacts) -> Iterator[tuple[Span, str]]:
    """``LOGS[:count]`` in what a view answers."""
    for returned in facts.returns():
        for part in walk(returned.value, 4) if facts.is_view(returned.function) else ():
            bounds: tuple[Value, ...] = (
                part.key.parts if isinstance(part, Item) and isinstance(part.key, Unknown) else ()
            )
            if len(bounds) == 2 and not is_constant(bounds[1], None) and is_free(facts, _width(*bounds)):
                yield returned.span, returned.function


def _width(first: Value, last: Value) -> Value:
    """How many there are between the bounds: ``count`` of ``rows[start : start + count]``."""
    if isinstance(last, (Unknown, Format)) and len(last.parts) == 2 and first in last.parts:
        return last.parts[1 - last.parts.index(first)]
    return last


def _hands_on(facts: SourceFacts, call: Call) -> bool:
    """That the call is of a function of the project which gives its own number to the query as it is."""
    if facts.function(call.callee) is None:
        return False
    return any(
        isinstance(option, Parameter) and option.function == call.callee and is_free(facts, option)
        for inner in facts.calls_in(call.callee)
        if any(inner.method == sink.removeprefix("*.") for sink in _SINKS)
        for value in (*inner.args, *(given for _, given in inner.keywords))
        for option in options(value)
    )


def _spread(facts: SourceFacts, call: Call) -> list[tuple[str, Value]]:
    """What ``**paging()`` passes, where a function of the project gives a dictionary."""
    return [
        (text_of(key) or "", inner)
        for name, value in call.keywords
        if name == "**" and isinstance(value, Call) and (known := facts.function(value.callee)) is not None
        for given in known.returns
        for option in options(given)
        if isinstance(option, Mapping)
        for key, inner in option.items
    ]


def _sql(value: Value) -> Iterator[str]:
    if isinstance(value, Format):
        yield " ".join(text_of(part) or "" for part in value.parts)
    elif isinstance(value, Call):
        for inner in value.args:
            yield from _sql(inner)
    elif (text := text_of(value)) is not None:
        yield text


def _inside(value: Value) -> Iterator[Value]:
    yield value
    if isinstance(value, Mapping):
        yield from (held for _, held in value.items)
    for name in ("parts", "items", "args"):
        for part in getattr(value, name, ()):
            if not isinstance(part, tuple):
                yield part
                if not (isinstance(part, Call) and _HOLDS.search(part.callee)):
                    yield from getattr(part, "args", ())


_ROUTES: Final = {"quick": 8, "standard": 20, "deep": 80}
_USUAL: Final = ("limit", "per_page", "page_size", "size")
_ASKED: Final = 1_000_000
_MANY: Final = 1000
"""Rows in one answer that no page for people holds: the document stores and SQL front ends of the field cap at 100 to 500."""


def probe(target: Target) -> Steps[Verdict]:
    """Where a page of one row has one row, a page of a million is asked for. The answer must not say, or show, that it was given."""
    paged = judged = 0
    for route, method in list(candidates(target))[: _ROUTES[target.depth]]:
        request = target.request_for(route, method)
        known = [name for name in dict.fromkeys((*query_names(request), *route.names)) if SIZES.match(name)]
        if not known and target.app.spec is not None:
            continue  # a document names the parameters; without one the usual names are tried
        honest = yield from attempt(answered(target, without_query(request, *known)))
        if honest is None or len(_rows(honest.response)) < 2:
            continue
        found = yield from attempt(_pages(honest, known or _USUAL))
        if found is None:
            continue
        paged += 1
        name, one = found
        much = yield from send(with_query(honest.request, name, str(_ASKED)))
        given = _given(much.response)
        if much.response.succeeded and (given == _ASKED or len(_rows(much.response)) >= _MANY):
            ref = RouteRef(method, route.path)
            evidence = [
                Evidence("exchange", f"control: `{name}=1` gives one row", one),
                Evidence("exchange", f"`{name}={_ASKED}` is given", much),
            ]
            return failed(f"{ref} gives as many rows as `{name}` asks for", [ref], evidence)
        judged += 400 <= much.response.status < 500 or given is not None
    if not paged:
        return not_applicable("no list takes the size of its page from the caller")
    if not judged:
        return unsure("the lists are too short to show whether their pages have a largest size")
    return passed(f"{judged} lists hold the size of a page down")


def _pages(honest: Exchange, names: Sequence[str]) -> Steps[tuple[str, Exchange] | None]:
    """The parameter that says how large a page is: with 1 in it there is one row, where there are more without."""
    for name in names:
        one = yield from send(with_query(honest.request, name, "1"))
        if len(_rows(one.response)) == 1:
            return name, one
    return None


def _rows(response: Response) -> list[object]:
    """The list that the answer is, or its longest member."""
    said = response.json()
    if isinstance(said, dict):
        members = cast("dict[str, object]", said).values()
        lists = [cast("list[object]", one) for one in members if isinstance(one, list)]
        said = max(lists, key=len, default=list[object]())
    return cast("list[object]", said) if isinstance(said, list) and response.succeeded else []


def _given(response: Response) -> int | None:
    """The size of the page that the answer says it has, beside its rows or in an object of its own."""
    said = response.json()
    if not isinstance(said, dict):
        return None
    members = cast("dict[str, object]", said)
    inner = [cast("dict[str, object]", one) for one in members.values() if isinstance(one, dict)]
    for name, value in (pair for one in (members, *inner) for pair in one.items()):
        if SIZES.match(name) and name not in ("count", "num", "n", "items") and type(value) is int:
            return value
    return None


def fix(app: App, hit: Hit) -> Edit | None:
    """``max_per_page=100`` for Flask-SQLAlchemy's pages; what other queries take is left to a person."""
    for call in call_edits.calls_at(source_of(app), hit.span):
        if call.method == "paginate" and any(name in ("page", "per_page") for name, _ in call.keywords):
            return call_edits.passing(call, ("max_per_page", "100"), safe=False)
    return None


RULE = Rule(
    slug="page-size-unlimited",
    family="rate",
    title="The client sets the page size without a cap",
    harm=__doc__ or "",
    severity="medium",
    check="rate-limiting",
    cwe=(770,),
    owasp="API4:2023",
    asvs=("V15.2.2",),
    surfaces=("source", "wsgi", "http"),
    ends="No setting of Stopper does yet.",
    detect=detect,
    fix=fix,
    probe=probe,
)
