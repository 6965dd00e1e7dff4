"""Whoever put a session into somebody's browser, or copied it, is that person after the log-in or even after the log-out."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.app import App
from stopper.core.fact import SourceRoute
from stopper.core.facts import SourceFacts, source_of
from stopper.core.finding import Evidence, Verdict
from stopper.core.place import RouteRef, Span
from stopper.core.probe import Identity, Steps, Target, failed, not_applicable, passed, send, unsure
from stopper.core.probe_baseline import alike, attempt, candidates, establish
from stopper.core.probe_login import logout_requests
from stopper.core.rule import Edit, Hit, Rule
from stopper.core.values import Call, Mapping, text_of

_WHO: Final = re.compile(
    r"(?i)^_?((user|account|member|customer|client|person|employee|staff|admin|principal|profile)(_?(id|uuid|pk|name|email))?|uid|email|logged_?in|authenticated|login|is_admin)$"
)
_IN: Final = re.compile(r"(?i)(^|[/_.-])(log[-_]?in|sign[-_]?in|authenticate)")
_LOGINS: Final = tuple(
    f"flask_login.{name}" for name in ("login_user", "LoginManager", "login_required", "current_user")
)
"""What keeps people in the session; a model's ``UserMixin`` alone does not."""
_OUT: Final = re.compile(r"(?i)(^|[/_.-])(log[-_]?out|sign[-_]?out|log[-_]?off)")
_ENDS: Final = re.compile(
    r"(?i).*(logout_user|session(_interface)?\.(clear|pop|regenerate|destroy|delete|invalidate)|delete_cookie|unset_jwt_cookies|unset_access_cookies|regenerate\w*|(end|clear|destroy|revoke|invalidate|drop)_\w*session\w*|revoke\w*|forget\w*|(?:log|sign)_?(?:out|off)(?:_\w+)?)"
)
_NEW: Final = re.compile(
    r"(?i).*(session(_interface)?\.(clear|regenerate)|regenerate\w*|login_user|rotate\w*session\w*|(new|reset|clear|start)_\w*session\w*)"
)


def detect(app: App) -> Iterator[Hit]:
    """A log-in that writes who somebody is into the session it found; a log-out that leaves the session as it is."""
    facts = source_of(app)
    seen: set[str] = set()
    for flow in facts.flows("session"):
        keys = flow.value.keys() if not flow.detail and isinstance(flow.value, Mapping) else (flow.detail,)
        if not any(map(_WHO.match, keys)) or flow.function in seen or not flow.function:
            continue
        seen.add(flow.function)
        logins = [flow.function] if _is(facts, flow.function, _IN) else _logins_calling(facts, flow.function)
        if logins and not any(_starts_anew(facts, name) for name in (flow.function, *logins)):
            yield Hit("the log-in writes into the session that it found, and does not start a new one", flow.span)
    if not seen and not any(True for _ in facts.calls(*_LOGINS)) and not facts.imports(*_LOGINS):
        return
    for route in facts.routes:
        if not _OUT.search(route.path) and not _OUT.search(route.view.rpartition(".")[2]):
            continue
        function = facts.function(route.view)
        if function is None or _asks_before(facts, route):
            continue
        if not _ends(facts, route.view) and not _forgets(facts, route.view):
            yield Hit("the log-out does not clear the session", function.span)


def _asks_before(facts: SourceFacts, route: SourceRoute) -> bool:
    """That the route only shows the page which is sent to another view of the same address: that one logs out."""
    return "POST" not in route.methods and any(
        one.path == route.path and one.blueprint == route.blueprint and "POST" in one.methods and one.view != route.view
        for one in facts.routes
    )


def _is(facts: SourceFacts, function: str, pattern: re.Pattern[str]) -> bool:
    return bool(pattern.search(function.rpartition(".")[2])) or any(
        pattern.search(route.path) for route in facts.routes_of_view(function)
    )


def _logins_calling(facts: SourceFacts, function: str) -> list[str]:
    """The log-ins that have another function write into the session."""
    return [call.function for call in facts.calls(function) if call.function and _is(facts, call.function, _IN)]


def _starts_anew(facts: SourceFacts, function: str, depth: int = 2) -> bool:
    """That the function, or one that it calls, starts a new session; what a function of the project is called proves nothing."""
    called = [call.callee for call in facts.calls_in(function)]
    own = [name for name in called if facts.function(name) is not None]
    if any(_NEW.fullmatch(name) for name in called if name not in own):
        return True
    return depth > 0 and any(_starts_anew(facts, name, depth - 1) for name in dict.fromkeys(own))


def _ends(facts: SourceFacts, function: str) -> bool:
    """That the function, or one that it calls, ends the session: not by taking something else out of it."""
    called = list(facts.calls_in(function))
    called += [call for name in [one.callee for one in called] for call in facts.calls_in(name)]
    return any(_ENDS.fullmatch(call.callee) and not _takes_out_another(call) for call in called)


def _takes_out_another(call: Call) -> bool:
    """``session.pop("cart")``: who is logged in stays in the session."""
    key = text_of(call.argument(0)) if call.callee == "flask.session.pop" else None
    return key is not None and _WHO.match(key) is None


def _forgets(facts: SourceFacts, function: str) -> bool:
    """Something is written into the session that takes the person out: ``session["user"] = None``."""
    return any(flow.function == function for flow in facts.flows("session"))


def fix(app: App, hit: Hit) -> Edit | None:
    """The session is cleared before the log-in writes into it, and before the one answer of a log-out."""
    facts = source_of(app)
    for flow in facts.flows("session"):
        if flow.span == hit.span:
            return _cleared(flow.span)
    for route in facts.routes:
        function = facts.function(route.view)
        if function is not None and function.span == hit.span:
            answers = facts.returns_of(route.view)
            if len(answers) == 1 and not facts.conditions_in(route.view):
                return _cleared(answers[0].span)
    return None


def _cleared(place: Span) -> Edit:
    return Edit(place, "flask.session.clear()", safe=False, imports=("flask",), how="line-before")


def probe(target: Target) -> Steps[Verdict]:
    """Log out, then show the old cookie again."""
    people = [one for one in target.identities if one.cookies]
    outs = list(logout_requests(target))
    if not people or not outs:
        return not_applicable("no cookie authenticates, or no route logs out")
    person = people[0]
    for route, method in candidates(target):
        baseline = yield from attempt(establish(target, route, method, person))
        if baseline is not None and baseline.accepted.response.succeeded and baseline.kind not in ("public", "unclear"):
            return (yield from _logged_out(target, person, baseline.ref))
    return unsure("no route was found that only the cookie opens")


def _logged_out(target: Target, person: Identity, ref: RouteRef) -> Steps[Verdict]:
    route = target.app.route(ref.path)
    if route is None:
        return unsure(f"{ref} is gone")
    request = person.on(target.request_for(route, ref.method))
    before = yield from send(request)
    out_route, out = next(logout_requests(target))
    left = yield from send(person.on(out))
    if not (left.response.succeeded or left.response.status in (302, 303)):
        return unsure(f"{out_route.path} did not log out")
    if not left.response.all_headers("Set-Cookie"):
        after = yield from send(request)
        if after.response.succeeded and alike(after.response, before.response):
            evidence = (
                Evidence("exchange", "control: before the log-out the cookie is accepted", before),
                Evidence("exchange", "the log-out, which takes no cookie away", left),
                Evidence("exchange", "after the log-out the same cookie is accepted", after),
            )
            return failed(f"{ref} takes the session after a log-out", (ref,), evidence)
    return passed("the log-out ends the session, or takes its cookie away")


RULE = Rule(
    slug="session-fixation",
    family="session",
    title="A log-in keeps the old session, or a log-out does not end it",
    harm=__doc__ or "",
    severity="medium",
    check="authentication",
    cwe=(384,),
    owasp="API2:2023",
    asvs=("V7.2.4",),
    surfaces=(
        "source",
        "wsgi",
        "http",
    ),
    ends="`Stopper.sessions.begin` makes a new id at each log-in, and `end` voids it in the store.",
    certainty="likely",
    detect=detect,
    fix=fix,
    probe=probe,
    disturbs=True,
)
