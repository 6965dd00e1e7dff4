"""Reads Flask-Limiter off the running application: where it counts, by what, and whom it leaves out."""

from collections.abc import Callable, Iterator
from types import CodeType, FunctionType
from typing import Any

from stopper.core.deployment.app_extensions import CountingKey, RateLimiter
from stopper.core.place import Span
from stopper.scan.running.held import class_name, comes_from, function_of, held, is_a, items, members

Where = Callable[[Any], Span | None]


def read_limiters(flask: Any, where: Where) -> Iterator[RateLimiter]:
    """The limiters that *flask* holds."""
    for limiter in _limiters(flask):
        store = held(limiter, "_storage")
        yield RateLimiter(
            enabled=held(limiter, "enabled") is not False,
            store=class_name(store) if store is not None else "",
            exempt=frozenset(_exempt(flask, limiter)),
            keys=tuple(dict.fromkeys(_keys(limiter, where))),
        )


def _limiters(flask: Any) -> Iterator[Any]:
    for _, thing in items(held(flask, "extensions")):
        for one in (thing, *members(thing)):
            if comes_from(one, "flask_limiter", "Limiter"):
                yield one


def _exempt(flask: Any, limiter: Any) -> Iterator[str]:
    """Endpoints that are exempt themselves or with their blueprint, and have no limit of their own."""
    routes = _names(limiter, "_route_exemptions", "_exempt_routes")
    blueprints = _names(limiter, "_blueprint_exemptions", "_blueprint_exempt")
    limited = _names(held(limiter, "limit_manager"), "_decorated_limits") | _names(limiter, "_route_limits")
    registered = dict(items(held(flask, "blueprints")))
    for endpoint, view in items(held(flask, "view_functions")):
        function, scope = function_of(view), str(endpoint).rpartition(".")[0]
        if function is None:
            continue
        names = _registered_as(function)
        own = held(registered.get(scope), "name")
        if not names & limited and (names & routes or (own in blueprints and scope != "")):
            yield str(endpoint)


def _registered_as(function: FunctionType) -> set[str]:
    """The names under which releases of the library keep a view."""
    module, name, whole = function.__module__, function.__name__, function.__qualname__
    return {f"{module}.{name}", f"{module}.{whole}", f"{module}.{name}.{whole}"}


def _names(thing: object, *attributes: str) -> set[str]:
    return {one for name in attributes for one in members(held(thing, name)) if type(one) is str}


def _keys(limiter: Any, where: Where) -> Iterator[CountingKey]:
    shown = [held(limiter, "_key_func")]
    for _, limits in items(held(held(limiter, "limit_manager"), "_decorated_limits")):
        shown += [held(one, "key_function") for one in members(held(limits, "items") or limits)]
    for key in shown:
        function = function_of(key)
        if function is not None:
            code = function.__code__
            yield CountingKey(
                f"{function.__module__}.{function.__qualname__}",
                frozenset(_constants(code)),
                frozenset(_words(code)),
                where(function),
            )


def _constants(code: CodeType) -> Iterator[str]:
    for one in code.co_consts:
        if type(one) is str:
            yield one
        elif type(one) is CodeType:
            yield from _constants(one)
        elif is_a(one, tuple, frozenset):
            yield from (part for part in members(one) if type(part) is str)


def _words(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for one in code.co_consts:
        if type(one) is CodeType:
            yield from _words(one)
