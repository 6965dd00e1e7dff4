"""What paths and inputs say of themselves: where a text is run, asked for or shown. Only which come first hangs on it, never what is told."""

import re
from typing import Final

_RUN: Final = (
    r"cmd|command|exec|eval|shell|ping|host|(^|[/_-])(run|ip)|code|calc|expr|formula|script|templat|render|ssti|greet|hello|yaml|pickle|deserial|"
    r"unserial|(^|[/_-])load"
)
_ASKED: Final = (
    r"sql|log-?in|sign-?in|search|quer|find|filter|look-?up|sort|order|user|name|(^|[/_-])ids?$|account|(^|[/_-])db"
)
_SHOWN: Final = (
    r"xss|echo|greet|hello|welcome|search|render|templat|html|page|show|preview|messag|comment|name|(^|[/_-])q$|text"
)
RUN: Final = re.compile(f"(?i){_RUN}")
"""Where a text is run or unpacked."""
ASKED: Final = re.compile(f"(?i){_ASKED}")
"""Where rows are looked up."""
SHOWN: Final = re.compile(f"(?i){_SHOWN}")
"""Where a text comes back as it was."""
TELLING: Final = re.compile(
    rf"(?i){_RUN}|{_SHOWN}|sql|search|quer|xml|xxe|fetch|ssrf|url|proxy|file|read|download|includ|import|redirect"
)
"""Paths where something is done with the text that they are sent."""
