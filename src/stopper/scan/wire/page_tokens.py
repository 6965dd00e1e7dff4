"""Finds the token against forged requests that an answer hands to its own pages: in JSON, a header, a meta tag, a hidden field, a cookie."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from http.cookies import CookieError, SimpleCookie
from typing import Final

from stopper.core.exchange import Exchange, Response
from stopper.core.login_names import pairs
from stopper.core.secret import Secret
from stopper.scan.wire.own_page import FIELD, TOKEN, PageToken, Visit, is_of_no_name, is_sendable

_NAMED: Final = re.compile(r"(?i)^[_-]?(csrf|xsrf)[_-]?(token)?$|^(x[_-])?(csrf|xsrf)[_-]?token$|csrf_?token")
_BARE: Final = re.compile(r"(?i)^(token|value|data)$")
"""What a route that is named for such tokens may call it."""
_READ_AT_MOST: Final = 300_000


def page_token(exchange: Exchange) -> PageToken | None:
    """The token that the answer holds for the pages of its own application."""
    response = exchange.response
    if not (response.succeeded or response.status in (302, 303)):
        return None
    return _in_json(exchange) or _in_header(response) or _in_html(response) or _in_cookie(response)


def visit_of(exchange: Exchange) -> Visit | None:
    """The cookies and the token that a page gives somebody who has not logged in; None where it gives no token or no cookie."""
    token = page_token(exchange) or (_kept_from_scripts(exchange.response) if exchange.response.succeeded else None)
    cookies = "; ".join(f"{name}={value}" for name, value, _ in cookies_of(exchange.response))
    return Visit(Secret(cookies), token) if token is not None and cookies else None


def gives_a_token_by_cookie(response: Response) -> bool:
    """Whether an answer sets a cookie that is named for such a token."""
    return _kept_from_scripts(response) is not None


def _kept_from_scripts(response: Response) -> PageToken | None:
    """The token in a cookie, also where no script may read it: there are views that take it out of the cookie themselves."""
    return next(
        (PageToken(Secret(value)) for name, value, _ in cookies_of(response) if TOKEN.search(name) and _fits(value)),
        None,
    )


def handed_to_nameless(exchange: Exchange) -> Visit | None:
    """The token that a page gives somebody who shows cookies and has no name here, with the cookies that come along."""
    request, response = exchange.request, exchange.response
    if request.method != "GET" or not is_of_no_name(request) or "html" not in response.content_type:
        return None
    token = page_token(exchange)
    cookies = "; ".join(f"{name}={value}" for name, value, _ in cookies_of(response))
    return Visit(Secret(cookies), token) if token is not None else None


def _fits(text: str) -> bool:
    return len(text) >= 8 and is_sendable(text)


def _in_json(exchange: Exchange) -> PageToken | None:
    found = list(pairs(exchange.response.json()))
    for name, text in found:
        if _NAMED.search(name) and _fits(text):
            return PageToken(Secret(text), name)
    if TOKEN.search(exchange.request.target):
        for name, text in found:
            if _BARE.match(name) and _fits(text):
                return PageToken(Secret(text))
    return None


def _in_header(response: Response) -> PageToken | None:
    for name, text in response.headers:
        if TOKEN.search(name) and _fits(text):
            return PageToken(Secret(text), FIELD, name)
    return None


def _in_cookie(response: Response) -> PageToken | None:
    for name, value, readable in cookies_of(response):
        if readable and TOKEN.search(name) and _fits(value):
            return PageToken(Secret(value))
    return None


def cookies_of(response: Response) -> Iterator[tuple[str, str, bool]]:
    """Name, value and whether scripts may read it, of every cookie that is set."""
    for line in response.all_headers("Set-Cookie"):
        try:
            jar = SimpleCookie(line)
        except CookieError:
            continue
        for name, morsel in jar.items():
            if morsel.value:
                yield name, morsel.coded_value, not morsel["httponly"]


def _in_html(response: Response) -> PageToken | None:
    if "html" not in response.content_type:
        return None
    reader = _Tags()
    reader.feed(response.text[:_READ_AT_MOST])
    return next((PageToken(Secret(text), name) for name, text in reader.fields), None) or next(
        (PageToken(Secret(text)) for text in reader.metas), None
    )


class _Tags(HTMLParser):
    """Collects hidden fields and meta tags that are named for a token."""

    def __init__(self) -> None:
        super().__init__()
        self.fields: list[tuple[str, str]] = []
        self.metas: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        name = said.get("name", "") or said.get("id", "")
        if not TOKEN.search(name):
            return
        if tag == "input" and _fits(said.get("value", "")):
            self.fields.append((name, said["value"]))
        elif tag == "meta" and _fits(said.get("content", "")):
            self.metas.append(said["content"])
