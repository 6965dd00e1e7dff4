"""Joins what the readers know of one application into one model."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from stopper.core.app import Access, App, Reader, Route, Spec
from stopper.core.deployment.app_extensions import Extensions
from stopper.core.secret import Secret

_SPEC: Final[frozenset[Reader]] = frozenset({"spec"})
_PARAMETER: Final = re.compile(r"\{[^{}]*\}")


def shape(path: str) -> str:
    """The path with its parameters' names left out, so that two readers who name them differently still mean one route."""
    return re.sub(r"/{2,}", "/", _PARAMETER.sub("{}", path))


def template_pattern(path: str, kinds: Mapping[str, str]) -> re.Pattern[str]:
    """A pattern for the raw paths of a template."""
    parts = re.split(r"\{([^{}]+)\}", path)
    built = [
        re.escape(part) if index % 2 == 0 else (".+" if kinds.get(part) == "path" else "[^/]+")
        for index, part in enumerate(parts)
    ]
    return re.compile("".join(built))


def merged(*apps: App) -> App:
    """One App of many. Routes join by path shape and a shared method; the earlier app's names win, its gaps are filled."""
    whole = apps[0]
    for other in apps[1:]:
        whole = _joined(whole, other)
    return whole


def with_spec(app: App, spec: Spec, routes: tuple[Route, ...]) -> App:
    """*app* with what its OpenAPI document says."""
    return _joined(app, App(app.root, app.name, routes, spec=spec, readers=frozenset({"spec"})))


def with_given_spec(app: App, spec: Spec, routes: tuple[Route, ...]) -> App:
    """*app* with the document that the user named: what another one, found beside the code, said of it is forgotten."""
    return with_spec(_without_spec(app) if app.spec is not None else app, spec, routes)


def _without_spec(app: App) -> App:
    routes = tuple(
        replace(
            route,
            readers=route.readers - _SPEC,
            request_schema=None,
            spec_security=None,
            spec_scopes={},
            spec_says={},
            spec_replies={},
        )
        for route in app.routes
        if not _spec_only(route)
    )
    return replace(app, routes=routes, spec=None, readers=app.readers - _SPEC)


def as_it_runs(app: App) -> App:
    """*app* with the routes and methods that the running application has, and no others: what the source alone speaks of is not
    registered here."""
    return replace(app, routes=tuple(route for route in app.routes if "running" in route.readers))


def with_keys(app: App, keys: Mapping[str, Secret]) -> App:
    """*app* with more signing secrets."""
    return replace(app, keys={**keys, **app.keys})


class _Known:
    """The routes that there are, found by the shape of their path and by their view: a document may have thousands."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self.routes: list[Route] = []
        self._by_shape: dict[str, list[int]] = {}
        self._by_view: dict[str | None, set[int]] = {}
        for route in routes:
            self._append(route)

    def _append(self, route: Route) -> None:
        self._by_shape.setdefault(shape(route.path), []).append(len(self.routes))
        self._by_view.setdefault(route.view, set()).add(len(self.routes))
        self.routes.append(route)

    def add(self, route: Route) -> None:
        """One more route: joined to the first that is the same, else a new one."""
        alike = self._by_shape.get(shape(route.path), ())
        place = next((index for index in alike if _one(self.routes[index], route)), None)
        if place is None and route.view:
            seen = sorted(self._by_view.get(route.view, ()))
            place = next((index for index in seen if _same_view(self.routes[index], route)), None)
        if place is None:
            self._append(route)
            return
        known, rest = _split(self.routes[place], route)
        self.routes[place] = filled = _filled(known, route)
        self._by_view.setdefault(filled.view, set()).add(place)
        for one in rest:
            self._append(one)


def _joined(first: App, second: App) -> App:
    known = _Known(first.routes)
    for route in second.routes:
        known.add(route)
    return App(
        root=first.root,
        name=first.name if first.name != "app" else second.name,
        routes=tuple(known.routes),
        source=first.source or second.source,
        config={**second.config, **first.config},
        spec=first.spec or second.spec,
        dependencies={**second.dependencies, **first.dependencies},
        keys={**second.keys, **first.keys},
        readers=first.readers | second.readers,
        extensions=second.extensions if first.extensions == Extensions() else first.extensions,
        wiring=first.wiring or second.wiring,
    )


def _split(known: Route, route: Route) -> tuple[Route, tuple[Route, ...]]:
    """*known* cut to the methods that a document speaks of in one breath, and the rest: it may ask something else of each method."""
    spoken = _verbs(route)
    if not _spec_only(route) or _spec_only(known) or not spoken & _verbs(known) or _verbs(known) <= spoken:
        return known, ()
    extra = {"HEAD", "OPTIONS"} if "GET" in spoken else {"OPTIONS"}
    mine = tuple(method for method in known.methods if method in spoken | extra)
    rest = tuple(method for method in known.methods if method not in mine)
    return _cut(known, mine), (_cut(known, rest),)


def _cut(route: Route, methods: tuple[str, ...]) -> Route:
    access = {method: found for method, found in route.access.items() if method in methods}
    return replace(route, methods=methods, access=access)


def _one(first: Route, second: Route) -> bool:
    """That two routes whose paths have one shape are the same."""
    if _spec_only(second) and not _spec_only(first):
        return bool(_verbs(first) & _verbs(second))
    if first.endpoint and second.endpoint and first.endpoint != second.endpoint and first.view != second.view:
        return bool(_verbs(first) & _verbs(second))
    return True


def _same_view(running: Route, source: Route) -> bool:
    """The source may not see under which prefix a view was registered; the running application does."""
    return (
        bool(source.view)
        and "running" in running.readers
        and "source" in source.readers
        and running.view == source.view
        and shape(running.path).endswith(shape(source.path))
        and bool(_verbs(running) & _verbs(source))
    )


def _spec_only(route: Route) -> bool:
    """Whether nothing but a document speaks of the route."""
    return route.readers == _SPEC


def _verbs(route: Route) -> set[str]:
    return set(route.methods) - {"HEAD", "OPTIONS"}


def _filled(first: Route, second: Route) -> Route:
    """*first* with its gaps filled from *second*. Nobody adds a method to a route that is seen running, a spec alone to none."""
    if (_spec_only(second) and not _spec_only(first)) or "running" in first.readers:
        methods = first.methods
    else:
        methods = tuple(sorted({*first.methods, *second.methods}))
    # A decorator that does not say whom it wraps hides the view from the running reader; the source sees it as it stands.
    view = second if "source" in second.readers and "source" not in first.readers else first
    return replace(
        first,
        methods=methods,
        endpoint=first.endpoint or second.endpoint,
        view=view.view or first.view or second.view,
        blueprint=first.blueprint or second.blueprint,
        span=view.span or first.span or second.span,
        parameters=first.parameters or second.parameters,
        access={
            method: _better(first.access.get(method), second.access.get(method))
            for method in methods
            if method in first.access or method in second.access or "running" not in first.readers
        },
        readers=first.readers | second.readers,
        fields=tuple(dict.fromkeys((*first.fields, *second.fields))),
        optional=tuple(dict.fromkeys((*first.optional, *second.optional))),
        request_schema=first.request_schema or second.request_schema,
        takes_form=first.takes_form or second.takes_form,
        spec_security=first.spec_security if first.spec_security is not None else second.spec_security,
        spec_scopes={**second.spec_scopes, **first.spec_scopes},
        spec_says={**second.spec_says, **first.spec_says},
        spec_replies={**second.spec_replies, **first.spec_replies},
    )


def _better(first: Access | None, second: Access | None) -> Access:
    """The access of the reader who knows: a known state before an unknown one, the first reader's before the second's."""
    known = [access for access in (first, second) if access is not None]
    if not known:
        return Access("unknown", basis="unknown")
    best = next((access for access in known if access.state != "unknown"), known[0])
    guards = tuple(dict.fromkeys(guard for access in known for guard in access.guards))
    return Access(best.state, guards, best.how, best.basis if best.state != "unknown" else "unknown")
