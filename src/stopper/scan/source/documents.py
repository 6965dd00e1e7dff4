"""OpenAPI documents that lie beside the code: what they say is joined to the routes that the source has."""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Final

from stopper.core.app import App, Route
from stopper.core.errors import UsageError
from stopper.core.fact import TextFile
from stopper.core.spec_document import serves_by
from stopper.scan.merge import shape, with_spec

_NAME: Final = re.compile(r"(?:^|/)(?:openapi|swagger)[\w.-]*$")
"""What a document of the whole application is called; one under another name may be a part of it, or be written for people."""


MOST: Final = 512 * 1024
"""Letters of YAML that are read: a page of it costs a hundred times what JSON does."""
_CHEAPER: Final = 10
"""What a page of YAML costs against one of JSON, with all that is made of it."""


def is_too_large(text: TextFile) -> bool:
    """That reading it would cost seconds."""
    if _length(text) <= MOST:
        return False
    try:
        return not text.path.endswith(".json") or json.loads("\n".join(text.lines)) is None
    except (ValueError, RecursionError):
        return True  # it would be read as YAML


def _length(text: TextFile) -> int:
    return sum(map(len, text.lines))


def _in_turn(texts: Sequence[TextFile]) -> Iterator[TextFile]:
    """The documents that are read until one fits: those called so and those of JSON first, and only as many as reading one large page of
    YAML costs. The first always is."""
    said = [
        text
        for text in texts
        if text.kind == "openapi" and any("openapi" in line or "swagger" in line for line in text.lines)
    ]
    left = MOST
    for text in sorted(said, key=lambda text: (_NAME.search(text.path) is None, not text.path.endswith(".json"))):
        cost = _length(text) // (_CHEAPER if text.path.endswith(".json") else 1)
        if (cost > left and left < MOST) or is_too_large(text):
            continue
        left -= cost
        yield text


def with_documents(app: App, texts: Sequence[TextFile]) -> App:
    """*app* with the first document that speaks of its routes or names its modules. One of another API, kept to make a client of it, does
    neither."""
    for text in _in_turn(texts):
        from stopper.scan.spec.read import read_spec

        try:
            spec, routes = read_spec("\n".join(text.lines), text.path)
        except UsageError:
            continue
        known = {(shape(route.path), method) for route in app.routes for method in route.methods}
        ours = tuple(route for route in routes if _is_served(route, known))
        whole = _NAME.search(text.path) is not None or _tells_of_all(app, routes, ours)
        if (ours and whole) or (app.source is not None and serves_by(spec, app.source)):
            return with_spec(app, spec, ours)
    return app


def _is_served(route: Route, known: set[tuple[str, str]]) -> bool:
    return any((shape(route.path), method) in known for method in route.methods)


def _tells_of_all(app: App, routes: Sequence[Route], ours: Sequence[Route]) -> bool:
    """That a document under another name tells of nothing but routes of this application, and of most of them."""
    told = {shape(route.path) for route in ours}
    served = {shape(route.path) for route in app.routes}
    return len(ours) == len(routes) and 2 * len(told) > len(served)
