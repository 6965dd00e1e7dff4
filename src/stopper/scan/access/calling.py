"""Sends traced requests: over WSGI as a whole, or from one layer downwards in a request context of their own."""

import contextlib
import threading
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast
from urllib.parse import unquote

from stopper.core.app import Route
from stopper.core.exchange import Request
from stopper.scan.access.layers import Way, decorators_of, handler_of
from stopper.scan.surface.honest import HonestRequests
from stopper.scan.wire.wsgi import environment

GARBAGE: Final = (
    ("Authorization", "Bearer stopper-garbage"),
    ("X-API-Key", "stopper-garbage"),
)
"""Credentials that nobody has."""


@dataclass(frozen=True, slots=True)
class Door:
    """One method of one URL rule of the running application."""

    rule: Any
    method: str
    route: Route
    arguments: dict[str, Any]
    """The path's parameters as the view gets them."""


def door_of(flask: Any, rule: Any, method: str, route: Route, honest: HonestRequests) -> Door:
    """The door with plausible arguments."""
    kinds = dict(route.parameters)
    arguments: dict[str, Any] = dict(rule.defaults or {})
    for name in rule.arguments:
        if name not in arguments:
            raw = unquote(honest.path(_one_parameter(name, kinds.get(name, ""))))
            arguments[name] = _converted(rule._converters.get(name), raw)
    return Door(rule, method, route, arguments)


def _one_parameter(name: str, kind: str) -> Route:
    return Route(f"{{{name}}}", ("GET",), parameters=((name, kind),))


def _converted(converter: Any, raw: str) -> Any:
    for text in (raw, "1", "a", "abc", "00000000-0000-0000-0000-000000000001", "0" * 24):
        try:
            return converter.to_python(text)
        except Exception:  # noqa: BLE001 - a converter of the application may refuse in any way
            continue
    return raw


class Calls:
    """Calls of one application. While one runs, the URL that matches is the door that was asked for."""

    def __init__(self, flask: Any, base_url: str, honest: HonestRequests) -> None:
        self._flask = flask
        self._base = base_url
        self._honest = honest

    def whole(
        self, door: Door, shown: Sequence[tuple[str, str]], without: Sequence[Any], scheme: str
    ) -> Callable[[], tuple[int, str]]:
        """A call of the application as a server makes it. The hooks of *without* do not run."""
        environ = self.environ(door, shown, scheme)

        def call() -> tuple[int, str]:
            with self._arranged(door, without):
                return _answer(self._flask, environ)

        return call

    def environ(self, door: Door, shown: Sequence[tuple[str, str]], scheme: str) -> dict[str, Any]:
        """The WSGI environment of an honest request that shows these headers."""
        request: Request = self._honest(door.route, door.method).with_headers(*shown)
        try:
            built = door.rule.build(door.arguments)
        except Exception:  # noqa: BLE001 - a converter of the application may do anything; the door is matched by force
            built = None
        if built is not None:
            target = built[1] + (f"?{request.target.partition('?')[2]}" if "?" in request.target else "")
            request = Request(request.method, target, request.headers, request.body, request.effect)
        return environment(request, f"{scheme}://{self._base}")

    def below(
        self, door: Door, way: Way, index: int, shown: Sequence[tuple[str, str]], without: Sequence[Any], scheme: str
    ) -> Callable[[], tuple[int, str]] | None:
        """A call that begins below the wrapper at *index*, after the hooks; None where that cannot be called alone."""
        environ = self.environ(door, shown, scheme)
        begin = _start_below(way, index, door.method)
        if begin is None:
            return None

        def call() -> tuple[int, str]:
            with self._arranged(door, without), self._flask.request_context(environ):
                said = self._flask.preprocess_request()
                if said is None:
                    said = self._run(begin, door.arguments)
                return _status_of(self._flask, said)

        return call

    def _run(self, begin: Callable[..., Any], arguments: dict[str, Any]) -> Any:
        try:
            return self._flask.ensure_sync(begin)(**arguments)
        except Exception as wrong:  # noqa: BLE001 - refusals are exceptions, and error handlers turn them into answers
            return self._flask.handle_user_exception(wrong)

    @contextlib.contextmanager
    def _arranged(self, door: Door, without: Sequence[Any]) -> Generator[None]:
        """The URL map answers with the door, and some hooks are away, in this thread's call alone."""
        flask = self._flask
        genuine, owner = flask.create_url_adapter, threading.current_thread()

        def adapter(request: Any) -> Any:
            made = genuine(request)
            return (
                made
                if request is None or made is None or threading.current_thread() is not owner
                else _Forced(made, door)
            )

        kept: list[tuple[list[Any], list[Any]]] = []
        for table in (flask.before_request_funcs, flask.url_value_preprocessors):
            for hooks in cast("dict[str | None, list[Any]]", table).values():
                if any(hook in without for hook in hooks):
                    kept.append((hooks, list(hooks)))
                    hooks[:] = [hook for hook in hooks if hook not in without]
        flask.create_url_adapter = adapter
        try:
            yield
        finally:
            del flask.create_url_adapter
            for hooks, whole in kept:
                hooks[:] = whole


class _Forced:
    """A URL adapter that matches one rule whatever the address."""

    def __init__(self, genuine: Any, door: Door) -> None:
        self._genuine = genuine
        self._door = door

    def match(self, *given: Any, return_rule: bool = False, **named: Any) -> tuple[Any, dict[str, Any]]:
        """The rule of the door."""
        return (self._door.rule if return_rule else self._door.rule.endpoint), dict(self._door.arguments)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._genuine, name)


def _answer(flask: Any, environ: dict[str, Any]) -> tuple[int, str]:
    told: list[tuple[int, str]] = []

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: object = None) -> Callable[[bytes], None]:
        location = next((value for name, value in headers if name.lower() == "location"), "")
        told.append((int(status.split(" ", 1)[0]), location))
        return lambda _: None

    answer = flask(environ, start_response)
    try:
        if not told:  # an application may start its answer with the first piece
            next(iter(answer), b"")
    finally:
        close = getattr(answer, "close", None)
        if close is not None:
            close()
    return told[-1] if told else (0, "")


def _status_of(flask: Any, said: Any) -> tuple[int, str]:
    response = flask.make_response(said if said is not None else "")
    return int(response.status_code), str(response.headers.get("Location", ""))


def _start_below(way: Way, index: int, method: str) -> Callable[..., Any] | None:
    layer = way.wrappers[index]
    if way.view_class is None:
        return cast("Callable[..., Any] | None", layer.below)
    instance = _instance(way)
    if instance is None:
        return None
    if layer.kind == "class-decorator":
        begin = getattr(instance, method.lower(), None) or getattr(instance, "get", None)
        if layer.codes and layer.codes[0] is getattr(
            getattr(way.view_class, "dispatch_request", None), "__code__", None
        ):
            for decorator in decorators_of(way.view_class, method):
                begin = decorator(begin)
        return cast("Callable[..., Any] | None", begin)
    below = layer.below
    if below is None:
        return None
    handler = handler_of(way.view_class, method)
    inside_handler = handler is not None and any(one.kind == "class-decorator" for one in way.wrappers[:index])
    return cast(
        "Callable[..., Any]", below.__get__(instance) if inside_handler and hasattr(below, "__get__") else below
    )


def _instance(way: Way) -> Any:
    """An object of the view class, made as Flask makes it."""
    code, closure = getattr(way.view, "__code__", None), getattr(way.view, "__closure__", None)
    cells = dict(zip(code.co_freevars, closure or (), strict=False)) if code is not None else {}
    try:
        args = cells["class_args"].cell_contents if "class_args" in cells else ()
        kwargs = cells["class_kwargs"].cell_contents if "class_kwargs" in cells else {}
        return way.view_class(*args, **kwargs)
    except Exception:  # noqa: BLE001 - a constructor of the application may do anything
        return None
