"""Places where the document of an API may lie, by what a crawl has read: named on a page, or below the start of the API."""

import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import urljoin, urlsplit

from stopper.core.exchange import Response

_QUOTED: Final = re.compile(
    r"""["']([^"'\s<>\\]{0,200}(?:swagger|openapi|apispec|api-docs)[\w./-]{0,60}\.(?:json|ya?ml))["'?]""", re.IGNORECASE
)
"""An address in quotes, as a page that shows a document gives it to its script or its frame."""
_START: Final = re.compile(r"(?i)^(/?.*/(?:api|v\d{1,3}|rest))(?:/|$)")
_BESIDE: Final = ("swagger.json", "openapi.json")
"""What Flask-RESTX serves below its blueprint, and what most others do."""
TEXT_MOST: Final = 500_000


def documents_named(response: Response, path: str) -> Iterator[str]:
    """Paths of the same host that the page at *path* names as its document."""
    if response.content_type not in ("text/html", "application/xhtml+xml"):
        return
    for match in _QUOTED.finditer(response.text[:TEXT_MOST]):
        try:
            parts = urlsplit(urljoin(path, match.group(1).replace("&amp;", "&")))
        except ValueError:
            continue
        if parts.path.startswith("/"):
            yield parts.path  # an address of another host is asked for at this one: a scan never leaves it


def documents_beside(path: str) -> Iterator[str]:
    """Where the document of the API that *path* belongs to may lie; nothing where no part of it says where an API begins."""
    start = _START.match(path)
    if start is not None:
        yield from (f"{start.group(1)}/{name}" for name in _BESIDE)
