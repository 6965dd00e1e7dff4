"""Finds routes of a live API that has no document: links in its answers, and names that many APIs use."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from typing import Final, cast
from urllib.parse import urljoin, urlsplit

from stopper.core.app import Route
from stopper.core.exchange import Request, Response
from stopper.core.probe import Identity, Skipped
from stopper.core.probe_baseline import same
from stopper.scan.merge import template_pattern
from stopper.scan.more_words import FEW, MORE
from stopper.scan.page_routes import TAKES_AWAY, form_routes
from stopper.scan.spec.near import documents_beside, documents_named
from stopper.scan.wire.courier import Courier

ASKED_MOST: Final = 120
DEPTH: Final = 2
MOVED: Final = frozenset({301, 302, 303, 307, 308})
FOLDER_MOST: Final = 12
"""Paths of one folder that are asked for."""
VERSIONS_MOST: Final = 12
"""Paths of other versions that are asked for."""
USUAL: Final = (
    "/", "/login", "/register", "/logout", "/me", "/profile", "/account", "/users", "/admin", "/admin/users", "/health", "/status",
    "/config", "/debug", "/metrics", "/token", "/refresh", "/notes", "/items", "/orders", "/search", "/files", "/upload", "/keys",
    "/auth/login", "/auth/register", "/auth/me", "/auth/refresh", "/auth/logout", "/api", "/api/login", "/api/register", "/api/me",
    "/api/users", "/api/notes", "/api/items", "/api/orders", "/api/v1", "/api/v1/users", "/api/v1/login", "/api/v1/me",
    "/auth", "/signup", "/users/login", "/api/users/login", "/api/auth", "/api/auth/login", "/api/auth/register", "/api/token", "/api/v1/auth/login", "/docs", "/apidocs/",
)  # fmt: skip
ENDS: Final = re.compile(r"(?i)(^|[/_-])(log[-_]?out|sign[-_]?out|log[-_]?off)([/_-]|$)")
"""What ends a session: such a link is not followed."""
_ID: Final = re.compile(r"\d+|[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|[0-9a-f]{24}", re.IGNORECASE)
_VERSION: Final = re.compile(r"(?i)(?<=/)v(\d{1,3})(?=/|$)")
_FILE: Final = re.compile(r"(?i)\.(css|js|png|jpe?g|gif|svg|ico|woff2?|ttf|map|webp|mp4|pdf|zip)$")


@dataclass(frozen=True, slots=True)
class Crawled:
    """What a crawl came by: routes that answer, the ids that stood in their links, and places where a document may lie."""

    routes: tuple[Route, ...] = ()
    ids: Mapping[str, Mapping[str, str]] = field(default_factory=dict[str, Mapping[str, str]])
    documents: tuple[str, ...] = ()


def crawled(
    courier: Courier, prefix: str, canary: str, start: Sequence[str] = USUAL, who: Identity | None = None
) -> Crawled:
    """What answers at *start* and at the links from there, to *who* or to nobody. Only GET and OPTIONS are sent."""
    found: dict[str, Route] = {}
    forms: dict[str, Route] = {}
    ids: dict[str, Mapping[str, str]] = {}
    documents: dict[str, None] = {}
    origin = courier.transport.base_url.removesuffix(prefix)
    try:
        nothing = _Nothing.ask(courier, prefix, canary, who)
        waiting = [(prefix + path, 0) for path in start]
        known = {path for path, _ in waiting}
        for _ in range(ASKED_MOST):
            if not waiting and start is USUAL and len(found) < FEW:
                waiting = [(prefix + path, 0) for path in MORE if prefix + path not in known]
                known.update(path for path, _ in waiting)
            if not waiting:
                break
            path, depth = waiting.pop(0)
            response = _read(courier, path, who)
            if response is not None and only_slash(path, response) and path + "/" not in known:
                documents.update(dict.fromkeys(documents_beside(path)))
                known.add(path + "/")
                waiting.insert(0, (path + "/", depth))
                continue
            if response is None or not nothing.differs(path, response):
                continue
            template, seen = templated(path)
            if template not in found:
                found[template] = Route(template, _methods(courier, path, response), parameters=tuple((name, "string") for name in seen), readers=frozenset({"wire"}))  # fmt: skip
                ids.setdefault(template, seen)
            documents.update(dict.fromkeys((*documents_named(response, path), *documents_beside(path))))
            for form in form_routes(response, origin, path):
                place, numbers = templated(form.path)
                forms.setdefault(
                    place, replace(form, path=place, parameters=tuple((name, "string") for name in numbers))
                )
                ids.setdefault(place, numbers)
            for link in links(response, origin, path) if depth < DEPTH else ():
                if who is not None and TAKES_AWAY.search(link) and not ENDS.search(link):
                    continue
                if ENDS.search(link):
                    found.setdefault(link, Route(link, (), readers=frozenset({"wire"})))  # known, and never asked
                elif link not in known and not _FILE.search(link) and _room(link, known):
                    known.add(link)
                    waiting.insert(0, (link, depth + 1))
    except Skipped:
        pass
    return Crawled(_with_forms(found, forms), {path: seen for path, seen in ids.items() if seen}, tuple(documents))


def _with_forms(found: Mapping[str, Route], forms: Mapping[str, Route]) -> tuple[Route, ...]:
    """The routes that answer, and those that forms lead to; of one path the form's own is the one that takes POST."""
    rest = [
        replace(one, methods=tuple(method for method in one.methods if method != "POST" or path not in forms))
        for path, one in found.items()
    ]
    return (*rest, *forms.values())


def _room(link: str, known: Collection[str]) -> bool:
    """Whether few links of one folder were taken so far: a page of each language or each tag says nothing new."""
    folder = link.rstrip("/").rpartition("/")[0]
    return not folder or sum(one.rstrip("/").rpartition("/")[0] == folder for one in known) < FOLDER_MOST


@dataclass(frozen=True, slots=True)
class _Nothing:
    """What the API answers to a path that is not there, and to the same with a slash at its end."""

    word: str
    plain: Response
    slashed: Response

    @classmethod
    def ask(cls, courier: Courier, prefix: str, canary: str, who: Identity | None = None) -> "_Nothing":
        word = f"{canary}-not-there"
        plain = courier.carry(_as(who, _get(f"{prefix}/{word}"))).response
        # A rule such as ``/<project>/`` takes every word, and sends it on to itself with a slash.
        slashed = courier.carry(_as(who, _get(f"{prefix}/{word}/"))).response if plain.status in MOVED else plain
        return cls(word, plain, slashed)

    def differs(self, path: str, response: Response) -> bool:
        """Whether something is served at *path*: no 404, and not what is answered everywhere, the path in it aside."""
        if response.status in (0, 404, 410):
            return False
        last = path.rstrip("/").rpartition("/")[2]
        shown = _without(response, last)
        return not any(
            other.status == response.status and (same(response, other) or shown == _without(other, self.word))
            for other in (self.plain, self.slashed)
        )


def _without(response: Response, word: str) -> tuple[str, str]:
    """What an answer says and where it leads, without the word of the path that it was asked for."""
    texts = (response.header("Location") or "", response.text)
    return (texts[0].replace(word, "…"), texts[1].replace(word, "…")) if word else texts


def only_slash(path: str, response: Response) -> bool:
    """Whether an answer only sends on to the same path with a slash at its end, as Flask does by itself."""
    return response.status in MOVED and urlsplit(response.header("Location") or "").path == path + "/"


def beside(described: Sequence[Route], seen: Sequence[Route]) -> tuple[Route, ...]:
    """Those of *seen* that no route of the document is: pages stand beside an API, and what a document leaves out."""
    known = [template_pattern(route.path.rstrip("/"), dict(route.parameters)) for route in described]
    return tuple(route for route in seen if not any(one.fullmatch(route.path.rstrip("/")) for one in known))


def _read(courier: Courier, path: str, who: Identity | None = None) -> Response | None:
    """The answer at *path*; None where it is too dangerous to read, as a route that empties the database. That ends no crawl."""
    try:
        return courier.carry(_as(who, _get(path))).response
    except Skipped:
        if courier.refusal(_get(path)):
            return None
        raise


def other_versions(courier: Courier, routes: Sequence[Route], canary: str) -> tuple[Route, ...]:
    """Versions beside those that are known: of ``/v2/users`` also ``/v1/users`` and ``/v3/users``, where they answer. Only GET is sent."""
    known = {route.path for route in routes}
    wanted: dict[str, None] = {}
    for route in routes:
        said = _VERSION.search(route.path)
        if said is None or route.parameters or "GET" not in route.methods:
            continue
        number = int(said.group(1))
        for other in (number - 1, number + 1):
            path = route.path[: said.start(1)] + str(other) + route.path[said.end(1) :]
            if other >= 0 and path not in known:
                wanted.setdefault(path)
    found: list[Route] = []
    try:
        nothing = _Nothing.ask(courier, "", canary) if wanted else None
        for path in list(wanted)[:VERSIONS_MOST]:
            response = _read(courier, path)
            if (
                response is not None
                and nothing is not None
                and nothing.differs(path, response)
                and response.status != 405
            ):
                found.append(Route(path, ("GET",), readers=frozenset({"wire"})))
    except Skipped:
        pass
    return tuple(found)


def _as(who: Identity | None, request: Request) -> Request:
    return who.on(request) if who is not None else request


def _get(path: str) -> Request:
    return Request("GET", path, (("Accept", "application/json, text/html;q=0.5"),))


def _methods(courier: Courier, path: str, response: Response) -> tuple[str, ...]:
    """What the server says it takes there, by its Allow header; GET alone where it does not say."""
    said = (
        response.header("Allow")
        if response.status == 405
        else courier.carry(Request("OPTIONS", path)).response.header("Allow")
    )
    named = {word.strip().upper() for word in (said or "").split(",") if word.strip().isalpha()}
    if response.status != 405:
        named.add("GET")
    return tuple(sorted(named))


def templated(path: str) -> tuple[str, dict[str, str]]:
    """``/notes/7`` as ``/notes/{id}`` with the id that was seen."""
    seen: dict[str, str] = {}
    parts: list[str] = []
    for part in path.split("/"):
        if part and _ID.fullmatch(part):
            name = "id" if not seen else f"id{len(seen) + 1}"
            seen[name] = part
            parts.append("{" + name + "}")
        else:
            parts.append(part)
    return "/".join(parts), seen


def links(response: Response, origin: str, path: str) -> Iterator[str]:
    """Paths of the same origin that an answer names, without query."""
    texts = [response.header("Location") or ""] if response.status in MOVED else []
    if response.content_type == "text/html":
        parser = _Links()
        parser.feed(response.text[:500_000])
        texts += parser.found
    else:
        _texts(response.json(), texts, 8)
    for text in texts[:200]:
        try:
            whole = urlsplit(urljoin(origin + path, text))
        except ValueError:
            continue
        if (
            f"{whole.scheme}://{whole.netloc}" == origin
            and whole.path.startswith("/")
            and re.fullmatch(r"[\x21-\x7e]+", whole.path)
        ):
            yield whole.path


def _texts(value: object, into: list[str], depth: int) -> None:
    if depth == 0 or len(into) > 500:
        return
    if isinstance(value, str) and (value.startswith(("/", "http://", "https://"))) and len(value) < 500:
        into.append(value)
    elif isinstance(value, dict):
        for item in cast("dict[str, object]", value).values():
            _texts(item, into, depth - 1)
    elif isinstance(value, list):
        for item in cast("list[object]", value)[:50]:
            _texts(item, into, depth - 1)


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collect what the tag points at; a link that deletes is nothing to follow."""
        for name, value in attrs:
            if name in ("href", "action") and value and not re.search(r"(?i)delete|remove", value):
                self.found.append(value)
