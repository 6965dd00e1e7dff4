"""Names by which libraries and projects ask who is calling, or do not, as data."""

import re
from typing import Final

GUARDS: Final = re.compile(
    r"flask_jwt_extended\.(?:jwt_required|fresh_jwt_required|jwt_refresh_token_required)"
    r"|flask_jwt(?:_simple)?\.jwt_required"
    r"|flask_login\.(?:login_required|fresh_login_required)"
    r"|flask_httpauth\.\w+\.login_required"
    r"|flask_security(?:\.decorators)?\.(?:auth_required|login_required|auth_token_required|http_auth_required|roles_required"
    r"|roles_accepted|permissions_required|permissions_accepted)"
    r"|(?:flask\.Flask|flask\.Blueprint|apiflask\.\w+)\.auth_required"
    r"|flask_praetorian\.(?:auth_required|roles_required|roles_accepted)"
    r"|flask_principal\.Permission\.require"
    r"|flask_oidc\.\w+\.(?:require_login|accept_token)"
    r"|flask_user\.(?:login_required|roles_required)"
    r"|connexion\.security"
    r"|flask_basicauth\.BasicAuth\.required"
    r"|authlib\.integrations\.flask_oauth2\.(?:ResourceProtector|resource_protector\.ResourceProtector)(?:\.__call__|\.acquire_token)?"
    r"|authlib\.flask\.oauth2\.ResourceProtector(?:\.__call__)?"
    r"|stopper\.(?:bearer|api_key|browser_session|client_certificate|any_of)"
    r"|flask_appbuilder(?:\.\w+)*\.(?:has_access|has_access_api|protect)"
    r"|flask_jwt_oidc\.(?:\w+\.)*JwtManager\.(?:requires_auth|requires_auth_cookie|requires_roles|has_one_of_roles)"
)
"""Decorators of libraries that let nobody pass without a credential."""

OPTIONAL: Final = re.compile(
    r"flask_jwt_extended\.(?:jwt_optional|view_decorators\.jwt_optional)|flask_jwt_simple\.jwt_optional"
)
"""Decorators that look at a credential and let everybody pass."""

GUARD_CALLS: Final = re.compile(
    r"flask_jwt_extended\.verify_jwt_in_request(?:_\w+)?|flask_jwt_extended\.verify_fresh_jwt_in_request"
    r"|flask_praetorian\.\w+\.read_token_from_header|authlib\.integrations\.flask_oauth2\.ResourceProtector\.(?:acquire_token|acquire)"
)
"""Calls that raise when there is no credential."""

CREDENTIAL_READS: Final = re.compile(
    r"flask\.request\.(?:authorization|cookies|headers)|flask\.session|flask_login\.current_user|flask_jwt_extended\.(?:get_jwt\w*|current_user)"
    r"|flask_security\.current_user|flask\.g(?:\..*)?"
)

KEPT_ON_REQUEST: Final = re.compile(
    r"flask\.request\.(?!user_agent)(?:\w*_)?(?:user|token|claims|identity|principal|account|jwt|session)(?:\.|$|_id$)"
)
"""What a hook or decorator of the project has hung on the request: who is calling, or what they showed."""

ASKS_BY_CLASS: Final = re.compile(r"(?i)auth|login|secure|security|protect")
OPEN_BY_CLASS: Final = re.compile(r"(?i)public|anonymous|(?:^|_)open(?:_|$)|exempt")
"""Attributes by which a view class says whether its own ``dispatch_request`` asks who is calling."""

ASKS_PERSON: Final = re.compile(
    r"flask\.g\.(?:current_)?(?:user|identity|account|member|principal|person|tenant|auth\w*|login)\.\w+$|(?:flask_login|flask_security|flask_jwt_extended)\.current_user\.\w+$"
    r"|\?\.(?:authenticate|get_current_user|current_user|authenticated_user|get_current_tenant)$"
)
"""What is asked of whoever is calling, or brings them: ``g.user.has_permission(…)``, ``method().authenticate()``."""

UNSEEN_PERSON: Final = re.compile(
    r"(?i)[\w.]+\.(?:(?:get_|load_)?(?:current|logged_in|authenticated|session)_?(?:user|account|member|person|identity|principal)|"
    r"(?:user_?|current_user_)?is_(?:admin|administrator|superuser|staff|authed|authenticated|logged_in|signed_in|moderator))"
)
"""A function of an unseen module that brings the caller, or says something of them: ``forum.users.get_current_user()``, ``is_admin()``."""

SUGGESTS_AUTH: Final = re.compile(
    r"(?i)auth|login|logged|token|jwt|permission|role|protected|secured?|require|api_?key|admin|access|private|signed|verif|identity|user"
)
"""A decorator of an unseen library whose name could be that of a guard: the access is then unknown, not open."""

VERIFIES: Final = re.compile(
    r"(?i)verif|authen|authori[sz]|validate_(?:token|key|jwt|user)|check_(?:token|auth|key|jwt|perm)|require|jwt|current_user"
    r"|(?:user|account|caller|principal|identity|member)_(?:from|of|by|for)_(?:request|header|token|bearer|session|cookie|key)"
    r"|(?:load|resolve|identify)_(?:user|caller|principal|identity)$"
)
"""A call of an unseen function whose name could be that of a check which raises."""

ASKS_WHO: Final = re.compile(
    r"(?i)(?:is|check|verify|ensure)_\w*(?:authenticated|logged_in|signed_in)|authenticate_\w*(?:user|request|token)"
)
"""A function of the project that says whether somebody is known, by a way that could not be followed."""

HANDED_GUARD: Final = re.compile(
    r"(?i)(?:^|_)requires?_\w*(?:auth|login|token|jwt|permission|role|scope|user|admin)|(?:auth\w*|login|token|jwt|permissions?|roles?|scopes?|user|admin)_required$"
)
"""A function of an unseen library that makes a guard, where a function of the project gives what it made."""

NOT_GUARDS: Final = re.compile(
    r"flask_limiter\..*|flask_caching\..*|flask_cors\..*|flask_restx\..*|flask_restful\..*|flask_restplus\..*|flasgger\..*|functools\..*"
    r"|flask_smorest\..*\.(?:arguments|response|alt_response|paginate|etag)|webargs\..*|marshmallow\..*|prometheus_client\..*"
    r"|flask\.(?:Flask|Blueprint)\.(?!auth_required).*|apiflask\.(?!.*auth_required).*|celery\..*|staticmethod|classmethod|property"
    r"|typing\..*|contextlib\..*|flask_wtf\..*|sqlalchemy\..*|flask_csp\..*|spectree\..*|flask_pydantic\..*|abc\..*|click\..*"
)
