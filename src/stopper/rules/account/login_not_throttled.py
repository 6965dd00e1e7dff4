"""A program can try thousands of passwords for an account until one fits."""

import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

from stopper.core.account_names import ASKS_ACCOUNT, REGISTERS
from stopper.core.answers.response_fields import sent_texts
from stopper.core.app import App, Route
from stopper.core.exchange import Exchange, Request, Response
from stopper.core.fact import SourceRoute
from stopper.core.facts import SourceFacts, source_of
from stopper.core.finding import Evidence, Verdict
from stopper.core.flow.view_functions import FunctionIndex, index_of
from stopper.core.keys.random_words import token_hex
from stopper.core.keys.shown_secrets import is_shown, runs_statement, says_password, says_secret
from stopper.core.login_names import PASSWORD
from stopper.core.naming import HUMP
from stopper.core.people.basic_logins import unslowed_basic
from stopper.core.people.code_doors import (
    asks_second_factor,
    is_code,
    is_code_door,
    lets_somebody_in,
    looks_code_up,
    sets_password,
    takes_code,
)
from stopper.core.people.login_throttle import counts_attempts, limited_as_a_whole
from stopper.core.people.password_checks import checks_password, is_check
from stopper.core.people.registering_views import is_named_registration, registers_somebody
from stopper.core.people.reset_doors import asks_for_message
from stopper.core.place import RouteRef
from stopper.core.probe import Identity, Steps, Target, failed, not_applicable, passed, send, together, unsure
from stopper.core.probing.accounts.codes import asked_codes, joined
from stopper.core.probing.accounts.guessed_person import known_person, lockable_person, own_person
from stopper.core.probing.accounts.log_in_by_get import log_in_by_get
from stopper.core.probing.accounts.login import (
    asks_basic,
    entered,
    is_plainly_login,
    lets_in,
    login_requests,
    login_routes,
    retyped,
    understood,
)
from stopper.core.probing.accounts.old_passwords import asked_old_passwords
from stopper.core.probing.baseline import attempt, beyond, same
from stopper.core.probing.burst import SLOW, load_of
from stopper.core.probing.other_address import goes_on_from_elsewhere
from stopper.core.rule import Hit, Rule
from stopper.core.values import Call, Item, Value, text_of

SHOWN: Final = 8
"""A text of so many characters that stands in the answer too comes from the request."""
ATTEMPTS: Final = 12
"""Wrong passwords in a row, at most. The usual limits are five or ten a minute (OWASP Authentication Cheat Sheet)."""
AT_ONCE: Final = 4
"""Wrong passwords that are sent side by side where each answer is slow: a slow hash would make the probe longer than the rest."""
WAYS: Final = 3
"""JSON, form and Basic, as :func:`login_requests` yields them."""
LAYERS: Final = 4
"""Functions from a view to what checks the password: view, service, repository or hasher, and one more."""
_LOGIN_NAME: Final = re.compile(
    r"(?i)(^|[/_.-])(log_?-?in|sign_?-?in|authenticate|auth|tokens?|sessions?|otp|totp|2fa|mfa|pin|verify_?-?(otp|code|pin))([/_.-]|$)"
)
_REFRESH: Final = re.compile(r"(?i)(^|[/_.-])refresh([/_. -]|$)")
_QUERIES: Final = re.compile(r"(?i).*\.?(filter(_by)?|where|(execute|query)(_\w+)?|find(_one)?|first|get|fetch\w*)$")
_SETTINGS: Final = ("RATELIMIT_DEFAULT", "RATELIMIT_APPLICATION")
_ALREADY_IN: Final = re.compile(r"(?i)login_required|jwt_required|fresh_login|auth_required|authenticated_only|token_required")  # fmt: skip


def detect(app: App) -> Iterator[Hit]:
    """Routes that check a password or code for somebody who is not logged in yet, where nothing in sight counts the attempts."""
    facts = source_of(app)
    if limited_as_a_whole(facts):
        return
    index = index_of(facts)
    for span in unslowed_basic(index, LAYERS):
        yield Hit("a password comes with each request, and nothing slows down guessing it", span)
    for route in facts.routes:
        if facts.is_test(route.span):
            continue
        functions = _functions(index, route)
        if _is_guarded(app, route) and not asks_second_factor(facts, route, functions):
            continue
        if _is_login(index, route, functions) and not counts_attempts(index, route, functions):
            method = "POST" if "POST" in route.methods else route.methods[0]
            message, place = f"nothing slows down guessing passwords at {route.path}", RouteRef(method, route.path)
            if _is_named_so(route) or takes_code(route) or is_code_door(route):
                yield Hit(message, route.registered_at, place)
            else:
                message = f"{message}: look whether somebody can log in there"
                yield Hit(message, route.registered_at, place, certainty="possible", severity="low")
        elif _has_messages_sent(index, route, functions):
            message = f"{route.path} sends a message to whoever is named, as often as a caller likes"
            yield Hit(message, route.registered_at, RouteRef("POST", route.path), severity="medium")


def _has_messages_sent(index: FunctionIndex, route: SourceRoute, functions: list[str]) -> bool:
    calls = [call for name in functions for call in index.facts.calls_in(name)]
    return asks_for_message(index.facts, route, functions, calls) and not counts_attempts(index, route, functions)


def _is_named_so(route: SourceRoute) -> bool:
    """``/log-in``, ``/storeLogin``, ``def sign_in``."""
    return any(_LOGIN_NAME.search(HUMP.sub("-", one)) for one in (route.path, route.view.rpartition(".")[2]))


def _functions(index: FunctionIndex, route: SourceRoute) -> list[str]:
    """The view and what it calls in the project, through the layers that services have."""
    return index.calling([function.name for function in index.of_view(route.view)], LAYERS)


def _is_login(index: FunctionIndex, route: SourceRoute, functions: list[str]) -> bool:
    """A password check by a library wherever it stands; a comparison or a query with a password where the route is named so."""
    facts = index.facts
    calls = [call for name in functions for call in facts.calls_in(name)]
    named = _is_named_so(route)
    if _REFRESH.search(f"{route.path} {route.view.rpartition('.')[2]}"):
        return False  # a token is shown there, which nobody guesses
    if any(checks_password(facts, call) for call in calls):
        return "POST" in route.methods or (named and not _is_asked_by_post(index, route, functions))
    if "POST" in route.methods and (named or takes_code(route) or is_code_door(route)):
        opens = lets_somebody_in(facts, functions, calls)
        if (opens or takes_code(route)) and _compares(index, functions, codes_only=True):
            return True
        if (opens or sets_password(facts, calls)) and looks_code_up(facts, calls):
            return True
    if is_named_registration(route) or "POST" not in route.methods or registers_somebody(index, route.view):
        return False
    if not named:
        return lets_somebody_in(facts, functions, calls) and _compares(index, functions)
    if _compares(index, functions) or _asks_database(facts, calls) or any(_asks_account(facts, one) for one in calls):
        return True
    handed_on = not REGISTERS.search(route.path) and any(_hands_password_on(facts, one) for one in calls)
    return handed_on and lets_somebody_in(facts, functions, calls)


def _is_asked_by_post(index: FunctionIndex, route: SourceRoute, functions: list[str]) -> bool:
    """That the check stands in a function which a route of the same view's module answers POST with: this one only shows the page."""
    facts = index.facts
    checks = {name for name in functions if any(is_check(call.callee) for call in facts.calls_in(name))} - {route.view}
    return bool(checks) and any(
        "POST" in other.methods and checks <= set(_functions(index, other))
        for other in facts.routes
        if other.view != route.view and other.span.path == route.span.path
    )


def _asks_account(facts: SourceFacts, call: Call) -> bool:
    """``user.check(request.json["password"])``: an object is asked whether the caller's password is right."""
    return ASKS_ACCOUNT.fullmatch(call.method) is not None and any(
        facts.derives(value, "password") and facts.derives(value, "request-data")
        for value in (*call.args, *(said for _, said in call.keywords))
    )


def _hands_password_on(facts: SourceFacts, call: Call) -> bool:
    """``directory.bind(form["user"], form["pass"])``: code that was not read is shown what the caller sent as a password, and a name beside it."""
    sent = [one for one in (*call.args, *(said for _, said in call.keywords)) if facts.derives(one, "request-data")]
    return len(sent) > 1 and any(
        isinstance(one, Item) and PASSWORD.search(text_of(one.key) or "") is not None for one in sent
    )


def _compares(index: FunctionIndex, functions: list[str], *, codes_only: bool = False) -> bool:
    """What the caller wrote as a password or code is compared with something that the caller did not write."""
    facts = index.facts
    for sides in _held_together(index, functions):
        shown = [side for side in sides if is_code(side) or (not codes_only and says_secret(facts, side))]
        if shown and sum(is_shown(facts, side) for side in sides) == 1:
            return True
    return False


def _held_together(index: FunctionIndex, functions: list[str]) -> Iterator[tuple[Value, Value]]:
    """The two sides of every ``==``, ``!=`` and ``compare_digest``."""
    for name in functions:
        for one in index.comparisons.get(name, ()):
            if one.operator in ("==", "!="):
                yield one.left, one.right
        for call in index.facts.calls_in(name):
            if call.method in ("compare_digest", "safe_str_cmp") and len(call.args) == 2:
                yield call.args[0], call.args[1]


def _asks_database(facts: SourceFacts, calls: list[Call]) -> bool:
    """The password is part of the query that looks for the account."""
    return any(
        (_QUERIES.fullmatch(call.callee) or runs_statement(facts, call.callee))
        and any(says_password(facts, value) for value in (*call.args, *(said for _, said in call.keywords)))
        for call in calls
    )


def _is_guarded(app: App, route: SourceRoute) -> bool:
    """Somebody is logged in already: a change of password asks for the old one and is no log-in."""
    if any(_ALREADY_IN.search(decorator.name) for decorator in route.decorators):
        return True
    return any(
        access.state == "guarded"
        and any(guard.kind != "view-body" and guard.stops is not False for guard in access.guards)
        for known in app.routes
        if known.path == route.path and known.view == route.view
        for method, access in known.access.items()
        if method == "POST"
    )


# -- on the wire -----------------------------------------------------------------------------------------------------------------


def probe(target: Target) -> Steps[Verdict]:
    """Twelve wrong passwords in a row for an account of the scan's own, or for one that nobody has; then as many wrong codes."""
    verdict = yield from _of_log_ins(target)
    verdict = joined(verdict, (yield from beyond(asked_codes(target), verdict)) or [])
    return joined(verdict, (yield from beyond(asked_old_passwords(target), verdict)) or [], "old passwords")


def _of_log_ins(target: Target) -> Steps[Verdict]:
    routes = login_routes(target)
    by_get = yield from log_in_by_get(target)
    if not routes and by_get is None:
        return not_applicable("no route takes a log-in")
    for route in routes[:2]:
        load = load_of(target, route.path)
        if load is not None and load.turned_away:  # by what other probes sent there; it would turn away these as well
            return passed(f"POST {route.path} turned this scan away after some log-ins")
        people = ((yield from own_person(target, "whose password is guessed")), lockable_person(target))
        for person in [
            *(one for one in people if one is not None),
            None,
        ]:  # an account may be gone, or never let in here
            verdict = yield from _tried(target, route, person)
            if verdict is not None:
                return verdict
    if by_get is not None:
        return (yield from _guessed(target, by_get.route, by_get.wrong, None, by_get.first))
    return unsure("no login route understood an account as JSON or as a form")


def _tried(target: Target, route: Route, person: Identity | None) -> Steps[Verdict | None]:
    """The verdict on one route; None where no way to send an account was understood."""
    subject = person.subject if person is not None and person.subject else f"nobody-{target.canary}@example.com"
    came = (yield from attempt(entered(target, person))) if person is not None else None
    if person is not None and came is not None and came[0].path == route.path:
        # The request that let somebody in is the best one to vary, and costs no further log-in.
        wrong = retyped(came[1].request, person, token_hex(8))
        first = (yield from send(wrong)) if wrong is not None else None
        # Nobody gave the account of a guess: what the scan has done there may have ended it.
        still = (yield from send(came[1].request)) if person.guessed else came[1]
        if first is not None and not lets_in(first.response) and lets_in(still.response):
            return (yield from _guessed(target, route, partial(_again, came[1], person), still, first))
    for index in range(WAYS):
        right: Exchange | None = None
        if person is not None and person.password is not None:
            right = yield from send(_request(target, route, subject, person.password.reveal(), index))
            if not lets_in(right.response):
                continue
        first = yield from send(_request(target, route, subject, token_hex(8), index))
        if lets_in(first.response):
            return unsure(f"POST {route.path} lets in whatever the password is")
        if right is not None or (yield from _was_read(target, route, first, index)):
            return (yield from _guessed(target, route, partial(_wrong, target, route, subject, index), right, first))
    return None


def _wrong(target: Target, route: Route, subject: str, index: int) -> Request:
    return _request(target, route, subject, token_hex(8), index)


def _again(right: Exchange, person: Identity) -> Request:
    """The log-in of *person* with one more wrong password."""
    return retyped(right.request, person, token_hex(8)) or right.request


def _was_read(target: Target, route: Route, first: Exchange, index: int) -> Steps[bool]:
    """Whether the refusal speaks of the account that was sent: nothing sent at all is answered otherwise, or the path says log in."""
    if _slowed(first.response):
        return True
    by_basic = index == WAYS - 1
    if not understood(first.response) or asks_basic(first.response) != by_basic:
        return False
    if by_basic or is_plainly_login(route):
        return True
    honest = _request(target, route, "", "", index)
    empty = yield from send(Request("POST", honest.target, honest.headers, b"", "login"))
    return not same(empty.response, first.response)


def _request(target: Target, route: Route, subject: str, password: str, index: int) -> Request:
    return list(login_requests(target, route, subject, password))[index]


def _guessed(
    target: Target, route: Route, wrong: Callable[[], Request], right: Exchange | None, first: Exchange
) -> Steps[Verdict]:
    """The other wrong passwords; at the end the right one, which a guesser would have found now."""
    ref, last, number = RouteRef(first.request.method, route.path), first, 1
    width = AT_ONCE if first.response.seconds > SLOW else 1
    paces = [first.response.seconds] if width == 1 else []
    while number < ATTEMPTS and not _differs(last, first):
        several = [wrong() for _ in range(min(width, ATTEMPTS - number))]
        answers = (yield from together(several)) if width > 1 else [(yield from send(several[0]))]
        last = next((one for one in answers if _differs(one, first)), answers[-1])
        number += len(answers)
        paces.append(max(one.response.seconds for one in answers))
    if _differs(last, first):
        said, seen = yield from goes_on_from_elsewhere(target, wrong, _differs, first, last)
        past = f"{ref} limits wrong passwords by {said}, which the caller writes: with another address guessing goes on"
        return failed(past, (ref,), seen) if said else passed(f"{ref} answers otherwise after {number} wrong passwords")
    if paces[-1] > 3 * paces[0] + 0.5:
        return passed(f"{ref} answers more slowly with every wrong password")
    if _limit_in_sight(target.app, ref):
        return unsure(f"the code limits {ref}, and {ATTEMPTS} wrong passwords did not reach the limit")
    evidence = [
        Evidence("exchange", "the first wrong password", first),
        Evidence("exchange", f"wrong password number {ATTEMPTS}: nothing has changed", last),
    ]
    if right is not None:
        again = yield from send(right.request)
        if not lets_in(again.response):
            return passed(f"{ref} locks the account after {ATTEMPTS} wrong passwords")
        evidence.insert(0, Evidence("exchange", "control: the right password is let in", right))
        evidence.append(Evidence("exchange", "the right password after all the wrong ones is let in at once", again))
    message = f"{ref} answered {ATTEMPTS} wrong passwords in a row alike, without a limit, a lock or a delay"
    if right is None and known_person(target) is not None and lockable_person(target) is None:
        return failed(
            f"{message}, for an account that nobody has", (ref,), evidence, "medium"
        )  # one that is there may be locked
    return failed(message, (ref,), evidence)


def _differs(one: Exchange, first: Exchange) -> bool:
    """A limit was met or is announced, or the refusal is another one than at first."""
    return _slowed(one.response) or not same(_without_what_was_sent(one), _without_what_was_sent(first))


def _without_what_was_sent(one: Exchange) -> Response:
    """The answer without the texts of the request: some pages show what they were given, or the statement that holds it."""
    text = one.response.text
    for sent in sorted({text for text in sent_texts(one) if len(text) >= SHOWN}, key=len, reverse=True):
        text = text.replace(sent, "")
    return Response(one.response.status, one.response.headers, text.encode())


def _limit_in_sight(app: App, ref: RouteRef) -> bool:
    """A limit that the source or the settings in force speak of; it may be higher than what the probe tries."""
    if app.config.keys() & set(_SETTINGS):
        return True
    index = index_of(facts := source_of(app))
    return limited_as_a_whole(facts) or any(
        counts_attempts(index, route, _functions(index, route)) for route in facts.routes if route.path == ref.path
    )


def _slowed(response: Response) -> bool:
    """A limit was reached, or is announced by headers."""
    if response.status in (423, 429) or response.header("Retry-After"):
        return True
    return any(re.match(r"(?i)(x-)?rate-?limit", name) for name, _ in response.headers)


RULE = Rule(
    slug="login-not-throttled",
    family="account",
    title="Login, reset, OTP or token routes have no throttle or lock",
    harm=__doc__ or "",
    severity="high",
    check="rate-limiting",
    cwe=(307,),
    owasp="API4:2023",
    asvs=("V6.3.1",),
    surfaces=("source", "wsgi", "http"),
    ends="Stopper's service slows down guessing at `POST /auth/login`, by account and by address.",
    certainty="likely",
    detect=detect,
    probe=probe,
    disturbs=True,
    depth="standard",
)
