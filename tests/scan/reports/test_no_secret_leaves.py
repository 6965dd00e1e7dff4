"""No format shows a secret, whatever carried it: headers, cookies, targets, bodies, messages, settings, lines of source."""

from urllib.parse import unquote_plus, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stopper.core.exchange import Exchange, Request, Response
from stopper.core.secret import Secret
from stopper.scan.report import Report
from stopper.scan.reports import github, html, json, junit, masking, sarif, text
from stopper.scan.reports.patch import with_diffs

RENDERERS = {
    "text": text.render,
    "colour": lambda report: text.render(report, colour=True),
    "json": json.render,
    "sarif": sarif.render,
    "html": html.render,
    "junit": junit.render,
    "github": github.render,
}


@pytest.mark.parametrize("name", RENDERERS)
def test_no_canary_is_in_any_format(name: str, sample: Report, canaries: dict[str, str]) -> None:
    source = f'import flask\n\napp.config["SECRET_KEY"] = "{canaries["hard-coded secret"]}"\n'.replace(
        "\n\n", "\n" * 13
    )
    shown = RENDERERS[name](with_diffs(sample, lambda path: source.encode()))
    assert "***" in shown
    assert {kind for kind, value in canaries.items() if value in shown} == set()


def test_the_canaries_are_in_the_report_itself(sample: Report, canaries: dict[str, str]) -> None:
    """Else the test above would pass on an empty report."""
    held = repr(sample)
    assert {kind for kind, value in canaries.items() if value not in held} == set()


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("Authorization", "Bearer abc.def-123", "Bearer ***"),
        ("authorization", "Token abc", "Token ***"),
        ("Authorization", "justakey", "***"),
        ("Cookie", "a=1; session=xyz; broken", "a=***; session=***; ***"),
        ("Set-Cookie", "sid=xyz; Path=/; HttpOnly; SameSite=Lax", "sid=***; Path=/; HttpOnly; SameSite=Lax"),
        ("Set-Cookie", "sid=; Max-Age=0", "sid=; Max-Age=0"),
        ("X-API-Key", "k", "***"),
        ("X-Auth", "k", "***"),
        ("X-CSRF-Token", "k", "***"),
        ("X-Partner-Key", "k", "***"),
        ("WWW-Authenticate", 'Bearer error="invalid_token"', 'Bearer error="invalid_token"'),
        ("Access-Control-Allow-Credentials", "true", "true"),
        (
            "Access-Control-Allow-Origin",
            "https://evil-1234567890abcdefgh.example",
            "https://evil-1234567890abcdefgh.example",
        ),
        ("Origin", "https://stopper-stpe906aee3dc12345.example", "https://stopper-stpe906aee3dc12345.example"),
        ("Location", "/cb?code=abc&page=2", "/cb?code=***&page=2"),
        ("Content-Type", "application/json", "application/json"),
    ],
)
def test_headers_are_masked_by_name_and_evidence_stays(name: str, value: str, shown: str) -> None:
    assert masking.headers(((name, value),)) == ((name, shown),)


@pytest.mark.parametrize(
    ("target", "shown"),
    [
        ("/notes/7?page=2", "/notes/7?page=2"),
        ("/notes/0b8f3a52-41a6-4a8e-9d4c-2f5b1f1b7c11", "/notes/0b8f3a52-41a6-4a8e-9d4c-2f5b1f1b7c11"),
        ("/reset/Abc123Abc123Abc123Abc123", "/reset/***"),
        ("/x?api_key=1&API-Key=2&jwt=3&token=4", "/x?api_key=***&API-Key=***&jwt=***&token=***"),
        ("http://u:pw@h/x", "http://u:***@h/x"),
        ("/a\x1b[31m\r\nb", "/a\\u001b[31m\\u000d\nb"),
    ],
)
def test_targets_lose_their_secrets_and_keep_their_shape(target: str, shown: str) -> None:
    assert masking.target(target) == shown


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ('SECRET = "abc"', 'SECRET = "***"'),
        ('app.config["SECRET_KEY"] = "abc"', 'app.config["SECRET_KEY"] = "***"'),
        ('key = os.environ.get("API_KEY", "abc")', 'key = os.environ.get("API_KEY", "***")'),
        ('jwt.encode(claims, "abc", algorithm="HS256")', 'jwt.encode(claims, "***", algorithm="HS256")'),
        ('token = request.headers["X-API-Key"]', 'token = request.headers["X-API-Key"]'),
        ('print("hello")', 'print("hello")'),
        ('PASSWORD_FIELD = "password"', 'PASSWORD_FIELD = "password"'),
        ('PASSWORD = "password"', 'PASSWORD = "***"'),
        ('TOKEN_URL = "https://auth.example.com/oauth/token"', 'TOKEN_URL = "https://auth.example.com/oauth/token"'),
        ('TOKEN_URL = "https://ann:pw@auth.example.com/token"', 'TOKEN_URL = "***"'),
        ('TOKEN_URL = "https://h.example/AbCdEfGhIjKlMnOpQrStUv"', 'TOKEN_URL = "***"'),
        ('jwt.encode({"sub": "admin", "key": "admin"}, KEY)', 'jwt.encode({"sub": "admin", "key": "***"}, KEY)'),
        ("jsonify(token=new_token, password=password)", "jsonify(token=new_token, password=password)"),
        ("connect(password=hunter, x=1)", "connect(password=***, x=1)"),
        ("password: hunter", "password: ***"),
    ],
)
def test_lines_of_source_keep_names_and_lose_values(source: str, shown: str) -> None:
    assert masking.source(source) == shown


secrets = st.text("abcdefghijklmnopqrstuvwxyzABCDEFGH0123456789", min_size=12, max_size=40).map(
    lambda tail: f"c4n{tail}"
)


@given(
    secrets,
    st.sampled_from(["password", "access_token", "api_key", "otp", "client_secret", "X-Session-Id"]),
    st.text(max_size=30),
)
def test_a_secret_under_its_name_is_masked_in_json_at_any_depth(secret: str, name: str, beside: str) -> None:
    import json as encoder

    for value in ({name: secret}, [{"a": [{name: [secret]}], "b": beside}], {name: {"x": secret}}):
        assert secret not in masking.body(encoder.dumps(value).encode())


@given(st.binary(max_size=400), st.text(max_size=60))
def test_foreign_bytes_never_break_a_mask(raw: bytes, said: str) -> None:
    for shown in (
        masking.body(raw),
        masking.text(said),
        masking.line(said),
        masking.target(said),
        masking.source(said),
    ):
        assert not any(char < " " and char not in "\n\t" for char in shown)
        shown.encode("utf-8")  # no lone surrogate


def test_a_live_secret_is_masked_whatever_header_carries_it() -> None:
    held = Secret("an odd value that nobody would guess")
    assert masking.headers((("X-Colour", held.reveal()),)) == (("X-Colour", "***"),)


def test_what_a_log_in_of_graphql_hands_out_is_masked_by_its_name() -> None:
    said = masking.body(b'{"data": {"login": "9fe2c81e7ba94d5cb0d2"}, "owner": {"login": "octocat"}}')
    assert said == '{"data": {"login": "***"}, "owner": {"login": "octocat"}}'


def test_a_query_keeps_its_types_and_loses_its_values() -> None:
    head = "mutation($username: String!, $password: [String!]!) { login(username: $username, password: $password)"
    sent = b'{"query": "%s { token }", "variables": {"username": "ann", "password": "hunter2-5f1c9"}}' % head.encode()
    said = masking.body(sent)
    assert head in said
    assert "hunter2" not in said
    assert "hunter2" not in masking.body(
        b'{"query": "mutation { login(username: \\"ann\\", password: \\"hunter2-5f1c9\\") }"}'
    )
    form = urlencode({"query": head + " }", "variables": '{"password": "hunter2-5f1c9"}'})
    for shown in (masking.body(form.encode(), "application/x-www-form-urlencoded"), masking.target(f"/graphql?{form}")):
        assert head in unquote_plus(shown)
        assert "hunter2" not in shown
    assert masking.body(head.encode() * 500).startswith(head)


def test_a_long_body_is_masked_before_it_is_cut() -> None:
    secret = "tailsecret" * 3
    body = (
        '{"filler": "' + "x" * (masking.LONGEST_BODY - 40) + f'", "password": "{secret}", "more": "{"y" * 50}"}}'
    ).encode()
    assert secret[:6] not in masking.body(body)
    assert masking.body(body).endswith(f"… ({len(body):,} bytes in all)")


def test_exchanges_are_masked_and_not_changed_where_they_are_kept() -> None:
    exchange = Exchange(Request("GET", "/", (("Authorization", "Bearer abc.def-123"),)), Response(200))
    masking.headers(exchange.request.headers)
    assert exchange.request.header("Authorization") == "Bearer abc.def-123"


HOSTILE = {
    "dots": "secret." * 9000,
    "subscript": '["' + "secret" * 9000,
    "unfinished": '"' + "token-" * 9000,
    "escapes": '"' + '\\"' * 30000,
    "spaces": "password" + " " * 57000,
    "schemes": "a://" * 15000,
    "slashes": "/a1" * 21000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_text_made_to_be_slow_is_masked_like_any_other(name: str) -> None:
    """Each of these took minutes with a pattern that looks twice at one place; a hang fails the run."""
    said = HOSTILE[name]
    for shown in (masking.body(said.encode()), masking.source(said), masking.target(said), masking.text(said)):
        assert shown


def test_a_line_of_source_too_long_to_look_through_is_not_shown() -> None:
    assert masking.source("x = 1\nSECRET = '" + "s" * 5000) == "x = 1\n(5,010 characters on one line)"
