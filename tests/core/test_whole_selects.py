"""Statements of many columns, which the search for ``SELECT *`` has to read in one go."""

import time

from stopper.core.stores.whole_selects import held_in, is_row_of_all
from stopper.core.values import Call, Constant, Sequence, Value


def _asked(statement: str) -> bool:
    return is_row_of_all(Call("db.run", args=(Constant(statement),)), frozenset({"db.run"}), wide=False)


def test_columns_each_on_a_line_are_read_to_the_end() -> None:
    """A search that tries all ways to share the spaces out takes hours; twenty seconds say that it ended, and nothing of how fast."""
    columns = ",\n                            ".join(f"column_{number}" for number in range(40))
    begun = time.process_time()
    assert not _asked(f"SELECT {columns} FROM people")
    assert time.process_time() - begun < 20


def test_a_star_among_columns_is_found() -> None:
    assert _asked("SELECT r.name,\n    u.* FROM people u JOIN roles r")
    assert _asked("SELECT u.*, r.name FROM people u JOIN roles r")
    assert not _asked("SELECT COUNT(*) FROM people")


def test_parts_that_are_shared_are_looked_through_once() -> None:
    value: Value = Sequence((Constant("row", None, ""),), "list")
    for _ in range(8):
        value = Sequence((value,) * 8, "list")
    assert len(list(held_in(value, 12))) == 10
