"""`password-only-authentication` leaves it to Stopper's policies, also where no source says that they are there."""

from typing import Literal

import pytest

from stopper.core.app import Access, App, Guard, Route
from stopper.rules.account.password_only_authentication import RULE


def _shop(kind: Literal["policy", "decorator"]) -> App:
    """An imported application whose source is not read: a log-in by password, and a route of administrators behind a guard."""
    access = Access("guarded", (Guard("admins", kind, stops=True, reader="running"),))
    return App(
        routes=(
            Route("/auth/login", ("POST",), "login", "login", fields=("email", "password"), readers=frozenset({"running"})),
            Route("/admin/users", ("GET",), "people", "people", access={"GET": access}, readers=frozenset({"running"})),
        ),
        readers=frozenset({"running"}),
    )  # fmt: skip


@pytest.mark.parametrize(("kind", "told"), [("policy", 0), ("decorator", 1)])
def test_a_policy_says_who_needs_a_second_factor_and_a_guard_of_ones_own_does_not(
    kind: Literal["policy", "decorator"], told: int
) -> None:
    assert RULE.detect is not None
    assert len(list(RULE.detect(_shop(kind)))) == told
