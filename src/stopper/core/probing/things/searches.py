"""A search finds what is Alice's for Bob, by words that stand in a thing of hers alone."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final, cast

from stopper.core.app import Route
from stopper.core.exchange import Exchange, Request
from stopper.core.finding import Evidence, Verdict
from stopper.core.owner_names import ADMIN_PATH
from stopper.core.place import RouteRef
from stopper.core.probe import Identity, Steps, Target, failed, passed, send
from stopper.core.probing.baseline import attempt, is_door
from stopper.core.probing.inputs import members
from stopper.core.probing.query import query_names, with_query
from stopper.core.probing.things.known import Known, named_in, names_of, words_of
from stopper.core.probing.things.nouns import noun_of

SEARCHES_MOST: Final = 3
WORDS_MOST: Final = 4
LEAST: Final = 5
"""Letters of a word that is looked for."""
_SEEKS: Final = re.compile(
    r"(?i)(q|query|search|search_?(term|text|query)|terms?|keywords?|text|find|s|title|name|content|filter|like|phrase)"
)
_WORDS: Final = frozenset({"search", "find", "query", "lookup", "filter"})


@dataclass(frozen=True, slots=True)
class _Search:
    route: Route
    method: str
    name: str

    def looking_for(self, target: Target, text: str) -> Request:
        """The honest request with *text* in the place of what is looked for, and of the rest what a document wants: what else is said of a
        thing must be true of it as well."""
        honest = target.request_for(self.route, self.method)
        if self.method == "GET":
            return with_query(honest, self.name, text)
        wanted = self.route.request_schema.get("required") if self.route.request_schema is not None else None
        named = cast("list[object]", wanted) if isinstance(wanted, list) else []
        said = {name: value for name, value in members(honest).items() if name in named}
        return replace(honest, body=json.dumps({**said, self.name: text}).encode())


def asked(target: Target, hers: list[Known], alice: Identity, bob: Identity, settled: set[str]) -> Steps[list[Verdict]]:
    """The verdicts on searches; what is *settled* by its method and path is not asked again."""
    found: list[Verdict] = []
    known = sorted(_with_words(hers, target.canary), key=lambda pair: target.canary not in pair[1])[:WORDS_MOST]
    for one in list(_searches(target))[: SEARCHES_MOST if known else 0]:
        if f"{one.method} {one.route.path}" not in settled:
            verdict = yield from attempt(_sought(target, one, known, alice, bob))
            found += [verdict] if verdict is not None else []
    return found


def _searches(target: Target) -> Iterator[_Search]:
    for route in target.app.routes:
        if route.parameters or is_door(route) or ADMIN_PATH.search(route.path):
            continue
        words = set(re.split(r"[/_-]", route.path.lower())) | words_of(route)
        if "GET" in route.methods:
            names = (*query_names(target.request_for(route, "GET")), *route.names)
            name = next((one for one in names if _SEEKS.fullmatch(one)), "")
            if name:
                yield _Search(route, "GET", name)
        if "POST" in route.methods and words & _WORDS:
            name = next((one for one in members(target.request_for(route, "POST")) if _SEEKS.fullmatch(one)), "")
            if name:
                yield _Search(route, "POST", name)


def _with_words(hers: list[Known], canary: str) -> Iterator[tuple[Known, str]]:
    """Things of Alice's with words that stand in them: what the scan has written into one begins alike everywhere, of others two long words."""
    for one in hers:
        entry = next(_entries(one.seen.response.json(), one.value, 5), None) if one.of_itself else None
        texts = [text for text in (entry or {}).values() if isinstance(text, str) and text != one.text]
        ours = [found.group() for text in texts if (found := re.search(rf"{re.escape(canary)}[0-9a-f]{{6}}", text))]
        words = [max(re.findall(r"[A-Za-z0-9]{5,60}", text), key=len, default="") for text in texts]
        for word in ours[:1] or sorted(filter(None, words), key=len, reverse=True)[:2]:
            yield one, word


def _entries(value: object, number: object, depth: int) -> Iterator[dict[str, object]]:
    if isinstance(value, dict) and depth:
        said = cast("dict[str, object]", value)
        if any(type(one) is type(number) and one == number for one in said.values()):
            yield said
        for inner in said.values():
            yield from _entries(inner, number, depth - 1)
    elif isinstance(value, list) and depth:
        for item in cast("list[object]", value)[:20]:
            yield from _entries(item, number, depth - 1)


def _sought(
    target: Target, one: _Search, known: list[tuple[Known, str]], alice: Identity, bob: Identity
) -> Steps[Verdict | None]:
    """Bob looks for a word of hers and her thing is found, which nobody else finds and another word does not."""
    nouns, names, ref = noun_of(one.route.path), names_of(target), RouteRef(one.method, one.route.path)
    for thing, word in known:
        request = one.looking_for(target, word)
        seen = yield from send(bob.on(request))
        if not _names(seen, thing, nouns, names):
            continue
        other = yield from send(bob.on(one.looking_for(target, f"{target.canary}nothing")))
        anonymous = yield from send(request)
        own = yield from send(alice.on(request))
        if _names(other, thing, nouns, names) or _names(anonymous, thing, nouns, names) or not own.response.succeeded:
            return None
        evidence = (
            Evidence("exchange", "control: alice's answers name the thing, and bob's do not", thing.seen),
            Evidence("exchange", "control: without a credential it is not found", anonymous),
            Evidence("exchange", "control: another word does not find it", other),
            Evidence("exchange", "bob looks for a word of it and finds it", seen),
        )
        return failed(f"{ref} shows one user what others stored, which no list of his own does", (ref,), evidence)
    return passed(f"{ref} finds nothing of alice's for bob")


def _names(seen: Exchange, thing: Known, nouns: frozenset[str], names: dict[str, frozenset[str]]) -> bool:
    if not seen.response.succeeded:
        return False
    shown = named_in(seen, nouns, names)
    return any(one.text == thing.text for one in shown if type(one.value) is type(thing.value))
