"""Files of a project that nobody but their writer starts, and files in which people and things are made up."""

import re
from typing import TYPE_CHECKING, Final

from stopper.core.place import Span
from stopper.core.values import Call

if TYPE_CHECKING:
    from stopper.core.facts import SourceFacts

_OF_A_DESK: Final = re.compile(
    r"(?i)(?:^|/)(?:debug|profil(?:er|e|ing)(?:_\w+)?|(?:run|app|server)_(?:debug|profil(?:er|e|ing)))\.py$"
)
MADE_UP: Final = re.compile(r"(?i)(?:^|/)(?:sandbox(?:es)?/|fixtures?/|factor(?:y|ies)\.py$)")
"""Where people and things are made up, for a look or for tests."""
_SCRIPTS: Final = re.compile(r"(?i)(?:^|/)(?:scripts?|tools?|examples?|notebooks?|migrat(?:e|ions?))/")


def is_of_a_desk(place: Span | None) -> bool:
    """That the place lies in a program that is started by hand, to look at the inside."""
    return place is not None and _OF_A_DESK.search(place.path) is not None


def is_of_a_script(facts: "SourceFacts", call: Call) -> bool:
    """A call of a script beside the application that no request runs: whoever started it sees what comes of it, and ends it."""
    if call.span is None or _SCRIPTS.search(call.span.path) is None:
        return False
    if call.function:
        return not facts.routes_reaching(call.function)
    return not any(made.span is not None and made.span.path == call.span.path for made in facts.calls("flask.Flask"))
