"""Lists of things that everybody may have as a whole: one more look at one of them tells nothing more."""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from stopper.core.app import App, Route
from stopper.core.fact import Function
from stopper.core.flow.body_models import classes_by_name
from stopper.core.flow.view_functions import FunctionIndex
from stopper.core.guards.asked_whose import asks_whose
from stopper.core.owner_names import ADMIN_GUARD
from stopper.core.values import Call, Mapping, Name, Value, walk

_PERSON: Final = re.compile(r"(?i)/(?:users?|people|persons?|members|profiles|authors)/\{[^{}/]+\}$")
_OF_SOME: Final = re.compile(r"(?i)/(\w+?)s?/\{[^{}/]+\}(/(?:users|people|members|profiles|authors))$")
_LISTS: Final = frozenset(
    {"all", "paginate", "scalars", "fetchall", "find", "select", "render", "sort_and_page", "to_collection_dict"}
)
_CHANGES: Final = re.compile(r"(?i)delete|remove|update|edit|change|cancel|close|approve|revoke|transfer|drop")
"""Words of a path that says what becomes of the thing which its body names."""
_OF_A_ROW: Final = 4
"""So many members of an answer that is written out are those of a row."""
_SHOWS: Final = re.compile(r"(?i)schema|serial|dump|marshal|(?:to|as)_?(?:dict|json|api|public)")
"""What makes an answer of what was looked up."""


def is_spoken_of(index: FunctionIndex, route: Route, method: str, looked_up: Value) -> bool:
    """A comment that a new thread refers to, where somebody has the list of all comments: what everybody reads may be spoken of."""
    if method != "POST" or route.parameters or _CHANGES.search(route.path):
        return False
    lists = [f"{name}.query.{word}" for name in models_named(looked_up) for word in ("all", "paginate", "order_by")]
    return bool(lists) and any(True for _ in index.facts.calls(*lists))


def is_in_a_directory(app: App, index: FunctionIndex, route: Route, models: Iterable[str]) -> bool:
    """That everybody who may ask for one of these things may have the list of all of them: of people; of those *models* in the same form; or of
    people in the same form, which says of each what the path narrows the list by."""
    path = route.path.rstrip("/")
    if _PERSON.search(path):
        return any(_of_everybody(app, index, path.rpartition("/")[0]))
    narrowed = _OF_SOME.search(path)
    if narrowed:
        shown = _shown(index, route)
        home = path[: narrowed.start()] + narrowed[2]
        return any(
            _tells(index, shown & _shown(index, listed), narrowed[1]) for listed in _of_everybody(app, index, home)
        )
    named = frozenset(models)
    if not named or not path.endswith("}"):
        return False
    return any(
        _lists(index, _own(index, listed), named) and not _shown(index, route).isdisjoint(_shown(index, listed))
        for listed in _of_everybody(app, index, path.rpartition("/")[0])
    )


def _of_everybody(app: App, index: FunctionIndex, home: str) -> Iterator[Route]:
    """The routes of that path that list things and never ask who is asking."""
    for listed in app.routes:
        if listed.path.rstrip("/").removesuffix("/list").removesuffix("/all") != home:
            continue
        access = listed.access.get("GET")
        if access is None or any(one.stops is not False and ADMIN_GUARD.search(one.name) for one in access.guards):
            continue
        own = _own(index, listed)
        if _lists(index, own) and not asks_whose(index, listed, own):
            yield listed


def _own(index: FunctionIndex, route: Route) -> list[Function]:
    return list(index.of_view(route.view, route.span, "GET"))


def _lists(index: FunctionIndex, own: list[Function], models: frozenset[str] = frozenset()) -> bool:
    """That these functions, or what they call, list rows; of these models, where some are named."""
    names = index.calling([function.name for function in own], 2)
    found = [
        call
        for name in names
        for call in index.facts.calls_in(name)
        if call.method in _LISTS or (call.method == "objects" and not call.args and not call.keywords)
    ]
    return any(not models or not models.isdisjoint(models_named(call)) for call in found)


def models_named(value: Value) -> Iterator[str]:
    """The names in a look-up that may be those of models."""
    for part in walk(value, 6):
        if isinstance(part, Name):
            yield part.dotted
        elif isinstance(part, Call):
            yield from (part.callee.rpartition(f".{word}")[0] for word in ("query", "objects") if word in part.callee)
            yield part.callee.rpartition(".")[0]  # ``Customer.get(id=number)``


def _shown(index: FunctionIndex, route: Route) -> frozenset[tuple[str, ...]]:
    """What makes the answer of a view: schemas and functions by name, with the names of what they are told but for ``many``."""
    own = _own(index, route)
    called = [call for function in own for call in index.facts.calls_in(function.name)]
    decorating = [
        part
        for function in own
        for one in function.decorators
        if one.call is not None
        for given in (*one.call.args, *(value for _, value in one.call.keywords))
        for part in walk(given, 2)
        if isinstance(part, Call)
    ]
    made = {
        (call.callee, *sorted(name for name, _ in call.keywords if name != "many"))
        for call in (*called, *decorating)
        if _SHOWS.search(call.callee.rpartition(".")[2]) and call.callee not in ("json.dumps", "flask.json.dumps")
    }
    answers = [given for call in called if call.callee == "flask.jsonify" for given in call.args]
    written = {part.keys() for one in answers for part in walk(one, 2) if isinstance(part, Mapping)}
    return frozenset(made | {tuple(sorted(keys)) for keys in written if len(keys) >= _OF_A_ROW})


def _tells(index: FunctionIndex, shown: Iterable[tuple[str, ...]], word: str) -> bool:
    """That a schema has a field of that name: in the list of all people stand the roles of each."""
    known = classes_by_name(index.facts)
    fields = {name.lower() for one in shown if (held := known.get(one[0])) for name in (*held.attributes, *held.fields)}
    return not fields.isdisjoint({word.lower(), f"{word.lower()}s"})
