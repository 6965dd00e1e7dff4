"""Values are held against each other part by part, each part once."""

from stopper.core.flow.written_alike import written_alike
from stopper.core.place import Span
from stopper.core.values import Call, Constant, Format, Value


def _doubled(word: str, line: int, times: int) -> Value:
    """A value that holds itself twice over, so that its ``repr`` would be as long as two to the power of *times*."""
    value: Value = Call("name", (Constant(word, Span("app.py", line, line, 1, 2)),))
    for _ in range(times):
        value = Format((value, value))
    return value


def test_two_texts_at_two_places_are_written_alike() -> None:
    """Places and names of variables do not count."""
    assert written_alike(_doubled("a", 1, 3), _doubled("a", 9, 3))
    assert not written_alike(_doubled("a", 1, 3), _doubled("b", 1, 3))
    assert not written_alike(Call("name", (), (("mode", Constant("r")),)), Call("name", (), (("how", Constant("r")),)))


def test_shared_parts_are_looked_at_once() -> None:
    """A value whose ``repr`` would fill every memory is compared at once."""
    assert written_alike(_doubled("a", 1, 200), _doubled("a", 2, 200))
    assert not written_alike(_doubled("a", 1, 200), _doubled("b", 2, 200))
