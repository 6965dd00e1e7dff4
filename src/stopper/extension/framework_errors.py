"""Flask-RESTful and Flask-RESTX answer errors themselves, before Flask does. What they would say goes through the guard's answers."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, Final, cast

from flask import Flask
from werkzeug.exceptions import HTTPException

_LIBRARIES: Final = frozenset({"flask_restful", "flask_restx"})
_DONE: Final = "_stopper_hands_errors_on"


def install(flask: Flask, *, allow_details: bool) -> None:
    """Hand errors on to Flask's handlers from every such library on *flask*; more than once does no harm.

    Handlers that the application registered with the library stay, and so do errors that bring a whole response. With
    *allow_details* the library's answers below 500 stay too.
    """
    for name in ("handle_exception", "handle_user_exception"):
        for api in _found(getattr(flask, name)):
            if not hasattr(api, _DONE):
                api.handle_error = _judged(api, api.handle_error, allow_details=allow_details)
                setattr(api, _DONE, True)


def _found(handler: object) -> Iterator[Any]:
    # The libraries put partial(api.error_router, what_was_there) in place of Flask's handler.
    while isinstance(handler, partial):
        call = cast("partial[object]", handler)
        owner = getattr(call.func, "__self__", None)
        if any(kind.__module__.partition(".")[0] in _LIBRARIES for kind in type(owner).__mro__):
            yield owner
        handler = call.args[0] if call.args else None


def _judged(api: Any, handle: Callable[[Exception], Any], *, allow_details: bool) -> Callable[[Exception], Any]:
    def handle_error(error: Exception) -> Any:
        if _is_answered_by_the_application(api, error) or (
            isinstance(error, HTTPException)
            and (error.response is not None or (allow_details and (error.code or 500) < 500))
        ):
            return handle(error)
        raise error  # the library asks Flask's own handler then, where the guard's answers are

    return handle_error


def _is_answered_by_the_application(api: Any, error: Exception) -> bool:
    handlers = getattr(api, "_own_and_child_error_handlers", None) or getattr(api, "error_handlers", None)
    kinds: list[type[Exception]] = list(cast("Mapping[type[Exception], object]", handlers or {}))
    # RESTX brings handlers of its own for what its parsers and masks raise.
    own = [kind for kind in kinds if kind.__module__.partition(".")[0] not in _LIBRARIES]
    named = getattr(api, "errors", None)
    return isinstance(error, tuple(own)) or (isinstance(named, Mapping) and type(error).__name__ in named)
