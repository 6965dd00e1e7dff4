"""Pages that libraries bring along, told by what stands in them: marks that no page of an application's own carries."""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import urljoin, urlsplit

from stopper.core.exchange import Exchange, Response

LINKS_MOST: Final = 4
"""Links of one menu that are followed."""


@dataclass(frozen=True, slots=True)
class Bundled:
    """One library's page: ``marks`` all stand in it, ``closed`` where it is a log-in. ``inner`` is what a page behind its menu holds
    when the first page alone shows nothing."""

    name: str
    marks: tuple[str, ...]
    closed: str = ""
    inner: str = ""


FLASK_ADMIN: Final = Bundled(
    "Flask-Admin", (r"admin/css/bootstrap\d/admin\.css",), inner=r"class=\"[^\"]*\bmodel-list\b"
)
PAGES: Final = (
    FLASK_ADMIN,
    Bundled("the RQ dashboard", (r"<title>\s*RQ dashboard\s*</title>", r"css/main\.css")),
    Bundled("the Celery dashboard Flower", (r"<title>[^<]*\bFlower\s*</title>", r"id=[\"']url_prefix[\"']")),
    Bundled("the monitoring dashboard", (r"ng-app=\"fmdApp\"",), closed=r"id=\"formLogin\""),
    Bundled("the profiler", (r">Flask Profiler</a>", r"#tab-filtering")),
    Bundled("the debug toolbar", (r"<div id=\"flDebug\"", r"id=\"flDebugToolbar\"")),
)
DOORS: Final = ("/admin/", "/rq/", "/flower/", "/dashboard/", "/flask-profiler/", "/")
"""Where the libraries' own instructions put them; the debug toolbar is in any page."""
ADDRESS: Final = re.compile(
    r"(?i)/(?:[\w-]*(?:admin|dashboard|flower|profiler|monitor|queue|back-?office)[\w-]*|rq)/?$"
)
"""How an application may call such a place itself."""


def bundled(response: Response) -> Bundled | None:
    """Which library's open page this answer is."""
    if not response.succeeded or "html" not in response.content_type:
        return None
    text = response.text
    return next(
        (
            one
            for one in PAGES
            if all(re.search(mark, text) for mark in one.marks) and not (one.closed and re.search(one.closed, text))
        ),
        None,
    )


def shows_more(page: Bundled, response: Response) -> bool:
    """Whether the page itself shows what must be guarded, and is no mere welcome."""
    return not page.inner or re.search(page.inner, response.text) is not None


def menu(exchange: Exchange) -> tuple[str, ...]:
    """Paths below the page that it links to."""
    here = exchange.request.target.partition("?")[0].rstrip("/") + "/"
    links = (urljoin(here, link) for link in re.findall(r"href=\"([^\"#?]+)\"", exchange.response.text))
    below = (urlsplit(link).path for link in links if link.startswith(here))
    return tuple(dict.fromkeys(path for path in below if path != here and "/static/" not in path))[:LINKS_MOST]
