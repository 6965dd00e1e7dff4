"""Form bodies of OAuth endpoints, read strictly; what is wrong is told as RFC 6749 §5.2 wants it."""

import json
from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl

from flask import Request, Response

from stopper.core.errors import StopperError
from stopper.core.secret import Secret
from stopper.service.body import BodyError, Field, read_raw

MOST_FIELDS: Final = 32


class OAuthError(StopperError):
    """A request that an OAuth endpoint does not take. ``error`` is the code of RFC 6749 §5.2."""

    code = "oauth"

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(description)
        self.error = error
        self.description = description
        self.status = status


def read_form(request: Request, fields: tuple[Field, ...]) -> Mapping[str, Secret]:
    """The fields that were sent, each once; others are passed over (RFC 6749 §3.2). Raises OAuthError."""
    if request.mimetype != "application/x-www-form-urlencoded":
        raise OAuthError("invalid_request", "the body must be application/x-www-form-urlencoded", 415)
    if request.query_string:
        raise OAuthError("invalid_request", "nothing may stand in the address: addresses are logged")
    try:
        sent = parse_qsl(read_raw(request).decode("ascii"), keep_blank_values=True, strict_parsing=True,
                         encoding="utf-8", errors="strict", max_num_fields=MOST_FIELDS)  # fmt: skip
    except BodyError as wrong:
        raise OAuthError("invalid_request", wrong.message, wrong.status) from None
    except ValueError:
        raise OAuthError("invalid_request", "the body is not a form") from None
    found: dict[str, Secret] = {}
    for field in fields:
        values = [value for name, value in sent if name == field.name]
        if len(values) > 1:
            raise OAuthError("invalid_request", f"{field.name} is sent twice")
        if any(len(value) > field.longest for value in values):
            raise OAuthError("invalid_request", f"{field.name} is too long")
        if field.required and not any(values):
            raise OAuthError("invalid_request", f"{field.name} is missing")
        if values:
            found[field.name] = Secret(values[0])
    return found


def oauth_refusal(error: OAuthError) -> Response:
    """The answer to an OAuthError: whatever envelope the service has, OAuth clients know this one."""
    answer = Response(
        json.dumps({"error": error.error, "error_description": error.description}),
        error.status,
        content_type="application/json",
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer
