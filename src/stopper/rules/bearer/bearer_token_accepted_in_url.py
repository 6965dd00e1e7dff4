"""The token ends up in server logs, browser histories and other sites' logs, as URLs do."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.app import App
from stopper.core.exchange import Exchange
from stopper.core.facts import SourceFacts, source_of
from stopper.core.finding import Evidence, Verdict
from stopper.core.flow.declared_queries import declared_queries
from stopper.core.flow.passing import callers
from stopper.core.origins import PASSING, TEXT_METHODS
from stopper.core.outgoing.kept_out_of_addresses import kept_out_of_addresses
from stopper.core.place import RouteRef
from stopper.core.probe import Skipped, Steps, Target, failed, not_applicable, passed, unsure
from stopper.core.probing.baseline import Baseline, bearers, candidates, establish
from stopper.core.probing.tokens_in_query import by_query
from stopper.core.rule import Edit, Hit, Rule
from stopper.core.tokens.links_to_things import is_of_one_purpose, names_nobody
from stopper.core.tokens.tokens_in_paths import handed_to_verifiers, read_by_loaders, tokens_in_paths
from stopper.core.tokens.tokens_looked_up import tokens_looked_up
from stopper.core.values import (
    Call,
    Choice,
    Constant,
    Item,
    Name,
    Parameter,
    Value,
    options,
    parts,
    text_of,
    walk,
)

READ_FROM: Final = frozenset({"flask.request.args", "flask.request.values", "flask.request.form"})
CLEAR: Final = frozenset({
    "access_token", "accesstoken", "access-token", "bearer", "bearer_token", "auth_token", "authtoken", "jwt", "jwt_token", "authorization",
})  # fmt: skip
"""Names that mean an access token and nothing else."""
MAYBE: Final = frozenset({"token", "auth", "t", "tok", "id_token", "session_token", "api_token", "user_token"})
"""Names that may also mean a reset link, a ticket or another service's token: the code around has to say more."""
_POSTED: Final = frozenset({"assertion", "client_assertion", "id_token", "logout_token", "credential"})
"""What OpenID and OAuth have posted by a form to whoever logs in with it, once (RFC 7521, form_post)."""
TRIED: Final = ("access_token", "token", "jwt", "auth_token")
ROUTES: Final = {"quick": 3, "standard": 8, "deep": 30}
ENOUGH: Final = 4
"""Routes that are named in one verdict; one careless check usually guards them all."""
FULLY: Final = 4
FEW: Final = 2
"""Routes that are asked with every name; those after them with this many, because one guard mostly stands before all."""

_DECODES: Final = re.compile(
    r"jwt\.(?:api_jwt\.)?decode(?:_complete)?|jose\.jwt\.decode|joserfc\.jwt\.decode|authlib\.jose\.jwt\.decode|authlib\.jose\.JsonWebToken\.decode"
    r"|flask_jwt_extended\.decode_token|firebase_admin\.auth\.verify_id_token"
)
_CHECKS: Final = re.compile(
    r"_*(?:check|verify|validate|decode|authenticate|parse|load)_(?:\w+_)?(?:token|jwt)|(?:token|jwt)_(?:check|verify|validate|decode)"
    r"|(?:get_)?(?:current_)?user_(?:from|by|for)_(?:access_|auth_)?(?:token|jwt)"
)
"""Functions of these names take a token and say who it is."""
_ONCE: Final = re.compile(
    r"(?i)reset|confirm|verif|activat|invit|unsubscribe|magic|recover|forgot|revoke|introspect|refresh|callback|oauth|logout|download"
)
"""A function or path of this name handles a link that works once, or a token as OAuth sends it in a body (RFC 7009, RFC 7662)."""


def detect(app: App) -> Iterator[Hit]:
    """A token that is read from the query or a form: by a clear name, into a JWT library, or beside the header."""
    facts = source_of(app)
    seen: set[tuple[str, int]] = set()
    for item, function, sure in _accepted(facts):
        if item.span is None or (item.span.path, item.span.line) in seen or _is_for_once(facts, function):
            continue
        if is_of_one_purpose(facts, function, item):
            continue
        seen.add((item.span.path, item.span.line))
        yield Hit(
            "a bearer token is accepted from the URL or a form", item.span, certainty="certain" if sure else "likely"
        )
    for call in tokens_in_paths(facts, _DECODES):
        if call.span is not None and not _is_for_once(facts, call.function) and not names_nobody(facts, call):
            yield Hit("a bearer token is accepted from the path", call.span, certainty="likely")
    yield from _declared(facts)
    yield from _specified(app)


def _declared(facts: SourceFacts) -> Iterator[Hit]:
    """Arguments of a request parser that look for the token in the query or a form; a name that may mean less has to be decoded."""
    decoded = [
        part
        for call in facts.calls_matching(_DECODES.pattern)
        for given in call.args[:1]
        for part in walk(given, 4)
        if isinstance(part, Item) and isinstance(part.owner, Call) and part.owner.method == "parse_args"
    ]
    for span, function, fields in declared_queries(facts):
        names = {field.lower() for field in fields}
        if not _is_for_once(facts, function) and (
            names & CLEAR or (names & MAYBE and _is_decoded(facts, function, fields))
        ):
            yield Hit("a bearer token is accepted from the URL or a form", span, certainty="likely")
    for call in facts.calls("*.add_argument"):
        name = (text_of(call.keyword("dest")) or text_of(call.argument(0, "name")) or "").lower()
        said = call.keyword("location")
        places = {text_of(part) for part in walk(said, 2)} if said is not None else set[str | None]()
        if places & {"args", "values", "form"} and (
            name in CLEAR or (name in MAYBE and any(_name(item) == name for item in decoded))
        ):
            yield Hit("a bearer token is accepted from the URL or a form", call.span, certainty="likely")


def _is_decoded(facts: SourceFacts, function: str, fields: tuple[str, ...]) -> bool:
    """That the function hands one of the fields to a JWT library, by its name or out of what it is given."""
    return any(
        (isinstance(part, Parameter) and part.parameter in fields)
        or (isinstance(part, Item) and text_of(part.key) in fields)
        for call in facts.calls_in(function)
        if _DECODES.fullmatch(call.callee) or _CHECKS.fullmatch(call.method)
        for given in call.args[:1]
        for part in walk(given, 4)
    )


def _accepted(facts: SourceFacts) -> Iterator[tuple[Item, str, bool]]:
    """Every such reading, the function it stands in, and whether it is sure."""
    yield from _decoded(facts)
    for looked_up, function in tokens_looked_up(facts):
        yield from ((one, function, False) for one in _readings(looked_up) if _name(one) in MAYBE | CLEAR)
    seen: set[int] = set()
    readers = {one.function for one in facts.readings(*READ_FROM) if one.key.lower() in CLEAR | MAYBE}
    readers |= {
        facts.function_around(one.span)
        for one in facts.all_lookups
        if one.span is not None and not facts.is_test(one.span) and _is_reading(one) and _name(one) in CLEAR | MAYBE
    }
    reads: dict[str, bool] = {}
    for value, function in _values(facts) if readers else ():
        if function not in reads:
            reads[function] = any(function == reader or function.startswith(reader + ".") for reader in readers)
        if not reads[function]:
            continue  # most functions read no token, and what they do with values need not be looked through
        for item in [inner for inner in _unseen(value, seen) if isinstance(inner, Item) and _is_reading(inner)]:
            name = _name(item)
            if name in CLEAR:
                yield item, function, False
            elif name in MAYBE and _stands_beside_header(facts, value, item):
                yield item, function, True
    yield from _later_choices(facts)
    yield from ((item, "", False) for item in read_by_loaders(facts, READ_FROM) if _name(item) in MAYBE | CLEAR)


def _decoded(facts: SourceFacts) -> Iterator[tuple[Item, str, bool]]:
    """What reaches a JWT library, also through functions of the project, what reaches a function that says it checks tokens, and what
    ``Authorization("Bearer", token=request.values["token"])`` makes a header of."""
    for made in facts.calls("werkzeug.datastructures.Authorization", "werkzeug.datastructures.auth.Authorization"):
        for shown in (*made.args, *(value for _, value in made.keywords)):
            yield from ((item, made.function, True) for item in _readings(shown))
    for call in facts.calls_matching(_DECODES.pattern):
        if names_nobody(facts, call):
            continue
        for value in call.args[:1]:
            for item, function in _sources(facts, value, call.function):
                if not (
                    _name(item) in _POSTED and isinstance(item.owner, Name) and item.owner.dotted.endswith(".form")
                ):
                    yield item, function, True
    checks = [callee for callee in facts.callees() if _CHECKS.fullmatch(callee.rpartition(".")[2])]
    for call in facts.calls() if checks else ():
        if call.callee in checks:
            for value in call.args:
                for item in _readings(value):
                    if _name(item) in MAYBE | CLEAR:
                        yield item, call.function, False
    for call in handed_to_verifiers(facts):
        for item in _readings(call.args[0]):
            yield item, "", False  # whatever the view is called: the same function guards the others


def _sources(facts: SourceFacts, value: Value, function: str, depth: int = 3) -> Iterator[tuple[Item, str]]:
    """The readings that a value comes from, through parameters to the callers."""
    if _ONCE.search(function.rpartition(".")[2]):
        return
    carried = list(_carried(value))
    for item in carried:
        if isinstance(item, Item) and _is_reading(item):
            yield item, function
    for inner in carried:
        if isinstance(inner, Parameter) and depth:
            for call in callers(facts, inner.function):
                passed_here = call.argument(inner.index if inner.index >= 0 else None, inner.parameter)
                if passed_here is not None:
                    yield from _sources(facts, passed_here, call.function, depth - 1)


def _carried(value: Value, depth: int = 12) -> Iterator[Value]:
    """The value and what of it may be inside: what is given to a call stands behind its answer only where it is named as a token. A log-in that is
    given a name and a password answers with a token of its own."""
    level, met = [(value, True)], set[tuple[int, bool]]()
    for _ in range(depth + 1):
        deeper: list[tuple[Value, bool]] = []
        for one, carried in level:
            if (id(one), carried) in met:
                continue
            met.add((id(one), carried))
            if carried or (isinstance(one, Item) and _name(one) in CLEAR | MAYBE):
                yield one
            carries = not isinstance(one, Call) or one.callee in PASSING or one.method in TEXT_METHODS
            deeper += [(part, carried and carries) for part in parts(one)]
        level = deeper


def _values(facts: SourceFacts) -> Iterator[tuple[Value, str]]:
    for assignment in facts.assignments():
        yield assignment.value, assignment.function
    for returned in facts.returns():
        yield returned.value, returned.function
    for function in facts.functions():
        yield from ((given, function.name) for given in function.yields)
    for comparison in facts.comparisons():
        yield comparison.left, comparison.function
        yield comparison.right, comparison.function
    for call in facts.calls():
        yield call, call.function


def _unseen(value: Value, seen: set[int], depth: int = 12) -> Iterator[Value]:
    """The value and everything inside it that was not met before: the same parts stand in many values."""
    if id(value) in seen or depth < 0:
        return
    seen.add(id(value))
    yield value
    for part in parts(value):
        yield from _unseen(part, seen, depth - 1)


def _readings(value: Value) -> Iterator[Item]:
    yield from (inner for inner in walk(value) if isinstance(inner, Item) and _is_reading(inner))


def _is_reading(value: Item) -> bool:
    return any(isinstance(one, Name) and one.dotted in READ_FROM for one in options(value.owner)) and _name(value) != ""


def _name(item: Item) -> str:
    """What is looked up, in small letters; of several names that a loop tries, the clearest."""
    said = [text.lower() for one in options(item.key) if (text := text_of(one))]
    return next((text for names in (CLEAR, MAYBE) for text in said if text in names), said[0] if said else "")


def _stands_beside_header(facts: SourceFacts, value: Value, item: Item) -> bool:
    """That the reading is one of several places for the same token, another one being the Authorization header."""
    for inner in walk(value):
        if isinstance(inner, Choice) and any(item in walk(option) for option in inner.options):
            others = [option for option in inner.options if item not in walk(option)]
            if any(facts.derives(other, "authorization-header") for other in others):
                return True
        if isinstance(inner, Item) and _is_header(inner) and inner.default is not None and item in walk(inner.default):
            return True
    return item.default is not None and facts.derives(item.default, "authorization-header")


def _is_header(item: Item) -> bool:
    match item:
        case Item(owner=Name(dotted="flask.request.headers"), key=Constant(value=str(name))):
            return name.lower() == "authorization"
        case _:
            return False


def _later_choices(facts: SourceFacts) -> Iterator[tuple[Item, str, bool]]:
    """``token = request.args.get("token")`` where the same name gets the Authorization header in the same function."""
    reading = {one.function for one in facts.all_readings if one.source in READ_FROM and one.key.lower() in MAYBE}
    if not reading:
        return
    read = [
        one
        for one in facts.assignments()
        if one.function and any(_name(item) in MAYBE for item in _readings(one.value))
    ]
    wanted = {(one.function, one.target) for one in read}
    from_header = {
        (one.function, one.target)
        for one in facts.assignments()
        if (one.function, one.target) in wanted and facts.derives(one.value, "authorization-header", by_name=False)
    }
    by_header = {
        one.function
        for name in reading
        for one in facts.returns_of(name)
        if facts.derives(one.value, "authorization-header", by_name=False) or _is_authorization(one.value)
    }
    for name in by_header:
        for one in facts.returns_of(name):
            yield from ((item, name, True) for item in _readings(one.value) if _name(item) in MAYBE)
    for assignment in read:
        if (assignment.function, assignment.target) in from_header:
            yield from (
                (item, assignment.function, True) for item in _readings(assignment.value) if _name(item) in MAYBE
            )


def _is_authorization(value: Value) -> bool:
    """``request.authorization.token``, which Werkzeug has read out of the header."""
    return any(
        isinstance(part, Name) and part.dotted.startswith("flask.request.authorization.token")
        for part in walk(value, 4)
    )


def _is_for_once(facts: SourceFacts, function: str) -> bool:
    owner, _, last = function.rpartition(".")
    class_name = owner.rpartition(".")[2]
    names = (class_name, last) if class_name[:1].isupper() else (last,)
    return any(_ONCE.search(name) for name in (*names, *(route.path for route in facts.routes_of_view(function))))


def _specified(app: App) -> Iterator[Hit]:
    """Schemes of the OpenAPI document that put a token into the query."""
    schemes = app.spec.schemes.values() if app.spec is not None else ()
    for scheme in schemes:
        if scheme.where == "query" and scheme.parameter.lower() in CLEAR | MAYBE:
            yield Hit(f"the OpenAPI document says that a token may travel in the query parameter {scheme.parameter}")


def probe(target: Target) -> Steps[Verdict]:
    """Take the token out of the header, put it into the query, and see who is let in."""
    if (silent := kept_out_of_addresses(target)) is not None:
        return silent
    people = bearers(target)
    if not people:
        return unsure("no identity with a bearer token is known; give one with --identity")
    tried = 0
    places: list[RouteRef] = []
    evidence: list[Evidence] = []
    names = tuple(dict.fromkeys((*_named_by(target.app), *TRIED)))
    for route, method in candidates(target):
        if tried == ROUTES[target.depth] or len(places) == ENOUGH:
            break
        try:
            baseline = yield from establish(target, route, method, people[0])
            if baseline.kind != "protected":
                continue
            tried += 1
            found = yield from by_query(baseline, people[0], names if tried <= FULLY else names[:FEW])
        except Skipped:
            continue
        if found is not None:
            places.append(baseline.ref)
            evidence += _shown(baseline, *found[1:])
            names = (found[0], *(name for name in names if name != found[0]))
    if places:
        return failed(f"{places[0]} takes the token from the URL", places, evidence)
    if not tried:
        return not_applicable("no route that can be read is closed without a token and open with one")
    return passed(f"{tried} routes take no token from the URL")


def _named_by(app: App) -> tuple[str, ...]:
    names = [str(item.key.value) for item, _, _ in _accepted(source_of(app)) if isinstance(item.key, Constant)]
    schemes = app.spec.schemes.values() if app.spec is not None else ()
    return (*names, *(scheme.parameter for scheme in schemes if scheme.where == "query"))[:6]


def _shown(baseline: Baseline, wrong: Exchange, good: Exchange) -> tuple[Evidence, ...]:
    return (
        Evidence("exchange", f"control: {baseline.route.path} is closed without a token", baseline.anonymous),
        Evidence("exchange", "control: nonsense in the query is refused", wrong),
        Evidence("exchange", "the token in the query is let in", good),
    )


def fix(app: App, hit: Hit) -> Edit | None:
    """The header alone, where the token may come in the address as well: a caller who has it there is refused then."""
    read = (item.span for item, _, _ in _accepted(source_of(app)))
    return Edit(hit.span, "", safe=False, how="left-out") if hit.span is not None and hit.span in read else None


RULE = Rule(
    slug="bearer-token-accepted-in-url",
    family="bearer",
    title="Bearer token accepted in the URL",
    harm="The token ends up in server logs, browser histories and other sites' logs, as URLs do.",
    severity="high",
    check="authentication",
    cwe=(598,),
    owasp="API2:2023",
    asvs=("V14.2.1",),
    surfaces=("source", "wsgi", "http"),
    ends="Stopper's `@bearer` reads a token from the `Authorization` header and from nowhere else.",
    detect=detect,
    fix=fix,
    probe=probe,
)
