"""Literals of files beside the code that a variable can stand for."""

import pytest

from stopper.core.edits.variable_edits import from_variable
from stopper.core.fact import TextFile
from stopper.scan.reports.patch import patched

COMPOSE = "${{{}:?required}}"


def _mended(text: str, line: int, *others: str, pattern: str = COMPOSE) -> str:
    file = TextFile("compose.yml", "compose", tuple(text.splitlines()))
    beside = [TextFile(f"{place}/compose.yml", "compose", tuple(one.splitlines())) for place, one in enumerate(others)]
    edit = from_variable(file, line, pattern, [file, *beside])
    return text if edit is None else patched(text, [edit])


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ('KEY: "a-b c"\n', "KEY: ${KEY:?required}\n"),
        ("- KEY=x7#y\n", "- KEY=x7#y\n"),
        ("  - KEY=x7y # why\n", "  - KEY=${KEY:?required} # why\n"),
        ('- "KEY=x7y"\n', '- "KEY=${KEY:?required}"\n'),
        ("- \"KEY=x7y'\n", "- \"KEY=x7y'\n"),
        ('"KEY": x7y\n', '"KEY": ${KEY:?required}\n'),
        ("command: run --key x7y\n", "command: run --key x7y\n"),
    ],
)
def test_a_literal_that_is_all_of_its_line_becomes_the_variable_of_its_name(text: str, wanted: str) -> None:
    assert _mended(text, 1) == wanted


def test_the_same_password_in_an_address_gets_the_same_variable_and_a_word_like_it_stays() -> None:
    text = "DB_PASSWORD: x7y\nURL: postgresql://x7y:x7y@db/x7y\nX7Y: not-x7y\n"
    wanted = (
        "DB_PASSWORD: ${DB_PASSWORD:?required}\nURL: postgresql://x7y:${DB_PASSWORD:?required}@db/x7y\nX7Y: not-x7y\n"
    )
    assert _mended(text, 1) == wanted
    assert _mended(text, 2) == wanted


def test_what_another_file_says_too_is_left_to_a_person() -> None:
    assert _mended("KEY: x7y\n", 1, "OTHER: x7y\n") == "KEY: x7y\n"
    assert _mended("KEY: x7y\n", 1, "OTHER: z\n") == "KEY: ${KEY:?required}\n"


def test_a_workflow_asks_for_the_secret_that_the_repository_keeps() -> None:
    assert _mended("KEY: x7y\n", 1, pattern="${{{{ secrets.{} }}}}") == "KEY: ${{ secrets.KEY }}\n"


def test_who_or_what_is_called_like_the_password_keeps_its_name() -> None:
    text = 'DB_PASSWORD: x7y\nDB_USER: x7y\nimage: x7y\n- DB_NAME=x7y\n- "APP_PASSWORD=x7y"\n'
    wanted = (
        "DB_PASSWORD: ${DB_PASSWORD:?required}\nDB_USER: x7y\nimage: x7y\n- DB_NAME=x7y\n"
        '- "APP_PASSWORD=${DB_PASSWORD:?required}"\n'
    )
    assert _mended(text, 1) == wanted
    url = "DB_USER: x7y\nDB_PASSWORD: x7y\nURL: postgresql://x7y:x7y@db/x7y\n"
    assert _mended(url, 3).endswith("URL: postgresql://x7y:${DB_PASSWORD:?required}@db/x7y\n")
