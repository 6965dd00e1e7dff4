"""The one place where guessing pays is the one without a limit."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from stopper.core.app import App
from stopper.core.facts import SourceFacts, source_of
from stopper.core.flow.view_functions import viewed_class
from stopper.core.people.limiter_facts import AUTH_PATH, LIMITING, says_too_many
from stopper.core.place import RouteRef
from stopper.core.rule import Edit, Hit, Rule
from stopper.core.values import (
    Call,
    Constant,
    Item,
    Member,
    Name,
    Sequence,
    Truth,
    Value,
    is_constant,
    options,
    text_of,
    walk,
)

_CHECKS: Final = re.compile(
    r"(?i).*(check_password\w*|verify_password|checkpw|authenticate_user|verify_and_update_password|create_access_token)$"
)


_OF_CSRF: Final = re.compile(r"(?i)csrf|seasurf|talisman")
"""What else routes are exempted from."""


def detect(app: App) -> Iterator[Hit]:
    """Exemptions of views, blueprints and paths that let people in, and limits that stand above the route."""
    told = [*_in_source(app, source_of(app)), *_own_hooks(app, source_of(app))]
    yield from told
    known = {hit.route.path for hit in told if hit.route is not None}
    exempt = {endpoint for limiter in app.extensions.limiters for endpoint in limiter.exempt if limiter.enabled}
    for route in app.routes:
        ref = next((ref for ref in route.refs() if ref.method == "POST"), None)
        if route.endpoint not in exempt or ref is None or not AUTH_PATH.search(route.path):
            continue
        # What the source told of this route, or of a blueprint, is the same root cause.
        if route.path not in known and all(hit.route is not None for hit in told):
            said = f"{route.view.rpartition('.')[2]} is exempt from the limiter"
            yield Hit(said, route.span, ref, reader="running")


def _in_source(app: App, facts: SourceFacts) -> Iterator[Hit]:
    if not any(LIMITING.search(name) for name in facts.imported) and not facts.imports("flask_limiter", "limits"):
        return
    for function in facts.functions():
        for one in function.decorators:
            if not _lets_in(facts, function.name):
                break
            exempt = (one.name.endswith(".exempt") and not _OF_CSRF.search(one.name)) or (
                one.call is not None and _always_exempt(facts, one.call)
            )
            if exempt or (one.above_route and one.name.endswith((".limit", ".shared_limit"))):
                why = "is exempt from the limiter" if exempt else "runs before its limit, which stands above the route"
                yield Hit(f"{function.name.rpartition('.')[2]} {why}", one.span, _ref(facts, function.name))
    yield from _of_classes(facts)
    for call in facts.calls("*.exempt"):
        if _OF_CSRF.search(call.callee):
            continue
        for given in (option for argument in call.args for option in options(argument)):
            named = given.dotted if isinstance(given, Name) and facts.function(given.dotted) is not None else ""
            view = named or viewed_class(given) or _under_endpoint(app, facts, given)
            if view and _lets_in(facts, view):
                yield Hit(f"{view.rpartition('.')[2]} is exempt from the limiter", call.span, _ref(facts, view))
            elif isinstance(given, Call) and given.method == "Blueprint" and _is_auth_blueprint(given):
                yield Hit("the blueprint that lets people in is exempt from the limiter", call.span)
    yield from _filters(app, facts)
    yield from _without_defaults(app, facts)


def _under_endpoint(app: App, facts: SourceFacts, given: Value) -> str:
    """``app.view_functions["login"]``: the view of that name that lets people in, if there is one."""
    owner = given.owner if isinstance(given, Item) else None
    said = owner.attribute if isinstance(owner, Member) else owner.dotted if isinstance(owner, Name) else ""
    if not isinstance(given, Item) or said.rpartition(".")[2] != "view_functions":
        return ""
    names = {text_of(one) for one in options(given.key)}
    found = (route.view for route in app.routes if route.endpoint in names)
    return next((view for view in found if _lets_in(facts, view)), "")


def _of_classes(facts: SourceFacts) -> Iterator[Hit]:
    """``decorators = [limiter.exempt]`` of a view class that lets people in."""
    for found in facts.classes():
        listed = [found.attributes.get(name) for name in ("decorators", "method_decorators")]
        if not any(_exempts(part) for one in listed for part in walk(one, 2)):
            continue
        views = (found.name, *(f"{found.name}.{method}" for method in found.methods))
        view = next((one for one in views if _lets_in(facts, one)), None)
        span = next((one.span for one in listed if one is not None and one.span is not None), found.span)
        if view is not None:
            yield Hit(f"{found.name.rpartition('.')[2]} is exempt from the limiter", span, _ref(facts, view))


def _exempts(value: Value) -> bool:
    if isinstance(value, Member):
        made = value.owner.callee if isinstance(value.owner, Call) else getattr(value.owner, "dotted", "")
        return value.attribute == "exempt" and not _OF_CSRF.search(made)
    return isinstance(value, Name) and value.dotted.endswith(".exempt") and not _OF_CSRF.search(value.dotted)


def _always_exempt(facts: SourceFacts, call: Call) -> bool:
    said = call.keyword("exempt_when")
    if said is not None and (_asks_caller(facts, said) or _is_for_strangers(facts, said) or _is_for_posts(facts, said)):
        return True
    if isinstance(said, Name) and (function := facts.function(said.dotted)) is not None:
        return bool(function.returns) and all(is_constant(value, True) for value in function.returns)
    return any(is_constant(part, True) for part in walk(said, 1))


def _is_for_posts(facts: SourceFacts, said: Value) -> bool:
    """``exempt_when=lambda: request.method == "POST"``: by what people log in."""
    answers = [one.value for one in facts.returns_of(said.dotted)] if isinstance(said, Name) else [said]
    return any(
        isinstance(part, Truth)
        and not part.differs
        and any(isinstance(side, Name) and side.dotted == "flask.request.method" for side in part.parts)
        and any(text_of(word) == "POST" for side in part.parts for word in walk(side, 1))
        for one in answers
        for part in walk(one, 3)
    )


def _is_for_strangers(facts: SourceFacts, said: Value) -> bool:
    """``exempt_when=lambda: not current_user.is_authenticated``: at a log-in nobody is."""
    answers = [one.value for one in facts.returns_of(said.dotted)] if isinstance(said, Name) else [said]
    return any(
        (isinstance(part, Name) and part.dotted.endswith("current_user.is_anonymous"))
        or (
            isinstance(part, Truth)
            and len(part.parts) == 1
            and getattr(part.parts[0], "dotted", "").endswith("current_user.is_authenticated")
        )
        for one in answers
        for part in walk(one, 3)
    )


def _asks_caller(facts: SourceFacts, said: Value) -> bool:
    """``exempt_when=lambda: request.headers.get("X-Internal") == "1"``: whoever sends it is never counted."""
    function = said.dotted if isinstance(said, Name) else ""
    compared = [side for one in facts.comparisons_in(function) for side in (one.left, one.right)] if function else []
    values = [one.value for one in facts.returns_of(function)] if function else [said]
    asked = [part for one in (*values, *compared) for part in walk(one, 5)]
    if any(facts.derives(value, "config-secret", "environment", "config", "claims", "session") for value in asked):
        return False
    return any(facts.derives(one, "request-header", "request-data", "query-string", by_name=False) for one in asked)


def _ref(facts: SourceFacts, view: str) -> RouteRef | None:
    found = next(iter(facts.routes_of_view(view)), None)
    return RouteRef("POST" if "POST" in found.methods else found.methods[0], found.path) if found is not None else None


def _lets_in(facts: SourceFacts, view: str) -> bool:
    """A route whose path or view is named so, or that checks a password."""
    routes = facts.routes_of_view(view)
    if not routes:
        return False
    if any("POST" in one.methods and AUTH_PATH.search(one.path) for one in routes):
        return True
    name = view.rpartition(".")[2]
    return any("POST" in one.methods for one in routes) and (
        bool(AUTH_PATH.search(name)) or any(_CHECKS.fullmatch(call.callee) for call in facts.calls_in(view))
    )


def _is_auth_blueprint(made: Call) -> bool:
    said = [text_of(made.argument(0, "name")) or "", text_of(made.keyword("url_prefix")) or ""]
    return any(re.search(r"(?i)(^|[/_-])(auth|login|account|session|identity|sso)", one) for one in said)


def _filters(app: App, facts: SourceFacts) -> Iterator[Hit]:
    """``@limiter.request_filter`` that lets paths of log-ins through."""
    handed: set[str] = set()
    for call in facts.calls(
        "*.request_filter"
    ):  # as a call: ``limiter.request_filter(lambda: request.path.startswith("/auth"))``
        for given in call.args[:1]:
            if isinstance(given, Name):
                handed.add(given.dotted)
            elif any(_names_login(app, text) for text in _texts(given)) and not _is_denied(given):
                yield Hit("requests to log in are taken out before the limiter counts", call.span)
    for function in facts.functions():
        if function.name not in handed and not any(one.name.endswith(".request_filter") for one in function.decorators):
            continue
        values = [*function.returns, *facts.calls_in(function.name)]
        values += [
            side
            for one in facts.comparisons("==", "in")
            if one.function == function.name
            for side in (one.left, one.right)
        ]
        if any(_names_login(app, text) for value in values for text in _texts(value)):
            yield Hit("requests to log in are taken out before the limiter counts", function.span)


def _without_defaults(app: App, facts: SourceFacts) -> Iterator[Hit]:
    """``Limiter(default_limits_exempt_when=lambda: request.endpoint in ("login", "static"))``, where the log-in has no limit of its own."""
    own = any(
        one.name.endswith((".limit", ".shared_limit")) and _lets_in(facts, function.name)
        for function in facts.functions()
        for one in function.decorators
    )
    for call in facts.calls("flask_limiter.Limiter", "flask_limiter.extension.Limiter") if not own else ():
        said = call.keyword("default_limits_exempt_when")
        answers = [one.value for one in facts.returns_of(said.dotted)] if isinstance(said, Name) else [said]
        given = [one for one in answers if one is not None and not _is_denied(one)]
        if any(_names_login(app, text) for one in given for text in _texts(one)):
            yield Hit("requests to log in are exempt from the limits of every route", call.span)


def _names_login(app: App, text: str) -> bool:
    """That a path, the endpoint of a route, or a blueprint is one that lets people in; the blueprint in an endpoint's name tells nothing."""
    routes = [route for route in app.routes if route.endpoint == text or route.endpoint.startswith(f"{text}.")]
    if not routes or "/" in text:
        return AUTH_PATH.search(text) is not None
    facts = source_of(app)
    return any("POST" in one.methods and (AUTH_PATH.search(one.path) or _lets_in(facts, one.view)) for one in routes)


def _is_denied(given: Value) -> bool:
    """``lambda: request.path not in LIMITED``: what is named is counted."""
    return any(isinstance(part, Truth) and (part.differs or len(part.parts) == 1) for part in walk(given, 3))


def _own_hooks(app: App, facts: SourceFacts) -> Iterator[Hit]:
    """A hook of the project that counts and refuses, and lets the path of a log-in go before it counts."""
    for name in dict.fromkeys(hook for route in facts.routes for hook in route.hooks):
        refusals = [one.span for one in facts.returns_of(name) if says_too_many(one.value)]
        refusals += [
            one.span for one in facts.calls_in(name) if one.method == "abort" and says_too_many(one) and one.span
        ]
        for asked in facts.conditions_in(name) if refusals else ():
            if not asked.stops or asked.body is None or any(asked.body.holds(one) for one in refusals):
                continue
            if any(_names_login(app, text) for text in _let_go(facts, name, asked.value)):
                yield Hit("requests to log in are let go before the limiter counts", asked.span)
                break


_BEGIN: Final = ("flask.request.path.startswith", "flask.request.endpoint.startswith")


def _let_go(facts: SourceFacts, function: str, asked: Value) -> Iterator[str]:
    """The paths and endpoints that a test is true of."""
    for one in facts.comparisons_in(function):
        inside = any(part is one.left for part in walk(asked, 4)) and any(part is one.right for part in walk(asked, 4))
        if inside and one.operator in ("in", "==") and any(map(_is_place, (one.left, one.right))):
            yield from (text for side in (one.left, one.right) for text in _texts(side))
    for part in walk(asked, 4):
        if isinstance(part, Call) and (
            part.callee in _BEGIN or (part.method == "startswith" and part.receiver and _is_place(part.receiver))
        ):
            begun = [text for one in part.args for text in _texts(one)]
            yield from begun
            paths = [route.path for route in facts.routes if "POST" in route.methods]
            yield from (path for path in paths if any(len(one) > 1 and path.startswith(one) for one in begun))


def _is_place(value: Value) -> bool:
    return isinstance(value, Name) and value.dotted in ("flask.request.path", "flask.request.endpoint")


def _texts(value: Value) -> Iterator[str]:
    for part in walk(value):
        if isinstance(part, Constant) and isinstance(part.value, str):
            yield part.value
        elif isinstance(part, Sequence):
            yield from (one for one in part.plain() if isinstance(one, str))


def fix(app: App, hit: Hit) -> Edit | None:
    """A limit in place of the exemption, where the decorator is that alone."""
    for function in source_of(app).functions():
        for one in function.decorators:
            span = one.span
            if span != hit.span or one.call is not None or not one.name.endswith(".exempt") or one.above_route:
                continue
            if span.line == span.end_line:
                return Edit(replace(span, column=span.end_column - len("exempt")), 'limit("5 per minute")', safe=False)
    return None


RULE = Rule(
    slug="rate-limit-exempts-login",
    family="rate",
    title="A log-in is exempt from the limiter",
    harm=__doc__ or "",
    severity="high",
    check="rate-limiting",
    cwe=(770,),
    owasp="API4:2023",
    asvs=("V6.3.1",),
    surfaces=("source", "running"),
    ends="Stopper's service slows down guessing at `POST /auth/login`, and nothing is exempt.",
    certainty="likely",
    detect=detect,
    fix=fix,
)
