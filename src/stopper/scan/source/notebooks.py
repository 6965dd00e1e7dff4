"""The code cells of a Jupyter notebook as Python source, each line on the line of the file where a reader finds it.

A notebook is JSON, written with one line of source to a line. So the source is laid out at the same lines, and what is no code is left
empty. A notebook that is written otherwise is laid out cell after cell.
"""

import ast
import json
import re
import warnings
from collections.abc import Iterator
from typing import Any, Final, TypeAlias, cast

Json: TypeAlias = Any
SUFFIX: Final = ".ipynb"
_STRING: Final = re.compile(r'^\s*("(?:[^"\\]|\\.)*")\s*,?\s*\]?,?\s*$')
_MAGIC: Final = re.compile(r"^(\s*)[%!?]")
_RUNS_PYTHON: Final = re.compile(r"%%(?:time|timeit|capture|prun|writefile\s+\S+\.py)\b")
"""Magics of a whole cell whose body is Python all the same."""


def python_of(data: bytes) -> bytes | None:
    """The Python source of a notebook; None where the bytes are no notebook."""
    try:
        text = data.decode("utf-8-sig")
        said: Json = json.loads(text)
        cells = [list(_lines(cell)) for cell in said["cells"] if cell["cell_type"] == "code"]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    laid = _at_its_lines(text.splitlines(), cells)
    if laid is None:
        laid = [line for cell in cells for line in (*_plain(cell), "")]
    return "\n".join((*laid, "")).encode("utf-8", "replace")


def _lines(cell: Json) -> Iterator[str]:
    source: Json = cell["source"]
    whole = "".join(cast("list[str]", source)) if isinstance(source, list) else source
    if not isinstance(whole, str):
        raise TypeError("source is text")
    yield from whole.splitlines()


def _plain(cell: list[str]) -> list[str]:
    """The cell with magics taken out; nothing of it where it is no Python."""
    first = next((line for line in cell if line.strip()), "")
    if first.startswith("%%") and not _RUNS_PYTHON.match(first):
        return [""] * len(cell)
    plain = [_MAGIC.sub(r"\1pass  #", line) if _MAGIC.match(line) else line for line in cell]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse("\n".join(plain))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return [""] * len(cell)
    return plain


def _at_its_lines(written: list[str], cells: list[list[str]]) -> list[str] | None:
    """The source laid out at the lines of the file, None where a line of source is not found on a line of its own."""
    laid = [""] * len(written)
    number = 0
    for cell in cells:
        for line, plain in zip(cell, _plain(cell), strict=True):
            while number < len(written) and _said(written[number]) != line:
                number += 1
            if number == len(written):
                return None
            laid[number] = plain
            number += 1
    return laid


def _said(written: str) -> str | None:
    """The text of a line that is nothing but one JSON text, its line end left out."""
    match = _STRING.match(written)
    if match is None:
        return None
    try:
        text: str = json.loads(match[1])
    except ValueError:
        return None
    return text.removesuffix("\n")
