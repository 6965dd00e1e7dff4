"""The model of docs/tokens.md is worth something only if it sees what is wrong: each of these mistakes breaks the invariant that is named."""

from collections.abc import Callable
from typing import Any
from unittest import mock

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from sqlalchemy import update
from tests.auth.test_life_model import Life

from stopper.auth.keyring import Keyring
from stopper.auth.revocation import Revocations
from stopper.core.errors import StoreUnavailableError
from stopper.store import families, rotation
from stopper.store.accounts import SqlAccounts
from stopper.store.rotation import SqlRefresh
from stopper.store.schema import refresh_tokens

_use, _take, _change, _family_of = rotation._use, Revocations._take, SqlAccounts._change, SqlRefresh.family_of


def _used_and_unused(connection: Any, digest: bytes, *rest: Any) -> Any:
    won = _use(connection, digest, *rest)
    connection.execute(update(refresh_tokens).where(refresh_tokens.c.digest == digest).values(used_at=None))
    return won


def _deaf_for_families(self: Revocations, entry: Any) -> None:
    if entry.kind != "family":
        _take(self, entry)


def _swallows(self: SqlRefresh, digest: bytes) -> Any:
    try:
        return _family_of(self, digest)
    except StoreUnavailableError:
        return None


def _ends_without_burning(connection: Any, family_id: str, reason: str, now: float, token_until: float) -> bool:
    with mock.patch.object(families, "update", lambda table: _Nothing() if table is refresh_tokens else update(table)):
        return _end(connection, family_id, reason, now, token_until)


class _Nothing:
    """An UPDATE that changes no row."""

    def where(self, *_: Any) -> "_Nothing":
        return self

    def values(self, **_: Any) -> Any:
        return update(refresh_tokens).where(refresh_tokens.c.generation == -1).values(used_by=None)


_end = families.end


def _no_overlap(self: Keyring, *args: Any, **options: Any) -> None:
    _init(self, *args, **options)
    self._overlap = 0.0


_init = Keyring.__init__

MUTANTS: dict[str, Callable[[], Any]] = {
    "one living refresh token a session": lambda: mock.patch.object(rotation, "_use", _used_and_unused),
    "whoever retries gets the same answer": lambda: mock.patch.object(rotation, "_may_repeat", return_value=False),
    "whatever else comes twice ends the session": lambda: mock.patch.object(
        rotation, "_may_repeat", lambda token, *_: token["sealed_answer"] is not None
    ),
    "a token that was ended is not taken": lambda: mock.patch.object(Revocations, "_take", _deaf_for_families),
    "an honest token is taken": lambda: mock.patch.object(Keyring, "__init__", _no_overlap),
    "nothing is done without the store": lambda: mock.patch.object(SqlRefresh, "family_of", _swallows),
    "no answer outlives its session": lambda: mock.patch.object(families, "end", _ends_without_burning),
}

_RARE = frozenset({"whatever else comes twice ends the session", "no answer outlives its session"})
"""What takes the model thousands of steps to come by: a part of ``make soak``."""


@pytest.mark.usefixtures("untraced")
@pytest.mark.parametrize(
    "broken", [pytest.param(one, marks=[pytest.mark.soak] if one in _RARE else []) for one in MUTANTS]
)
def test_the_model_sees(broken: str) -> None:
    with MUTANTS[broken](), pytest.raises(AssertionError):
        run_state_machine_as_test(
            Life,
            settings=settings(
                max_examples=4000,  # it ends at the first that fails
                stateful_step_count=30,
                phases=[Phase.generate],
                report_multiple_bugs=False,
                derandomize=True,
                database=None,
                print_blob=False,
                suppress_health_check=list(HealthCheck),
            ),
        )
