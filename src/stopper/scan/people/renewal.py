"""Keeps the scan's people logged in: who lost the credential logs in again before the next probe begins."""

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Final, cast

from stopper.core.probe import Identity, Target
from stopper.core.probing.baseline import Baseline
from stopper.scan.people.credential import proven
from stopper.scan.people.key_doors import with_key
from stopper.scan.people.logging_in import log_in_again
from stopper.scan.people.scene import Scene

MOST: Final = 60
"""Log-ins of one person after the first; an API that ends every credential at once is left after these."""
FAILURES: Final = 3
"""Log-ins in a row that may fail before a person is given up: a lock-out passes, a lost account does not."""


class Renewals:
    """One per scan, shared by all its threads."""

    def __init__(self, scene: Scene, people: tuple[Identity, ...], claims: Callable[[str], dict[str, object]]) -> None:
        """``claims`` reads a token's claims without verifying them."""
        self._scene, self._claims = scene, claims
        self._watch = scene.courier.credentials
        self._lock = threading.Lock()
        self._people = people
        self._renewed: dict[str, int] = {}
        self._failed: dict[str, int] = {}
        self._outlived: set[str] = set()
        self._asked_after: dict[str, int] = {}
        self.lost: dict[str, str] = {}
        """Who could not log in again, with a line that says so."""
        for person in people:
            if not person.minted:
                self._watch.take_up(person.name, _plain(person))

    def ready(self, target: Target, *, ask: bool = False) -> Target:
        """*target* for a probe that begins now: everybody whose credential is over has logged in again.

        Nothing is sent where nothing speaks for it that one is over, but with ``ask``: after a probe that ends credentials, where
        anything but reading was sent since the person was last looked after.
        """
        with self._lock:
            for person in self._people:
                if self._in_doubt(person) or (ask and self._may_be_over(person)):
                    changes = self._scene.courier.changes
                    self._look_after(person, target)
                    self._asked_after[person.name] = changes
            return replace(target, identities=self._people) if target.identities != self._people else target

    def _in_doubt(self, person: Identity) -> bool:
        if person.minted or person.name in self.lost:
            return False
        return self._watch.doubted(person.name) or (person.name not in self._outlived and self._is_over(person))

    def _may_be_over(self, person: Identity) -> bool:
        changed = self._asked_after.get(person.name) != self._scene.courier.changes
        return changed and not person.minted and person.name not in self.lost

    def _is_over(self, person: Identity) -> bool:
        end = self._claims(person.token.reveal()).get("exp") if person.token is not None else None
        return isinstance(end, (int, float)) and not isinstance(end, bool) and end <= time.time()

    def _look_after(self, person: Identity, target: Target) -> None:
        state = proven(self._scene.shut(), self._scene.courier, [person.headers]).state
        if state == "opened" or (state == "unknown" and not self._watch.turned_away_where_let_in(person.name)):
            self._watch.settle(person.name)
            self._outlived.add(person.name)  # its end has passed, by our clock, and ended nothing
            return
        if state == "unknown" and self._scene.courier.exhausted:
            return  # nothing could be asked any more
        by_key = person.subject is None and person.name in self._scene.registrations
        nameless = person.subject is None or person.password is None
        if self._renewed.get(person.name, 0) >= MOST or (nameless and not by_key):
            self._give_up(person)
            return
        self._renewed[person.name] = self._renewed.get(person.name, 0) + 1
        again = with_key(self._scene, person.name) if by_key else log_in_again(self._scene, person)
        if again is None and self._scene.courier.exhausted:
            return  # nothing was sent, which says nothing of the account
        if again is None:
            self._failed[person.name] = self._failed.get(person.name, 0) + 1
            if self._failed[person.name] >= FAILURES:
                self._give_up(person)
            return
        self._failed[person.name] = 0
        self._take_up(again, target)

    def _take_up(self, again: Identity, target: Target) -> None:
        self._outlived.discard(again.name)
        self._watch.take_up(again.name, _plain(again))
        self._people = tuple(again if _is_one(one, again) else one for one in self._people)
        known = cast("list[Baseline] | None", target.notes.get("baselines"))
        if known is not None:
            target.notes["baselines"] = [
                replace(found, identity=again) if _is_one(found.identity, again) else found for found in known
            ]

    def _give_up(self, person: Identity) -> None:
        why = (
            "no account is known to log in with again; give NAME='Login user:pass'"
            if person.subject is None or person.password is None
            else "the log-in gave no new one"
        )
        self.lost[person.name] = (
            f"{person.name}'s credential ended during the scan and {why}: what only {person.name} may see was not tested from then on"
        )


def _plain(person: Identity) -> tuple[tuple[str, str], ...]:
    return tuple((name, value.reveal()) for name, value in person.headers)


def _is_one(first: Identity, second: Identity) -> bool:
    return first.name == second.name and not first.minted and not second.minted
