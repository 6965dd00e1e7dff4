"""Any page that a signed-in person visits can act in their name."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final
from urllib.parse import urlsplit

from stopper.core.account_names import LOGS_IN, REGISTERS
from stopper.core.answers.cookie_flags import set_cookies
from stopper.core.app import App, Route
from stopper.core.deployment.setting_facts import MISSING, application_made, in_force, settings_out_of_sight, switches
from stopper.core.exchange import Exchange, Request
from stopper.core.fact import Function, Reading, SourceRoute
from stopper.core.facts import SourceFacts, source_of
from stopper.core.finding import Evidence, Verdict
from stopper.core.flow.changing_calls import writes
from stopper.core.flow.nested_functions import inside
from stopper.core.flow.raising import raised_in
from stopper.core.guards.cookie_guards import cookies_guard
from stopper.core.guards.forms_without_token import changes_without_token, runs_command
from stopper.core.guards.json_alone import CHANGING, changes_take_json_alone
from stopper.core.owner_names import OF_ANYBODY, OWN_ACCOUNT, PERSON
from stopper.core.place import RouteRef
from stopper.core.probe import Identity, Steps, Target, failed, not_applicable, passed, send, unsure
from stopper.core.probing.accounts.login import is_log_in_form
from stopper.core.probing.baseline import alike, attempt, is_door, same
from stopper.core.probing.cookies import also_by_cookie, answers_with_cookies
from stopper.core.probing.landing import landed
from stopper.core.probing.only_asked import may_only_ask
from stopper.core.probing.other_sites import ELSEWHERE, asks_first, without_asking
from stopper.core.probing.stored_text import PAGES
from stopper.core.probing.things.objects import marked
from stopper.core.rule import Hit, Rule
from stopper.core.values import Item, Name, Truth, Value, text_of, walk

_WHO: Final = re.compile(
    r"(?i)^_?(current_user|user_?(?:info|data|obj|details)|usuario|utilizator|user|uid|user_?id|user_?name|email|account(_id)?|logged_?in|authenticated|login|member(_id)?|customer(_id)?|admin|is_admin)$"
)
_TOKEN: Final = re.compile(r"(?i)csrf|xsrf")
_SITE: Final = frozenset({"origin", "referer", "sec-fetch-site", "x-requested-with"})
_DEED: Final = re.compile(
    r"(?i)(?:^|[/_-])(?:delete|remove|destroy|cancel|approve|reject|activate|deactivate|ban|promote|purge|"
    r"toggle|enable|disable|suspend|block|unblock|restart|reboot|shutdown|uninstall|revoke|lock|unlock|close|reopen|archive|unarchive|restore|"
    r"clear|unlink|publish|unpublish|mute|unmute|pause|unpause|resume|hide|unhide|wipe|kick)(?:[/_-]|$)"
)
_OF_TOKENS: Final = re.compile(r"(?i)token|csrf|xsrf|nonce|state|form")
_TITLE: Final = re.compile(r"(?is)<title[^>]{0,200}>(.{0,300}?)</title>")
_FORM_TOKEN: Final = re.compile(r"""(?i)<input[^>]{1,200}\bname\s*=\s*["']?[\w-]{0,20}(csrf|xsrf)""")


def detect(app: App) -> Iterator[Hit]:
    """A session says who somebody is, a route changes state, and there is no token, no origin check and no SameSite."""
    facts = source_of(app)
    if not _cookies_authenticate(app, facts):
        return
    yield from _deeds_by_get(app, facts)
    if _defended(app, facts):
        return
    if facts.imports("flask_wtf"):
        if bare := list(changes_without_token(app, facts)):  # one line before them all ends it
            more = f" (and {len(bare) - 1} more)" if len(bare) > 1 else ""
            yield Hit(
                f"{bare[0][0]}{more} changes something and asks for no token, which forms beside it bring",
                bare[0][1],
                bare[0][0],
            )
        return
    if _keeps_tables(facts) or any(set(route.methods) & CHANGING and not is_door(route) for route in app.routes):
        if changes_take_json_alone(app):
            return
        place = application_made(app)
        if place is not None:
            yield Hit(
                "cookies say who is calling, routes change state, and nothing tells other sites' requests apart", place
            )


def _keeps_tables(facts: SourceFacts) -> bool:
    """That Flask-Admin makes forms for tables, which have a token only where they are made of ``SecureForm``."""
    secure = facts.imports("flask_admin.form.SecureForm") or facts.says("SecureForm")
    return any(True for _ in facts.calls("flask_admin.Admin.add_view")) and not secure


def _deeds_by_get(app: App, facts: SourceFacts) -> Iterator[Hit]:
    """``GET /stays/7/cancel`` that deletes: neither ``SameSite=Lax`` nor a token of forms holds back a link on another page."""
    sent_to = {route.view for route in app.routes if set(route.methods) & CHANGING}
    for route in app.routes:
        access = route.access.get("GET")
        function = facts.function(route.view)
        if (
            access is not None
            and access.state == "guarded"
            and function is not None
            and route.view not in sent_to  # it asks first, and changes when it is sent a form
            and _DEED.search(route.path) is not None
            and (writes(facts, function.name) or runs_command(facts, function.name))
        ):
            ref = RouteRef("GET", route.path)
            yield Hit(f"{ref} changes something, so a link on any page does it", function.span, ref)


def _is_session(value: Value) -> bool:
    return isinstance(value, Name) and value.dotted == "flask.session"


def _cookies_authenticate(app: App, facts: SourceFacts) -> bool:
    if any(
        True for _ in facts.calls("flask_login.login_user", "flask_security.login_user", "flask_login.utils.login_user")
    ):
        return True
    if any(_WHO.match(flow.detail) for flow in facts.flows("session")):
        return True
    # Flask-Login keeps who somebody is in the session, unless a loader of its own reads a header.
    if _login_guards_changes(app) and not any(
        decorator.name.endswith(".request_loader") for one in facts.functions() for decorator in one.decorators
    ):
        return True
    if cookies_guard(app, facts):
        return True
    # Where the log-in writes the session in a way that is not seen, a refusal that asks the session shows it.
    doors = {route.view for route in app.routes if is_door(route)}
    called = {call.callee for door in doors for call in facts.calls_in(door)}
    kept = {
        one.detail
        for one in facts.flows("session")
        if one.function in doors | called and not OF_ANYBODY.search(one.detail)
    }
    return any(
        condition.refuses
        and any(
            _WHO.match(key) is not None or (key in kept and condition.function not in doors)
            for part in walk(condition.value, 4)
            if (key := _asked_of_session(part))
        )
        for condition in facts.conditions()
    )


def _login_guards_changes(app: App) -> bool:
    """That a log-in is asked for before something changes, by a decorator of the view, of its class or of its method."""
    return any(
        guard.name.startswith("flask_login.") and guard.name.endswith("login_required")
        for route in app.routes
        for method, access in route.access.items()
        if method in CHANGING
        for guard in access.guards
    )


def _asked_of_session(value: Value) -> str:
    """The key that a test asks the session for; empty where it asks something else."""
    if isinstance(value, Item):
        return (text_of(value.key) or "") if _is_session(value.owner) else ""
    if isinstance(value, Truth) and len(value.parts) == 2 and _is_session(value.parts[1]):
        return text_of(value.parts[0]) or ""
    return ""


def _defended(app: App, facts: SourceFacts) -> bool:
    if facts.imports("flask_seasurf", "flask_csrf", "flask_talisman_csrf"):
        return True
    if facts.imports("flask_security") and facts.says_like("csrf", _TOKEN):
        return True  # it protects its own forms, and others where it is told to
    said = switches(app, "SESSION_COOKIE_SAMESITE")
    if any(str(doubt.value).lower() in ("lax", "strict") for doubt in said):
        return True
    force = in_force(app, "SESSION_COOKIE_SAMESITE")
    if force is MISSING and not said and settings_out_of_sight(app, "SESSION_COOKIE_SAMESITE"):
        return True
    if facts.imports("flask_talisman") and any(
        True for _ in facts.calls("flask_talisman.Talisman", "flask_talisman.Talisman.init_app")
    ):
        return True
    if any(
        one.source.startswith("flask.request")
        and (_TOKEN.search(one.key) or (one.key.lower() in _SITE and _is_asked(facts, one)))
        for one in facts.readings()
    ):
        return True
    if any(
        _TOKEN.search(function.name.rpartition(".")[2]) and _may_check(facts, function)
        for function in facts.functions()
    ):
        return True
    return _compares_with_session(facts)


def _is_asked(facts: SourceFacts, site: Reading) -> bool:
    """That where a request comes from is held against something, or handed to a function: not only written down. A view asks for itself alone."""
    if any(site.function != route.view and facts.is_view(site.function) for route in facts.routes if _changes(route)):
        return False
    held = [side for one in facts.comparisons_in(site.function) for side in (one.left, one.right)]
    held += [one.value for one in facts.conditions_in(site.function)]
    held += [
        part
        for call in facts.calls_in(site.function)
        if call.method in ("startswith", "match", "fullmatch") or facts.function(call.callee) is not None
        for part in (call.receiver, *call.args)
        if part is not None
    ]
    held += [one.value for one in facts.returns_of(site.function)]
    return any(isinstance(part, Item) and part.span == site.span for one in held for part in walk(one, 6))


def _changes(route: SourceRoute) -> bool:
    named = f"{route.path} {route.view.rpartition('.')[2]}"
    return bool(set(route.methods) & CHANGING) and not LOGS_IN.search(named) and not REGISTERS.search(named)


def _may_check(facts: SourceFacts, function: Function) -> bool:
    """That a function which is called so refuses, or calls what is called so: one that only makes a token checks none."""
    return (
        any(one.refuses for one in facts.conditions_in(function.name))
        or bool(raised_in(facts, function.name))
        or bool(inside(facts, function.name))
        or any(_TOKEN.search(call.callee) for call in facts.calls_in(function.name))
    )


def _compares_with_session(facts: SourceFacts) -> bool:
    """A token of any name: what a form or header brings is held against what the session keeps, and that is no credential of its own."""
    pairs = [((one.left, one.right), one.function) for one in facts.comparisons("==", "!=")]
    for call in facts.calls("hmac.compare_digest", "secrets.compare_digest", "*.safe_str_cmp"):
        pairs += [((call.args[0], call.args[1]), call.function)] if len(call.args) == 2 else []
    return any(
        any(_is_kept(facts, part, function) for part in walk(one, 4))
        and facts.derives(other, "request-data", "request-header")
        for pair, function in pairs
        for one, other in (pair, pair[::-1])
    )


def _is_kept(facts: SourceFacts, part: Value, function: str) -> bool:
    """Something of the session; in a view, which asks for itself alone, by a word for a token: ``session["seed"]`` is what that page is about."""
    if not isinstance(part, Item) or not _is_session(part.owner):
        return False
    return not facts.is_view(function) or _OF_TOKENS.search(text_of(part.key) or "token") is not None


TAKEN_MOST: Final = 4
"""Routes that are told of, where they take the cookie; of those that do not more are tried."""
TRIED_MOST: Final = 9


def probe(target: Target) -> Steps[Verdict]:
    """A changing request with a cookie, once from the application's own page and once from another site's."""
    people = [one for one in target.identities if one.cookies] or list(also_by_cookie(target))
    routes = [
        (route, method)
        for route in target.app.routes
        for method in ("POST", "PUT", "PATCH", "DELETE")
        if method in route.methods and not is_door(route) and not is_log_in_form(route)
    ]
    if not people or not routes:
        return not_applicable("no cookie authenticates, or no route changes state")
    kept = yield from _kept_home(target, people[0])
    if kept:
        return passed("SameSite keeps the cookie from other sites' requests")
    verdict, taken = None, 0
    for route, method in sorted(routes, key=lambda pair: _likeliest(target, *pair))[:TRIED_MOST]:
        found = yield from attempt(_tried(target, route, method, people[0]))
        if found is not None and found.outcome == "fail":
            asks = yield from may_only_ask(target, route, method, people[0], found)
            return replace(found, severity="medium") if kept is None or asks else found
        verdict, taken = found or verdict, taken + (found is not None)
        if taken == TAKEN_MOST:
            break
    return verdict or unsure("no changing route took the cookie in this mode")


def _likeliest(target: Target, route: Route, method: str) -> tuple[bool, bool, bool, bool]:
    """Forms in which somebody writes first, then what a page may send without being asked, then what takes a text at all; what changes a person
    stays as it is for somebody who was given."""
    texts = marked(target.request_for(route, method), target.canary)[1] if route.takes_form else {}
    of_a_person = PERSON.search(route.path) is not None or OWN_ACCOUNT.search(route.path) is not None
    asks = bool(route.names or route.body_names or route.request_schema) and not route.takes_form
    return not (route.takes_form and (route.names or texts)), asks, not texts and not route.names, of_a_person


def _shown_after(
    target: Target, ref: RouteRef, request: Request, person: Identity, honest: Exchange
) -> Steps[Verdict | None]:
    """The same where a form sends on once it was taken, or is shown again beside all that was written: what another site's page wrote stands on
    the page that follows."""
    foreign_request, marks = marked(request, target.canary)
    if not marks:
        return None
    foreign = yield from send(
        person.on(foreign_request).with_headers(("Origin", ELSEWHERE), ("Sec-Fetch-Site", "cross-site"))
    )
    sends_on = foreign.response.sends_on
    if foreign.response.refused or sends_on != honest.response.sends_on or not (sends_on or foreign.response.succeeded):
        return passed(f"{ref} refuses a request that another site makes")
    path = urlsplit((foreign.response.header("Location") or "") if sends_on else request.target).path or "/"
    after = yield from landed(target, (yield from send(person.on(Request("GET", path, (("Accept", "text/html"),))))))
    if not any(mark in after.response.text for mark in marks.values()):
        return None
    evidence = (
        Evidence("exchange", "control: with the cookie, from the application's own page", honest),
        Evidence("exchange", "with the cookie, from another site's page and without any token", foreign),
        Evidence("exchange", "what the other site's page wrote is there", after),
    )
    return failed(f"{ref} takes a request of another site's page with the visitor's cookie", (ref,), evidence)


def _shown_again(target: Target, route: Route, person: Identity, honest: Exchange) -> Steps[bool]:
    """Whether the answer is the page itself: what nothing is sent to, or what took nothing, as its form has a token, is shown again with 200."""
    page = next((one for one in target.app.routes if one.path == route.path and "GET" in one.methods), None)
    token = _FORM_TOKEN.search(honest.response.text)
    if page is None or not (token or not (route.names or route.body_names)):
        return False
    shown = yield from send(person.on(target.request_for(page, "GET")))
    if not token:
        return same(shown.response, honest.response)
    return shown.response.status == honest.response.status and _title(shown) == _title(honest)


def _title(page: Exchange) -> str:
    """What a page is called; what went wrong with a form stands further down."""
    found = _TITLE.search(page.response.text)
    return found.group(1).strip() if found is not None else ""


def _kept_home(target: Target, person: Identity) -> Steps[bool | None]:
    """Whether SameSite keeps the cookie from other sites' requests; None where nobody has seen it set, as where it was given to the scan."""
    answers = yield from answers_with_cookies(target)
    mine = [
        cookie
        for _, exchange in answers
        for cookie in set_cookies(exchange.response)
        if f"{cookie.name}=" in person.cookies and not cookie.ends
    ]
    if not mine:
        return None
    return all(cookie.attributes.get("samesite", "").lower() in ("lax", "strict") for cookie in mine)


def _tried(target: Target, route: Route, method: str, person: Identity) -> Steps[Verdict | None]:
    ref, request = RouteRef(method, route.path), target.request_for(route, method)
    nobody = yield from send(request)
    honest = yield from send(person.on(request).with_headers(("Origin", target.base_url)))
    if honest.response.sends_on and not honest.response.refused:
        return (yield from _shown_after(target, ref, request, person, honest))
    if not honest.response.succeeded or (nobody.response.succeeded and alike(nobody.response, honest.response)):
        return None
    if (yield from _shown_again(target, route, person, honest)):
        return None
    foreign = yield from send(person.on(request).with_headers(("Origin", ELSEWHERE), ("Sec-Fetch-Site", "cross-site")))
    if not foreign.response.succeeded or not alike(foreign.response, honest.response):
        # A page of all that was written is longer after each.
        grows = route.takes_form and honest.response.content_type in PAGES
        shown = (yield from _shown_after(target, ref, request, person, honest)) if grows else None
        return shown or passed(f"{ref} refuses a request that another site makes")
    if asks_first(foreign.request):
        simple = yield from without_asking(foreign, honest)
        if simple is None:
            return passed(f"a browser asks before it sends {ref} for another site's page, and is not allowed to")
        foreign = simple
    evidence = (
        Evidence("exchange", "control: without the cookie the request is not answered so", nobody),
        Evidence("exchange", "control: with the cookie, from the application's own page", honest),
        Evidence("exchange", "with the cookie, from another site's page and without any token", foreign),
    )
    return failed(f"{ref} takes a request of another site's page with the visitor's cookie", (ref,), evidence)


RULE = Rule(
    slug="csrf-protection-missing",
    family="session",
    title="Cookies authenticate, and nothing defends against other sites' requests",
    harm=__doc__ or "",
    severity="high",
    check="authentication",
    cwe=(352,),
    owasp="API8:2023",
    asvs=("V3.5.1",),
    surfaces=("source", "wsgi", "http"),
    ends="Stopper's `@browser_session` asks for a token bound to the session; `@bearer` reads no cookie.",
    certainty="likely",
    detect=detect,
    probe=probe,
)
