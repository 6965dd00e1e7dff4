"""View classes that their own list of decorators takes out of a protection: ``decorators = [csrf.exempt]``."""

import re
from collections.abc import Collection, Iterator

from stopper.core.facts import SourceFacts
from stopper.core.place import Span
from stopper.core.values import Call, Member, Name, Sequence, Value


def exempting_classes(
    facts: SourceFacts, exempts: re.Pattern[str], methods: Collection[str]
) -> Iterator[tuple[str, tuple[str, ...], Span]]:
    """The class, its functions that answer one of these methods, and the place of the list."""
    for found in facts.classes():
        said = found.attributes.get("decorators")
        if not isinstance(said, Sequence) or not any(exempts.fullmatch(_named(one)) for one in said.items):
            continue
        served = {method for route in facts.routes_of_view(found.name) for method in route.methods}
        own = tuple(f"{found.name}.{method.lower()}" for method in sorted(served.intersection(methods)))
        if own:
            yield found.name, own, said.span or found.span


def _named(value: Value) -> str:
    """``csrf.exempt`` as a value: the class of the object, and the method."""
    if isinstance(value, Member) and isinstance(value.owner, Call):
        return f"{value.owner.callee}.{value.attribute}"
    return value.dotted if isinstance(value, Name) else ""
