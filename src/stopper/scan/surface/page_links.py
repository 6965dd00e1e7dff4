"""Where an answer leads: the links of a page or of JSON, and its redirect."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Final, cast
from urllib.parse import SplitResult, urljoin, urlsplit

from stopper.core.exchange import Response
from stopper.scan.surface.nothing_there import MOVED


def links(response: Response, origin: str, path: str) -> Iterator[str]:
    """Paths of the same origin that an answer names, without query."""
    return (link for link, _ in linked(response, origin, path))


_HOLES: Final = re.compile(r"[<>{}]")
"""What stands in the pattern of a route and in no address."""


def linked(response: Response, origin: str, path: str) -> Iterator[tuple[str, str]]:
    """Paths of the same origin that an answer names, each with its query."""
    texts = [response.header("Location") or ""] if response.status in MOVED else []
    if response.content_type == "text/html":
        parser = _Links()
        parser.feed(response.text[:500_000])
        texts += parser.found
    else:
        _texts(response.json(), texts, 8)
    for text in texts[:200]:
        where = on_host(text, origin, path)
        if where is not None and re.fullmatch(r"[\x21-\x7e]+", where.path):
            yield where.path, where.query


def on_host(text: str, origin: str, path: str) -> SplitResult | None:
    """Where an address that stands on the page at *path* leads, when that is the same origin. An address of the machine itself is where the
    application stood when it was written."""
    try:
        where = urlsplit(urljoin(origin + path, text))
    except ValueError:
        return None
    own = f"{where.scheme}://{where.netloc}" == origin or (
        where.scheme in ("http", "https") and where.hostname in _HERE
    )
    return where if own and where.path.startswith("/") and not _HOLES.search(where.path) else None


_HERE: Final = ("localhost", "127.0.0.1", "0.0.0.0")


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
            leads = name == "href" or (name == "action" and tag == "form")  # of a button it says nothing
            leads = leads or (name == "src" and "?" in (value or ""))  # what is asked by a query is made by a view
            if leads and value and not re.search(r"(?i)delete|remove", value):
                self.found.append(value)
