"""Headers that an HTTP client of the project keeps for all that it sends: who put what there, and which of them carry a credential."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from stopper.core.labels import LabelKind
from stopper.core.naming import is_key_name, sensitive
from stopper.core.values import (
    Call,
    ConfigValue,
    Constant,
    EnvironmentValue,
    Item,
    Mapping,
    Member,
    Name,
    Unknown,
    Value,
    options,
    text_of,
    walk,
)

if TYPE_CHECKING:
    from stopper.core.facts import SourceFacts

Put = tuple[str, Value]
"""A header's name and value."""
_AUTHORIZATION: Final = re.compile(r"(?i)(?:proxy-)?authorization")
_PUTS: Final = ("*.update", "*.setdefault", "*.__setitem__")
NAME_OF_HEADER: Final = Unknown((Constant(""),))
"""The name beside a value, where code goes through the headers of a request in pairs: it tells nothing of what was sent."""
CLIENTS: Final = (
    "requests.Session",
    "requests.sessions.Session",
    "httpx.Client",
    "httpx.AsyncClient",
    "aiohttp.ClientSession",
)
"""Clients that keep headers for all that they send."""


def credential_kind(header: str) -> LabelKind | None:
    """What kind of credential a request header of that name carries; None for any other header."""
    if _AUTHORIZATION.fullmatch(header):
        return "authorization-header"
    if is_key_name(header):
        return "api-key"
    return sensitive(header)


def carried(mapping: Mapping) -> Iterator[Put]:
    """The headers of a mapping that carry a credential which does not stand there in clear."""
    for key, held in mapping.items:
        name = text_of(key) or ""
        if name and credential_kind(name) is not None and not isinstance(held, Constant):
            yield name, held


def headers_of(facts: "SourceFacts", owner: Value) -> tuple[Put, ...]:
    """The headers that were given to that client, wherever in the project."""
    return _all_put(facts).get(id(owner), ())


def _all_put(facts: "SourceFacts") -> dict[int, tuple[Put, ...]]:
    """Identity of the call that made a client → its headers. The facts hold those calls, so an identity stays with its call."""
    return facts.once("headers of clients", lambda: _collected(facts))


def _collected(facts: "SourceFacts") -> dict[int, tuple[Put, ...]]:
    found: dict[int, list[Put]] = {}
    for call in facts.calls(*CLIENTS):
        found.setdefault(id(call), []).extend(_pairs(facts, call.keyword("headers")))
    for call in facts.calls(*_PUTS):
        into = call.receiver
        if not isinstance(into, Member) or into.attribute != "headers" or not isinstance(into.owner, Call):
            continue
        kept = found.setdefault(id(into.owner), [])
        if call.method == "update":
            for given in call.args:
                kept.extend(_pairs(facts, given))
            kept.extend(call.keywords)
        elif len(call.args) == 2:
            kept.append((text_of(call.args[0]) or "", call.args[1]))
    return {owner: tuple(kept) for owner, kept in found.items() if kept}


def _pairs(facts: "SourceFacts", value: Value | None) -> Iterator[Put]:
    for option in mappings(facts, value):
        yield from ((text_of(key) or "", held) for key, held in option.items)


def mappings(facts: "SourceFacts", value: Value | None, depth: int = 2) -> Iterator[Mapping]:
    """What headers may be, also where a function of the project makes them: ``headers=self._headers()``."""
    for option in options(value):
        if isinstance(option, Mapping):
            yield option
        elif isinstance(option, Call) and depth:
            for one in facts.returns_of(option.callee):
                yield from mappings(facts, one.value, depth - 1)


def is_one_name(key: Value) -> bool:
    """A name out of the settings: one header, whichever it is, and not all of them."""
    whole = any(isinstance(part, Name) and part.dotted.startswith("flask.request") for part in walk(key, 4))
    whole |= isinstance(key, Item) and isinstance(key.owner, Call) and key.owner.callee == "flask.request.headers.keys"
    return isinstance(key, (ConfigValue, EnvironmentValue, Item, Member, Call, Name)) and not whole
