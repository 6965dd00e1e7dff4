"""Older versions of routes that ask nobody what the newer version asks: they were left where they were when the guard came."""

import re
from typing import Final

from stopper.core.app import Route
from stopper.core.probe import Steps, Target, send
from stopper.core.probing.baseline import attempt
from stopper.core.spec_document import shape

_VERSION: Final = re.compile(r"(?i)(?<=/)v(\d{1,3})(?=/|$)")


def newer_refuses(target: Target, route: Route, method: str) -> Steps[bool]:
    """Whether the same route of a newer version turns away who shows nothing, while this one does not."""
    said = _VERSION.search(route.path)
    if said is None:
        return False
    wanted = shape(_VERSION.sub("v*", route.path, count=1))
    for other in target.app.routes:
        newer = _VERSION.search(other.path) if method in other.methods else None
        if (
            newer is not None
            and int(newer[1]) > int(said[1])
            and shape(_VERSION.sub("v*", other.path, count=1)) == wanted
        ):
            answer = yield from attempt(send(target.request_for(other, method)))
            if answer is not None and answer.response.refused:
                return True
    return False
