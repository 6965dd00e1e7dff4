"""Deeds that a body says instead of the path: ``POST /settings`` with ``action=close`` is ``POST /settings/close``."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from stopper.core.exchange import Request
from stopper.scan.wire.body_members import members_in

_WHAT: Final = re.compile(r"(?i)_?(action|do|op|operation|cmd|command|act)")
"""Members that say what is to be done."""
_WORD: Final = re.compile(r"[A-Za-z]{2,}([ _-]?[A-Za-z]+){0,4}")
"""What one of them says, in a few words: what probes put there is none."""
LONGEST: Final = 40


def as_paths(request: Request) -> Iterator[Request]:
    """*request* as its path would say it, for each deed that its body says."""
    path, mark, query = request.target.partition("?")
    for name, value in members_in(request, 2):
        said = value if isinstance(value, str) and len(value) <= LONGEST and _WHAT.fullmatch(name) else ""
        if _WORD.fullmatch(said):
            yield replace(request, target=f"{path.rstrip('/')}/{said.strip().replace(' ', '-')}{mark}{query}")
