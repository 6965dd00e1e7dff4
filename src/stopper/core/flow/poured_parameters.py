"""Parameters of a view that a decorator of the project fills with what the caller sent: ``named.update(request.json)``, ``view(**named)``."""

from typing import TYPE_CHECKING, Final

from stopper.core.origins import NONE, Labels, labelled
from stopper.core.values import NAMED, Call, Name, Parameter, Value, walk

if TYPE_CHECKING:
    from stopper.core.facts import SourceFacts

_NUMBERS: Final = frozenset({"int", "float", "bool", "uuid.UUID", "datetime.date", "datetime.datetime"})


def of_poured(facts: "SourceFacts", value: Parameter, numbers: bool) -> Labels:
    """What such a decorator hands over under the name of the parameter, unless the path does."""
    pouring = facts.once("decorators that pour a body into parameters", lambda: _pouring(facts))
    function = facts.function(value.function) if pouring and value.index >= 0 else None
    if function is None or not any(one.name in pouring for one in function.decorators):
        return NONE
    in_path = {name for one in facts.routes_of_view(function.name) for name, _ in one.parameters}
    if value.parameter in in_path or value.parameter in ("self", "cls") or (numbers and value.typed in _NUMBERS):
        return NONE
    return labelled("request-data", source=value.parameter)


def _pouring(facts: "SourceFacts") -> frozenset[str]:
    """The decorators inside of which the function under them is called with all that a body holds, each thing under its name."""
    found: set[str] = set()
    for call in facts.calls("?"):
        view = call.receiver
        poured = next((held for word, held in call.keywords if word == "**"), None)
        if not isinstance(view, Parameter) or poured is None or not call.function.startswith(f"{view.function}."):
            continue
        if _is_body(poured) or (_is_gathered(poured) and _is_filled(facts, call.function, poured)):
            found |= {view.function, view.function.rpartition(".")[0]}
    return frozenset(found)


def _is_gathered(value: Value) -> bool:
    return isinstance(value, Parameter) and value.index == NAMED


def _is_filled(facts: "SourceFacts", function: str, gathered: Value) -> bool:
    return any(
        call.method == "update" and call.receiver == gathered and any(map(_is_body, call.args))
        for call in facts.calls_in(function)
    )


def _is_body(value: Value) -> bool:
    return any(
        (isinstance(part, Name) and part.dotted in ("flask.request.json", "flask.request.form", "flask.request.values"))
        or (isinstance(part, Call) and part.callee == "flask.request.get_json")
        for part in walk(value, 6)
    )
