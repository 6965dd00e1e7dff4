"""What somebody would like to be better about an account, by what the account is shown to have."""

import pytest

from stopper.core.probing.accounts.wishes import better_than


@pytest.mark.parametrize(
    ("name", "value", "wish"),
    [("is_vet", 0, 1), ("driver", False, True), ("isAdmin", False, True), ("is_vet", 1, None), ("is_public", 0, None), ("agent", "ann", None)],
)  # fmt: skip
def test_what_says_that_one_may_more_is_wished_for(name: str, value: object, wish: object) -> None:
    assert better_than(name, value, own=True) == wish
