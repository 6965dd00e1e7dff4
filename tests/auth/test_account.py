"""One spelling of an address, so that one person is one account."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stopper.auth.account import canonical_email


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("Ann@Example.COM", "ann@example.com"),
        ("ann+tag@mail.example.co.uk", "ann+tag@mail.example.co.uk"),
        ("\uff41nn@example.com", "ann@example.com"),  # full-width a folds
        ("a.b-c_d@x-y.example", "a.b-c_d@x-y.example"),
    ],
)
def test_one_spelling(written: str, canonical: str) -> None:
    assert canonical_email(written) == canonical


@pytest.mark.parametrize(
    "text",
    [
        "", "ann", "@example.com", "ann@", "ann@@example.com", "a@b@c.de", "ann@localhost", "ann@-x.com", "ann@x-.com", "ann@x..com",
        ".ann@example.com", "ann.@example.com", "a..n@example.com", "ann @example.com", "ann@example.com ", "ann@example.com\n",
        "ann\x00@example.com", "ann\u200b@example.com", "\u0430nn@example.com", "ann@ex\u0430mple.com", "\u0131@example.com", "ß@example.com",
        '"ann"@example.com', "ann@[127.0.0.1]", "a" * 65 + "@example.com", "ann@" + "a" * 64 + ".com", "ann@" + "a.b" * 100 + ".com",
        "ann@example.com\r\nBcc: all@example.com", "<ann@example.com>", "ann@example.com,bob@example.com",
    ],
)  # fmt: skip
def test_what_is_no_address_or_could_pass_for_another(text: str) -> None:
    assert canonical_email(text) is None


@given(st.text(max_size=300))
def test_any_text_gives_a_canonical_address_or_none(text: str) -> None:
    found = canonical_email(text)
    if found is not None:
        assert canonical_email(found) == found
        assert found.isascii()
        assert found.isprintable()
