"""Guards that hold what is shown against the settings: who passes is a program that has the credential, and no person."""

import re
from collections.abc import Iterable
from typing import Final

from stopper.core.flow.nested_functions import inside
from stopper.core.flow.view_functions import FunctionIndex
from stopper.core.values import Call, ConfigValue, EnvironmentValue, Item, Member, Name, Value, walk

_STEPS: Final = 3
_CREDENTIAL: Final = re.compile(r"(?i)(?:^|_)(?:key|secret|token)$")
_LOOKS_UP: Final = re.compile(
    r"(?i)query|first|one|scalar|execute|fetch|find|load|lookup|decode|loads|verify|check_password|user|account|introspect|(?:^|_)get_by"
)
"""What asks somebody else who it is: a table, a token, a service."""


def lets_programs_in(index: FunctionIndex, guards: Iterable[str]) -> bool:
    """That each guard is a function of the project which compares with the settings, keeps nobody for the view, and looks nobody up."""
    names = list(dict.fromkeys(guards))
    return bool(names) and all(name in index.by_name and _asks_settings(index, name) for name in names)


def _asks_settings(index: FunctionIndex, guard: str) -> bool:
    names = index.calling([guard, *inside(index.facts, guard)], _STEPS)
    calls = [call for name in names for call in index.facts.calls_in(name)]
    own = [call for call in calls if call.callee not in index.by_name]
    if any(_LOOKS_UP.search(call.method) for call in own) or _keeps_somebody(index, names):
        return False
    compared = [side for name in names for one in index.comparisons.get(name, ()) for side in (one.left, one.right)]
    return any(_is_setting(part) for value in (*calls, *compared) for part in walk(value))


def _keeps_somebody(index: FunctionIndex, names: Iterable[str]) -> bool:
    """``g.user = …``, ``session["user"] = …``, ``request.user = …``: the view is told who is calling."""
    return any(
        one.target.startswith(("flask.g.", "flask.session", "flask.request.", "g.", "request."))
        for name in names
        for one in index.facts.assignments_in(name)
    )


def _is_setting(value: Value) -> bool:
    match value:
        case ConfigValue() | EnvironmentValue() | Call(callee="os.getenv"):
            return True
        case Name(dotted=dotted):
            return dotted.endswith((".config", ".settings")) or dotted == "os.environ"
        case Member(owner=Item(owner=Name(dotted="flask.current_app.extensions")), attribute=attribute):
            return _CREDENTIAL.search(attribute) is not None  # an object of settings that the application keeps
        case _:
            return False
