"""An ordinary user sees and does what only an administrator should."""

import json
import re
import uuid
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from stopper.core.app import Route
from stopper.core.exchange import Exchange, Request
from stopper.core.finding import Evidence, Verdict
from stopper.core.login_names import PASSWORD
from stopper.core.owner_names import ADMIN_PATH, PERSON
from stopper.core.place import RouteRef
from stopper.core.probe import Identity, Steps, Target, failed, not_applicable, passed, send, unsure
from stopper.core.probing.accounts import open_admins
from stopper.core.probing.accounts.functions import Found, functions_let_in, somebody_has, taken_back
from stopper.core.probing.accounts.ordinary import is_shown_high, least, may_be_the_only_one
from stopper.core.probing.accounts.own_values import SELF
from stopper.core.probing.accounts.registration import new_account, registers
from stopper.core.probing.baseline import TRIES, alike, beyond, is_door
from stopper.core.probing.inputs import members
from stopper.core.probing.provoke import asked_honestly
from stopper.core.probing.things.foreign import made
from stopper.core.probing.things.id_elsewhere import stands_elsewhere
from stopper.core.probing.things.kinds import at_number, kinds, route_at
from stopper.core.probing.things.objects import marked
from stopper.core.probing.things.read_below import unknown
from stopper.core.rule import Rule

_THINGS: Final = re.compile(
    r"(?i)/(?!(announcements|notifications|messages|e?-?mails|settings|jobs|commands|queries|backups|migrations|imports|exports|permissions|webhooks)/?$)[a-z_-]+s/?$"
)
"""Collections in which somebody of a higher role makes things; what goes out to people is none."""
_CHANGES: Final = ("PUT", "PATCH", "POST")
SHOWN: Final = 3
"""Routes whose exchanges are kept."""


def probe(target: Target) -> Steps[Verdict]:
    """An administrator's routes that refuse nobody's request are asked as an ordinary user of the scan."""
    low = least(target)
    if low is None:
        return not_applicable("the scan is no ordinary user")
    if may_be_the_only_one(target, low):
        return unsure(f"{low.name} was given alone and may be the administrator; give a second person")
    tried, found = 0, list[tuple[RouteRef, Evidence, Evidence]]()
    for route, method in list(_routes(target))[: TRIES[target.depth]]:
        ref = RouteRef(method, route.path)
        request = _asked_with(target, route, method)
        anonymous = yield from beyond(send(request), found)
        if anonymous is None or not (anonymous.response.refused or anonymous.response.status >= 500):
            continue  # a view that fails for want of somebody lets nobody in either
        if (
            method != "GET"
            and route.parameters
            and (yield from beyond(somebody_has(target, route, request, low), found))
        ):
            continue
        tried += 1
        answer = yield from beyond(send(low.on(request)), found)
        if answer is not None and _let_in(answer, anonymous):
            first = Evidence("exchange", "control: without a credential the route is refused", anonymous)
            found.append((ref, first, Evidence("exchange", f"{low.name}, who has no role, is let in", answer)))
            if method in ("PUT", "PATCH", "POST") and route.parameters:
                yield from beyond(taken_back(target, route, low.on(request), low), found)
    found += (yield from beyond(_done_already(target, low, {ref for ref, *_ in found}), found)) or []
    by_path = [ref for ref, *_ in found]
    found += (yield from beyond(_with_an_own_thing(target, low, {*by_path}), found)) or []
    others = (yield from beyond(functions_let_in(target, low), found)) or []
    found += [one for one in others if one[0] not in by_path]
    open_to_all = (yield from beyond(open_admins.asked(target, low), found)) or []
    if open_to_all and not found:
        ref, *parts = open_to_all[0]
        return failed(f"{ref} makes whoever asks an administrator", [one[0] for one in open_to_all], parts)
    found += open_to_all
    if any(is_shown_high(low, answer) for _, _, answer in found):
        return unsure(f"{low.name} is an administrator by what an answer says; give somebody who is none")
    if not found and (below := (yield from beyond(_below_what_is_refused(target, low), found))) is not None:
        return below
    if found:
        more = f" (and {len(found) - 1} more of the kind)" if len(found) > 1 else ""
        evidence = [part for _, *parts in found[:SHOWN] for part in parts]
        whose = "an administrator's by its path" if by_path else "for a role alone by what stands beside it"
        message = f"{found[0][0]} is {whose}, and an ordinary user is let in{more}"
        return failed(message, [ref for ref, *_ in found], evidence)
    if not tried:
        return not_applicable("no route of an administrator was found that refuses a caller without a credential")
    return passed(f"{tried} routes of administrators refuse an ordinary user")


def _done_already(target: Target, low: Identity, known: set[RouteRef]) -> Steps[list[Found]]:
    """What is done at an administrator's path and makes no thing (``POST /admin/announce``) is asked for by no request of this probe: where the
    honest one that all share went through as an ordinary user, that tells."""
    found: list[Found] = []
    plain = [one for one in _plain(target) if not one.parameters and not is_door(one)]
    routes = {RouteRef(method, one.path): one for one in plain for method in _CHANGES if method in one.methods}
    asked = (yield from asked_honestly(target)) if routes.keys() - known else []  # of all routes, which costs much
    for ref, honest in [(one.ref, one.honest) for one in asked]:
        if ref in known or ref not in routes or honest.request.identity != low.name:
            continue
        anonymous = yield from send(target.request_for(routes[ref], ref.method))
        if anonymous.response.refused and _let_in(honest, anonymous):
            first = Evidence("exchange", "control: without a credential the route is refused", anonymous)
            found.append((ref, first, Evidence("exchange", f"{low.name}, who has no role, is let in", honest)))
    return found


def _with_an_own_thing(target: Target, low: Identity, known: set[RouteRef]) -> Steps[list[Found]]:
    """What an ordinary user, who may make such things, does with one that it has just made: an id that nobody has says nothing of who may."""
    found: list[Found] = []
    for kind in kinds(target) if target.mode == "active" and known else ():
        create = kind.create_route
        if create is None or RouteRef("POST", create.path) not in known:
            continue
        thing = yield from made(target, kind, low, low)
        if thing is None:
            continue
        for route, method in [
            (one, verb) for verb in (*_CHANGES, "DELETE") for one in kind.members if verb in one.methods
        ]:
            ref = RouteRef(method, route.path)
            if ref in known or not ADMIN_PATH.search(route.path) or stands_elsewhere(route):
                continue
            request = marked(at_number(target, route, thing.number, method), target.canary)[0]
            request = replace(request, body=b"") if method == "DELETE" else request
            anonymous = yield from send(request)
            answer = (yield from send(low.on(request))) if anonymous.response.refused else None
            if answer is not None and _let_in(answer, anonymous):
                first = Evidence("exchange", "control: without a credential the route is refused", anonymous)
                found.append((ref, first, Evidence("exchange", f"{low.name}, who has no role, is let in", answer)))
    return found


_SAME_THINGS: Final = re.compile(
    r"(?i)^(exports?|download|csv|pdf|xlsx?|json|dump|backup|full|all|raw|print|search|history|archive)$"
)
"""The last word of a path below a collection that gives the same things in another way."""


def _below_what_is_refused(target: Target, low: Identity) -> Steps[Verdict | None]:
    """``/audit`` turns an ordinary user away, and ``/audit/export``, which is closed to nobody in particular, does not."""
    for route in target.app.routes:
        above, _, last = route.path.rstrip("/").rpartition("/")
        listed = route_at(target, above, "GET") if _SAME_THINGS.match(last) and "GET" in route.methods else None
        if listed is None or route.parameters or listed.parameters:
            continue
        refused = yield from send(low.on(target.request_for(listed, "GET")))
        if refused.response.status != 403:
            continue
        request = target.request_for(route, "GET")
        anonymous, answer = (yield from send(request)), (yield from send(low.on(request)))
        if anonymous.response.refused and _let_in(answer, anonymous):
            ref = RouteRef("GET", route.path)
            evidence = (
                Evidence("exchange", f"control: {low.name} may not read {listed.path}", refused),
                Evidence("exchange", "control: without a credential the route is refused", anonymous),
                Evidence("exchange", f"{low.name} is given the same things in another way", answer),
            )
            return failed(f"{ref} gives an ordinary user what {listed.path} refuses", [ref], evidence)
    return None


def _let_in(answer: Exchange, anonymous: Exchange) -> bool:
    """Whether it is an answer of the function itself: a change of what nobody has may say nothing."""
    said = bool(answer.response.body) or answer.request.method != "GET"
    if _is_turned_away(answer):
        return False
    return answer.response.succeeded and said and not alike(answer.response, anonymous.response)


_TURNED_AWAY: Final = re.compile(
    r"(?i)\b(access|permission) (is |was )?denied\b|\b(do(es)? ?n[o']t|don't|no|lack|without) (have )?(the )?(needed |required |sufficient |enough )?(permissions?|rights?|privileges?)\b"
    r"|\bnot (authori[sz]ed|allowed|permitted)\b|\b(admin(istrator)?s?|staff) only\b|\bforbidden\b|\bunauthori[sz]ed\b"
)
SAYS_LITTLE: Final = 1500
"""Letters of a page that says nothing else: a log of refusals says more."""
_TAG: Final = re.compile(r"(?is)<(script|style|head)\b.*?</\1>|<[^>]*>")


def _is_turned_away(answer: Exchange) -> bool:
    """Whether a page says in words that it is not for who asks, as many do with 200."""
    if "html" not in answer.response.content_type:
        return False
    said = " ".join(_TAG.sub(" ", answer.response.text[:100_000]).split())
    return len(said) < SAYS_LITTLE and _TURNED_AWAY.search(said) is not None


def _is_a_person(target: Target, route: Route) -> bool:
    """Whether the path is that of somebody called admin: ``/user/admin`` beside ``/user/{name}`` is one person as all others are."""
    above, _, last = route.path.rstrip("/").rpartition("/")
    beside = re.compile(rf"{re.escape(above)}/\{{[^{{}}/]+\}}/?")
    named = PERSON.search(above.rpartition("/")[2]) is not None and ADMIN_PATH.fullmatch(last) is not None
    return named and any(beside.fullmatch(one.path) for one in target.app.routes)


def _plain(target: Target) -> list[Route]:
    """The routes that are an administrator's by their path."""
    everybody = {word for one in target.app.routes if registers(one) for word in one.path.split("/")}
    return [
        one
        for one in target.app.routes
        if (said := ADMIN_PATH.search(one.path)) is not None
        and not is_door(one)
        and not SELF.search(one.path)
        and said.group(2).lower() not in everybody  # where everybody registers as staff, that is no higher role
        and not _is_a_person(target, one)
    ]


def _routes(target: Target) -> Iterator[tuple[Route, str]]:
    """What reads, then what makes things, then what changes one by its id: for that an id is asked for that nobody has."""
    plain = _plain(target)
    yield from ((one, "GET") for one in plain if "GET" in one.methods)
    for one in plain if target.mode == "active" else ():
        if "POST" in one.methods and not one.parameters and _THINGS.search(one.path):
            yield from [(one, "POST")] if members(target.request_for(one, "POST")) else []
    for one in plain if target.mode == "active" else ():
        if len(one.parameters) == 1 and one.path.count("{") == 1:
            yield from ((one, method) for method in _CHANGES if method in one.methods)


def _asked_with(target: Target, route: Route, method: str) -> Request:
    if method == "GET" or not route.parameters:
        request = target.request_for(route, method if method == "POST" else "GET")
        if method == "POST" and any(map(PASSWORD.search, members(request))):  # an account of a name that is free
            return replace(request, body=json.dumps(new_account(members(request))[1]).encode())
        return marked(request, target.canary)[0] if method == "POST" else request
    name, kind = route.parameters[0]
    counted = "int" in kind or (kind in ("", "string", "default") and "id" in name.lower())
    return at_number(target, route, unknown("1" if counted else str(uuid.UUID(int=1))), method)


RULE = Rule(
    slug="low-role-reaches-admin",
    family="authorization",
    title="A low role reaches an admin function",
    harm=__doc__ or "",
    severity="critical",
    check="function-authorization",
    cwe=(285,),
    owasp="API5:2023",
    asvs=("V8.2.1",),
    surfaces=("wsgi", "http"),
    ends='`@(bearer & role("admin"))` of Stopper refuses every token without that role.',
    effect_of=("admin-route-weakly-protected",),
    probe=probe,
)
