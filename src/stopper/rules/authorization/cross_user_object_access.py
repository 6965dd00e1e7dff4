"""Somebody who is logged in changes the number in the address and reads what belongs to others."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from stopper.core.app import Route
from stopper.core.exchange import Request
from stopper.core.finding import Evidence, Verdict
from stopper.core.keys.random_words import token_urlsafe
from stopper.core.login_names import PASSWORD
from stopper.core.owner_names import PERSON
from stopper.core.place import RouteRef
from stopper.core.probe import Identity, Skipped, Steps, Target, failed, not_applicable, passed, question, send, unsure
from stopper.core.probing.accounts import others_accounts as accounts
from stopper.core.probing.accounts.login import log_in
from stopper.core.probing.accounts.own_values import own_numbers
from stopper.core.probing.accounts.registration import registered
from stopper.core.probing.baseline import TRIES, attempt
from stopper.core.probing.inputs import members
from stopper.core.probing.things import as_it_stands as standing
from stopper.core.probing.things import below, by_any_id, files, foreign, own_id, pages
from stopper.core.probing.things import lists_of_all as lists
from stopper.core.probing.things import named_elsewhere as elsewhere
from stopper.core.probing.things import one_thing as things
from stopper.core.probing.things import told_owner as owners
from stopper.core.probing.things.by_number import (
    collections,
    kept_in_her_name,
    made_by_another,
    queries,
    read_by_query,
    stored_in_hers,
)
from stopper.core.probing.things.item_routes import with_items
from stopper.core.probing.things.kinds import Thing, at_number, kinds
from stopper.core.rule import Rule
from stopper.core.secret import Secret
from stopper.core.spec_document import shape

SAID: Final = 6
"""Weaknesses of one finding that its message names."""
SHOWN: Final = 6
"""Those whose exchanges are kept."""
_JSON: Final = ("Content-Type", "application/json")


def probe(target: Target) -> Steps[Verdict]:
    """Two people: what is alice's own, bob asks for by its id. Everything else about the request stays the same."""
    people = _two(target)
    if people is None:
        return not_applicable("the scan is fewer than two people, so nothing belongs to another")
    target = yield from with_items(target, people[0])
    tested, wrong, told, settled = 0, list[Verdict](), set[str](), set[str]()
    last = (_said_by_itself(target, *people, told), _by_any_id(target, *people, settled), *_passwords(target))
    for steps in (*_questions(target, *people), *last):
        yield from question()
        try:
            verdicts = yield from attempt(steps)
        except Skipped:
            if not wrong:
                raise
            break  # the budget is used up: what was proven until then stays proven
        tested += bool(verdicts)
        wrong += [one for one in verdicts or () if one.outcome == "fail"]
        told |= {ref.path for one in wrong for ref in one.routes}
        settled |= {str(ref) for one in wrong for ref in one.routes} | set(map(_asked_of, verdicts or ()))
    if wrong:
        return _joined(wrong)
    if not any(route.parameters for route in target.app.routes):
        return not_applicable("no route reads one object by its id")
    if not tested:
        return unsure("no object was found that belongs to one person of this scan")
    return passed("what belongs to one person is not shown to the other")


Verdicts = Steps[list[Verdict]]


def _questions(target: Target, alice: Identity, bob: Identity) -> Iterator[Verdicts]:
    most = max(4, TRIES[target.depth] // 3)
    for pair in list(things.pairs(target))[:most]:
        yield _one(things.asked(target, pair, alice, bob))
    for route in [one for one in target.app.routes if own_id.is_of_a_person(one)][:most]:
        yield _one(own_id.asked(target, route, alice, bob))
    made = dict[str, Thing]()
    yield lists.asked(target, alice, bob, made)
    for kind in list(kinds(target))[: most if target.mode == "active" else 0]:
        yield foreign.asked(target, kind, alice, bob, made.pop(kind.base, None))
    for create, of in collections(target)[: most if target.mode == "active" else 0]:
        yield _one(kept_in_her_name(target, create, of.list_route if of is not None else None, alice, bob))
        yield _one(made_by_another(target, create, of, alice, bob))
        yield _one(stored_in_hers(target, create, alice, bob))
    for route, name in list(queries(target))[:most]:
        yield _one(read_by_query(target, route, name, alice, bob))
    for template in below.templates(target)[: max(2, most // 3)]:
        yield below.asked(target, template, alice, bob)
    yield elsewhere.asked(target, alice, bob)
    yield accounts.asked(target)
    yield standing.asked(target, alice, bob)
    yield pages.asked(target, alice, bob)
    yield files.asked(target, alice, bob)


def _said_by_itself(target: Target, alice: Identity, bob: Identity, told: set[str]) -> Verdicts:
    return (yield from owners.asked(target, alice, bob, told))


def _by_any_id(target: Target, alice: Identity, bob: Identity, settled: set[str]) -> Verdicts:
    return (yield from by_any_id.asked(target, alice, bob, settled))


def _asked_of(verdict: Verdict) -> str:
    """The method and the path with which what a verdict says about an id begins; what a POST does is one question, and what it
    shows another."""
    said = re.match(r"(?!POST )[A-Z]+ \S+\{\S+", verdict.message)
    return said.group() if said is not None else ""


def _passwords(target: Target) -> Iterator[Verdicts]:
    """An account is more than an object: it is asked about even where an object was shown already."""
    if target.mode == "active":
        for route in [one for one in target.app.routes if _is_a_password(target, one)][:2]:
            yield _one(_password(target, route))


def _one(steps: Steps[Verdict | None]) -> Verdicts:
    verdict = yield from steps
    return [verdict] if verdict is not None else []


def _joined(wrong: Sequence[Verdict]) -> Verdict:
    """One finding of all, as heavy as the heaviest: a route is told once, whatever its ids are called, and the exchanges of the first few are kept."""
    wrong = sorted(wrong, key=lambda one: one.severity is not None)
    told: dict[tuple[str, str], tuple[RouteRef, str]] = {}
    for one in wrong:
        for ref in one.routes:
            told.setdefault((ref.method, shape(ref.path)), (ref, one.message))
    said = list(dict.fromkeys(message for _, message in told.values()))
    more = f" (and {len(said) - SAID} more)" if len(said) > SAID else ""
    evidence = [part for one in wrong[:SHOWN] for part in one.evidence]
    return failed("; ".join(said[:SAID]) + more, [ref for ref, _ in told.values()], evidence, wrong[0].severity)


def _two(target: Target) -> tuple[Identity, Identity] | None:
    """Two ordinary people with different credentials; an administrator may read what others own."""
    people = [one for one in target.identities if one.headers and not re.search(r"(?i)admin|root|super", one.name)]
    other = next((one for one in people[1:] if one.headers != people[0].headers), None)  # some are given one token
    return (people[0], other) if other is not None else None


# -- the password of another ----------------------------------------------------------------------------------------------------


def _is_a_password(target: Target, route: Route) -> bool:
    """A route that sets the password of the person in its path: by what it is called, or because it is sent nothing else."""
    before = route.path.partition("{")[0].rstrip("/").rpartition("/")[2]
    one = len(route.parameters) == 1 and bool(PERSON.search(route.parameters[0][0]) or PERSON.search(before))
    if not one or re.search(r"(?i)\}/(change-?|update-?|set-?)?(password|passwd|pwd)/?$", route.path):
        return one
    method = next((verb for verb in ("PUT", "PATCH", "POST") if verb in route.methods), None)
    said = members(target.request_for(route, method)) if method is not None and "{" in route.path else {}
    return bool(said) and all(PASSWORD.search(name) for name in said)


def _password(target: Target, route: Route) -> Steps[Verdict | None]:
    """Two people whom this probe registers: the second sets the first one's password, and whoever knows it logs in."""
    hers, his = (yield from registered(target)), (yield from registered(target))
    method = next((one for one in ("PUT", "PATCH", "POST") if one in route.methods), None)
    if hers is None or his is None or method is None:
        return None
    told = yield from own_numbers(target, hers)
    told.pop("id", None)  # of the account or of the token: only what is surely hers is tried
    new = Secret(f"Aa9!{token_urlsafe(18)}")
    honest = target.request_for(route, method)
    names = [name for name in members(honest) if PASSWORD.search(name)] or ["password"]
    body = json.dumps({**members(honest), **dict.fromkeys(names, new.reveal())}).encode()
    for number in list(dict.fromkeys([hers.subject or hers.name, *told.values()]))[:3]:
        headers = (*(pair for pair in honest.headers if pair[0].lower() != "content-type"), _JSON)
        request = Request(method, at_number(target, route, number, method).target, headers, body, "write")
        # Under no name: he is this probe's own, so nobody whom other probes need is logged out by it.
        tried = yield from send(replace(his.on(request), identity=None))
        if not tried.response.went_through:
            continue
        let_in = yield from log_in(target, replace(hers, headers=(), token=None, password=new))
        if let_in is not None:
            ref = RouteRef(method, route.path)
            evidence = (
                Evidence("exchange", "bob sets the password of alice; the scan registered both", tried),
                Evidence("exchange", "alice's account is opened by the password that bob chose", let_in[1]),
            )
            return failed(f"{ref} lets one user set the password of another", (ref,), evidence)
    return passed(f"{method} {route.path} does not let bob set alice's password")


RULE = Rule(
    slug="cross-user-object-access",
    family="authorization",
    title="An object of another user can be read or written, as a test with two identities shows",
    harm=__doc__ or "",
    severity="critical",
    check="object-authorization",
    cwe=(639,),
    owasp="API1:2023",
    asvs=("V8.2.2",),
    surfaces=("wsgi", "http"),
    ends="Stopper's `owner(…)` in a policy asks who owns the object before the view runs.",
    probe=probe,
    effect_of=("object-lookup-without-owner",),
)
