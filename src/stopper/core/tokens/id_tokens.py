"""ID tokens taken for access tokens: their audience is the client that somebody logged in to (OpenID Connect Core 1.0 §2)."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from stopper.core.app import App
from stopper.core.tokens.jwt_claims import verifications
from stopper.core.tokens.jwt_purposes import marks
from stopper.core.values import Call

if TYPE_CHECKING:
    from stopper.core.facts import SourceFacts

_REGISTERS: Final = ("authlib.integrations.flask_client.OAuth.register", "flask_oidc.OpenIDConnect")


def opened_by_id_tokens(app: App, facts: "SourceFacts") -> Iterator[Call]:
    """Verifications of what comes in the ``Authorization`` header whose audience is the application's own client."""
    clients = {
        mark
        for call in facts.calls(*_REGISTERS)
        for mark in marks(facts, call.keyword("client_id"))
        if not mark.startswith("text:")
    }
    for call, _ in verifications(app, facts) if clients else ():
        audience = call.keyword("audience")
        token = call.argument(0, "jwt", "token", "s")
        if clients & marks(facts, audience) and facts.derives(token, "authorization-header", by_name=False):
            yield call
