"""The edit that takes the numbers of a secret from the system's generator."""

import re
from collections.abc import Iterable
from dataclasses import replace

from stopper.core.keys.random_picks import picks
from stopper.core.place import Span
from stopper.core.rule import Edit
from stopper.core.values import Call


def from_the_system(calls: Iterable[Call], place: Span) -> Edit | None:
    """The same functions of ``secrets.SystemRandom`` for those of ``random`` inside *place*, ``uuid4`` for ``uuid1``.

    None where one of the calls there comes from elsewhere (``numpy.random``, a generator with a seed of its own).
    """
    made: list[Edit] = []
    for call in calls:
        if call.span is None or not place.holds(call.span) or picks(call):
            continue
        if call.callee == "uuid.uuid1" and not call.args and not call.keywords:
            made.append(Edit(call.span, "uuid.uuid4", safe=False, imports=("uuid",), how="function"))
        elif re.fullmatch(r"random\.\w+", call.callee):
            text = "secrets.choice" if call.method == "choice" else f"secrets.SystemRandom().{call.method}"
            made.append(Edit(call.span, text, safe=True, imports=("secrets",), how="function"))
        else:
            return None
    return replace(made[0], safe=all(one.safe for one in made), also=tuple(made[1:])) if made else None


NUMBERS = (
    r"random\.(?:random|randint|randrange|choice|choices|sample|getrandbits|randbytes|uniform|betavariate)|uuid\.uuid1"
)
"""What makes a number, and has its like in the system's generator."""
