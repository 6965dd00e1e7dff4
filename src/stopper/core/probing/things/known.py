"""Ids that are one person's alone: what the answers that somebody gets name, and those that somebody else gets do not."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, cast

from stopper.core.app import Route
from stopper.core.exchange import Exchange
from stopper.core.naming import as_parameter
from stopper.core.owner_names import ADMIN_PATH, PERSON, PRIVATE
from stopper.core.probe import Identity, Steps, Target, send
from stopper.core.probing.accounts.own_values import BELONGS, SELF, own_numbers, parameter_of, says_whose
from stopper.core.probing.accounts.people import number_in_lists
from stopper.core.probing.accounts.told_by_pages import ids_on_a_page
from stopper.core.probing.baseline import attempt, is_door
from stopper.core.probing.ids_in_paths import ID
from stopper.core.probing.page_forms import hrefs
from stopper.core.probing.things.below_people import as_below
from stopper.core.probing.things.id_elsewhere import forms_of_a_noun
from stopper.core.probing.things.kinds import at_number
from stopper.core.probing.things.nouns import (
    IDS,
    LEAST,
    alike,
    names_an_id,
    noun_of,
    nouns_around,
    nouns_before,
    nouns_of_name,
)
from stopper.core.probing.things.objects import as_id, own_id_names
from stopper.core.probing.things.own_things import told_at_the_door

READ_MOST: Final = 14
"""Answers without an id in their path that are read of each."""
POSTS_MOST: Final = 6
"""The same that are asked by POST."""
BELOW_MOST: Final = 4
"""Lists below a thing of one's own that are read."""
NUMBERS_MOST: Final = 2
"""What somebody is called by that is tried under one path."""
PAGE_MOST: Final = 200_000
"""Characters of a page that are read."""
DEPTH: Final = 4
FIRST: Final = 10
"""Entries of one list that are looked at."""
READS: Final = frozenset({
    "get", "read", "show", "view", "find", "search", "fetch", "details", "info", "download", "export", "preview", "lookup", "statement", "history", "list",
    "status", "query",
})  # fmt: skip
"""What a POST says that changes nothing."""
ACCOUNTS: Final = frozenset({"user", "account", "member", "profile", "people", "person", "me"})
"""Nouns of those who log in: what stands under the own id of one is another question."""
_OF_MONEY: Final = re.compile(r"(?i)(^|[/_-])(balance|deposit|transfer|withdraw\w*|invest\w*|loan)s?([/_-]|$)")
"""What stands under the number of an account of money, which is none of a person."""
_FILES: Final = frozenset({"file", "filename", "file_name", "stored_name"})
"""What a file is called by."""


@dataclass(frozen=True, slots=True)
class Known:
    """An id as an answer spells it, of what it is one, and where it stood."""

    value: int | str
    nouns: frozenset[str]
    seen: Exchange
    of_itself: bool
    """Whether it is the id of a thing that was shown, and no reference to another."""

    @property
    def text(self) -> str:
        """The id as a path says it."""
        return str(self.value)

    def is_one_of(self, others: Iterable["Known"]) -> bool:
        """Whether the same thing is among *others*."""
        return any(self.text == one.text and (alike(self.nouns, one.nouns) or not self.nouns) for one in others)


def only_hers(target: Target, alice: Identity, bob: Identity) -> Steps[list[Known]]:
    """What Alice's answers name and Bob's do not. Lists of all people are left out, because what they show to Bob may be no business of his."""
    hers, his = (yield from known_to(target, alice)), (yield from known_to(target, bob))
    found: dict[tuple[str, frozenset[str]], Known] = {}
    for one in hers:
        kept = found.get((one.text, one.nouns))
        if not one.is_one_of(his) and (kept is None or (one.of_itself and not kept.of_itself)):
            found[one.text, one.nouns] = one
    return sorted(found.values(), key=lambda one: not one.of_itself)


def told_apart_at_the_door(target: Target, one: Exchange, other: Exchange) -> list[Known]:
    """What the answer to one registration names and the other does not: ``{"account_id": 5}``, which somebody else is never told."""
    names = names_of(target)
    mine, others = (named_in(each, frozenset({"user"}), names) for each in (one, other))
    return [each for each in mine if not each.is_one_of(others)]


def known_to(target: Target, who: Identity) -> Steps[list[Known]]:
    """The ids that answers to *who* name, of what is read without an id and of what lies below a thing that such an answer shows."""
    found: list[Known] = []
    names = names_of(target)
    for route, method in own_readings(target):
        seen = yield from attempt(send(who.on(target.request_for(route, method))))
        if seen is not None and seen.response.succeeded:
            found += named_in(seen, noun_of(route.path) if not SELF.search(route.path) else frozenset({"user"}), names)
    for seen in told_at_the_door(target, who):
        found += named_in(seen, frozenset({"user"}), names)
    for route in _under_the_own_id(target)[:BELOW_MOST]:
        seen = yield from attempt(_asked_under_it(target, route, who))
        found += named_in(seen, _below_somebody(route), names) if seen is not None and seen.response.succeeded else []
    for route in _lists_below(target)[:BELOW_MOST]:
        nouns = nouns_before(route.path, route.parameters[0][0])
        thing = next((one for one in found if one.of_itself and alike(one.nouns, nouns)), None)
        if thing is not None:
            seen = yield from attempt(send(who.on(at_number(target, route, thing.text))))
            found += named_in(seen, noun_of(route.path), names) if seen is not None and seen.response.succeeded else []
    return found


def _under_the_own_id(target: Target) -> list[Route]:
    """``/users/{id}/pets`` and ``/owner-pets/{id}``: what somebody reads under the own id, the account itself among it."""
    found = [one for one in target.app.routes if "GET" in one.methods and len(one.parameters) == 1 and not is_door(one)]
    found = [one for one in found if one.path.count("{") == 1 and not ADMIN_PATH.search(one.path)]
    found = [
        one for one in found if PERSON.search(as_below(one.path).partition("{")[0]) or says_whose(one.parameters[0][0])
    ]
    return sorted(found, key=lambda one: _OF_MONEY.search(one.path) is not None)


def _below_somebody(route: Route) -> frozenset[str]:
    """Of what such an answer tells: of the account where the path says nothing behind its id."""
    return noun_of(as_below(route.path).partition("}")[2]) or frozenset({"user"})


def _asked_under_it(target: Target, route: Route, who: Identity) -> Steps[Exchange | None]:
    numbers = yield from own_numbers(target, who, parameter_of(route))
    listed = yield from number_in_lists(target, who, parameter_of(route))
    known = [*numbers.values(), *([listed] if listed is not None else [])]
    for number in list(dict.fromkeys(known))[:NUMBERS_MOST]:
        seen = yield from send(who.on(at_number(target, route, number)))
        if seen.response.succeeded:
            return seen
    return None


def own_readings(target: Target) -> list[tuple[Route, str]]:
    """What is read without an id: by GET, and by POST where the path says that it lists what somebody has (``/api/listOrders``)."""
    posts = [one for one in target.app.routes if "POST" in one.methods and not one.parameters and not is_door(one)]
    lists = [
        one for one in posts if "list" in words_of(one) and "GET" not in one.methods and "all" not in words_of(one)
    ]
    return [
        *((one, "GET") for one in plain_readings(target)[:READ_MOST]),
        *((one, "POST") for one in lists[:POSTS_MOST]),
    ]


def words_of(route: Route) -> set[str]:
    """The words of the last part of a route's path."""
    return set(as_parameter(route.path.rstrip("/").rpartition("/")[2]).split("_"))


def plain_readings(target: Target) -> list[Route]:
    """What is read by GET without an id, what is somebody's own by its path first."""
    plain = [one for one in target.app.routes if "GET" in one.methods and not one.parameters and not is_door(one)]
    plain = [one for one in plain if not ADMIN_PATH.search(one.path)]
    return sorted(plain, key=lambda one: not (PRIVATE.search(one.path) or SELF.search(one.path)))


def _lists_below(target: Target) -> list[Route]:
    """``/projects/{id}/files``: what lies below one thing that is nobody's account."""
    found = [one for one in target.app.routes if "GET" in one.methods and len(one.parameters) == 1 and "}/" in one.path]
    found = [one for one in found if one.path.count("{") == 1 and noun_of(one.path.partition("}")[2])]
    return [one for one in found if not any(map(PERSON.search, nouns_before(one.path, one.parameters[0][0])))]


Names = dict[str, frozenset[str]]
"""What names of parameters in the paths of an API are ids of: ``vin`` of a vehicle."""


def named_in(seen: Exchange, nouns: frozenset[str], names: Names) -> list[Known]:
    """The ids that an answer names; *nouns* say of what it tells."""
    if seen.response.content_type == "text/html":
        return list(_on_a_page(seen))
    return list(_in_value(seen.response.json(), nouns, seen, names, DEPTH))


def _on_a_page(seen: Exchange) -> Iterator[Known]:
    """The ids of things that a page names in its links, and keeps for its scripts and forms."""
    text = seen.response.text[:PAGE_MOST]
    for name, value in ids_on_a_page(text):
        its = nouns_of_name(name)
        yield from [Known(value, its, seen, of_itself=True)] if its else []
    for link in hrefs(text):
        before, _, last = link.partition("?")[0].rstrip("/").rpartition("/")
        its = noun_of(before) if ID.fullmatch(last) else frozenset[str]()
        yield from [Known(last, its, seen, of_itself=True)] if its else []


def names_of(target: Target) -> Names:
    """The names of parameters in paths that are no usual names of an id, each with what it is one of."""
    found: dict[str, frozenset[str]] = {}
    for route in target.app.routes:
        for name, _ in route.parameters:
            said = as_parameter(name)
            if said not in IDS and len(said) >= LEAST and f"{{{name}}}" in route.path:
                found.setdefault(said, nouns_before(route.path, name) | {said})
    return found


def _in_value(value: object, nouns: frozenset[str], seen: Exchange, names: Names, depth: int) -> Iterator[Known]:
    if isinstance(value, list) and depth:
        for item in cast("list[object]", value)[:FIRST]:
            if isinstance(item, (str, int)) and (number := as_id(item)) is not None and nouns:
                yield Known(item if isinstance(item, int) else number, nouns, seen, of_itself=True)
            else:
                yield from _in_value(item, nouns, seen, names, depth - 1)
    if isinstance(value, dict) and depth:
        said = cast("dict[str, object]", value)
        own = {*own_id_names(said)}
        for name, item in said.items():
            if isinstance(item, (dict, list)):
                yield from _in_value(cast("object", item), nouns_around(name) or nouns, seen, names, depth - 1)
            elif isinstance(item, (int, str)) and as_id(item) is not None:
                yield from _of_member(name, item, nouns, seen, names, first=name in own)


def _of_member(
    name: str, value: int | str, nouns: frozenset[str], seen: Exchange, names: Names, *, first: bool
) -> Iterator[Known]:
    """An id of the thing itself, by whatever name, or one of another thing."""
    said = as_parameter(name)
    if said in IDS:
        yield Known(value, nouns, seen, of_itself=True)
    elif said in _FILES:
        yield Known(value, frozenset({"file", "document", "download"}) | nouns, seen, of_itself=True)
    elif said in names:
        yield Known(value, names[said], seen, of_itself=first or alike(names[said], nouns))
    elif names_an_id(name):
        its = nouns_of_name(name)
        yield Known(value, its | (nouns if first else frozenset[str]()), seen, of_itself=first or alike(its, nouns))
    elif isinstance(value, str) and BELONGS.fullmatch(said):
        yield Known(value, frozenset(forms_of_a_noun(said)), seen, of_itself="user" in nouns)
