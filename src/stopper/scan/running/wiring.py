"""Reads how the running application is put together. Nothing is imported for it, and no code of the application is run."""

import dis
import logging
import re
import sys
from collections.abc import Callable, Iterator
from types import CodeType, FunctionType, ModuleType
from typing import Any, Final, TypeVar

from stopper.core.deployment.app_wiring import AdminView, Debugger, Handling, LoudLogger, Mount, Wiring
from stopper.core.place import Span
from stopper.scan.running.held import class_name, comes_from, function_of, held, is_a, items, layers, members

Found = TypeVar("Found")
Where = Callable[[Any], Span | None]
_INNER: Final = ("app", "wsgi_app", "_app", "_wsgi_app", "application", "wrapped", "wrap_app")
"""Under which names a middleware keeps what it wraps."""
_MIDDLEWARE: Final = 10
"""Middleware round one application that is looked through."""
_ANSWERS: Final = ("handle_exception", "handle_user_exception")
_GIVEN: Final = frozenset({"flask", "stopper"})
"""Whose ``handle_exception`` does what Flask's own does."""


def read_wiring(flask: Any, where: Where) -> Wiring:
    """The wiring of *flask*. *where* tells where a function or class stands. A part that cannot be read is left out."""
    chain: tuple[object, ...] = _read(lambda: tuple(_chain(flask)), tuple[object, ...]())
    return Wiring(
        handlers=_read(lambda: tuple(_handlers(flask, where)), ()),
        answers_errors=_read(lambda: _answers_errors(flask), False),
        loggers=_read(lambda: tuple(_loggers()), ()),
        prints_http=_read(_prints_http, False),
        loaded=_read(_loaded, {}),
        mounts=_read(lambda: tuple(_mounts(chain)), ()),
        admin_views=_read(lambda: tuple(_admin_views(flask, where)), ()),
        debugger=_read(lambda: _debugger(chain), None),
        session_used=_read(lambda: _session_used(flask, where), False),
    )


def _read(reading: Callable[[], Found], default: Found) -> Found:
    try:
        return reading()
    except Exception:  # noqa: BLE001 - an object that is odd in a way nobody thought of must not end an audit
        return default


def _handlers(flask: Any, where: Where) -> Iterator[Handling]:
    """``error_handler_spec``: scope → status or None → exception → function."""
    for scope, by_code in items(held(flask, "error_handler_spec")):
        for code, by_kind in items(by_code):
            for kind, function in items(by_kind):
                if is_a(kind, type):
                    name = _dotted(kind).removeprefix("builtins.")
                    plain = function_of(function)
                    yield Handling(
                        str(code) if type(code) is int else name,
                        f"{plain.__module__}.{plain.__qualname__}" if plain is not None else class_name(function),
                        scope if type(scope) is str else "",
                        where(plain) if plain is not None else None,
                        plain is not None and _is_blind(plain.__code__),
                    )


def _is_blind(code: CodeType) -> bool:
    """That the first argument is never read."""
    if not code.co_argcount or code.co_varnames[0] in code.co_cellvars:
        return False
    return not any(
        one.opname.startswith("LOAD_FAST") and code.co_varnames[0] in str(one.argval)
        for one in dis.get_instructions(code)
    )


def _answers_errors(flask: Any) -> bool:
    """That a class derived from Flask has a way of its own, or that a library put one into the object."""
    for name in _ANSWERS:
        if name in _own(flask):
            return True
        for known in type(flask).__mro__:
            if name in vars(known):
                if _dotted(known).partition(".")[0] not in _GIVEN:
                    return True
                break
    return False


def _loggers() -> Iterator[LoudLogger]:
    for name, logger in list(logging.root.manager.loggerDict.items()):
        if type(logger) is not logging.PlaceHolder and is_a(logger, logging.Logger):
            level = held(logger, "level", 0)
            if type(level) is int and level and not held(logger, "disabled") and _writes(logger, level):
                yield LoudLogger(name, level)


def _writes(logger: object, level: int) -> bool:
    """That a record of that level reaches a handler which takes it."""
    current, seen = logger, 0
    while current is not None and seen < 50:
        for handler in members(held(current, "handlers")):
            least = held(handler, "level", 0)
            if type(handler) is not logging.NullHandler and type(least) is int and least <= level:
                return True
        if held(current, "propagate") is False:
            return False
        current, seen = held(current, "parent"), seen + 1
    return False


def _prints_http() -> bool:
    connection = vars(sys.modules["http.client"]).get("HTTPConnection") if "http.client" in sys.modules else None
    level = held(connection, "debuglevel", 0)
    return type(level) is int and level > 0


def _loaded() -> dict[str, str]:
    found: dict[str, str] = {}
    for name, module in list(sys.modules.items()):
        if "." not in name and type(module) is ModuleType:
            version = vars(module).get("__version__")
            found[name] = version if type(version) is str else ""
    return found


def _chain(flask: Any) -> Iterator[object]:
    """The middleware round the application, outermost first."""
    current, seen = _own(flask).get("wsgi_app"), 0
    while current is not None and current is not flask and seen < _MIDDLEWARE:
        if function_of(current) is not None:
            return
        yield current
        current, seen = next((found for name in _INNER if (found := held(current, name)) is not None), None), seen + 1


def _debugger(chain: tuple[object, ...]) -> Debugger | None:
    for layer in chain:
        if comes_from(layer, "werkzeug", "DebuggedApplication"):
            # The pin is a property that works it out when it is first asked for; None stands there where it is switched off.
            return Debugger(held(layer, "evalex") is True, held(layer, "_pin", "") is not None)
    return None


def _mounts(chain: tuple[object, ...]) -> Iterator[Mount]:
    for layer in chain:
        if comes_from(layer, "werkzeug", "DispatcherMiddleware"):
            for prefix, inner in items(held(layer, "mounts")):
                if type(prefix) is str:
                    yield _mount(prefix.rstrip("/"), inner)


def _mount(prefix: str, inner: object) -> Mount:
    owner = held(inner, "__self__") if type(inner).__name__ == "method" else None
    thing = owner if owner is not None else inner
    plain = function_of(inner) if owner is None else None
    kind = f"{plain.__module__}.{plain.__qualname__}" if plain is not None else class_name(thing)
    return Mount(prefix, kind, tuple(_mounted_routes(prefix, thing)) if comes_from(thing, "flask", "Flask") else ())


def _mounted_routes(prefix: str, flask: object) -> Iterator[tuple[str, str]]:
    by_endpoint = items(held(held(flask, "url_map"), "_rules_by_endpoint"))
    for rule in (rule for _, rules in by_endpoint for rule in members(rules)):
        text = held(rule, "rule")
        if type(text) is str and not held(rule, "build_only") and held(rule, "endpoint") != "static":
            path = prefix + re.sub(r"<(?:[^<>:]+:)?([^<>:]+)>", r"{\1}", text)
            for method in sorted(str(one) for one in members(held(rule, "methods"))):
                if method not in ("HEAD", "OPTIONS"):
                    yield method, path


def _admin_views(flask: Any, where: Where) -> Iterator[AdminView]:
    for admin in members(dict(items(held(flask, "extensions"))).get("admin")):
        for view in members(held(admin, "_views")):
            endpoint = held(view, "endpoint")
            if comes_from(view, "flask_admin", "BaseView"):
                kind = class_name(view)
                own = kind.partition(".")[0] != "flask_admin"
                yield AdminView(
                    endpoint if type(endpoint) is str else "",
                    kind,
                    any(_overridden(view, name) for name in ("is_accessible", "_handle_view")),
                    where(type(view)) if own else None,
                )


def _overridden(view: object, name: str) -> bool:
    """That the function of that name is not the library's."""
    function = function_of(held(view, name))
    return function is None or not str(function.__module__).startswith("flask_admin.")


def _session_used(flask: Any, where: Where) -> bool:
    session = vars(sys.modules["flask"]).get("session") if "flask" in sys.modules else None
    if session is None:
        return False
    views = [view for _, view in items(held(flask, "view_functions"))]
    hooks = [
        one
        for table in ("before_request_funcs", "after_request_funcs", "teardown_request_funcs")
        for _, functions in items(held(flask, table))
        for one in members(functions)
    ]
    return any(_uses(layer, session) for one in (*views, *hooks) for layer in layers(one) if where(layer) is not None)


def _uses(function: FunctionType, wanted: object) -> bool:
    """That the code of *function* names a global which is *wanted*."""
    return any(function.__globals__.get(name) is wanted for name in _names(function.__code__))


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for inner in code.co_consts:
        if type(inner) is CodeType:
            yield from _names(inner)


def _own(thing: object) -> dict[str, Any]:
    """What stands in *thing* itself, not in its class."""
    found: dict[str, Any] = object.__getattribute__(thing, "__dict__")
    return found


def _dotted(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"
