"""Whose data a request is about stands in its query or its body: a person sends the number of another."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from stopper.core.app import Route
from stopper.core.exchange import Exchange, Request
from stopper.core.finding import Evidence, Verdict
from stopper.core.naming import as_parameter
from stopper.core.owner_names import OWN_ACCOUNT, PERSON, PRIVATE, WHOSE_ID
from stopper.core.place import RouteRef
from stopper.core.probe import Identity, Steps, Target, failed, passed, send
from stopper.core.probing.accounts.own_values import BELONGS, NAMES_SOMEBODY, own_numbers, says_whose, told_apart
from stopper.core.probing.accounts.told_by_pages import told_by_pages
from stopper.core.probing.baseline import alike, is_door, same, same_but_for_the_caller
from stopper.core.probing.inputs import members
from stopper.core.probing.query import query_names, with_query
from stopper.core.probing.things.foreign import made
from stopper.core.probing.things.kinds import Kind, Thing, entry_of, entry_with, kinds, makes_things, new_id, route_at
from stopper.core.probing.things.nouns import names_an_id
from stopper.core.probing.things.objects import as_id, inner_object, marked, plain_members
from stopper.core.probing.things.read_below import same_whatever, unknown
from stopper.core.probing.things.references import in_own_name, made_with, references

_ASKS: Final = re.compile(r"(?i)request|invit|join|appl(y|ication)|report|follow|claim|redeem|pair|subscri|vote|like")
"""Paths at which somebody asks to be let in, or says something of what is another's."""
_BETWEEN: Final = re.compile(
    r"(?i)request|invit|join|follow|pair|subscri|friend|shar(e|ing)|assign|member|grant|block|contact|connect|like"
)
"""Paths of what one person has to do with another."""
_MAKES_IT: Final = re.compile(r"(sender|from|from_user|author|creator|created_by|posted_by|owner)(_?(id|uuid))?")
"""Members that say who has made a thing, and never for whom."""
_MAKER: Final = re.compile(
    r"(user|owner|author|creator|created_by|posted_by|username|from|sender|account|member|reviewer|poster|reporter|requester|submitter|organi[sz]er|host|seller)(_?(id|uuid|name))?"
)
"""What says who made a thing, as members are spelled: for a patient or a customer others make things too."""


TELLING_LEAST: Final = 4
"""Letters of what somebody is told of himself by which a thing says that it is his."""


def _says_who_made_it(name: str, makers: re.Pattern[str], sent: dict[str, object]) -> bool:
    """Whether a member says who has made a thing: by its name, or as the id of a person that nobody has sent."""
    said = as_parameter(name)
    return makers.fullmatch(said) is not None or (
        said.endswith("_id") and name not in sent and PERSON.search(said) is not None
    )


_GIVEN_TO: Final = re.compile(
    r"(^|_)(to|for|assignee|recipient|receiver|reviewer|approver|invitee|id|uuid)($|_)|assigned|shared"
)
"""What says to whom a thing is given, who may be anybody."""


def queries(target: Target) -> Iterator[tuple[Route, str]]:
    """The reading routes whose query may say whose data is wanted, each with that name."""
    for route in target.app.routes:
        if "GET" in route.methods and not route.parameters and not is_door(route):
            for name in dict.fromkeys((*query_names(target.request_for(route, "GET")), *route.names)):
                called = NAMES_SOMEBODY.fullmatch(as_parameter(name)) and _is_of_ones_own(route.path)
                if says_whose(name) or BELONGS.fullmatch(as_parameter(name)) or called:
                    yield route, name


def _is_of_ones_own(path: str) -> bool:
    """Whether things of one person are there: people are looked for by what they are called."""
    last = path.rstrip("/").rpartition("/")[2]
    return bool(PRIVATE.search(f"/{last}")) and not PERSON.search(last)


def read_by_query(target: Target, route: Route, name: str, alice: Identity, bob: Identity) -> Steps[Verdict | None]:
    """``/transactions?account_number=…``: Bob asks with Alice's number and gets what she gets."""
    found: Verdict | None = None
    for hers, his in (yield from _numbers(target, name, alice, bob)):
        found = (yield from _read_by(target, route, name, (alice, hers), (bob, his))) or found
        if found is not None and found.outcome == "fail":
            break
    return found


def _numbers(target: Target, name: str, alice: Identity, bob: Identity) -> Steps[list[tuple[str, str]]]:
    """The numbers of both people by what is known of them, and by what pages call them (``/wishlist?user=2`` of somebody with a name)."""
    found = [pair for pair in ((yield from _both(target, name, alice, bob)),) if pair is not None]
    said = as_parameter(name)
    hers, his = (yield from told_by_pages(target, alice)), (yield from told_by_pages(target, bob))
    if said in hers and his.get(said) not in (None, hers[said]) and (hers[said], his[said]) not in found:
        found.append((hers[said], his[said]))
    apart = (yield from told_apart(target, alice, bob)).get(said) if not found else None
    if apart is None and not found and target.mode == "active":
        apart = yield from _said_by_things(target, said, alice, bob)
    return [*found, apart] if apart is not None else found


def _said_by_things(target: Target, name: str, alice: Identity, bob: Identity) -> Steps[tuple[str, str] | None]:
    """The numbers of both by what the answers say to what they make: a note with its ``user_id``."""
    for kind in [one for one in kinds(target) if one.create_route is not None][:1]:
        hers, his = (yield from made(target, kind, alice, bob)), (yield from made(target, kind, bob, alice))
        told = [plain_members(one.made.response.json()) if one is not None else [] for one in (hers, his)]
        said = [next((as_id(value) for each, value in one if as_parameter(each) == name), None) for one in told]
        if said[0] is not None and said[1] is not None and said[0] != said[1]:
            return said[0], said[1]
    return None


def _read_by(
    target: Target, route: Route, name: str, her: tuple[Identity, str], him: tuple[Identity, str]
) -> Steps[Verdict | None]:
    (alice, hers), (bob, his) = her, him
    request, ref = target.request_for(route, "GET"), RouteRef("GET", route.path)
    read = with_query(request, name, hers)
    own, anonymous = (yield from send(alice.on(read))), (yield from send(read))
    if not own.response.succeeded or alike(own.response, anonymous.response):
        return None
    under_his = yield from send(bob.on(with_query(request, name, his)))
    nobodys = yield from send(alice.on(with_query(request, name, unknown(hers))))
    if same_whatever(own, hers, nobodys, unknown(hers)) or same(own.response, under_his.response):
        return None  # the number says nothing, or there is nothing to see under it
    foreign = yield from send(bob.on(read))
    if not foreign.response.succeeded or not same_but_for_the_caller(own.response, foreign.response):
        return passed(f"{ref} gives bob nothing by alice's {name}")
    evidence = (
        Evidence("exchange", "control: without a credential it is not shown", anonymous),
        Evidence("exchange", f"control: under bob's own {name} stands something else", under_his),
        Evidence("exchange", "control: alice reads what is hers", own),
        Evidence("exchange", f"bob asks with alice's {name} and gets the same", foreign),
    )
    return failed(f"{ref} shows what belongs to one user to another user who sends its {name}", (ref,), evidence)


def kept_in_her_name(
    target: Target, create: Route, listed: Route | None, alice: Identity, bob: Identity
) -> Steps[Verdict | None]:
    """``POST /notes {"user_id": …}``: what Bob stores stands in Alice's list and not in his."""
    listed = listed or route_at(target, create.path, "GET")
    if target.mode != "active" or listed is None:
        return None
    request, marks = marked(target.request_for(create, "POST"), target.canary)
    name = next((one for one in members(request) if says_whose(one)), None)
    tells = bool(marks) or (not _BETWEEN.search(create.path) and _says_more_than_ids(request))
    numbers = (yield from _both(target, name, alice, bob)) if name is not None and tells else None
    if numbers is None or name is None:
        return None
    number: object = int(numbers[0]) if isinstance(members(request)[name], int) and numbers[0].isdigit() else numbers[0]
    body = json.dumps({**members(request), name: number}).encode()
    texts = [text for field, text in marks.items() if field != name]
    answer = yield from send(bob.on(replace(request, body=body)))
    new = new_id(answer, "id") if not texts and answer.response.succeeded else None
    if answer.response.refused or answer.response.status >= 400 or not (texts or new):
        return passed(f"POST {create.path} refuses another's {name}")
    lists = target.request_for(listed, "GET")
    hers, his = (yield from send(alice.on(lists))), (yield from send(bob.on(lists)))
    anonymous = yield from send(lists)
    ref = RouteRef("POST", create.path)
    shared = entry_with(his, iter(texts)) if texts and his.response.succeeded else None
    if shared is not None and str(shared.get(name)) == numbers[0]:
        return (yield from _said_to_be_hers(ref, (request, name), (number, numbers[1]), (answer, his), bob))
    on_a_page = hers.response.content_type == "text/html" and any(text in hers.response.text for text in texts)
    if not (on_a_page or _lists_it(hers, texts, new)) or not his.response.succeeded or _lists_it(his, texts, new):
        return passed(f"{ref} keeps what bob stores for bob")
    if any(text in his.response.text for text in texts):
        return passed(f"{ref} keeps what bob stores for bob")
    if _lists_it(anonymous, texts, new) or any(text in anonymous.response.text for text in texts):
        return None
    evidence = (
        Evidence("exchange", f"bob stores {'a random text' if texts else 'a thing'} with alice's {name}", answer),
        Evidence("exchange", "alice's own list holds it", hers),
        Evidence("exchange", "control: bob's own list does not", his),
    )
    return failed(f"{ref} lets one user store something as another, by {name}", (ref,), evidence)


def _said_to_be_hers(
    ref: RouteRef, asked: tuple[Request, str], whose: tuple[object, str], seen: tuple[Exchange, Exchange], bob: Identity
) -> Steps[Verdict | None]:
    """What all are shown says that it is Alice's, and Bob has made it; in his own name it is his. Somebody may be meant to be given it."""
    (request, name), (hers, his), (answer, listed) = asked, whose, seen
    said = {**members(request), name: int(his) if isinstance(hers, int) and his.isdigit() else his}
    control = yield from send(bob.on(replace(request, body=json.dumps(said).encode())))
    if _BETWEEN.search(ref.path) or not control.response.succeeded:
        return None
    evidence = (
        Evidence("exchange", "control: bob stores something in his own name", control),
        Evidence("exchange", f"bob stores a random text with alice's {name}", answer),
        Evidence("exchange", "the list shows it as hers", listed),
    )
    return failed(f"{ref} lets one user store something as another, by {name}", (ref,), evidence, "medium")


def _says_more_than_ids(request: Request) -> bool:
    """Whether what is made says something of its own: a payslip its salary; what brings two people together says who they are, and no more."""
    return any(not says_whose(name) and not names_an_id(name) for name in members(request))


def _lists_it(listed: Exchange, texts: list[str], number: str | None) -> bool:
    """Whether a list holds what was just stored: by its texts, or by its id where it has none."""
    if not listed.response.succeeded:
        return False
    return entry_with(listed, iter(texts)) is not None or (
        number is not None and entry_of(listed, "id", number) is not None
    )


def collections(target: Target) -> list[tuple[Route, Kind | None]]:
    """The routes that make things, with the kind of these: those of kinds that are known, those that list at the same path what they made,
    and those whose things are listed elsewhere (``/reviews`` at ``/products/5/reviews``)."""
    known: list[tuple[Route, Kind | None]] = [
        (one.create_route, one) for one in kinds(target) if one.create_route is not None
    ]
    plain = [one for one in target.app.routes if "POST" in one.methods and not one.parameters and not is_door(one)]
    others = [one for one in plain if route_at(target, one.path, "GET") and not OWN_ACCOUNT.search(one.path)]
    below = {
        one.path.rstrip("/").rpartition("/")[2]
        for one in target.app.routes
        if "GET" in one.methods and "}/" in one.path
    }
    more = [one for one in plain if one not in others and makes_things(one)]
    others += [one for one in more if one.path.rstrip("/").rpartition("/")[2] in below]
    paths = {route.path for route, _ in known}
    return [*known, *((one, None) for one in others if one.path not in paths)]


def made_by_another(
    target: Target, create: Route, kind: Kind | None, alice: Identity, bob: Identity
) -> Steps[Verdict | None]:
    """``POST /reviews {"user_id": …}``: what Bob makes is shown as Bob's, and as Alice's where he says so."""
    request, marks = marked(target.request_for(create, "POST"), target.canary)
    plain = {name: value for name, value in members(request).items() if not says_whose(name)}
    makers, private = _MAKER, kind is None
    if kind is not None and len(plain) == len(members(request)):
        thing = yield from made(target, kind, bob, alice)  # it is taken back, also where the answer does not say its id
        control = thing.made if thing is not None else None
        private = thing is not None and thing.private
        makers = WHOSE_ID if private else _MAKER
    else:
        control = yield from made_with(target, create, replace(request, body=json.dumps(plain).encode()), bob)
        if not control.response.succeeded and any(_MAKES_IT.fullmatch(as_parameter(one)) for one in members(request)):
            control = yield from send(bob.on((yield from in_own_name(target, request, bob))))  # it may be asked for
            makers = _MAKES_IT
        plain = members(control.request)
    if control is None:
        return None
    shown = inner_object(control.response.json()) if control.response.succeeded else {}
    if not shown and kind is None:
        return None  # a page says nothing by a name
    hers, his = (yield from _called(target, alice)), (yield from _called(target, bob))
    both = {one: hers[where] for where, one in his.items() if hers.get(where) not in (None, one)}
    apart = yield from told_apart(target, alice, bob)
    both |= {his: hers for hers, his in apart.values() if not his.isdigit() and len(his) >= TELLING_LEAST}
    name = next((one for one in shown if _says_who_made_it(one, makers, plain) and str(shown[one]) in both), None)
    if name is None and (kind is not None or (yield from _is_private(target, create, control, marks, alice, bob))):
        for one in [one for one in shown if _of_somebody(one, private)]:
            pair = yield from _both(target, one, bob, alice)
            if pair is not None and str(shown[one]) == pair[0]:
                name, both = one, {pair[0]: pair[1]}
                break
    if name is None and kind is not None:
        name = yield from _called_otherwise(target, kind, shown, both, alice, bob)
    if name is None and private:  # by what it says: what is his alone says his name because he has made it
        texts = [one for one in shown if isinstance(shown[one], str) and not _GIVEN_TO.search(as_parameter(one))]
        name = next((one for one in texts if str(shown[one]) in both and not str(shown[one]).isdigit()), None)
    if name is None or (not marks and new_id(control, "id") is None):
        return None
    wanted = both[str(shown[name])]
    said: object = int(wanted) if isinstance(shown[name], int) else wanted
    claimed = yield from send(bob.on(replace(request, body=json.dumps({**plain, name: said}).encode())))
    ref = RouteRef("POST", create.path)
    if not claimed.response.succeeded or str(inner_object(claimed.response.json()).get(name)) != wanted:
        return passed(f"{ref} keeps what bob stores for bob")
    evidence = (
        Evidence("exchange", f"control: what bob stores has bob's own {name}", control),
        Evidence("exchange", f"bob stores it with alice's {name}, and it is hers", claimed),
    )
    return failed(f"{ref} lets one user store something as another, by {name}", (ref,), evidence)


def stored_in_hers(target: Target, create: Route, alice: Identity, bob: Identity) -> Steps[Verdict | None]:
    """``POST /payees {"wallet_id": …}``: what Bob stores in a wallet of Alice's, which no list of his shows, stands in her list."""
    request, marks = marked(target.request_for(create, "POST"), target.canary)
    lists = route_at(target, create.path, "GET")
    held = next(references(target, create, members(request)), None) if lists is not None and marks else None
    if held is None or lists is None:
        return None
    name, kind = held
    thing = yield from made(target, kind, alice, bob)
    if thing is None or not thing.private:
        return None
    number: object = int(thing.number) if isinstance(members(request)[name], int) else thing.number
    body = json.dumps({**members(request), name: number}).encode()
    stored = yield from send(bob.on(replace(request, body=body)))
    ref = RouteRef("POST", create.path)
    if not stored.response.succeeded:
        return passed(f"{ref} refuses bob alice's {name}")
    read = target.request_for(lists, "GET")
    hers, anonymous = (yield from send(alice.on(read))), (yield from send(read))
    if entry_with(anonymous, iter(marks.values())) is not None:
        return None
    if entry_with(hers, iter(marks.values())) is None:
        return (yield from _used(target, create, replace(request, body=body), name, thing, stored, bob))
    evidence = (
        Evidence("exchange", "alice makes a thing, which bob's own list lacks", thing.made),
        Evidence("exchange", f"bob stores a random text with its id as {name}", stored),
        Evidence("exchange", "alice's own list holds it", hers),
    )
    return failed(f"{ref} lets one user store something in what is another's, by {name}", (ref,), evidence)


def _used(
    target: Target, create: Route, request: Request, name: str, thing: Thing, stored: Exchange, bob: Identity
) -> Steps[Verdict | None]:
    """What Bob makes with the id of Alice's thing is his, and made: with an id that nobody has it is refused. What asks to be let in is made so
    on purpose, and how much it weighs nobody knows."""
    if _ASKS.search(create.path):
        return None
    said = members(request)
    nobody: object = int(unknown(thing.number)) if isinstance(said[name], int) else unknown(thing.number)
    refused = yield from send(bob.on(replace(request, body=json.dumps({**said, name: nobody}).encode())))
    if refused.response.status not in (400, 403, 404, 409, 422):
        return None
    ref = RouteRef("POST", create.path)
    evidence = (
        Evidence("exchange", "alice makes a thing, which bob's own list lacks", thing.made),
        Evidence("exchange", f"control: with a {name} that nobody has it is refused", refused),
        Evidence("exchange", "with the id of hers it is made for bob", stored),
    )
    return failed(f"{ref} lets one user make something with what is another's, by {name}", (ref,), evidence, "medium")


def _called_otherwise(
    target: Target, kind: Kind, shown: dict[str, object], both: dict[str, str], alice: Identity, bob: Identity
) -> Steps[str | None]:
    """The member (``doctor_id``) of a thing that others do not see which holds Bob's id in what he makes, and Alice's in what she does."""
    names = [one for one in shown if as_parameter(one).endswith("_id") and str(shown[one]) in both]
    if len(names) != 1:
        return None
    thing = yield from made(target, kind, alice, bob)
    hers = inner_object(thing.made.response.json()) if thing is not None and thing.private else {}
    return names[0] if str(hers.get(names[0])) == both[str(shown[names[0]])] else None


def _of_somebody(name: str, private: bool) -> bool:
    """Whether a member says to whom a thing belongs: to a company, or to a person where only that person sees it."""
    return bool(BELONGS.fullmatch(as_parameter(name))) or (private and says_whose(name))


def _is_private(
    target: Target, create: Route, made_so: Exchange, marks: dict[str, str], alice: Identity, bob: Identity
) -> Steps[bool]:
    """Whether what Bob made stands in the list at the same path as he sees it, and not as Alice does."""
    lists = route_at(target, create.path, "GET")
    if lists is None or not made_so.response.succeeded or not marks:
        return False
    request, texts = target.request_for(lists, "GET"), list(marks.values())
    his, hers = (yield from send(bob.on(request))), (yield from send(alice.on(request)))
    return any(text in his.response.text for text in texts) and not any(text in hers.response.text for text in texts)


def _called(target: Target, person: Identity) -> Steps[dict[str, str]]:
    """The ids of a person and the name by which it logs in, by where they were found."""
    found = yield from own_numbers(target, person)
    return {**found, "the name": person.subject} if person.subject else found


def _both(target: Target, name: str, alice: Identity, bob: Identity) -> Steps[tuple[str, str] | None]:
    """The numbers of both people that this name asks for, where they are known and two."""
    hers, his = (yield from own_numbers(target, alice, name)), (yield from own_numbers(target, bob, name))
    wanted = as_parameter(name)
    for kind in (wanted, *hers):
        if kind in hers and his.get(kind) not in (None, hers[kind]) and (kind == wanted or _fits(wanted, hers[kind])):
            return hers[kind], his[kind]
    return None


def _fits(wanted: str, value: str) -> bool:
    """A name is asked for by a name, a number by what is none."""
    return not wanted.endswith(("_id", "uid", "number", "_no")) or any(letter.isdigit() for letter in value)
