"""``@accepts(fields(…))`` and ``@gives(fields(…))``: members of requests and answers that nobody named do not pass."""

import contextlib
import functools
import inspect
import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from flask import Flask, Request, Response, current_app, request
from werkzeug.exceptions import HTTPException
from werkzeug.local import LocalProxy
from werkzeug.wrappers import Response as WerkzeugResponse

from stopper.auth.field_filter import MAX_NAMES, Fields
from stopper.auth.requirement import Situation
from stopper.auth.strict_json import NotStrictError, read_array, read_object
from stopper.core.errors import PolicyError, SettingError
from stopper.core.principal import Principal
from stopper.extension.current import current_principal

if TYPE_CHECKING:
    from stopper.extension.guard import Guard

View = TypeVar("View", bound=Callable[..., Any])
_request: Final = cast("LocalProxy[Request]", request)
_AROUND: Final = "__stopper_fields_around__"
"""What a view carries round which a filter was put: a route that leads to the view itself leads past the filter."""
_FORMS: Final = ("application/x-www-form-urlencoded", "multipart/form-data")


def accepts(allowed: Fields) -> Callable[[View], View]:
    """The view takes these members in a JSON body or a form, and no other: a request with one more is refused with 422, which names it.

    A member that nobody named and one that this caller may not set are refused alike. A body that is neither JSON nor a form is refused
    with 415. What stands in the URL is not judged.
    """
    _checked("accepts", allowed)

    def decorate(view: View) -> View:
        return _wrapped(view, before=lambda: _judge_request(allowed), after=None)

    return decorate


def gives(allowed: Fields) -> Callable[[View], View]:
    """Of what the view answers as JSON only these members leave, as far as the caller may read them. Errors and other media types stay as they are."""
    _checked("gives", allowed)

    def decorate(view: View) -> View:
        return _wrapped(view, before=None, after=lambda answer: _filtered(allowed, answer))

    return decorate


def _checked(name: str, allowed: object) -> None:
    if not isinstance(allowed, Fields):
        raise PolicyError(f'{name}() takes fields(…), as in {name}(fields("title", "body"))')


def _wrapped(view: View, *, before: Callable[[], None] | None, after: Callable[[object], object] | None) -> View:
    if isinstance(view, type) or not callable(view):
        raise PolicyError("accepts() and gives() decorate a function, or one method of a view class")
    if inspect.iscoroutinefunction(view):

        @functools.wraps(view)
        async def waits(*args: Any, **arguments: Any) -> Any:
            if before is not None:
                before()
            answer = await view(*args, **arguments)
            return answer if after is None else after(answer)

        return _marked(view, cast("View", waits))

    @functools.wraps(view)
    def answers(*args: Any, **arguments: Any) -> Any:
        if before is not None:
            before()
        answer = view(*args, **arguments)
        return answer if after is None else after(answer)

    return _marked(view, cast("View", answers))


def _marked(view: View, wrapper: View) -> View:
    with contextlib.suppress(AttributeError):  # a bound method carries nothing
        setattr(view, _AROUND, True)
    return wrapper


def judge_filters(flask: Flask) -> None:
    """Raises SettingError where a route leads past a filter."""
    for endpoint, view in flask.view_functions.items():
        if getattr(view, _AROUND, False):
            raise SettingError(
                f"the route {endpoint} leads to the view without its accepts() or gives(), since that stands above the route; put it"
                " below the route and the policy"
            )


def _guard() -> "Guard":
    from stopper.extension.guard import guard_of

    return guard_of(cast("LocalProxy[Flask]", current_app)._get_current_object())  # pyright: ignore[reportPrivateUsage]


def _situation() -> Situation | None:
    if not current_principal:
        return None
    principal = cast("LocalProxy[Principal]", current_principal)._get_current_object()  # pyright: ignore[reportPrivateUsage]
    return _guard().situation(principal, _request._get_current_object())  # pyright: ignore[reportPrivateUsage]


# -- requests ---------------------------------------------------------------------------------------------------------------------


def _judge_request(allowed: Fields) -> None:
    asked = _request._get_current_object()  # pyright: ignore[reportPrivateUsage]
    if asked.mimetype in _FORMS:
        names = [*asked.form, *asked.files]
        if not names and (asked.content_length or "HTTP_TRANSFER_ENCODING" in asked.environ):
            raise _refused(400, "The form cannot be read.", ())
        value: object = dict.fromkeys(names, "")  # a form has texts alone, never an object
    else:
        raw = asked.get_data(cache=True, parse_form_data=False)
        if not raw:
            return
        if not asked.is_json:
            raise _refused(415, "The body must be JSON or a form.", ())
        value = _read(raw)
    refused = list(dict.fromkeys(allowed.refused(value, _situation())))
    if refused:
        raise _refused(422, "The body has members that this route does not take.", refused[:MAX_NAMES])


def _read(raw: bytes) -> object:
    try:
        return read_array(raw) if raw.lstrip()[:1] == b"[" else read_object(raw)
    except NotStrictError:
        pass
    raise _refused(400, "The body must be one JSON object, or a list of objects, without repeated members.", ())


def _refused(status: int, detail: str, names: tuple[str, ...] | list[str]) -> HTTPException:
    answers = _guard().answers
    title = {400: "Bad Request", 415: "Unsupported Media Type", 422: "Unprocessable Content"}[status]
    body = json.loads(answers.body("", status, title, detail))
    if names:
        told = [{"field": name, "message": "is not a field of this request"} for name in names]
        body["error" if "error" in body else "errors"] = {**body["error"], "fields": told} if "error" in body else told
    answer = Response(json.dumps(body), status, content_type=answers.content_type)
    answer.headers["Cache-Control"] = "no-store"
    return HTTPException(response=answer)


# -- answers ----------------------------------------------------------------------------------------------------------------------


def _filtered(allowed: Fields, answer: object) -> object:
    said: tuple[object, ...] = cast("Any", answer) if isinstance(answer, tuple) else (answer,)
    body, more = (said[0], said[1:]) if said else (None, ())
    if isinstance(body, WerkzeugResponse):
        return _of_response(allowed, current_app.make_response(cast("Any", answer)))
    if isinstance(body, (str, bytes, bytearray, Iterator)):
        # Text that the view wrote itself is JSON where its headers, or the application's kind of response, say so.
        made = current_app.make_response(cast("Any", answer))
        return _of_response(allowed, made) if made.is_json else answer  # pyright: ignore[reportUnknownVariableType]
    status = next((one for one in more if isinstance(one, int)), 200)
    if body is None or status >= 400:
        return answer  # pyright: ignore[reportUnknownVariableType]
    # As it will be written: an object that a provider turns into members has them now.
    plain = json.loads(current_app.json.dumps(body))
    if not isinstance(plain, (dict, list)):
        return answer  # pyright: ignore[reportUnknownVariableType]
    shown = allowed.shown(cast("object", plain), _situation())
    return (shown, *more) if more else shown


def _of_response(allowed: Fields, response: Response) -> Response:
    if response.status_code >= 400 or not response.is_json:
        return response
    response.direct_passthrough = False  # a file is read here, and not handed on unread
    shown = allowed.shown(json.loads(response.get_data()), _situation())
    response.set_data(current_app.json.dumps(shown))
    return response
