"""Decorators of a project that are guards by what they ask, whatever they are called: they run the view, and look at who is calling."""

import re
from typing import Final

from stopper.core.facts import SourceFacts
from stopper.core.guards.caller_askers import askers
from stopper.core.owner_names import WHO
from stopper.core.values import Name, Value, walk

_DEMANDS: Final = re.compile(r"(?i)^\w+_(?:only|required|needed)$|^(?:only|requires?|needs?|must_be|ensure)_\w+$")
_OF_THE_REQUEST: Final = re.compile(
    r"(?i)json|post|get|put|ajax|htmx|https?|ssl|debug|form|param|arg|field|schema|body|csrf|xsrf|cookie|header|file|feature|config|optional|maybe"
)


def asks_round_a_view(facts: SourceFacts, name: str) -> bool:
    """``mayor_only.wrapped``: it stands in a decorator of the project, runs the view, and asks who is calling."""
    outer = name.rpartition(".")[0]
    if facts.function(outer) is None or not any(call.callee == "?" for call in facts.calls_in(name)):
        return False
    if any(_says_who(one.value) for one in facts.conditions_in(name)):
        return True
    if any(_says_who(side) for one in facts.comparisons_in(name) for side in (one.left, one.right)):
        return True
    known = askers(facts)
    return any(call.callee in known for call in facts.calls_in(name))


def demands_somebody(facts: SourceFacts, name: str) -> bool:
    """It asks who is calling, and its decorator is called as a demand is: ``mayor_only``, ``editor_required``."""
    outer = name.rpartition(".")[0]
    named = [one.rpartition(".")[2] for one in (outer, outer.rpartition(".")[0]) if facts.function(one) is not None]
    demand = any(_DEMANDS.match(word) and not _OF_THE_REQUEST.search(word) for word in named)
    return demand and asks_round_a_view(facts, name)


def _says_who(value: Value) -> bool:
    return any(isinstance(part, Name) and WHO.search(part.dotted) is not None for part in walk(value))
