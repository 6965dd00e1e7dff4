"""A route that was made for developers hands a stranger settings, data or a way to change them."""

import re
from collections.abc import Iterator
from typing import Final, Literal

from stopper.core.app import App, Route
from stopper.core.deployment.inside_locations import is_kept_inside
from stopper.core.deployment.switched_on import asked_for
from stopper.core.facts import SourceFacts, source_of
from stopper.core.finding import Evidence, Verdict
from stopper.core.place import Span
from stopper.core.probe import Steps, Target, failed, passed
from stopper.core.probing.internal import is_internal, left_behind
from stopper.core.rule import Certainty, Hit, Rule
from stopper.core.values import Call, ConfigValue, Constant, EnvironmentValue, Name, Value, text_of, walk

_SURE: Final = re.compile(
    r"(?i)(?:^|[/_.-])(_?debug\w*|internals?|backups?|dump\w*|actuator|phpinfo|heapdump|threaddump|shell|eval|environ|_?env|seed|reset-?db|sysinfo|devtools)(?=[/_.-]|$)"
)
_TELLS_OF: Final = re.compile(r"(?i)(?:dump|backup)s?[_-](?:info|status|list|state|progress|dates?)(?=[/_.-]|$)")
"""What tells of dumps and holds none."""
_GUARD_NAME: Final = re.compile(r"(?i)_required$|^require|login|auth|admin|permission|protect")


def detect(app: App) -> Iterator[Hit]:
    """Routes that are called after a tool of developers and that nothing guards."""
    for route in app.routes:
        if not route.readers - {"spec", "wire"} or not is_internal(route):
            continue  # what was only seen from outside is asked
        if is_kept_inside(source_of(app), route.path):
            continue
        if _only_sends_on(source_of(app), route.view):
            continue  # where it leads is asked by itself
        if route.path.count("/") > 1 and _is_page(source_of(app), route.view):
            continue  # ``/datasets/dumps``: it tells about them
        if _is_added_on_demand(source_of(app), route.view):
            continue
        if _is_switched(source_of(app), route.view) or _seems_guarded(source_of(app), route.view):
            continue
        for ref in route.refs():
            access = route.access.get(ref.method)
            if access is None or access.state == "open" or (access.state == "unknown" and not access.guards):
                reader: Literal["running"] | None = None if route.span is not None else "running"
                yield Hit(
                    f"{ref} is for developers by its name, and nothing guards it",
                    route.span,
                    ref,
                    sure := _certainty(route),
                    reader,
                    "low" if sure == "possible" else None,  # a name that much else has too
                )
                break


def _only_sends_on(facts: SourceFacts, view: str) -> bool:
    """``return redirect(url_for("index"))``, and nothing else."""
    given = facts.returns_of(view)
    return bool(given) and all(
        isinstance(one.value, Call)
        and one.value.callee == "flask.redirect"
        and bool(one.value.args)
        and isinstance(one.value.args[0], Call)
        and one.value.args[0].callee == "flask.url_for"
        for one in given
    )


def _is_page(facts: SourceFacts, view: str) -> bool:
    """``return render_template("help/dumps.html")``, with nothing handed to the page."""
    given = facts.returns_of(view)
    return bool(given) and all(
        isinstance(one.value, Call)
        and one.value.callee == "flask.render_template"
        and not one.value.keywords
        and len(one.value.args) == 1
        and text_of(one.value.args[0]) is not None
        for one in given
    )


def _seems_guarded(facts: SourceFacts, view: str) -> bool:
    """That a decorator says by its name that it guards, further than the reader could follow it."""
    return any(
        _GUARD_NAME.search(one.name.rpartition(".")[2])
        for route in facts.routes_of_view(view)
        for one in route.decorators
    )


def _is_switched(facts: SourceFacts, view: str) -> bool:
    """That the view turns callers away unless a setting is on."""
    conditions = facts.conditions_in(view)
    if any(one.negated and one.stops and _is_setting(one.value) for one in conditions):
        return True  # ``if not settings.DEBUG: return …``
    asks = any(isinstance(part, (ConfigValue, EnvironmentValue)) for one in conditions for part in walk(one.value, 4))
    return asks and any(call.method == "abort" for call in facts.calls_in(view))


def _is_added_on_demand(facts: SourceFacts, view: str) -> bool:
    """``if app.debug: add_debug_routes(app)``: whoever runs it without debug mode does not have the route."""
    places = [route.registered_at for route in facts.routes_of_view(view)]
    return bool(places) and all(_is_behind_flag(facts, place) for place in places)


def _is_behind_flag(facts: SourceFacts, place: Span) -> bool:
    if asked_for(facts, place):
        return True
    function = facts.function_around(place)
    calls = list(facts.calls(function)) if function else []
    return bool(calls) and all(asked_for(facts, call.span) for call in calls)


def _is_setting(value: Value) -> bool:
    """A setting, also one that stands as a constant of the project: ``settings.SAML_DEBUG``."""
    if isinstance(value, (ConfigValue, EnvironmentValue)):
        return True
    if isinstance(value, Call):
        return (text_of(value.argument(0)) or "").isupper()  # ``flag("SAML_DEBUG", False)``
    if isinstance(value, Constant):
        return value.name.isupper()  # ``APP_DEBUG = False`` of this file
    last = value.dotted.rpartition(".")[2] if isinstance(value, Name) else getattr(value, "attribute", "")
    return len(last) > 1 and last.isupper()


def _certainty(route: Route) -> Certainty:
    return "likely" if _SURE.search(_TELLS_OF.sub("", route.path)) else "possible"


# -- on the wire -----------------------------------------------------------------------------------------------------------------


def probe(target: Target) -> Steps[Verdict]:
    """Ask for such routes as nobody; what is not there answers like a path that cannot be."""
    found = yield from left_behind(target)
    if not found.served:
        return passed("no debug, test, backup or internal route answers")
    evidence = [Evidence("exchange", "control: what a path that is not there answers", found.nothing)]
    evidence += [
        Evidence("exchange", f"{ref.path} answers nobody in particular", answer) for ref, answer in found.served
    ]
    return failed(f"{found.served[0][0].path} is served to everybody", [ref for ref, _ in found.served], evidence)


RULE = Rule(
    slug="internal-route-served",
    family="inventory",
    title="A debug, test, backup or internal route is served",
    harm=__doc__ or "",
    severity="medium",
    check="inventory",
    cwe=(489,),
    owasp="API9:2023",
    asvs=("V15.2.3",),
    surfaces=("source", "wsgi", "http"),
    ends="`Stopper(app)` runs no route without a policy, and refuses debug mode in `prod`.",
    certainty="likely",
    detect=detect,
    probe=probe,
    echo_of=("route-without-authentication",),
    repeats=("route-without-authentication",),
)
