"""A thing that is refused is made as the refusals tell, round by round: with what they miss, without what they do not know, with values of
the form that they speak of; and where they tell nothing, with values as such names usually have them."""

import json
import re
from dataclasses import replace
from typing import Final, cast

from stopper.core.app import Route
from stopper.core.exchange import Exchange, Request, Response
from stopper.core.keys.random_words import random_mark
from stopper.core.naming import as_parameter
from stopper.core.probe import Identity, Steps, Target, send
from stopper.core.probing.inputs import members
from stopper.core.probing.missing import missing_members, usual
from stopper.core.probing.things.id_elsewhere import forms_of_a_noun
from stopper.core.probing.told_errors import by_the_value, columns_missing, not_taken
from stopper.core.probing.told_missing import missing_in
from stopper.core.probing.told_values import values_told
from stopper.core.probing.usual_forms import more_likely

REFUSED: Final = (400, 404, 409, 422, 500)
"""How a server says that a body does not do; a view that fails may have failed of the body."""
ROUNDS_MOST: Final = 8
_FORMED: Final = "the forms in which things are made at "
_SPENT: Final = "nothing was made in any form at "
_NAMES_A_THING: Final = re.compile(r"(?i)_(id|uuid)s?$|[a-z](Id|Uuid)s?$")


def as_it_went(target: Target, create: Route, request: Request) -> Request:
    """*request* in the form in which a thing was made there before, where that was another than the honest one."""
    forms = target.notes.get(_FORMED + create.path)
    if not isinstance(forms, tuple):
        return request
    values, without = cast("tuple[dict[str, object], frozenset[str]]", forms)
    said = {name: value for name, value in members(request).items() if name not in without}
    stem = target.canary + random_mark(3)
    added = {name: f"{stem}f{at}" if value is None else value for at, (name, value) in enumerate(values.items())}
    kept = {name: value for name, value in added.items() if values[name] is not None or name not in said}
    return replace(request, body=json.dumps({**said, **kept}).encode())


def as_refusals_tell(target: Target, create: Route, refused: Exchange, who: Identity) -> Steps[Exchange]:
    """The last answer of what *who* sends in place of the *refused* request."""
    first, answer = members(refused.request), refused
    if _SPENT + create.path in target.notes or not first:
        return refused
    own = _its_own_id(create, first)
    forms: list[dict[str, object]] | None = None
    for _ in range(ROUNDS_MOST):
        if answer.response.status not in REFUSED:
            break
        said = members(answer.request)
        better = _told(target, said, answer.response)
        if better == said and answer.response.status != 404:
            forms = [*([said] if own else []), *more_likely(said, target.canary)] if forms is None else forms
            better = {
                name: value for name, value in {**said, **(forms.pop(0) if forms else {})}.items() if name not in own
            }
        if better == said:
            break
        answer = yield from send(who.on(replace(answer.request, body=json.dumps(better).encode())))
    if answer.response.succeeded:
        target.notes[_FORMED + create.path] = _difference(target, first, members(answer.request))
    elif answer.response.status in REFUSED:
        target.notes[_SPENT + create.path] = True
    return answer


def _told(target: Target, said: dict[str, object], refusal: Response) -> dict[str, object]:
    """*said* after what one refusal tells of it."""
    names = dict.fromkeys((*missing_in(refusal), *missing_members(refusal.text, said), *columns_missing(refusal)))
    stem = target.canary + random_mark(3)
    more = {name: usual(name, f"{stem}m{at}") for at, name in enumerate(names) if name not in said}
    other = values_told(said, refusal, target.canary) or by_the_value(said, refusal)
    strange = not_taken(said, refusal)
    return {name: value for name, value in {**said, **more, **other}.items() if name not in strange}


def _its_own_id(create: Route, said: dict[str, object]) -> set[str]:
    """The members that say which thing it is that is made: it has no id yet (``note_id`` sent to ``/notes``)."""
    nouns = forms_of_a_noun(create.path.rstrip("/").rpartition("/")[2])
    return {name for name in said if as_parameter(name) in {"id", *(f"{noun}_id" for noun in nouns)}}


def _difference(
    target: Target, first: dict[str, object], last: dict[str, object]
) -> tuple[dict[str, object], frozenset[str]]:
    """What was said otherwise than at *first*, each text of ours as None; what names another thing is left out, since it may be gone by then."""
    changed = {
        name: value for name, value in last.items() if first.get(name) != value and not _NAMES_A_THING.search(name)
    }
    ours = {name for name, value in changed.items() if isinstance(value, str) and target.canary in value}
    return {name: None if name in ours else value for name, value in changed.items()}, frozenset(set(first) - set(last))
