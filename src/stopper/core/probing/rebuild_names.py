"""What routes are called that build the whole database anew: development leaves them behind, often by GET."""

import re
from typing import Final

REBUILDS: Final = re.compile(
    r"(?i)(create|init|reset|drop|(re-?)?seed|populate|clear|wipe|rebuild)[_-]?(db|database)\b|/((re-?)?seed|populate)/?$"
)
"""Paths that a scan never sends a request to, whatever the method, and that nobody may reach without a credential."""
