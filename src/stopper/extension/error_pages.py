"""What a client reads when a view fails: the status and its title, never the text of an exception."""

from typing import Final

from flask import Flask
from werkzeug.exceptions import HTTPException
from werkzeug.http import HTTP_STATUS_CODES
from werkzeug.wrappers import Response as WerkzeugResponse

from stopper.core.redactor import mask
from stopper.extension.answers import Answers

_LONGEST: Final = 500


def install(flask: Flask, answers: Answers, *, allow_details: bool) -> None:
    """Answer every HTTP error and every unhandled exception in one shape. Handlers of the application itself come first."""

    def answer(error: HTTPException) -> WerkzeugResponse:
        found = error.get_response()
        status = error.code or found.status_code
        if error.response is not None or status < 400:
            return found
        title = HTTP_STATUS_CODES.get(status, "Error")
        detail = _detail(error) if allow_details and status < 500 else None
        found.data = answers.body("", status, title, detail)
        found.content_type = answers.content_type
        return found

    flask.register_error_handler(HTTPException, answer)


def _detail(error: HTTPException) -> str | None:
    # The class's own text says nothing new; only what the view wrote is worth showing.
    written = error.description
    return mask(written)[:_LONGEST] if written and written != type(error).description else None
