"""``/auth/api-keys``: a person's own keys, short-lived tokens from a key, and the end of a key for whoever holds it."""

import hashlib
import json
from collections.abc import Mapping
from typing import Final, cast

from flask import Response, abort, request

from stopper.auth.api_key_form import MAX_FOREIGN
from stopper.auth.api_key_record import ApiKeyRecord, NewApiKey
from stopper.auth.policy import api_key, public
from stopper.auth.requirement import fresh
from stopper.core.errors import SettingError
from stopper.extension.proxies import client_address
from stopper.service.account_views import acting, good, no_store
from stopper.service.accounts import Accounts
from stopper.service.body import BodyError, Field, read_body, read_list
from stopper.service.endpoint import Endpoint, in_person

MOST_KEYS: Final = 100
"""Living keys of one person."""
MOST_REPORTED: Final = 100
_YEAR: Final = 366 * 86_400

NAME: Final = Field("name", 128, doc="What the key is for; you see it in the list.")
SCOPE: Final = Field(
    "scope", 4096, required=False, doc="The scopes, with spaces between them; never more than you have."
)
EXPIRES_IN: Final = Field("expires_in", 2 * _YEAR, required=False, doc="Seconds until it ends.", kind="number")
ADDRESSES: Final = Field(
    "addresses", 64, required=False, doc="The networks from which alone it may be used.", kind="texts"
)
RATE_LIMIT: Final = Field("rate_limit", 128, required=False, doc="How often it may be used, such as `100/minute`.")
OVERLAP: Final = Field(
    "overlap", 30 * 86_400, required=False, doc="Seconds that the old key goes on working.", kind="number"
)
SECONDS: Final = Field("expires_in", 86_400, required=False, doc="Seconds that the token lives.", kind="number")

_recent: Final = in_person & fresh(minutes=30)


class ApiKeyViews:
    """The views over one :class:`Accounts`. *envelope* is ``problem`` or ``status``."""

    def __init__(self, accounts: Accounts, envelope: str, header: str) -> None:
        """*header*: the one in which keys are shown."""
        self._accounts = accounts
        self._envelope = envelope
        self._header = header

    def endpoints(self) -> tuple[Endpoint, ...]:
        """What is there."""
        return (
            Endpoint("api_keys", "GET", "/auth/api-keys", "Your API keys.", in_person, self.list, None, 200, "ApiKeys"),
            Endpoint(
                "make_api_key", "POST", "/auth/api-keys", "Make an API key; it is shown this once. Needs a recent log-in.", _recent, self.make,
                (NAME, SCOPE, EXPIRES_IN, ADDRESSES, RATE_LIMIT), 201, "NewApiKey",
            ),
            Endpoint(
                "rotate_api_key", "POST", "/auth/api-keys/{id}/rotation", "A new key in the place of one; both work for the overlap.", _recent,
                self.rotate, (OVERLAP, EXPIRES_IN), 201, "NewApiKey",
            ),
            Endpoint("end_api_key", "DELETE", "/auth/api-keys/{id}", "End one of your API keys.", in_person, self.end, (), 204),
            Endpoint(
                "api_key_token", "POST", "/auth/api-keys/token", "A short-lived access token from the API key that is shown.", api_key,
                self.token, (SCOPE, SECONDS), 200, "DerivedToken", throttled=True,
            ),
            Endpoint("end_this_api_key", "DELETE", "/auth/api-keys/current", "End the API key that is shown.", api_key, self.end_current, (), 204),
            Endpoint(
                "report_api_keys", "POST", "/auth/api-keys/leaks",
                "End API keys that were found in public. The body is a list of objects with the member `token`, as secret scanners send it.",
                public, self.report, None, 200, "LeakReport", throttled=True,
            ),
        )  # fmt: skip

    def list(self) -> Response:
        """GET /auth/api-keys"""
        found = [_shown(record) for record in self._accounts.api_keys.list(acting().subject)]
        return self._good({"api_keys": found})

    def make(self) -> Response:
        """POST /auth/api-keys"""
        body = read_body(request, (NAME, SCOPE, EXPIRES_IN, ADDRESSES, RATE_LIMIT))
        person = acting()
        scopes = _scopes(body.optional("scope"))
        if not set(scopes) <= person.scopes:
            raise BodyError("names a scope that you do not have", field="scope")
        now, lives = self._accounts.clock(), body.number("expires_in")
        keys = self._accounts.api_keys
        if sum(record.living(now) for record in keys.list(person.subject)) >= MOST_KEYS:
            raise BodyError(f"there are {MOST_KEYS} living keys already; end one first")
        try:
            made = keys.issue(
                person.subject,
                name=body.text("name"),
                scopes=scopes,
                tenant=person.tenant,
                expires_at=None if lives is None else now + lives,
                addresses=body.several("addresses"),
                rate_limit=body.optional("rate_limit"),
            )
        except SettingError as wrong:
            raise BodyError(str(wrong)) from None
        return self._new(made)

    def rotate(self) -> Response:
        """POST /auth/api-keys/{id}/rotation"""
        body = read_body(request, (OVERLAP, EXPIRES_IN))
        record = self._own()
        lives, overlap = body.number("expires_in"), body.number("overlap")
        try:
            made = self._accounts.api_keys.rotate(
                record.id,
                overlap=86_400.0 if overlap is None else float(overlap),
                expires_at=None if lives is None else self._accounts.clock() + lives,
            )
        except SettingError as wrong:
            raise BodyError(str(wrong)) from None
        return self._new(made)

    def end(self) -> Response:
        """DELETE /auth/api-keys/{id}"""
        read_body(request, ())
        if not self._accounts.api_keys.revoke(self._own().id):
            abort(404)
        return no_store(Response(status=204))

    def token(self) -> Response:
        """POST /auth/api-keys/token"""
        address = client_address(request)
        self._accounts.throttle.address(address)
        body = read_body(request, (SCOPE, SECONDS))
        said = body.optional("scope")
        token, scopes, life = self._accounts.api_keys.derive(
            self._key(),
            scopes=None if said is None else _scopes(said),
            life=body.number("expires_in") or 300,
            address=address,
        )
        return self._good(
            {"access_token": token.reveal(), "token_type": "Bearer", "expires_in": life, "scope": " ".join(scopes)}
        )

    def end_current(self) -> Response:
        """DELETE /auth/api-keys/current"""
        read_body(request, ())
        self._accounts.api_keys.revoke_shown(self._key())
        return no_store(Response(status=204))

    def report(self) -> Response:
        """POST /auth/api-keys/leaks"""
        self._accounts.throttle.address(client_address(request))
        said = [_reported(item) for item in read_list(request, MOST_REPORTED)]
        ended = [self._accounts.api_keys.revoke_shown(token, "leak") for token in said]
        labels = [
            {
                "token_hash": hashlib.sha256(token.encode()).hexdigest(),
                "token_type": "stopper_api_key",
                "label": "true_positive" if done else "false_positive",
            }
            for token, done in zip(said, ended, strict=True)
        ]
        return good(json.dumps(labels).encode(), 200, "problem")

    def _own(self) -> ApiKeyRecord:
        wanted = (request.view_args or {})["id"]
        found = [record for record in self._accounts.api_keys.list(acting().subject) if record.id == wanted]
        if not found:
            abort(404)
        return found[0]

    def _key(self) -> str:
        # The guard has verified it: what stands in this header is a key.
        return request.headers[self._header]

    def _new(self, made: NewApiKey) -> Response:
        return self._good({"key": made.key.reveal(), **_shown(made.record)}, 201)

    def _good(self, value: Mapping[str, object], status: int = 200) -> Response:
        return good(json.dumps(value).encode(), status, self._envelope)


def _scopes(said: str | None) -> tuple[str, ...]:
    return tuple(dict.fromkeys((said or "").split()))


def _reported(item: object) -> str:
    token = cast("dict[str, object]", item).get("token") if isinstance(item, dict) else None
    if not isinstance(token, str) or not 0 < len(token) <= MAX_FOREIGN:
        raise BodyError(f"must be a text of 1 to {MAX_FOREIGN} characters", field="token")
    return token


def _shown(record: ApiKeyRecord) -> dict[str, object]:
    def at(when: float | None) -> int | None:
        return None if when is None else int(when)

    return {
        "id": record.id,
        "name": record.name,
        "scope": " ".join(record.scopes),
        "addresses": list(record.addresses),
        "rate_limit": record.rate_limit,
        "created_at": int(record.created_at),
        "last_used_at": at(record.last_used_at),
        "expires_at": at(record.expires_at),
        "revoked_at": at(record.revoked_at),
        "replaced_by": record.replaced_by,
    }


_TIME: Final = {"type": ["integer", "null"], "description": "Seconds since 1970."}
_KEY: Final[dict[str, object]] = {
    "id": {"type": "string"},
    "name": {"type": "string"},
    "scope": {"type": "string"},
    "addresses": {"type": "array", "items": {"type": "string"}},
    "rate_limit": {"type": ["string", "null"]},
    "created_at": {"type": "integer", "description": "Seconds since 1970."},
    "last_used_at": _TIME,
    "expires_at": _TIME,
    "revoked_at": _TIME,
    "replaced_by": {"type": ["string", "null"], "description": "The id of the key that a rotation put in its place."},
}


def _object(properties: Mapping[str, object]) -> dict[str, object]:
    return {"type": "object", "required": list(properties), "properties": dict(properties)}


SCHEMAS: Final[Mapping[str, object]] = {
    "ApiKeys": _object({"api_keys": {"type": "array", "items": _object(_KEY)}}),
    "NewApiKey": _object({"key": {"type": "string", "description": "Shown this once."}, **_KEY}),
    "DerivedToken": _object(
        {
            "access_token": {"type": "string"},
            "token_type": {"type": "string", "const": "Bearer"},
            "expires_in": {"type": "integer"},
            "scope": {"type": "string"},
        }
    ),
    "LeakReport": {
        "type": "array",
        "items": _object(
            {
                "token_hash": {"type": "string", "description": "SHA-256 of what was reported, in hex."},
                "token_type": {"type": "string", "const": "stopper_api_key"},
                "label": {"type": "string", "enum": ["true_positive", "false_positive"]},
            }
        ),
    },
}
"""The schemas of good answers, by the names that endpoints use."""
