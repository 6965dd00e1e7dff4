"""Routes that developers leave behind: those that are called so, and those that are guessed, asked for as nobody once a scan."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from stopper.core.app import Route
from stopper.core.exchange import Exchange
from stopper.core.place import RouteRef
from stopper.core.probe import LITTLE, Steps, Target, send
from stopper.core.probing.baseline import attempt, same
from stopper.core.probing.shared import found_once

ENOUGH: Final = 5
"""Routes after which no more are asked for."""
_INTERNAL: Final = re.compile(
    r"(?i)(?:^|[/_.-])(debug\w*|_debug|internals?|backups?|dump\w*|bak|actuator|phpinfo|console|_?env|environ|tests?|testing|playground|sandbox|dev|devtools|staging|(?:tmp|temp|old)(?![_-])|"
    r"_?profiler|trace|heapdump|threaddump|server-?status|server-?info|diagnostics?|eval|shell|seed|reset-?db|fixtures?|sysinfo|settings/dump)(?=[/_.-]|$)"
)
_SAFE: Final = re.compile(
    r"(?i)(^/docs?/|speed-?tests?|/tests?/\{|s?/\{[^/]*\}/tests?(?=/|$)|latest|contest|trace(?:s|route)?/\{|/tests?$.*result|environments?|[/_]ping/?$|profiles?/\{|(?:scan|find|detect|match|mark|toggle)[_-]internals?)"
)
_LOGS: Final = re.compile(
    r"(?i)(?:^|[/_.-])(?:(?:get|read|show|view|list|tail|download|fetch|display)[-_]?)?(?:(?:access|error|app|application|server|system|debug|audit|flask)[-_]?)?logs?/?$"
)
_LINES: Final = re.compile(
    r"(?m)^\W{0,3}(?:(?:DEBUG|INFO|WARNING|ERROR|CRITICAL)[:\s|-]\S|\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d\S{0,8}.{0,80}\b(?:DEBUG|INFO|WARNING|ERROR|CRITICAL)\b|[\d.]{7,15} - \S{1,40} \[\d\d/\w{3}/\d{4})"
)
"""How lines of a log begin: as ``logging`` writes them, with the time first, and as servers write who has asked for what."""
_READ_MOST: Final = 20_000
_PLACES: Final = (
    "/debug", "/_debug", "/internal", "/backup", "/test", "/dev", "/console", "/.env", "/.git/config", "/backup.sql", "/backup.zip", "/dump",
    "/actuator/env", "/server-status", "/phpinfo.php", "/config", "/env", "/_profiler",
)  # fmt: skip
"""What is often left behind, beside the routes that are known."""
_BELOW: Final = (
    "/debug/users", "/debug/config", "/internal/users", "/internal/config", "/admin/config", "/debug/env", "/debug/info", "/debug/db", "/debug/logs",
    "/internal/stats", "/internal/env", "/internal/metrics", "/internal/debug", "/admin/debug", "/admin/logs", "/admin/backup", "/admin/export",
)  # fmt: skip
"""What is left behind below such words, where the word alone answers nothing."""
LIKELIEST: Final = 5
"""Those of them that are asked for where the budget will not do for all."""
_OWN_MOST: Final = 3
"""Of the application's own words: how many are asked for below such a word."""
_PREFIX: Final = re.compile(r"(?i)^(?:/(?:api|rest|v\d+))+(?=/)")
_FORM: Final = re.compile(r"""(?i)<input[^>]{1,400}type\s*=\s*["']?password""")


@dataclass(frozen=True, slots=True)
class LeftBehind:
    """What a path that is not there answers, and the routes of developers that answer otherwise."""

    nothing: Exchange
    served: tuple[tuple[RouteRef, Exchange], ...]
    closed: tuple[tuple[RouteRef, Exchange], ...] = ()
    """Those that are there and turn nobody in particular away."""


def is_internal(route: Route) -> bool:
    """Whether the path says that the route was made for developers."""
    return bool(_INTERNAL.search(route.path)) and not _SAFE.search(route.path)


def left_behind(target: Target) -> Steps[LeftBehind]:
    """The routes of developers that answer nobody in particular; what is not there answers like a path that cannot be."""
    return (yield from found_once(target, "left behind", lambda: _left_behind(target)))


def _left_behind(target: Target) -> Steps[LeftBehind]:
    nothing = yield from send(target.request_for(Route(f"/{target.canary}-not-there", ("GET",)), "GET"))
    served: list[tuple[RouteRef, Exchange]] = []
    closed: list[tuple[RouteRef, Exchange]] = []
    known = _known(target)
    logs = [one for one in target.app.routes if _keeps_a_log(one)][:ENOUGH]
    for route in (*known, *_guessed(target), *logs):
        answer = yield from attempt(send(target.request_for(route, "GET")))
        if route in logs and answer is not None and not _LINES.search(answer.response.text[:_READ_MOST]):
            continue  # of a name like that much else is called
        if answer is not None and (_answers(answer, nothing) or (route in known and _breaks(answer, nothing))):
            served.append((RouteRef("GET", route.path), answer))
        elif answer is not None and answer.response.status in (401, 403) and nothing.response.status == 404:
            closed.append((RouteRef("GET", route.path), answer))
        if len(served) >= ENOUGH:
            break
    return LeftBehind(nothing, tuple(served), tuple(closed))


def _known(target: Target) -> list[Route]:
    return [route for route in target.app.routes if "GET" in route.methods and is_internal(route)][:10]


def _keeps_a_log(route: Route) -> bool:
    return "GET" in route.methods and not route.parameters and bool(_LOGS.search(route.path)) and not is_internal(route)


def _guessed(target: Target) -> list[Route]:
    paths = {route.path for route in target.app.routes}
    most = LIKELIEST if LITTLE in target.notes else len(_BELOW)
    below = () if target.depth == "quick" else (*_of_its_own_words(target.app.routes), *_BELOW[:most])
    guessed = [Route(path, ("GET",)) for path in dict.fromkeys((*_PLACES, *below)) if path not in paths]
    return guessed if target.surface != "wsgi" or not target.app.routes else guessed[:6]


def _of_its_own_words(routes: Sequence[Route]) -> Iterator[str]:
    """Where the application would keep such a route by the way it names others: below its prefix, and by the names of its things."""
    prefixes = Counter(said.group() for route in routes if (said := _PREFIX.match(route.path)))
    prefix = prefixes.most_common(1)[0][0] if prefixes else ""
    things = Counter(
        word
        for route in routes
        if route.parameters and (word := route.path.removeprefix(prefix).lstrip("/").partition("/")[0])
    )
    words = [word for word, _ in things.most_common() if re.fullmatch(r"[a-z][a-z_-]{2,24}", word)][:_OWN_MOST]
    if prefix:
        yield from (
            f"{prefix}/{word}" for word in ("debug", "internal", "debug/users", "internal/users", "debug/config")
        )
    yield from (f"{prefix}/{kind}/{word}" for word in words for kind in ("debug", "internal"))


def _answers(answer: Exchange, nothing: Exchange) -> bool:
    response = answer.response
    if not response.succeeded or response.error or not response.body.strip() or "EVALEX" in response.text:
        return False  # the console of a debugger is another rule's matter
    if _FORM.search(response.text[:100_000]):
        return False  # the page of a log-in
    return not same(response, nothing.response) and not (
        nothing.response.succeeded and response.content_type == nothing.response.content_type
    )


def _breaks(answer: Exchange, nothing: Exchange) -> bool:
    """That the view runs for nobody and falls over: a guard would have turned the caller away before."""
    return answer.response.status == 500 and nothing.response.status < 500
