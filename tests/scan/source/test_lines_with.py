"""Words in files beside the code: found in any letter case, at their lines, whatever else stands there."""

import pytest

from stopper.core.fact import TextFile

LINES = (
    "x",
    "API_Key = é",
    "",
    "a TOKEN b token",
    "pa\u017f\u017fword",
    "to\u212aen",
    "L\u0130NE l\u0131ne",
    "É",
    "\udcff Token",
)


@pytest.mark.parametrize(
    ("words", "numbers"),
    [
        (("api_key",), [2]),
        (("token",), [4, 6, 9]),
        (("password", "token", "api_key"), [2, 4, 5, 6, 9]),
        (("line",), [7]),
        (("é",), [2, 8]),
        (("é", "token"), [2, 4, 6, 8, 9]),
        (("nowhere",), []),
        ((), []),
    ],
)
def test_lines_with_words(words, numbers):
    file = TextFile("a.js", "script", LINES)
    for _ in range(2):  # the second time from what is remembered
        assert list(file.lines_with(*words)) == [(number, LINES[number - 1]) for number in numbers]
