"""One more header, query parameter or cookie on a request."""

from dataclasses import replace

from stopper.core.exchange import Request
from stopper.core.probing.query import with_query

Change = tuple[str, str, str]
"""Where it goes (``header``, ``query``, ``cookie``), its name and its value."""


def with_change(request: Request, change: Change) -> Request:
    """*request* with it."""
    where, name, value = change
    if where == "query":
        return with_query(request, name, value)
    if where == "header":
        return request.with_headers((name, value))
    kept = tuple(pair for pair in request.headers if pair[0].lower() != "cookie")
    jar = "; ".join(
        part for part in (f"{name}={value}", request.header("Cookie")) if part
    )  # the first of a name counts
    return replace(request, headers=(*kept, ("Cookie", jar)))
