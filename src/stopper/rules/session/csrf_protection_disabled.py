"""Any page that a signed-in person visits can act in their name."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from stopper.core.app import App, Route
from stopper.core.deployment.effective_settings import answered, open_place
from stopper.core.deployment.setting_facts import MISSING, in_force, switched_to_true, switches
from stopper.core.facts import SourceFacts, source_of
from stopper.core.flow.changing_calls import writes
from stopper.core.flow.nested_functions import inside
from stopper.core.flow.view_functions import index_of
from stopper.core.guards.exempted_views import is_any_view, views_meant
from stopper.core.guards.exempting_classes import exempting_classes
from stopper.core.guards.json_alone import takes_json_alone
from stopper.core.naming import HUMP
from stopper.core.rule import Certainty, Edit, Hit, Rule
from stopper.core.values import (
    Call,
    Mapping,
    Name,
    Sequence,
    Value,
    is_constant,
    literals,
    options,
    text_of,
    walk,
)

_SWITCHES: Final = ("WTF_CSRF_ENABLED", "WTF_CSRF_CHECK_DEFAULT", "SEASURF_ENABLED", "CSRF_ENABLED")
_EXEMPT: Final = re.compile(
    r"(flask_wtf(\.csrf)?\.(CSRFProtect|CsrfProtect)|flask_seasurf\.SeaSurf|\?)\.exempt|.*csrf.*\.exempt"
)
_MADE: Final = ("flask_wtf.CSRFProtect", "flask_wtf.csrf.CSRFProtect", "flask_wtf.CsrfProtect")
_CHANGING: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_PROVES: Final = re.compile(
    r".*(compare_digest|construct_event|verify\w*|validate_\w*signature|check_signature|decode|check_api_key|check_token|RequestValidator\.validate|validate_on_submit|create_(?:token|endpoint|revocation|introspection)_response)"
)
_GUARDED: Final = re.compile(
    r"(?i).*(jwt|token|api_?key|bearer|signature|webhook|hmac|oauth|HTTP(Token|Basic|Digest)?Auth|ResourceProtector|loginhandler)\w*(\.login_required|\.__call__)?"
)
_IN_PATH: Final = re.compile(
    r"(?i)(?:web)?hook_(?:hash|token|key|secret)|(?:auth|access|api|secret|device|session)_?(?:token|key)|^token$"
)
_ASKS: Final = re.compile(
    r"(?:get|list|find|search|lookup|count|fetch|show|preview|decode|estimate)_?\w*|(?:\w+_)?\w*(?:list|search|info|progress|preview|lookup|statistics|suggestions?)"
)
"""Names of views that are asked and change nothing."""
_DOES: Final = re.compile(
    r"(?:^|_)(?:add|create|make|new|update|save|store|set|reset|edit|change|insert|delete|remove|clear|put|post|send|upload|import|toggle|mark|move|rename|"
    r"assign|join|leave|(?:un)?subscribe|black_?list|white_?list|block|allow|buy|pay|transfer|submit|confirm|approve|start|stop)(?:_|$)|(?:black|white|wish|allow|block)list"
)
_OF_A_BROWSER: Final = (
    "flask.session",
    "flask.g",
    "flask.request.cookies",
    "flask_login.",
    "flask_security.",
    "flask_user.",
)
_HOOK: Final = re.compile(r"(?i)webhook|callback|hook/|/hooks?(/|$)|ipn|csp[-_]?report|health|/saml2?(?:/|$)|/acs$")
_SOME: Final = 20
"""So many other views are asked what they go by."""
_SIGNED: Final = re.compile(r"(?i)/saml2?(?:/|$)|/acs$")
"""Where a provider of log-ins posts its signed answer, from its own site."""


def detect(app: App) -> Iterator[Hit]:
    """A switch of Flask-WTF or SeaSurf that is off, a form without its token, or an exemption of a changing view."""
    facts = source_of(app)
    asks_itself = any(True for _ in facts.calls("*.protect"))
    for key in _SWITCHES:
        if asks_itself and key == "WTF_CSRF_CHECK_DEFAULT":
            continue
        for doubt in switches(app, key):
            if doubt.span is not None and not doubt.value:
                sure: Certainty | None = "possible" if doubt.desk else None
                yield Hit(f"{key} is off", doubt.span, certainty=sure, severity="low" if doubt.desk else None)
        force = answered(app, key)
        if force is not MISSING and not force:
            yield Hit(f"{key} is off", open_place(app, key), reader="running")
    for write in facts.config_writes("WTF_CSRF_METHODS"):
        held = write.value.items if isinstance(write.value, Sequence) else ()
        asked = {str(one.value).upper() for item in held for one in literals(item)}
        if isinstance(write.value, Sequence) and not write.value.open and "POST" not in asked:
            yield Hit("WTF_CSRF_METHODS leaves POST out", write.span)
    yield from _forms(app, facts)
    told: set[str] = set()
    if facts.imports("flask_wtf", "flask_seasurf"):
        for views, hit in _exempted(facts):
            told.update(views)
            weak = views and not any(
                _by_cookie(app, view) and _changes(facts, view) and not _takes_json_alone(app, view) for view in views
            )
            yield replace(hit, severity="low") if weak else hit
    yield from _exempt_where_it_runs(app, told)


def _is_sent_alone(facts: SourceFacts, form: str) -> bool:
    """That a view asks whether the form is filled in well, and not only one that it is a part of."""
    asked = facts.calls(f"{form}.validate_on_submit", f"{form}.validate", "?.validate_on_submit", "?.validate")
    return any(
        one.callee.startswith(f"{form}.") or (isinstance(one.receiver, Call) and one.receiver.callee == form)
        for one in asked
    )


def _changes(facts: SourceFacts, view: str) -> bool:
    """That the view, or what it calls, writes something in sight."""
    known = facts.function(view) is not None
    return not known or any(writes(facts, name) for name in index_of(facts).calling([view], 2))


def _takes_json_alone(app: App, view: str) -> bool:
    """That no form of another site comes through: each change by that view reads JSON and refuses all else."""
    routes = [one for one in app.routes if one.view == view]
    ways = [(one, method) for one in routes for method in one.methods if method in _CHANGING]
    return bool(ways) and all(takes_json_alone(source_of(app), *way) for way in ways)


def _by_cookie(app: App, view: str) -> bool:
    """That the view, or what guards it, goes by the session or by who is logged in: only then does another site's form act in somebody's name."""
    facts = source_of(app)
    routes = [route for route in app.routes if route.view == view or view.startswith(f"{route.view}.")]
    if not routes or any(access.state == "guarded" for route in routes for access in route.access.values()):
        return True
    names = index_of(facts).calling([view], 1)
    values: list[Value] = [given for name in names for call in facts.calls_in(name) for given in (call, *call.args)]
    values += [one.value for name in names for one in facts.conditions_in(name)]
    values += [side for name in names for one in facts.comparisons_in(name) for side in (one.left, one.right)]
    return (
        any(flow.function in names for flow in facts.flows("session"))
        or any(
            isinstance(part, Name) and part.dotted.startswith(_OF_A_BROWSER)
            for value in values
            for part in walk(value, 5)
        )
        or any(one.source.startswith("flask.request.cookies") and one.function in names for one in facts.readings())
    )


def _exempt_where_it_runs(app: App, told: set[str]) -> Iterator[Hit]:
    """Exemptions that the library has and no line was told for: set in a loop, by another package, or by name."""
    known = app.extensions.form_tokens
    if known is None or not in_force(app, "WTF_CSRF_ENABLED"):
        return
    bearers = {guard.endpoint for guard in app.extensions.token_guards}
    # One loop or one call exempts many: they are one finding, where the library is set up.
    made = next((call.span for call in source_of(app).calls(*_MADE)), None)
    for route in app.routes:
        if route.endpoint not in known.exempt or route.view in told or route.endpoint in bearers:
            continue
        if _only_asks(source_of(app), route.view):
            continue
        refs = [ref for ref in route.refs() if ref.method in _CHANGING]
        if refs and not _says_no_cookie(route) and not _defended(source_of(app), route.view):
            said = f"{route.view.rpartition('.')[2]} changes state and is exempt from CSRF protection"
            yield Hit(said, made or route.span, refs[0], certainty="likely", reader="running")


def _says_no_cookie(route: Route) -> bool:
    """By its address, or by what runs before it: another site's form does not get there."""
    before = [guard for access in route.access.values() for guard in access.guards]
    guards = [guard.name for guard in before if guard.kind != "policy"]
    if any(guard.kind == "policy" and guard.stops and "browser_session" not in guard.name for guard in before):
        return True
    return (
        bool(_HOOK.search(route.path))
        or any(_IN_PATH.search(name) for name, _ in route.parameters)
        or any(_GUARDED.fullmatch(name) for name in guards)
    )


def _forms(app: App, facts: SourceFacts) -> Iterator[Hit]:
    if not facts.imports("flask_wtf", "wtforms"):
        return
    parts = {
        part.dotted
        for call in facts.calls("wtforms.FormField", "wtforms.fields.FormField", "wtforms.fields.form.FormField")
        if isinstance(part := call.argument(0, "form_class"), Name)
    }
    for found in facts.classes():
        form, _, word = found.name.rpartition(".")
        if form in parts and not _is_sent_alone(facts, form):
            continue  # a part of another form, which has the token
        if word == "Meta" and is_constant(found.attributes.get("csrf"), False):
            yield Hit("the form's Meta switches its CSRF token off", found.attributes["csrf"].span or found.span)
    forms = {found.name for found in facts.classes("flask_wtf.FlaskForm", "flask_wtf.Form", "flask_wtf.form.FlaskForm")}
    for name in forms:
        for call in facts.calls(name):
            meta = call.keyword("meta")
            if _fills_from_elsewhere(call.argument(0, "formdata")) or _asks_browser_first(facts, call.function):
                continue
            if is_constant(call.keyword("csrf_enabled"), False) or (
                isinstance(meta, Mapping) and is_constant(meta.get("csrf"), False)
            ):
                if _asks_header_alone(app, call.function):
                    continue
                yield Hit("this form is made without its CSRF token", call.span)


def _asks_header_alone(app: App, view: str) -> bool:
    """That whoever calls the view shows who they are in a header which no browser adds by itself, and in nothing else: its guards are the
    project's own, and read no session and no cookie. Who asks nobody and keeps nothing for later, beside views that ask so, is of the same API."""
    facts = source_of(app)
    accesses = [one for route in app.routes if view.startswith(route.view) for one in route.access.values()]
    guards = {guard.name for one in accesses for guard in one.guards if guard.kind != "view-body"}
    if not guards:
        known = facts.function(view)
        home = (known.owner if known is not None and known.owner else view).rpartition(".")[0]
        others = {
            route.view for route in app.routes if route.view.startswith(f"{home}.") and not view.startswith(route.view)
        }
        return not _by_cookie(app, view) and any(
            _asks_header_alone(app, one) for one in sorted(others)[:_SOME] if _is_guarded(app, one)
        )
    if any(facts.function(name) is None for name in guards) or facts.says("WWW-Authenticate"):
        return False
    index = index_of(facts)
    names = index.calling([one for one in index.by_name if any(f"{one}.".startswith(f"{name}.") for name in guards)], 2)
    values = [
        value for name in names for value in (*facts.calls_in(name), *(one.value for one in facts.assignments_in(name)))
    ]
    words = {part.dotted for value in values for part in walk(value, 5) if isinstance(part, Name)}
    words |= {one.source for one in facts.readings() if one.function in names}
    shown = any(word.startswith(("flask.request.authorization", "flask.request.headers")) for word in words)
    return shown and not any(word.startswith(_OF_A_BROWSER) for word in words if word != "flask.g")


def _is_guarded(app: App, view: str) -> bool:
    return any(access.guards for route in app.routes if route.view == view for access in route.access.values())


def _asks_browser_first(facts: SourceFacts, view: str) -> bool:
    """That the view is reached by methods alone which no form sends, so that a browser asks before another site's script may."""
    methods = {method for route in facts.routes_of_view(view) for method in route.methods}
    return bool(methods) and methods <= {"PUT", "PATCH", "DELETE", "OPTIONS"}


def _fills_from_elsewhere(formdata: Value | None) -> bool:
    """That the form reads the query of an address, or data that the view has taken apart itself: no other site's form is posted to it."""
    if isinstance(formdata, Name):
        return formdata.dotted == "flask.request.args"
    return isinstance(formdata, Call) and formdata.method in ("MultiDict", "ImmutableMultiDict")


def _exempted(facts: SourceFacts) -> Iterator[tuple[tuple[str, ...], Hit]]:
    """The views that a line exempts, with what is told of that line."""
    for function in facts.functions():
        for decorator in function.decorators:
            if _EXEMPT.fullmatch(decorator.name) and not _harmless(facts, function.name):
                methods = {method for route in facts.routes_of_view(function.name) for method in route.methods}
                if methods & _CHANGING or not methods:
                    said = f"{function.name.rpartition('.')[2]} changes state and is exempt from CSRF protection"
                    yield (function.name,), Hit(said, decorator.span, certainty="likely")
    for view, own, place in exempting_classes(facts, _EXEMPT, _CHANGING):
        if not all(_harmless(facts, name) for name in own):
            said = f"{view.rpartition('.')[2]} changes state and is exempt from CSRF protection"
            yield (view,), Hit(said, place, certainty="likely")
    for call in facts.calls("*.exempt"):
        if not _EXEMPT.fullmatch(call.callee) or not call.args or call.span is None:
            continue
        # a loop over a few views or blueprints exempts each of them
        views = [view for one in options(call.args[0]) for view in views_meant(facts, one)]
        if not views and is_any_view(call.args[0]):
            yield (), Hit("whatever views a rule names are exempt from CSRF protection", call.span, certainty="likely")
            continue
        open_views = [view for view, methods in views if methods & _CHANGING and not _harmless(facts, view)]
        if open_views:
            said = f"{open_views[0].rpartition('.')[2]} changes state and is exempt from CSRF protection"
            yield tuple(open_views), Hit(said, call.span, certainty="likely")


def _harmless(facts: SourceFacts, view: str) -> bool:
    return _defended(facts, view) or _only_asks(facts, view)


def _only_asks(facts: SourceFacts, view: str) -> bool:
    """A view that is called for what it tells (``orders_list``, ``decode_line``), and changes nothing in sight: another site that has it
    called learns nothing of the answer."""
    name = HUMP.sub("_", view.rpartition(".")[2]).lower()
    if _ASKS.fullmatch(name) is None or _DOES.search(name):
        return False
    kept = (one for one in facts.assignments_in(view) if "." in one.target or "[" in one.target)
    return not writes(facts, view) and not any(one.target.startswith(("flask.session", "session")) for one in kept)


def _reads_assertion(facts: SourceFacts, view: str) -> bool:
    """That it takes what a provider of log-ins has signed, which the browser brings from there by POST: ``SAMLResponse``."""
    names = index_of(facts).calling([view], 3)
    return any(call.callee.startswith(("onelogin.saml2.", "saml2.")) for name in names for call in facts.calls_in(name))


def _defended(facts: SourceFacts, view: str) -> bool:
    """The view is reached by a header that no other site can send, or proves who is calling by a signature, or its form asks for its own token."""
    routes = facts.routes_of_view(view)
    if any(_HOOK.search(route.path) for route in routes) and any(
        True for one in facts.readings("flask.request.headers") if one.function == view
    ):
        return True
    if any(_SIGNED.search(route.path) for route in routes) or _reads_assertion(facts, view):
        return True
    if routes and all(any(_IN_PATH.search(name) for name, _ in route.parameters) for route in routes):
        return True  # the credential is part of the address, which another site does not know
    guards = [decorator.name for route in routes for decorator in route.decorators]
    function = facts.function(view)
    guards.extend(decorator.name for decorator in (function.decorators if function is not None else ()))
    if any(_GUARDED.fullmatch(name) or _reads_authorization(facts, name) for name in guards):
        return True
    index = index_of(facts)
    own = [one.name for one in index.of_view(view)] or [view]
    called = [name for name in index.calling(own, 2) if name not in own]
    if any(_reads_authorization(facts, name) for name in called):
        return True
    return any(_PROVES.fullmatch(call.callee) for name in own for call in facts.calls_in(name))


def _reads_authorization(facts: SourceFacts, decorator: str) -> bool:
    """A decorator of the project that lets in by the Authorization header, and asks no browser for it."""
    written = [decorator, *inside(facts, decorator)]
    asks = any(
        text_of(key) == "WWW-Authenticate"
        for name in written
        for call in facts.calls_in(name)
        for part in walk(call, 4)
        if isinstance(part, Mapping)
        for key, _ in part.items
    )
    shown = (value for name in written for one in facts.conditions_in(name) for value in walk(one.value, 5))
    shown_too = (
        value for name in written for call in facts.calls_in(name) for given in call.args for value in walk(given, 4)
    )
    if not asks and any(
        isinstance(part, Name) and part.dotted.startswith("flask.request.authorization")
        for part in (*shown, *shown_too)
    ):
        return True
    return not asks and any(
        one.key.lower() == "authorization" and one.function in written
        for one in facts.readings("flask.request.headers")
    )


def fix(app: App, hit: Hit) -> Edit | None:
    """The literal False of a switch."""
    return switched_to_true(app, hit, *_SWITCHES)


RULE = Rule(
    slug="csrf-protection-disabled",
    family="session",
    title="CSRF protection is switched off",
    harm=__doc__ or "",
    severity="high",
    check="authentication",
    cwe=(352,),
    owasp="API8:2023",
    asvs=("V3.5.1",),
    surfaces=("source", "running"),
    ends="Stopper's `@browser_session` asks for a token bound to the session; `@bearer` reads no cookie.",
    detect=detect,
    fix=fix,
)
