"""Tokens that come in the path of a view, and those that a view hands to the function that a library asks about tokens."""

import re
from collections.abc import Iterator

from stopper.core.facts import SourceFacts
from stopper.core.values import Call, Parameter, walk


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
