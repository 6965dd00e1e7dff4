"""Tokens that come in the path of a view, and those that a view hands to the function that a library asks about tokens."""

import re
from collections.abc import Collection, Iterator

from stopper.core.facts import SourceFacts
from stopper.core.values import Call, Item, Parameter, walk


def tokens_in_paths(facts: SourceFacts, decodes: re.Pattern[str]) -> Iterator[Call]:
    """``jwt.decode(token, …)`` in the view of ``/feed/<token>``."""
    for call in facts.calls_matching(decodes.pattern):
        named = {part.parameter for part in walk(call.args[0], 4) if isinstance(part, Parameter)} if call.args else ()
        if named and any(
            name in named for route in facts.routes_of_view(call.function) for name, _ in route.parameters
        ):
            yield call


def handed_to_verifiers(facts: SourceFacts) -> Iterator[Call]:
    """``verify(request.args["t"])``, where ``@auth.verify_token`` stands before that function of the project."""
    if not facts.imports("flask_httpauth", "apiflask"):
        return
    asked = [
        one.name
        for one in facts.functions()
        if any(decorator.name.rpartition(".")[2] == "verify_token" for decorator in one.decorators)
    ]
    yield from (call for call in facts.calls(*asked) if call.args) if asked else ()


def read_by_loaders(facts: SourceFacts, places: Collection[str]) -> Iterator[Item]:
    """``request.args.get("token")`` in the function of ``@login_manager.request_loader``: it says who somebody is at every request."""
    loaders = {
        one.name
        for one in facts.functions()
        if any(decorator.name.endswith(".request_loader") for decorator in one.decorators)
    }
    yield from (one.value for one in facts.readings(*places) if one.function in loaders)
