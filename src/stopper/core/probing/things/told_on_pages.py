"""Pages that say whose a thing is by an address: somebody whom the scan has registered has none of these things, and reads those of several others by
their numbers."""

import re
from typing import Final

from stopper.core.app import Route
from stopper.core.exchange import Exchange
from stopper.core.finding import Evidence, Verdict
from stopper.core.place import RouteRef
from stopper.core.probe import Identity, Steps, Target, failed, send
from stopper.core.probing.things.kinds import at_number

NUMBERS: Final = 4
"""Numbers from one on that are tried."""
_MAIL: Final = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}")


def others_on_pages(target: Target, route: Route, person: Identity) -> Steps[Verdict | None]:
    """The verdict where two pages of *route* each name somebody else by an address, and nobody reads them without a credential."""
    if not target.canary or target.canary not in (person.subject or ""):
        return None  # who was given may be allowed to see them
    pages: list[Exchange] = []
    for number in range(1, NUMBERS + 1):
        seen = yield from send(person.on(at_number(target, route, str(number))))
        if seen.response.refused or seen.response.sends_on:
            return None
        pages += [seen] if seen.response.succeeded and seen.response.content_type == "text/html" else []
    named = [{*_MAIL.findall(page.response.text)} for page in pages]
    of_all = named[0].intersection(*named[1:]) if len(named) > 1 else set[str]()
    told = [
        (page, {one for one in names - of_all if target.canary not in one})
        for page, names in zip(pages, named, strict=True)
    ]
    told = [(page, names) for page, names in told if names]
    first = told[0] if told else None
    second = next((one for one in told[1:] if first is not None and not one[1] & first[1]), None)
    if first is None or second is None:
        return None
    anonymous = yield from send(at_number(target, route, first[0].request.target.rpartition("/")[2]))
    if not (anonymous.response.refused or anonymous.response.sends_on):
        return None
    ref = RouteRef("GET", route.path)
    evidence = (
        Evidence("exchange", "control: without a credential it is not shown", anonymous),
        Evidence("exchange", f"{person.name}, who has no such thing, reads what names somebody else", first[0]),
        Evidence("exchange", "and under another number what names a third", second[0]),
    )
    return failed(f"{ref} shows what belongs to others to whoever counts their numbers", (ref,), evidence, "high")
