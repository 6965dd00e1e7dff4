"""Ids that nobody has who was there before a scan."""

import re
from typing import Final

NOBODY: Final = re.compile(r"(?i)9{8,}|[\w.@+-]*(stopper-nobody|stp[0-9a-f]{8,})[\w.@+-]*|00000000-0000-0000-[\w-]*|")
"""Ids that nobody has, and texts that the scan has made up. One with something added may mean everybody to a query that is put together."""
