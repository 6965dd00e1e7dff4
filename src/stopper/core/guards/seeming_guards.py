"""Guards that are known by their name alone: what they do stands in code that was not read."""

import re
from typing import Final

from stopper.core.app import Access

_WORDS: Final = (
    r"(?:log_?(?:ged_?)?in|auth\w*|jwt|token|signed_?in|user|session|staff|admin\w*|member|bearer|api_?key|account)"
)
_NAMED: Final = re.compile(
    rf"(?i)(?:^|[._])(?:fresh_)?{_WORDS}_?(?:required|protected|only)$|(?:^|[._])(?:require[sd]?|needs?|ensure|protect(?:ed)?|must_be)_?{_WORDS}\w*$|"
    r"(?:^|[._])(?:auth|authenticate[ds]?|authori[sz]e[ds]?)$"
)


def is_seemingly_guarded(access: Access) -> bool:
    """That a guard stops callers, or that its name says so and its code was not read."""
    if access.state == "guarded":
        return True
    return access.state == "unknown" and any(_NAMED.search(guard.name) for guard in access.guards)
