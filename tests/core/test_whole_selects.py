"""Statements of many columns, which the search for ``SELECT *`` has to read in one go."""

import time

from stopper.core.values import Call, Constant
from stopper.core.whole_selects import is_row_of_all


def _asked(statement: str) -> bool:
    return is_row_of_all(Call("db.run", args=(Constant(statement),)), frozenset({"db.run"}), wide=False)


def test_columns_each_on_a_line_are_read_in_a_moment() -> None:
    columns = ",\n                            ".join(f"column_{number}" for number in range(40))
    begun = time.perf_counter()
    assert not _asked(f"SELECT {columns} FROM people")
    assert time.perf_counter() - begun < 1


def test_a_star_among_columns_is_found() -> None:
    assert _asked("SELECT r.name,\n    u.* FROM people u JOIN roles r")
    assert _asked("SELECT u.*, r.name FROM people u JOIN roles r")
    assert not _asked("SELECT COUNT(*) FROM people")
