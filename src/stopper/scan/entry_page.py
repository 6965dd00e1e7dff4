"""Pages with a log-in or registration form: what a browser would send from them, hidden fields and cookies included."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from html.parser import HTMLParser
from typing import Final
from urllib.parse import urlsplit

from stopper.core.cookie_flags import cookies_of
from stopper.core.exchange import Effect, Exchange, Request
from stopper.core.login_names import PASSWORD
from stopper.scan.doors import form_of

_ACCOUNT: Final = re.compile(r"(?i)user|login|name|account|nick")
_NO_TEXT: Final = frozenset({"submit", "button", "image", "reset", "file"})


@dataclass(frozen=True, slots=True)
class Form:
    """One form of a page: where it goes, and its fields as (name, type, value)."""

    action: str
    fields: tuple[tuple[str, str, str], ...]

    @property
    def asks_password(self) -> bool:
        """Whether somebody has to type a password."""
        return any(kind == "password" for _, kind, _ in self.fields)


def entry_request(page: Exchange, effect: Effect, mail: str, user: str, password: str) -> Request | None:
    """The POST that a browser sends from *page* once the account is typed in; None where no form asks a password.

    The page's cookies go with it: a CSRF token is tied to the session that came with the page. A form that posts to another
    host is left alone.
    """
    form = next((form for form in forms_of(page.response.text) if form.asks_password), None)
    if form is None:
        return None
    parts = urlsplit(form.action)
    if parts.scheme or parts.netloc:
        return None
    body: dict[str, object] = {
        name: _typed(name, kind, value, (mail, user, password)) for name, kind, value in form.fields
    }
    request = form_of(parts.path if parts.path.startswith("/") else page.request.target, body, effect)
    cookies = cookies_of(page.response)
    return replace(request, headers=(*request.headers, ("Cookie", cookies))) if cookies else request


def _typed(name: str, kind: str, value: str, account: Sequence[str]) -> str:
    mail, user, password = account
    if kind == "password" or (kind == "text" and PASSWORD.search(name)):
        return password
    if kind == "hidden":
        return value
    if kind == "email" or "mail" in name.lower():
        return mail
    if kind == "text" and _ACCOUNT.search(name):
        return user
    return value or "on" if kind == "checkbox" else value


def forms_of(text: str, method: str = "post") -> tuple[Form, ...]:
    """The forms of a page that are sent by this method."""
    reader = _Forms(method)
    reader.feed(text[:500_000])
    return tuple(Form(action, tuple(fields)) for action, fields in reader.found)


class _Forms(HTMLParser):
    """Collects the fields of each form while the page is read."""

    def __init__(self, method: str) -> None:
        super().__init__()
        self._method = method
        self.found: list[tuple[str, list[tuple[str, str, str]]]] = []
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._inside = said.get("method", "get").lower() == self._method
            if self._inside:
                self.found.append((said.get("action", ""), []))
        elif tag == "input" and self._inside and said.get("name"):
            kind = said.get("type", "text").lower() or "text"
            if kind not in _NO_TEXT:
                self.found[-1][1].append((said["name"], kind, said.get("value", "")))
        elif tag in ("textarea", "select") and self._inside and said.get("name"):
            self.found[-1][1].append((said["name"], tag, ""))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._inside = False
