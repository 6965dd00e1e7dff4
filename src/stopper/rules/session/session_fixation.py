"""Whoever put a session into somebody's browser, or copied it, is that person after the log-in or even after the log-out."""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from stopper.core.account_names import checks_password_hash
from stopper.core.app import App
from stopper.core.fact import Flow, Function, SourceRoute
from stopper.core.facts import SourceFacts, source_of
from stopper.core.finding import Evidence, Verdict
from stopper.core.flow.view_functions import index_of
from stopper.core.guards.own_sessions import sent_back, takes_new_id, written_into
from stopper.core.guards.session_keeping import is_kept_on_server
from stopper.core.place import RouteRef, Span
from stopper.core.probe import Identity, Steps, Target, failed, not_applicable, passed, send, unsure
from stopper.core.probing.accounts.login import logout_requests
from stopper.core.probing.baseline import alike, attempt, candidates, establish
from stopper.core.rule import Edit, Hit, Rule, Severity
from stopper.core.values import Call, Item, Mapping, Member, Name, Truth, Value, is_constant, text_of, walk

_WHO: Final = re.compile(
    r"(?i)^_?((current_?)?(user|account|member|customer|client|person|employee|staff|admin|principal|profile|identity)(_?(id|uuid|pk|name|email|data|info|obj|role))?"
    r"|uid|email|logged_?in|(is_)?(auth|authed|authenticated|logged_?in)|login|is_admin|sub)$"
)
_SOMEBODY: Final = re.compile(
    r"(?i)^(?!(?:csrf|cart|basket|order|request|session|trace|device|visit|flow|state|page|item|product|chat|thread|run|job|task)_)[a-z]+_(?:id|uuid|pk)$"
)
"""What a log-in calls its people where they are bidders, pilots or nurses."""
_IN: Final = re.compile(r"(?i)(^|[/_.-])(log[-_]?in|sign[-_]?in|authenticate)")
_IN_OTHERWISE: Final = re.compile(
    r"(?i)(^|[/_.-])(callback|oauth\w*|oidc|sso|saml|acs|otp|totp|2fa|mfa|two_?-?factor|verify(_otp|_code|-otp|-code)?|magic|connect|(create|new|start|open)_session|sessions?)$"
)
"""What else people come in by: the last word of a path or of a view's name."""
_PROVES: Final = re.compile(
    r"(?i).*(authorize_access_token|fetch_token|parse_id_token|verify_oauth2_token|simple_bind_s|authenticate\w*|check_credentials|verify_(?:password|otp|code|totp|login|credentials)|totp\.verify|valid_login|login_user)$"
)
"""Calls that find out who it is."""
_LOGINS: Final = tuple(
    f"flask_login.{name}" for name in ("login_user", "LoginManager", "login_required", "current_user")
)
"""What keeps people in the session; a model's ``UserMixin`` alone does not."""
_OUT: Final = re.compile(r"(?i)(^|[/_.-])(log[-_]?out|sign[-_]?out|log[-_]?off)")
_SESSION_COOKIE: Final = re.compile(r"(?i)sess|sid|auth|token|jwt|user|login|remember|account|member|access|refresh")
_OF_SESSION: Final = re.compile(r"(?i)sess|sid$")
_ENDS: Final = re.compile(
    r"(?i).*(logout_user|session(_interface)?\.(clear|pop|regenerate|destroy|delete|invalidate)|delete_cookie|unset_jwt_cookies|unset_access_cookies|regenerate\w*|(end|clear|destroy|revoke|invalidate|drop)_\w*session\w*|revoke\w*|forget\w*|(?:log|sign)_?(?:out|off)(?:_\w+)?)"
)
_NEW: Final = re.compile(
    r"(?i).*(session(_interface)?\.(clear|regenerate)|regenerate\w*|login_user|rotate\w*session\w*|(new|reset|clear|start)_\w*session\w*)"
)


_RIGHTS: Final = re.compile(
    r"(?i)^(?:user_?)?(?:is_?(?:admin|staff|superuser)|admin|roles?|permissions?|scopes?|groups?)$"
)
_LOG_IN: Final = "the log-in writes into the session that it found, and does not start a new one"


def detect(app: App) -> Iterator[Hit]:
    """A log-in that writes who somebody is into the session it found; a log-out that leaves the session as it is."""
    facts = source_of(app)
    seen: set[str] = set()
    # Flask's own session is the cookie itself: the log-in sends a new one, and whoever holds the old one stays nobody.
    weight: Severity | None = None if is_kept_on_server(facts) else "low"
    for flow in facts.flows("session"):
        keys = _keys(flow)
        if flow.function in seen or not flow.function:
            continue
        if not _says_who(facts, keys, flow.function) and not _is_number_of_somebody(facts, flow):
            continue
        seen.add(flow.function)
        lets_in = _is(facts, flow.function, _IN) or _finds_out_who(facts, flow.function)
        logins = [flow.function] if lets_in else _logins_calling(facts, flow.function)
        if logins and not any(_starts_anew(facts, name) for name in (flow.function, *logins)):
            yield Hit(_LOG_IN, flow.span, severity=weight)
    yield from _of_its_own(facts)
    if not seen and not any(True for _ in facts.calls(*_LOGINS)) and not facts.imports(*_LOGINS):
        return
    for route in facts.routes:
        if not _OUT.search(route.path) and not _OUT.search(route.view.rpartition(".")[2]):
            continue
        for function in index_of(facts).of_view(route.view):
            word = function.name.rpartition(".")[2]
            if not function.owner or word.upper() in route.methods:
                yield from _of_logout(facts, route, function)


def _of_logout(facts: SourceFacts, route: SourceRoute, function: Function) -> Iterator[Hit]:
    """What a log-out leaves: by its view, or by the method of its view class."""
    name = function.name
    if _asks_before(facts, route) or (_ends(facts, name) and not _opens_alone(facts, name)):
        return
    if left := _left_behind(facts, name) or _still_there(facts, name):
        yield Hit(f"the log-out leaves {left} in the session", function.span, certainty="likely")
    elif not _forgets(facts, name):
        yield Hit(
            "nothing in sight clears the session at the log-out: look whether it ends somewhere else",
            function.span,
            certainty="possible",
            severity="low",
        )


def _of_its_own(facts: SourceFacts) -> Iterator[Hit]:
    """A log-in that leaves a session which the project keeps itself under the id that the visitor came with."""
    seen: set[str] = set()
    for one in written_into(facts):
        if one.function in seen or not _says_who(facts, (one.attribute,), one.function):
            continue
        seen.add(one.function)
        lets_in = _is(facts, one.function, _IN) or _finds_out_who(facts, one.function)
        logins = [one.function] if lets_in else _logins_calling(facts, one.function)
        if logins and not any(takes_new_id(facts, name) for name in (one.function, *logins)):
            yield Hit(_LOG_IN, one.span)
    for function, span in sent_back(facts):
        posted = any(ref.method == "POST" and _IN.search(ref.path) for ref in facts.routes_reaching(function))
        if function not in seen and (posted or (_is(facts, function, _IN) and _finds_out_who(facts, function))):
            yield Hit(_LOG_IN, span)


def _says_who(facts: SourceFacts, keys: Iterable[str], function: str) -> bool:
    """That who somebody is stands under one of these keys; in a log-in, whatever its people are called."""
    said = list(keys)
    if any(map(_WHO.match, said)):
        return True
    return any(map(_SOMEBODY.match, said)) and (
        _is(facts, function, _IN)
        or any(map(checks_password_hash, facts.calls_in(function)))
        or bool(_logins_calling(facts, function))
    )


def _is_number_of_somebody(facts: SourceFacts, flow: Flow) -> bool:
    """``session["librarian"] = account.id``, by whatever name, where a password was held against its hash."""
    if not any(map(checks_password_hash, facts.calls_in(flow.function))):
        return False
    value = flow.value if flow.detail or not isinstance(flow.value, Mapping) else None
    return isinstance(value, Member) and value.attribute in ("id", "uuid", "pk", "public_id", "email", "username")


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


def _finds_out_who(facts: SourceFacts, function: str) -> bool:
    """That the function lets people in by another name: it holds a password against its hash, or is a view that a provider is asked by."""
    if any(map(checks_password_hash, facts.calls_in(function))):
        return True
    if not facts.routes_of_view(function):
        return False
    if any(_PROVES.fullmatch(call.callee) for call in facts.calls_in(function)):
        return True
    return any("POST" in route.methods for route in facts.routes_of_view(function)) and _is(
        facts, function, _IN_OTHERWISE
    )


def _logins_calling(facts: SourceFacts, function: str) -> list[str]:
    """The log-ins that have another function write into the session."""
    return [
        call.function
        for call in facts.calls(function)
        if call.function
        and (_is(facts, call.function, _IN) or any(map(checks_password_hash, facts.calls_in(call.function))))
    ]


def _starts_anew(facts: SourceFacts, function: str, depth: int = 2) -> bool:
    """That the function, or one that it calls, starts a new session; what a function of the project is called proves nothing."""
    called = [call.callee for call in facts.calls_in(function)]
    own = [name for name in called if facts.function(name) is not None]
    if any(_NEW.fullmatch(name) for name in called if name not in own) or _empties(
        facts, list(facts.calls_in(function))
    ):
        return True
    return depth > 0 and any(_starts_anew(facts, name, depth - 1) for name in dict.fromkeys(own))


def _ends(facts: SourceFacts, function: str) -> bool:
    """That the function, or one that it calls, ends the session: not by taking something else out of it."""
    called = list(facts.calls_in(function))
    called += [call for name in [one.callee for one in called] for call in facts.calls_in(name)]
    own = any(_WHO.match(key) for flow in facts.flows("session") for key in _keys(flow))
    return any(_ENDS.fullmatch(call.callee) and not _takes_out_another(call, own) for call in called) or _empties(
        facts, called
    )


def _empties(facts: SourceFacts, called: list[Call]) -> bool:
    """``for key in list(session): session.pop(key)``"""
    return any(
        call.callee in ("list", "tuple", "sorted", "flask.session.keys")
        and (call.callee == "flask.session.keys" or any(map(_is_of_session, call.args)))
        for call in called
    )


def _is_of_session(value: Value) -> bool:
    said = value.callee if isinstance(value, Call) else value.dotted if isinstance(value, Name) else ""
    return said in ("flask.session", "flask.session.keys")


def _takes_out_another(call: Call, in_session: bool) -> bool:
    """``session.pop("cart")``, ``delete_cookie("theme")``: who is logged in stays in the session. Where the log-in wrote *in_session* who
    it is, no cookie but the session's own ends it."""
    if call.method == "delete_cookie":
        said = text_of(call.argument(0, "key"))
        return said is not None and (_OF_SESSION if in_session else _SESSION_COOKIE).search(said) is None
    key = text_of(call.argument(0)) if call.callee == "flask.session.pop" else None
    return key is not None and _WHO.match(key) is None


def _forgets(facts: SourceFacts, function: str) -> bool:
    """Something is written into the session that takes the person out: ``session["user"] = None``. Flask-Login has a key of its own there."""
    written = [(flow.function, key) for flow in facts.flows("session") for key in _keys(flow)]
    if any(True for _ in facts.calls("flask_login.login_user")):
        return any(home == function and (not key or key.startswith("_user")) for home, key in written)
    return any(home == function for home, _ in written)


def _left_behind(facts: SourceFacts, function: str) -> str:
    """What somebody may do, which a log-in writes into the session and this log-out, which only takes the person out, leaves there."""
    written = [(flow.function, key) for flow in facts.flows("session") for key in _keys(flow)]
    taken = {key for home, key in written if home == function}
    taken |= {
        text_of(call.argument(0)) or "" for call in facts.calls_in(function) if call.callee == "flask.session.pop"
    }
    if not taken:
        return ""
    left = (key for home, key in written if home != function and _RIGHTS.match(key) and key not in taken)
    return next(left, "")


def _still_there(facts: SourceFacts, function: str) -> str:
    """``session["user_id"] = None``, where others ask whether ``"user_id" in session``: it is."""
    asked = {
        text_of(one.left)
        for one in facts.comparisons("in", "not in")
        if isinstance(one.right, Name) and _is_of_session(one.right) and one.function != function
    }
    if not asked:
        return ""
    written = [(key, flow) for flow in facts.flows("session") if flow.function == function for key in _keys(flow)]
    return next((key for key, flow in written if key in asked and is_constant(flow.value, None, False, "", 0)), "")


def _opens_alone(facts: SourceFacts, function: str) -> bool:
    """That all this log-out does is to take the person out, and what is left is asked about elsewhere with nobody asking who it is:
    ``session.pop("user_id")`` and ``if not session.get("is_admin"): abort(403)``."""
    called = [call for call in facts.calls_in(function) if _ENDS.fullmatch(call.callee)]
    left = _left_behind(facts, function)
    if not left or not all(call.callee == "flask.session.pop" for call in called):
        return False
    asked = {key for one in facts.conditions() for key in _session_keys(one.value)}
    return left in asked and not any(key != left and _WHO.match(key) for key in asked)


def _session_keys(value: Value) -> Iterator[str]:
    """What of the session a test asks about: ``session.get("role")``, ``"user_id" not in session``."""
    for part in walk(value, 4):
        if isinstance(part, Item) and _is_of_session(part.owner):
            yield text_of(part.key) or ""
        elif isinstance(part, Truth) and any(map(_is_of_session, part.parts)):
            yield from (text_of(one) or "" for one in part.parts)


def _keys(flow: Flow) -> tuple[str, ...]:
    """The names under which something is written into the session."""
    return tuple(flow.value.keys()) if not flow.detail and isinstance(flow.value, Mapping) else (flow.detail,)


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
