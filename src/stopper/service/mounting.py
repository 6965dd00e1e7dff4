"""Gives any guarded Flask application the account endpoints."""

import os
from collections.abc import Callable

from flask import Blueprint, Flask

from stopper.core.errors import RefusalError, SettingError
from stopper.core.settings import Settings
from stopper.extension import Stopper
from stopper.extension import settings as guard_settings
from stopper.extension.answers import Answers
from stopper.extension.guard import guard_of
from stopper.service import body
from stopper.service.account_views import AccountViews
from stopper.service.accounts import Accounts
from stopper.service.api_key_views import ApiKeyViews
from stopper.service.body import BodyError
from stopper.service.endpoint import Endpoint, mount
from stopper.service.form import OAuthError, oauth_refusal
from stopper.service.session_views import SessionViews
from stopper.service.sweeping import Sweeper


def mount_accounts(app: Flask, stopper: Stopper, accounts: Accounts) -> tuple[Endpoint, ...]:
    """Add ``/auth/*`` and ``/.well-known/jwks.json`` to *app*; returns what was mounted.

    *stopper* must guard *app* with ``issuers=[accounts.issuer]`` and ``revocations=accounts.revocations``. Raises
    SettingError where it does not: tokens would be refused, or a log-out would end nothing. ``/auth/api-keys`` is there when it
    has ``api_keys=accounts.api_keys`` too.
    """
    if guard_of(app).parts.revocations is not accounts.revocations:
        raise SettingError(
            "the guard does not follow the revocations of these accounts, so a log-out would end nothing;"
            " make it with Stopper(app, issuers=[accounts.issuer], revocations=accounts.revocations)"
        )
    envelope = envelope_of(app)
    blueprint = Blueprint("stopper_accounts", __name__)
    endpoints = (*AccountViews(accounts, envelope).endpoints(), *SessionViews(accounts, envelope).endpoints())
    if guard_of(app).parts.api_keys is accounts.api_keys:
        endpoints = (*endpoints, *ApiKeyViews(accounts, envelope, _key_header(app)).endpoints())
    mount(blueprint, endpoints)
    answer_refusals(blueprint, envelope)
    app.register_blueprint(blueprint)
    app.teardown_request(Sweeper(accounts).sweep)
    # Outside of every transaction: a key that was made elsewhere is written into the store.
    app.teardown_request(_looker(accounts))
    return endpoints


def _looker(accounts: Accounts) -> Callable[[BaseException | None], None]:
    def look(_error: BaseException | None) -> None:
        accounts.keyring.look()

    return look


def envelope_of(app: Flask) -> str:
    """How this application's answers look: ``problem`` or ``status``."""
    return Settings(app.config, os.environ).get(guard_settings.ENVELOPE)


def _key_header(app: Flask) -> str:
    return guard_of(app).settings.get(guard_settings.API_KEY_HEADER)


def answer_refusals(blueprint: Blueprint, envelope: str) -> None:
    """Answer what the views of *blueprint* raise, in the one shape of the guard."""
    answers = Answers(envelope)
    blueprint.register_error_handler(RefusalError, answers.refusal)
    blueprint.register_error_handler(BodyError, lambda error: body.refusal(error, envelope))
    blueprint.register_error_handler(OAuthError, oauth_refusal)
