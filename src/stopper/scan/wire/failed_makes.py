"""Things that were made though an error of the server was all that the request got: it kept the order, and then its mail could not be sent. No answer
says where they are; where they are listed, the texts of the scan stand in them."""

import json
import threading
from collections.abc import Callable, Mapping
from typing import Final

from stopper.core.exchange import Exchange, Request, Response
from stopper.core.probing.ids_in_paths import ID
from stopper.core.probing.things.objects import entries
from stopper.scan.wire.deletions import INVENTED
from stopper.scan.wire.foreign_deeds import makes_an_account

MOST: Final = 10
"""Lists that are read for it when a scan ends."""


class FailedMakes:
    """One per courier, shared by all its threads."""

    def __init__(self) -> None:
        self.found: dict[str, int] = {}
        """How many things with texts of the scan a list shows, by the path of the POST that failed."""
        self._failed: dict[tuple[str, str | None], Request] = {}
        """One request of each person that failed at each path."""
        self._lock = threading.Lock()

    def learn(self, request: Request, response: Response) -> None:
        """Note a POST on a collection that failed."""
        path = request.target.partition("?")[0]
        if request.method != "POST" or request.effect != "write" or response.status < 500 or not request.body:
            return
        if not (any(map(ID.fullmatch, path.split("/"))) or makes_an_account(request)):
            with self._lock:
                self._failed.setdefault((path, request.identity), request)

    def look(self, carry: Callable[[Request], Exchange], known: Mapping[str, int]) -> None:
        """Read the lists, by ``carry``. *known* things of each path are named already."""
        shown: dict[str, set[str]] = {}
        for (path, _), failed in list(self._failed.items())[:MOST]:
            answer = carry(Request("GET", path, failed.headers_without_body, identity=failed.identity)).response
            texts = [json.dumps(one, sort_keys=True) for one in entries(answer.json())] if answer.succeeded else []
            shown.setdefault(path, set()).update(filter(INVENTED.search, texts))
        more = {path: len(texts) - known.get(path, 0) for path, texts in shown.items()}
        self.found |= {path: number for path, number in more.items() if number > 0}
