"""A database that stays locked behind a request that broke off, so that whatever writes next waits in vain.

An application that leaves its connection open when a statement fails (a name that is taken already) holds SQLite's lock until the collector of
its Python comes by, and that comes only after many more objects. A body with many empty lists in it is such many objects: a log-in that reads it
and refuses it brings the collector at once.
"""

import json
import re
import threading
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlencode, urlsplit

from stopper.core.app import Route
from stopper.core.exchange import Request, Response
from stopper.core.login_names import BEST, LOGIN
from stopper.core.probing.accounts.login import is_log_in_form
from stopper.scan.wire.transport import READ_METHODS

WAITED: Final = 4.5
"""Seconds of an answer that comes to nothing: SQLite waits five for a lock."""
WIDE: Final = 3000
"""Empty lists of a body, some 9 KB: what has just been left lying is collected."""
WIDER: Final = 100_000
"""The same for what has lain for a while, some 300 KB."""
FIELDS: Final = 900
"""The same of a form, of which more fields than a thousand are refused."""
EASED_MOST: Final = 60
"""Times that a refused change is followed by such a body, once a database was seen to be held."""
IN_VAIN: Final = 4
"""Times in a row that it may not help."""
FORM: Final = "application/x-www-form-urlencoded"
PASSWORD: Final = re.compile(r"""(?i)<input[^>]{0,300}type\s{0,2}=\s{0,2}["']?password""")
"""The field by which a registration is known that is shown once more."""
_CHANGED_NOTHING: Final = frozenset({401, 403, 404, 405, 406, 413, 415, 429})
"""Refusals that come before any statement."""


class LockedDatabase:
    """One per scan, shared by all its threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ease: Request | None = None
        self._ease_more: Request | None = None
        self._seen = False
        self._left = EASED_MOST
        self._in_vain = 0

    def know(self, routes: Sequence[Route], canary: str) -> None:
        """Take up where a body is read that nobody's password is in."""
        posts = [one for one in routes if "POST" in one.methods and not one.parameters]
        doors = [one for one in posts if LOGIN.search(one.path.rstrip("/"))] or [*filter(is_log_in_form, posts)]
        door = min(doors, key=lambda one: (not BEST.search(one.path), len(one.path)), default=None)
        if door is None:
            return
        self._ease, self._ease_more = _read_by(door, canary, WIDE), _read_by(door, canary, WIDER)

    def held(self, request: Request, response: Response) -> Request | None:
        """What frees the database that *request* has waited for in vain; None where it has not."""
        if not _waited(request, response):
            return None
        with self._lock:
            self._seen = self._seen or self._ease is not None
            return self._ease_more if self._in_vain < IN_VAIN else None

    def again(self, request: Request, response: Response) -> None:
        """Learn what *request* was answered once the database was freed."""
        with self._lock:
            self._in_vain = self._in_vain + 1 if _waited(request, response) else 0

    def may_be_held(self, request: Request, response: Response) -> Request | None:
        """What frees the database after a change that was refused, where one was held before."""
        with self._lock:
            if not self._seen or self._left <= 0 or self._in_vain >= IN_VAIN:
                return None
            if request.method in READ_METHODS or _waited(request, response):
                return None
            if response.status in _CHANGED_NOTHING or not (response.status >= 400 or _turned_back(request, response)):
                return None
            self._left -= 1
            return self._ease


def _turned_back(request: Request, response: Response) -> bool:
    """A form that is shown once more, or whose sender is sent back to it: what was wrong with it may have come to light in the database."""
    if request.effect == "login" or request.header("Content-Type") != FORM:
        return False
    if response.status in (302, 303):
        return urlsplit(response.header("Location") or "").path == urlsplit(request.target).path
    return (
        response.status == 200 and response.content_type == "text/html" and PASSWORD.search(response.text) is not None
    )


def _waited(request: Request, response: Response) -> bool:
    slow = response.seconds >= WAITED and (response.status >= 500 or not response.status)
    return slow and request.method not in READ_METHODS


def _read_by(door: Route, canary: str, lists: int) -> Request:
    """A log-in of nobody at *door*, with so many lists beside it."""
    nobody = {"username": f"nobody-{canary}", "email": f"nobody-{canary}@example.com", "password": f"{canary}-9aA!"}
    if door.takes_form:
        kind = FORM
        body = urlencode([*nobody.items(), *((f"more{number}", "") for number in range(FIELDS))])
    else:
        kind = "application/json"
        body = json.dumps({**nobody, "more": [[]] * lists}, separators=(",", ":"))
    return Request("POST", door.path, (("Content-Type", kind), ("Accept", "application/json")), body.encode(), "login")
