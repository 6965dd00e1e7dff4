"""Where a request may carry its token: a header, a cookie, the URL or a JSON body."""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, NamedTuple, cast

from flask import request

from stopper.compat.flask_jwt_extended.config import config
from stopper.compat.flask_jwt_extended.exceptions import (
    CSRFError,
    InvalidHeaderError,
    InvalidQueryParamError,
    JWTSettingError,
    NoAuthorizationError,
)

_COMMA: Final = re.compile(r",\s*")


class Shown(NamedTuple):
    """A token that a request shows, the place it came from, and the CSRF token that must fit it (None: it needs none)."""

    token: str
    place: str
    csrf: str | None = None


def find(places: Sequence[str], *, refresh: bool) -> Shown:
    """The token in the first of *places* that has one. Raises NoAuthorizationError where none has.

    Raises InvalidHeaderError, InvalidQueryParamError and CSRFError for a place that has one and is not in order: the next
    place is not tried then.
    """
    missing: list[str] = []
    for reader in list(_readers(places)):
        try:
            return reader(refresh)
        except NoAuthorizationError as nothing:
            missing.append(str(nothing))
    if len(missing) == 1:
        raise NoAuthorizationError(missing[0])
    raise NoAuthorizationError(
        f"Missing JWT in {', '.join(list(places)[:-1])} or {list(places)[-1]} ({'; '.join(missing)})"
    )


def _readers(places: Sequence[str]) -> Iterator[Callable[[bool], Shown]]:
    for place in places:
        if place not in _READERS:
            raise JWTSettingError(f"{place!r} is no place for a token; use {', '.join(_READERS)}")
        yield _READERS[place]


def _from_header(refresh: bool) -> Shown:
    name, scheme = config.header_name, config.header_type
    said = request.headers.get(name, "").strip().strip(",")
    if not said:
        raise NoAuthorizationError(f"Missing {name} Header")
    expected = f"Expected '{name}: {scheme} <JWT>'" if scheme else f"Expected '{name}: <JWT>'"
    parts = said.split()
    if scheme:
        mine = [field.split() for field in _COMMA.split(said) if field.split()[:1] == [scheme]]
        if not mine:
            raise NoAuthorizationError(f"Missing '{scheme}' type in '{name}' header. {expected}")
        # Two of them, from two headers or in one: nobody can say which is meant.
        parts = mine[0][1:] if len(mine) == 1 else []
    if len(parts) != 1:
        raise InvalidHeaderError(f"Bad {name} header. {expected}")
    return Shown(parts[0], "headers")


def _from_cookie(refresh: bool) -> Shown:
    name = config.refresh_cookie_name if refresh else config.access_cookie_name
    token = request.cookies.get(name)
    if not token:
        raise NoAuthorizationError(f'Missing cookie "{name}"')
    if not config.needs_csrf(request.method):
        return Shown(token, "cookies")
    shown = request.headers.get(config.refresh_csrf_header_name if refresh else config.access_csrf_header_name)
    if not shown and config.csrf_check_form:
        shown = request.form.get(config.refresh_csrf_field_name if refresh else config.access_csrf_field_name)
    if not shown:
        raise CSRFError("Missing CSRF token")
    return Shown(token, "cookies", shown)


def _from_url(refresh: bool) -> Shown:
    name, prefix = config.query_string_name, config.query_string_value_prefix
    said = request.args.get(name) if config.allow_query_string else None
    if not said:
        raise NoAuthorizationError(f"Missing '{name}' query paramater")
    if not said.startswith(prefix):
        raise InvalidQueryParamError(
            f"Invalid value for query parameter '{name}'. Expected the value to start with '{prefix}'"
        )
    return Shown(said[len(prefix) :], "query_string")


def _from_json(refresh: bool) -> Shown:
    if not request.is_json:
        raise NoAuthorizationError("Invalid content-type. Must be application/json.")
    key = config.refresh_json_key if refresh else config.json_key
    body: Any = request.get_json(silent=True)
    token = cast("dict[str, Any]", body).get(key) if isinstance(body, dict) else None
    if not isinstance(token, str) or not token:
        raise NoAuthorizationError(f'Missing "{key}" key in json data.')
    return Shown(token, "json")


_READERS: Final[dict[str, Callable[[bool], Shown]]] = {
    "headers": _from_header,
    "cookies": _from_cookie,
    "query_string": _from_url,
    "json": _from_json,
}
