"""Bodies that are no JSON object and no form: what a route reads whole, as XML, YAML or an object that was packed."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.exchange import Request
from stopper.core.place import RouteRef
from stopper.core.probe import Target
from stopper.core.probing.baseline import is_door
from stopper.core.probing.inputs import members

MOST: Final = {"quick": 2, "standard": 5, "deep": 20}
"""Routes that are sent such a body, by the scan's depth."""
OBJECTS: Final = re.compile(
    r"(?i)data|obj|pickl|payload|serial|state|session|cart|config|pref|yaml|yml|snapshot|backup|dump|blob|model"
)
"""Names under which a packed object may be sent."""
XML: Final = re.compile(r"(?i)xml|svg|soap|data|payload|input|document|content|body")
"""Names under which a document of XML may be sent."""


def bare_bodies(target: Target, kind: str = "text/plain") -> Iterator[tuple[Request, RouteRef]]:
    """Requests to routes that take POST and of whose members nobody knows any, with an empty body of this *kind*."""
    left = MOST[target.depth]
    for route in target.app.routes:
        if "POST" not in route.methods or route.names or route.takes_form or is_door(route) or not left:
            continue
        request = target.request_for(route, "POST")
        if members(request):
            continue
        left -= 1
        headers = tuple(pair for pair in request.headers if pair[0].lower() != "content-type")
        who = target.identities[0] if target.identities else None
        bare = Request("POST", request.target, (*headers, ("Content-Type", kind)), b"", request.effect)
        yield (who.on(bare) if who is not None else bare), RouteRef("POST", route.path)
