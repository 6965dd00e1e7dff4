"""Two answers are the same where only times and tokens differ."""

import pytest

from stopper.core.exchange import Response
from stopper.core.probing.baseline import same


def page(token: str, text: str = "wrong password") -> Response:
    return Response(200, body=f'<input type="hidden" name="csrf_token" value="{token}"><p>{text}</p>'.encode())


def test_a_form_that_was_made_a_second_later_is_the_same() -> None:
    first, later = (f"{'IjY' * 12}.{stamp}.{'s-_' * 9}" for stamp in ("aweL6g", "aweL6w"))
    assert same(page(first), page(later))
    assert not same(page(first), page(later, "too many tries"))


@pytest.mark.parametrize(("one", "other"), [("notes.example.com", "notes.example.org"), ("v1.2", "v1.3")])
def test_short_words_with_dots_are_told_apart(one: str, other: str) -> None:
    assert not same(page(one), page(other))
