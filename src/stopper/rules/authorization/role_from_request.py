"""The caller says what he may do, and is believed."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.app import App, Route
from stopper.core.exchange import Exchange, Request
from stopper.core.fact import Comparison
from stopper.core.facts import SourceFacts, source_of
from stopper.core.finding import Evidence, Verdict
from stopper.core.flow import passing
from stopper.core.flow.passed_keywords import passed_as
from stopper.core.flow.said_anew import is_said_anew
from stopper.core.flow.said_by_caller import (
    GUARDS,
    SENT,
    as_brought,
    is_grant,
    is_held_to_a_list,
    overruled,
    said_under,
    ways_back,
)
from stopper.core.guards.reached_by_admins import is_brought_by_admins, is_reached_by_admins
from stopper.core.guards.whose_it_is import lets_on, turns_away
from stopper.core.owner_names import ADMIN_PATH, ROLE, ROLES_SAID, WHO
from stopper.core.people.made_for_others import made_for_somebody
from stopper.core.people.poured_roles import poured_roles
from stopper.core.people.rows_of_people import roles_of_rows
from stopper.core.place import RouteRef, Span
from stopper.core.probe import Steps, Target, failed, not_applicable, passed, send
from stopper.core.probing.baseline import attempt, every
from stopper.core.probing.said_beside import Change, with_change
from stopper.core.rule import Hit, Rule
from stopper.core.stores.made_things import makes
from stopper.core.stores.owners_said import owners_said
from stopper.core.stores.queries_by_owner import asked_for_before_the_own
from stopper.core.stores.query_comparisons import is_query
from stopper.core.values import (
    Call,
    Choice,
    Constant,
    Member,
    Name,
    Parameter,
    Sequence,
    Value,
    is_constant,
    options,
    walk,
)

_YES: Final = frozenset({"1", "true", "yes", "on"})
_ACCOUNT: Final = re.compile(r"(?i)user|account|person|people|customer|employee|admin")


def detect(app: App) -> Iterator[Hit]:
    """A role out of the request is asked about, stored for a new account, or put into a token; an owner out of it is taken."""
    facts = source_of(app)
    seen: set[Span] = set()
    said = (
        (span, f"what the caller sends as `{key}` counts more than the credential")
        for span, key in (*overruled(facts), *asked_for_before_the_own(facts))
    )
    whose = (
        (span, f"whose data is read is decided by `{key}`, which the caller sends") for span, key in owners_said(facts)
    )
    for span, why in (*_granted(facts), *poured_roles(facts), *whose, *made_for_somebody(app, facts), *said):
        if span not in seen:
            seen.add(span)
            yield Hit(why, span)
    refusing = [one.span for one in facts.conditions() if one.refuses]
    for span, why in _asked(facts):
        if span not in seen:
            seen.add(span)
            if any(one.holds(span) for one in refusing):
                yield Hit(why, span)
            else:
                message = f"{why}: look what hangs on it, and where it comes from"
                yield Hit(message, span, certainty="possible", severity="low")


def _asked(facts: SourceFacts) -> Iterator[tuple[Span, str]]:
    for one in facts.comparisons("==", "!=", "in", "not in", "<", "<=", ">", ">=", "is", "is not"):
        for side, other in ((one.left, one.right), (one.right, one.left)):
            if is_constant(other, None):
                continue  # whether a role was sent at all
            key, said = _role_said(facts, side)
            decides = said is not side and _is_asked_of(facts, one)
            if not key or not (decides or _may_decide(facts, said, other) or lets_on(facts, one, said)):
                continue
            if not (is_query(facts, one) or _refuses(facts, one) or _validates(facts, one)):
                yield one.span, f"what the caller may do is decided by `{key}`, which he sends himself"
    for asked in facts.conditions():
        for option in options(asked.value):
            key, _ = _role_said(facts, option)
            if key and "admin" in key.lower():
                yield asked.span, f"what the caller may do is decided by `{key}`, which he sends himself"


def _role_said(facts: SourceFacts, side: Value) -> tuple[str, Value]:
    """The key of a role under which the caller sends it, and the value under that key."""
    for value in ways_back(facts, side) if not isinstance(side, Constant) else ():
        key = said_under(facts, value)
        if key and ROLE.search(key):
            return key, value
    return "", side


def _is_asked_of(facts: SourceFacts, one: Comparison) -> bool:
    """``if g.role != wanted: abort(403)``, ``if LEVELS[role] < LEVELS["admin"]: abort(403)``."""
    return any(asked.refuses and asked.span.holds(one.span) for asked in facts.conditions_in(one.function))


def _may_decide(facts: SourceFacts, said: Value, other: Value) -> bool:
    """It is held against a known role; or it stands in claims that nobody verified, whatever role it is held against."""
    words = [str(one.value).lower() for one in walk(other, 1) if isinstance(one, Constant)]
    if (key := said_under(facts, said)) and "admin" in key.lower() and words and set(words) <= _YES:
        return True  # ``request.args.get("admin") == "1"``
    return _names_role(facts, other) or facts.derives(said, "unverified-claims") or turns_away(facts, said, other)


def _refuses(facts: SourceFacts, one: Comparison) -> bool:
    """``if current_user.role == "operator" and role == "admin": raise …``: what the caller may not ask for, by who he is."""
    return one.operator == "==" and any(
        asked.stops
        and not asked.negated
        and not (isinstance(asked.value, Choice) and not asked.value.every)
        and asked.span.holds(one.span)
        and any(
            (isinstance(part, Name) and WHO.search(part.dotted))
            or (isinstance(part, Member) and ROLE.search(part.attribute))
            for other in facts.comparisons_in(one.function)
            if other is not one and asked.span.holds(other.span)
            for side in (other.left, other.right)
            for part in walk(side)
        )
        for asked in facts.conditions_in(one.function)
    )


def _validates(facts: SourceFacts, one: Comparison) -> bool:
    """``if data["role"] not in ROLES: return 400`` in a view that only administrators reach asks about the form, not about the caller."""
    if one.operator not in ("in", "not in"):
        return False
    listed = {str(part.value).lower() for part in walk(one.right, 1) if isinstance(part, Constant)}
    if one.operator == "not in" and listed & set(GUARDS) and listed - set(GUARDS):
        return True  # a list that has the ordinary role too keeps nobody out: it says which roles there are
    if facts.is_view(one.function):
        return is_reached_by_admins(facts, one.function) or _filters(facts, one)
    ways = facts.routes_reaching(one.function) if one.function and isinstance(one.right, Sequence) else ()
    return bool(ways) and all("admin" in way.path.lower() for way in ways)


def _filters(facts: SourceFacts, one: Comparison) -> bool:
    """That the view only reads, and looks for the rows with this role: the list says which roles there are."""
    routes = facts.routes_of_view(one.function)
    reads = bool(routes) and all(set(route.methods) <= {"GET", "HEAD", "OPTIONS"} for route in routes)
    return reads and any(
        other.left == one.left or other.right == one.left
        for other in facts.comparisons_in(one.function)
        if other is not one and is_query(facts, other)
    )


def _names_role(facts: SourceFacts, value: Value) -> bool:
    """A role stands there, or is what somebody passes to the decorator that compares."""
    given = [value]
    if isinstance(value, Parameter):
        given = list(passing.handed(facts, value))
    return any(
        isinstance(part, Constant) and isinstance(part.value, str) and part.value.lower() in GUARDS
        for one in given
        for part in walk(one, 2)
    )


def _noun(call: Call) -> str:
    """What is made, in the reader's word: an account, or whatever the class is called: ``Membership(role=…)``."""
    made = call.callee.rpartition(".")[2]
    return made if made[:1].isupper() and not _ACCOUNT.search(made) else "account"


def _granted(facts: SourceFacts) -> Iterator[tuple[Span, str]]:
    """``User(role=data["role"])`` at a route that is no administrator's, claims with a role out of the body."""
    if not facts.says_anyhow(*ROLES_SAID):
        return
    for call in facts.calls(*_makers(facts)):
        for name, value in call.keywords:
            key = _role_brought(facts, value, call.function) if ROLE.search(name) else None
            if key and call.span is not None:
                yield call.span, f"a new {_noun(call)} gets the `{key}` that the caller sends"
    for assigned in facts.assignments():
        if not assigned.function or assigned.target.count(".") != 1 or not ROLE.search(assigned.attribute):
            continue
        key = _role_brought(facts, assigned.value, assigned.function)
        if key and not is_grant(facts, assigned):
            yield assigned.span, f"the account gets the `{key}` that the caller sends"
    for value, span, function in roles_of_rows(facts):
        if key := _role_brought(facts, value, function):
            yield span, f"a new account gets the `{key}` that the caller sends"
    for flow in facts.flows("claims", "session"):
        own = flow.sink == "session"
        keys = (_role_brought(facts, part, flow.function, own=own, held=False) for part in walk(flow.value, 3))
        if key := next(filter(None, keys), None):
            yield flow.span, f"the credential carries the `{key}` that the caller sends"


def _role_brought(
    facts: SourceFacts, value: Value, function: str, *, own: bool = False, held: bool = True
) -> str | None:
    """The key of a role under which somebody who is no administrator sends the value, here or where it is passed on. With *held*, one of a
    list of harmless roles is none."""
    for one, where in as_brought(facts, value, function):
        key = said_under(facts, one)
        if not key or not ROLE.search(key):
            continue
        if is_said_anew(facts, key, function, where):
            continue
        listed = held and (is_held_to_a_list(facts, one, where) or is_held_to_a_list(facts, value, function))
        if not listed and not is_brought_by_admins(facts, one, where, SENT, own=own):
            return key
    return None


def _makers(facts: SourceFacts) -> list[str]:
    """What is called with a role by keyword; empty names would mean every call."""
    found = {call.callee for call, _, _ in passed_as(facts, ROLE.search) if makes(call)}
    return sorted(found) or ["stopper.nothing"]


_ROUTES: Final = {"quick": 4, "standard": 7, "deep": 80}
"""Routes that are asked, those first whose path says that they are an administrator's."""
_HEADERS: Final = (
    "X-Role", "X-User-Role", "X-Roles", "Role", "X-Admin", "X-Is-Admin", "X-Staff", "X-Is-Staff", "X-Superuser", "X-User-Type", "X-Access-Level", "X-Internal",
)  # fmt: skip
_NAMES: Final = ("role", "admin", "is_admin")
"""What the field calls a role in a query or a cookie."""
_COOKIES: Final = ("isAdmin", "user_role", "user_type")
_REFUSED: Final = (401, 403)
_SENT_AWAY: Final = (*_REFUSED, 302, 303)
"""What turns away at a page of administrators."""


def probe(target: Target) -> Steps[Verdict]:
    """A reading that is refused is asked for again with a role of the caller's own; the same without it must still be refused."""
    refused = 0
    asked = sorted(every(target), key=lambda pair: not ADMIN_PATH.search(pair[0].path))
    for route, method in asked[: _ROUTES[target.depth]]:
        honest = target.request_for(route, method)
        for request in (honest, *(one.on(honest) for one in target.identities[:1])):
            control = yield from attempt(send(request))
            turned_away = _SENT_AWAY if ADMIN_PATH.search(route.path) else _REFUSED
            if control is None or control.response.status not in turned_away:
                continue
            refused += 1
            let_in = yield from attempt(_believed(route, request))
            if let_in is None and (ADMIN_PATH.search(route.path) or any(map(ROLE.search, route.names))):
                let_in = yield from attempt(_believed(route, request, "1"))
            if let_in is None:
                continue
            what, answer = let_in
            again = yield from send(request)
            if again.response.status == control.response.status:
                ref = RouteRef(method, route.path)
                evidence = [
                    Evidence("exchange", "control: it is refused", control),
                    Evidence("exchange", f"the same with {what} is let in", answer),
                    Evidence("exchange", "control: without it, it is still refused", again),
                ]
                return failed(f"{ref} believes {what}", [ref], evidence)
    return (
        passed(f"{refused} refusals believe no role that a caller sends")
        if refused
        else not_applicable("no reading is refused")
    )


def _believed(route: Route, request: Request, yes: str = "true") -> Steps[tuple[str, Exchange] | None]:
    """The one thing that opens it: all are sent at once first, which costs one request where none is believed. ``yes`` is how a flag says so."""
    ways = list(_ways(route, yes))
    combined = request
    for _, change in ways:
        combined = with_change(combined, change)
    together = yield from send(combined)
    if not together.response.succeeded:
        return None
    for what, change in ways:
        answer = yield from send(with_change(request, change))
        if answer.response.succeeded:
            return what, answer
    return None


def _ways(route: Route, yes: str) -> Iterator[tuple[str, Change]]:
    known = [name for name in route.names if ROLE.search(name) and not name.lower().startswith("x-")]
    for name in _HEADERS:
        yield f"the header {name}", ("header", name, _value(name, yes))
    for name in dict.fromkeys((*known, *_NAMES)):
        yield f"`{name}` in the query", ("query", name, _value(name, yes))
    for name in (*_NAMES, *_COOKIES):
        yield f"the cookie {name}", ("cookie", name, _value(name, yes))


def _value(name: str, yes: str) -> str:
    return "admin" if any(word in name.lower() for word in ("role", "type", "level")) else yes


RULE = Rule(
    slug="role-from-request",
    family="authorization",
    title="The role, tenant or owner is taken from the request",
    harm=__doc__ or "",
    severity="critical",
    check="function-authorization",
    cwe=(639,),
    owasp="API5:2023",
    asvs=("V8.3.1",),
    surfaces=("source", "wsgi", "http"),
    ends='`@(bearer & role("admin"))` of Stopper asks the verified token and nothing else.',
    certainty="likely",
    detect=detect,
    probe=probe,
)
