"""The lock file: stable text, read back as it was written, compared in one line a door."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stopper.core.app import Basis
from stopper.core.errors import UsageError
from stopper.scan.access.row import ANYONE, NOT_KNOWN, Row, State
from stopper.scan.lock import Locked, changes, locked, parse, text


def row(door: str, state: State = "guarded", who: str = "shop.login_required", basis: Basis = "traced") -> Row:
    method, path = door.split(" ", 1)
    return Row(method, path, "endpoint", state, who, basis)


OPEN = row("GET /", "open", ANYONE)


def test_the_same_doors_give_the_same_bytes_in_any_order() -> None:
    rows = [row("POST /b"), row("GET /b"), OPEN]
    assert text(rows) == text(reversed(rows))
    assert text(rows).splitlines()[-3:] == [
        "GET / open traced anyone",
        "GET /b guarded traced shop.login_required",
        "POST /b guarded traced shop.login_required",
    ]


def test_nothing_of_a_run_stands_in_it() -> None:
    one = Row("GET", "/", "index", "open", ANYONE, "traced", how="it answers nobody with 200")
    other = Row("GET", "/", "main.index", "open", ANYONE, "traced", how="a request that shows nothing reaches the view")
    assert text([one]) == text([other])


words = st.text(st.characters(blacklist_categories=["Cs"]), max_size=20)


@given(
    st.lists(
        st.builds(
            lambda method, path, state, who, basis: Row(method, f"/{path}", "", state, who, basis),
            st.sampled_from(["GET", "POST"]), words, st.sampled_from(["guarded", "open", "unknown"]), words, st.sampled_from(["declared", "traced", "read"]),
        ),
        max_size=6,
    )
)  # fmt: skip
def test_what_is_written_is_read_back(rows: list[Row]) -> None:
    assert parse(text(rows), "stopper.lock") == locked(rows)
    assert changes(parse(text(rows), "stopper.lock"), locked(rows)) == ()


@given(st.text(max_size=300))
def test_any_text_is_read_or_refused_in_one_line(content: str) -> None:
    said = "stopper.lock"
    try:
        parse(content, "stopper.lock")
    except UsageError as wrong:
        said = str(wrong)
    assert "stopper.lock" in said
    assert "\n" not in said


@pytest.mark.parametrize(
    ("was", "now", "line"),
    [
        (row("GET /a"), row("GET /a", "open", ANYONE), "opened   GET /a: was guarded by shop.login_required, is open to anyone"),
        (row("GET /a", "open", ANYONE), row("GET /a"), "closed   GET /a: was open to anyone, is guarded by shop.login_required"),
        (None, row("PUT /a", "open", ANYONE), "new      PUT /a: is open to anyone"),
        (row("GET /a"), None, "gone     GET /a: was guarded by shop.login_required"),
        (row("GET /a"), row("GET /a", who="shop.admin"), "changed  GET /a: was guarded by shop.login_required, is guarded by shop.admin"),
        (row("GET /a"), row("GET /a", "unknown", NOT_KNOWN), "doubtful GET /a: was guarded by shop.login_required, is not known"),
        (row("GET /a", "unknown", NOT_KNOWN), row("GET /a", "open", ANYONE), "opened   GET /a: was not known, is open to anyone"),
    ],
)  # fmt: skip
def test_a_changed_door_is_one_line_that_says_how(was: Row | None, now: Row | None, line: str) -> None:
    old, new = locked([was] if was else []), locked([now] if now else [])
    assert changes(old, new) == (line,)


def test_a_door_that_is_known_in_another_way_is_the_same_door() -> None:
    assert changes(locked([row("GET /a", basis="read")]), locked([row("GET /a", basis="traced")])) == ()


def test_what_lets_more_people_in_comes_first() -> None:
    old = locked([row("GET /gone"), row("GET /opened"), row("GET /closed", "open", ANYONE)])
    new = locked([row("GET /opened", "open", ANYONE), row("GET /closed"), row("GET /new")])
    assert [line.split()[0] for line in changes(old, new)] == ["opened", "new", "closed", "gone"]


def test_a_comment_and_an_empty_line_are_nothing() -> None:
    content = text([OPEN]).replace("\n\n", "\n# reviewed by the team\n\n")
    assert parse(content, "stopper.lock") == (Locked("/", "GET", "open", ANYONE, "traced"),)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "has no version line"), ("GET / open traced anyone\n", "has no version line"), ("version 2\n", "is of version 2"),
        ("version 1\nGET /a closed traced x\n", "stopper.lock:2 is no door"), ("version 1\nnonsense\n", "stopper.lock:2 is no door"),
    ],
)  # fmt: skip
def test_a_broken_file_is_refused_with_its_line(content: str, words: str) -> None:
    with pytest.raises(UsageError) as wrong:
        parse(content, "stopper.lock")
    assert words in str(wrong.value)
