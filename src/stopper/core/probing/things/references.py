"""Members that name a thing of another kind (``address_id``): what a request wants to be there before it makes something."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final, cast

from stopper.core.app import Route
from stopper.core.exchange import Exchange, Request
from stopper.core.naming import as_parameter
from stopper.core.probe import Identity, Steps, Target, send
from stopper.core.probing.accounts.own_values import SELF, own_numbers, says_whose
from stopper.core.probing.baseline import is_door
from stopper.core.probing.inputs import members
from stopper.core.probing.things.as_refusals_tell import REFUSED, as_it_went, as_refusals_tell
from stopper.core.probing.things.id_elsewhere import forms_of_a_noun
from stopper.core.probing.things.kinds import Kind, kinds, new_id, route_at
from stopper.core.probing.things.objects import entries, ids, inner_object, is_free_text, marked
from stopper.core.probing.told_forms import in_the_form_told

_WHICH: Final = ("id", "uuid", "no", "number", "code", "serial", "slug", "key", "ref", "sku")
_BOUND: Final = frozenset({"enum", "format", "pattern", "const", "maxLength", "anyOf", "oneOf"})
"""What of a schema says that not every text will do."""
_NOBODY: Final = re.compile(
    r"(?i)\b(user|person|member|account|recipient|receiver|assignee|subject|employee|customer)s?\b.{0,40}\b(not found|not exist|unknown|invalid|not registered)|"
    r"\b(no such|unknown|invalid|could not find( the)?) (user|person|member|account|recipient|receiver|assignee|employee|customer)\b"
)
"""How a server says that it knows nobody of that name."""
_SOMEBODY: Final = re.compile(
    r"(to|for|subject|grantee|principal|user|username|user_name|login|email|e_mail|member|assignee|recipient|receiver|to_user|owner)(_?(name|email|username))?"
)
"""Members that say who is meant, as parameters are spelled."""
GUESSES_MOST: Final = 3
"""Other kinds of things of which one is named where nobody knows the body."""
DEEP: Final = 2
"""Things of other kinds that are made one for the other: a lesson wants a course, which wants a teacher."""


def references(target: Target, create: Route, said: dict[str, object]) -> Iterator[tuple[str, Kind]]:
    """The members that name a thing of another kind, which people make themselves, with that kind."""
    made = [kind for kind in kinds(target) if kind.create_route is not None]
    for name, source in _named(target, create, said):
        yield from ((name, kind) for kind in made if kind.create_route == source.made)


def filled(target: Target, create: Route, request: Request, who: Identity, deep: int = DEEP) -> Steps[Request]:
    """*request* with what *who* has wherever it names another thing: an entry of the list of such things, else a new one."""
    said = members(request)
    for name, source in list(_named(target, create, said)):
        number = yield from _one_of(target, source, who, deep)
        said[name] = said[name] if number is None else number
    return replace(request, body=json.dumps(said).encode()) if said != members(request) else request


def in_own_name(target: Target, request: Request, who: Identity) -> Steps[Request]:
    """*request* with the id of *who* wherever it says whose a thing is (``patient_id``), where that is known."""
    said = members(request)
    for name, value in [pair for pair in said.items() if says_whose(pair[0])]:
        told = yield from own_numbers(target, who, name)
        number = told.get(as_parameter(name)) or next(iter(told.values()), None)
        if number is not None and isinstance(value, (int, str)) and (number.isdigit() or isinstance(value, str)):
            said[name] = int(number) if isinstance(value, int) and not isinstance(value, bool) else number
    return replace(request, body=json.dumps(said).encode()) if said != members(request) else request


def made_with(target: Target, create: Route, request: Request, who: Identity, deep: int = DEEP) -> Steps[Exchange]:
    """The answer to *request*; where it is refused, to the same with what *who* has wherever it names another thing, or may name one, then
    with the honest value of what takes no other, and last as the refusals tell."""
    request = as_it_went(target, create, request)
    answer = yield from send(who.on(request))
    if answer.response.status not in REFUSED:
        return answer
    better = yield from completed(target, create, request, who, deep)
    if better != request:
        answer = yield from send(who.on(better))
        if answer.response.status not in REFUSED:
            return answer
    told = in_the_form_told(_naming(better, answer, who), answer)
    if told != better:
        better, answer = told, (yield from send(who.on(told)))
        if answer.response.status not in REFUSED:
            return answer
    plain = yield from filled(target, create, _as_asked(target, create, better, answer), who, deep)
    if plain != better:
        answer = yield from send(who.on(plain))
    if answer.response.status in REFUSED:
        formed = yield from _as_listed(target, create, plain, who)
        answer = (yield from send(who.on(formed))) if formed != plain else answer
    if answer.response.status in REFUSED:
        answer = yield from as_refusals_tell(target, create, answer, who)
    return answer


def _naming(request: Request, refused: Exchange, who: Identity) -> Request:
    """*request* with the name of *who* in the members that say who is meant, where the refusal says that nobody is called so."""
    if who.subject is None or _NOBODY.search(refused.response.text[:1000]) is None:
        return request
    said = members(request)
    names = [name for name, value in said.items() if isinstance(value, str) and _SOMEBODY.fullmatch(as_parameter(name))]
    return (
        replace(request, body=json.dumps({**said, **dict.fromkeys(names, who.subject)}).encode()) if names else request
    )


def _as_listed(target: Target, create: Route, request: Request, who: Identity) -> Steps[Request]:
    """*request* with what a thing that is listed says, wherever that is no free text: ``{"price": "10.00"}`` where any text was sent."""
    listed, said = route_at(target, create.path, "GET"), members(request)
    seen = (yield from send(who.on(target.request_for(listed, "GET")))) if listed is not None else None
    things = entries(seen.response.json()) if seen is not None and seen.response.succeeded else []
    shown = things[0] if things else dict[str, object]()
    formed = {
        name: shown[name]
        for name, value in said.items()
        if isinstance(value, str) and isinstance(shown.get(name), (str, int, float)) and not is_free_text(shown[name])
    }
    return replace(request, body=json.dumps({**said, **formed}).encode()) if formed else request


def _as_asked(target: Target, create: Route, request: Request, refused: Exchange) -> Request:
    """What was refused, with the honest value of each member that takes some words only, or that the refusal names."""
    honest, said = members(target.request_for(create, "POST")), members(request)
    schema = create.request_schema.get("properties") if create.request_schema else None
    known = cast("Mapping[str, object]", schema) if isinstance(schema, Mapping) else dict[str, object]()
    bound = {
        name
        for name, one in known.items()
        if isinstance(one, Mapping) and _BOUND & set(cast("Mapping[str, object]", one))
    }
    named = {name for name in said if re.search(rf"\b{re.escape(name)}\b", refused.response.text)}
    back = {name: honest[name] for name in bound | named if name in said and name in honest}
    return replace(request, body=json.dumps({**said, **back}).encode()) if back else request


def completed(target: Target, create: Route, request: Request, who: Identity, deep: int = DEEP) -> Steps[Request]:
    """*request* with what *who* has wherever it names another thing; with one of each kind where nobody knows what it must say."""
    better = yield from filled(target, create, request, who, deep)
    if better != request or create.request_schema is not None:
        return better
    said = members(request)
    for source in list(_sources(target, create))[:GUESSES_MOST]:
        number = yield from _one_of(target, source, who, deep)
        if number is not None:
            said.setdefault(f"{source.noun}_id", number)
    return replace(request, body=json.dumps(said).encode()) if said != members(request) else request


@dataclass(frozen=True, slots=True)
class _Source:
    """Where things of one kind are listed or made, and what one of them is called."""

    noun: str
    parameter: str
    listed: Route | None
    made: Route | None


def _sources(target: Target, create: Route) -> Iterator[_Source]:
    """Kinds of things, then lists of things that nothing takes by its id (``/books``)."""
    bases = set[str]()
    for kind in kinds(target):
        bases.add(kind.base)
        if kind.create_route != create:
            yield _Source(_one(kind.base), kind.parameter, kind.list_route, kind.create_route)
    plain = [one for one in target.app.routes if "GET" in one.methods and not one.parameters and not is_door(one)]
    for route in plain:
        path = route.path.rstrip("/")
        if path not in (*bases, create.path.rstrip("/")) and path.endswith("s") and not SELF.search(path):
            yield _Source(_one(path), "id", route, None)


def _one(base: str) -> str:
    """What one thing of a collection is called."""
    return min(forms_of_a_noun(base.rpartition("/")[2]), key=len, default="")


def _named(target: Target, create: Route, said: dict[str, object]) -> Iterator[tuple[str, _Source]]:
    """A member names a thing by its noun and the kind of its id (``order_number``, ``vehicle_vin``), or by its noun alone."""
    for name in said:
        plain = as_parameter(name)
        noun, _, which = plain.rpartition("_")
        if says_whose(name):
            continue
        for one in _sources(target, create):
            named = noun == one.noun and (which in _WHICH or which == as_parameter(one.parameter))
            if named or (plain == one.noun and one.made is not None):
                yield name, one


def _one_of(target: Target, source: _Source, who: Identity, deep: int) -> Steps[object]:
    """The id of a thing of that kind, as the answer that says it spells it."""
    if source.listed is not None:
        listed = yield from send(who.on(target.request_for(source.listed, "GET")))
        for entry in entries(listed.response.json()):
            for one in ids(entry, source.parameter):
                return _as_said(entry, one)
    if target.mode != "active" or source.made is None or not deep:
        return None
    request = marked(target.request_for(source.made, "POST"), target.canary)[0]
    made = yield from made_with(target, source.made, request, who, deep - 1)
    number = new_id(made, source.parameter) if made.response.succeeded else None
    return _as_said(inner_object(made.response.json()), number) if number is not None else None


def _as_said(entry: dict[str, object], number: str) -> object:
    return next((value for value in entry.values() if isinstance(value, int) and str(value) == number), number)
