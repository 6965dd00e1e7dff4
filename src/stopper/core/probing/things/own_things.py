"""What somebody is told to have when it registers, logs in or asks about itself: ``{"accounts": ["1004"]}``, ``{"wallet": {"id": 7}}``."""

from collections.abc import Iterator
from typing import Final, cast

from stopper.core.exchange import Exchange
from stopper.core.naming import as_parameter
from stopper.core.probe import Identity, Steps, Target, send
from stopper.core.probing.accounts.login import REGISTERED, known_log_in
from stopper.core.probing.accounts.own_values import SELF
from stopper.core.probing.things.id_elsewhere import forms_of_a_noun
from stopper.core.probing.things.objects import as_id, ids

_CALLED: Final = ("", "_id", "_uuid", "_number", "_no", "_num", "_code", "_ref", "_iban")
DEPTH: Final = 4
SELVES_MOST: Final = 2


def own_things(target: Target, person: Identity, noun: str) -> Steps[list[str]]:
    """The ids of things of that *noun* which the person is told to have, the newest answer first."""
    found: list[str] = []
    for answer in (yield from _told(target, person)):
        found += _numbers(answer.response.json(), forms_of_a_noun(noun), DEPTH)
    return list(dict.fromkeys(found))


def _told(target: Target, person: Identity) -> Steps[list[Exchange]]:
    answers: list[Exchange] = []
    selves = [one for one in target.app.routes if "GET" in one.methods and not one.parameters and SELF.search(one.path)]
    for route in selves[:SELVES_MOST]:
        seen = yield from send(person.on(target.request_for(route, "GET")))
        answers += [seen] if seen.response.succeeded else []
    return [*answers, *told_at_the_door(target, person)]


def told_at_the_door(target: Target, person: Identity) -> list[Exchange]:
    """The answers to the log-in and to the registration of a person, as far as they are known."""
    entered, made = known_log_in(target, person), target.notes.get(REGISTERED + person.name)
    registered = (
        [one for one in cast("tuple[object, ...]", made) if isinstance(one, Exchange)]
        if isinstance(made, tuple)
        else []
    )
    return [*([entered] if entered is not None else []), *registered]


def _numbers(value: object, nouns: set[str], depth: int) -> Iterator[str]:
    """The ids under a member that is called so: one, one in an object, or those of a list."""
    if not isinstance(value, dict) or not depth:
        return
    for name, item in cast("dict[str, object]", value).items():
        plain = as_parameter(name)
        if any(plain == noun + end for noun in nouns for end in _CALLED):
            for one in cast("list[object]", item)[:3] if isinstance(item, list) else [item]:
                number = next(ids(cast("dict[str, object]", one), "id"), None) if isinstance(one, dict) else as_id(one)
                if number is not None:
                    yield number
        else:
            yield from _numbers(item, nouns, depth - 1)
