"""The account endpoints: HTTP in, :class:`Accounts` asked, HTTP out."""

import json
from collections.abc import Mapping
from typing import Final

from flask import Response, request

from stopper.auth.account import MAX_EMAIL
from stopper.auth.keyring import JWKS_MAX_AGE
from stopper.auth.password import MAX_BYTES
from stopper.auth.policy import bearer, public
from stopper.core.principal import Principal
from stopper.extension import current_principal
from stopper.extension.proven_key import proven_key
from stopper.extension.proxies import client_address
from stopper.service.accounts import Accounts
from stopper.service.body import Field, read_body
from stopper.service.endpoint import Endpoint, in_person

EMAIL: Final = Field("email", MAX_EMAIL, doc="A mail address.", format="email")
PASSWORD: Final = Field("password", MAX_BYTES, doc="15 characters or more.", format="password", secret=True)
DEVICE: Final = Field(
    "device", 128, required=False, doc="A name of your own for this device; show it again when you refresh."
)
REFRESH_TOKEN: Final = Field("refresh_token", 128, doc="The one from the last token answer.", secret=True)
CURRENT: Final = Field("current_password", MAX_BYTES, format="password", secret=True)
NEW: Final = Field("new_password", MAX_BYTES, doc="15 characters or more.", format="password", secret=True)


class AccountViews:
    """The views over one :class:`Accounts`. *envelope* is ``problem`` or ``status``."""

    def __init__(self, accounts: Accounts, envelope: str) -> None:
        self._accounts = accounts
        self._envelope = envelope

    def endpoints(self) -> tuple[Endpoint, ...]:
        """What is there: registration only where it is open."""
        registration = (
            Endpoint(
                "register", "POST", "/auth/register", "Make an account. Whether the address was known is told by mail only.",
                public, self.register, (EMAIL, PASSWORD), 201, "Nothing", throttled=True,
            ),
        )  # fmt: skip
        return (
            *(registration if self._accounts.open_registration else ()),
            Endpoint(
                "login", "POST", "/auth/login", "Log in with a password.",
                public, self.login, (EMAIL, PASSWORD, DEVICE), 200, "TokenAnswer", throttled=True, binds=True,
            ),
            Endpoint(
                "refresh", "POST", "/auth/refresh", "Trade a refresh token for new tokens. Each is used once.",
                public, self.renew, (REFRESH_TOKEN, DEVICE), 200, "TokenAnswer", throttled=True, binds=True,
            ),
            Endpoint("logout", "POST", "/auth/logout", "End this session.", in_person, self.logout, (), 204),
            Endpoint("me", "GET", "/auth/me", "Who you are.", bearer, self.me, None, 200, "Me"),
            Endpoint(
                "password_change", "POST", "/auth/password/change", "Set another password and end every other session.",
                in_person, self.change_password, (CURRENT, NEW, DEVICE), 200, "TokenAnswer", throttled=True,
            ),
            Endpoint(
                "jwks", "GET", "/.well-known/jwks.json", "The public keys of this issuer.",
                public, self.jwks, None, 200, "Jwks",
            ),
        )  # fmt: skip

    def register(self) -> Response:
        """POST /auth/register"""
        body = read_body(request, (EMAIL, PASSWORD))
        self._accounts.register(body.text("email"), body.secret("password"), client_address(request))
        return self._good(b"{}", 201)

    def login(self) -> Response:
        """POST /auth/login"""
        body = read_body(request, (EMAIL, PASSWORD, DEVICE))
        return self._good(
            self._accounts.login(
                body.text("email"),
                body.secret("password"),
                body.optional("device"),
                client_address(request),
                lambda: proven_key(request),
            )
        )

    def renew(self) -> Response:
        """POST /auth/refresh"""
        body = read_body(request, (REFRESH_TOKEN, DEVICE))
        return self._good(
            self._accounts.renew(
                body.secret("refresh_token"),
                body.optional("device"),
                client_address(request),
                lambda: proven_key(request),
            )
        )

    def logout(self) -> Response:
        """POST /auth/logout"""
        read_body(request, ())
        self._accounts.logout(acting())
        return no_store(Response(status=204))

    def me(self) -> Response:
        """GET /auth/me"""
        return self._good(json.dumps(self._accounts.me(acting())).encode())

    def change_password(self) -> Response:
        """POST /auth/password/change"""
        body = read_body(request, (CURRENT, NEW, DEVICE))
        return self._good(
            self._accounts.change_password(
                acting(),
                body.secret("current_password"),
                body.secret("new_password"),
                client_address(request),
                body.optional("device"),
            )
        )

    def jwks(self) -> Response:
        """GET /.well-known/jwks.json"""
        # A document of its own standard: no envelope around it.
        answer = Response(json.dumps(self._accounts.keyring.jwks()), content_type="application/jwk-set+json")
        answer.headers["Cache-Control"] = f"public, max-age={JWKS_MAX_AGE}"
        return answer

    def _good(self, body: bytes, status: int = 200) -> Response:
        return good(body, status, self._envelope)


def good(body: bytes, status: int, envelope: str) -> Response:
    """A good answer with a JSON *body*, in the envelope, never cached."""
    shown = b'{"status": "success", "message": "OK", "data": ' + body + b"}" if envelope == "status" else body
    return no_store(Response(shown, status, content_type="application/json"))


def no_store(answer: Response) -> Response:
    """*answer*, that nobody may keep."""
    answer.headers["Cache-Control"] = "no-store"
    return answer


def acting() -> Principal:
    """The principal of this request, as a value that may outlive it."""
    # The proxy's own object: what is kept beyond the request must not be a proxy.
    found = current_principal
    return Principal(
        found.subject, found.kind, found.scopes, found.roles, found.claims, found.auth_time, found.amr,
        found.credential_id, found.tenant, found.also,
    )  # fmt: skip


SCHEMAS: Final[Mapping[str, object]] = {
    "Nothing": {"type": "object", "additionalProperties": False},
    "TokenAnswer": {
        "type": "object",
        "required": ["access_token", "refresh_token", "token_type", "expires_in", "scope"],
        "properties": {
            "access_token": {"type": "string"},
            "refresh_token": {"type": "string"},
            "token_type": {"enum": ["Bearer", "DPoP"], "description": "DPoP where the request showed a proof."},
            "expires_in": {"type": "integer", "description": "Seconds."},
            "scope": {"type": "string", "description": "Scopes with spaces between them."},
        },
    },
    "Me": {
        "type": "object",
        "required": ["subject", "email", "kind", "scopes", "roles"],
        "properties": {
            "subject": {"type": "string"},
            "email": {"type": "string", "format": "email"},
            "kind": {"type": "string"},
            "scopes": {"type": "array", "items": {"type": "string"}},
            "roles": {"type": "array", "items": {"type": "string"}},
            "auth_time": {"type": ["integer", "null"]},
            "amr": {"type": "array", "items": {"type": "string"}},
        },
    },
    "Jwks": {
        "type": "object",
        "required": ["keys"],
        "properties": {"keys": {"type": "array", "items": {"type": "object"}}},
    },
}
"""The schemas of good answers, by the names that endpoints use."""
