"""Which views this module guards: told to ``Stopper(app)``, and told to the developer where something is open by mistake."""

import logging
from collections.abc import Callable
from typing import Any, Final, cast
from weakref import WeakSet

from flask import Flask, Response, request

from stopper.auth.policy import ATTRIBUTE, Policy, public
from stopper.extension.answers import Answers
from stopper.extension.door import carried, shown_methods

_log: Final = logging.getLogger("stopper")
_inner: Final[WeakSet[Callable[..., Any]]] = WeakSet()
"""Views as they were before a guard was put round them. One of them as an endpoint is a guard above its route."""


def guarded(view: Callable[..., Any], inner: Callable[..., Any], text: str, *, optional: bool) -> None:
    """*view* guards *inner* by itself. ``Stopper(app)`` shows *text* as its policy and leaves the judging to it.

    An *optional* guard lets everybody pass, so the policy is ``public``.
    """
    _inner.add(inner)
    present = getattr(view, ATTRIBUTE, None)  # `wraps` has copied it from what is guarded
    if isinstance(present, Policy) and (optional or present.alternatives):
        return  # what is there is at least as strict; a policy with kinds is judged by Stopper's gate besides
    more = f" & {present.text}" if isinstance(present, Policy) and present.text != public.text else ""
    setattr(view, ATTRIBUTE, public if optional else Policy(text + more, ()))


def install(app: Flask) -> None:
    """Watch the routes of *app*."""
    told = False

    def look() -> Response | None:
        nonlocal told
        if not told:
            told = True
            _tell(app)
        view = app.view_functions.get(request.endpoint or "")
        if view is not None and _is_inner(view):
            _log.critical(
                "%s: @jwt_required() stands above the route of %s, so it would never run; put it below. The route answers 503",
                app.name, request.endpoint,
            )  # fmt: skip
            return Answers("problem").closed()
        return None

    app.before_request(look)


def _is_inner(view: Callable[..., Any]) -> bool:
    try:
        return view in _inner
    except TypeError:  # what has no weak reference was never remembered
        return False


def _tell(app: Flask) -> None:
    if "stopper" in app.extensions:
        return  # it refuses what nobody declared, and says so itself
    unguarded = open_routes(app)
    if unguarded:
        _log.warning(
            "%s: %d route(s) have no jwt_required, so everybody may call them: %s. Stopper(app) closes every route that does not say"
            " @public",
            app.name, len(unguarded), ", ".join(unguarded),
        )  # fmt: skip


def open_routes(app: Flask) -> list[str]:
    """``METHOD /path`` of every route whose view carries no guard; a hook that guards them is not seen."""
    found: list[str] = []
    for rule in app.url_map.iter_rules():
        if rule.endpoint == "static" or rule.endpoint.endswith(".static"):
            continue
        view = cast("Callable[..., Any] | None", app.view_functions.get(rule.endpoint))
        found += [f"{method} {rule.rule}" for method in shown_methods(rule) if carried(view, method) is None]
    return sorted(found)
