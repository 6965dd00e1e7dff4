"""The sessions of a person, listed and ended; and the end of one token for whoever holds it (RFC 7009)."""

import json
from collections.abc import Mapping
from typing import Final

from flask import Response, abort, request

from stopper.auth.policy import public
from stopper.extension.proxies import client_address
from stopper.service.account_views import acting, good, no_store
from stopper.service.accounts import Accounts
from stopper.service.body import Field, read_body
from stopper.service.endpoint import Endpoint, in_person
from stopper.service.form import OAuthError, read_form

TOKEN: Final = Field("token", 8192, doc="The access or refresh token to end.", secret=True)
HINT: Final = Field(
    "token_type_hint", 64, required=False, doc="`access_token` or `refresh_token`; both are looked for."
)
CLIENT_ID: Final = Field("client_id", 256, required=False, doc="Of a public client; the holder of a token may end it.")


class SessionViews:
    """The views over one :class:`Accounts`. *envelope* is ``problem`` or ``status``."""

    def __init__(self, accounts: Accounts, envelope: str) -> None:
        self._accounts = accounts
        self._envelope = envelope

    def endpoints(self) -> tuple[Endpoint, ...]:
        """What is there."""
        return (
            Endpoint("sessions", "GET", "/auth/sessions", "Where you are logged in.", in_person, self.list, None, 200, "Sessions"),
            Endpoint("end_other_sessions", "DELETE", "/auth/sessions", "End every session but this one.", in_person, self.end_others, (), 204),
            Endpoint("end_session", "DELETE", "/auth/sessions/{id}", "End one of your sessions.", in_person, self.end, (), 204),
            Endpoint(
                "revoke", "POST", "/oauth/revoke", "End a token (RFC 7009). A token that nobody knows is answered alike.",
                public, self.revoke, (TOKEN, HINT, CLIENT_ID), 200, form=True, throttled=True,
            ),
        )  # fmt: skip

    def list(self) -> Response:
        """GET /auth/sessions"""
        return good(json.dumps({"sessions": self._accounts.sessions(acting())}).encode(), 200, self._envelope)

    def end(self) -> Response:
        """DELETE /auth/sessions/{id}"""
        read_body(request, ())
        if not self._accounts.end_session(acting(), (request.view_args or {})["id"]):
            abort(404)
        return no_store(Response(status=204))

    def end_others(self) -> Response:
        """DELETE /auth/sessions"""
        read_body(request, ())
        self._accounts.end_other_sessions(acting())
        return no_store(Response(status=204))

    def revoke(self) -> Response:
        """POST /oauth/revoke"""
        if request.authorization is not None:
            raise OAuthError("invalid_client", "there are no clients with a secret here; send the token alone", 401)
        sent = read_form(request, (TOKEN, HINT, CLIENT_ID))
        self._accounts.revoke(sent["token"], client_address(request))
        return no_store(Response(status=200))


SCHEMAS: Final[Mapping[str, object]] = {
    "Sessions": {
        "type": "object",
        "required": ["sessions"],
        "properties": {
            "sessions": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["id", "device", "created_at", "last_used_at", "ends_at", "current"],
                    "properties": {
                        "id": {"type": "string"},
                        "device": {"type": ["string", "null"], "description": "The name that was given at log-in."},
                        "created_at": {"type": "integer", "description": "Seconds since 1970."},
                        "last_used_at": {"type": ["integer", "null"], "description": "The last refresh."},
                        "ends_at": {"type": "integer", "description": "When it ends whatever happens."},
                        "current": {"type": "boolean", "description": "Whether you ask from this one."},
                    },
                },
            }
        },
    },
}
"""The schemas of good answers, by the names that endpoints use."""
