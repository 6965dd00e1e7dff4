"""What a door without a guard gives to anybody: the record or the file of a person whom the path names, or every query of a schema."""

import re
from collections.abc import Sequence
from typing import Final

from stopper.core.app import Route
from stopper.core.fact import Decorator, Function
from stopper.core.facts import SourceFacts
from stopper.core.owner_names import PERSON, WHO
from stopper.core.values import Call, Name, Parameter, walk

_EXEMPTS: Final = re.compile(
    r"(?i)^(?:public|is_public|make_public|exempt|auth_exempt|login_exempt|no_auth\w*|skip_auth\w*|without_auth\w*|allow_anonymous|anonymous|anonymous_allowed|open_to_all|unprotected)$"
)
"""Decorators that tell a hook to let a view through."""
_PRIVATE: Final = re.compile(
    r"(?i)(^|[/_-])(admin|internal|staff|payroll|salar(?:y|ies)|users?|accounts?|customers?|employees?|patients?|invoices?|payments?|billing|transactions?|exports?|backups?|audit)([/_.-]|$)"
)
_SERVES: Final = frozenset({"flask.send_file", "flask.send_from_directory"})
_KNOWS: Final = re.compile(r"(?:flask\.(?!send_)|werkzeug\.|int$|str$|isinstance$|len$|print$|logging\.|uuid\.)")
GRAPHQL_VIEWS: Final = frozenset({
    "flask_graphql.GraphQLView", "graphql_server.flask.GraphQLView", "graphql_server.flask.graphqlview.GraphQLView",
    "strawberry.flask.views.GraphQLView", "strawberry.flask.views.AsyncGraphQLView",
})  # fmt: skip
"""View classes of libraries that answer GET and POST with what a query asks for."""
_ASKS: Final = re.compile(r"(?i)auth|login|token|permission|required|role|guard")
_GRAPHQL: Final = re.compile(r"(?:.*\.)?(?:graphql_sync|execute_sync)|graphql\.graphql|(?:.*\.)?schema\.execute")


def marks_views(facts: SourceFacts) -> bool:
    """That some views are taken out of a hook by a decorator, so that the others are closed."""
    return any(
        _EXEMPTS.search(one.name.rpartition(".")[2]) and facts.is_view(function.name)
        for function in facts.functions()
        for one in function.decorators
    )


def lets_in_for_nothing(facts: SourceFacts) -> bool:
    """That somebody logs in and is given a token or a session, in an application where nothing asks for either."""
    opening = facts.calls(
        "flask_login.login_user", "flask_jwt_extended.create_access_token", "jwt.encode", "jose.jwt.encode"
    )
    return any(call.function and any(facts.routes_reaching(call.function)) for call in opening)


def is_exempted(own: Sequence[Function], route: Route) -> bool:
    """That a decorator takes the view out of a hook, and its path speaks of what belongs to somebody."""
    marked = any(_EXEMPTS.search(one.name.rpartition(".")[2]) for function in own for one in function.decorators)
    return marked and _PRIVATE.search(route.path) is not None


def serves_somebody(facts: SourceFacts, route: Route, own: Sequence[Function]) -> bool:
    """``/patients/{patient_id}`` and ``patients.get(patient_id)``, or a file that is named by it: the record of whoever the path names."""
    people = {
        name
        for name, _ in route.parameters
        if PERSON.search(name) and name.lower().endswith(("id", "uuid", "number", "no"))
    }
    return bool(people) and any(
        isinstance(part, Parameter) and part.parameter in people
        for function in own
        for call in facts.calls_in(function.name)
        if not _KNOWS.match(call.callee) or call.callee in _SERVES
        for value in (*call.args, *(given for _, given in call.keywords))
        for part in walk(value, 4)
    )


def answers_graphql(facts: SourceFacts, own: Sequence[Function], view: str) -> bool:
    """That the view runs whatever query it is sent, and no function of the project asks who is calling on behalf of it."""
    runs = _is_graphql_view(facts, view) or any(
        _GRAPHQL.fullmatch(call.callee) for function in own for call in facts.calls_in(function.name)
    )
    resolvers = [function for function in facts.functions() if _resolves(function)] if runs else []
    if not resolvers or any(
        _ASKS.search(call.method)
        for one in resolvers
        for call in facts.calls_in(one.name)
        if one.name.endswith(".resolve")
    ):
        return False
    if any(
        _ASKS.search(one.name.rpartition(".")[2]) or _is_permitted(one)
        for function in resolvers
        for one in function.decorators
    ):
        return False
    return not any(
        isinstance(part, Name) and WHO.search(part.dotted)
        for function in resolvers
        for values in (facts.conditions_in(function.name), facts.calls_in(function.name))
        for one in values
        for part in walk(one if isinstance(one, Call) else one.value, 4)
    )


def _is_graphql_view(facts: SourceFacts, view: str) -> bool:
    if view in GRAPHQL_VIEWS:
        return True
    return any(view == one.name and not GRAPHQL_VIEWS.isdisjoint(one.bases) for one in facts.classes())


def _is_permitted(decorator: Decorator) -> bool:
    """``@strawberry.mutation(permission_classes=[IsMember])``"""
    return decorator.call is not None and decorator.call.keyword("permission_classes", "extensions") is not None


def _resolves(function: Function) -> bool:
    """A resolver of Ariadne, Graphene or Strawberry, and what runs round all of them (``def resolve(self, next, root, info)``)."""
    word = function.name.rpartition(".")[2]
    return (
        word == "resolve"
        or word.startswith(("resolve_", "mutate"))
        or any(one.name.rpartition(".")[2] in ("field", "mutation", "type") for one in function.decorators)
    )
