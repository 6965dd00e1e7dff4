"""The key ends up in server logs, browser histories and other sites' logs, as URLs do."""

from collections.abc import Iterator
from typing import Final

from stopper.core.app import App
from stopper.core.fact import Reading
from stopper.core.facts import SourceFacts, source_of
from stopper.core.finding import Evidence, Verdict
from stopper.core.flow.body_models import HANDS_BODY, classes_by_name
from stopper.core.flow.declared_queries import loaded_queries
from stopper.core.keys.api_key_names import is_key_name, is_key_reading
from stopper.core.keys.keys_in_addresses import is_proof, keys_in_addresses
from stopper.core.keys.keys_looked_up import keys_looked_up
from stopper.core.naming import sensitive
from stopper.core.outgoing.kept_out_of_addresses import kept_out_of_addresses
from stopper.core.place import RouteRef
from stopper.core.probe import Identity, Skipped, Steps, Target, failed, not_applicable, passed, send
from stopper.core.probing.api_key import key_holders
from stopper.core.probing.baseline import NONSENSE, candidates, establish, judge
from stopper.core.probing.query import with_query, without_query
from stopper.core.rule import Edit, Hit, Rule
from stopper.core.values import (
    Call,
    Choice,
    ConfigValue,
    EnvironmentValue,
    Item,
    Mapping,
    Name,
    Sequence,
    Value,
    options,
    text_of,
    walk,
)

MESSAGE: Final = "an API key is accepted from the URL"
IN_URL: Final = ("flask.request.args", "flask.request.values", "flask.request.view_args")
VAGUE: Final = frozenset({"key", "k", "token", "apitoken"})
"""Names that mean an API key only beside its header."""
TRIED: Final = ("api_key", "apikey", "key", "api-key")
ROUTES: Final = {"quick": 3, "standard": 8, "deep": 30}
_QUERY: Final = ("query", "querystring", "query_string")


def detect(app: App) -> Iterator[Hit]:
    """A key among the readings of the query, in a path, in a parser's arguments, or in the OpenAPI document."""
    facts = source_of(app)
    shown = {(one.function, _word(one.key)) for one in facts.readings("flask.request.headers") if is_key_name(one.key)}
    headers = {function for function, _ in shown}
    told: set[tuple[int, str]] = set()
    for reading in facts.readings(*IN_URL):
        vague = reading.key.lower() in VAGUE and (reading.function in headers or _is_held_against_key(facts, reading))
        vague = vague or (reading.function, _word(reading.key)) in shown
        if is_key_name(reading.key) or vague or (reading.function in headers and _stands_in_for_header(facts, reading)):
            owner = reading.value.owner
            if not isinstance(owner, Choice) or (id(owner), reading.key) not in told:
                yield Hit(MESSAGE, reading.span)
            # ``data = request.args if … else request.form`` is decided once, however many functions are handed it.
            told |= {(id(owner), reading.key)} if isinstance(owner, Choice) else set()
    for item in facts.all_lookups:
        of_url = any(isinstance(one, Name) and one.dotted in IN_URL for one in options(item.owner))
        if of_url and item.span and not facts.is_test(item.span):
            said = [text_of(one) or "" for option in options(item.key) for one in facts.followed(option)]
            if any(is_key_name(name) or (name.lower() in VAGUE and headers) for name in said):
                yield Hit(MESSAGE, item.span)
    looked_up = list(keys_looked_up(facts))
    for item in (part for _, given in looked_up for part in walk(given, 4) if isinstance(part, Item)):
        if any(isinstance(one, Name) and one.dotted in IN_URL for one in options(item.owner)) and item.span:
            yield Hit(MESSAGE, item.span)
    for route in facts.routes:
        named = any(is_key_name(name) or is_proof(facts, route.view, name) for name, _ in route.parameters)
        if named and "DELETE" not in route.methods:
            yield Hit("an API key is part of the path", route.registered_at, certainty="likely")
    for place in keys_in_addresses(facts):
        yield Hit(MESSAGE, place)
    yield from _parsed(facts)
    yield from _declared(facts, {call.function for call, _ in looked_up})
    for scheme in app.spec.schemes.values() if app.spec is not None else ():
        if scheme.where == "query" and scheme.kind.lower() == "apikey":
            yield Hit(f"the OpenAPI document puts the key into the query parameter {scheme.parameter}", reader="spec")


def _word(name: str) -> str:
    """``X-Depot-Key`` of the headers and ``depot_key`` of the query as one word."""
    return name.lower().replace("-", "_").removeprefix("x_")


def _stands_in_for_header(facts: SourceFacts, reading: Reading) -> bool:
    """``request.headers.get("X-API-Key") or request.args.get("appid")``: what the header has, under a name of its own."""
    known = facts.once("what stands in for a header with a key", dict[str, "frozenset[int]"])
    if reading.function not in known:
        known[reading.function] = frozenset(_in_place_of_headers(facts, reading.function))
    return id(reading.value) in known[reading.function]


def _in_place_of_headers(facts: SourceFacts, function: str) -> Iterator[int]:
    """The values, by their identity, that are taken where a header with a key is missing. Facts keep them alive."""
    held = [one.value for one in facts.assignments_in(function)]
    held += [one for call in facts.calls_in(function) for one in (call.receiver, *call.args) if one is not None]
    held += [one.value for one in facts.conditions_in(function)]
    headers = frozenset({"flask.request.headers"})
    for value in held:
        for part in walk(value, 4):
            if isinstance(part, Item) and is_key_reading(part, headers):
                yield from map(id, options(part.default))


def _is_held_against_key(facts: SourceFacts, reading: Reading) -> bool:
    """That what was read is compared with a setting that is called a key."""
    pairs = [(one.left, one.right) for one in facts.comparisons_in(reading.function) if one.operator in ("==", "!=")]
    pairs += [
        (call.args[0], call.args[1])
        for call in facts.calls_in(reading.function)
        if call.method == "compare_digest" and len(call.args) == 2
    ]
    return any(
        any(part is reading.value for part in walk(shown, 4)) and any(_is_key_setting(part) for part in walk(wanted, 4))
        for pair in pairs
        for shown, wanted in (pair, pair[::-1])
    )


def _is_key_setting(value: Value) -> bool:
    name = (
        value.variable
        if isinstance(value, EnvironmentValue)
        else value.key
        if isinstance(value, ConfigValue)
        else value.name
    )
    return bool(name) and (is_key_name(name) or sensitive(name) is not None)


def _parsed(facts: SourceFacts) -> Iterator[Hit]:
    """``reqparse``: ``add_argument("api_key", location="args")``; without a location it reads the query too."""
    if not facts.imports("flask_restful", "flask_restx", "flask_restplus"):
        return
    for call in facts.calls("*.add_argument"):
        name = text_of(call.args[0]) if call.args else None
        if name is None or not is_key_name(name):
            continue
        where = call.keyword("location")
        places = [text_of(one) for one in where.items] if isinstance(where, Sequence) else [text_of(where)]
        if where is None or any(place in ("args", "values") for place in places):
            yield Hit(MESSAGE, call.span)


def _declared(facts: SourceFacts, looking: set[str]) -> Iterator[Hit]:
    """``@use_kwargs({"api_key": …}, location="query")`` of webargs, and the same with a schema in Flask-Smorest and APIFlask; a vague name
    where the function looks a key up."""
    for span, loading, schema in loaded_queries(facts):
        vague = VAGUE if loading in looking else frozenset[str]()
        if any(is_key_name(name) or name.lower() in vague for name in _fields(facts, schema)):
            yield Hit(MESSAGE, span)
    if not facts.imports("webargs", "flask_smorest", "apiflask"):
        return
    for function in facts.functions():
        for decorator in function.decorators:
            call = decorator.call
            if call is None or call.method not in HANDS_BODY or text_of(call.keyword("location")) not in _QUERY:
                continue
            vague = VAGUE if function.name in looking else frozenset[str]()
            fields = list(_fields(facts, call.argument(0, "argmap", "schema")))
            if any(is_key_name(name) or name.lower() in vague for name in fields):
                yield Hit(MESSAGE, decorator.span)


def _fields(facts: SourceFacts, value: Value | None) -> Iterator[str]:
    """What the fields of a mapping or a schema are called in the request."""
    if isinstance(value, Mapping):
        pairs = [(text_of(key) or "", field) for key, field in value.items]
    else:
        schema = value.callee if isinstance(value, Call) else getattr(value, "dotted", "")
        known = classes_by_name(facts).get(schema)
        pairs = [(name, known.attributes.get(name, Name(name))) for name in known.fields] if known is not None else []
        pairs += [one for one in known.attributes.items() if one[0] not in known.fields] if known is not None else []
    for name, field in pairs:
        yield (text_of(field.keyword("data_key")) if isinstance(field, Call) else None) or name


def probe(target: Target) -> Steps[Verdict]:
    """Take the key out of the header, put it into the query, and see who is let in."""
    if (silent := kept_out_of_addresses(target)) is not None:
        return silent
    people = key_holders(target)
    if not people:
        return not_applicable("no identity with an API key is known; give one with --identity")
    tried = 0
    for route, method in candidates(target):
        if tried == ROUTES[target.depth]:
            break
        try:
            baseline = yield from establish(target, route, method, people[0])
            if baseline.kind != "protected":
                continue
            tried += 1
            bare = without_query(baseline.request, *TRIED)
            for name in dict.fromkeys((*_named_by(target.app), *TRIED)):
                good = yield from send(with_query(bare, name, _key(people[0])))
                if judge(baseline, good.response) != "let-in":
                    continue
                wrong = yield from send(with_query(bare, name, NONSENSE))
                if judge(baseline, wrong.response) == "kept-out":
                    evidence = [
                        Evidence("exchange", "control: closed without a key", baseline.anonymous),
                        Evidence("exchange", "control: nonsense in the query is refused", wrong),
                        Evidence("exchange", "the key in the query is let in", good),
                    ]
                    return failed(
                        f"{baseline.ref} takes the key from the URL", [RouteRef(method, route.path)], evidence
                    )
        except Skipped:
            continue
    if not tried:
        return not_applicable("no route that can be read is closed without a key and open with one")
    return passed(f"{tried} routes take no key from the URL")


def _key(person: Identity) -> str:
    return person.headers[0][1].reveal()


def _named_by(app: App) -> tuple[str, ...]:
    names = [one.key for one in source_of(app).readings(*IN_URL) if is_key_name(one.key)]
    schemes = app.spec.schemes.values() if app.spec is not None else ()
    return (*names, *(one.parameter for one in schemes if one.where == "query"))[:4]


def fix(app: App, hit: Hit) -> Edit | None:
    """The header alone, where the key may come in the address as well: a caller who has it there is refused then."""
    read = (one.span for one in source_of(app).readings(*IN_URL))
    return Edit(hit.span, "", safe=False, how="left-out") if hit.span is not None and hit.span in read else None


RULE = Rule(
    slug="api-key-accepted-in-url",
    family="api-key",
    title="API key accepted in the URL",
    harm=__doc__ or "",
    severity="high",
    check="authentication",
    cwe=(598,),
    owasp="API2:2023",
    asvs=("V14.2.1",),
    surfaces=(
        "source",
        "wsgi",
        "http",
    ),
    ends="Stopper's `@api_key` reads a key from the header `STOPPER_API_KEY_HEADER` and from nowhere else.",
    certainty="certain",
    detect=detect,
    fix=fix,
    probe=probe,
)
