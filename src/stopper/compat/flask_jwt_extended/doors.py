"""Which views this module guards: told to ``Stopper(app)``, and seen to where decorators stand in the wrong order."""

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any, Final, cast
from weakref import WeakSet

from flask import Flask, Response, current_app, request

from stopper.auth.policy import ATTRIBUTE, Policy, public
from stopper.compat.flask_jwt_extended import remembered
from stopper.extension.answers import Answers
from stopper.extension.door import carried, shown_methods

Guard = Callable[[], object]
View = Callable[..., Any]
_GUARDS: Final = "__stopper_jwt_guards__"
"""Where a view carries its guards. `functools.wraps` copies it, so a decorator on top does not lose it."""
_log: Final = logging.getLogger("stopper")
_inner: Final[WeakSet[View]] = WeakSet()
"""Views as they were before a guard was put round them. One of them as an endpoint is a guard above its route."""
_decorators: Final[WeakSet[View]] = WeakSet()
"""What `@jwt_required()` gives: the ``method_decorators`` of Flask-RESTful hold it and nothing else shows it."""
_outer: Final[WeakSet[View]] = WeakSet()
"""Views that begin with a guard, or that are seen to."""


def guarded(view: View, inner: View, guard: Guard, text: str, *, optional: bool) -> None:
    """*view* is *inner* behind *guard*. ``Stopper(app)`` shows *text* as its policy and leaves the judging to the guard.

    An *optional* guard lets everybody pass, so the policy is ``public``.
    """
    _inner.add(inner)
    _outer.add(view)
    if not optional:
        setattr(view, _GUARDS, (guard, *getattr(view, _GUARDS, ())))
    present = getattr(view, ATTRIBUTE, None)  # `wraps` has copied it from what is guarded
    if isinstance(present, Policy) and (optional or present.alternatives):
        return  # what is there is at least as strict; a policy with kinds is judged by Stopper's gate besides
    more = f" & {present.text}" if isinstance(present, Policy) and present.text != public.text else ""
    setattr(view, ATTRIBUTE, public if optional else Policy(text + more, ()))


def made(decorator: View) -> None:
    """*decorator* guards whatever it decorates."""
    _decorators.add(decorator)


def install(app: Flask) -> None:
    """Watch the routes of *app*."""
    told = False

    def look() -> Response | None:
        nonlocal told
        if not told:
            told = True
            _tell(app)
        endpoint = request.endpoint or ""
        view = cast("View | None", app.view_functions.get(endpoint))
        if view is None:
            return None
        if _is_in(_inner, view) and not _is_in(_outer, view):
            _log.critical(
                "%s: @jwt_required() stands above the route of %s, so it would never run; put it below. The route answers 503",
                app.name, endpoint,
            )  # fmt: skip
            return Answers("problem").closed()
        if not _is_in(_outer, view) and _guards_of(view, request.method):
            app.view_functions[endpoint] = _seen_to(view)
        return None

    app.before_request(look)
    app.after_request(_keep_out_of_caches)


def _keep_out_of_caches(answer: Response) -> Response:
    """Whoever kept an answer with a token would hand it to the next person."""
    if remembered.has_made() and "no-store" not in answer.headers.get("Cache-Control", ""):
        answer.headers["Cache-Control"] = "no-store"
    return answer


def _seen_to(view: View) -> View:
    """*view*, whose guard stands below another decorator or inside a class: what it answers without the guard is judged late.

    A cache above the guard, for one, would hand out its copy to anybody.
    """

    @wraps(view)
    def judged(*args: Any, **kwargs: Any) -> Any:
        answer = current_app.make_response(current_app.ensure_sync(view)(*args, **kwargs))
        if answer.status_code < 300 and request.method != "OPTIONS":
            for guard in _guards_of(view, request.method):
                if not remembered.has_run(guard):
                    guard()
        return answer

    _outer.add(judged)
    return judged


def _guards_of(view: View, method: str) -> tuple[Guard, ...]:
    view_class = getattr(view, "view_class", None)
    names = (method.lower(), "get") if method == "HEAD" else (method.lower(),)
    handler = next((found for name in names if (found := getattr(view_class, name, None)) is not None), None)
    return tuple(dict.fromkeys(guard for one in (view, handler) for guard in getattr(one, _GUARDS, ())))


def _is_in(views: "WeakSet[View]", view: View) -> bool:
    try:
        return view in views
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
        view = cast("View | None", app.view_functions.get(rule.endpoint))
        found += [f"{method} {rule.rule}" for method in shown_methods(rule) if _is_open(view, method)]
    return sorted(set(found))


def _is_open(view: View | None, method: str) -> bool:
    listed: Any = getattr(getattr(view, "view_class", None), "method_decorators", ())
    mine = cast("dict[str, Any]", listed).get(method.lower(), ()) if isinstance(listed, dict) else listed
    return carried(view, method) is None and not any(_is_in(_decorators, one) for one in mine)
