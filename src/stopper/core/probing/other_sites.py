"""What a page of another site may make a browser send, with the visitor's cookie."""

from dataclasses import replace
from typing import Final

from stopper.core.exchange import Exchange, Request
from stopper.core.probe import Steps, send
from stopper.core.probing.baseline import alike

ELSEWHERE: Final = "https://other-site.example"
_SIMPLE: Final = ("application/x-www-form-urlencoded", "multipart/form-data", "text/plain", "")
"""What a page may send elsewhere without being asked (Fetch, CORS-safelisted request-headers)."""


def asks_first(request: Request) -> bool:
    """Whether a browser asks the server before it sends this for another site's page."""
    return request.method != "POST" or (request.header("Content-Type") or "").partition(";")[0] not in _SIMPLE


def without_asking(foreign: Exchange, honest: Exchange) -> Steps[Exchange | None]:
    """The request as a page may send it unasked, where that is taken too, or the same one where the server lets pages of other sites ask for it;
    else None."""
    request = foreign.request
    if request.method == "POST":
        plain = yield from send(request.with_headers(("Content-Type", "text/plain")))
        if plain.response.succeeded and alike(plain.response, honest.response):
            return plain
    asked = request.with_headers(
        ("Access-Control-Request-Method", request.method), ("Access-Control-Request-Headers", "content-type")
    )
    said = (yield from send(replace(asked, method="OPTIONS", body=b"", effect="read", identity=None))).response
    origin, methods = said.header("Access-Control-Allow-Origin"), said.header("Access-Control-Allow-Methods") or ""
    lets = origin == ELSEWHERE and (said.header("Access-Control-Allow-Credentials") or "").lower() == "true"
    headers = (said.header("Access-Control-Allow-Headers") or "").lower()
    return foreign if lets and request.method in methods.upper() and "content-type" in headers else None
