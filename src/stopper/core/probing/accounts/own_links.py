"""By what id the pages of somebody whom the scan registered lead to the own account: ``/profile/edit/13``, ``/users/13``."""

import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import urljoin, urlsplit

from stopper.core.app import Route
from stopper.core.exchange import Exchange, Request
from stopper.core.probe import Identity, Steps, Target, send
from stopper.core.probing.baseline import attempt
from stopper.core.probing.page_forms import hrefs

PAGES_MOST: Final = 3
_PAGE: Final = (("Accept", "text/html"),)


def number_in_links(
    target: Target, person: Identity, pages: Iterable[str], routes: Iterable[Route]
) -> Steps[str | None]:
    """The one id under which the *pages* lead to a path of *routes*, where the page behind that link says the person's name once more than the
    pages do; None where they lead to several people, or to somebody else."""
    shapes = [_shape(one) for one in routes if len(one.parameters) == 1]
    names = [one for one in (person.subject, person.name) if one]
    found, said = dict[str, str](), 0
    for path in list(dict.fromkeys(pages))[:PAGES_MOST] if shapes else ():
        page = yield from attempt(send(person.on(Request("GET", path, _PAGE))))
        if page is None or not page.response.succeeded or page.response.content_type != "text/html":
            continue
        numbers = _numbers(page, shapes)
        found |= numbers
        said = max(said, _says(page, names)) if not numbers else said
    if len(set(found.values())) != 1:
        return None
    link, number = next(iter(found.items()))
    behind = yield from attempt(send(person.on(Request("GET", link, _PAGE))))
    return number if behind is not None and behind.response.succeeded and _says(behind, names) > said else None


def leads_to_one_alone(page: Exchange, route: Route, link: str) -> bool:
    """Whether a page leads to *link*, and to no other path of *route*: what a page of somebody's own account leads to there is that account."""
    return set(_numbers(page, [_shape(route)])) == {link.partition("?")[0]}


def _shape(route: Route) -> str:
    return re.sub(r"\\\{[^{}]+\\\}", "([^/?#]+)", re.escape(route.path))


def _numbers(page: Exchange, shapes: list[str]) -> dict[str, str]:
    """The links of a page that have one of the shapes, each with what stands in the place of the id."""
    found: dict[str, str] = {}
    for text in hrefs(page.response.text):
        try:
            where = urlsplit(urljoin(page.request.target, text))
        except ValueError:
            continue
        for shape in shapes if not where.netloc else ():
            if said := re.fullmatch(shape, where.path):
                found[where.path] = said.group(1)
    return found


def _says(page: Exchange, names: list[str]) -> int:
    return sum(page.response.text.count(one) for one in names)
