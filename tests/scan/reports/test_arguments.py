"""A keyword argument is put where it belongs in a call, whatever the call's shape; everything else stays byte for byte."""

import ast

import pytest

from stopper.core.place import Span
from stopper.core.rule import Edit
from stopper.scan.reports.patch import patched


def spans(source: str) -> list[Span]:
    """Every call of ``get`` in *source*, in characters."""
    lines = source.splitlines(keepends=True)

    def column(row: int, offset: int) -> int:
        return len(lines[row - 1].encode()[:offset].decode()) + 1

    return [
        Span(
            "app.py",
            node.lineno,
            node.end_lineno or 0,
            column(node.lineno, node.col_offset),
            column(node.end_lineno or 0, node.end_col_offset or 0),
        )
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call) and "get" in ast.unparse(node.func)
    ]


def passing(source: str, *arguments: tuple[str, str]) -> str:
    return patched(source, [Edit(span, "", False, (), (one,)) for span in spans(source) for one in arguments])


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("get()", "get(timeout=10)"),
        ("get(url)", "get(url, timeout=10)"),
        ("get(url,)", "get(url, timeout=10)"),
        ("get(url, timeout=None)", "get(url, timeout=10)"),
        ("get('ä', timeout = None, b=1)", "get('ä', timeout = 10, b=1)"),
        ("x = 'ä'; get('é')", "x = 'ä'; get('é', timeout=10)"),
        ("get(\n    url,  # why, (not)\n)\n", "get(\n    url, timeout=10  # why, (not)\n)\n"),
        ("get(\r\n\turl,\r\n\tb=2\r\n)\r\n", "get(\r\n\turl,\r\n\tb=2, timeout=10\r\n)\r\n"),
        ("get(\n    a,\n    'é', timeout=None,\n)\n", "get(\n    a,\n    'é', timeout=10,\n)\n"),
        ("get(get(a), b)", "get(get(a, timeout=10), b, timeout=10)"),
        ("(one\n  .get(a)\n)\n", "(one\n  .get(a, timeout=10)\n)\n"),
        ("get(*urls)", "get(*urls, timeout=10)"),
        ("get(url, **more)", "get(url, **more, timeout=10)"),
        ("get('''a\n)''', lambda: (1,))", "get('''a\n)''', lambda: (1,), timeout=10)"),
    ],
)
def test_an_argument_goes_where_it_belongs(before: str, after: str) -> None:
    assert passing(before, ("timeout", "10")) == after
    ast.parse(after)


def test_a_call_of_a_bare_generator_is_left_alone() -> None:
    assert passing("get(one for one in urls)", ("timeout", "10")) == "get(one for one in urls)"


def test_what_two_rules_pass_to_one_call_is_put_there_together() -> None:
    assert passing("get(url,)", ("timeout", "10"), ("allow_redirects", "False")) == (
        "get(url, allow_redirects=False, timeout=10)"
    )


def test_a_second_pass_changes_nothing() -> None:
    once = passing("get(\n  a,\n)\n", ("timeout", "10"))
    assert passing(once, ("timeout", "10")) == once


def test_a_span_that_is_no_call_of_this_text_changes_nothing() -> None:
    off = Edit(Span("app.py", 1, 9, 2, 4), "", False, (), (("timeout", "10"),))
    assert patched("get(url)\n", [off]) == "get(url)\n"
