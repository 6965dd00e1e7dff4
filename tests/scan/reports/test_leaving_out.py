"""Whatever stands around it, what is left out leaves the rest as it was, or stays."""

import ast

from hypothesis import given, settings
from hypothesis import strategies as st

from stopper.core.place import Span
from stopper.core.rule import Edit
from stopper.scan.reports.patch import patched

GAPS = st.sampled_from(["", " ", "\n    ", "  # why, not\n    ", "\\\n"])
VALUES = st.sampled_from(
    ["1", "'é, }'", "f(2, 3)", "(4)", "[5, 6]", "{'x': 7}", "lambda: 8", "(\n9)", "f'{x!r:>{w}}'", "'a' 'b'"]
)
NAMES = ["a", "é", "key"]


def _mended(text: str, node: ast.expr, said: str) -> str:
    lines = text.splitlines()
    span = Span(
        "app.py",
        node.lineno,
        node.end_lineno or 0,
        len(lines[node.lineno - 1].encode()[: node.col_offset].decode()) + 1,
        len(lines[(node.end_lineno or 1) - 1].encode()[: node.end_col_offset].decode()) + 1,
    )
    return patched(text, [Edit(span, said, False, how="left-out")])


def _parsed(text: str) -> ast.expr:
    statement = ast.parse(text).body[0]
    assert isinstance(statement, ast.Expr)
    return statement.value


@settings(max_examples=300)
@given(
    st.lists(VALUES, min_size=1, max_size=3), st.integers(0, 2), st.lists(GAPS, min_size=9, max_size=9), st.booleans()
)
def test_a_member_goes_with_its_comma_and_the_others_stay(
    values: list[str], which: int, gaps: list[str], ends: bool
) -> None:
    which %= len(values)
    for begin, end, pattern in (("{", "}", "'{0}'{2}:{3}{1}"), ("f(", ")", "{0}{2}={3}{1}")):
        members = [
            pattern.format(NAMES[place], value, gaps[place], gaps[place + 3]) for place, value in enumerate(values)
        ]
        text = begin + "".join(f"{gaps[place + 6]}{one}," for place, one in enumerate(members))
        text = f"({text if ends else text[:-1]}{end})\n"
        try:
            before = _parsed(text)
        except SyntaxError:
            continue
        made = _mended(text, before, NAMES[which])
        after = _parsed(made)
        if isinstance(before, ast.Dict) and made != text:
            del before.keys[which], before.values[which]
        elif isinstance(before, ast.Call) and made != text:
            del before.keywords[which]
        assert ast.dump(after) == ast.dump(before), made


@settings(max_examples=300)
@given(st.lists(VALUES, min_size=2, max_size=4), st.integers(0, 3), st.lists(GAPS, min_size=8, max_size=8))
def test_a_way_of_an_or_goes_and_the_others_keep_their_order(values: list[str], which: int, gaps: list[str]) -> None:
    which %= len(values)
    text = "(" + "or".join(f" {gaps[place]}{one} {gaps[place + 4]}" for place, one in enumerate(values)) + ")\n"
    try:
        before = _parsed(text)
    except SyntaxError:
        return
    if not isinstance(before, ast.BoolOp) or len(before.values) != len(values):
        return  # the body of a lambda
    made = _mended(text, before.values[which], "")
    after = _parsed(made)
    if made != text:
        del before.values[which]
    wanted = before.values[0] if len(before.values) == 1 else before
    assert ast.dump(after) == ast.dump(wanted), made


@settings(max_examples=300)
@given(st.lists(VALUES, min_size=1, max_size=3), st.integers(0, 2), st.sampled_from(["'", '"', "'''"]))
def test_a_part_of_a_text_becomes_stars_and_the_rest_stays(values: list[str], which: int, quote: str) -> None:
    parts = [one for one in values if quote[0] not in one and "\n" not in one and "lambda" not in one]
    text = f"f{quote}é {{{{}}}} " + " - ".join(f"{{{one}}}" for one in parts) + f"{quote}\n"
    try:
        before = _parsed(text)
    except SyntaxError:
        return
    if not isinstance(before, ast.JoinedStr):
        return
    places = [place for place, one in enumerate(before.values) if isinstance(one, ast.FormattedValue)]
    if not places:
        return
    place = places[which % len(places)]
    made = _mended(text, before, f"{place}/{len(before.values)}")
    if made == text:
        return
    after = _parsed(made)
    left = after.values if isinstance(after, ast.JoinedStr) else [after]
    kept = [ast.dump(one) for one in before.values if isinstance(one, ast.FormattedValue)]
    del kept[places.index(place)]
    assert [ast.dump(one) for one in left if isinstance(one, ast.FormattedValue)] == kept, made
    assert made.count("***") == 1
