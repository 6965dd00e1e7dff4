"""What is put into the set stays as long as it was said, and not much longer; however often it was put there."""

from hypothesis import given
from hypothesis import strategies as st

from stopper.auth.expiring_set import ExpiringSet

steps = st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 900), st.integers(0, 200)), max_size=60)


@given(steps)
def test_it_holds_as_long_as_was_said_and_a_minute_more_at_most(done: list[tuple[str, int, int]]) -> None:
    held, model, now = ExpiringSet(), dict[str, float](), 1_800_000_000.5
    for text, life, wait in done:
        held.add(text, now + life)
        model[text] = max(model.get(text, 0.0), now + life)
        now += wait
        held.forget(now)
        for known, until in model.items():
            if until > now:
                assert known in held
            elif until <= now - 60:
                assert known not in held
        assert len(held) <= sum(until > now - 60 for until in model.values())


def test_revoked_twice_it_does_not_come_back_when_the_first_one_ends() -> None:
    held = ExpiringSet()
    held.add("t", 1_000.0)
    held.add("t", 5_000.0)
    held.forget(2_000.0)
    assert "t" in held
    held.add("t", 1_100.0)
    held.forget(3_000.0)
    assert "t" in held
    held.forget(5_100.0)
    assert "t" not in held
    assert len(held) == 0
