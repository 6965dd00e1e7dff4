"""One thing that was there before a scan, as it was, and how it is put back."""

import json
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from typing import Final

from stopper.core.exchange import Request, Response
from stopper.core.probing.baseline import steady
from stopper.core.probing.things.objects import inner_object, is_masked
from stopper.core.redactor import is_sensitive_name
from stopper.scan.wire.body_members import members_of, with_members

_MOVES: Final = re.compile(
    r"(?i)updated|modified|changed|last_|lastseen|version|revision|etag|views|hits|expire|token|csrf|nonce"
)
"""Members that change by themselves."""


@dataclass(slots=True)
class Kept:
    """One thing as it was: how it is read, its members, and how it was changed."""

    read: Request
    was: dict[str, object]
    ways: dict[str, Request] = field(default_factory=dict[str, Request])
    """The first change by each method that went through, of a POST by its path too."""
    said: set[str] = field(default_factory=set[str])
    """Names of members that changes named."""

    def different(self, now: Response) -> list[str]:
        """The members that are not as they were, and those that were added; all that were changed where nothing is shown, or it is gone:
        ``PATCH status=deleted`` may have taken it away."""
        shown = inner_object(now.json()) if now.succeeded else {}
        if not shown:
            return sorted(self.said & self.was.keys()) or ["what it holds"]
        changed = [name for name, value in self.was.items() if not _equal(name, value, shown.get(name))]
        return [*changed, *(name for name in shown if name in self.said and name not in self.was)]

    def unseen(self) -> list[str]:
        """Members that were changed and of which nobody is shown what they were: secrets that are only written, and what is masked."""
        hidden = [name for name in self.said if name not in self.was and is_sensitive_name(name)]
        return sorted([*hidden, *(name for name in self.said if is_masked(self.was.get(name)))])

    def amends(self, different: list[str], takes: Collection[str]) -> Iterator[Request]:
        """The changes that put it back: with all members that were named, then with those alone that differ; last by what the place itself
        *takes*, whoever has sent that. A POST is sent again only where it says what differs: it may be a deed."""
        known = [name for name, value in self.was.items() if not is_masked(value)]
        whole = [name for name in known if name in self.said or name in different]
        told = [name for name in different if name in known]
        for names in (whole, told):
            for method in ("PATCH", "PUT"):
                if method in self.ways:
                    yield with_members(self.ways[method], {name: self.was[name] for name in names})
        for way in [one for key, one in self.ways.items() if key.startswith("POST")]:
            own = [name for name in known if name in members_of(way)]
            if not set(own).isdisjoint(told):
                yield with_members(way, {name: self.was[name] for name in own})
        for method in [one for one in ("PATCH", "PUT") if one in takes and one not in self.ways and told]:
            names = told if method == "PATCH" else known
            body = json.dumps({name: self.was[name] for name in names}).encode()
            headers = (*self.read.headers, ("Content-Type", "application/json"))
            yield replace(self.read, method=method, headers=headers, body=body, effect="write")


def _equal(name: str, was: object, now: object) -> bool:
    if was == now or _MOVES.search(name):
        return True
    return steady(json.dumps(was, sort_keys=True)) == steady(json.dumps(now, sort_keys=True))
