"""What only this server could have made, and a caller shows in a header: whoever opens it knows who is calling."""

import re
from typing import Final

from stopper.core.facts import SourceFacts
from stopper.core.values import Call

_OPENS: Final = re.compile(
    r"itsdangerous\.\w+\.(?:loads|unsign)|cryptography\.fernet\.(?:Multi)?Fernet\.decrypt"
    r"|(?:jwt|jose\.jwt|authlib\.jose\.(?:jwt|JsonWebToken)|joserfc\.jwt)\.decode"
)


def opens_header(facts: SourceFacts, call: Call) -> bool:
    """``signer.loads(request.headers["X-Visitor"])``, whatever the header is called; also by a function of the project."""
    opens = _OPENS.fullmatch(call.callee) is not None or any(
        _OPENS.fullmatch(inner.callee) for inner in facts.calls_in(call.callee)
    )
    return opens and any(facts.derives(one, "request-header", "request-headers") for one in call.args[:1])
