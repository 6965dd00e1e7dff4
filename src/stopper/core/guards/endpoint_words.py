"""A word that is looked for in ``request.endpoint``: whether more views have it than the one that is called so."""

import re
from typing import Final

from stopper.core.app import App

_FOR_ALL: Final = re.compile(
    r"(?i)log_?(?:in|out)|sign_?(?:in|up|out)|regist|auth|static|assets?|password|confirm|verif|health|docs?$"
)
"""What is open to everybody, under whatever longer name."""
_READS: Final = frozenset({"GET", "HEAD", "OPTIONS"})


def takes_others_in(app: App, word: str | None) -> bool:
    """``"show_page" in request.endpoint``, where ``show_page_edit`` is a view as well, and changes something."""
    if not word or _FOR_ALL.search(word):
        return False
    named = [(route.endpoint.rpartition(".")[2], set(route.methods)) for route in app.routes if word in route.endpoint]
    own = word.rpartition(".")[2]
    return any(name == own for name, _ in named) and any(name != own and methods - _READS for name, methods in named)
