"""Tokens in cookies, each with its CSRF token in a second one that scripts of the own page can read."""

from typing import NamedTuple

from flask import Response

from stopper.compat.flask_jwt_extended import remembered
from stopper.compat.flask_jwt_extended.config import config
from stopper.compat.flask_jwt_extended.current import get_csrf_token


class _Pair(NamedTuple):
    name: str
    path: str
    csrf_name: str
    csrf_path: str


def set_access_cookies(
    response: Response, encoded_access_token: str, max_age: int | None = None, domain: str | None = None
) -> None:
    """Put an access token into *response*. *max_age* in seconds; JWT_SESSION_COOKIE and JWT_COOKIE_DOMAIN otherwise."""
    _set(response, _access(), encoded_access_token, max_age, domain)


def set_refresh_cookies(
    response: Response, encoded_refresh_token: str, max_age: int | None = None, domain: str | None = None
) -> None:
    """Put a refresh token into *response*, as :func:`set_access_cookies`."""
    _set(response, _refresh(), encoded_refresh_token, max_age, domain)


def unset_jwt_cookies(response: Response, domain: str | None = None) -> None:
    """Take every cookie of this module away."""
    unset_access_cookies(response, domain)
    unset_refresh_cookies(response, domain)


def unset_access_cookies(response: Response, domain: str | None = None) -> None:
    """Take the cookies of an access token away."""
    _unset(response, _access(), domain)


def unset_refresh_cookies(response: Response, domain: str | None = None) -> None:
    """Take the cookies of a refresh token away."""
    _unset(response, _refresh(), domain)


def _access() -> _Pair:
    return _Pair(
        config.access_cookie_name,
        config.access_cookie_path,
        config.access_csrf_cookie_name,
        config.access_csrf_cookie_path,
    )


def _refresh() -> _Pair:
    return _Pair(
        config.refresh_cookie_name,
        config.refresh_cookie_path,
        config.refresh_csrf_cookie_name,
        config.refresh_csrf_cookie_path,
    )


def _set(response: Response, pair: _Pair, token: str, max_age: int | None, domain: str | None) -> None:
    lives = max_age or config.cookie_max_age
    remembered.note_made()
    _put(response, pair.name, token, pair.path, domain, max_age=lives, scripts=False)
    if config.cookie_csrf_protect and config.csrf_in_cookies:
        _put(response, pair.csrf_name, get_csrf_token(token), pair.csrf_path, domain, max_age=lives, scripts=True)


def _unset(response: Response, pair: _Pair, domain: str | None) -> None:
    _put(response, pair.name, "", pair.path, domain, expires=0, scripts=False)
    if config.cookie_csrf_protect and config.csrf_in_cookies:
        _put(response, pair.csrf_name, "", pair.csrf_path, domain, expires=0, scripts=True)


def _put(
    response: Response,
    name: str,
    value: str,
    path: str,
    domain: str | None,
    *,
    max_age: int | None = None,
    expires: int | None = None,
    scripts: bool,
) -> None:
    response.set_cookie(
        name,
        value,
        max_age=max_age,
        expires=expires,
        path=path,
        domain=domain or config.cookie_domain,
        secure=config.cookie_secure,
        httponly=not scripts,
        samesite=config.cookie_samesite,
    )
