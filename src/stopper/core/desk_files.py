"""Files of a project that nobody but their writer starts, and files in which people and things are made up."""

import re
from typing import Final

from stopper.core.place import Span

_OF_A_DESK: Final = re.compile(
    r"(?i)(?:^|/)(?:debug|profil(?:er|e|ing)(?:_\w+)?|(?:run|app|server)_(?:debug|profil(?:er|e|ing)))\.py$"
)
MADE_UP: Final = re.compile(r"(?i)(?:^|/)(?:sandbox(?:es)?/|fixtures?/|factor(?:y|ies)\.py$)")
"""Where people and things are made up, for a look or for tests."""


def is_of_a_desk(place: Span | None) -> bool:
    """That the place lies in a program that is started by hand, to look at the inside."""
    return place is not None and _OF_A_DESK.search(place.path) is not None
