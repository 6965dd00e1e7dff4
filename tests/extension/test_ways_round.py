"""Ways round limits, keys and policies that somebody tried; each is closed."""

from typing import Any

import pytest
from tests.extension.made import Made

from stopper import api_key, limit, public


def _behind(header: str, said: str) -> dict[str, Any]:
    name = "HTTP_" + header.upper().replace("-", "_")
    return {"environ_overrides": {"REMOTE_ADDR": "10.0.0.1", name: said}}


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("X-Forwarded-For", "1" * 5000 + ", 203.0.113.9"),
        ("X-Forwarded-For", "unknown"),
        ("Forwarded", 'for="x, for=203.0.113.9'),
        ("Forwarded", "for=1.1.1.1;for=2.2.2.2, for=203.0.113.9"),
        ("Forwarded", "for=1.1.1.1" + ";by=x" * 2000 + ", for=203.0.113.9"),
    ],
)
def test_a_client_that_garbles_the_forwarded_header_does_not_become_the_proxy(header: str, said: str) -> None:
    made = Made({"STOPPER_TRUSTED_PROXIES": "10.0.0.0/8", "STOPPER_FORWARDED_HEADER": header})
    made.route("/inside", api_key)
    key = made.keys.issue("ann", name="inside", addresses=["10.0.0.0/8"]).key.reveal()
    assert made.get("/inside", ("X-API-Key", key), **_behind(header, said)).status_code == 401
    assert made.get("/inside", ("X-API-Key", key), environ_overrides={"REMOTE_ADDR": "10.0.0.7"}).status_code == 200


def test_a_header_that_grows_too_long_gives_no_new_address() -> None:
    made = Made({"STOPPER_TRUSTED_PROXIES": "10.0.0.0/8"})
    made.route("/contact", lambda view: limit("1/hour", by="address")(public(view)))
    answers = [made.get("/contact", **_behind("X-Forwarded-For", said + "203.0.113.9")).status_code for said in ("", "1.1.1.1, " * 500)]  # fmt: skip
    assert answers == [200, 429]
