"""What a target's own data tell is masked in evidence: passwords in SQL and in sentences, numbers of cards."""

import json

import pytest

from stopper.scan.reports import masking


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        (
            "near \"'\": select * from users where pw='plainSecretPw42' and q='x'",
            "near \"'\": select * from users where pw='***' and q='x'",
        ),
        ("SELECT id FROM users WHERE u.pass = 'it''s me' LIMIT 1", "SELECT id FROM users WHERE u.pass = '***' LIMIT 1"),
        (r"select 1 from t where pw = 'it\'s me 42' or 1", "select 1 from t where pw = '***' or 1"),
        ("select 1 from t where token LIKE 'abc%'", "select 1 from t where token LIKE '***'"),
        ("update t set secret <> 'abc', name = 'ann'", "update t set secret <> '***', name = 'ann'"),
        (
            "select * from users where pw=&#39;hidden me&#39; and q=1",
            "select * from users where pw=&#39;***&#39; and q=1",
        ),
        ("select * from users where pw='cut off here", "select * from users where pw='***'"),
        (
            "[SQL: INSERT INTO users (name, pw) VALUES (?, ?)] [parameters: ('ann', 'hidden42')]",
            "[SQL: INSERT INTO users (name, pw) VALUES (?, ?)] [parameters: ('ann', '***')]",
        ),
        (
            "INSERT INTO users (name, age, pwd) VALUES ('ann', f(1, 2), 'hidden42')",
            "INSERT INTO users (name, age, pwd) VALUES ('ann', f(1, 2), '***')",
        ),
        ("my password is plainSecretPw42", "my password is ***"),
        ("the password is wrong", "the password is wrong"),
        ("select name from notes where title='stpe906aee3dc'", "select name from notes where title='stpe906aee3dc'"),
        ("paid with 4111111111111111.", "paid with ***1111."),
        ("paid with 4111 1111 1111 1111", "paid with ***1111"),
        ("paid with 3782-822463-10005", "paid with ***0005"),
        ("order 4111111111111112 at 1764205416000", "order 4111111111111112 at 1764205416000"),
        ("0b8f3a52-4111-4111-8111-111111111111", "0b8f3a52-4111-4111-8111-111111111111"),
    ],
)
def test_what_data_tell_is_masked_and_the_rest_stays(said: str, shown: str) -> None:
    assert masking.text(said) == shown
    assert masking.text(shown) == shown
    assert json.loads(masking.body(json.dumps({"error": said}).encode())) == {"error": shown}


def test_fields_and_numbers_of_json_are_masked_as_well() -> None:
    body = b'{"card": 4111111111111111, "id": 1764205416000, "ok": true, "pw": "hidden", "pwd": "hidden"}'
    assert masking.body(body) == '{"card": "***1111", "id": 1764205416000, "ok": true, "pw": "***", "pwd": "***"}'
    assert masking.target("/cards/4111111111111111?page=2") == "/cards/***1111?page=2"


HOSTILE = {
    "pairs": "select " + "pw='" * 16000 + 'pw=\\"' * 100,
    "names": "select " + "a_" * 32000 + "pw",
    "lists": "insert secret " + "(a," * 20000 + "(" * 5000,
    "parameters": "insert into t (a, pw) values (?, ?)" + "[parameters: (" * 4000 + "'" * 9000,
    "values": "insert into t (a, pw) values (" + "('" * 30000,
    "digits": "4" * 65000,
    "groups": "4111-" * 13000,
    "said": "password is " * 5000 + "a" * 5000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_text_made_to_be_slow_is_masked_like_any_other(name: str) -> None:
    """A hang fails the run."""
    assert masking.text(HOSTILE[name])
    assert masking.body(HOSTILE[name].encode())
