"""Any order of log-ins, refreshes, retries, log-outs, disablings and waiting does what a few lines of Python say it does."""

import json
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from sqlalchemy import func, select
from tests.servers.issuing import issuing

from stopper.auth.clock import SetClock
from stopper.core.errors import InvalidCredentialError
from stopper.store import open_store
from stopper.store.schema import refresh_families, refresh_tokens

WINDOW, IDLE, LIFE = 10, 604_800, 2_592_000


@dataclass
class Token:
    """One refresh token as the model sees it."""

    text: str
    idle_until: float
    used_at: float | None = None
    used_by: str | None = None
    answer: bytes = b""


@dataclass
class Session:
    """One family as the model sees it."""

    ends_at: float
    tokens: list[Token] = field(default_factory=list)
    ended: bool = False


class Refreshing(RuleBasedStateMachine):
    """The model beside the real thing, on SQLite."""

    @initialize()
    def start(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.clock = SetClock()
        self.store = open_store(f"sqlite:///{Path(self.folder.name)}/s.db", self.clock)
        self.store.migrate()
        self.made = issuing(self.store, self.clock)
        self.sessions: list[Session] = []
        self.disabled = False

    def teardown(self) -> None:
        self.store.close()
        self.folder.cleanup()

    @rule()
    def log_in(self) -> None:
        try:
            answer = self.made.refresh.open(self.made.account, client_id="web")
        except InvalidCredentialError:
            assert self.disabled
            return
        assert not self.disabled
        now = self.clock()
        self.sessions.append(Session(now + LIFE, [Token(json.loads(answer)["refresh_token"], now + IDLE)]))

    @rule(seconds=st.sampled_from([0.5, 3, 9.5, 10, 11, 3600, 500_000, IDLE]))
    def wait(self, seconds: float) -> None:
        self.clock.forward(seconds)

    @rule(which=st.integers(0, 99), back=st.integers(0, 3), client=st.sampled_from(["web", "web", "web", "other"]))
    def refresh(self, which: int, back: int, client: str) -> None:
        if not self.sessions:
            return
        session = self.sessions[which % len(self.sessions)]
        at = max(0, len(session.tokens) - 1 - back)
        token = session.tokens[at]
        wanted = self._expected(session, at, client)
        try:
            answer = self.made.refresh.refresh(token.text, client_id=client)
        except InvalidCredentialError:
            assert wanted in ("refused", "reused"), wanted
            session.ended = session.ended or wanted == "reused"
            return
        if wanted == "repeated":
            assert answer == token.answer
            return
        assert wanted == "rotated"
        now = self.clock()
        token.used_at, token.used_by, token.answer = now, client, answer
        session.tokens.append(Token(json.loads(answer)["refresh_token"], min(now + IDLE, session.ends_at)))

    def _expected(self, session: Session, at: int, client: str) -> str:
        token, now = session.tokens[at], self.clock()
        if session.ended or self.disabled or now >= session.ends_at:
            return "refused"
        if token.used_at is None:
            return "rotated" if client == "web" and now < token.idle_until else "refused"
        newest = at == len(session.tokens) - 2
        return "repeated" if newest and now < token.used_at + WINDOW and client == token.used_by else "reused"

    @rule(which=st.integers(0, 99))
    def log_out(self, which: int) -> None:
        if self.sessions:
            session = self.sessions[which % len(self.sessions)]
            self.made.refresh.end_by_token(session.tokens[0].text)
            session.ended = True

    @rule(really=st.integers(0, 9))
    def disable(self, really: int) -> None:
        if really == 0:
            self.store.accounts.disable("ann", self.clock())
            self.disabled = True
            for session in self.sessions:
                session.ended = True

    @rule()
    def sweep(self) -> None:
        self.made.refresh.forget_when_due()

    @invariant()
    def one_living_token_a_family(self) -> None:
        if not hasattr(self, "store"):
            return
        living = (
            select(func.count())
            .select_from(refresh_tokens.join(refresh_families))
            .where(refresh_tokens.c.used_at.is_(None), refresh_families.c.ended_at.is_(None))
            .group_by(refresh_tokens.c.family_id)
        )
        counts = self.store.database.read(lambda connection: list(connection.execute(living).scalars()))
        assert all(count == 1 for count in counts)
        assert len(counts) == sum(not session.ended for session in self.sessions)


TestRefreshing = Refreshing.TestCase
TestRefreshing.settings = settings(
    max_examples=40, stateful_step_count=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
