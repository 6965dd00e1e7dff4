"""What every JWT_… setting is where the application sets none. Those that begin with JWT_ALLOW weaken, and are ours."""

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Final

CSRF_METHODS: Final = ("POST", "PUT", "PATCH", "DELETE")
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
"""Methods that change nothing (RFC 9110 §9.2.1)."""
LOCATIONS: Final = ("headers", "cookies", "query_string", "json")
LONGEST_LEEWAY: Final = 300.0
"""Seconds. Clocks that differ by more are broken, and a long leeway keeps dead tokens alive."""

DEFAULTS: Final[Mapping[str, object]] = MappingProxyType(
    {
        "JWT_ACCESS_COOKIE_NAME": "access_token_cookie",
        "JWT_ACCESS_COOKIE_PATH": "/",
        "JWT_ACCESS_CSRF_COOKIE_NAME": "csrf_access_token",
        "JWT_ACCESS_CSRF_COOKIE_PATH": "/",
        "JWT_ACCESS_CSRF_FIELD_NAME": "csrf_token",
        "JWT_ACCESS_CSRF_HEADER_NAME": "X-CSRF-TOKEN",
        "JWT_ACCESS_TOKEN_EXPIRES": timedelta(minutes=15),
        "JWT_ALGORITHM": "HS256",
        "JWT_ALLOW_LEGACY_MESSAGES": False,
        "JWT_ALLOW_QUERY_STRING": False,
        "JWT_ALLOW_RSA_2048": False,
        "JWT_ALLOW_TOKENS_WITHOUT_EXPIRY": False,
        "JWT_COOKIE_CSRF_PROTECT": True,
        "JWT_COOKIE_DOMAIN": None,
        "JWT_COOKIE_SAMESITE": "Lax",
        "JWT_COOKIE_SECURE": True,
        "JWT_CSRF_CHECK_FORM": False,
        "JWT_CSRF_IN_COOKIES": True,
        "JWT_CSRF_METHODS": CSRF_METHODS,
        "JWT_DECODE_ALGORITHMS": None,
        "JWT_DECODE_AUDIENCE": None,
        "JWT_DECODE_ISSUER": None,
        "JWT_DECODE_LEEWAY": 0,
        "JWT_ENCODE_AUDIENCE": None,
        "JWT_ENCODE_ISSUER": None,
        "JWT_ENCODE_NBF": True,
        "JWT_ERROR_MESSAGE_KEY": "msg",
        "JWT_HEADER_NAME": "Authorization",
        "JWT_HEADER_TYPE": "Bearer",
        "JWT_IDENTITY_CLAIM": "sub",
        "JWT_JSON_KEY": "access_token",
        "JWT_PRIVATE_KEY": None,
        "JWT_PUBLIC_KEY": None,
        "JWT_QUERY_STRING_NAME": "jwt",
        "JWT_QUERY_STRING_VALUE_PREFIX": "",
        "JWT_REFRESH_COOKIE_NAME": "refresh_token_cookie",
        "JWT_REFRESH_COOKIE_PATH": "/",
        "JWT_REFRESH_CSRF_COOKIE_NAME": "csrf_refresh_token",
        "JWT_REFRESH_CSRF_COOKIE_PATH": "/",
        "JWT_REFRESH_CSRF_FIELD_NAME": "csrf_token",
        "JWT_REFRESH_CSRF_HEADER_NAME": "X-CSRF-TOKEN",
        "JWT_REFRESH_JSON_KEY": "refresh_token",
        "JWT_REFRESH_TOKEN_EXPIRES": timedelta(days=30),
        "JWT_SECRET_KEY": None,
        "JWT_SESSION_COOKIE": True,
        "JWT_TOKEN_LOCATION": ("headers",),
        "JWT_VERIFY_SUB": True,
    }
)
