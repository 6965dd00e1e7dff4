"""Settings that no deployment takes: those of classes for tests, and those of a class for one desk beside which another class says its own."""

from stopper.core.deployment.stages_of_settings import is_for_one_desk, is_for_tests
from stopper.core.deployment.switched_on import is_only_choice
from stopper.core.fact import ConfigWrite
from stopper.core.facts import SourceFacts
from stopper.core.place import Span
from stopper.core.values import Value


def taken(facts: SourceFacts, key: str) -> tuple[Value, ...]:
    """The values written to that setting which a deployment can take."""
    return tuple(write.value for write in facts.config_writes(key) if not is_set_aside(facts, write))


def is_set_aside(facts: SourceFacts, write: ConfigWrite) -> bool:
    """That this write serves tests alone, or one desk while another class, which is not for a desk, has the setting too."""
    if write.how != "class":
        return False
    if is_for_tests(write):
        return True
    return is_for_one_desk(write) and _is_said_elsewhere(facts, write) and not is_only_choice(facts, write.owner)


def is_place_set_aside(facts: SourceFacts, key: str, place: Span | None) -> bool:
    """The same of what is written to that setting at a place."""
    return place is not None and any(
        place.holds(write.span) and is_set_aside(facts, write) for write in facts.config_writes(key)
    )


def is_in_tests_settings(facts: SourceFacts, place: Span) -> bool:
    """That a place lies in a class of settings whose name says that they are for tests."""
    return any(one.holds(place) for one in facts.once("classes of settings for tests", lambda: _of_tests(facts)))


def _of_tests(facts: SourceFacts) -> tuple[Span, ...]:
    owners = {write.owner for write in facts.config_writes() if write.how == "class" and is_for_tests(write)}
    return tuple(one.span for one in facts.classes() if one.name in owners)


def _is_said_elsewhere(facts: SourceFacts, write: ConfigWrite) -> bool:
    return any(
        other.how == "class" and other.loaded is not False and not is_for_one_desk(other) and not is_for_tests(other)
        for other in facts.config_writes(write.key)
    )
