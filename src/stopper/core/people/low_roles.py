"""Roles that whoever signs up has, and view classes that ask for no more."""

import re
from typing import TYPE_CHECKING, Final

from stopper.core.flow.body_models import classes_by_name
from stopper.core.guards.idle_questions import only_notes
from stopper.core.owner_names import ADMIN_GUARD
from stopper.core.values import Call, Name, Sequence, Value, options, text_of, walk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from stopper.core.fact import Condition
    from stopper.core.facts import SourceFacts
    from stopper.core.flow.view_functions import FunctionIndex

LOW: Final = frozenset(
    {"user", "users", "member", "customer", "guest", "viewer", "reader", "basic", "client", "everyone"}
)
_ASKED_BY_CLASS: Final = re.compile(
    r"(?i)^(?:required_|needed_|min(?:imum)?_)?(?:role|permission|access)(?:_required|_needed)?$"
)


def admits_everybody(facts: "SourceFacts", told: Call) -> bool:
    """``@roles_accepted("user", "admin")``: one of them is enough, and everybody has the first; ``@auth.login_required(role=["clerk", "driver"])``
    where each person is one or the other."""
    if told.method == "roles_required":
        return False
    if any(str(text_of(part)).lower() in LOW for value in told.args for part in walk(value, 2)):
        return True
    listed = next((value for value in (told.keyword("role", "roles"),) if isinstance(value, Sequence)), None)
    named = {str(text_of(part)) for part in listed.items if text_of(part)} if listed is not None else set[str]()
    if any(name.lower() in LOW for name in named):
        return True
    given = _roles_given(facts) if named else ()
    return bool(given) and all(several and not named.isdisjoint(several) for several in given)


def _roles_given(facts: "SourceFacts") -> tuple[frozenset[str], ...]:
    """What ``@auth.get_user_roles`` of Flask-HTTPAuth says that people are, each of the ways that it may end; nothing where one is not seen."""
    return facts.once("roles that people have", lambda: tuple(_ends_of_roles(facts)))


def _ends_of_roles(facts: "SourceFacts") -> "Iterator[frozenset[str]]":
    for function in facts.functions():
        if any(one.name.endswith(".get_user_roles") for one in function.decorators):
            for returned in function.returns:
                for option in options(returned):
                    several = option.items if isinstance(option, Sequence) else (option,)
                    yield frozenset(text for part in several if (text := text_of(part)))


def says_low(facts: "SourceFacts", view: str) -> bool:
    """A view class that says, itself or by its base, that everybody's role is enough: ``permission = "user"``."""
    known = classes_by_name(facts)
    name = view
    for _ in range(4):
        one = known.get(name)
        if one is None:
            return False
        said = [text_of(held) for word, held in one.attributes.items() if _ASKED_BY_CLASS.search(word)]
        if said:
            return all(str(text).lower() in LOW for text in said)
        name = next((base for base in one.bases if base in known), "")
    return False


def asks_nobody_special(facts: "SourceFacts", call: Call, is_role: "Callable[[Value], bool]") -> bool:
    """``authorize(signed_in)``: a guard that is told what to ask, functions of the project none of which asks for a role."""
    told = [one.dotted for one in call.args if isinstance(one, Name) and facts.function(one.dotted) is not None]
    if not told or len(told) != len(call.args) or call.keywords or call.open:
        return False
    if any(ADMIN_GUARD.search(name.rpartition(".")[2]) for name in told):
        return False
    asked: list[Value] = [side for name in told for one in facts.comparisons_in(name) for side in (one.left, one.right)]
    for name in told:
        asked += [one.value for one in facts.conditions_in(name)]
        asked += [one.value for one in facts.returns_of(name)]
        asked += facts.calls_in(name)
    return not any(is_role(part) for value in asked for part in walk(value, 6))


def noted_only(index: "FunctionIndex", names: list[str]) -> "tuple[list[Condition], frozenset[str]]":
    """The tests of these functions that only write to a log where they fail, and the functions that are asked in them."""
    noted = [
        one for name in names for one in index.conditions.get(name, ()) if one.negated and only_notes(index, name, one)
    ]
    asked = {
        call.callee
        for one in noted
        for call in index.facts.calls_in(one.function)
        if call.span is not None and one.span.holds(call.span)
    }
    return noted, frozenset(asked)
