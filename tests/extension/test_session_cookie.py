"""The Cookie header is foreign bytes: what is read from it, for any bytes at all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.http import parse_cookie

from stopper.auth.session_csrf import CsrfTokens
from stopper.core.errors import InvalidRequestError
from stopper.core.secret import Secret
from stopper.extension.session_cookie import only, shown

NAME = "__Host-stopper-session"
ID = "Zk9-" * 10 + "abc"
ROOT = Secret(bytes(range(7, 39)))

names = st.one_of(
    st.sampled_from([NAME, NAME.lower(), NAME + "x", "x" + NAME, "", "a"]), st.text("abc-_", min_size=1, max_size=8)
)
values = st.one_of(st.sampled_from([ID, "", "x", f"{NAME}={ID}", f'"{ID}"']), st.text("abc=\"'\\ ", max_size=8))
pairs = st.lists(st.tuples(names, values), max_size=6)
gaps = st.sampled_from([";", "; ", " ; ", ";;", ",", ", ", "\t;\t"])


@given(st.text(st.characters(max_codepoint=255), max_size=200))
def test_any_bytes_give_a_value_none_or_the_refusal(header: str) -> None:
    for text in (header, f"{NAME}={header}", f"{header}; {NAME}={ID}"):
        try:
            found = shown({"HTTP_COOKIE": text}, NAME)
        except InvalidRequestError:
            assert text.count(NAME) > 1
            continue
        assert found is None or found in text
        assert only({"HTTP_COOKIE": text}, NAME) == found


@given(pairs, gaps)
def test_what_two_readers_could_take_for_two_sessions_is_refused(cookies: list[tuple[str, str]], gap: str) -> None:
    """Cookie tossing: a planted one before or behind ours, however the header was put together."""
    header = gap.join(f"{name}={value}" for name, value in cookies)
    count = sum(name == NAME for name, _ in cookies)
    if count > 1:
        with pytest.raises(InvalidRequestError):
            shown({"HTTP_COOKIE": header}, NAME)
        assert only({"HTTP_COOKIE": header}, NAME) is None
    elif ("," not in gap) and not any("," in value for _, value in cookies):
        ours = [value.strip(" \t") for name, value in cookies if name == NAME]
        assert shown({"HTTP_COOKIE": header}, NAME) == (ours[0] if ours else None)


@given(pairs)
def test_flask_sees_no_session_that_we_do_not_see(cookies: list[tuple[str, str]]) -> None:
    header = "; ".join(f"{name}={value}" for name, value in cookies)
    theirs = parse_cookie(header).getlist(NAME)
    try:
        ours = shown({"HTTP_COOKIE": header}, NAME)
    except InvalidRequestError:
        return
    assert len(theirs) <= 1
    assert ours is not None or not theirs


@given(st.text(max_size=120), st.text(max_size=120))
def test_any_text_is_no_csrf_token(cookie: str, token: str) -> None:
    tokens = CsrfTokens(ROOT)
    assert not tokens.holds(b"s" * 32, token)
    assert not tokens.holds_before_login(cookie, token)
    assert not tokens.holds_before_login(token, token)
