"""Files that a probe uploads, and where they are served afterwards."""

import base64
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final, cast
from urllib.parse import urljoin, urlsplit

from stopper.core.app import Route
from stopper.core.exchange import Exchange, Request, Response
from stopper.core.finding import Evidence
from stopper.core.place import RouteRef
from stopper.core.probe import Steps, Target, own
from stopper.core.probing.baseline import answered, attempt, is_door
from stopper.core.probing.inputs import members
from stopper.core.probing.things.objects import ids

ROUTES_MOST: Final = {"quick": 1, "standard": 3, "deep": 10}
PICTURE: Final = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)
"""A picture of one point (PNG)."""
_OF_FILES: Final = frozenset({"binary", "file", "image", "png", "jpg", "jpeg", "pdf"})
"""What documents call what is uploaded; `binary` is the word of OpenAPI 3.0."""
FOLDERS: Final = ("/uploads", "/static/uploads", "/upload", "/files", "/media", "/static")
"""Where many an application serves what it was sent."""
LED_MOST: Final = 4
PAGES: Final = ("text/html", "application/xhtml+xml", "image/svg+xml")
_TAKES: Final = re.compile(
    r"(?i)(^|[/_-])(upload\w*|import|restore|avatar|photos?|pictures?|images?|attachments?|files?|documents?)/?$"
)
_BOUNDARY: Final = "stopper-part"
_LED: Final = re.compile(r"""(?:["'(=\s]|^)((?:https?://[^\s"'<>()]{1,200})?/?[\w./-]{1,160}\.html)\b""")
_MADE_UP: Final = re.compile(r"(?=[^/]*\d)[\w-]{8,}(?:\.\w+)?$")
"""The end of an address that a server has drawn for what it was given."""


@dataclass(frozen=True, slots=True)
class Taker:
    """A route that takes a file under this name."""

    route: Route
    name: str

    @property
    def ref(self) -> RouteRef:
        """The route-method."""
        return RouteRef("POST", self.route.path)

    def given(
        self, target: Target, content: bytes, filename: str, kind: str, said: Mapping[str, object] | None = None
    ) -> Request:
        """The request that uploads a file of this *content*, with the other fields as an honest one has them, or as *said*."""
        honest = target.request_for(self.route, "POST")
        others = {name: value for name, value in (said or members(honest)).items() if name != self.name}
        parts = [_part(f'name="{name}"', str(value).encode()) for name, value in others.items()]
        parts.append(_part(f'name="{self.name}"; filename="{filename}"', content, kind))
        body = b"".join(parts) + f"--{_BOUNDARY}--\r\n".encode()
        headers = (("Accept", "*/*"), ("Content-Type", f"multipart/form-data; boundary={_BOUNDARY}"))
        return replace(honest, headers=headers, body=body, effect="write")

    def called(self, target: Target, filename: str) -> Request:
        """The request that uploads a file of that name, whatever is in it."""
        return self.given(target, b"stopper", filename, "application/octet-stream")


def takers(target: Target) -> Iterator[Taker]:
    """Routes whose form sends a file, and those of an API that are called so and of which nobody knows a field."""
    left = ROUTES_MOST[target.depth]
    for route in sorted(target.app.routes, key=lambda route: not files_of(route)):
        if left and "POST" in route.methods and not route.parameters and not is_door(route):
            if files := files_of(route):
                left -= 1
                yield Taker(route, files[0])
            elif route.readers == frozenset({"wire"}) and not route.names and _TAKES.search(route.path):
                left -= 1
                yield Taker(route, "file")


def with_picture(target: Target, route: Route, said: Mapping[str, object]) -> Request | None:
    """The request that sends a small picture beside what is *said*; None where the route takes no file."""
    files = files_of(route)
    return Taker(route, files[0]).given(target, PICTURE, "picture.png", "image/png", said) if files else None


def files_of(route: Route) -> tuple[str, ...]:
    """The names of the files that a form of a page sends to the route, or that its document says it takes."""
    said: object = (route.request_schema or {}).get("properties")
    properties = cast("Mapping[str, object]", said) if isinstance(said, Mapping) else dict[str, object]()
    kinds: dict[str, Mapping[str, object]] = {
        name: cast("Mapping[str, object]", one) for name, one in properties.items() if isinstance(one, Mapping)
    }
    return route.files or tuple(
        name for name, one in kinds.items() if one.get("format") in _OF_FILES or one.get("type") == "file"
    )


def served_pages(target: Target) -> Steps[tuple[list[RouteRef], list[Evidence]]]:
    """The routes to which a page was uploaded that is served as one, with the proof: a tag of our own stands in it."""
    places: list[RouteRef] = []
    evidence: list[Evidence] = []
    for number, taker in enumerate(takers(target)):
        word = f"{target.canary}6{chr(97 + number % 26)}"
        tag, name = f"<{word} y=1>", f"{word}.html"
        request = taker.given(target, f"<!doctype html>{tag}".encode(), name, "text/html")
        taken = yield from attempt(answered(target, request))
        if taken is None or taken.response.refused or not 200 <= taken.response.status < 400:
            continue
        under = tuple(_under_its_id(target, taker, taken))
        seen = yield from _served(target, taken, name, tag, (*under, *_elsewhere_by_its_id(target, taker, taken)))
        if seen is not None:
            path = seen.request.target.partition("?")[0]
            if (
                name in path or _MADE_UP.search(path) or path in under
            ):  # else another page was there before, and only shows it
                yield from own(path, taken.request)
            places.append(taker.ref)
            evidence += [
                Evidence("exchange", "a page is uploaded", taken),
                Evidence("exchange", "it is served as a page, with a tag of our own in it", seen),
            ]
    return places, evidence


def _under_its_id(target: Target, taker: Taker, taken: Exchange) -> Iterator[str]:
    """``/files/7``, where ``POST /files`` answers ``{"id": 7}``."""
    for route in target.app.routes:
        above, _, last = route.path.rpartition("/")
        if (
            "GET" in route.methods
            and above == taker.route.path.rstrip("/")
            and len(route.parameters) == 1
            and "{" in last
        ):
            for number in ids(taken.response.json(), route.parameters[0][0]):
                yield f"{above}/{number}"


def _elsewhere_by_its_id(target: Target, taker: Taker, taken: Exchange) -> list[str]:
    """``/images/7``, where ``POST /upload`` answers ``{"id": 7}``: what has a number there may be the file, or something else that is only read."""
    found: list[str] = []
    for route in target.app.routes:
        above, _, last = route.path.rpartition("/")
        if "GET" not in route.methods or len(route.parameters) != 1 or not last.startswith("{") or len(found) > 2:
            continue
        if above != taker.route.path.rstrip("/"):
            found += [f"{above}/{number}" for number in list(ids(taken.response.json(), route.parameters[0][0]))[:1]]
    return found


def _served(target: Target, taken: Exchange, name: str, tag: str, more: tuple[str, ...]) -> Steps[Exchange | None]:
    for path in dict.fromkeys((*more, *_led_to(target, taken, name), *(f"{folder}/{name}" for folder in FOLDERS))):
        seen = yield from attempt(answered(target, Request("GET", path, (("Accept", "*/*"),))))
        if seen is not None and _is_page(seen.response, tag):
            return seen
    return None


def _is_page(response: Response, tag: str) -> bool:
    kept = (response.header("Content-Disposition") or "").lower().startswith("attachment")
    return response.succeeded and response.content_type in PAGES and tag in response.text and not kept


def _led_to(target: Target, taken: Exchange, name: str) -> Iterator[str]:
    """The addresses of such a file in the answer, and where it sends on to."""
    texts = [taken.response.text]
    led = urlsplit(taken.response.header("Location") or "").path if taken.response.sends_on else ""
    if led:
        texts.append(f'"{led}"')
    found: list[str] = []
    for text in texts:
        for said in _LED.findall(text[:100_000]):
            where = urlsplit(urljoin(taken.request.target, said))
            if not where.netloc or where.netloc == urlsplit(target.base_url).netloc:
                found.append(where.path)
    # An address of our own name comes first: others may be pages that were there before.
    yield from sorted(dict.fromkeys(found), key=lambda path: name not in path)[:LED_MOST]


def _part(said: str, content: bytes, kind: str = "") -> bytes:
    head = f"--{_BOUNDARY}\r\nContent-Disposition: form-data; {said}\r\n"
    return f"{head}{f'Content-Type: {kind}' + chr(13) + chr(10) if kind else ''}\r\n".encode() + content + b"\r\n"
