"""Everybody may pass as long as nobody has set the key."""

from collections.abc import Iterator
from typing import Final

from stopper.core.app import App, Route
from stopper.core.deployment.needed_to_start import needed_to_start, setting_names
from stopper.core.exchange import Exchange
from stopper.core.fact import Condition
from stopper.core.facts import SourceFacts, source_of
from stopper.core.finding import Evidence, Verdict
from stopper.core.flow.request_hooks import BEFORE, hung
from stopper.core.guards.asked_before import bare_of, is_asked_before, is_required_before, reads_same, truths
from stopper.core.guards.hung_hooks import hung_within
from stopper.core.guards.let_on import lets_request_on
from stopper.core.keys.missing_keys import (
    NONE,
    listed,
    meant,
    meeting,
    present,
    says_key,
    unhashed,
    when_not_set,
    written_none,
)
from stopper.core.naming import sensitive
from stopper.core.place import RouteRef, Span
from stopper.core.probe import Skipped, Steps, Target, failed, not_applicable, passed, send, unsure
from stopper.core.probing.baseline import candidates, same
from stopper.core.rule import Edit, Hit, Rule
from stopper.core.values import (
    Call,
    Choice,
    ConfigValue,
    Constant,
    EnvironmentValue,
    Item,
    Name,
    Truth,
    Value,
    is_constant,
    options,
    walk,
)

DIGEST: Final = ("hmac.compare_digest", "secrets.compare_digest")
USUAL_HEADER: Final = "X-API-Key"
HEADERS_MOST: Final = 4
UNTOLD: Final = {"quick": 4, "standard": 8, "deep": 100}
"""Open routes that are asked where nothing speaks of a key: the usual header is a guess."""
"""Header names that are tried on one route."""

Compared = tuple[Value, Value, Span, str]
"""Both sides of a comparison, where it stands, and in which function."""


def detect(app: App) -> Iterator[Hit]:
    """A missing header and a missing setting that come out equal, with nothing before that refuses either."""
    facts = source_of(app)
    for span, _ in _open_checks(facts):
        yield Hit("a request without a key passes as long as the key is not set", span)
    for span in _split_nothing(facts):
        yield Hit("a request without a key passes as long as the keys are not set", span)
    for span in dict.fromkeys(_skipped_checks(facts)):
        yield Hit("every request passes as long as the key is not set: the check is skipped then", span)


def _open_checks(facts: SourceFacts) -> Iterator[tuple[Span, str]]:
    """Where such a comparison stands, and in which function."""
    for left, right, raises_on_none, span, function in _comparisons(facts):
        wanted = written_none(facts, left, right)
        if (
            wanted is not None
            and not is_asked_before(facts, (wanted, wanted), span, function)
            and not _is_needed(facts, wanted)
        ):
            yield span, function
        met = meeting(facts, left, right) - (NONE if raises_on_none else frozenset())
        if met and any(is_required_before(facts, one, span, function) for one in (*options(left), *options(right))):
            met -= NONE
        if (
            met
            and (says_key(left) or says_key(right))
            and not is_asked_before(facts, (left, right), span, function)
            and not _is_needed(facts, left, right)
        ):
            yield span, function


def _split_nothing(facts: SourceFacts) -> Iterator[Span]:
    """``"".split(",")`` has an empty text in it, and whoever sends no key sends that one."""
    for one in facts.comparisons("in", "not in"):
        split = isinstance(one.right, Call) and one.right.method == "split" and len(one.right.args) == 1
        wanted = listed(one.right) if split else one.right
        if not split or not isinstance(wanted, (EnvironmentValue, ConfigValue)) or not says_key(wanted):
            continue
        empty = "" in meeting(facts, one.left, wanted)
        asked = is_asked_before(facts, (one.left, one.right), one.span, one.function)
        if empty and not asked and not _is_needed(facts, wanted):
            yield one.span


def _is_needed(facts: SourceFacts, *values: Value) -> bool:
    """That the application refuses to start without one of the settings in these."""
    return not needed_to_start(facts).isdisjoint(setting_names(facts, *values))


def _skipped_checks(facts: SourceFacts) -> Iterator[Span]:
    """``if key and shown != key: refuse``, or the same in two steps: without the key nothing is compared."""
    compared = [(left, right, span, function) for left, right, _, span, function in _comparisons(facts)]
    compared += [(one.left, listed(one.right), one.span, one.function) for one in facts.comparisons("in", "not in")]
    yield from _answers_yes_unset(facts, compared)
    yield from _answers_yes_without_a_variable(facts, compared)
    yield from _answers_yes_beside(facts, compared)
    for outer in facts.conditions() if compared else ():
        if outer.negated or _asks_none(facts, outer.value) is not None:
            if outer.stops and not outer.refuses and _lets_in_unset(facts, outer, compared):
                yield outer.span
            continue
        every = outer.value.options if isinstance(outer.value, Choice) and outer.value.every else (outer.value,)
        for wanted in (listed(present(one)) for one in every):
            if not isinstance(wanted, (EnvironmentValue, ConfigValue)) or not says_key(wanted):
                continue
            refusing = _refusals_within(facts, outer, len(every) > 1)
            held = any(one.holds(span) for one in refusing for span in _compared_with(wanted, compared, outer.function))
            hung = hung_within(facts, outer.body) if not held and not outer.stops else ()
            held = held or any(True for name in hung for _ in _compared_with(wanted, compared, name))
            if held and _may_be_unset(facts, wanted) and not _refused_when_unset(facts, wanted, outer):
                yield outer.span


def _asks_none(facts: SourceFacts, value: Value) -> Value | None:
    """What is held against nothing: ``key is None``, ``key == ""``."""
    if not isinstance(value, Truth) or len(value.parts) != len(("key", "nothing")) or value.differs:
        return None
    asked, nothing = value.parts
    return asked if is_constant(nothing, None, "") else None


def _answers_yes_unset(facts: SourceFacts, compared: list[Compared]) -> Iterator[Span]:
    """``return not key or compare_digest(shown, key)``: the answer is yes without one."""
    for one in facts.returns():
        choices = one.value.options if isinstance(one.value, Choice) and not one.value.every else ()
        for option in choices[:1]:
            wanted = listed(option.parts[0]) if isinstance(option, Truth) and len(option.parts) == 1 else None
            if not isinstance(wanted, (EnvironmentValue, ConfigValue)) or not says_key(wanted):
                continue
            beside = any(
                one.span.holds(span) and any(reads_same(bare_of(side)[0], wanted) for side in (left, right))
                for left, right, span, _ in compared
            )
            if beside and _may_be_unset(facts, wanted):
                yield one.span


def _answers_yes_beside(facts: SourceFacts, compared: list[Compared]) -> Iterator[Span]:
    """``if KEY is not None: return compare_digest(shown, KEY)`` with ``return True`` below it; the same two the other way round."""
    for outer in facts.conditions() if compared else ():
        body = outer.body
        absent = listed(present(outer.value)) if outer.negated else _asks_none(facts, outer.value)
        wanted = present(outer.value) if absent is None else absent
        if outer.refuses or not outer.stops or body is None:
            continue
        if not isinstance(wanted, (EnvironmentValue, ConfigValue)) or not says_key(wanted):
            continue
        given = facts.returns_of(outer.function)
        below = [one for one in given if one.span.line > body.end_line]
        yes = below[:1] if absent is None else [one for one in given if body.holds(one.span)]
        places = [body] if absent is None else [one.span for one in below]
        held = any(one.holds(span) for span in _compared_with(wanted, compared, outer.function) for one in places)
        if held and any(is_constant(one.value, True) for one in yes) and _may_be_unset(facts, wanted):
            yield outer.span


def _compared_with(wanted: Value, compared: list[Compared], within: str) -> Iterator[Span]:
    """Where that function, or one in it, compares something with the setting."""
    for left, right, span, function in compared:
        if (function == within or (within and function.startswith(f"{within}."))) and (
            reads_same(bare_of(left)[0], wanted) or reads_same(bare_of(right)[0], wanted)
        ):
            yield span


def _may_be_unset(facts: SourceFacts, wanted: Value) -> bool:
    return bool(when_not_set(facts, wanted)) and not _is_needed(facts, wanted)


def _lets_in_unset(facts: SourceFacts, outer: Condition, compared: list[Compared]) -> bool:
    """``if not key: return view()`` above the comparison that refuses."""
    wanted = listed(present(outer.value)) if outer.negated else _asks_none(facts, outer.value)
    if not isinstance(wanted, (EnvironmentValue, ConfigValue)) or not says_key(wanted):
        return False
    later = [span for span in _compared_with(wanted, compared, outer.function) if outer.span.line < span.line]
    refusing = [one.span for one in _conditions_below(facts, outer.function) if one.refuses]
    return (
        any(one.holds(span) for one in refusing for span in later)
        and _may_be_unset(facts, wanted)
        and lets_request_on(facts, outer)
    )


def _conditions_below(facts: SourceFacts, function: str) -> Iterator[Condition]:
    """Those of a function and of the functions written in it."""
    for one in facts.conditions():
        if one.function == function or (function and one.function.startswith(f"{function}.")):
            yield one


def _answers_yes_without_a_variable(facts: SourceFacts, compared: list[Compared]) -> Iterator[Span]:
    """``except KeyError: return True`` where the variable that is compared is read; in a hook, nothing lets the request on as well."""
    hooks = hung(facts, *BEFORE)
    for one in facts.handlers():
        if one.action != "return" or "KeyError" not in one.catches or not one.function:
            continue
        yes = [
            returned.span
            for returned in facts.returns_of(one.function)
            if one.span.holds(returned.span)
            and (
                is_constant(returned.value, True)
                or (one.function in hooks and is_constant(returned.value, None))
                or (isinstance(returned.value, Call) and returned.value.callee == "?")
            )
        ]
        needs = any(
            function == one.function
            and any(
                isinstance(bare := bare_of(side)[0], (EnvironmentValue, ConfigValue))
                and bare.default is None
                and says_key(bare)
                for side in (left, right)
            )
            for left, right, _, function in compared
        )
        yield from yes if needs else ()


def _refusals_within(facts: SourceFacts, outer: Condition, together: bool) -> list[Span]:
    """The tests that refuse: this one, where the comparison stands in it; else those in its body."""
    if together:
        return [outer.span] if outer.refuses else []
    if outer.refuses or outer.body is None:
        return []
    body = outer.body
    inside = [one for one in _conditions_below(facts, outer.function) if one.refuses and body.holds(one.span)]
    return [one.span for one in inside if one.function == outer.function or not facts.is_view(one.function)]


def _refused_when_unset(facts: SourceFacts, wanted: Value, outer: Condition) -> bool:
    """That something refuses, or does not even start, where the key is not set."""
    return any(
        one.negated
        and one.stops
        and one.function in (outer.function, "")
        and any(reads_same(part, wanted) for part in truths(one.value))
        for one in facts.conditions()
    )


def _comparisons(facts: SourceFacts) -> Iterator[tuple[Value, Value, bool, Span, str]]:
    """Everything that compares two values: both, whether None makes it raise, where, and in which function."""
    for found in facts.comparisons("==", "!=", "is", "is not"):
        if found.operator[:2] == "is" and isinstance(found.right, Constant):
            continue  # ``is None`` asks for one side alone
        yield meant(facts, found.left), meant(facts, found.right), False, found.span, found.function
        given, stored = unhashed(facts, found.left), unhashed(facts, found.right)
        if given is not None and stored is not None:
            yield given, stored, False, found.span, found.function
    for call in facts.calls(*DIGEST):
        first, second = call.argument(0, "a"), call.argument(1, "b")
        if first is not None and second is not None and call.span is not None:
            yield meant(facts, first), meant(facts, second), True, call.span, call.function


# -- on the wire -----------------------------------------------------------------------------------------------------------------


def probe(target: Target) -> Steps[Verdict]:
    """A route that refuses a wrong key must refuse a missing one as well."""
    asked = opened = optional = 0
    places: list[RouteRef] = []
    evidence: list[Evidence] = []
    for route, method in candidates(target):
        try:
            nobody = yield from send(target.request_for(route, method))
            asked += 1
            if not nobody.response.succeeded:
                continue
            opened += 1
            if opened > UNTOLD[target.depth] and _headers(target) == (USUAL_HEADER,):
                break
            found = yield from _wrong_key_refused(target, nobody)
            if found is None:
                continue
            sure = yield from _demands_a_key(target, route, nobody, *found)
        except Skipped:
            continue
        optional += not sure
        if sure:
            places.append(RouteRef(method, route.path))
            evidence += [
                Evidence("exchange", f"control: a wrong key is refused by {route.path}", found[1]),
                Evidence("exchange", "the same request without a key is let in", nobody),
            ]
    if places:
        return failed(f"{places[0]} refuses a wrong key and lets in a request without one", places, evidence)
    if optional:
        return unsure("a route refuses a wrong key and answers without one; keys may be optional there")
    if not asked:
        return not_applicable("no route can be read")
    return passed(f"none of {asked} routes lets a missing key in where it refuses a wrong one")


def _wrong_key_refused(target: Target, nobody: Exchange) -> Steps[tuple[str, Exchange] | None]:
    """The header under which a wrong key is refused, with that exchange."""
    for name in _headers(target):
        wrong = yield from send(nobody.request.with_headers((name, f"{target.canary}-wrong")))
        if wrong.response.refused and not same(wrong.response, nobody.response):
            again = yield from send(nobody.request)
            if again.response.succeeded:
                return name, wrong
    return None


def _demands_a_key(target: Target, route: Route, nobody: Exchange, name: str, wrong: Exchange) -> Steps[bool]:
    """That the route means to demand a key: an empty one is refused, its spec says so, or its source compares so."""
    facts = source_of(target.app)
    compared = {ref for _, function in _open_checks(facts) for ref in facts.routes_reaching(function)}
    if route.spec_security or RouteRef(nobody.request.method, route.path) in compared:
        return True
    empty = yield from send(nobody.request.with_headers((name, "")))
    return empty.response.refused and same(empty.response, wrong.response)


def _headers(target: Target) -> tuple[str, ...]:
    """Names of headers that may carry a key: those of the spec, of the source and of the identities, then the usual one."""
    names: dict[str, str] = {}
    schemes = target.app.spec.schemes.values() if target.app.spec is not None else ()
    spec = [scheme.parameter for scheme in schemes if scheme.where == "header" and scheme.parameter]
    shown = [name for identity in target.identities for name, _ in identity.headers]
    for name in (*spec, *_read_by(source_of(target.app)), *shown, USUAL_HEADER):
        if name.lower() not in ("authorization", "cookie"):
            names.setdefault(name.lower(), name)
    return tuple(names.values())[:HEADERS_MOST]


def _read_by(facts: SourceFacts) -> Iterator[str]:
    for comparison in facts.comparisons("==", "!="):
        for side in (comparison.left, comparison.right):
            for value in walk(side):
                match value:
                    case Item(owner=Name(dotted="flask.request.headers"), key=Constant(value=str(name))):
                        if sensitive(name) is not None:
                            yield name
                    case _:
                        pass


def fix(app: App, hit: Hit) -> Edit | None:
    """``os.environ["KEY"]``: the application does not start without the key, so that nothing is compared with nothing."""
    for left, right, _, span, _ in _comparisons(source_of(app)):
        for one in (*options(left), *options(right)) if span == hit.span else ():
            unset = isinstance(one, EnvironmentValue) and is_constant(one.default, None)
            if unset and isinstance(one, EnvironmentValue) and one.span is not None and one in (left, right):
                return Edit(one.span, f'os.environ["{one.variable}"]', safe=False, imports=("os",))
    return None


RULE = Rule(
    slug="api-key-unset-fails-open",
    family="api-key",
    title="API open while its key is unset",
    harm="Everybody may pass as long as nobody has set the key.",
    severity="critical",
    check="authentication",
    cwe=(636,),
    owasp="API2:2023",
    asvs=("V16.5.3",),
    surfaces=("source", "wsgi", "http"),
    ends="Stopper's `@api_key` knows only keys that were issued, so a variable that is unset opens nothing.",
    detect=detect,
    fix=fix,
    probe=probe,
)
