"""Whatever happens to a backend and to the clocks, in any order: no value is older than it may be, and each outage is told once."""

from itertools import pairwise

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from stopper.auth.clock import SetClock
from stopper.auth.event import Event
from stopper.core.secret import Secret
from stopper.secrets import Access, Document, FetchError, Lease, Pace, Secrets, SecretUnavailableError

REFRESH, KEEP, OVERLAP = 60.0, 600.0, 300.0


class Shelf:
    """A backend in memory: its versions, and whether it is away. Lends its value when ``lends`` says for how long."""

    def __init__(self, steady: SetClock) -> None:
        self.steady = steady
        self.version = 1
        self.away = False
        self.lends = 0.0
        self.longest = float("inf")
        self.reads = 0
        self.ends: dict[str, float] = {}
        self.taken = 0.0

    def read(self, path: str) -> Document:
        self._ask()
        lease = None
        if self.lends:
            self.ends[f"lease-{self.reads}"] = self.steady() + self.lends
            self.taken = self.steady()
            lease = Lease(f"lease-{self.reads}", self.lends, renewable=True)
        text = Secret(f"value-{self.version}" if not self.lends else f"lent-{self.reads}")
        return Document(text, version=str(self.version), lease=lease)

    def renew(self, lease: Lease) -> Lease:
        self._ask()
        if self.steady() >= self.ends[lease.id]:
            raise FetchError("missing", "the lease has ended")
        granted = min(self.lends, self.taken + self.longest - self.steady())
        self.ends[lease.id] = self.steady() + granted
        return Lease(lease.id, granted, renewable=True)

    def read_previous(self, path: str, current: Document) -> Document | None:
        return None

    def close(self) -> None:
        """Nothing."""

    def _ask(self) -> None:
        self.reads += 1
        if self.away:
            raise FetchError("unreachable", "away")


class Staleness(RuleBasedStateMachine):
    """``seen`` is when each version was first on the shelf; what is given must have been current recently enough."""

    lends = 0.0

    def __init__(self) -> None:
        super().__init__()
        self.wall, self.steady = SetClock(), SetClock(10_000.0)
        self.events: list[Event] = []
        self.shelf = Shelf(self.steady)
        self.shelf.lends = self.lends
        self.replaced: dict[int, float] = {}
        self.last_good = self.steady()
        self.given, self.turned = "", self.steady()
        self.secrets = Secrets(
            {"one": "vault:kv/one"}, access=Access(), pace=Pace(REFRESH, KEEP, OVERLAP), clock=self.wall, steady=self.steady,
            sink=self.events.append, open_backend=lambda scheme, access: self.shelf,
        )  # fmt: skip

    def teardown(self) -> None:
        self.secrets.close()

    @rule(seconds=st.floats(0.1, 900))
    def time_passes(self, seconds: float) -> None:
        self.wall.forward(seconds)
        self.steady.forward(seconds)

    @rule(seconds=st.floats(-1e9, 1e9))
    def the_date_is_set(self, seconds: float) -> None:
        self.wall.forward(seconds)

    @rule()
    def the_secret_is_rotated(self) -> None:
        self.replaced[self.shelf.version] = self.steady()
        self.shelf.version += 1

    @precondition(lambda self: not self.shelf.away)
    @rule()
    def the_backend_goes(self) -> None:
        self.shelf.away = True

    @precondition(lambda self: self.shelf.away)
    @rule()
    def the_backend_comes_back(self) -> None:
        self.shelf.away = False

    @rule()
    def somebody_asks(self) -> None:
        reads = self.shelf.reads
        told = len([event for event in self.events if event.name == "secret-backend-away"])
        try:
            versions = self.secrets.versions("one")
            value, before = versions.current.reveal(), versions.previous
        except SecretUnavailableError:
            value = before = None
        now = self.steady()
        if self.shelf.reads > reads and not self.shelf.away:
            self.last_good = now
        if value is not None and value != self.given:
            self.turned, self.given = now, value
        if before is not None:
            assert before.reveal() != value
            ends = (
                self.shelf.ends[f"lease-{before.reveal().removeprefix('lent-')}"]
                if self.lends
                else self.turned + OVERLAP
            )
            assert now < ends, "the version before is taken for too long"
        limit = self.lends or KEEP
        if value is None:
            assert now - self.last_good >= limit, "refused before its end"
        else:
            assert now - self.last_good < limit, "served beyond its end"
            if not self.lends:
                replaced = self.replaced.get(int(value.removeprefix("value-")))
                assert replaced is None or replaced >= self.last_good, "not what the shelf had at the last good answer"
        if not self.shelf.away and value is not None and self.shelf.reads == reads and not self.lends:
            assert now - self.last_good < REFRESH or self.events, "too old although the backend answers"
        again = len([event for event in self.events if event.name == "secret-backend-away"])
        assert again - told <= 1

    @invariant()
    def outages_and_returns_take_turns(self) -> None:
        names = [
            event.name
            for event in self.events
            if event.name in ("secret-backend-away", "secret-backend-back", "secret-rotated")
        ]
        for one, other in pairwise(names):
            assert (one, other) != ("secret-backend-away", "secret-backend-away")
            assert other != "secret-backend-back" or one == "secret-backend-away"

    @invariant()
    def no_event_holds_a_value(self) -> None:
        assert "value-" not in str(self.events)
        assert "lent-" not in str(self.events)


class Lent(Staleness):
    """The same with values that are lent for 90 seconds."""

    lends = 90.0


settings.register_profile("staleness", max_examples=60, stateful_step_count=40)
TestStaleness = pytest.mark.feature("F19")(Staleness.TestCase)
TestStaleness.settings = settings.get_profile("staleness")
TestLent = pytest.mark.feature("F19")(Lent.TestCase)
TestLent.settings = settings.get_profile("staleness")


@pytest.mark.feature("F19")
def test_near_the_longest_time_of_a_lease_a_new_one_is_taken_while_the_old_one_lives() -> None:
    steady = SetClock()
    shelf = Shelf(steady)
    shelf.lends, shelf.longest = 90.0, 200.0
    found = Secrets({"one": "vault:kv/one"}, steady=steady, open_backend=lambda scheme, access: shelf)
    first = found["one"].reveal()
    for _ in range(3):  # renewed at 60 and 120 seconds; at 180 only 20 more would be granted
        steady.forward(60)
        second = found["one"].reveal()
    assert second != first
    before = found.versions("one").previous
    assert before is not None
    assert before.reveal() == first
    assert steady() < shelf.ends["lease-1"]
    found.close()
