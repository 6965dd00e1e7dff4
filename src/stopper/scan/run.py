"""The run that asks a live address: what is known of it from outside, then all that probes ask."""

import contextlib
import re
from dataclasses import replace
from posixpath import commonpath
from typing import Final

from stopper.core.account_names import REGISTERS
from stopper.core.app import App, Route
from stopper.core.errors import IncompleteError
from stopper.core.exchange import Request, Response
from stopper.core.login_names import LOGIN
from stopper.core.probe import Skipped
from stopper.scan.options import ProbeOptions
from stopper.scan.people.doors import REGISTER
from stopper.scan.probing import Clock, examine, nothing, start
from stopper.scan.report import ReadError, Report
from stopper.scan.score import scored
from stopper.scan.spec.find import USUAL, found_spec, given_spec
from stopper.scan.surface.crawl import beside, crawled
from stopper.scan.surface.crawling import ENDS, Crawled
from stopper.scan.surface.graphql import found_door
from stopper.scan.surface.more_words import heads_of
from stopper.scan.surface.nothing_there import plain_get
from stopper.scan.surface.other_versions import other_versions
from stopper.scan.surface.page_links import links
from stopper.scan.surface.page_routes import TAKES_AWAY, with_pages_of
from stopper.scan.target import new_canary
from stopper.scan.wire.courier import Courier
from stopper.scan.wire.first_visit import given_to, is_wanted
from stopper.scan.wire.http import HttpTransport

WORKERS = 8
_PLAIN: Final = "wrong version number"
"""What a handshake comes to with a server that speaks plain http."""
FEW = 6
"""A document of fewer routes may be one of several."""
DOORS: Final = ("login", "register", "signup", "users", "auth/login", "auth/register", "users/login", "token", "auth")
"""Where an API lets people in whose document says nothing of it."""
LOG_INS: Final = ("login", "signin", "session", "sessions", "token")
REGISTRATIONS: Final = ("register", "signup")
"""What log-ins and registrations are called that nothing led to."""
MORE_LOG_INS: Final = ("authenticate", "auth", "sign-in", "enter")
MORE_REGISTRATIONS: Final = ("enroll", "join", "create", "new", "sign-up")
"""What else they are called below a collection of people."""
OF_PEOPLE: Final = re.compile(
    r"(?i)/(users?|accounts?|staff|members?|customers?|clients?|employees?|people|persons?|students?|teachers?|doctors?|drivers?|agents?|authors?|players?|auth|identity)$"
)
PEOPLE_MOST: Final = 3
HEADS: Final = (
    "", "/api", "/auth", "/api/auth", "/user", "/users", "/account", "/accounts", "/api/user", "/api/users", "/api/account", "/api/accounts", "/api/v1", "/api/v1/auth",
    "/api/v1/users", "/v1", "/v1/auth", "/api/v2", "/customer", "/member",
)  # fmt: skip
"""Below what they stand."""
TAILS: Final = ("", "/auth", "/user", "/users", "/account", "/accounts")
"""The same below the beginning of an API that is known."""
FORMS_MOST: Final = 12
"""Pages of forms that are asked for beside a document."""
REFUSING_MOST: Final = 12
"""Reads that are looked at for one that refuses nobody."""
LIKELIEST: Final = 8
"""Places where a document is looked for beside pages."""
OWN_MOST: Final = 6
"""Folders of what was found below which they are looked for."""
NEAR_MOST: Final = 12
"""Places that are asked for a document because of what a crawl has read."""


def run_scan(url: str, options: ProbeOptions) -> Report:
    """Ask a live API. Raises UsageError for a bad address or document, IncompleteError when nobody answers."""
    clock = start()
    transport = HttpTransport(url)
    courier = Courier(
        transport,
        mode=options.mode,
        max_requests=options.max_requests,
        rate=options.rate,
        timeout=options.timeout,
        time_limit=options.time_limit,
    )
    try:
        first = _first(courier, transport)
        silent = _silence(first, transport)
        if silent:
            return _only_tls(silent, courier, transport, options, clock)
        canary = new_canary()
        _keep_first_visit(courier, transport, first, canary)
        app, ids = _known(courier, transport, options, canary, first)
        report = examine(
            "scan", transport.base_url, app, courier, options, clock, workers=WORKERS, canary=canary, known_ids=ids
        )
        return _whole(report, courier, transport)
    finally:
        transport.close()


def _first(courier: Courier, transport: HttpTransport) -> Response:
    """What the address itself answers. Raises IncompleteError where it may not be asked."""
    try:
        return courier.carry(Request("GET", transport.origin.prefix + "/")).response
    except Skipped as skipped:
        raise IncompleteError(f"{transport.base_url} was not asked: {skipped}") from None


def _keep_first_visit(courier: Courier, transport: HttpTransport, first: Response, canary: str) -> None:
    """From now on show the cookies of a first visit, where a target tells nobody without them what is there."""
    if not first.all_headers("Set-Cookie"):
        return
    path = f"{transport.origin.prefix}/{canary}-not-there"
    with contextlib.suppress(Skipped):
        bare = courier.carry(plain_get(path)).response
        visit = given_to(bare, plain_get(path))
        if visit.cookies.reveal() and is_wanted(bare, courier.carry(visit.dressed(plain_get(path))).response):
            courier.visit = visit


def _silence(response: Response, transport: HttpTransport) -> str:
    """Why there is no answer, with the mend; empty where there is one."""
    return f"does not answer ({response.error}); {_mend(transport, response.error)}" if response.error else ""


def _only_tls(silent: str, courier: Courier, transport: HttpTransport, options: ProbeOptions, clock: Clock) -> Report:
    """What can be said of a target whose handshake fails: nobody logs in there and nothing is sent. Raises IncompleteError where that is nothing."""
    if transport.surface == "https" and ("certificate" in silent or "no TLS there" in silent) and _PLAIN not in silent:
        rules = tuple(rule for rule in options.rules if rule.check == "transport" and "https" in rule.surfaces)
        careful = replace(options, rules=rules, identities=(), mode="passive")
        app = App(name=transport.origin.authority, readers=frozenset({"wire"}))
        report = examine("scan", transport.base_url, app, courier, careful, clock, workers=1)
        if report.findings:
            return scored(replace(report, errors=(*report.errors, ReadError(report.target, silent))))
    raise IncompleteError(f"{transport.base_url} {silent}")


def _mend(transport: HttpTransport, error: str) -> str:
    """What to do about an address that gives no answer."""
    if "certificate" in error:
        return "mend the certificate, or name the file of its authority in the variable SSL_CERT_FILE"
    if _PLAIN in error:
        return f"it speaks plain http there: type http://{transport.origin.authority}{transport.origin.prefix}"
    return "is it running?"


def _known(
    courier: Courier, transport: HttpTransport, options: ProbeOptions, canary: str, first: Response
) -> tuple[App, dict[str, dict[str, str]]]:
    """What can be known of the API from outside: its document, and what a crawl finds beside it. ``first`` answered at its root."""
    prefix = transport.origin.prefix
    options.progress("looking for the API's document", 0, 1)
    pages = _shows_pages(first, transport, prefix)
    places = USUAL[:LIKELIEST] if pages else USUAL
    document = given_spec(options.spec, options.timeout) if options.spec else found_spec(courier, prefix, places)
    seen = Crawled()
    doors = found_door(courier, prefix) if document is None else ()
    if doors:
        seen = crawled(courier, prefix, canary, ("/",))
        seen = replace(seen, routes=(*doors, *beside(doors, seen.routes)))
    elif document is None:
        options.progress("crawling", 0, 1)
        given = options.identities
        enters, led = (
            not all(one.headers for one in given),
            [path.removeprefix(prefix) for path in courier.graphql.others],
        )
        seen = crawled(courier, prefix, canary, others=bool(given), enters=enters, led=led)
        document = found_spec(
            courier, "", [place for place in seen.documents if place not in _asked(prefix)][:NEAR_MOST]
        )
    elif shown := _pages(document[1], first, transport, prefix):
        seen = crawled(courier, prefix, canary, shown)
    if document is not None and _lacks_doors(document[1], options):
        found = crawled(courier, prefix, canary, _doors_beside(document[1], prefix))
        let_in = tuple(route for route in found.routes if _lets_in((route,)) or REGISTERS.search(route.path))
        seen = replace(seen, routes=(*seen.routes, *let_in))
    if document is None and not doors and not any(one.headers for one in options.identities):
        seen = _with_doors(courier, prefix, canary, seen)
    if document is None:
        routes = (*seen.routes, *other_versions(courier, seen.routes, canary))
        return App(name=transport.origin.authority, routes=routes, readers=frozenset({"wire"})), _plain(seen)
    spec, routes = document
    if not options.spec and len(routes) < FEW:
        routes = (*routes, *_of_other_documents(courier, prefix, routes))
    placed = tuple(_under(prefix, route) for route in routes)
    placed = (*placed, *other_versions(courier, placed, canary))
    placed = (*with_pages_of(placed, seen.routes), *beside(placed, seen.routes))
    return App(name=transport.origin.authority, routes=placed, spec=spec, readers=frozenset({"spec", "wire"})), _plain(
        seen
    )


def _shows_pages(first: Response, transport: HttpTransport, prefix: str) -> bool:
    """Whether it begins with a page that leads on and says nothing of an API: such an application has no document as a rule."""
    led = list(links(first, transport.base_url.removesuffix(prefix), prefix + "/"))
    return len(led) > 1 and not re.search(r"(?i)\bapi\b|swagger|openapi|docs|redoc", first.text)


def _pages(described: tuple[Route, ...], first: Response, transport: HttpTransport, prefix: str) -> tuple[str, ...]:
    """Where a crawl beside a document begins: the start where it leads on, and what is read and takes a POST as well, as the page of a form
    does."""
    leads = first.sends_on or any(links(first, transport.base_url.removesuffix(prefix), prefix + "/"))
    sent = {route.path for route in described if "POST" in route.methods}
    both = (route.path for route in described if "GET" in route.methods and not route.parameters and route.path in sent)
    shown = [path.removeprefix(prefix) for path in both if not TAKES_AWAY.search(path)][:FORMS_MOST]
    return (*(("/",) if leads else ()), *shown)


def _lets_in(routes: tuple[Route, ...]) -> bool:
    """Whether one of *routes* looks like a log-in."""
    return any("POST" in route.methods and LOGIN.search(route.path) for route in routes)


def _with_doors(courier: Courier, prefix: str, canary: str, seen: Crawled) -> Crawled:
    """*seen* with the log-in and the registration that nothing led to: below what was found, and where they are as a rule."""
    lets_in, registers = _lets_in(seen.routes), _takes_accounts(seen.routes)
    if (lets_in and registers) or not (lets_in or registers or _refuses(courier, seen.routes)):
        return seen
    folders = {route.path.partition("{")[0].rstrip("/") for route in seen.routes}
    folders |= {folder.rpartition("/")[0] for folder in folders}
    listed = {route.path.rstrip("/") for route in seen.routes if not OF_PEOPLE.search(route.path.rstrip("/"))}
    own = sorted((one.removeprefix(prefix) for one in folders - listed), key=lambda one: (one.count("/"), one))
    begun = [f"{head}{tail}" for head in heads_of(own)[:1] for tail in TAILS]
    heads = tuple(dict.fromkeys((*own[:OWN_MOST], *(begun or HEADS))))
    words = (*(() if lets_in else LOG_INS), *(() if registers else REGISTRATIONS))
    asked = {path.removeprefix(prefix) for _, path in courier.asked}
    more = (*(() if lets_in else MORE_LOG_INS), *(() if registers else MORE_REGISTRATIONS))
    people = [one for one in own if OF_PEOPLE.search(one)][:PEOPLE_MOST]
    places = dict.fromkeys(f"{head}/{word}" for head in people for word in (*words, *more))
    places |= dict.fromkeys(f"{head}/{word}" for head in heads for word in words)
    found = crawled(courier, prefix, canary, [one for one in places if one not in asked])
    doors = [one for one in found.routes if _lets_in((one,)) or _takes_accounts((one,))]
    return replace(seen, routes=(*seen.routes, *beside(seen.routes, doors)))


def _lacks_doors(routes: tuple[Route, ...], options: ProbeOptions) -> bool:
    """Whether a document says nothing of how those come in whom the scan was given, or, where it was given nobody, how people register."""
    if any(one.headers for one in options.identities):
        return False
    return not _lets_in(routes) or not (options.identities or _takes_accounts(routes))


def _takes_accounts(routes: tuple[Route, ...]) -> bool:
    """Whether one of *routes* looks like a registration."""
    return any("POST" in route.methods and not route.parameters and REGISTER.search(route.path) for route in routes)


def _refuses(courier: Courier, routes: tuple[Route, ...]) -> bool:
    """Whether one of a few *routes* that are read refuses nobody: then there is somebody to be."""
    reads = [
        route.path
        for route in routes
        if "GET" in route.methods and not route.parameters and not ENDS.search(route.path)
    ][:REFUSING_MOST]
    with contextlib.suppress(Skipped):
        return any(courier.carry(plain_get(path)).response.refused for path in reads)
    return False


def _doors_beside(routes: tuple[Route, ...], prefix: str) -> tuple[str, ...]:
    """Where people log in and register as a rule, below what all routes of a document begin with: a document may leave them out."""
    paths = [route.path.removeprefix(prefix).partition("{")[0].rstrip("/") or "/" for route in routes]
    common = commonpath(paths) if paths else "/"
    begins = common.rpartition("/")[0] if common in paths else common
    return tuple(dict.fromkeys(f"{place.rstrip('/')}/{door}" for place in ("", begins) for door in DOORS))


def _asked(prefix: str) -> frozenset[str]:
    """The places where a document was looked for first."""
    return frozenset(prefix + place for place in USUAL)


def _plain(seen: Crawled) -> dict[str, dict[str, str]]:
    return {path: dict(ids) for path, ids in seen.ids.items()}


def _of_other_documents(courier: Courier, prefix: str, known: tuple[Route, ...]) -> tuple[Route, ...]:
    """The routes of further documents at the usual places: an API made of parts may serve one for each."""
    seen = {(route.path, route.methods) for route in known}
    found: dict[tuple[str, tuple[str, ...]], Route] = {}
    for place in USUAL:
        document = found_spec(courier, prefix, [place])
        for route in document[1] if document is not None else ():
            if (route.path, route.methods) not in seen:
                found.setdefault((route.path, route.methods), route)
    return tuple(found.values())


def _under(prefix: str, route: Route) -> Route:
    """The route below the address that the user gave, when its document does not say so itself."""
    return route if not prefix or route.path.startswith(prefix + "/") else replace(route, path=prefix + route.path)


def _whole(report: Report, courier: Courier, transport: HttpTransport) -> Report:
    """*report*, with an error where the target fell silent or nothing could be tested."""
    errors = list(report.errors)
    if nothing(report.coverage):
        why = "every route answered with 429 or an error of its own (5xx) only; scan again when the API is well"
        if not report.coverage.total or not courier.asked:
            why = "no route was found or none answered; give the API's document with --spec"
        errors.append(ReadError(report.target, why))
    seconds = courier.time.left(5.0, last=True)
    last = transport.send(Request("GET", transport.origin.prefix + "/"), seconds) if seconds else None
    if last is not None and last.error:
        errors.append(ReadError(report.target, f"it stopped answering during the scan ({last.error})"))
    return scored(replace(report, errors=tuple(errors)))
