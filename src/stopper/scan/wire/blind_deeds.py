"""Deeds by POST on what was there, of which nobody can see what they did: ``/queue/drain``, ``/posts/bulk`` with ids, ``/votes`` with the id of a
post. They are named when the scan ends."""

import re
import threading
from collections import Counter
from typing import Final

from stopper.core.exchange import Request, Response
from stopper.core.probing.ids_in_paths import ID
from stopper.core.probing.participles import with_deeds
from stopper.core.probing.things.objects import as_id
from stopper.scan.wire.body_members import members_in
from stopper.scan.wire.deeds_by_get import ALWAYS, words_of
from stopper.scan.wire.deletions import INVENTED, deletes_of_others
from stopper.scan.wire.failed_makes import FailedMakes
from stopper.scan.wire.foreign_deeds import makes_an_account
from stopper.scan.wire.spared_accounts import is_of_oneself
from stopper.scan.wire.things_made import ThingsMade, creates, is_an_id
from stopper.scan.wire.told_deeds import as_paths

_DEEDS: Final = ALWAYS | {
    "drain", "bulk", "batch", "mass", "process", "run", "sync", "synchronize", "merge", "recalculate", "rebuild", "move", "reorder", "assign", "retry",
    "start", "stop", "pause", "resume", "execute", "dispatch", "dequeue", "complete", "finish", "close", "open", "archive", "restore", "lock", "unlock",
    "reset", "apply", "accept", "decline", "vote", "like", "mark", "cleanup", "expire", "advance", "skip", "next", "pop", "shift", "release", "claim",
}  # fmt: skip
"""Words that end the path of what is done to things that are there."""
_OF_ALL: Final = re.compile(r"(?i)(^|/)(admin|administration|administrator|manage|management|system|internal)/.")
"""Paths below which what is done is done to everybody's target: ``POST /admin/maintenance``."""
UNSHOWN: Final = "what it does nobody is shown"
_READS: Final = frozenset(
    {
        "search",
        "query",
        "filter",
        "lookup",
        "find",
        "preview",
        "validate",
        "check",
        "calculate",
        "estimate",
        "export",
        "report",
    }
)


class BlindDeeds:
    """One per courier, shared by all its threads."""

    def __init__(self) -> None:
        self._sent: dict[str, list[str]] = {}
        self._done: dict[str, list[str]] = {}
        self._led_on: Counter[str] = Counter()
        self.failed = FailedMakes()
        self._lock = threading.Lock()

    def before(self, request: Request, made: ThingsMade) -> None:
        """Note a deed on what the scan has not made, be it the body that says it: ``POST /admin`` with ``do=signups``."""
        for one in (request, *as_paths(request)):
            self._before(one, request.target, made)

    def _before(self, request: Request, target: str, made: ThingsMade) -> None:
        path = request.target.partition("?")[0]
        words = with_deeds(words_of(path.rstrip("/").rpartition("/")[2]))
        if request.method != "POST" or request.effect == "login" or is_of_oneself(path) or words & _READS:
            return
        if any(map(ID.fullmatch, path.split("/"))):
            return  # what stands there is read beforehand
        named = list(_ids_named(request))
        if (named or words & _DEEDS or _OF_ALL.search(path)) and deletes_of_others(request, made):
            with self._lock:
                self._sent[target] = named

    def learn(self, request: Request, response: Response) -> None:
        """Note that it went through, and made nothing; or that it failed, and may have made something."""
        self.failed.learn(request, response)
        with self._lock:
            named = self._sent.get(request.target) if request.method == "POST" else None
            if named is not None and response.went_through and not creates(request, response):
                told = self._done.setdefault(f"POST {request.target.partition('?')[0]}", [])
                told += [one for one in named if one not in told]
            elif _may_have_made(request, response):
                self._led_on[f"POST {request.target.partition('?')[0]}"] += 1

    def told(self) -> dict[str, list[str]]:
        """The deeds, each with the ids that it named."""
        return {
            path: [f"{UNSHOWN} ({', '.join(named[:5])})" if named else UNSHOWN] for path, named in self._done.items()
        }

    def led_on(self) -> dict[str, int]:
        """How often what may make a thing led to another page: no answer says where the things are."""
        return {path: number for path, number in self._led_on.items() if path not in self._done}


def _may_have_made(request: Request, response: Response) -> bool:
    """Whether a form was sent to a collection, and went through: an account is known otherwise."""
    path = request.target.partition("?")[0]
    if request.method != "POST" or request.effect == "login" or not response.sends_on or response.refused:
        return False
    one = any(map(ID.fullmatch, path.split("/"))) or is_of_oneself(path)
    return not (one or makes_an_account(request) or words_of(path.rstrip("/").rpartition("/")[2]) & _READS)


def _ids_named(request: Request) -> list[str]:
    """``post_id 1`` for each member of the body that is the id of something."""
    found: list[str] = []
    for name, value in members_in(request, 2):
        for one in value[:5] if isinstance(value, list) else [value]:  # pyright: ignore[reportUnknownVariableType]
            key = as_id(one)  # pyright: ignore[reportUnknownArgumentType]
            if is_an_id(name) and key is not None and INVENTED.match(key) is None and name.lower() != "name":
                found.append(f"{name} {key}")
    return found
