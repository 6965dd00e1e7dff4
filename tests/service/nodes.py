"""People who use several nodes of the service at once, through a balancer that knows which are alive, and what they count."""

import http.client
import json
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from tests.servers.service import PASSWORD

AWAY = (ConnectionError, http.client.HTTPException, TimeoutError, OSError)


@dataclass
class Balancer:
    """Goes round the nodes; one that refuses a connection is passed over."""

    addresses: Sequence[str]
    dead: set[str] = field(default_factory=set)
    _turn: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def next(self) -> str:
        with self._lock:
            living = [address for address in self.addresses if address not in self.dead]
            self._turn += 1
            return living[self._turn % len(living)]


@dataclass
class Tally:
    """What everybody saw."""

    statuses: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, what: str, status: int) -> None:
        with self._lock:
            self.statuses[f"{what} {status}"] += 1

    def fail(self, text: str) -> None:
        with self._lock:
            self.wrong.append(text)


class Person:
    """Logs in, works, refreshes, logs out, and looks whether the old tokens are dead, again and again, from an address of its own."""

    def __init__(self, number: int, balancer: Balancer, tally: Tally, stop: threading.Event) -> None:
        self._from = f"127.0.0.{10 + number}"
        self._email = f"person{number}@example.com"
        self._balancer = balancer
        self._tally = tally
        self._stop = stop

    def live(self) -> None:
        """Until told to stop."""
        try:
            while not self._stop.is_set():
                self._once()
        except Exception as wrong:
            self._tally.fail(f"{self._email}: {wrong!r}")

    def register(self) -> None:
        assert self._until_answered("POST", "/auth/register", {"email": self._email, "password": PASSWORD})[0] == 201

    def _once(self) -> None:
        status, first = self._until_answered("POST", "/auth/login", {"email": self._email, "password": PASSWORD})
        if status != 200:
            self._tally.fail(f"login {status}")
            return
        access, refresh = first["access_token"], first["refresh_token"]
        for _ in range(2):
            self._expect("me", 200, "GET", "/auth/me", None, access)
            # What a phone without a net does: the same token again, from wherever the balancer leads, until somebody answers.
            status, second = self._until_answered("POST", "/auth/refresh", {"refresh_token": refresh})
            if status != 200:
                self._tally.fail(f"refresh {status}")
                return
            again, twice = self._until_answered("POST", "/auth/refresh", {"refresh_token": refresh})
            if again == 200 and twice["refresh_token"] != second["refresh_token"]:
                self._tally.fail("one refresh token was redeemed twice")
            access, refresh = second["access_token"], second["refresh_token"]
        self._expect("logout", 204, "POST", "/auth/logout", {}, access)
        # 204 was said after the commit: from then on no node may take it, but for the stated second.
        if self._stop.wait(1.1):
            return
        self._expect("dead", 401, "GET", "/auth/me", None, access)
        self._expect("dead-refresh", 401, "POST", "/auth/refresh", {"refresh_token": refresh})

    def _expect(
        self, what: str, wanted: int, method: str, path: str, body: object | None, token: str | None = None
    ) -> None:
        status, _ = self._until_answered(method, path, body, token)
        # A log-out whose answer was lost has ended the session: the second attempt is refused, and rightly.
        if status != wanted and not (what == "logout" and status == 401):
            self._tally.fail(f"{what}: {status} instead of {wanted}")

    def _until_answered(
        self, method: str, path: str, body: object | None, token: str | None = None
    ) -> tuple[int, dict[str, str]]:
        """The first answer that is not 503; each is counted."""
        for _ in range(200):
            node = self._balancer.next()
            try:
                status, answer = self._ask(node, method, path, body, token)
            except AWAY:
                self._tally.add("no answer", 0)
                self._stop.wait(0.05)
                continue
            self._tally.add(f"{method} {path}", status)
            if status not in (429, 503):
                return status, answer
            self._stop.wait(0.2)
        raise AssertionError(f"{method} {path} was never answered")

    def _ask(
        self, node: str, method: str, path: str, body: object | None, token: str | None
    ) -> tuple[int, dict[str, str]]:
        where = urlsplit(node)
        connection = http.client.HTTPConnection(
            where.hostname or "", where.port, timeout=15, source_address=(self._from, 0)
        )
        try:
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            raw = None
            if body is not None:
                headers["Content-Type"] = "application/json"
                raw = json.dumps(body).encode()
            connection.request(method, path, raw, headers)
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        return answer.status, json.loads(text) if text.startswith(b"{") else {}
