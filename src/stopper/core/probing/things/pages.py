"""Pages behind a log-in: what one person stores by a form and finds on pages of its own is looked for there by another."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import SplitResult, parse_qsl, urlencode, urljoin, urlsplit

from stopper.core.account_names import REGISTERS
from stopper.core.app import Route
from stopper.core.exchange import Exchange, Request
from stopper.core.finding import Evidence, Verdict
from stopper.core.keys.random_words import random_mark
from stopper.core.naming import as_parameter
from stopper.core.place import RouteRef
from stopper.core.probe import Identity, Steps, Target, failed, own, passed, send
from stopper.core.probing.accounts.login import is_log_in_form
from stopper.core.probing.accounts.own_values import says_whose
from stopper.core.probing.baseline import attempt, is_door, same, steady
from stopper.core.probing.ids_in_paths import ID, templated
from stopper.core.probing.inputs import members
from stopper.core.probing.page_forms import TOKEN, chosen, forms_of, hrefs
from stopper.core.probing.things import pages_there
from stopper.core.probing.things.objects import marked
from stopper.core.probing.things.references import in_own_name

PAGES_MOST: Final = 8
STORED_MOST: Final = 3
"""Forms by which something is stored."""
LINKS_MOST: Final = 6
_PAGE: Final = re.compile(r"(?i)page|p|offset|limit|per_page|size|start|year|month|day|sort|order")
"""What a number in a query says of a list and of no thing."""
_AWAY: Final = re.compile(
    r"(?i)log-?out|sign-?out|log-?off|deactivate|delete|remove|destroy|cancel|disable|revoke|unsubscribe"
)
"""Links that are not followed: what lies behind them may be gone then."""
_ADDS: Final = re.compile(r"(?i)/(add|create|new|insert|put)(-to-\w+)?/?$")
_FORM: Final = (("Accept", "text/html"), ("Content-Type", "application/x-www-form-urlencoded"))
_OUT: Final = re.compile(r"(?i)log-?out|sign-?out|log-?off|password|account/?$|deactivate")


@dataclass(frozen=True, slots=True)
class Posted:
    """A form that is sent by POST and names one thing by its id, in its address or in a hidden field."""

    path: str
    hidden: tuple[tuple[str, str], ...]
    texts: tuple[tuple[str, str], ...]
    """Fields in which somebody writes, with their types."""
    picked: tuple[tuple[str, str], ...] = ()
    """What somebody picks or counts, as it stands there."""

    @property
    def is_of_an_account(self) -> bool:
        """Whether it changes a person and no thing: Alice's own account stays as it is."""
        mail = any("mail" in f"{name} {kind}".lower() for name, kind in self.texts)
        return mail or any(says_whose(name) for name, _ in self.hidden)

    def body(self, text: str) -> bytes:
        """What a browser sends once *text* is written in every field; tokens against forged requests are left to who sends it."""
        written = dict.fromkeys((name for name, _ in self.texts), text)
        return urlencode({**dict(self.hidden), **dict(self.picked), **written}).encode()


@dataclass(frozen=True, slots=True)
class Shown:
    """What pages showed a person: the exchanges by path, and what they lead to."""

    pages: dict[str, Exchange]

    def links(self) -> dict[str, None]:
        """Addresses with an id in their path or their query, in the order in which they stand."""
        found: dict[str, None] = {}
        for path, page in self.pages.items():
            for text in hrefs(page.response.text):
                where = _here(path, text)
                if where is not None and (_holds_id(where.path) or _id_in_query(where.query)):
                    found[f"{where.path}?{where.query}" if _id_in_query(where.query) else where.path] = None
        return found

    def forms(self) -> dict[Posted, None]:
        """The forms that name one thing, each once."""
        found: dict[Posted, None] = {}
        for path, page in self.pages.items():
            for form in forms_of(page.response.text):
                where = _here(path, form.action)
                hidden = tuple(
                    (name, value) for name, kind, value in form.fields if kind == "hidden" and not TOKEN.search(name)
                )
                texts = tuple((name, kind) for name, kind, _ in form.fields if kind in ("text", "email", "textarea"))
                named = where is not None and (_holds_id(where.path) or any(ID.fullmatch(value) for _, value in hidden))
                if where is not None and named and not any(kind == "password" for _, kind, _ in form.fields):
                    found[Posted(where.path, hidden, texts, tuple(chosen(form).items()))] = None
        return found

    def show(self, *texts: str) -> bool:
        """Whether one of the texts stands on any of the pages."""
        return any(text in page.response.text for page in self.pages.values() for text in texts)


def _here(path: str, said: str) -> SplitResult | None:
    """Where an address of the page at *path* leads, when it stays on the host."""
    try:
        where = urlsplit(urljoin(path, said))
    except ValueError:
        return None
    return None if where.netloc else where


def _holds_id(path: str) -> bool:
    return any(ID.fullmatch(part) for part in path.split("/"))


def _id_in_query(query: str) -> bool:
    return any(ID.fullmatch(value) and not _PAGE.fullmatch(name) for name, value in parse_qsl(query))


def asked(target: Target, alice: Identity, bob: Identity) -> Steps[list[Verdict]]:
    """The verdicts on pages and forms that belong to what Alice stored; Bob asks for them under Alice's addresses."""
    nothing: list[Verdict] = []
    if target.mode != "active" or not alice.cookies:
        return nothing
    before = yield from _pages(target, alice)
    if not before.pages:
        return nothing
    made, added = (yield from _stored(target, alice)), (yield from _added(target, before, alice))
    after, his = (yield from _pages(target, alice)), (yield from _pages(target, bob))
    marks = [one for one in made if not his.show(one)]
    found = list[Verdict]()
    hers = [link for link in after.links() if link not in his.links() and not _AWAY.search(link)]
    hers.sort(key=lambda link: link in before.links())
    inside: dict[str, Exchange] = {}
    for path in hers[:LINKS_MOST]:
        verdict = yield from attempt(_read(path, marks, alice, bob, inside))
        found += [verdict] if verdict is not None else []
    found += yield from pages_there.asked(before.pages, his.pages, alice, bob)
    if added is not None:
        found += yield from _taken_away(added, (before, after, his), alice, bob)
    if not marks:
        return found
    old = before.links()  # what was there before the scan is read and not changed
    there = Shown({**after.pages, **{path: page for path, page in inside.items() if path not in old}})
    new = [form for form in there.forms() if form not in before.forms() and form not in his.forms()]
    kinds = {(templated(form.path)[0], tuple(name for name, _ in form.hidden)): form for form in new}
    for form in sorted(kinds.values(), key=lambda form: not form.texts)[:LINKS_MOST]:  # what takes away comes last
        below_old = any(form.path.startswith(link.partition("?")[0] + "/") and "?" not in link for link in old)
        if below_old or not there.show(*marks) or _OUT.search(form.path) or form.is_of_an_account:
            continue
        maker = next((made[one] for one in marks if one in made and there.show(one)), None)
        for path, request in [(one, maker) for one in _things_of(form) if maker is not None]:
            yield from own(path, request)  # the form came with what was stored
        verdict = yield from attempt(_sent(target, form, marks, alice, bob, there))
        found += [verdict] if verdict is not None else []
        if verdict is not None and verdict.outcome == "fail":
            there = yield from _again(there, alice)
    return found


def _again(seen: Shown, who: Identity) -> Steps[Shown]:
    """The same pages as they are now; those that are gone are left out."""
    found: dict[str, Exchange] = {}
    for path, page in seen.pages.items():
        answer = yield from attempt(send(replace(page.request, identity=who.name)))
        if answer is not None and answer.response.succeeded:
            found[path] = answer
    return Shown(found)


def _pages(target: Target, who: Identity) -> Steps[Shown]:
    found: dict[str, Exchange] = {}
    written = {one.path for one in target.app.routes if "POST" in one.methods and not is_door(one)}
    readable = [one for one in target.app.routes if "GET" in one.methods and not one.parameters]
    routes = [one for one in readable if not is_door(one) or one.path in written]
    for route in routes[: PAGES_MOST * 3]:
        request = target.request_for(route, "GET")
        request = replace(request, headers=(("Accept", "text/html"),))
        page = yield from attempt(send(who.on(request)))
        led = _here(request.target, page.response.header("Location") or "") if page is not None else None
        if page is not None and page.response.status in (301, 302, 303, 307) and led is not None and led.path != "":
            request = replace(request, target=led.path)
            apart = not _AWAY.search(led.path) and led.path not in found and not led.query
            page = (yield from attempt(send(who.on(request)))) if apart and _holds_id(led.path) else None
        if page is not None and page.response.succeeded and page.response.content_type == "text/html":
            found[request.target.partition("?")[0]] = page
        if len(found) == PAGES_MOST:
            break
    return Shown(found)


def _things_of(form: Posted) -> list[str]:
    """The paths of the thing that a form names: up to the id in its address, else the id of a hidden field below each of its words."""
    parts = form.path.split("/")
    found = ["/".join(parts[: at + 1]) for at, part in enumerate(parts) if ID.fullmatch(part)][:1]
    words = [part for part in parts if part and not _AWAY.fullmatch(part)]
    ids = [(name, value) for name, value in form.hidden if ID.fullmatch(value)]
    nouns = [[as_parameter(name).removesuffix("_id"), *words] for name, _ in ids]
    return found or [f"/{noun}/{value}" for (_, value), some in zip(ids, nouns, strict=True) for noun in some]


def _stored(target: Target, alice: Identity) -> Steps[dict[str, Request]]:
    """Random texts that Alice stored by the first few forms that take one, each with the request."""
    found: dict[str, Request] = {}
    tried = 0
    stores = [one for one in target.app.routes if _stores(one) and not is_log_in_form(one)]
    for route in sorted(stores, key=lambda one: not one.takes_form):
        request, marks = marked(target.request_for(route, "POST"), target.canary)
        if not members(request) or not marks:
            continue
        request = yield from in_own_name(target, request, alice)
        made = yield from attempt(send(alice.on(request)))
        if made is not None and made.response.status < 400:
            found |= dict.fromkeys(marks.values(), made.request)
        tried += 1
        if tried == STORED_MOST:
            break
    return found


def _added(target: Target, seen: Shown, alice: Identity) -> Steps[Exchange | None]:
    """What Alice puts into a list that a page of hers shows, where nothing of it is a text: ``POST /cart/add`` beside ``/cart``."""
    for route in [one for one in target.app.routes if _stores(one) and _ADDS.search(one.path)]:
        request, marks = marked(target.request_for(route, "POST"), target.canary)
        said = members(request)
        if not said or marks or route.path.rpartition("/")[0] not in seen.pages:
            continue
        beside = {
            name: value + 1 for name, value in said.items() if as_parameter(name).endswith("_id") and type(value) is int
        }
        for body in ({**said, **beside}, said):  # what other probes have put there is there already
            made = yield from attempt(send(alice.on(replace(request, body=json.dumps(body).encode()))))
            if made is not None and made.response.went_through:
                return made
    return None


def _taken_away(
    added: Exchange, looks: tuple[Shown, Shown, Shown], alice: Identity, bob: Identity
) -> Steps[list[Verdict]]:
    """The form by which Alice takes out again what she *added*: it came to a page of hers, and stands there no longer once Bob has sent it."""
    before, after, his = looks
    base = added.request.target.rpartition("/")[0]
    new = [one for one in after.forms() if one not in before.forms() and one not in his.forms()]
    forms = [one for one in new if one.path.startswith(f"{base}/") and _AWAY.search(one.path) and not one.texts]
    if len(forms) != 1:
        return []
    for path in _things_of(forms[0]):
        yield from own(path, added.request)  # the form came with what was added
    request = Request("POST", forms[0].path, _FORM, forms[0].body(""), "write")
    anonymous = yield from send(request)
    held = yield from _again(after, alice)
    if anonymous.response.succeeded or forms[0] not in held.forms():
        return []
    tried = yield from send(bob.on(request))
    now = yield from _again(held, alice)
    ref = RouteRef("POST", templated(forms[0].path)[0])
    if forms[0] in now.forms() or set(now.pages) != set(held.pages):
        return [passed(f"{ref} leaves what alice added")]
    where = next(path for path, page in held.pages.items() if forms[0] in Shown({path: page}).forms())
    evidence = (
        Evidence("exchange", "control: alice's page has a form for what she added", held.pages[where]),
        Evidence("exchange", "control: nobody sends the form, and it stays", anonymous),
        Evidence("exchange", "bob sends it", tried),
        Evidence("exchange", "alice looks again and it is gone", now.pages[where]),
    )
    return [failed(f"{ref} lets one user change what another user stored", (ref,), evidence)]


def _stores(route: Route) -> bool:
    return "POST" in route.methods and not route.parameters and not is_door(route) and not REGISTERS.search(route.path)


def _read(
    path: str, marks: Sequence[str], alice: Identity, bob: Identity, inside: dict[str, Exchange]
) -> Steps[Verdict | None]:
    """A page that only Alice's pages lead to, and that shows what she stored, or the form of her account. What she sees there is kept."""
    request = Request("GET", path, (("Accept", "text/html, application/json"),))
    page = yield from send(alice.on(request))
    anonymous = yield from send(request)
    if not page.response.succeeded or same(page.response, anonymous.response):
        return None
    inside[path] = page
    hers = [one for one in marks if one in page.response.text and one not in anonymous.response.text]
    account = [form for form in Shown({path: page}).forms() if form.is_of_an_account]
    if not hers and not account:
        return None
    foreign = yield from send(bob.on(request))
    ref = RouteRef("GET", templated(path.partition("?")[0])[0])
    shows = any(one in foreign.response.text for one in hers)
    if not shows and not (account and foreign.response.succeeded and account[0] in Shown({path: foreign}).forms()):
        return passed(f"{ref} does not show bob what is alice's")
    evidence = (
        Evidence("exchange", "control: without a credential the page is not shown", anonymous),
        Evidence("exchange", "control: alice sees what is hers, which no page of bob leads to", page),
        Evidence("exchange", "bob opens the same page and sees it", foreign),
    )
    what = "stored" if shows else "may change of the own account"
    return failed(f"{ref} shows what one user {what} to another user who knows its id", (ref,), evidence)


def _sent(
    target: Target, form: Posted, marks: list[str], alice: Identity, bob: Identity, seen: Shown
) -> Steps[Verdict | None]:
    """A form that came with what Alice stored is sent by Bob: her text is gone from her pages then, or his stands there. His is one of *marks*
    from then on."""
    text = f"{target.canary}{random_mark(3)}y"
    form = yield from _as_he_fills_it(form, bob)
    request = Request("POST", form.path, _FORM, form.body(text), "write")
    anonymous = yield from send(request)
    if anonymous.response.succeeded:
        return None
    held = yield from _again(seen, alice)
    if held.show(text) or not held.show(*marks):
        return None
    tried = yield from send(bob.on(request))
    now = yield from _again(seen, alice)
    ref = RouteRef("POST", templated(form.path)[0])
    wrote, gone = now.show(text), [one for one in marks if held.show(one) and not now.show(one)]
    lists = [path for path in held.pages if not _holds_id(path) and "?" not in path]
    other = [path for path in held.pages if not form.texts and _says_otherwise(path, marks, (seen, held, now))]
    if not wrote and not other and not (gone and all(path in now.pages for path in lists)):
        return passed(f"{ref} leaves what alice stored")
    marks += [text] if wrote else []
    shown = [one for one in held.pages.values() if any(mark in one.response.text for mark in gone or marks)]
    page = held.pages[other[0]] if other else shown[0]
    after = now.pages.get(page.request.target.partition("?")[0]) or next(iter(now.pages.values()))
    did = "his text stands there" if wrote else "her page says something else" if other else "the text is gone"
    evidence = (
        Evidence("exchange", "control: alice's page shows what she stored", page),
        Evidence("exchange", "control: nobody sends the form, and the text stays", anonymous),
        Evidence("exchange", "bob sends it", tried),
        Evidence("exchange", f"alice looks again and {did}", after),
    )
    return failed(f"{ref} lets one user change what another user stored", (ref,), evidence)


def _as_he_fills_it(form: Posted, bob: Identity) -> Steps[Posted]:
    """*form* with what Bob may pick, where the page at its address shows him that form: his accounts are not Alice's."""
    if not form.picked or not form.texts:
        return form
    page = yield from attempt(send(bob.on(Request("GET", form.path, (("Accept", "text/html"),)))))
    his = Shown({form.path: page}).forms() if page is not None and page.response.succeeded else {}
    return next((one for one in his if one.path == form.path and one.texts == form.texts), form)


def _says_otherwise(path: str, marks: Sequence[str], looks: tuple[Shown, Shown, Shown]) -> bool:
    """Whether a page that shows what Alice stored said the same twice, and something else now."""
    pages = [one.pages.get(path) for one in looks]
    texts = [steady(one.response.text) for one in pages if one is not None]
    shown = all(one is not None and any(mark in one.response.text for mark in marks) for one in pages)
    return shown and texts[0] == texts[1] != texts[2]
