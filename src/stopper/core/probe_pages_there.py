"""Pages of what one person has already: each person's list leads to other things of one kind, and somebody else opens what only one's list shows."""

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl

from stopper.core.exchange import Exchange, Request
from stopper.core.finding import Evidence, Verdict
from stopper.core.ids_in_paths import templated
from stopper.core.place import RouteRef
from stopper.core.probe import Identity, Steps, failed, passed, send
from stopper.core.probe_baseline import attempt, steady

_PERSONAL: Final = re.compile(
    r"(?i)(^|[/_?&-])(payslips?|salar(y|ies)|invoices?|orders?|statements?|payments?|accounts?|cards?|transactions?|messages?|inbox|receipts?|prescriptions?|"
    r"claims?|appointments?|bookings?|reservations?|contracts?|loans?|documents?|docs?|files?|downloads?|letters?|drafts?|medical|records?|results?|parcels?|"
    r"wallets?|policies|refunds?|purchases?|subscriptions?|certificates?|applications?)([/_?&=.-]|$)"
)
"""What one person has and others have no business with."""
_TAG: Final = re.compile(r"(?is)<(script|style|head)\b.*?</\1>|<[^>]*>")
_WORD: Final = re.compile(r"[\w@.,:+-]*\w")
LINKS_MOST: Final = 3


def asked(
    hers: Mapping[str, Exchange], links: list[str], his: list[str], alice: Identity, bob: Identity
) -> Steps[list[Verdict]]:
    """The verdicts on *links* that only Alice's pages have; *his* are those of Bob's pages."""
    found: list[Verdict] = []
    kinds: dict[str, str] = {}
    for link in links:
        if _PERSONAL.search(link):
            kinds.setdefault(_shape(link), link)
    for shape, link in list(kinds.items())[:LINKS_MOST]:
        own = next((one for one in his if _shape(one) == shape), None)
        if own is not None:
            verdict = yield from attempt(_opened(link, own, hers, alice, bob))
            found += [verdict] if verdict is not None else []
    return found


def _shape(link: str) -> str:
    """A link without its ids."""
    path, _, query = link.partition("?")
    return "&".join((templated(path)[0], *sorted(name for name, _ in parse_qsl(query))))


def _opened(
    link: str, other: str, hers: Mapping[str, Exchange], alice: Identity, bob: Identity
) -> Steps[Verdict | None]:
    """What the page says that neither Alice's lists nor Bob's page of the kind do, Bob reads under her link."""
    request = Request("GET", link, (("Accept", "text/html, application/json"),))
    own, anonymous = (yield from send(alice.on(request))), (yield from send(request))
    control = yield from send(bob.on(Request("GET", other, request.headers)))
    if not own.response.succeeded or not control.response.succeeded:
        return None
    known = set[str]().union(_words(control), _words(anonymous), *map(_words, hers.values()))
    alone = _words(own) - known
    if not alone:
        return None
    seen = yield from send(bob.on(request))
    ref = RouteRef("GET", templated(link.partition("?")[0])[0])
    if not seen.response.succeeded or not alone <= _words(seen):
        return passed(f"{ref} does not show bob what is alice's")
    evidence = (
        Evidence("exchange", "control: without a credential it is not shown", anonymous),
        Evidence(
            "exchange", "control: bob's own page of the kind, to which his list leads, says something else", control
        ),
        Evidence("exchange", "control: alice opens what her list alone leads to", own),
        Evidence("exchange", "bob opens it and reads what she does", seen),
    )
    return failed(f"{ref} shows what belongs to one user to another user who knows its id", (ref,), evidence)


def _words(page: Exchange) -> set[str]:
    """The words and numbers of a page that say something and do not change by themselves."""
    text = steady(_TAG.sub(" ", page.response.text))
    return {word for word in _WORD.findall(text) if len(word) > 2 and "~" not in word}
