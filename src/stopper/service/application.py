"""The auth service: a Flask application built from the guard's own parts."""

import json
import os
import time
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

from flask import Blueprint, Flask, Response

from stopper import __version__
from stopper.auth.policy import public
from stopper.core.errors import StopperError, StoreUnavailableError
from stopper.extension import Stopper
from stopper.service import api_key_views, session_views
from stopper.service.account_views import SCHEMAS, good
from stopper.service.accounts import Accounts
from stopper.service.endpoint import Endpoint, mount
from stopper.service.mounting import answer_refusals, envelope_of, mount_accounts
from stopper.service.openapi import document

READY_SECONDS: Final = 1.0
"""Load balancers and strangers may ask as often as they like: the store is asked this often."""


def create_app(accounts: Accounts, *, mode: str = "prod", show_documentation: bool | None = None) -> Flask:
    """The service over *accounts*. *mode*: ``prod`` or ``dev``. The OpenAPI document is public in ``dev`` unless said otherwise."""
    app = Flask("stopper.service", static_folder=None)
    # Written here, so that a variable meant for an API beside it cannot make the service trust itself twice, or somebody else.
    for name, value in (("STOPPER_MODE", mode), ("STOPPER_ISSUER", ""), ("STOPPER_ISSUERS", ())):
        app.config[name] = value
    if mode == "prod" and not os.environ.get("STOPPER_PUBLIC_URL"):
        # The issuer's address is what clients use: a proof that was made for another host must not pass by naming it.
        parts = urlsplit(accounts.issuer.url)
        if parts.scheme in ("http", "https") and parts.netloc:
            app.config["STOPPER_PUBLIC_URL"] = f"{parts.scheme}://{parts.netloc}"
    stopper = Stopper(
        app,
        issuers=[accounts.issuer],
        revocations=accounts.revocations,
        api_keys=accounts.api_keys,
        store=accounts.store,
        clock=accounts.clock,
    )
    mounted = mount_accounts(app, stopper, accounts)
    envelope = envelope_of(app)
    blueprint = Blueprint("stopper_service", __name__)
    own: tuple[Endpoint, ...] = (
        Endpoint(
            "health", "GET", "/health", "Whether the process answers.", public, _health, answers="State", stored=False
        ),
        Endpoint("ready", "GET", "/ready", "Whether the store answers too.", public, _ready(accounts), answers="State"),
    )
    if show_documentation if show_documentation is not None else mode == "dev":
        own = (*own, _documentation((*mounted, *own), accounts.issuer.url))
    mount(blueprint, own)
    answer_refusals(blueprint, envelope)
    app.register_blueprint(blueprint)
    stopper.seal(app)
    return app


def _health() -> Response:
    return good(b'{"status": "ok"}', 200, "problem")


def _ready(accounts: Accounts, monotonic: Callable[[], float] = time.monotonic) -> Callable[[], Response]:
    known: list[tuple[float, bool]] = []

    def ready() -> Response:
        now = monotonic()
        if not known or now - known[-1][0] > READY_SECONDS:
            known[:] = [(now, _answers(accounts))]
        if not known[-1][1]:
            raise StoreUnavailableError("not-ready")
        return good(b'{"status": "ready"}', 200, "problem")

    return ready


def _answers(accounts: Accounts) -> bool:
    try:
        accounts.store.check()
        accounts.keyring.signing_key()
    except StopperError:
        return False
    return True


def _documentation(described: tuple[Endpoint, ...], url: str) -> Endpoint:
    schemas = {
        **SCHEMAS,
        **session_views.SCHEMAS,
        **api_key_views.SCHEMAS,
        "State": {"type": "object", "properties": {"status": {"type": "string"}}},
    }
    own = Endpoint(
        "openapi", "GET", "/openapi.json", "This document.", public, _health, answers="Document", stored=False
    )
    schemas["Document"] = {"type": "object"}
    body = json.dumps(document((*described, own), schemas, title="Stopper", version=__version__, url=url)).encode()

    def openapi() -> Response:
        return good(body, 200, "problem")

    return Endpoint(own.name, own.method, own.path, own.summary, public, openapi, answers="Document", stored=False)
