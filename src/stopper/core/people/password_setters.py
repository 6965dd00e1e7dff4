"""Properties of a project's classes that hash what they are given: ``person.password = typed`` is all that a view says then."""

from collections.abc import Iterator

from stopper.core.account_names import is_password_name, makes_password_hash
from stopper.core.fact import Assignment
from stopper.core.facts import SourceFacts


def hashing_setters(facts: SourceFacts) -> frozenset[str]:
    """Their names."""
    return facts.once("properties that hash a password", lambda: frozenset(_setters(facts)))


def _setters(facts: SourceFacts) -> Iterator[str]:
    for function in facts.functions():
        word = function.name.rpartition(".")[2].rstrip("'")
        if (
            function.owner
            and is_password_name(word)
            and any(one.name.endswith(".setter") for one in function.decorators)
            and any(map(makes_password_hash, facts.calls_in(function.name)))
        ):
            yield word


def set_by_property(facts: SourceFacts, function: str) -> Iterator[Assignment]:
    """``person.password = typed`` in the function, for an object that somebody else made."""
    setters = hashing_setters(facts)
    for one in facts.assignments_in(function) if setters else ():
        if one.attribute in setters and "." in one.target and not one.target.startswith("self."):
            yield one
