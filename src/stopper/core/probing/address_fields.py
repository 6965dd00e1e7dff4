"""Fields of an API that take an address, and requests that put one of ours there."""

import base64
import json
import re
from collections.abc import Iterator, Sequence
from typing import Final, cast
from urllib.parse import parse_qsl, urlsplit

from stopper.core.app import Route
from stopper.core.exchange import Request
from stopper.core.facts import source_of
from stopper.core.probe import Target
from stopper.core.probing.inputs import members
from stopper.core.probing.query import query_names, with_query

_NAMES: Final = re.compile(
    r"(?i)^(?:\w*(?:url|uri|link|href|webhook)|(?:\w*_)?(?:src|target|dest|destination|endpoint|host|domain|callback|feed|image|avatar|site|page|proxy|fetch|source|remote|address|api|server|upstream|mirror|gateway|backend|u)(?:_url|_uri)?)$"
)
_FETCHES: Final = re.compile(
    r"(?i)(^|[/_-])(import|fetch|proxy|preview|unfurl|scrape|crawl|mirror|webhooks?|hooks?|callback|remote|pull|avatar|screenshot|render|feed|rss|download|check|ping|test)"
    r"([/_-]?(url|link|site|page|image|file|test))?/?$"
)
"""Paths of what may go and get something."""
_GOES: Final = re.compile(
    r"(?i)ssrf|(^|[/_-])rfi|fetch|proxy|url-?open|(open|load|get|import|read|from|by|visit|check)[_-]?url"
)
"""Paths that say it of the one input that their view reads, whatever that is called."""
_MAY_GO: Final = re.compile(r"(?i)(^|[/_-])(redirect|goto|load|curl|request|url|visit|open)/?$")
"""Paths of readings that may."""
ANY: Final = "one of the usual names of an address"
_USUAL: Final = (
    "url", "uri", "link", "source", "src", "target", "target_url", "address", "href", "webhook_url", "callback_url", "image_url", "endpoint", "feed", "site", "remote_url", "file_url",
)  # fmt: skip
"""What a body is asked with that nobody knows a member of."""
LEAST_SHOWN: Final = 11
"""Signs of the shortest address, ``http://a``, in base64."""
MOST: Final = 8
"""Requests of the probe that carry our address."""


def address_fields(target: Target) -> Iterator[tuple[Route, str, str, str]]:
    """Route, method, field and place; those that the source accuses first."""
    facts = source_of(target.app)
    read = {(one.function, one.key): one.source for one in facts.readings() if _NAMES.match(one.key)}
    for route in target.app.routes:
        methods = [method for method in route.methods if method in ("GET", "POST", "PUT")]
        names = {key: source for (function, key), source in read.items() if function and function == route.view}
        said = (*route.names, *route.body_names)
        for method in methods[:1] if route.readers == frozenset({"wire"}) else ():  # what its errors have told
            honest = target.request_for(route, method)
            said = (*said, *query_names(honest), *members(honest))
        names.update({name: "" for name in said if _NAMES.match(name) and name not in names})
        names.update({name: "" for name in _shown_as_one(target, route, methods[:1]) if name not in names})
        if not names and len(set(said)) == 1 and _GOES.search(route.path):
            names[said[0]] = ""
        if (
            not names
            and not said
            and "POST" in route.methods
            and "spec" not in route.readers
            and _FETCHES.search(route.path)
        ):
            yield route, "POST", ANY, "json"
        elif not names and not said and methods[:1] == ["GET"] and "spec" not in route.readers and _goes(route):
            yield route, "GET", ANY, "query"
        for name, source in names.items():
            for method in methods[:1]:
                where = (
                    "query"
                    if source.endswith((".args", ".values")) or method == "GET"
                    else "form"
                    if source.endswith(".form")
                    else "json"
                )
                yield route, method, name, where


def _goes(route: Route) -> bool:
    """Whether a reading without a known input is called as what goes and gets something: that may answer all alike, whether it went or not."""
    return not route.parameters and (_FETCHES.search(route.path) or _MAY_GO.search(route.path)) is not None


def _shown_as_one(target: Target, route: Route, methods: Sequence[str]) -> Iterator[str]:
    """The members of a body for which a document shows an address, whatever they are called."""
    for method in methods if "spec" in route.readers and methods != ["GET"] else ():
        said = members(target.request_for(route, method))
        yield from (
            name for name, value in said.items() if isinstance(value, str) and re.match(r"(?i)https?://\S", value)
        )


def _as_shown(address: str, shown: str) -> str:
    """*address* in base64 where what a document shows is an address in it."""
    try:
        plain = base64.b64decode(shown, validate=True) if len(shown) > LEAST_SHOWN else b""
    except ValueError:
        return address
    return base64.b64encode(address.encode()).decode() if plain.startswith((b"http://", b"https://")) else address


_HOST: Final = re.compile(r"(?i)(\w+_)?(host|hostname|domain|server|address|ip)")
_PORT: Final = re.compile(r"(?i)(\w+_)?port")
_SCHEME: Final = re.compile(r"(?i)(\w+_)?(scheme|protocol|proto)")
_PATH: Final = re.compile(r"(?i)(\w+_)?(path|uri|endpoint|route)")


def written(name: str, address: str) -> tuple[str, ...]:
    """*address* as a field of that name may want it: a host is named without what stands before it, and a view puts that there."""
    return (address, address.partition("://")[2]) if _HOST.fullmatch(name) else (address,)


def _in_parts(names: Sequence[str], name: str, address: str) -> dict[str, object]:
    """The address in the members that hold its parts, where the host has a port beside it; nothing where it has none."""
    port = next((one for one in names if _PORT.fullmatch(one)), None)
    if port is None or not _HOST.fullmatch(name) or "://" not in address:
        return {}
    parts = urlsplit(address)
    said: dict[str, object] = {name: parts.hostname or "", port: parts.port or 80}
    for kind, text in ((_SCHEME, parts.scheme), (_PATH, parts.path)):
        said.update({one: text for one in names if kind.fullmatch(one)})
    return said


def aimed(request: Request, name: str, where: str, address: str) -> Request:
    """*request* with *address* in its field *name*, which stands in the query, a form or a JSON body."""
    if where == "query" and name == ANY:
        for usual in _USUAL:
            request = with_query(request, usual, address)
        return request
    if where == "query":
        shown = dict(parse_qsl(request.target.partition("?")[2])).get(name, "")
        return with_query(request, name, _as_shown(address, shown))
    if where == "form":
        body, kind = f"{name}={address}".encode(), "application/x-www-form-urlencoded"
    else:
        try:
            held = json.loads(request.body or b"{}")
        except ValueError:
            held = {}
        known = cast("dict[str, object]", held) if isinstance(held, dict) else dict[str, object]()
        address = _as_shown(address, str(known.get(name, "")))
        mine: dict[str, object] = dict.fromkeys(_USUAL if name == ANY else (name,), address)
        mine = _in_parts(tuple(known), name, address) or mine
        body, kind = json.dumps({**known, **mine}).encode(), "application/json"
    headers = request.headers_without_body
    return Request(
        request.method, request.target, (*headers, ("Content-Type", kind)), body, request.effect, request.identity
    )
