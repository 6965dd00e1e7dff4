"""Pages of what one person has already: each person's pages lead to other things of one kind, and somebody else opens what only one's lead to."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from html import unescape
from typing import Final
from urllib.parse import parse_qsl, unquote, urlencode, urljoin, urlsplit

from stopper.core.exchange import Exchange, Request
from stopper.core.finding import Evidence, Verdict
from stopper.core.place import RouteRef
from stopper.core.probe import Identity, Steps, failed, passed, send
from stopper.core.probing.baseline import attempt, same, same_but_for_the_caller, steady
from stopper.core.probing.ids_in_paths import ID, templated
from stopper.core.probing.page_forms import TOKEN, Form, forms_of, hrefs

_PERSONAL: Final = re.compile(
    r"(?i)(^|[/_?&-])(payslips?|salar(y|ies)|invoices?|orders?|statements?|payments?|accounts?|cards?|transactions?|messages?|inbox|receipts?|prescriptions?|"
    r"claims?|appointments?|bookings?|reservations?|contracts?|loans?|documents?|docs?|files?|downloads?|letters?|drafts?|medical|records?|results?|parcels?|"
    r"wallets?|policies|refunds?|purchases?|subscriptions?|certificates?|applications?|settings|preferences|exports?|reports?|grades|tickets?|attachments?|homework|submissions?|scans?|x-?rays?|threads?|"
    r"conversations?|chats?|diary|journal|vouchers?|leases?|timesheets?|shifts?|measurements?|labs?|quotes?|offers?|warranties|visits?|trips?|rides?|shipments?|rentals?|memberships?|addresses|"
    r"transcripts?|enrol?lments?|expenses?|budgets?|"
    r"profile/edit|edit[_-]?profile|edit[_-]?account)([/_?&=.-]|$)|\.(pdf|csv|docx?|xlsx?|txt|zip)($|\?)"
)
"""What one person has and others have no business with."""
_OF_PEOPLE: Final = re.compile(
    r"(?i)(^|/)(profiles?|users?|accounts?|members?|students?|customers?|patients?|employees?|clients?)/…/?$"
)
"""Pages of somebody: public ones as a rule, where nothing stands by which somebody is reached."""
_SERVED: Final = re.compile(r"(?i)(^|/)(clients?|patients?|customers?|students?|residents?|tenants?|cases?)/…/?$")
"""Pages of those whom people look after, to each of whom lead the pages of one."""
_TO_REACH: Final = re.compile(r"[\w.+-]+@[\w-]+\.[\w.]+|\+?\d{9,15}\b")
_AWAY: Final = re.compile(
    r"(?i)log-?out|sign-?out|log-?off|deactivate|delete|remove|destroy|cancel|disable|revoke|unsubscribe"
)
_LISTING: Final = re.compile(r"(?i)page|p|offset|limit|per_page|size|start|year|month|day|sort|order")
"""What a value in a query says of a list and of no thing."""
_TAG: Final = re.compile(r"(?is)<(script|style|head)\b.*?</\1>|<[^>]*>")
_WORD: Final = re.compile(r"[\w@.,:+-]*\w")
_FIELD: Final = re.compile(r"""(?i)\bvalue\s*=\s*["']([^"'<>]{3,100})["']""")
_LOOKS: Final = re.compile(
    r"(?i)(^|[/_-])(preview|show|view|search|look-?up|find|report|export|download|print|statement|receipt|read|details?)([/_-]|$)"
)
"""What a form says by its path that changes nothing."""
_CHOICE: Final = re.compile(
    r"""(?is)<select\b[^>]{0,200}\bname\s*=\s*["']([\w.-]{1,60})["'][^>]{0,200}>(?:(?!</select).){0,300}?<option\b[^>]{0,100}\bvalue\s*=\s*["']([^"'<>]{1,80})["']"""
)
_AREA: Final = re.compile(
    r"""(?is)<textarea\b[^>]{0,200}\bname\s*=\s*["']?([\w.-]{1,60})["']?[^>]{0,200}>\n?([^<]{0,5000})</textarea"""
)
_FORM: Final = (("Accept", "text/html"), ("Content-Type", "application/x-www-form-urlencoded"))
LINKS_MOST: Final = 4
INSIDE_MOST: Final = 2
"""Links of the pages that were opened which are opened as well."""
_NOBODY: Final = "stopper-nobody"


@dataclass(frozen=True, slots=True)
class Seen:
    """What the pages of somebody show."""

    pages: Mapping[str, Exchange]

    def links(self) -> dict[str, None]:
        """The addresses on this host to which they lead, with their query, and their own: a start page may lead to each one's own."""
        return {**dict.fromkeys(self.pages), **self.led()}

    def led(self) -> dict[str, None]:
        """The addresses on this host to which they lead, with their query."""
        found: dict[str, None] = {}
        for path, page in self.pages.items():
            for text in hrefs(page.response.text):
                try:
                    where = urlsplit(urljoin(path, text))
                except ValueError:
                    continue
                if not where.netloc and not where.scheme and not _AWAY.search(text):
                    found[f"{where.path}?{where.query}" if where.query else where.path] = None
        return found

    def without(self, link: str) -> "Seen":
        """The same but for the page to which *link* leads."""
        return Seen({path: page for path, page in self.pages.items() if path != link.partition("?")[0]})

    def words(self) -> set[str]:
        """All that they say."""
        return set[str]().union(*map(_words, self.pages.values()))


@dataclass(frozen=True, slots=True)
class Way:
    """A request for what is Alice's, the same for what is Bob's, and for what is nobody's."""

    hers: Request
    his: Request
    nobodys: Request
    ref: RouteRef


def asked(
    hers: Mapping[str, Exchange], his: Mapping[str, Exchange], alice: Identity, bob: Identity
) -> Steps[list[Verdict]]:
    """The verdicts on what only Alice's pages lead to, and on what lies behind that."""
    found: list[Verdict] = []
    opened: list[tuple[Exchange, Exchange]] = []
    seen, shown = Seen(hers), Seen(_without_others(his, Seen(hers).led(), Seen(his).led()))
    both = pairs(seen.links(), shown.links())
    for link, other in [one for one in both if _PERSONAL.search(_apart(*one))][:LINKS_MOST]:
        found += (yield from attempt(_judged(link, other, (seen, alice), (shown, bob), opened))) or []
    for link, other in [one for one in both if not _PERSONAL.search(_apart(*one))][:INSIDE_MOST]:
        ways = alice.on(_read(link)), bob.on(_read(other))
        opened.append(((yield from send(ways[0])), (yield from send(ways[1]))))
        changes, of_people = _changed_at(opened[-1][0], link), _OF_PEOPLE.search(_apart(link, other))
        served = _SERVED.search(_apart(link, other)) is not None
        if (
            changes
            or served
            or (of_people and _TO_REACH.search(" ".join(_words(opened[-1][0]) - _words(opened[-1][1]))))
        ):
            foreign = yield from send(bob.on(_read(link)))
            if served or not changes or _changed_at(foreign, link) == changes:
                told = yield from attempt(_judged(link, other, (seen, alice), (shown, bob), []))
                found += [one if changes else replace(one, severity="medium") for one in told or []]
    known = {*seen.links(), *shown.links()}
    for own, control in opened:
        inside, beside = ({one.request.target.partition("?")[0]: one} for one in (own, control))
        within = pairs(Seen(inside).links(), Seen(beside).links(), known)
        for link, other in [one for one in within if _PERSONAL.search(_apart(*one))][:INSIDE_MOST]:
            people = (Seen({**hers, **inside}), alice), (Seen({**his, **beside}), bob)
            found += (yield from attempt(_judged(link, other, *people, []))) or []
    for way in _previews(hers, his)[:INSIDE_MOST]:
        found += (yield from attempt(_compared(way, (seen, alice), (shown, bob), []))) or []
    return found


def _without_others(pages: Mapping[str, Exchange], hers: Collection[str], own: Collection[str]) -> dict[str, Exchange]:
    """*pages* without those to which only somebody else's lead, and his own to another of the kind: ``/students/ann`` was asked for because
    it had been found as her."""
    left = [path for path in pages if path in hers and path not in own]
    others = [path for path in left if any(_apart(path, one) for one in own if one not in hers)]
    return {path: page for path, page in pages.items() if path not in others}


def _changed_at(page: Exchange, link: str) -> dict[str, str]:
    """What the forms of the page at *link* hold that change what it shows: fields in which something stands, by the path to which they go."""
    path = link.partition("?")[0]
    found: dict[str, str] = {}
    for form, (plain, texts) in [(one, _standing(one, page)) for one in forms_of(page.response.text)]:
        action = urlsplit(urljoin(link, form.action or link)).path
        if (action == path or action.startswith(f"{path}/")) and not form.asks_password and any(map(plain.get, texts)):
            found[action] = "\n".join(map(plain.__getitem__, texts))
    return found


def _standing(form: Form, page: Exchange) -> tuple[dict[str, str], list[str]]:
    """What stands in the fields of a form, tokens aside, and the names of those in which somebody writes."""
    written = {name: unescape(text) for name, text in _AREA.findall(page.response.text[:200_000])}
    plain = {name: written.get(name, value) for name, _, value in form.fields if not TOKEN.search(name)}
    return plain, [name for name, kind, _ in form.fields if kind in ("text", "email", "tel", "textarea")]


def _previews(hers: Mapping[str, Exchange], his: Mapping[str, Exchange]) -> list[Way]:
    """Forms that show something and change nothing by their path, in which one field has a value of each one's own."""
    found: dict[str, Way] = {}
    for path in [one for one in hers if one in his]:
        mine = {
            urlsplit(urljoin(path, one.action or path)).path: _filled(one, hers[path])
            for one in forms_of(hers[path].response.text)
        }
        yours = {
            urlsplit(urljoin(path, one.action or path)).path: _filled(one, his[path])
            for one in forms_of(his[path].response.text)
        }
        for action, said in mine.items():
            other = yours.get(action, {})
            apart = [name for name in said if said[name] and other.get(name) and said[name] != other[name]]
            if _LOOKS.search(action) and said.keys() == other.keys() and len(apart) == 1:
                nobodys = {**other, apart[0]: _unknown(said[apart[0]])}
                ref = RouteRef("POST", templated(action)[0])
                found.setdefault(action, Way(_post(action, said), _post(action, other), _post(action, nobodys), ref))
    return list(found.values())


def _post(path: str, said: Mapping[str, str]) -> Request:
    return Request("POST", path, _FORM, urlencode(said).encode(), "write")


def _filled(form: Form, page: Exchange) -> dict[str, str]:
    """What a form holds that nobody has to type: hidden fields, tokens aside, and the first of the choices."""
    chosen = dict(_CHOICE.findall(page.response.text[:200_000]))
    hidden = {name: value for name, kind, value in form.fields if kind == "hidden" and not TOKEN.search(name)}
    return {**hidden, **{name: chosen[name] for name, kind, _ in form.fields if kind == "select" and name in chosen}}


def pairs(hers: Iterable[str], his: Iterable[str], known: Iterable[str] = ()) -> list[tuple[str, str]]:
    """The links that only Alice has, of each kind the first, with one of Bob's own that is the same but for one part."""
    left, right = list(hers), list(his)
    shared = {*left} & {*right} | {*known}
    found: dict[str, tuple[str, str]] = {}
    for link in [one for one in left if one not in shared]:
        for other in [one for one in right if one not in shared]:
            kind = _apart(link, other)
            if kind:
                found.setdefault(kind, (link, other))
                break
    return list(found.values())


def _apart(one: str, other: str) -> str:
    """What both links have in common where they differ in one part of the path, or in one value of the query, and in nothing else."""
    (path, _, query), (path2, _, query2) = one.partition("?"), other.partition("?")
    parts, parts2 = path.split("/"), path2.split("/")
    said, said2 = parse_qsl(query), parse_qsl(query2)
    if len(parts) != len(parts2) or [name for name, _ in said] != [name for name, _ in said2]:
        return ""
    ways = [(str(at), left, right) for at, (left, right) in enumerate(zip(parts, parts2, strict=True)) if left != right]
    ways += [(name, left, right) for (name, left), (_, right) in zip(said, said2, strict=True) if left != right]
    if len(ways) != 1 or not all(ways[0]) or _LISTING.fullmatch(ways[0][0]):
        return ""
    return one.replace(ways[0][1], "…")


Somebody = tuple[Seen, Identity]


def _judged(
    link: str, other: str, hers: Somebody, his: Somebody, opened: list[tuple[Exchange, Exchange]]
) -> Steps[list[Verdict]]:
    """What lies behind a link of hers, and what a form there changes."""
    way = Way(_read(link), _read(other), _read(_of_nobody(link, other)), _ref("GET", link, other))
    people = (hers[0].without(link), hers[1]), (his[0].without(link), his[1])
    found = yield from _compared(way, *people, opened)
    if found and found[0].outcome == "fail":
        for form in forms_of(opened[-1][0].response.text):
            found += (yield from attempt(_sent_back(form, link, other, opened[-1][0], his[1]))) or []
    return found


def _read(link: str) -> Request:
    return Request("GET", link, (("Accept", "text/html, application/json"),))


def _compared(way: Way, hers: Somebody, his: Somebody, opened: list[tuple[Exchange, Exchange]]) -> Steps[list[Verdict]]:
    """What the page says that neither Alice's lists nor Bob's page of the kind do, Bob reads as she does."""
    (before, alice), (seen, bob) = hers, his
    own, anonymous = (yield from send(alice.on(way.hers))), (yield from send(way.hers))
    control = yield from send(bob.on(way.his))
    if not own.response.succeeded or not control.response.succeeded:
        return []
    opened.append((own, control))
    plain = _words(control) | _words(anonymous)
    alone = _words(own) - plain - before.words()
    foreign = yield from send(bob.on(way.hers))
    shown = bool(alone) and alone <= _words(foreign)
    if not alone:
        # Her name stands on all her pages: what bob has nowhere else, and not for a page that is not there either.
        sent = _words_of(unquote(f"{way.hers.target} {way.hers.body.decode('utf-8', 'replace')}"))
        more = (_words(own) - plain - seen.words() - sent) & _words(foreign)
        nobodys = yield from send(bob.on(way.nobodys))
        shown = bool(more - _words(nobodys)) or _is_his_own_kind(way, own, control, foreign, nobodys)
    if not foreign.response.succeeded or not shown:
        return [passed(f"{way.ref} does not show bob what is alice's")]
    evidence = (
        Evidence("exchange", "control: without a credential it is not shown", anonymous),
        Evidence("exchange", "control: bob's own of the kind, to which his pages lead, says something else", control),
        Evidence("exchange", "control: alice opens what her pages alone lead to", own),
        Evidence("exchange", "bob opens it and reads what she does", foreign),
    )
    said = f"{way.ref} shows what belongs to one user to another user who knows its id"
    return [failed(said, (way.ref,), evidence)]


def _is_his_own_kind(way: Way, own: Exchange, control: Exchange, foreign: Exchange, nobodys: Exchange) -> bool:
    """Whether a page of what one person has, by its path, says to Bob all that it says to Alice, else than his own of the kind and than one that
    is not there: each word may stand on other pages too."""
    apart = not same(own.response, control.response) and not nobodys.response.succeeded
    told = _PERSONAL.search(way.hers.target) or _SERVED.search(_apart(way.hers.target, way.his.target))
    return bool(told) and apart and same_but_for_the_caller(own.response, foreign.response)


def _sent_back(form: Form, link: str, other: str, own: Exchange, bob: Identity) -> Steps[list[Verdict]]:
    """Bob sends her form with what stands in it already: he is let in, and for somebody who is not there he is not."""
    path, action = link.partition("?")[0], urlsplit(urljoin(link, form.action or link)).path
    nobody = _of_nobody(link, other).partition("?")[0] + action.removeprefix(path)
    plain, names = _standing(form, own)
    texts = [plain[name] for name in names if name in plain]
    below = action == path or (action.startswith(f"{path}/") and not _AWAY.search(action))
    if not below or nobody == action or form.asks_password or not texts or not all(texts):
        return []
    request = _post(action, plain)
    anonymous, nobodys = (yield from send(request)), (yield from send(bob.on(replace(request, target=nobody))))
    if nobodys.response.status < 400:
        return []
    tried = yield from send(bob.on(request))
    again = yield from send(bob.on(replace(own.request, identity=None)))
    ref = _ref("POST", action, other.partition("?")[0] + action.removeprefix(path))
    if not tried.response.went_through or _led(tried) == _led(anonymous) or not _fields(own) <= _fields(again):
        return [passed(f"{ref} refuses bob")]
    evidence = (
        Evidence("exchange", "control: alice's own form", own),
        Evidence("exchange", "control: without a credential it is not taken", anonymous),
        Evidence("exchange", "control: for somebody who is not there it is refused", nobodys),
        Evidence("exchange", "bob sends what stands there already, and it is taken", tried),
    )
    return [failed(f"{ref} lets one user change what belongs to another", (ref,), evidence)]


def _led(answer: Exchange) -> tuple[int, str]:
    return answer.response.status, answer.response.header("Location") or ""


def _fields(page: Exchange) -> set[str]:
    return set(_FIELD.findall(page.response.text)) if page.response.succeeded else set()


def _of_nobody(link: str, other: str) -> str:
    """*link* with something in the place where both differ that nobody has."""
    (path, _, query), (path2, _, _) = link.partition("?"), other.partition("?")
    parts = [
        part if part == own else _unknown(part) for part, own in zip(path.split("/"), path2.split("/"), strict=True)
    ]
    said = dict(parse_qsl(other.partition("?")[2]))
    asks = [(name, value if said.get(name) == value else _unknown(value)) for name, value in parse_qsl(query)]
    return "/".join(parts) + (f"?{urlencode(asks)}" if asks else "")


def _unknown(value: str) -> str:
    return "99999999" if value.isdigit() else _NOBODY


def _ref(method: str, link: str, other: str) -> RouteRef:
    """The route by its template: where both links differ there is a parameter."""
    parts = [
        part if part == own or ID.fullmatch(part) else "{name}"
        for part, own in zip(link.partition("?")[0].split("/"), other.partition("?")[0].split("/"), strict=True)
    ]
    return RouteRef(method, templated("/".join(parts))[0])


def _words(page: Exchange) -> set[str]:
    """The words and numbers of a page that say something and do not change by themselves, with what stands in its fields."""
    text = page.response.text
    said = " ".join(_FIELD.findall(text)) if page.response.content_type == "text/html" else ""
    return _words_of(steady(f"{_TAG.sub(' ', text)} {said}"))


def _words_of(text: str) -> set[str]:
    return {word for word in _WORD.findall(text) if len(word) > 2 and "~" not in word}
