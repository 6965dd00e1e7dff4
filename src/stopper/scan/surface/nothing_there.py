"""What an application answers to a path that is not there, so that what is there can be told from it."""

from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urlsplit

from stopper.core.exchange import Request, Response
from stopper.core.probe import Identity
from stopper.core.probing.baseline import same, steady
from stopper.scan.wire.courier import Courier

WORDS_MOST: Final = 120
"""Characters of what a view says in a few words."""
_PAGES: Final = ("text/html", "application/xhtml+xml")
_PAGE: Final = "<title>404 Not Found</title>"
_NO_ROUTE: Final = "The requested URL was not found on the server"
"""What Werkzeug's page says where no route is; ``abort(404, "No such post")`` makes the same page with its own words."""
MOVED: Final = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True)
class Nothing:
    """What the API answers to a path that is not there, and to the same with a slash at its end."""

    word: str
    path: str
    plain: Response
    slashed: Response

    @classmethod
    def ask(cls, courier: Courier, prefix: str, canary: str, who: Identity | None = None) -> "Nothing":
        """Ask for a word that no application holds."""
        word = f"{canary}-not-there"
        path = f"{prefix}/{word}"
        plain = courier.carry(as_person(who, plain_get(path))).response
        # A rule such as ``/<project>/`` takes every word, and sends it on to itself with a slash.
        slashed = courier.carry(as_person(who, plain_get(f"{path}/"))).response if plain.status in MOVED else plain
        return cls(word, path, plain, slashed)

    def differs(self, path: str, response: Response) -> bool:
        """Whether something is served at *path*: no 404, and not what is answered everywhere, the path in it aside. A 404 in JSON, or in
        a few bare words, where what is not there gets a page, is the word of a view that looked for a thing."""
        if response.status in (404, 410):
            own_words = response.content_type.endswith("json") or speaks_for_itself(response)
            return _says_of_a_thing(response, self.plain) or (
                own_words
                and self.plain.status == 404
                and self.plain.content_type in _PAGES
                and not speaks_for_itself(self.plain)
            )
        if not response.status:
            return False
        ways = ((path, self.path), (path.rstrip("/").rpartition("/")[2], self.word))
        return not any(
            other.status == response.status
            and (same(response, other) or any(_without(response, *both) == _without(other, *both) for both in ways))
            for other in (self.plain, self.slashed)
        )


def _says_of_a_thing(response: Response, plain: Response) -> bool:
    """Whether a 404 is the page that a view makes with words of its own, where *plain* is the page for want of a route."""
    pages = plain.status == response.status == 404 and _NO_ROUTE in plain.text
    return pages and _PAGE in response.text and _PAGE in plain.text and _NO_ROUTE not in response.text


def speaks_for_itself(response: Response) -> bool:
    """Whether an answer is a few words without a tag, as a view says them: ``return "User not found", 404``."""
    text = response.text.strip()
    return 0 < len(text) <= WORDS_MOST and "<" not in text and "{" not in text


def _without(response: Response, *texts: str) -> tuple[str, str]:
    """What an answer says and where it leads, without what the two that are compared were asked for and what changes each time. Both are taken
    out of both: a word such as ``login`` stands in the menu of every page."""
    leads, says = response.header("Location") or "", response.text
    for text in filter(None, texts):
        leads, says = (one.replace(quote(text), "…").replace(text, "…") for one in (leads, says))
    return leads, steady(says)


def only_slash(path: str, response: Response) -> bool:
    """Whether an answer only sends on to the same path with a slash at its end, as Flask does by itself."""
    try:
        return response.status in MOVED and urlsplit(response.header("Location") or "").path == path + "/"
    except ValueError:
        return False


def as_person(who: Identity | None, request: Request) -> Request:
    """*request* with the credential of *who*, where there is somebody."""
    return who.on(request) if who is not None else request


def plain_get(path: str) -> Request:
    """What a browser or a client asks first."""
    return Request("GET", path, (("Accept", "application/json, text/html;q=0.5"),))
