"""Routes that take a form and no JSON, by their document, a form of a page or what they answered: what is written to them goes as a form, whoever composed it."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final, cast
from urllib.parse import urlencode

from stopper.core.app import Route
from stopper.core.exchange import Request
from stopper.scan.merge import template_pattern

FORM: Final = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class FormDoors:
    """The methods and the shapes of the paths that take forms."""

    shapes: tuple[tuple[frozenset[str], re.Pattern[str]], ...] = ()

    @classmethod
    def of(cls, routes: Iterable[Route]) -> "FormDoors":
        """Those of *routes* that say so."""
        return cls(
            tuple(
                (frozenset(route.methods), template_pattern(route.path, dict(route.parameters)))
                for route in routes
                if route.takes_form
            )
        )

    def dressed(self, request: Request) -> Request:
        """*request*, its JSON object as a form where the route takes no other. What is no JSON object stays as it is."""
        if not self.shapes or not request.body or not self._takes(request):
            return request
        if (request.header("Content-Type") or "").partition(";")[0].strip().lower() != "application/json":
            return request
        try:
            said: object = json.loads(request.body)
        except (ValueError, RecursionError):
            return request
        if not isinstance(said, dict):
            return request
        pairs = [(name, _text(value)) for name, value in cast("dict[str, object]", said).items()]
        headers = tuple(pair for pair in request.headers if pair[0].lower() != "content-type")
        return replace(request, headers=(*headers, ("Content-Type", FORM)), body=urlencode(pairs).encode())

    def _takes(self, request: Request) -> bool:
        path = request.target.partition("?")[0]
        return any(request.method in methods and shape.fullmatch(path) for methods, shape in self.shapes)


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value)
