"""The page at which a browser arrives that is sent on: many an application sends it on twice, to a start and from there."""

from dataclasses import replace
from typing import Final
from urllib.parse import urljoin, urlsplit

from stopper.core.exchange import Exchange
from stopper.core.probe import Steps, Target, send

HOPS: Final = 3
"""Times that an answer may send on."""


def landed(target: Target, seen: Exchange) -> Steps[Exchange]:
    """*seen*, or what is read where it leads on the same host, as who asked; a log-in is not gone to."""
    for _ in range(HOPS):
        if not seen.response.sends_on or seen.response.refused:
            break
        where = urlsplit(urljoin(seen.request.target, seen.response.header("Location") or ""))
        if where.netloc not in ("", urlsplit(target.base_url).netloc) or not where.path.startswith("/"):
            break
        led = where.path + (f"?{where.query}" if where.query else "")
        headers = tuple(pair for pair in seen.request.headers if pair[0].lower() != "content-type")
        seen = yield from send(
            replace(seen.request, method="GET", target=led, headers=headers, body=b"", effect="read")
        )
    return seen
