"""Pages behind a log-in: what one person stores by a form and finds on pages of its own is looked for there by another."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urljoin, urlsplit

from stopper.core.account_names import REGISTERS
from stopper.core.app import Route
from stopper.core.exchange import Exchange, Request
from stopper.core.finding import Evidence, Verdict
from stopper.core.ids_in_paths import ID, templated
from stopper.core.place import RouteRef
from stopper.core.probe import Identity, Steps, Target, failed, passed, send
from stopper.core.probe_baseline import attempt, is_door
from stopper.core.probe_inputs import members
from stopper.core.probe_objects import marked

PAGES_MOST: Final = 6
STORED_MOST: Final = 3
"""Forms by which something is stored."""
LINKS_MOST: Final = 6
_LINK: Final = re.compile(r"""(?i)\b(href|action)\s*=\s*["']([^"'#<>\s]{1,300})["']""")
_OUT: Final = re.compile(r"(?i)log-?out|sign-?out|log-?off|password|account/?$|deactivate")


@dataclass(frozen=True, slots=True)
class Shown:
    """What pages showed a person: the exchanges by path, and the addresses that they lead to, each with whether a form posts to it."""

    pages: dict[str, Exchange]

    def links(self) -> dict[tuple[str, bool], None]:
        """Addresses with an id in their path, in the order in which they stand."""
        found: dict[tuple[str, bool], None] = {}
        for path, page in self.pages.items():
            for kind, text in _LINK.findall(page.response.text[:300_000]):
                try:
                    where = urlsplit(urljoin(path, text))
                except ValueError:
                    continue
                if not where.netloc and any(ID.fullmatch(part) for part in where.path.split("/")):
                    found[where.path, kind.lower() == "action"] = None
        return found

    def show(self, *texts: str) -> bool:
        """Whether one of the texts stands on any of the pages."""
        return any(text in page.response.text for page in self.pages.values() for text in texts)


def asked(target: Target, alice: Identity, bob: Identity) -> Steps[list[Verdict]]:
    """The verdicts on pages and forms that belong to what Alice stored; Bob asks for them under Alice's addresses."""
    nothing: list[Verdict] = []
    if target.mode != "active" or not any(name.lower() == "cookie" for name, _ in alice.headers):
        return nothing
    before = yield from _pages(target, alice)
    if not before.pages:
        return nothing
    marks = yield from _stored(target, alice)
    after, his = (yield from _pages(target, alice)), (yield from _pages(target, bob))
    marks = [one for one in marks if not his.show(one)]
    if not marks:
        return nothing
    found = list[Verdict]()
    hers = [link for link in after.links() if link not in his.links() and not _OUT.search(link[0])]
    for path, _ in [link for link in hers if not link[1]][:LINKS_MOST]:
        verdict = yield from attempt(_read(path, marks, alice, bob))
        found += [verdict] if verdict is not None else []
    new = [path for path, posts in hers if posts and (path, posts) not in before.links()]
    for path in new[:LINKS_MOST] if after.show(*marks) else ():
        verdict = yield from attempt(_sent(target, path, marks, alice, bob, after))
        found += [verdict] if verdict is not None else []
        if verdict is not None and verdict.outcome == "fail":
            break
    return found


def _pages(target: Target, who: Identity) -> Steps[Shown]:
    found: dict[str, Exchange] = {}
    routes = [one for one in target.app.routes if "GET" in one.methods and not one.parameters and not is_door(one)]
    for route in routes[: PAGES_MOST * 3]:
        request = target.request_for(route, "GET")
        page = yield from attempt(send(who.on(replace(request, headers=(("Accept", "text/html"),)))))
        if page is not None and page.response.succeeded and page.response.content_type == "text/html":
            found[request.target.partition("?")[0]] = page
        if len(found) == PAGES_MOST:
            break
    return Shown(found)


def _stored(target: Target, alice: Identity) -> Steps[list[str]]:
    """Random texts that Alice stored by the first few forms that take one."""
    found: list[str] = []
    tried = 0
    for route in [one for one in target.app.routes if _stores(one)]:
        request, marks = marked(target.request_for(route, "POST"), target.canary)
        if not members(request) or not marks:
            continue
        made = yield from attempt(send(alice.on(request)))
        found += marks.values() if made is not None and made.response.status < 400 else ()
        tried += 1
        if tried == STORED_MOST:
            break
    return found


def _stores(route: Route) -> bool:
    return "POST" in route.methods and not route.parameters and not is_door(route) and not REGISTERS.search(route.path)


def _read(path: str, marks: Sequence[str], alice: Identity, bob: Identity) -> Steps[Verdict | None]:
    """A page that only Alice's pages lead to, and that shows what she stored."""
    request = Request("GET", path, (("Accept", "text/html, application/json"),))
    own = yield from send(alice.on(request))
    anonymous = yield from send(request)
    hers = [one for one in marks if one in own.response.text and one not in anonymous.response.text]
    if not own.response.succeeded or not hers:
        return None
    foreign = yield from send(bob.on(request))
    ref = RouteRef("GET", templated(path)[0])
    if not any(one in foreign.response.text for one in hers):
        return passed(f"{ref} does not show bob what alice stored")
    evidence = (
        Evidence("exchange", "control: without a credential the page is not shown", anonymous),
        Evidence("exchange", "control: alice sees what she stored, which no page of bob shows", own),
        Evidence("exchange", "bob opens the same page and sees it", foreign),
    )
    return failed(f"{ref} shows what one user stored to another user who knows its id", (ref,), evidence)


def _sent(
    target: Target, path: str, marks: Sequence[str], alice: Identity, bob: Identity, seen: Shown
) -> Steps[Verdict | None]:
    """A form that came with what Alice stored is sent by Bob; the text is gone from her pages then."""
    headers = (("Accept", "text/html"), ("Content-Type", "application/x-www-form-urlencoded"))
    request = Request("POST", path, headers, b"", "write")
    anonymous = yield from send(request)
    if anonymous.response.succeeded or not (yield from _pages(target, alice)).show(*marks):
        return None
    tried = yield from send(bob.on(request))
    now = yield from _pages(target, alice)
    ref = RouteRef("POST", templated(path)[0])
    if now.show(*marks) or set(now.pages) != set(seen.pages):
        return passed(f"{ref} leaves what alice stored")
    page = next(one for one in seen.pages.values() if any(mark in one.response.text for mark in marks))
    after = now.pages[page.request.target.partition("?")[0]]
    evidence = (
        Evidence("exchange", "control: alice's page shows what she stored", page),
        Evidence("exchange", "control: nobody sends the form, and the text stays", anonymous),
        Evidence("exchange", "bob sends it", tried),
        Evidence("exchange", "alice looks again and the text is gone", after),
    )
    return failed(f"{ref} lets one user change what another user stored", (ref,), evidence)
