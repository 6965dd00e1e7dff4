"""Routes that the forms of a page lead to: what a form sends is what its view reads."""

import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import urljoin, urlsplit

from stopper.core.app import Route
from stopper.core.exchange import Response
from stopper.scan.entry_page import forms_of

PAGES: Final = ("text/html", "application/xhtml+xml")
TAKES_AWAY: Final = re.compile(
    r"(?i)delete|remove|destroy|cancel|clear|disable|deactivate|revoke|unsubscribe|log-?out|sign-?out|purchase|checkout|(^|/)pay"
)
"""Words of an address that takes something away from somebody: it is neither followed nor sent."""
_TOKEN: Final = re.compile(r"(?i)csrf|xsrf|^_?nonce$")


def asked_by_forms(response: Response, origin: str, path: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The paths that the page's forms ask by GET, each with the names of its query."""
    if response.content_type not in PAGES:
        return
    for form in forms_of(response.text, "get"):
        try:
            where = urlsplit(urljoin(origin + path, form.action))
        except ValueError:
            continue
        names = tuple(dict.fromkeys(name for name, _, _ in form.fields if not _TOKEN.search(name)))
        own = f"{where.scheme}://{where.netloc}" == origin and where.path.startswith("/")
        if names and own and not TAKES_AWAY.search(where.path):
            yield where.path, names


def form_routes(response: Response, origin: str, path: str) -> Iterator[Route]:
    """The routes of the forms that are sent by POST to the same host, with the names of their fields. Tokens against forged requests are
    left to who sends them."""
    if response.content_type not in PAGES:
        return
    for form in forms_of(response.text):
        try:
            where = urlsplit(urljoin(origin + path, form.action))
        except ValueError:
            continue
        fields = tuple(dict.fromkeys(name for name, _, _ in form.fields if not _TOKEN.search(name)))
        foreign = f"{where.scheme}://{where.netloc}" != origin
        if not fields or foreign or not where.path.startswith("/") or TAKES_AWAY.search(where.path):
            continue
        yield Route(where.path, ("POST",), fields=fields, takes_form=True, readers=frozenset({"wire"}))
