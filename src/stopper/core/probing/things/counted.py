"""Ids that no answer says: things are counted, and the new one is read by the numbers that come next until it is found."""

from typing import Final

from stopper.core.exchange import Exchange
from stopper.core.probe import Identity, Steps, Target, send
from stopper.core.probing.things.id_elsewhere import stands_elsewhere
from stopper.core.probing.things.kinds import Kind, at_number
from stopper.core.probing.things.objects import entries

NUMBERS_MOST: Final = 5
"""Numbers that are read: things that were deleted have theirs still."""
LISTED_MOST: Final = 50
"""Entries of a list that are counted; of a longer one nobody knows how many there are."""


def counted(
    target: Target, kind: Kind, alice: Identity, after: Exchange | None, texts: tuple[str, ...]
) -> Steps[str | None]:
    """The number under which Alice reads one of the *texts* that she has just stored; her list, where there is one, says how many things
    there are and names none by its id."""
    thing = kind.thing
    if (
        thing is None
        or stands_elsewhere(thing)
        or not texts
        or thing.parameters[0][1] not in ("int", "integer", "number")
    ):
        return None
    there = len(entries(after.response.json())) if after is not None else 1
    if not 0 < there < LISTED_MOST:
        return None
    for number in range(there, there + NUMBERS_MOST):
        seen = yield from send(alice.on(at_number(target, thing, str(number))))
        if seen.response.succeeded and any(text in seen.response.text for text in texts):
            return str(number)
    return None
