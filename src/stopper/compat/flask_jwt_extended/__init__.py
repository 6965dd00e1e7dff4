"""Flask-JWT-Extended's names on Stopper's verifier: change the import, keep the code (``docs/migrate/flask-jwt-extended.md``).

It is safe where the original leaves the choice open; each difference is listed on that page.
"""

from stopper.compat.flask_jwt_extended.cookies import (
    set_access_cookies,
    set_refresh_cookies,
    unset_access_cookies,
    unset_jwt_cookies,
    unset_refresh_cookies,
)
from stopper.compat.flask_jwt_extended.current import (
    create_access_token,
    create_refresh_token,
    current_user,
    decode_token,
    get_csrf_token,
    get_current_user,
    get_jti,
    get_jwt,
    get_jwt_header,
    get_jwt_identity,
    get_jwt_request_location,
    get_unverified_jwt_headers,
)
from stopper.compat.flask_jwt_extended.jwt_manager import JWTManager
from stopper.compat.flask_jwt_extended.view_decorators import jwt_required, verify_jwt_in_request

__all__ = [
    "JWTManager",
    "create_access_token",
    "create_refresh_token",
    "current_user",
    "decode_token",
    "get_csrf_token",
    "get_current_user",
    "get_jti",
    "get_jwt",
    "get_jwt_header",
    "get_jwt_identity",
    "get_jwt_request_location",
    "get_unverified_jwt_headers",
    "jwt_required",
    "set_access_cookies",
    "set_refresh_cookies",
    "unset_access_cookies",
    "unset_jwt_cookies",
    "unset_refresh_cookies",
    "verify_jwt_in_request",
]
