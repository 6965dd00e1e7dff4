"""Pages with a log-in or registration form: what a browser would send from them, hidden fields and cookies included."""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final
from urllib.parse import urlsplit

from stopper.core.answers.cookie_flags import cookies_of
from stopper.core.exchange import Effect, Exchange, Request
from stopper.core.login_names import PASSWORD
from stopper.core.probing.page_forms import TYPED, forms_of
from stopper.scan.people.doors import form_of

_ACCOUNT: Final = re.compile(r"(?i)user|login|name|account|nick")


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
        name: _typed(name, kind, value or TYPED.get(kind, ""), (mail, user, password))
        for name, kind, value in form.fields
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
