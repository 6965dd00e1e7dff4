"""What is said of a cookie's flags is what its header says."""

import pytest

from stopper.core.answers.cookie_flags import lacking_flags, set_cookies
from stopper.core.exchange import Response


@pytest.mark.parametrize(
    ("flags", "lacking"),
    [
        ("Secure; HttpOnly; SameSite=Lax", ""),
        ("Secure; HttpOnly; SameSite=strict", ""),
        ("Secure; HttpOnly", "SameSite"),
        ("Secure; HttpOnly; SameSite=None", "SameSite=Lax or Strict (it says None: other sites' requests carry it)"),
        ("HttpOnly; SameSite", "Secure, SameSite=Lax or Strict (it says nothing: other sites' requests carry it)"),
        ("SameSite=Lax", "Secure, HttpOnly"),
    ],
)
def test_a_samesite_that_is_there_is_not_called_missing(flags: str, lacking: str) -> None:
    (cookie,) = set_cookies(Response(200, (("Set-Cookie", f"sid=abcdef; Path=/; {flags}"),)))
    assert ", ".join(lacking_flags(cookie)) == lacking
