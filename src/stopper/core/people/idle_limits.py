"""Limits of a project that limit nobody: decorators that only hand on to the view, or write down that there were many."""

import re
from typing import TYPE_CHECKING, Final

from stopper.core.flow.nested_functions import inside
from stopper.core.flow.raising import raised_in
from stopper.core.values import Call, is_constant, walk

if TYPE_CHECKING:
    from stopper.core.facts import SourceFacts

_KEEPS: Final = re.compile(
    r"\?|(?:.*\.)?(?:wraps|append|time|monotonic|now|utcnow|debug|info|warning|warn|error|exception|critical|log|print|get|setdefault|len|str|int|"
    r"update|defaultdict|deque|popleft|timestamp)"
)
"""What counts and writes down, and the view itself."""


def limits_nobody(facts: "SourceFacts", name: str) -> bool:
    """That a decorator of the project, whatever it is called, runs the view in every case: nothing in it stops, waits or raises."""
    if facts.function(name) is None:
        name = f"{name}.__call__"  # an object of a class
    if facts.function(name) is None:
        return False
    own = [one for one in (name, *inside(facts, name)) if facts.function(one) is not None]
    views = 0
    for one in own:
        if raised_in(facts, one) or any(asked.stops or asked.refuses for asked in facts.conditions_in(one)):
            return False
        if not all(_KEEPS.fullmatch(call.callee) for call in facts.calls_in(one)):
            return False
        function = facts.function(one)
        if function is not None and any(each.name != "functools.wraps" for each in function.decorators):
            return False
        given = [each.value for each in facts.returns_of(one)]
        views += sum(isinstance(value, Call) and value.callee == "?" for value in given)
        if any(is_constant(part, 429, 423) for value in given for part in walk(value, 2)):
            return False
    return len(own) > 1 and views > 0
