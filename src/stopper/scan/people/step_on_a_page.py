"""A registration that sends on to a page which asks for a code: the code that its answers show, in a header, a cookie or a sentence, is typed in."""

import re
from collections.abc import Iterator
from html import unescape
from typing import Final
from urllib.parse import urlencode, urljoin, urlsplit

from stopper.core.answers.cookie_flags import cookies_of
from stopper.core.exchange import Exchange, Request, Response
from stopper.core.login_names import PASSWORD
from stopper.core.probe import Skipped
from stopper.core.tokens.flask_cookie import payload
from stopper.scan.people.credential import merged
from stopper.scan.people.scene import Scene

_STEP: Final = re.compile(r"(?i)verif|confirm|activat|otp|2fa|mfa|(^|[/_-])(code|pin)")
_CODE: Final = re.compile(r"(?i)otp|code|(^|[_-])pin($|[_-])|passcode")
_NO_CODE: Final = re.compile(r"(?i)encod|status|country|post|zip|language")
_DIGITS: Final = re.compile(r"(?<![\w.:#-])\d{4,8}(?![\w.:-])")
_INPUT: Final = re.compile(r"(?is)<input\b([^>]{1,500})>")
_NAME: Final = re.compile(r"""(?i)\bname\s*=\s*["']?([\w\[\].-]{1,60})""")
_VALUE: Final = re.compile(r"""(?i)\bvalue\s*=\s*["']([^"']{0,500})""")
_HIDDEN: Final = re.compile(r"""(?i)\btype\s*=\s*["']?hidden""")
_ACTION: Final = re.compile(r"""(?is)<form\b[^>]{0,300}?\baction\s*=\s*["']([^"']{1,300})""")
_TAG: Final = re.compile(r"(?is)<(script|style)\b.{0,20000}?</\1>|<[^>]{0,500}>")
PAGE_MOST: Final = 50_000


def typed_in(scene: Scene, made: Exchange) -> Exchange | None:
    """The answer of the page to which *made* sends on, once the code that was shown was typed in; None where there is no such page or code."""
    where = made.response.header("Location") or ""
    host = urlsplit(scene.courier.transport.base_url).netloc
    parts = urlsplit(urljoin(made.request.target, where))
    if not made.response.sends_on or parts.netloc not in ("", host) or not _STEP.search(parts.path):
        return None
    cookies = merged(made.request.header("Cookie") or "", cookies_of(made.response))
    page = _sent(scene, Request("GET", parts.path, (("Accept", "text/html"), ("Cookie", cookies))))
    if page is None or not page.response.succeeded:
        return None
    cookies = merged(cookies, cookies_of(page.response))
    fields = dict(_fields(page.response))
    asked = next((name for name in fields if _CODE.search(name)), None)
    code = next(_codes(page.response, cookies), None)
    if asked is None or code is None or any(PASSWORD.search(name) for name in fields):
        return None
    action = _ACTION.search(page.response.text[:PAGE_MOST])
    target = urlsplit(urljoin(parts.path, unescape(action.group(1)) if action is not None else "")).path
    headers = (("Content-Type", "application/x-www-form-urlencoded"), ("Accept", "text/html"), ("Cookie", cookies))
    return _sent(scene, Request("POST", target, headers, urlencode({**fields, asked: code}).encode(), "login"))


def _fields(page: Response) -> Iterator[tuple[str, str]]:
    """What the form of a page has: hidden fields with their values, others empty."""
    for found in _INPUT.finditer(page.text[:PAGE_MOST]):
        name, value = _NAME.search(found.group(1)), _VALUE.search(found.group(1))
        if name is not None:
            hidden = _HIDDEN.search(found.group(1)) is not None
            yield name.group(1), unescape(value.group(1)) if value is not None and hidden else ""


def _codes(page: Response, cookies: str) -> Iterator[str]:
    """Codes that the page shows to whoever reads it: in a header of its own, in a session that is only signed, in a sentence."""
    for name, value in page.headers:
        if _CODE.search(name) and not _NO_CODE.search(name) and re.fullmatch(r"\w{3,12}", value.strip()):
            yield value.strip()
    for part in cookies.split("; "):
        for name, held in payload(part.partition("=")[2]).items():
            if _CODE.search(name) and re.fullmatch(r"\w{3,12}", str(held)):
                yield str(held)
    yield from _DIGITS.findall(_TAG.sub(" ", page.text[:PAGE_MOST]))


def _sent(scene: Scene, request: Request) -> Exchange | None:
    try:
        return scene.courier.carry(request)
    except Skipped:
        return None
