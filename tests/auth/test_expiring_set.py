"""What is put into the set stays as long as it was said, and not much longer; however often it was put there."""

from hypothesis import given
from hypothesis import strategies as st

from stopper.auth.expiring_set import ExpiringSet

steps = st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 900), st.integers(0, 200)), max_size=60)


@given(steps)
def test_it_holds_as_long_as_was_said_and_is_empty_a_minute_after_the_last(done: list[tuple[str, int, int]]) -> None:
    held, ends, now = ExpiringSet(), dict[str, list[float]](), 1_800_000_000.5
    for text, life, wait in done:
        held.add(text, now + life)
        ends.setdefault(text, []).append(now + life)
        now += wait
        held.forget(now)
        latest = max(max(moments) for moments in ends.values())
        for known, moments in ends.items():
            if max(moments) > now:
                assert known in held
            elif len(moments) == 1 and moments[0] <= now - 60:
                assert known not in held, "what was added once goes with its minute"
            elif latest <= now - 60:
                assert known not in held
    held.forget(now + 1_000)
    assert len(held) == 0


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
