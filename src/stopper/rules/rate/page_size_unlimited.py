"""One request asks for a million rows and gets them."""

import re
from collections.abc import Iterator, Sequence
from typing import Final, cast

from stopper.core.app import App
from stopper.core.edits import call_edits
from stopper.core.exchange import Exchange, Response
from stopper.core.facts import SourceFacts, source_of
from stopper.core.finding import Evidence, Verdict
from stopper.core.flow import passing
from stopper.core.flow.body_models import HANDS_BODY, class_of, declares
from stopper.core.flow.bounded_fields import is_bounded
from stopper.core.flow.held_attributes import held_under
from stopper.core.place import RouteRef, Span
from stopper.core.probe import Steps, Target, failed, not_applicable, passed, send, unsure
from stopper.core.probing.baseline import answered, attempt, candidates
from stopper.core.probing.query import query_names, with_query, without_query
from stopper.core.rule import Edit, Hit, Rule
from stopper.core.stores.whole_tables import whole_tables
from stopper.core.values import (
    NAMED,
    REST,
    Call,
    Constant,
    Format,
    Item,
    Mapping,
    Member,
    Name,
    Parameter,
    Unknown,
    Value,
    is_constant,
    options,
    text_of,
    walk,
)

_NAMES: Final = re.compile(
    r"(?i)^(limit|per_?page|page_?size|size|count|max_?results|top|first|n|num|take|rows|pagesize|items)$"
)
_SINKS: Final = ("*.limit", "*.paginate", "*.fetchmany", "*.head", "*.slice", "*.islice")
_PARSERS: Final = ("flask_restful", "flask_restx", "webargs", "flask_smorest", "apiflask")
_BY_NAME: Final = ("*.find",)
"""What is told the number by its name alone: ``things.find(wanted, limit=size)``."""
NO_BOUND: Final = 10_000
"""Rows. Of larger pages than this a bound is none."""
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
        if _NAMES.match(one.key)
    }
    names |= {
        name
        for call in facts.calls("flask.request.args.get", "flask.request.values.get")
        if (name := text_of(call.argument(0)) or "") and _NAMES.match(name)
    }
    if not names and not declares(facts, _NAMES) and not facts.imports(*_PARSERS):
        return
    seen: set[object] = set()
    for call in facts.calls(*_SINKS, *_BY_NAME, "paginate", "flask_sqlalchemy.paginate"):
        given = [
            *(call.args if f"*.{call.method}" not in _BY_NAME else ()),
            *(value for name, value in call.keywords if name in ("per_page", "limit", "error_out") or not name),
        ]
        spread = _spread(facts, call)
        given += [value for name, value in spread if name in ("per_page", "limit")]
        caps = [call.keyword(*_CAPS), *(value for name, value in spread if name in _CAPS)]
        if call.method == "paginate" and _is_vast(call.keyword("max_page_size")):
            yield Hit("the largest page that a caller may ask for is no limit", call.span)
            continue
        if any(cap is not None and not is_constant(cap, None) and not _is_vast(cap) for cap in caps) or (
            call.receiver is not None and call.method == "limit" and "flask_limiter" in call.callee
        ):
            continue
        if not any(_free(facts, value) for value in given) or _is_held_inside(facts, call):
            continue
        if _hands_on(facts, call):
            continue  # told there, once for all who call it
        if not _asked(facts, call.function) and not seen & {call.span, call.function or call.span}:
            seen |= {call.span, call.function or call.span}
            yield Hit("the caller says how large a page is, and nothing holds it down", call.span)
    for span, function in _sliced(facts):
        if not seen & {span, function} and not _asked(facts, function):
            seen |= {span, function}
            yield Hit("the caller says how large a page is, and nothing holds it down", span)
    for call in facts.calls("*.execute"):
        text = next((text for value in call.args[:1] for text in _sql(value)), "")
        free = any(_free(facts, part) for value in call.args for part in _inside(value))
        if not free or not re.search(r"(?i)\blimit\b", text) or _asked(facts, call.function) or call.function in seen:
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
            if len(bounds) == 2 and not is_constant(bounds[1], None) and _free(facts, _width(*bounds)):
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
        isinstance(option, Parameter) and option.function == call.callee and _free(facts, option)
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


def _free(facts: SourceFacts, value: Value, depth: int = 2) -> bool:
    """The number itself, or a cast of it; ``min(…)`` and the like are no more free."""
    for option in options(value):
        match option:
            case Item(owner=Name(dotted=dotted), key=Constant(value=str(key))) if dotted.startswith("flask.request."):
                if _NAMES.match(key):
                    return True
            case Item(owner=Call(callee="flask.request.get_json"), key=Constant(value=str(key))) if _NAMES.match(key):
                return True
            case Parameter() if depth and not facts.is_view(option.function):
                if any(
                    _free(facts, given, depth - 1) and not _asked(facts, call.function, depth - 1)
                    for call in facts.calls(option.function)
                    for given in passing.passed(facts, option, call)
                ):
                    return True
            case Call(callee="int" | "float" | "abs", args=(inner, *_)):
                if _free(facts, inner):
                    return True
            case Call(callee="min", args=several) if any(map(_is_vast, several)):
                if any(_free(facts, one) for one in several) and not any(map(_is_small, several)):
                    return True
            case Call(callee="max", args=several):
                if any(_free(facts, one) for one in several):  # it has a least, and no most
                    return True
            case Call(callee=callee) if callee.startswith(("flask.request.args.", "flask.request.values.")):
                if option.args and _NAMES.match(text_of(option.args[0]) or ""):
                    return True
            case Call(
                method="get", receiver=Call(method="parse_args") as owner, args=(Constant(value=str(key)), *_)
            ) if _NAMES.match(key) and not _is_declared_small(facts, owner, key):
                return True
            case (
                Call(method="get", receiver=Call() as owner, args=(Constant(value=str(key)), *_))
                | Item(owner=Call() as owner, key=Constant(value=str(key)))
            ) if _NAMES.match(key) and _is_handed_to_wrapper(facts, owner):
                return True
            case Item(owner=Parameter(index=index), default=left_out) if (
                index == NAMED and left_out is not None and _free(facts, left_out, depth)
            ):
                return True  # ``kwargs.pop("per_page", request.args.get("per_page"))``
            case Item(owner=owner, key=Constant(value=str(key))) | Member(owner=owner, attribute=key) if _NAMES.match(
                key
            ):
                kept = list(held_under(facts, owner, key)) if depth and isinstance(option, Member) else []
                if kept:  # ``Page.of_request().limit``, with what the object was made of
                    return any(
                        _free(facts, one, depth - 1) and not _asked(facts, home, depth - 1) for one, home in kept
                    )
                if facts.derives(option, "request-data") and not _is_declared_small(facts, owner, key):
                    return True
            case _:
                pass
    return False


def _is_handed_to_wrapper(facts: SourceFacts, value: Value) -> bool:
    """What a schema hands to ``def paginate(*args)`` in a decorator of the project: ``return arguments(PageSchema)(paginate)``."""
    return any(
        isinstance(part, Parameter)
        and (part.index <= REST or part.index == NAMED)
        and any(call.method in HANDS_BODY for call in facts.calls_in(part.function.rpartition(".")[0]))
        for part in walk(value, 4)
    )


def _is_vast(value: Value | None) -> bool:
    """A bound that holds nobody back."""
    return isinstance(value, Constant) and isinstance(value.value, int) and value.value > NO_BOUND


def _is_small(value: Value) -> bool:
    return isinstance(value, Constant) and not _is_vast(value)


def _is_declared_small(facts: SourceFacts, owner: Value, key: str) -> bool:
    """A field with a largest value, or an argument of a parser whose type is no plain number."""
    if is_bounded(facts, owner, key, NO_BOUND):
        return True
    if class_of(facts, owner) is not None:
        return False
    said = [call for call in facts.calls("*.add_argument") if text_of(call.argument(0, "name")) == key]
    tables = [
        value
        for call in facts.calls_matching(r"webargs\.flaskparser\..*use_(?:args|kwargs)|.*\.(?:arguments|input)")
        for part in walk(call.argument(0, "argmap", "schema"), 2)
        if isinstance(part, Mapping) and (value := part.get(key)) is not None
    ]
    kinds = [one.keyword("type") for one in said] + [one.keyword("validate") for one in tables if isinstance(one, Call)]
    if not said and not tables:
        return True  # what the caller sends is read in a way that cannot be seen
    return any(kind is not None and not isinstance(kind, Name) for kind in kinds) or any(
        one.keyword("choices") is not None for one in said
    )


def _asked(facts: SourceFacts, function: str, depth: int = 3) -> bool:
    """The function compares the number with something larger than nothing."""
    return any(
        one.function == function
        and any(_free(facts, side, depth) for side in (one.left, one.right))
        and not any(isinstance(side, Constant) and side.value in (0, 1) for side in (one.left, one.right))
        for one in facts.comparisons(">", ">=", "<", "<=", "in", "not in")
    )


def _is_held_inside(facts: SourceFacts, call: Call) -> bool:
    """That the call is of a function of the project which compares the number with something larger than nothing, or cuts it."""
    called = facts.function(call.callee)
    if called is None:
        return False
    given = called.parameters[1:] if called.parameters[:1] in (("self",), ("cls",)) else called.parameters
    mine = {
        name
        for index, name in enumerate(given)
        if (passed := call.argument(index, name)) is not None and _free(facts, passed)
    }
    return any(
        any(_is_one_of(side, mine) for side in (one.left, one.right))
        and not any(isinstance(side, Constant) and side.value in (0, 1) for side in (one.left, one.right))
        for one in facts.comparisons_in(called.name)
    ) or any(
        inner.callee == "min" and any(_is_one_of(a, mine) for a in inner.args) for inner in facts.calls_in(called.name)
    )


def _is_one_of(value: Value, names: set[str]) -> bool:
    return any(isinstance(one, Parameter) and one.parameter in names for one in options(value))


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
        known = [name for name in dict.fromkeys((*query_names(request), *route.names)) if _NAMES.match(name)]
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
        if _NAMES.match(name) and name not in ("count", "num", "n", "items") and type(value) is int:
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
