"""One OpenBao for the run, a door before it that can be made to fail, and clocks that tests move."""

from collections.abc import Callable, Iterator

import pytest
from tests.secrets.door import Door
from tests.secrets.openbao import OpenBao
from tests.servers.fixtures import cluster

from stopper.auth.clock import SetClock
from stopper.auth.event import Event
from stopper.core.secret import Secret
from stopper.secrets import Access, Pace, Secrets, VaultAccess
from stopper.secrets.backends import open_backend
from stopper.secrets.vault import open_vault

__all__ = ["cluster"]


@pytest.fixture(scope="session")
def bao() -> Iterator[OpenBao]:
    """A real server with a kv 2 engine at ``kv`` and a kv 1 engine at ``old``."""
    made = OpenBao()
    try:
        made.start()
        made.mount("kv", "kv", version="2")
        made.mount("old", "kv", version="1")
        made.policy("reads", "kv/data/*", "old/*", "database/creds/*")
        made.policy("gives-back", "sys/leases/revoke", may="update")
        yield made
    finally:
        made.remove()


@pytest.fixture
def door(bao: OpenBao) -> Iterator[Door]:
    """A way to the server that can be closed or made to misbehave."""
    made = Door(bao)
    yield made
    made.stop()


class World:
    """What the secrets of one test stand in: clocks, events, and how to open them."""

    def __init__(self) -> None:
        self.wall = SetClock()
        self.steady = SetClock(1000.0)
        self.events: list[Event] = []
        self.made: list[Secrets] = []

    def forward(self, seconds: float) -> None:
        """Time passes."""
        self.wall.forward(seconds)
        self.steady.forward(seconds)

    def names(self) -> list[str]:
        """The events so far."""
        return [event.name for event in self.events]

    def open(
        self, declared: object, *, access: Access | None = None, pace: Pace | None = None, **given: object
    ) -> Secrets:
        """Secrets under these clocks."""
        access = access or Access()

        def opens(scheme: str, access: Access) -> object:
            if scheme == "vault":  # the log-in lives by the same clock
                return open_vault(access.vault, access.timeout, self.steady, **given)  # type: ignore[arg-type]
            return open_backend(scheme, access)

        made = Secrets(
            declared, access=access, pace=pace, clock=self.wall, steady=self.steady, sink=self.events.append,
            open_backend=opens,  # type: ignore[arg-type]
        )  # fmt: skip
        self.made.append(made)
        return made


@pytest.fixture
def world() -> Iterator[World]:
    """Clocks and events of one test."""
    made = World()
    yield made
    for secrets in made.made:
        secrets.close()


@pytest.fixture
def through(bao: OpenBao, door: Door) -> Callable[..., Access]:
    """Access to the server through the door, with a token that may read and that can be renewed."""

    def make(*, token: str | None = None, timeout: float = 5.0, **vault: object) -> Access:
        shown = Secret(token or bao.token("reads", "gives-back", ttl="1h"))
        return Access(
            timeout=timeout,
            vault=VaultAccess(door.url, ca_file=str(bao.ca_file), token=lambda: shown, **vault),  # type: ignore[arg-type]
        )

    return make
