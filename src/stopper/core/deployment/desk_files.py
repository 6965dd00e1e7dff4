"""Files and functions of a project that nobody but their writer starts, and files in which people and things are made up."""

import re
from typing import TYPE_CHECKING, Final

from stopper.core.place import Span
from stopper.core.values import Call, Constant, Name, Truth, Value, parts

if TYPE_CHECKING:
    from stopper.core.facts import SourceFacts

_OF_A_DESK: Final = re.compile(
    r"(?i)(?:^|/)(?:debug|profil(?:er|e|ing)(?:_\w+)?|(?:run|app|server)_(?:debug|profil(?:er|e|ing)))\.py$"
)
IN_DEVELOPMENT: Final = re.compile(r"(?i)(?:^|/)development/(?:[\w-]+/)*\w+\.py$")
"""A folder of the package for its writers; a file of settings that is called so is none."""
MADE_UP: Final = re.compile(
    r"(?i)^dev/|(?:^|/)(?:sandbox(?:es)?/|fixtures?/|seed(?:s|ers?)?/|factor(?:y|ies)\.py$|seed(?:s|er|_data|_db)?\.py$)"
)
"""Where people and things are made up, for a look or for tests; ``dev/`` beside the application is what its writers start."""
_SHOWN: Final = re.compile(
    r"(?i)(?:^|/)(?:samples?|examples?|demos?|tutorials?|cookbook|devel|\.devcontainer|cypress|playwright|e2e)/|^dev/|(?:^|/)docs?/.*\.py$|(?:^|[/_-])(?:demo|sample|example|tester)s?\.py$|(?:^|/)demo_\w+\.py$"
)
"""What is there to be read or tried, and what its writers start; not what ships."""
_SCRIPTS: Final = re.compile(
    r"(?i)(?:^|/)(?:(?:scripts?|tools?|examples?|notebooks?|migrat(?:e|ions?))/|(?:cli|command_?lines?|commands?)(?:/|\.py$)|manage\.py$|^setup\.py$)"
    r"|^(?:devel|dev|seed|create|populate|generate|import|export|fill|reset|init|migrate|backfill)_\w+\.py$"
)
"""Beside the application also what its name says to be done once: ``create_user.py``."""
_COMMAND: Final = re.compile(
    r"(?:.*\.)?(?:command|argument|option|group|callback|pass_context|with_appcontext)|(?:invoke|fabric)(?:\.\w+)*\.task"
)
"""What click, typer, invoke, Flask and Flask-Script write above a function that is typed in a terminal."""


def is_of_a_desk(place: Span | None) -> bool:
    """That the place lies in a program that is started by hand, to look at the inside."""
    return place is not None and _OF_A_DESK.search(place.path) is not None


def is_shown_only(facts: "SourceFacts", place: Span) -> bool:
    """That the place lies in a folder of samples or of one's own desk, and the application is elsewhere."""
    return _SHOWN.search(place.path) is not None and facts.once(
        "an application outside of samples",
        lambda: (
            any(_SHOWN.search(one.span.path) is None for one in facts.routes)
            or any(one.span is not None and _SHOWN.search(one.span.path) is None for one in facts.calls("flask.Flask"))
        ),
    )


def is_of_a_script(facts: "SourceFacts", call: Call) -> bool:
    """A call of a script beside the application, or of a command of it, that no request runs: whoever started it sees what comes of it,
    and ends it."""
    if call.span is None:
        return False
    if call.function and facts.routes_reaching(call.function):
        return False
    if _SCRIPTS.search(call.span.path) is None:
        return is_run_by_hand(facts, call)
    return bool(call.function) or not any(
        made.span is not None and made.span.path == call.span.path for made in facts.calls("flask.Flask")
    )


def is_command(facts: "SourceFacts", function: str) -> bool:
    """That the function is itself a command of a terminal."""
    found = facts.function(function)
    return found is not None and any(_COMMAND.fullmatch(one.name) for one in found.decorators)


def is_run_by_hand(facts: "SourceFacts", call: Call) -> bool:
    """That only commands of a terminal come to this call, as far as can be seen."""
    if not call.function:
        return _is_under_main(facts, call.span)
    return _is_typed(facts, call.function, frozenset(), 6)


def _is_typed(facts: "SourceFacts", function: str, met: frozenset[str], depth: int) -> bool:
    """A command, or a function that only commands call and that nobody hands on."""
    found = facts.function(function)
    if found is None or function in met or facts.routes_reaching(function):
        return False
    if is_command(facts, function) or _SCRIPTS.search(found.span.path):
        return True
    if found.decorators or not depth or function in facts.once("functions handed on", lambda: _handed_on(facts)):
        return False
    called = list(facts.calls(function))
    if found.owner:
        called += facts.calls("?." + function.rpartition(".")[2])
    return bool(called) and all(
        _is_typed(facts, one.function, met | {function}, depth - 1)
        if one.function
        else _is_under_main(facts, one.span) or (one.span is not None and bool(_SCRIPTS.search(one.span.path)))
        for one in called
    )


def _handed_on(facts: "SourceFacts") -> frozenset[str]:
    """The functions that are passed to others: for a thread, a queue, a time."""
    found: set[str] = set()
    level: list[Value] = []
    for call in facts.calls():
        level += call.args
        level += [value for _, value in call.keywords]
    for depth in (2, 1, 0):
        found.update([value.dotted for value in level if type(value) is Name])
        level = [part for value in level for part in parts(value)] if depth else []
    return frozenset(name for name in found if facts.function(name) is not None)


def _is_under_main(facts: "SourceFacts", place: Span | None) -> bool:
    return place is not None and any(
        isinstance(one.value, Truth)
        and any(isinstance(part, Constant) and part.value == "__main__" for part in one.value.parts)
        for one in facts.conditions_around(place)
    )
