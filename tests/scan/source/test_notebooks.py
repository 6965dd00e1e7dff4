"""Notebooks are read like source, and a place in one is the line of the file where the code stands."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stopper.scan.source.notebooks import python_of

CELL = "from flask import Flask\napp = Flask(__name__)\napp.run(debug=True)"


def notebook(*cells: str, indent: int | None = 1, kind: str = "code") -> str:
    """A notebook of these cells, after a page of text."""
    said = [{"cell_type": "markdown", "metadata": {}, "source": ["app.run(debug=True)"]}]
    said += [
        {"cell_type": kind, "metadata": {}, "outputs": [], "source": cell.splitlines(keepends=True)} for cell in cells
    ]
    return json.dumps({"cells": said, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}, indent=indent)


def test_a_place_is_the_line_of_the_file(read):
    text = notebook("x = 1", CELL)
    reading = read({"try.ipynb": text})
    (call,) = reading.app.source.calls("flask.Flask.run")
    assert "app.run(debug=True)" in text.splitlines()[call.span.line - 1]
    assert call.span.line > 20
    assert reading.errors == ()
    assert (reading.files_read, reading.files_total) == (1, 1)


def test_a_notebook_on_one_line_is_read_cell_after_cell(read):
    (call,) = read({"try.ipynb": notebook(CELL, indent=None)}).app.source.calls("flask.Flask.run")
    assert call.span.line == 3


@pytest.mark.parametrize(
    "cell",
    ["%matplotlib inline\n" + CELL, "!pip install flask\n" + CELL, "%%time\n" + CELL, "%%writefile app.py\n" + CELL],
)
def test_magics_are_left_out(read, cell):
    assert len(list(read({"try.ipynb": notebook(cell)}).app.source.calls("flask.Flask.run"))) == 1


@pytest.mark.parametrize("cell", ["%%bash\n" + CELL, "what is this?\n" + CELL])
def test_a_cell_that_is_no_python_does_not_hide_the_others(read, cell):
    reading = read({"try.ipynb": notebook(cell, CELL)})
    assert len(list(reading.app.source.calls("flask.Flask.run"))) == 1
    assert reading.errors == ()


def test_text_of_a_notebook_is_no_code(read):
    assert not list(read({"try.ipynb": notebook(CELL, kind="raw")}).app.source.calls("flask.Flask.run"))


def test_what_is_no_notebook_is_one_error_that_loses_nothing(read):
    reading = read({"try.ipynb": "{", "app.py": CELL})
    (error,) = reading.errors
    assert (error.path, error.fatal) == ("try.ipynb", False)
    assert "notebook" in error.message


@given(
    st.binary(max_size=200) | st.text(max_size=200).map(lambda text: notebook(text).encode("utf-8", "surrogatepass"))
)
def test_no_bytes_are_a_crash(data):
    made = python_of(data)
    assert made is None or isinstance(made, bytes)
