"""Puts the sessions of browsers together for one application, where it keeps them and has a key for them."""

from typing import Any, cast

from flask import Flask

from stopper.auth.clock import Clock
from stopper.auth.session import Sessions, idle_lifetime, lifetime, limit, root_secret
from stopper.auth.session_csrf import CsrfTokens
from stopper.core.errors import SettingError
from stopper.core.secret import Secret
from stopper.core.settings import Settings
from stopper.extension import settings as setting
from stopper.extension.binding import PUBLIC_URL
from stopper.extension.csrf import Csrf, Origins
from stopper.extension.session_cookie import cookies_for
from stopper.extension.sessions import BrowserSessions
from stopper.extension.wiring import Given, Parts


def open_sessions(settings: Settings, given: Given, parts: Parts, clock: Clock, mode: str) -> BrowserSessions | None:
    """The sessions of one application; None where nothing keeps them. Raises SettingError."""
    store = parts.store
    root = _root(settings, parts)
    if store is None or root is None:
        return None
    credentials = settings.get(setting.CORS_CREDENTIALS)
    allowed: tuple[str, ...] = settings.get(setting.CORS_ORIGINS) if credentials else ()
    cookies = cookies_for(mode, settings.get(setting.ISSUER))
    own = settings.get(PUBLIC_URL).rstrip("/")
    origins = Origins(own=frozenset((own,)) if own else frozenset(), allowed=frozenset(allowed), secure=cookies.secure)
    sessions = Sessions(
        store.sessions,
        root,
        clock=clock,
        life=settings.get(lifetime),
        idle=settings.get(idle_lifetime),
        most=settings.get(limit),
        # The store ends sessions with each revocation that it keeps itself.
        void=None if given.revocations is None else given.revocations.is_revoked,
    )
    return BrowserSessions(sessions, Csrf(CsrfTokens(root), origins, cookies), cookies)


def use_in_templates(app: Flask, sessions: BrowserSessions) -> None:
    """Give templates ``csrf_token()``. Only where sessions are asked for, and when *app* is set up: it makes the template environment.

    Raises SettingError where another library answers for the same field.
    """
    if "csrf" in app.extensions:
        raise SettingError(
            "Flask-WTF's CSRFProtect and browser_session both judge the field csrf_token, each by tokens of its own: leave CSRFProtect out and"
            " set WTF_CSRF_ENABLED = False; the guard asks for a token wherever a session changes something"
        )
    app.jinja_env.globals["csrf_token"] = cast("Any", sessions.csrf_token)  # its type names the present values alone


def _root(settings: Settings, parts: Parts) -> Secret | None:
    said = settings.get(root_secret)
    if said is not None:
        return said
    sealer = None if parts.store is None else parts.store.sealer
    return None if sealer is None else sealer.derive("browser sessions")
