"""What a page of the target's own sends along with a change: where it comes from, and the token against forged requests."""

import json
import re
import threading
from dataclasses import dataclass, field, replace
from typing import Final, cast
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from stopper.core.exchange import Headers, Request, Response
from stopper.core.secret import Secret
from stopper.scan.wire.transport import READ_METHODS

HEADERS: Final = ("X-CSRFToken", "X-CSRF-Token", "X-XSRF-TOKEN")
"""The headers that libraries look into, in any letter case: Flask-WTF, Stopper and Flask-JWT-Extended, Angular's habit."""
LONGEST: Final = 4096
"""Characters of a token that are taken for one."""
HELD_MOST: Final = 12
"""People without a name for whom pages are asked."""
FIELD: Final = "csrf_token"
TOKEN: Final = re.compile(r"(?i)csrf|xsrf")
_REFRESH: Final = re.compile(r"(?i)refresh")
_FORM: Final = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class PageToken:
    """A token that a page may send with a change, and the name of the field that it stands in on forms."""

    text: Secret
    field: str = FIELD
    header: str = ""
    """The header that it came in, when it came in one."""


@dataclass(frozen=True, slots=True)
class Visit:
    """What somebody who has not logged in got from a page: cookies and the token that belongs to them."""

    cookies: Secret
    token: PageToken


@dataclass(slots=True)
class OwnPage:
    """One per courier. It dresses changes as the target's own pages send them; what names another site is left as it is."""

    base_url: str
    in_json: bool = False
    """Whether the target turned out to look for the token in a JSON body."""
    names_origin: bool = True
    """Whether ``Origin`` and ``Referer`` are sent: a target that is known by another address, as behind a proxy, calls ours foreign."""
    _tokens: dict[str, PageToken] = field(default_factory=dict[str, PageToken])
    _held: dict[str, Visit | None] = field(default_factory=dict[str, Visit | None])
    """What pages gave people without a name, whom a probe has registered, by the cookies that they show."""
    _asked: set[str] = field(default_factory=set[str])
    """Paths whose page was asked for a visitor's token."""
    _visit: Visit | None = None
    _page: Request | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def origin(self) -> str:
        """The target's own origin, as a browser writes it."""
        parts = urlsplit(self.base_url)
        return f"{parts.scheme}://{parts.netloc}"

    def take_up(self, name: str, token: PageToken) -> None:
        """From now on *token* goes with what the person *name* changes by cookie."""
        with self._lock:
            self._tokens[name] = token

    def hold(self, request: Request, visit: Visit) -> None:
        """From now on the token that a page gave in answer to *request* goes with what is changed by the same cookies, and so do those that came
        with it."""
        shown = request.header("Cookie") or ""
        pairs = [part.strip().partition("=") for part in (*shown.split(";"), *visit.cookies.reveal().split(";"))]
        cookies = "; ".join(
            f"{name}={value}" for name, value in {name: value for name, _, value in pairs if name}.items()
        )
        with self._lock:
            self._held[shown] = replace(visit, cookies=Secret(cookies))

    def beside(self, request: Request) -> tuple[Request, ...]:
        """The pages to ask, once, before somebody without a name can change anything: those who have one were given a token."""
        cookies = request.header("Cookie") or ""
        with self._lock:
            if (
                not (self._tokens and is_of_no_name(request))
                or request.method in READ_METHODS
                or _brings_a_token(request)
            ):
                return ()
            if cookies in self._held or len(self._held) >= HELD_MOST:
                return ()
            self._held[cookies] = None
        headers = (("Accept", "text/html"), ("Cookie", cookies))
        return tuple(Request("GET", path, headers) for path in dict.fromkeys((request.target.partition("?")[0], "/")))

    def holds(self, request: Request) -> bool:
        """Whether a token is known of who sends *request* without a name."""
        return self._held.get(request.header("Cookie") or "") is not None

    def visited(self, page: Request, visit: Visit) -> None:
        """From now on a change that shows nobody's credential goes with *visit*, which *page* gave."""
        with self._lock:
            self._page, self._visit = page, visit

    @property
    def known_page(self) -> Request | None:
        """The page that gives visitors a token, where the target asks them for one."""
        return self._page

    def missing(self, request: Request) -> Request | None:
        """The page to ask before *request* can be dressed; None where nothing is missing. Where people are given tokens, the page at the same path
        may give visitors one too, and is asked once."""
        if not _is_visitors(request):
            return None
        with self._lock:
            path, brought = request.target.partition("?")[0], _brings_a_token(request)
            wanting = self._page is None and bool(self._tokens) and not brought
            if wanting and path not in self._asked and len(self._asked) < HELD_MOST:
                self._asked.add(path)
                return Request("GET", path, (("Accept", "text/html"),))
            return self._page if self._visit is None else None

    def used(self, request: Request, response: Response) -> None:
        """A visit whose cookies let somebody in is nobody's any more."""
        with self._lock:
            if self._visit is None or request.effect == "read" or not _let_in(response):
                return
            if request.header("Cookie") == self._visit.cookies.reveal():
                self._visit = None

    def dressed(self, request: Request) -> Request:
        """*request* as a page of the target sends it. Reads, bearers and requests that say they come from elsewhere stay as they are."""
        if request.method in READ_METHODS or request.header("Authorization") or not self._is_from_here(request):
            return request
        mine = {"Sec-Fetch-Site": "same-origin"}
        if self.names_origin:
            mine.update({"Origin": self.origin, "Referer": self.origin + "/"})
        request = request.with_headers(*((name, text) for name, text in mine.items() if request.header(name) is None))
        with self._lock:
            visit = self._visit if _is_visitors(request) else None
            if visit is None and is_of_no_name(request) and not _brings_a_token(request):
                visit = self._held.get(request.header("Cookie") or "")
            token = visit.token if visit is not None else self._tokens.get(request.identity or "")
        if visit is not None:
            others = tuple(pair for pair in request.headers if pair[0].lower() != "cookie")
            request = replace(request, headers=(*others, ("Cookie", visit.cookies.reveal())))
        cookies = request.header("Cookie")
        if not cookies:
            return request
        text = _of_refresh(request, cookies) or (token.text.reveal() if token else in_cookies(cookies))
        return request if text is None else self._with_token(request, text, token)

    def _is_from_here(self, request: Request) -> bool:
        origin, site = request.header("Origin"), request.header("Sec-Fetch-Site")
        return site in (None, "same-origin") and (origin is None or origin in (self.origin, self.base_url))

    def _with_token(self, request: Request, text: str, token: PageToken | None) -> Request:
        if request.method == "POST" and not request.body and token is not None and not token.header:
            headers = tuple(pair for pair in request.headers if pair[0].lower() != "content-type")
            request = replace(request, headers=(*headers, ("Content-Type", _FORM)))  # a button is a form
        names = {name.lower(): name for name in (*HEADERS, token.header if token else "") if name}
        added: Headers = tuple((name, text) for name in names.values() if request.header(name) is None)
        body = self._body(request, token.field if token else FIELD, text)
        return replace(request, headers=(*request.headers, *added), body=body)

    def _body(self, request: Request, name: str, text: str) -> bytes:
        kind = (request.header("Content-Type") or "").partition(";")[0].strip().lower()
        if kind == _FORM:
            pairs = parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True)
            return request.body if any(key == name for key, _ in pairs) else urlencode([*pairs, (name, text)]).encode()
        if self.in_json and kind == "application/json":
            try:
                said: object = json.loads(request.body)
            except (ValueError, RecursionError):
                return request.body
            if isinstance(said, dict) and name not in said:
                return json.dumps({**cast("dict[str, object]", said), name: text}).encode()
        return request.body


def in_cookies(cookies: str, wanted: re.Pattern[str] = TOKEN) -> str | None:
    """The token that a script reads from its own cookies to send it along (double submit). One for refreshing is the last choice."""
    found = [
        (name.strip(), value)
        for name, _, value in (part.partition("=") for part in cookies.split(";"))
        if value and TOKEN.search(name) and wanted.search(name)
    ]
    found.sort(key=lambda pair: bool(_REFRESH.search(pair[0])))
    texts = [text for _, value in found if is_sendable(text := unquote(value.strip('"')))]
    return texts[0] if texts else None


def is_sendable(text: str) -> bool:
    """Whether a text may stand in a header: a hostile page could make every change fail, or write headers of its own."""
    return 1 <= len(text) <= LONGEST and text.isascii() and text.isprintable()


def _of_refresh(request: Request, cookies: str) -> str | None:
    """Flask-JWT-Extended ties a token of its own to the refresh token."""
    return in_cookies(cookies, _REFRESH) if _REFRESH.search(request.target) else None


def _brings_a_token(request: Request) -> bool:
    """Whether a form has the token of its own page already."""
    return TOKEN.search(request.body[:LONGEST].decode("utf-8", "replace")) is not None


def is_of_no_name(request: Request) -> bool:
    """Whether somebody shows cookies whom the scan knows by no name: a person whom a probe has registered."""
    return request.identity is None and bool(request.header("Cookie")) and not request.header("Authorization")


def _is_visitors(request: Request) -> bool:
    shown = any(request.header(name) for name in ("Cookie", "Authorization"))
    return not shown and request.identity is None and request.method not in READ_METHODS


def _let_in(response: Response) -> bool:
    return bool(response.all_headers("Set-Cookie")) and (response.succeeded or response.status in (302, 303))
