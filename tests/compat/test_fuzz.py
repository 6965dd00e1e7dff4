"""Against the original, on tokens and headers that nobody thought of: what it refuses is refused here, and nothing is an error 500."""

import contextlib
import time
from typing import Any

import flask_jwt_extended as original
import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.compat.made import SECRET, access, bearer, make_app, signed
from tests.longer import examples

from stopper.compat.flask_jwt_extended import decode_token
from stopper.compat.flask_jwt_extended.exceptions import InvalidTokenError

OURS = make_app()
THEIRS = Flask("shop")
THEIRS.config["JWT_SECRET_KEY"] = SECRET
original.JWTManager(THEIRS)


@THEIRS.get("/me")
@original.jwt_required()
def me() -> str:
    return "in"


HONEST = access(OURS)
NOW = int(time.time())
_values = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(), st.text(max_size=6),
    st.lists(st.one_of(st.none(), st.integers(), st.text(max_size=3), st.just("shop")), max_size=3),
    st.sampled_from([NOW - 100, NOW + 100, NOW + 1e9, "access", "refresh", "shop", "ann"]),
)  # fmt: skip
_claims = st.dictionaries(
    st.sampled_from(["sub", "exp", "iat", "nbf", "iss", "aud", "jti", "type", "fresh", "csrf", "scope", "x"]), _values
)
_headers = st.dictionaries(
    st.sampled_from(["alg", "typ", "kid", "crit", "b64", "jwk", "jku", "x5c", "zip", "cty", "x"]), _values
)


def _statuses(headers: Any) -> tuple[int, int | None]:
    one = OURS.test_client().get("/me", headers=headers).status_code
    with contextlib.suppress(Exception):  # it may fail where ours refuses
        return one, THEIRS.test_client().get("/me", headers=headers).status_code
    return one, None


@pytest.mark.longer
@settings(max_examples=examples(150))
@given(claims=_claims, header=_headers)
def test_a_token_with_any_claims_and_header(claims: dict[str, Any], header: dict[str, Any]) -> None:
    """Signed with the true key. Half of what is drawn stands on an honest token."""
    whole = {"sub": "ann", "type": "access", "fresh": False, "jti": "j", "iat": NOW, "exp": NOW + 900, **claims}
    for shown in (claims, whole):
        ours, theirs = _statuses(bearer(signed({"alg": "HS256", **header}, shown)))
        assert ours in (200, 401)
        if ours == 200:
            assert theirs == 200


@pytest.mark.longer
@settings(max_examples=examples(150))
@given(place=st.integers(0, len(HONEST)), take=st.integers(0, 3), put=st.text("abcXYZ019-_.=+/%\u00e9 ", max_size=3))
def test_a_token_that_was_changed_anywhere(place: int, take: int, put: str) -> None:
    changed = HONEST[:place] + put + HONEST[place + take :]
    with OURS.test_request_context():
        try:
            claims = decode_token(changed)
        except InvalidTokenError:
            return
    assert changed == HONEST
    assert claims["sub"] == "ann"


@pytest.mark.longer
@settings(max_examples=examples(150))
@given(
    parts=st.lists(
        st.sampled_from(["Bearer", "bearer", "Basic", "eA==", HONEST, "x", ",", ", ", " ", "  ", "\t", "=", "%"]),
        max_size=7,
    )
)
def test_a_header_of_any_make_is_answered(parts: list[str]) -> None:
    for path in ("/me", "/maybe"):
        answer = OURS.test_client().get(path, headers={"Authorization": "".join(parts)})
        assert answer.status_code in (200, 400, 401)
        if answer.status_code == 200 and path == "/me":
            assert parts.count(HONEST) >= 1
            assert answer.json == {"who": "ann"}
