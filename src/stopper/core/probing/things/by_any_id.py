"""What is Alice's alone is read by Bob wherever an id of that kind is taken: in a path, a query or a body, whatever the route is called."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import quote

from stopper.core.app import Route
from stopper.core.exchange import Exchange, Request
from stopper.core.finding import Evidence, Verdict
from stopper.core.naming import as_parameter
from stopper.core.owner_names import ADMIN_PATH, PERSON, PRIVATE
from stopper.core.personal import addresses_in, people_in
from stopper.core.place import RouteRef
from stopper.core.probe import Identity, Steps, Target, failed, passed, send
from stopper.core.probing.accounts.own_values import BELONGS, SELF, own_numbers, says_what_is_owned
from stopper.core.probing.accounts.registration import newcomer
from stopper.core.probing.baseline import alike as same_form
from stopper.core.probing.baseline import attempt, is_door, same, same_but_for_the_caller
from stopper.core.probing.inputs import members
from stopper.core.probing.query import query_names, with_query
from stopper.core.probing.things import kinds_by_noun as by_noun
from stopper.core.probing.things import searches
from stopper.core.probing.things.known import (
    ACCOUNTS,
    READS,
    Known,
    named_in,
    names_of,
    only_hers,
    own_readings,
    plain_readings,
    told_apart_at_the_door,
    words_of,
)
from stopper.core.probing.things.nouns import alike, names_an_id, noun_of, nouns_before, nouns_of_name
from stopper.core.probing.things.objects import entries, plain_members
from stopper.core.probing.things.read_below import same_whatever, unknown

_MANY: Final = frozenset({"batch", "bulk", "multi", "many", "mass", "set", "selection", "zip", "archive", "file"})
"""What a path says of several things at once, and not of which."""
LEAST: Final = 8
"""Letters of such an id."""
PLACES_MOST: Final = 16
LISTS_MOST: Final = 6
_OF_AN_ACCOUNT: Final = re.compile(
    r"(?i)(^|[/_-])(balances?|statements?|transactions?|history|investments?|savings?|deposits?|transfers?|saldo|extrato)([/_-]|$)"
)
"""What a path says beside an account that is one of money."""
_NOBODY_ELSES: Final = frozenset({
    "account", "order", "invoice", "payment", "transaction", "statement", "card", "wallet", "loan", "balance", "booking", "reservation", "appointment", "prescription",
    "payslip", "salary", "claim", "purchase", "transfer", "pet", "patient", "subscription", "bill", "budget", "expense",
})  # fmt: skip
"""Nouns of what nobody else has to do with, credential or none."""
SAID_MOST: Final = 6
IDS_MOST: Final = 2
"""Ids of Alice's that are tried at one place."""
_WHOSE: Final = ("user_id", "userId", "user", "uid", "owner_id", "account_id", "customer_id", "id")
"""Names of a query by which somebody else's things may be asked for."""


@dataclass(frozen=True, slots=True)
class Place:
    """One input that takes an id: of which route, under what name, and what it is an id of."""

    route: Route
    method: str
    name: str
    where: str
    nouns: frozenset[str]

    @property
    def ref(self) -> RouteRef:
        """The route-method that takes it."""
        return RouteRef(self.method, self.route.path)

    @property
    def is_nobody_elses(self) -> bool:
        """Whether it takes the id of what nobody else has to do with, by every word of the noun: a flash card is no card."""
        return any(_NOBODY_ELSES.issuperset(noun.split("_")) for noun in self.nouns)

    def given(self, target: Target, value: int | str, hers: list[Known]) -> Request:
        """The honest request with that id; other ids in the path are Alice's too."""
        honest = target.request_for(self.route, self.method)
        if self.where == "query":
            return with_query(honest, self.name, str(value))
        if self.where == "body":
            said = members(honest)
            spelled: object = (
                str(value) if isinstance(said.get(self.name), str) and not _is_a_sample(said[self.name]) else value
            )
            many = isinstance(said.get(self.name), list) or as_parameter(self.name).endswith("ids")
            body = {**said, self.name: [spelled] if many else spelled}
            return replace(honest, body=json.dumps(body).encode(), effect="write")
        path, query = honest.target.partition("?")[0].split("/"), honest.target.partition("?")[2]
        said_path = self.route.path.split("/")
        shift = len(path) - len(said_path)
        for at, part in enumerate(said_path):
            name = part.strip("{}")
            if part == f"{{{self.name}}}":
                path[at + shift] = quote(str(value), safe="")
            elif part.startswith("{") and (other := _one_of(hers, nouns_before(self.route.path, name))) is not None:
                path[at + shift] = quote(other.text, safe="")
        return replace(honest, target="/".join(path) + (f"?{query}" if query else ""))


def _is_a_sample(value: object) -> bool:
    return isinstance(value, str) and value.startswith("text ")


def asked(target: Target, alice: Identity, bob: Identity, settled: set[str]) -> Steps[list[Verdict]]:
    """The verdicts on places that take an id of a kind of which Alice has one; what is *settled* by its method and path is not asked again."""
    found: list[Verdict] = []
    places = [one for one in _places(target) if str(one.ref) not in settled]
    if not places and not own_readings(target):
        return found
    hers = yield from only_hers(target, alice, bob)
    if (yield from _made_one_of(target, [one for one in places if not _candidates(one, hers)], alice)):
        hers = yield from only_hers(target, alice, bob)
    wanted = [(place, _candidates(place, hers)) for place in places]
    for place, some in [pair for pair in wanted if pair[1]][:PLACES_MOST]:
        for one in some[:IDS_MOST]:
            verdict = yield from attempt(_read(target, place, one, hers, alice, bob))
            found += [verdict] if verdict is not None else []
            if verdict is not None:
                break
    found += yield from _of_new_accounts(target, [place for place, some in wanted if not some])
    lists = [
        pair
        for pair in own_readings(target)
        if not SELF.search(pair[0].path) and f"{pair[1]} {pair[0].path}" not in settled
    ]
    for route, method in lists[:LISTS_MOST]:
        verdict = yield from attempt(_under_a_guessed_name(target, route, method, hers, alice, bob))
        found += [verdict] if verdict is not None else []
    for route in [one for one in plain_readings(target) if f"GET {one.path}" not in settled and not one.names][
        :LISTS_MOST
    ]:
        verdict = yield from attempt(_by_a_guessed_id(target, route, hers, alice, bob))
        found += [verdict] if verdict is not None else []
    found += yield from searches.asked(target, hers, alice, bob, settled)
    for route in _lists_of_all(target)[:IDS_MOST]:
        verdict = yield from attempt(_shows_hers(target, route, hers, bob))
        found += [verdict] if verdict is not None else []
    found += yield from by_noun.asked(target, hers, alice, bob, settled)
    found += yield from by_noun.as_it_stands(
        target, hers, alice, bob, settled | {str(ref) for one in found for ref in one.routes}
    )
    return found


def _made_one_of(target: Target, places: list[Place], alice: Identity) -> Steps[bool]:
    """Whether Alice has made one of what these places take, of which she had none: by a form that asks for no text, say."""
    done = False
    lacking = dict.fromkeys(place.nouns for place in places if place.method == "GET")
    for route in [one for nouns in lacking for one in by_noun.makers(target, nouns)[:1]][
        : IDS_MOST if target.mode == "active" else 0
    ]:
        made = yield from attempt(send(alice.on(target.request_for(route, "POST"))))
        done = done or (made is not None and made.response.went_through)
    return done


def _of_new_accounts(target: Target, places: list[Place]) -> Steps[list[Verdict]]:
    """The verdicts on places that take what only a registration tells, of two people whom the scan has registered."""
    found: list[Verdict] = []
    places = [one for one in places if one.method == "GET" and one.is_nobody_elses]
    first = (yield from newcomer(target, "first")) if places and target.mode == "active" else None
    second = (yield from newcomer(target, "second")) if first is not None else None
    if first is None or second is None:
        return found
    told = told_apart_at_the_door(target, first.made, second.made)
    wanted = [(place, _candidates(place, told)) for place in places]
    for place, some in [pair for pair in wanted if pair[1]][:IDS_MOST]:
        verdict = yield from attempt(_read(target, place, some[0], told, first.person, second.person))
        found += [verdict] if verdict is not None else []
    return found


def _places(target: Target) -> Iterator[Place]:
    for route in target.app.routes:
        if is_door(route) or ADMIN_PATH.search(route.path):
            continue
        if "GET" in route.methods and route.parameters and route.path.count("{") == len(route.parameters):
            name = route.parameters[-1][0]
            nouns = nouns_before(route.path, name)
            if not nouns & ACCOUNTS or _OF_AN_ACCOUNT.search(route.path):
                yield Place(route, "GET", name, "path", nouns)
        elif "GET" in route.methods and not route.parameters:
            names = dict.fromkeys((*query_names(target.request_for(route, "GET")), *route.names))
            yield from (Place(route, "GET", name, "query", _nouns_at(route, name)) for name in list(names)[:4])
        if "POST" in route.methods and not route.parameters and READS & words_of(route):
            for name in [one for one in members(target.request_for(route, "POST")) if names_an_id(one)][:2]:
                yield Place(route, "POST", name, "body", _nouns_at(route, name))


def _nouns_at(route: Route, name: str) -> frozenset[str]:
    return nouns_of_name(name) or (noun_of(route.path) if names_an_id(name) else frozenset())


def _candidates(place: Place, hers: list[Known]) -> list[Known]:
    kind = dict(place.route.parameters).get(place.name, "")
    fit = [one for one in hers if alike(one.nouns, place.nouns) and ("int" not in kind or one.text.isdigit())]
    if (
        place.where == "body" and not place.nouns - _MANY
    ):  # nothing says of what: an id that is no number is no other thing's
        fit = [one for one in hers if one.of_itself and not one.text.isdigit() and len(one.text) >= LEAST]
    return [one for one in fit if one.of_itself or any(PRIVATE.search(f"/{noun}") for noun in place.nouns)]


def _one_of(hers: list[Known], nouns: frozenset[str]) -> Known | None:
    return next((one for one in hers if one.of_itself and alike(one.nouns, nouns)), None)


def _read(
    target: Target, place: Place, one: Known, hers: list[Known], alice: Identity, bob: Identity
) -> Steps[Verdict | None]:
    """Alice reads by her id, Bob gets the same; nobody does without a credential, and an id that nobody has gives something else."""
    read = place.given(target, one.value, hers)
    own = yield from send(alice.on(read))
    if not own.response.succeeded or not own.response.body:
        return None
    foreign = yield from send(bob.on(read))
    if not foreign.response.succeeded or not same_but_for_the_caller(own.response, foreign.response):
        return passed(f"{place.ref} gives bob nothing by alice's {place.name}")
    anonymous = yield from send(read)
    nothing = unknown(one.text)
    nobodys = yield from send(
        bob.on(place.given(target, int(nothing) if isinstance(one.value, int) else nothing, hers))
    )
    if same_whatever(nobodys, nothing, own, one.text):
        return None
    of_money = _OF_AN_ACCOUNT.search(place.route.path) is not None
    if same_form(own.response, anonymous.response):
        said = own.response.json()
        texts = own.response.text if said is None else [one for _, one in plain_members(said)]
        profile = alice.subject is not None and alice.subject in texts
        shows = not profile or says_what_is_owned(said)
        is_open = shows and same(own.response, anonymous.response) and one.of_itself and place.is_nobody_elses
        return _to_anybody(place, one, nobodys, own, anonymous) if is_open else None
    if any(map(PERSON.search, place.nouns)) and not of_money and not _says_who(own):
        return None
    evidence = (
        Evidence("exchange", "control: alice's answers name that id, and bob's do not", one.seen),
        Evidence("exchange", "control: without a credential it is not shown", anonymous),
        Evidence("exchange", "control: under an id that nobody has stands something else", nobodys),
        Evidence("exchange", "control: alice reads it", own),
        Evidence("exchange", "bob asks with the same id and gets the same", foreign),
    )
    message = f"{place.ref} shows what belongs to one user to another user who knows its id"
    return failed(message, (place.ref,), evidence, None if PRIVATE.search(place.route.path) else "medium")


def _to_anybody(place: Place, one: Known, nobodys: Exchange, own: Exchange, anonymous: Exchange) -> Verdict:
    evidence = (
        Evidence("exchange", "control: alice's answers name that id, and bob's do not", one.seen),
        Evidence("exchange", "control: under an id that nobody has stands something else", nobodys),
        Evidence("exchange", "control: alice reads it", own),
        Evidence("exchange", "without a credential the same is shown", anonymous),
    )
    message = f"{place.ref} shows what belongs to one user to anybody who knows its id, without a credential"
    return failed(message, (place.ref,), evidence)


def _says_who(own: Exchange) -> bool:
    return any(True for _ in people_in(own.response.json())) or bool(addresses_in(own.response.text))


# -- names that nothing tells ------------------------------------------------------------------------------------------------------


def _under_a_guessed_name(
    target: Target, route: Route, method: str, known: list[Known], alice: Identity, bob: Identity
) -> Steps[Verdict | None]:
    """``/lab-results?patient_id=2``: a list of each one's own shows Bob what is Alice's where he sends her number, under a usual name or one by
    which the API itself says whose a thing is."""
    request, ref = target.request_for(route, method), RouteRef(method, route.path)
    own, his = (yield from send(alice.on(request))), (yield from send(bob.on(request)))
    if not own.response.succeeded or not his.response.succeeded or not _apart(target, route, own, his):
        return None
    names = yield from _names_of_hers(target, (own, *(one.seen for one in known)), known, alice, bob)
    if not names or not _is_hers((yield from send(bob.on(_with(request, names)))), own, his):
        return None
    for name, value in names.items():
        seen = yield from send(bob.on(_with(request, {name: value})))
        if _is_hers(seen, own, his):
            evidence = (
                Evidence("exchange", "control: alice reads what is hers", own),
                Evidence("exchange", "control: bob reads his own", his),
                Evidence("exchange", f"bob sends {name}={value} and reads what alice does", seen),
            )
            message = f"{ref} shows what belongs to one user to another user who sends its {name}"
            return failed(message, (ref,), evidence)
    return None


def _names_of_hers(
    target: Target, answers: Sequence[Exchange], known: list[Known], alice: Identity, bob: Identity
) -> Steps[dict[str, str]]:
    """Names by which somebody's things may be asked for, each with what says that they are Alice's: her number, her name, her company."""
    hers, other = (yield from own_numbers(target, alice, "user_id")), (yield from own_numbers(target, bob, "user_id"))
    number = next((one for kind, one in hers.items() if other.get(kind) not in (None, one)), None)
    found: dict[str, str] = {}
    for value in (number, alice.subject):
        found |= dict.fromkeys(_said_of(value, answers), value) if value is not None else {}
    teams = [one for one in known if isinstance(one.value, str) and any(map(BELONGS.fullmatch, one.nouns))]
    for one in teams[:1]:
        noun = min(one.nouns, key=len)
        found |= {noun: one.text, f"{noun}_id": one.text}
    usual = number if number is not None else alice.subject
    return {**found, **({name: usual for name in _WHOSE if name not in found} if usual is not None else {})}


def _said_of(whose: str, answers: Iterable[Exchange]) -> list[str]:
    """The names under which answers say the number or the name of a person, but for that of an id alone."""
    found = dict[str, None]()
    for one in answers:
        for name, value in plain_members(one.response.json()):
            said = as_parameter(name)
            if str(value) == whose and (nouns_of_name(name) if whose.isdigit() else PERSON.search(said)):
                found.setdefault(name)
    return list(found)[:SAID_MOST]


def _with(request: Request, names: Mapping[str, str]) -> Request:
    if request.method == "GET":
        for name, value in names.items():
            request = with_query(request, name, value)
        return request
    said = {name: int(value) if value.isdigit() else value for name, value in names.items()}
    return replace(request, body=json.dumps({**members(request), **said}).encode())


def _apart(target: Target, route: Route, own: Exchange, his: Exchange) -> bool:
    """Whether both are lists, hers with something in it, and nothing of it in his."""
    nouns, names = noun_of(route.path), names_of(target)
    mine, others = (named_in(one, nouns, names) for one in (own, his))
    known = {one.text for one in others if one.of_itself}
    numbers = {one.text for one in mine if one.of_itself}
    return bool(numbers) and not known & numbers and bool(entries(own.response.json()))


def _is_hers(seen: Exchange, own: Exchange, his: Exchange) -> bool:
    return seen.response.succeeded and same(seen.response, own.response) and not same(seen.response, his.response)


def _by_a_guessed_id(
    target: Target, route: Route, hers: list[Known], alice: Identity, bob: Identity
) -> Steps[Verdict | None]:
    """``/receipt``, which says without a query that no order was found: the id of one of Alice's is sent as such ids are called."""
    request = target.request_for(route, "GET")
    if "?" in request.target:
        return None
    refused = yield from send(alice.on(request))
    if refused.response.status not in (400, 404, 422):
        return None
    said = f"{refused.response.text[:500]} {as_parameter(route.path)}".lower()
    for one in [one for one in hers if one.of_itself and any(noun in said for noun in one.nouns)][:IDS_MOST]:
        noun = min(one.nouns, key=len)
        names = [f"{noun}_id", f"{noun}Id", noun, "id", f"{noun}_no", f"{noun}_number"]
        seen = yield from send(alice.on(_with(request, dict.fromkeys(names, one.text))))
        for name in names if seen.response.succeeded else ():
            alone = yield from send(alice.on(_with(request, {name: one.text})))
            if alone.response.succeeded:
                place = Place(route, "GET", name, "query", one.nouns)
                return (yield from _read(target, place, one, hers, alice, bob))
    return None


def _lists_of_all(target: Target) -> list[Route]:
    """What a POST lists of everybody by its path: ``/api/listAllOrders``."""
    posts = [one for one in target.app.routes if "POST" in one.methods and not one.parameters and not is_door(one)]
    return [one for one in posts if words_of(one) & READS and words_of(one) & {"all", "every", "everything"}]


def _shows_hers(target: Target, route: Route, hers: list[Known], bob: Identity) -> Steps[Verdict | None]:
    request, ref = target.request_for(route, "POST"), RouteRef("POST", route.path)
    seen = yield from send(bob.on(request))
    shown = named_in(seen, noun_of(route.path), names_of(target)) if seen.response.succeeded else []
    one = next((each for each in hers if each.of_itself and each.is_one_of(shown)), None)
    if one is None:
        return None
    anonymous = yield from send(request)
    if same_form(anonymous.response, seen.response):
        return None
    evidence = (
        Evidence("exchange", "control: alice's own list names a thing, and bob's does not", one.seen),
        Evidence("exchange", "control: without a credential nothing is listed", anonymous),
        Evidence("exchange", "bob is listed what is hers", seen),
    )
    return failed(f"{ref} shows one user what others stored, which no list of his own does", (ref,), evidence)
