"""A dashboard that came with a library shows and changes everything for whoever finds it."""

import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from stopper.core.answers.bundled_pages import ADDRESS, DOORS, Bundled, bundled, menu, shows_more
from stopper.core.app import Access, App, Route
from stopper.core.deployment.app_wiring import Wiring
from stopper.core.exchange import Exchange
from stopper.core.facts import SourceFacts, source_of
from stopper.core.finding import Evidence, Verdict
from stopper.core.flow.body_models import classes_by_name
from stopper.core.flow.request_hooks import BEFORE, hung
from stopper.core.guards.asking_views import is_who
from stopper.core.owner_names import ADMIN_GUARD
from stopper.core.place import RouteRef
from stopper.core.probe import Steps, Target, failed, passed, send
from stopper.core.probing.baseline import attempt
from stopper.core.rule import Hit, Rule, Severity
from stopper.core.text_words import mentions
from stopper.core.values import Call, Name, Value, is_constant, walk

_VIEWS: Final = (
    "flask_admin.BaseView",
    "flask_admin.contrib.sqla.ModelView",
    "flask_admin.contrib.mongoengine.ModelView",
    "flask_admin.contrib.peewee.ModelView",
    "flask_admin.contrib.pymongo.ModelView",
    "flask_admin.contrib.fileadmin.FileAdmin",
    "flask_admin.AdminIndexView",
    "flask_admin.base.BaseView",
    "flask_admin.contrib.sqla.view.ModelView",
)
_ASKS_NOBODY: Final = "this view of Flask-Admin asks nobody who is calling"
_DEEDS: Final = ("can_create", "can_edit", "can_delete")
_OWN_PAGES: Final = (
    "flask_admin.BaseView",
    "flask_admin.base.BaseView",
    "flask_admin.AdminIndexView",
    "flask_admin.base.AdminIndexView",
)
"""Views that show nothing but what is written in them."""
_LOGS_IN: Final = re.compile(r"(?i)log_?(?:in|out)|register|sign_?(?:in|up)|forgot|reset")
_BLUEPRINTS: Final = {
    "rq_dashboard.blueprint": "the RQ dashboard",
    "rq_dashboard.default_settings": "",
    "rq_scheduler_dashboard.blueprint": "the RQ scheduler dashboard",
    "flask_profiler.init_app": "the profiler",
    "flask_monitoringdashboard.bind": "the monitoring dashboard",
    "flask_debugtoolbar.DebugToolbarExtension": "the debug toolbar",
    "flask_statistics.Statistics": "the statistics page",
}
_CALLED: Final = ("flask_profiler.init_app", "flask_profiler.Profiler", "flask_monitoringdashboard.bind")
_WELCOME: Final = "flask_admin.base.AdminIndexView"
"""The page that Flask-Admin begins with; as it comes it shows nothing."""
_KNOWN_MOST: Final = 8
"""Routes of the application itself, called like a dashboard, that are asked."""
_MIDDLEWARE: Final = ("werkzeug.middleware.dispatcher.DispatcherMiddleware",)


def detect(app: App) -> Iterator[Hit]:
    """Flask-Admin views without ``is_accessible``, dashboards without a hook that asks who is calling."""
    facts = source_of(app)
    seen = False
    for hit in _admin(facts):
        seen = True
        yield hit
    if app.wiring is not None and not seen:
        yield from _running(app, app.wiring)
    for call in facts.calls("*.register_blueprint"):
        given = call.argument(0, "blueprint")
        name = given.dotted if isinstance(given, Name) else ""
        if _BLUEPRINTS.get(name) and not _hooked(facts, name):
            yield Hit(f"{_BLUEPRINTS[name]} is mounted and asks nobody who is calling", call.span)
    for call in facts.calls(*_CALLED):
        if call.callee == "flask_monitoringdashboard.bind" or not _basic_auth(facts):
            yield Hit(f"{_BLUEPRINTS.get(call.callee, 'the profiler')} is mounted with its own defaults", call.span)
    for call in facts.calls(*_MIDDLEWARE):
        for part in (*walk(call.argument(1, "mounts"), 4),):
            if (
                isinstance(part, Call)
                and part.callee.endswith(("create_flower_app", "make_wsgi_app"))
                and "flower" in part.callee
            ):
                yield Hit("the Celery dashboard is mounted and asks nobody who is calling", call.span)


def _running(app: App, wiring: Wiring) -> Iterator[Hit]:
    """Views of Flask-Admin that are registered and ask nobody, where nothing runs before them and no guard was seen on the way."""
    for view in wiring.admin_views:
        routes = [route for route in app.routes if route.endpoint.startswith(f"{view.endpoint}.")]
        if view.asks or view.kind == _WELCOME or not routes:
            continue
        if not any(_may_stop(access) for one in routes for access in one.access.values()):
            yield Hit(
                _ASKS_NOBODY,
                view.span,
                RouteRef("GET", routes[0].path),
                reader="running",
            )


def _may_stop(access: Access) -> bool:
    return access.state == "guarded" or any(guard.stops is not False for guard in access.guards)


def _admin(facts: SourceFacts) -> Iterator[Hit]:
    if not facts.imports("flask_admin"):
        return
    parents = {one.name: one.bases for one in facts.classes(*_VIEWS)}
    kin = {one.name: one.bases for one in facts.classes()} | parents  # a mixin beside the library's class may ask too
    guarded = {name for name in _above(parents, kin) if _asks(facts, name)}
    hooked = any(
        isinstance(call.receiver, Call) and "admin" in call.callee.lower() for call in facts.calls("*.before_request")
    )
    told: dict[str, Hit] = {}  # the views of one function are of one administration
    for call in facts.calls("*.add_view", "*.add_views", "flask_admin.Admin"):
        values: tuple[Value, ...] = (*call.args, *(value for _, value in call.keywords))
        for given in values:
            bare = isinstance(given, Call) and (given.callee in _VIEWS or given.callee in parents)
            if bare and isinstance(given, Call) and not hooked and not _inherits(given.callee, guarded, kin):
                shows = all(_is_asked_for(facts, given.callee, kin, word) for word in _DEEDS)
                weight: Severity | None = "low" if shows else None
                said = f"{_ASKS_NOBODY}: look whether everybody may read what it shows" if shows else _ASKS_NOBODY
                if call.function not in told or (told[call.function].severity == "low" and not shows):
                    told[call.function] = Hit(said, given.span or call.span, severity=weight)
    yield from told.values()


def _is_asked_for(facts: SourceFacts, name: str, kin: Mapping[str, tuple[str, ...]], word: str) -> bool:
    """``can_delete = False``, or a property of that name that does not just say yes: in the class or the nearest above that says it."""
    known = classes_by_name(facts)
    for one in _above([name], kin):
        function = facts.function(f"{one}.{word}")
        if function is not None:
            return not all(is_constant(value, True) for value in function.returns or ())
        if one in known and word in known[one].attributes:
            return is_constant(known[one].attributes[word], False)
    return False


def _above(names: Iterable[str], kin: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    """The classes of these names and all that they are made of, the nearest first."""
    seen: set[str] = set()
    left = deque(names)
    while left:
        name = left.popleft()
        if name not in seen:
            seen.add(name)
            left.extend(kin.get(name, ()))
            yield name


def _asks(facts: SourceFacts, name: str) -> bool:
    function = facts.function(f"{name}.is_accessible") or facts.function(f"{name}._handle_view")
    if function is not None:
        turns_away = any(one.refuses for one in facts.conditions_in(function.name))
        return turns_away or not all(is_constant(value, True) for value in function.returns or ())
    return _asks_on_its_pages(facts, name)


def _asks_on_its_pages(facts: SourceFacts, name: str) -> bool:
    """A view without pages of the library's own, where each page that shows something asks by itself; pages to log in aside."""
    if not any(one.name == name for one in facts.classes(*_OWN_PAGES)):
        return False
    pages = [
        one
        for one in facts.functions()
        if one.owner == name and any(decorator.name.endswith(".expose") for decorator in one.decorators)
    ]
    first = f"{name}.index" if _LOGS_IN.search(name.rpartition(".")[2]) else ""
    kept = [one for one in pages if one.name != first and not _LOGS_IN.search(one.name.rpartition(".")[2])]
    return (bool(kept) or any(one.name == first for one in pages)) and all(
        any(
            one.stops and any(is_who(part) for part in walk(one.value, 4)) for one in facts.conditions_in(function.name)
        )
        or any("required" in decorator.name for decorator in function.decorators)
        or _sends_on(facts, function.name)
        for function in kept
    )


def _sends_on(facts: SourceFacts, function: str) -> bool:
    """That the page shows nothing, and only says where to go."""
    given = [one.value for one in facts.returns_of(function)]
    return bool(given) and all(isinstance(one, Call) and one.callee == "flask.redirect" for one in given)


def _inherits(name: str, guarded: set[str], parents: Mapping[str, tuple[str, ...]], depth: int = 5) -> bool:
    return name in guarded or (
        depth > 0 and any(_inherits(base, guarded, parents, depth - 1) for base in parents.get(name, ()))
    )


def _hooked(facts: SourceFacts, name: str) -> bool:
    """Something is hung before the requests of that blueprint, or before those of the whole application."""
    if any(True for _ in facts.calls(f"{name}.before_request")) or any(
        one.name.endswith(f"{name}.before_request") for function in facts.functions() for one in function.decorators
    ):
        return True
    if any(
        call.args and isinstance(call.args[0], Name) and call.args[0].dotted == name
        for call in facts.calls("*.init_app", "*.protect", "*.cover", "*.exempt")
        if ADMIN_GUARD.search(call.callee) or call.method in ("protect", "cover")
    ):
        return True
    return any(one.refuses for hook in hung(facts, *BEFORE) for one in facts.conditions_in(hook))


def _basic_auth(facts: SourceFacts) -> bool:
    return any(mentions(write.value, "basicAuth") for write in facts.config_writes("flask_profiler", "FLASK_PROFILER"))


# -- on the wire -----------------------------------------------------------------------------------------------------------------


def probe(target: Target) -> Steps[Verdict]:
    """Ask as nobody where such dashboards usually are: the answer must not be the library's own page."""
    nothing = yield from send(target.request_for(Route(f"/{target.canary}-not-there", ("GET",)), "GET"))
    evidence = [Evidence("exchange", "control: what a path that is not there answers", nothing)]
    for path in _doors(target.app):
        answer = yield from attempt(_get(target, path))
        page = bundled(answer.response) if answer is not None else None
        if answer is None or page is None or bundled(nothing.response) == page:
            continue
        shown = yield from _shown(target, page, answer)
        if shown is not None:
            ref = RouteRef("GET", shown.request.target)
            text = f"{ref.path} is a page of {page.name}, and it asks nobody who is calling"
            return failed(text, [ref], [*evidence, Evidence("exchange", text, shown)])
    return passed("no page of a bundled application answers nobody")


def _doors(app: App) -> Iterator[str]:
    known = [one.path for one in app.routes if "GET" in one.methods and not one.parameters]
    named = [path for path in known if ADDRESS.search(path)][:_KNOWN_MOST]
    yield from dict.fromkeys((*named, *DOORS))


def _get(target: Target, path: str) -> Steps[Exchange]:
    return (yield from send(target.request_for(Route(path, ("GET",)), "GET")))


def _shown(target: Target, page: Bundled, first: Exchange) -> Steps[Exchange | None]:
    """The answer that shows what must be guarded: the first page, or one that its menu leads to."""
    if shows_more(page, first.response):
        return first
    for path in menu(first):
        answer = yield from attempt(_get(target, path))
        if answer is not None and bundled(answer.response) == page and shows_more(page, answer.response):
            return answer
    return None


RULE = Rule(
    slug="bundled-app-unprotected",
    family="authorization",
    title="A bundled app has no guard",
    harm=__doc__ or "",
    severity="high",
    check="function-authorization",
    cwe=(306,),
    owasp="API5:2023",
    asvs=("V13.4.5",),
    surfaces=("source", "running", "wsgi", "http"),
    ends="`Stopper(app)` closes the endpoints of other packages until `stopper.cover` gives them a policy.",
    certainty="likely",
    detect=detect,
    probe=probe,
)
