"""Things that are made for whom the caller names, where callers have to be known and nobody asks who they are."""

import re
from collections.abc import Collection, Iterator
from typing import Final

from stopper.core.app import App
from stopper.core.facts import SourceFacts
from stopper.core.flow.body_models import declares
from stopper.core.flow.nested_functions import inside
from stopper.core.flow.said_by_caller import said_under
from stopper.core.flow.view_functions import index_of
from stopper.core.guards.asked_whose import asks_whose
from stopper.core.guards.reached_by_admins import is_reached_by_admins
from stopper.core.guards.whose_it_is import is_or_mine, is_stamped, looks_at_who, weighs
from stopper.core.owner_names import WHOSE, WHOSE_ID
from stopper.core.place import Span
from stopper.core.stores.made_things import made_things
from stopper.core.stores.queries_by_owner import sent_before_own
from stopper.core.values import Call, Parameter, Value

_OWNERS: Final = ("owner", "owner_id", "tenant", "tenant_id", "org_id", "organization_id", "organisation_id")
_PEOPLE: Final = ("user", "account", "customer", "patient", "member", "student", "employee", "author", "client")
_MINE: Final = tuple(f"{word}_id" for word in _PEOPLE)
_CHECKS: Final = re.compile(
    r"(?i)_?(?:check|verify|require|ensure|assert|enforce|authori[sz]e|confirm)_?\w*(?:auth|access|permission|permitted|allowed|owner|member|may|right)"
    r"|_?authori[sz]e(?:_\w+)?$"
)
"""What lets somebody on, by its name."""


def made_for_somebody(app: App, facts: SourceFacts) -> Iterator[tuple[Span, str]]:
    """``Project(tenant_id=body["tenant_id"])`` where callers have to be known and nobody asks which tenant theirs is."""
    if not (facts.says(*_OWNERS, *_MINE, *_PEOPLE) or declares(facts, WHOSE_ID)):
        return
    guarded = {route.view for route in app.routes if any(one.state == "guarded" for one in route.access.values())}
    for call, noun, columns in made_things(facts):
        homes = _homes(facts, call.function, guarded)
        if not homes or call.span is None:
            continue
        for name, value in columns:
            stamped = is_stamped(noun, name)
            key = said_under(facts, value) if name in _OWNERS or stamped or is_or_mine(name, value) else None
            key = key or (_of_the_address(facts, value) if name in (*_OWNERS, *_MINE) else None)
            said = key is not None and (
                key in (*_OWNERS, name)
                or (stamped and WHOSE_ID.fullmatch(key) is not None)
                or _of_the_address(facts, value) is not None
            )
            if (
                said
                and not any(
                    asks_who(facts, one) or weighs(facts, one) or _is_checked(facts, value, one) for one in homes
                )
                and not (looks_at_who(facts, call.function) or weighs(facts, call.function))
                and not (_of_the_address(facts, value) is not None and _is_asked_before(app, facts, homes, call))
            ):
                yield call.span, f"whose it will be is decided by `{key}`, which the caller sends"
            elif (
                name in (*_OWNERS, *_MINE, *_PEOPLE)
                and (first := sent_before_own(facts, value)) is not None
                and not any(is_reached_by_admins(facts, one) for one in homes)
            ):
                yield call.span, f"whose it will be is decided by `{first}`, which the caller sends"


def _of_the_address(facts: SourceFacts, value: Value) -> str | None:
    """``/users/<user_id>/notes``: whoever asks says for whom."""
    if not isinstance(value, Parameter) or not (WHOSE.search(value.parameter) or WHOSE_ID.fullmatch(value.parameter)):
        return None
    parameters = (name for one in facts.routes_of_view(value.function) for name, _ in one.parameters)
    return value.parameter if value.parameter in parameters else None


def _is_checked(facts: SourceFacts, value: Value, view: str) -> bool:
    """``check_auth(account_id=account_id, one_of_roles=…)``: what asks for access is told for whom, and nothing is made of its answer."""
    return isinstance(value, Parameter) and any(
        _CHECKS.match(call.method) and value in (*call.args, *(given for _, given in call.keywords))
        for call in facts.calls_in(view)
    )


def _is_asked_before(app: App, facts: SourceFacts, homes: Collection[str], made: Call) -> bool:
    """That a decorator, a hook or a function which the view hands its parameter to holds it against who is calling."""
    index = index_of(facts)
    views = {name for home in homes for name in (home, home.rpartition(".")[0])}
    for route in app.routes:
        if route.view in views:
            hooks = [hook for one in facts.routes_of_view(route.view) for hook in one.hooks]
            for method in route.methods:
                own = list(index.of_view(route.view, route.span, method))
                around = {one.name for view in own for one in view.decorators}
                before = [*hooks, *(inner for name in sorted(around) for inner in inside(facts, name))]
                own += [index.by_name[one] for one in before if one in index.by_name]
                if asks_whose(index, route, own, made):
                    return True
    return False


def _homes(facts: SourceFacts, function: str, guarded: set[str]) -> list[str]:
    """The guarded views that the function is, stands in, or is called by, where nobody else calls it."""
    if function in guarded or function.rpartition(".")[0] in guarded:
        return [function]
    calling = (
        {call.function for call in facts.calls(function)} if function and not facts.is_view(function) else set[str]()
    )
    return sorted(calling) if calling <= guarded else []


def asks_who(facts: SourceFacts, function: str) -> bool:
    """That the function asks who is calling, or that administrators alone reach it."""
    return looks_at_who(facts, function) or is_reached_by_admins(facts, function)
