"""Edits put into a file: exactly where they belong, with the imports they need."""

import ast

from hypothesis import given
from hypothesis import strategies as st

from stopper.core.place import Span
from stopper.core.rule import Edit
from stopper.scan.reports.patch import diff, patched, separate


def edit(line: int, column: int, end_line: int, end_column: int, text: str, *imports: str) -> Edit:
    return Edit(Span("app.py", line, end_line, column, end_column), text, True, imports)


def test_an_edit_replaces_exactly_its_span() -> None:
    assert (
        patched("a = 'ä'; b = 2\nc = 3\n", [edit(1, 14, 1, 15, "5"), edit(2, 5, 2, 6, "6")])
        == "a = 'ä'; b = 5\nc = 6\n"
    )


def test_an_edit_over_lines_replaces_all_of_them() -> None:
    assert patched("f(\n  1,\n  2)\n", [edit(1, 1, 3, 5, "g()")]) == "g()\n"


def test_of_overlapping_edits_the_first_counts_and_repeats_count_once() -> None:
    one, other = edit(1, 1, 1, 5, "x"), edit(1, 3, 1, 8, "y")
    assert separate([(other,), (one,), (one,)]) == [one]


def test_what_is_put_in_before_a_text_that_goes_stays() -> None:
    assert (
        patched("f({'a': 1, 'b': 2})\n", [edit(1, 4, 1, 12, ""), edit(1, 4, 1, 4, "'c': 3, ")])
        == "f({'c': 3, 'b': 2})\n"
    )


def test_imports_go_below_docstring_comments_and_future_and_only_once() -> None:
    source = '#!/usr/bin/env python\n# who\n"""Doc."""\nfrom __future__ import annotations\nimport sys\nkey = "x"\n'
    made = patched(source, [edit(6, 7, 6, 10, 'os.environ["KEY"]', "os", "sys")])
    assert made == source.replace("import sys\n", "import os\nimport sys\n").replace('"x"', 'os.environ["KEY"]')
    bare = patched("# who\n\nkey = 1\n", [edit(3, 7, 3, 8, "os.sep", "os")])
    assert bare == "# who\n\nimport os\nkey = os.sep\n"


def test_an_import_inside_a_function_does_not_count() -> None:
    made = patched("def f():\n    import os\nkey = 1\n", [edit(3, 7, 3, 8, "os.sep", "os")])
    assert made.startswith("import os\ndef f():")


def test_a_form_feed_is_no_line_end() -> None:
    assert patched("a = 1\n\x0c\nb = 2\n", [edit(3, 5, 3, 6, "3")]) == "a = 1\n\x0c\nb = 3\n"


def test_a_diff_marks_a_missing_last_line_feed() -> None:
    assert diff("a.py", "x", "y") == (
        "--- a/a.py\n+++ b/a.py\n@@ -1 +1 @@\n-x\n\\ No newline at end of file\n+y\n\\ No newline at end of file\n"
    )


names = st.lists(st.sampled_from("abcdef"), min_size=1, max_size=8)


@given(names, st.data())
def test_replacing_any_number_changes_that_number_alone(held: list[str], data: st.DataObject) -> None:
    lines = [f"{name} = {index}" for index, name in enumerate(held)]
    index = data.draw(st.integers(0, len(lines) - 1))
    ending = data.draw(st.sampled_from(["\n", "\r\n"]))
    made = patched(ending.join(lines), [edit(index + 1, 5, index + 1, 5 + len(str(index)), "999")])
    lines[index] = f"{held[index]} = 999"
    assert made == ending.join(lines)
    ast.parse(made)
