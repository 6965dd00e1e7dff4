"""What a client reads when a service behind this one fails: 502 or 504, and nothing of the call. The log has the rest, masked."""

import logging
from typing import Final

from flask import Flask, Response
from werkzeug.http import HTTP_STATUS_CODES

from stopper.core.redactor import mask
from stopper.extension.answers import Answers
from stopper.outbound.errors import OutboundError, WebhookRefusedError

_log: Final = logging.getLogger("stopper.outbound")


def install(flask: Flask, answers: Answers | None = None) -> None:
    """Answer calls that failed and webhooks that do not hold. ``Stopper(app)`` does it; without the guard call it yourself.

    Handlers of the application itself come first where they are registered for a closer class.
    """
    made = answers or Answers("problem")

    def upstream(error: OutboundError) -> Response:
        _log.warning("%s (%s)", mask(str(error)), error.reason)
        return _answer(made, error.code if error.status == 504 else "outbound", error.status)

    def webhook(error: WebhookRefusedError) -> Response:
        _log.warning("webhook refused (%s)", error.reason)
        return _answer(made, error.code, error.status)

    flask.register_error_handler(OutboundError, upstream)
    flask.register_error_handler(WebhookRefusedError, webhook)


def _answer(answers: Answers, code: str, status: int) -> Response:
    body = answers.body(code, status, HTTP_STATUS_CODES[status], None)
    return Response(body, status, headers={"Cache-Control": "no-store"}, content_type=answers.content_type)
