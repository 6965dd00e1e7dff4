"""What the public names are; ``__init__.py`` loads them."""

from stopper.auth.field_filter import fields as fields
from stopper.auth.issuer import Issuer as Issuer
from stopper.auth.policy import api_key as api_key
from stopper.auth.policy import bearer as bearer
from stopper.auth.policy import browser_session as browser_session
from stopper.auth.policy import client_certificate as client_certificate
from stopper.auth.policy import principal_optional as principal_optional
from stopper.auth.policy import public as public
from stopper.auth.policy_resource import loads as loads
from stopper.auth.policy_resource import owner as owner
from stopper.auth.policy_resource import where as where
from stopper.auth.requirement import acr as acr
from stopper.auth.requirement import any_of as any_of
from stopper.auth.requirement import fresh as fresh
from stopper.auth.requirement import mfa as mfa
from stopper.auth.requirement import once as once
from stopper.auth.requirement import permission as permission
from stopper.auth.requirement import role as role
from stopper.auth.requirement import scope as scope
from stopper.auth.requirement import tenant as tenant
from stopper.core.errors import (
    AuthenticationRequiredError as AuthenticationRequiredError,
)
from stopper.core.errors import (
    CsrfError as CsrfError,
)
from stopper.core.errors import (
    ForbiddenError as ForbiddenError,
)
from stopper.core.errors import (
    IncompleteError as IncompleteError,
)
from stopper.core.errors import (
    InvalidCredentialError as InvalidCredentialError,
)
from stopper.core.errors import (
    InvalidRequestError as InvalidRequestError,
)
from stopper.core.errors import (
    KeyringError as KeyringError,
)
from stopper.core.errors import (
    PolicyError as PolicyError,
)
from stopper.core.errors import (
    RefusalError as RefusalError,
)
from stopper.core.errors import (
    SettingError as SettingError,
)
from stopper.core.errors import (
    StepUpRequiredError as StepUpRequiredError,
)
from stopper.core.errors import (
    StopperError as StopperError,
)
from stopper.core.errors import (
    StoreUnavailableError as StoreUnavailableError,
)
from stopper.core.errors import (
    ThrottledError as ThrottledError,
)
from stopper.core.errors import (
    UndeclaredRouteError as UndeclaredRouteError,
)
from stopper.core.errors import (
    UsageError as UsageError,
)
from stopper.core.principal import Principal as Principal
from stopper.core.secret import Secret as Secret
from stopper.extension.current import current_principal as current_principal
from stopper.extension.fields import accepts as accepts
from stopper.extension.fields import gives as gives
from stopper.extension.guard import Stopper as Stopper
from stopper.extension.limits import limit as limit

__version__: str
