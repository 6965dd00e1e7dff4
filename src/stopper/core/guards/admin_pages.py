"""Views of Flask-Admin whose ``is_accessible`` asks for a log-in, and for no role."""

from collections.abc import Iterator
from typing import Final

from stopper.core.fact import ClassFact
from stopper.core.facts import SourceFacts
from stopper.core.flow.body_models import classes_by_name
from stopper.core.place import Span
from stopper.core.values import Call, Name, Truth, Value, walk

_LOGGED_IN: Final = ("current_user.is_authenticated", "current_user.is_active", "current_user.is_anonymous")
_BASES: Final = ("flask_admin.BaseView", "flask_admin.base.BaseView", "flask_admin.AdminIndexView", "flask_admin.base.AdminIndexView")  # fmt: skip


def opened_by_any_log_in(facts: SourceFacts) -> Iterator[Span]:
    """The methods that answer with nothing but ``current_user.is_authenticated``, or whether the session knows somebody."""
    if not facts.imports("flask_admin"):
        return
    views = {one.name for one in facts.classes(*_BASES)}
    views |= {one.name for one in facts.classes() if any(base.startswith("flask_admin.") for base in one.bases)}
    for view in sorted(views):
        asked = facts.function(f"{view}.is_accessible")
        said = [one.value for one in facts.returns_of(asked.name)] if asked is not None else []
        if asked is not None and said and all(map(_is_any_log_in, said)) and not any(facts.conditions_in(asked.name)):
            yield asked.span


def _is_any_log_in(value: Value) -> bool:
    if isinstance(value, Name):
        return value.dotted.endswith(_LOGGED_IN)
    if isinstance(value, Truth):  # ``"user_id" in session``, ``not current_user.is_anonymous``
        return any(
            isinstance(part, Name) and (part.dotted == "flask.session" or part.dotted.endswith(_LOGGED_IN))
            for one in value.parts
            for part in walk(one, 2)
        ) and not any(isinstance(part, Call) for one in value.parts for part in walk(one, 2))
    return False


def is_of_flask_admin(facts: SourceFacts, span: Span) -> bool:
    """That the place is in a view class of Flask-Admin which says who may come: administrators, who see all that there is."""
    function = facts.function(facts.function_around(span))
    known = classes_by_name(facts)
    one = known.get(function.owner) if function is not None and function.owner else None
    bases = _bases(known, one.name) if one is not None else set[str]()
    return any(base.startswith("flask_admin.") for base in bases) and any(
        "is_accessible" in found.methods or f"{found.name}.is_accessible" in found.methods
        for name in bases
        if (found := known.get(name)) is not None
    )


def _bases(known: dict[str, ClassFact], name: str, depth: int = 5) -> set[str]:
    found = {name}
    for base in known[name].bases if name in known and depth else ():
        found |= _bases(known, base, depth - 1)
    return found
