"""Any order of log-ins, refreshes, retries, log-outs, changes, rotations, clock steps and losses of the store does what a short model says.

The invariants are written out in docs/tokens.md; each is one method here, named as there.
"""

import base64
import json
import secrets
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from sqlalchemy import func, select
from tests.longer import examples
from tests.servers.issuing import AUDIENCE, ISSUER, issuing

from stopper.auth.account import Account
from stopper.auth.clock import SetClock
from stopper.auth.issuer import Issuer
from stopper.auth.keyring import Keyring
from stopper.auth.revocation import Revocations
from stopper.auth.verifier import LEEWAY, Verifier
from stopper.core.errors import InvalidCredentialError, RefusalError, StoreUnavailableError
from stopper.store import open_store
from stopper.store.schema import refresh_families, refresh_tokens

WINDOW, IDLE, LIFE, ACCESS = 10, 604_800, 2_592_000, 900
KEEP = 4_530.0


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


@dataclass
class Access:
    """One access token as the model sees it."""

    text: str
    kid: str
    issued: int
    session: Session
    void: bool = False


class Life(RuleBasedStateMachine):
    """The model beside the real thing: one issuer, and a second node that only follows it."""

    @initialize()
    def start(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.clock, self.ticks = SetClock(1_800_000_000.25), SetClock(0.0)
        self.begun = self.clock()
        url = f"sqlite:///{Path(self.folder.name)}/s.db"
        self.store = open_store(url, self.clock)
        self.store.migrate()
        self.made = issuing(self.store, self.clock)
        self.other_store = open_store(url, self.clock)
        other_ring = Keyring(self.other_store.keys, self.clock, monotonic=self.ticks)
        issuer = Issuer(ISSUER, ["EdDSA"], keys=other_ring, audience=AUDIENCE)
        self.verifier = Verifier((issuer,), clock=self.clock)
        self.other = Revocations(self.other_store.revocations, self.clock, token_lifetime=ACCESS, monotonic=self.ticks)
        self.sessions: list[Session] = []
        self.accesses: list[Access] = []
        self.dead_keys: dict[str, float] = {}
        self.disabled = False
        self.everything_before = 0

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.store.close()
            self.other_store.close()
            self.folder.cleanup()

    # -- what people do --------------------------------------------------------------------------------------------------------

    def _account(self) -> Account:
        found = self.store.accounts.by_id("ann")
        assert found is not None
        return found

    def _take(self, answer: bytes, session: Session) -> str:
        said = json.loads(answer)
        header, claims = (_segment(said["access_token"], number) for number in range(2))
        self.accesses.append(Access(said["access_token"], header["kid"], claims["iat"], session))
        return said["refresh_token"]

    @rule()
    def log_in(self) -> None:
        try:
            answer = self.made.refresh.open(self._account(), client_id="web")
        except InvalidCredentialError:
            assert self.disabled
            return
        assert not self.disabled
        now = self.clock()
        session = Session(now + LIFE)
        session.tokens.append(Token(self._take(answer, session), min(now + IDLE, session.ends_at)))
        self.sessions.append(session)

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
            if wanted == "reused":
                self._end(session)
            return
        if wanted == "repeated":
            assert answer == token.answer, "the same answer, byte for byte"
            return
        assert wanted == "rotated"
        now = self.clock()
        token.used_at, token.used_by, token.answer = now, client, answer
        session.tokens.append(Token(self._take(answer, session), min(now + IDLE, session.ends_at)))

    def _expected(self, session: Session, at: int, client: str) -> str:
        token, now = session.tokens[at], self.clock()
        if session.ended or self.disabled or now >= session.ends_at:
            return "refused"
        if token.used_at is None:
            return "rotated" if client == "web" and now < token.idle_until else "refused"
        newest = at == len(session.tokens) - 2
        inside = token.used_at - 1 <= now < token.used_at + WINDOW
        kept = inside and client == token.used_by and token.answer
        return "repeated" if newest and kept else "reused"

    @rule(which=st.integers(0, 99))
    def log_out(self, which: int) -> None:
        if self.sessions:
            session = self.sessions[which % len(self.sessions)]
            self.made.refresh.end_by_token(session.tokens[0].text)
            self._end(session)

    @rule()
    def change_password(self) -> None:
        account = self._account()
        done = self.store.accounts.change_password("ann", account.password_hash, secrets.token_hex(4), self.clock())
        assert done is not self.disabled
        if done:
            self._end_all()

    @rule()
    def change_roles(self) -> None:
        assert self.store.accounts.set_access("ann", ("writer",), ("notes:read",), self.clock())
        before = self._account().tokens_from
        for access in self.accesses:
            access.void = True
            # Issued before the clock was set back: only the end of its session can void it.
            access.session.ended = access.session.ended or access.issued >= before

    @rule()
    def log_out_everywhere(self) -> None:
        assert self.store.accounts.log_out("ann", self.clock())
        self._end_all()

    @rule()
    def revoke_everything(self) -> None:
        self.store.refresh.end_everything(self.clock(), self.clock() + KEEP)
        before = max(int(self.clock()), self._account().tokens_from) + 1
        self.everything_before = max(before, self.everything_before)
        for session in self.sessions:
            session.ended = True
        for access in self.accesses:
            access.void = access.void or access.issued < before or access.session.ended

    @rule(really=st.integers(0, 9))
    def disable(self, really: int) -> None:
        if really == 0:
            self.store.accounts.disable("ann", self.clock())
            self.disabled = True
            self._end_all()

    # -- what machines do ------------------------------------------------------------------------------------------------------

    @rule(seconds=st.sampled_from([0.5, 3, 9.5, 10, 11, 400, 3600, 500_000, IDLE]))
    def wait(self, seconds: float) -> None:
        self._step(seconds)

    @rule(seconds=st.sampled_from([2, 60, 1800, 3000]))
    def step_the_clock_back(self, seconds: float) -> None:
        self._step(-min(seconds, self.clock() - self.begun))

    @rule()
    def sweep(self) -> None:
        self.store.refresh.forget_answers(self.clock())
        for token in (token for session in self.sessions for token in session.tokens):
            if token.used_at is not None and token.used_at + WINDOW <= self.clock():
                token.answer = b""

    @rule()
    def rotate_the_key(self) -> None:
        self.made.keyring.create()
        self._step(400)

    @rule(really=st.integers(0, 3))
    def replace_a_leaked_key(self, really: int) -> None:
        if really == 0:
            leaked = self.made.keyring.signing_key().kid
            self.made.keyring.activate()
            self.made.keyring.retire(leaked, at_once=True)
            self.dead_keys[leaked] = self.clock()
            self._step(1)

    @rule(which=st.integers(0, 99))
    def lose_the_store(self, which: int) -> None:
        """Whatever is asked while nothing can be kept fails, and has changed nothing: the rules after this one would see it."""
        if not self.sessions:
            return
        session = self.sessions[which % len(self.sessions)]
        attempts: list[Callable[[], object]] = [
            lambda: self.made.refresh.refresh(session.tokens[-1].text, client_id="web"),
            lambda: self.made.refresh.end_by_token(session.tokens[-1].text),
            lambda: self.made.revocations.revoke_all(),
            lambda: self.store.accounts.log_out("ann", self.clock()),
            self.made.keyring.create,
        ]
        with mock.patch.object(type(self.store.database), "_run", side_effect=StoreUnavailableError("lost")):
            for attempt in attempts:
                try:
                    attempt()
                except StoreUnavailableError:
                    continue
                raise AssertionError("done without a store")

    # -- the model's own bookkeeping -------------------------------------------------------------------------------------------

    def _step(self, seconds: float) -> None:
        self.clock.forward(seconds)
        self.ticks.forward(61)

    def _end(self, session: Session) -> None:
        session.ended = True
        for access in self.accesses:
            access.void = access.void or access.session is session

    def _end_all(self) -> None:
        for session in self.sessions:
            session.ended = True
        for access in self.accesses:
            access.void = True

    # -- what always holds -----------------------------------------------------------------------------------------------------

    @invariant()
    def one_living_refresh_token_a_session(self) -> None:
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

    @invariant()
    def the_other_node_takes_what_lives_and_nothing_else(self) -> None:
        if not hasattr(self, "store"):
            return
        self.ticks.forward(61)
        for access in self.accesses[-12:]:
            taken = self._is_taken(access.text)
            if self._is_void(access):
                assert not taken, "a token that was ended is taken"
            elif self._is_in_its_time(access):
                assert taken, "an honest token is refused"

    def _is_taken(self, text: str) -> bool:
        try:
            return not self.other.is_revoked(self.verifier.verify(text).claims)
        except RefusalError:
            return False

    def _is_void(self, access: Access) -> bool:
        return access.void or self.clock() >= self.dead_keys.get(access.kid, float("inf"))

    def _is_in_its_time(self, access: Access) -> bool:
        now = self.clock()
        if access.issued < self.everything_before:
            return False  # who logs in within the second of "everything before" may have to do it again
        return access.issued <= now + LEEWAY - 1 and now < access.issued + ACCESS + LEEWAY - 1

    @invariant()
    def no_answer_outlives_its_session_or_its_successor(self) -> None:
        if not hasattr(self, "store"):
            return
        kept = (
            select(refresh_tokens.c.generation, refresh_families.c.generation, refresh_families.c.ended_at)
            .select_from(refresh_tokens.join(refresh_families))
            .where(refresh_tokens.c.sealed_answer.is_not(None))
        )
        for own, newest, ended in self.store.database.read(lambda connection: list(connection.execute(kept))):
            assert ended is None
            assert own == newest - 1


def _segment(token: str, number: int) -> dict:
    said = token.split(".")[number]
    return json.loads(base64.urlsafe_b64decode(said + "=" * (-len(said) % 4)))


TestLife = pytest.mark.longer(Life.TestCase)
TestLife.settings = settings(
    max_examples=examples(100),
    stateful_step_count=30,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
