"""The JWT_… settings of the current application, read and judged. They are set in ``app.config``; nothing here changes them."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Generic, TypeVar, cast

from flask import current_app

from stopper.auth.algorithm import ALGORITHMS
from stopper.compat.flask_jwt_extended.defaults import CSRF_METHODS, LOCATIONS, LONGEST_LEEWAY, SAFE_METHODS
from stopper.compat.flask_jwt_extended.exceptions import JWTSettingError
from stopper.compat.flask_jwt_extended.json_encoding import JSONEncoder

Value = TypeVar("Value")
_ONE_YEAR: Final = 365 * 24 * 3600 + 4000
"""Seconds that a cookie lives which should outlive the browser. The original has this figure."""


class _Plain(Generic[Value]):
    """A setting that is handed on as it is."""

    def __init__(self, key: str) -> None:
        self._key = key

    def __get__(self, owner: object, kind: type | None = None) -> Value:
        return cast("Value", _settings()[self._key])


class _Switch:
    """A setting that weakens. Only True turns it on: the text "False" from the environment must not."""

    def __init__(self, key: str) -> None:
        self._key = key

    def __get__(self, owner: object, kind: type | None = None) -> bool:
        said = _settings()[self._key]
        if not isinstance(said, bool):
            raise JWTSettingError(f"{self._key} must be True or False, not {type(said).__name__}")
        return said


def _settings() -> dict[str, Any]:
    return cast("dict[str, Any]", current_app.config)


class _Config:
    """Each attribute is one setting, or follows from some."""

    access_cookie_name = _Plain[str]("JWT_ACCESS_COOKIE_NAME")
    access_cookie_path = _Plain[str]("JWT_ACCESS_COOKIE_PATH")
    access_csrf_cookie_name = _Plain[str]("JWT_ACCESS_CSRF_COOKIE_NAME")
    access_csrf_cookie_path = _Plain[str]("JWT_ACCESS_CSRF_COOKIE_PATH")
    access_csrf_field_name = _Plain[str]("JWT_ACCESS_CSRF_FIELD_NAME")
    access_csrf_header_name = _Plain[str]("JWT_ACCESS_CSRF_HEADER_NAME")
    algorithm = _Plain[str]("JWT_ALGORITHM")
    allow_legacy_messages = _Switch("JWT_ALLOW_LEGACY_MESSAGES")
    allow_query_string = _Switch("JWT_ALLOW_QUERY_STRING")
    allow_rsa_2048 = _Switch("JWT_ALLOW_RSA_2048")
    allow_tokens_without_expiry = _Switch("JWT_ALLOW_TOKENS_WITHOUT_EXPIRY")
    cookie_csrf_protect = _Plain[bool]("JWT_COOKIE_CSRF_PROTECT")
    cookie_domain = _Plain["str | None"]("JWT_COOKIE_DOMAIN")
    cookie_samesite = _Plain["str | None"]("JWT_COOKIE_SAMESITE")
    cookie_secure = _Plain[bool]("JWT_COOKIE_SECURE")
    csrf_check_form = _Plain[bool]("JWT_CSRF_CHECK_FORM")
    csrf_in_cookies = _Plain[bool]("JWT_CSRF_IN_COOKIES")
    decode_audience = _Plain["str | Iterable[str] | None"]("JWT_DECODE_AUDIENCE")
    decode_issuer = _Plain["str | Iterable[str] | None"]("JWT_DECODE_ISSUER")
    encode_audience = _Plain["str | Iterable[str] | None"]("JWT_ENCODE_AUDIENCE")
    encode_issuer = _Plain["str | None"]("JWT_ENCODE_ISSUER")
    encode_nbf = _Plain[bool]("JWT_ENCODE_NBF")
    error_msg_key = _Plain[str]("JWT_ERROR_MESSAGE_KEY")
    header_type = _Plain["str | None"]("JWT_HEADER_TYPE")
    identity_claim_key = _Plain[str]("JWT_IDENTITY_CLAIM")
    json_key = _Plain[str]("JWT_JSON_KEY")
    query_string_name = _Plain[str]("JWT_QUERY_STRING_NAME")
    query_string_value_prefix = _Plain[str]("JWT_QUERY_STRING_VALUE_PREFIX")
    refresh_cookie_name = _Plain[str]("JWT_REFRESH_COOKIE_NAME")
    refresh_cookie_path = _Plain[str]("JWT_REFRESH_COOKIE_PATH")
    refresh_csrf_cookie_name = _Plain[str]("JWT_REFRESH_CSRF_COOKIE_NAME")
    refresh_csrf_cookie_path = _Plain[str]("JWT_REFRESH_CSRF_COOKIE_PATH")
    refresh_csrf_field_name = _Plain[str]("JWT_REFRESH_CSRF_FIELD_NAME")
    refresh_csrf_header_name = _Plain[str]("JWT_REFRESH_CSRF_HEADER_NAME")
    refresh_json_key = _Plain[str]("JWT_REFRESH_JSON_KEY")
    session_cookie = _Plain[bool]("JWT_SESSION_COOKIE")
    verify_sub = _Plain[bool]("JWT_VERIFY_SUB")

    @property
    def token_location(self) -> Sequence[str]:
        """Where tokens are looked for, in this order. Raises JWTSettingError for a place that does not exist."""
        said = _settings()["JWT_TOKEN_LOCATION"]
        places: Sequence[str] = (said,) if isinstance(said, str) else said
        known = isinstance(places, Iterable) and all(place in LOCATIONS for place in places)  # pyright: ignore[reportUnnecessaryIsInstance]
        if not known or not places:
            raise JWTSettingError(f"JWT_TOKEN_LOCATION must be one or more of {', '.join(LOCATIONS)}")
        return places

    @property
    def jwt_in_cookies(self) -> bool:
        """Whether cookies are such a place."""
        return "cookies" in self.token_location

    @property
    def jwt_in_headers(self) -> bool:
        """Whether a header is such a place."""
        return "headers" in self.token_location

    @property
    def jwt_in_query_string(self) -> bool:
        """Whether the URL is such a place; it is read only with JWT_ALLOW_QUERY_STRING."""
        return "query_string" in self.token_location

    @property
    def jwt_in_json(self) -> bool:
        """Whether a JSON body is such a place."""
        return "json" in self.token_location

    @property
    def header_name(self) -> str:
        """The header that carries the token. Raises JWTSettingError when it has no name."""
        name = _settings()["JWT_HEADER_NAME"]
        if not isinstance(name, str) or not name:
            raise JWTSettingError("JWT_HEADER_NAME is empty; leave it out for Authorization")
        return name

    @property
    def csrf_request_methods(self) -> Sequence[str]:
        """The methods that need the CSRF token, as the setting says."""
        said = _settings()["JWT_CSRF_METHODS"]
        return list(CSRF_METHODS) if said is CSRF_METHODS else cast("Sequence[str]", said)

    def needs_csrf(self, method: str) -> bool:
        """Whether *method* needs the CSRF token. Where the setting is left alone: every method that may change something."""
        if not self.cookie_csrf_protect:
            return False
        said = _settings()["JWT_CSRF_METHODS"]
        return method not in SAFE_METHODS if said is CSRF_METHODS else method in said

    @property
    def access_expires(self) -> Any:
        """How long an access token lives: something that can be added to a datetime, or False."""
        return _lifetime("JWT_ACCESS_TOKEN_EXPIRES")

    @property
    def refresh_expires(self) -> Any:
        """How long a refresh token lives: something that can be added to a datetime, or False."""
        return _lifetime("JWT_REFRESH_TOKEN_EXPIRES")

    @property
    def decode_algorithms(self) -> list[str]:
        """The algorithms that a token may name: JWT_DECODE_ALGORITHMS and the one that we sign with."""
        said = _settings()["JWT_DECODE_ALGORITHMS"]
        return list(dict.fromkeys([*(said or ()), self.algorithm]))

    @property
    def is_asymmetric(self) -> bool:
        """Whether tokens are signed with a private key."""
        found = ALGORITHMS.get(self.algorithm)
        return found is not None and not found.symmetric

    @property
    def encode_key(self) -> Any:
        """What tokens are signed with. Raises JWTSettingError when it is not set."""
        return _needed("JWT_PRIVATE_KEY") if self.is_asymmetric else _secret()

    @property
    def decode_key(self) -> Any:
        """What tokens are verified with. Raises JWTSettingError when it is not set."""
        return _needed("JWT_PUBLIC_KEY") if self.is_asymmetric else _secret()

    @property
    def leeway(self) -> float:
        """Seconds by which clocks may differ. Raises JWTSettingError for more than five minutes."""
        said = _settings()["JWT_DECODE_LEEWAY"]
        seconds = said.total_seconds() if isinstance(said, timedelta) else said
        if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 <= seconds <= LONGEST_LEEWAY:
            raise JWTSettingError(
                f"JWT_DECODE_LEEWAY must be 0 to {LONGEST_LEEWAY:.0f} seconds: a longer one keeps dead tokens alive",
                rule="jwt-claim-checks-disabled",
            )
        return float(seconds)

    @property
    def cookie_max_age(self) -> int | None:
        """Seconds that a cookie lives; None: as long as the browser runs."""
        return None if self.session_cookie else _ONE_YEAR

    @property
    def exempt_methods(self) -> frozenset[str]:
        """The methods that need no token."""
        return frozenset({"OPTIONS"})

    @property
    def json_encoder(self) -> type[JSONEncoder]:
        """What turns claims into JSON."""
        return JSONEncoder


def _lifetime(key: str) -> Any:
    said = _settings()[key]
    length = timedelta(seconds=said) if type(said) is int else said
    if length is False:
        return length
    try:
        _ = datetime.now(UTC) + length
    except TypeError:
        raise JWTSettingError(f"{key} must be a timedelta or a number of seconds") from None
    return length


def _needed(key: str) -> Any:
    found = _settings()[key]
    if not found:
        raise JWTSettingError(f"{key} must be set for {_settings()['JWT_ALGORITHM']}")
    return found


def _secret() -> Any:
    found = _settings()["JWT_SECRET_KEY"] or _settings().get("SECRET_KEY")
    if not found:
        raise JWTSettingError(f"JWT_SECRET_KEY must be set for {_settings()['JWT_ALGORITHM']}")
    return found


config: Final = _Config()
