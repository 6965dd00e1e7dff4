"""What a client reads when a view fails: the status and its title, never the text of an exception."""

import html
import json
import logging
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final, cast

from flask import Flask
from werkzeug.exceptions import HTTPException, InternalServerError
from werkzeug.http import HTTP_STATUS_CODES
from werkzeug.wrappers import Response as WerkzeugResponse

from stopper.core.errors import RefusalError, StopperError
from stopper.core.redactor import mask
from stopper.extension.answers import Answers

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_LONGEST: Final = 500
_SHORTEST: Final = 6
"""A shorter text of an exception ("id", "3") stands in many an answer by chance."""
_CATCH_ALL: Final = frozenset({Exception, BaseException, HTTPException, InternalServerError})
_DEBUGGER: Final = "werkzeug.debug.preserve_context"
"""What Werkzeug's debugger puts into the environ of each request that it hands on."""
_log: Final = logging.getLogger("stopper")


def install(flask: Flask, answers: Answers, *, allow_details: bool) -> None:
    """Answer every HTTP error and every unhandled exception in one shape. Handlers of the application itself come first.

    Unless *allow_details*, an answer of theirs that shows the text of an exception is replaced: the text of one that was not raised
    for the client, so any but HTTP errors and those for whose own class there is a handler.
    """

    def answer(error: HTTPException) -> WerkzeugResponse:
        found = error.get_response()
        status = error.code or found.status_code
        if error.response is not None or status < 400:
            return found
        detail = _detail(error) if allow_details and status < 500 else None
        _fill(found, answers, status, detail)
        return found

    def refuse(refusal: RefusalError) -> WerkzeugResponse:
        _log.warning("refused inside a view: %s", mask(str(refusal)))
        return answers.refusal(refusal)

    flask.register_error_handler(HTTPException, answer)
    # A view that asks for a secret that has ended, or verifies something itself, is answered like the guard's own refusals.
    flask.register_error_handler(RefusalError, refuse)
    if not allow_details:
        _watch(flask, answers, "handle_user_exception")
        _watch(flask, answers, "handle_exception")


def _detail(error: HTTPException) -> str | None:
    # The class's own text says nothing new; only what the view wrote is worth showing.
    written = error.description
    return mask(written)[:_LONGEST] if written and written != type(error).description else None


def _fill(found: WerkzeugResponse, answers: Answers, status: int, detail: str | None) -> None:
    found.data = answers.body("", status, HTTP_STATUS_CODES.get(status, "Error"), detail)
    found.content_type = answers.content_type


def _watch(flask: Flask, answers: Answers, name: str) -> None:
    handle = cast("Callable[[Exception], Any]", getattr(flask, name))

    def watched(error: Exception) -> Any:
        answer = handle(error)
        if isinstance(error, (HTTPException, StopperError)) or _is_meant_for_clients(flask, error):
            return answer
        response = flask.make_response(answer)
        if not response.is_streamed and _shows(response, error):
            status = response.status_code if response.status_code >= 400 else 500
            _log.error(
                "an error handler put the text of a %s into its answer; it was taken out (exception-text-in-response):"
                " raise an exception of your own for what clients may read, or set STOPPER_ALLOW_ERROR_DETAILS",
                type(error).__name__,
            )
            response.status_code = status
            for name in _headers_with(response, error):
                del response.headers[name]
            _fill(response, answers, status, None)
        return response

    setattr(flask, name, watched)


def _is_meant_for_clients(flask: Flask, error: Exception) -> bool:
    handled = (
        kind
        for spec in flask.error_handler_spec.values()
        for kinds in spec.values()
        for kind in cast("dict[type[Exception], object]", kinds)
    )
    return any(kind not in _CATCH_ALL and kind.__module__ != "builtins" and isinstance(error, kind) for kind in handled)


def _shows(response: WerkzeugResponse, error: Exception) -> bool:
    body = response.get_data(as_text=True)
    return any(text in body for text in _texts(error)) or bool(_headers_with(response, error))


def _headers_with(response: WerkzeugResponse, error: Exception) -> set[str]:
    texts = tuple(_texts(error))
    return {name for name, value in response.headers.items() if any(text in value for text in texts)}


def _texts(error: BaseException) -> Iterator[str]:
    """The texts of an exception and of those that caused it, as HTML and JSON write them too."""
    seen: set[int] = set()
    found: BaseException | None = error
    while found is not None and id(found) not in seen:
        seen.add(id(found))
        said = [str(found), *(arg for arg in found.args if isinstance(arg, str))]
        for text in said:
            if len(text) >= _SHORTEST:
                yield from (text, html.escape(text), json.dumps(text)[1:-1])
        found = found.__cause__ or found.__context__


def refuse_debugger(flask: Flask, answers: Answers) -> None:
    """Answer 503 to every request that came through Werkzeug's debugger: it runs code for whoever finds its page."""
    inner: WSGIApplication = flask.wsgi_app

    def judged(environ: "WSGIEnvironment", start_response: "StartResponse") -> Any:
        if _DEBUGGER in environ:
            _log.critical(
                "Werkzeug's debugger is wrapped round %s in mode prod (debug-enabled): it runs code for strangers; take"
                " DebuggedApplication and use_debugger away, or set STOPPER_MODE=dev on your own machine",
                flask.name,
            )
            return answers.closed()(environ, start_response)
        return inner(environ, start_response)

    flask.wsgi_app = judged  # type: ignore[method-assign]
