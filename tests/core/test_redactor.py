"""No known secret survives in any usual spelling, nothing of a credential's shape does, and ordinary text is left alone."""

import base64
import gc
import json
import re
import threading
import uuid
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stopper.core import registry
from stopper.core.redactor import is_sensitive_name, mask, mask_value
from stopper.core.secret import Secret

secret_texts = st.text(st.characters(exclude_categories=("Cs",)), min_size=8, max_size=60).filter(
    lambda text: text.strip() == text and "***" not in text and len(text.encode()) >= 8
)
around = st.text(st.characters(exclude_categories=("Cs",)), max_size=40)

ENCODINGS: dict[str, Any] = {
    "as it is": lambda text: text,
    "URL": lambda text: quote(text, safe=""),
    "URL, slashes kept": quote,
    "URL, plus": quote_plus,
    "URL, small": lambda text: re.sub("%..", lambda found: found[0].lower(), quote(text, safe="")),
    "JSON": lambda text: json.dumps(text)[1:-1],
    "JSON, not ASCII": lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    "repr": lambda text: repr(text)[1:-1],
    "hex": lambda text: text.encode().hex(),
    "HEX": lambda text: text.encode().hex().upper(),
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64url": lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
}


@pytest.mark.parametrize("spell", ENCODINGS.values(), ids=ENCODINGS.keys())
@settings(max_examples=150)
@given(text=secret_texts, before=around, after=around)
def test_a_live_secret_survives_in_no_spelling(spell: Any, text: str, before: str, after: str) -> None:
    held = Secret(text)
    spelled = spell(text)
    shown = mask(before + spelled + after)
    core = spelled.rstrip("=")[: len(spelled.rstrip("=")) // 4 * 4] if "base64" in _name(spell) else spelled
    if core not in before + after:
        assert core not in shown
    assert held


def _name(spell: Any) -> str:
    return next(name for name, known in ENCODINGS.items() if known is spell)


@settings(max_examples=150)
@given(text=secret_texts, before=st.binary(max_size=9), after=st.binary(max_size=9))
def test_base64_of_something_around_the_secret(text: str, before: bytes, after: bytes) -> None:
    """`Basic` carries user:password, so the secret stands at any of three offsets."""
    held = Secret(text)
    raw = text.encode()
    whole = base64.b64encode(before + raw + after).decode()
    # The characters that the secret alone decides.
    first, last = -(-len(before) * 8 // 6), (len(before) + len(raw)) * 8 // 6
    first, last = -(-first // 4) * 4, last // 4 * 4
    core = whole[first:last]
    if len(core) >= 8:
        assert core not in mask(f"header {whole} end")
    assert held


@settings(max_examples=50)
@given(
    texts=st.lists(st.from_regex(r"[A-Za-z0-9_-]{16,43}", fullmatch=True), min_size=8, max_size=12, unique=True),
    pick=st.integers(0, 7),
)
def test_many_secrets_are_found_by_windows(texts: list[str], pick: int) -> None:
    """Beyond a few forms the look-up is a set of windows: none may be missed, wherever it stands in a word."""
    held = [Secret(text) for text in texts]
    assert len(registry.live_forms()) > len(texts)
    for shown in (f"xx{texts[pick]}yy", f"a={texts[pick]}", f"{texts[pick]}{texts[0]}"):
        assert texts[pick] not in mask(shown)
    assert len(held) == len(texts)


@pytest.mark.parametrize("word", ["password", "Bearer", "token"])
@pytest.mark.parametrize(
    "text",
    [
        "password=hunter2hunter2",
        '{"password": "hunter2hunter2"}',
        "Authorization: Bearer hunter2hunter2hunter2",
        "https://api.example/?token=hunter2hunter2",
    ],
)
def test_a_secret_that_is_a_word_before_others_takes_it_from_none_of_them(word: str, text: str) -> None:
    """Whoever has ``password`` for a password shows nobody else's."""
    kept = Secret(word)
    shown = mask(text)
    assert "hunter2" not in shown
    assert mask(shown) == shown
    assert kept.reveal() == word


def test_a_secret_that_is_gone_is_not_looked_for() -> None:
    held = Secret("correct-horse-battery")
    assert mask("correct-horse-battery") == "***"
    del held
    gc.collect()
    assert mask("correct-horse-battery") == "correct-horse-battery"


@pytest.mark.parametrize("first_goes", [True, False])
def test_two_secrets_that_begin_alike_do_not_take_each_other_along(first_goes: bool) -> None:
    texts = ["plain-words-of-mine-alone", "plain-words-of-m!ne-alone"]  # one is a single run, the other is not
    held: list[Secret | None] = [Secret(text) for text in texts]
    assert all(mask(f"got {text} now") == "got *** now" for text in texts)
    held[0 if first_goes else 1] = None
    gc.collect()
    kept, gone = (texts[1], texts[0]) if first_goes else (texts[0], texts[1])
    assert mask(f"got {kept} now") == "got *** now"
    assert mask(f"got {gone} now") == f"got {gone} now"


def test_a_longer_secret_is_masked_whole() -> None:
    parts = [Secret("abcdef-ghijkl"), Secret("abcdef-ghijkl-mnopqr")]
    assert mask("x abcdef-ghijkl-mnopqr y") == "x *** y"
    assert parts


def test_registering_from_many_threads_loses_nothing() -> None:
    held: list[Secret] = []

    def work(number: int) -> None:
        for turn in range(40):
            held.append(Secret(f"thread-{number}-secret-{turn}-value"))
            mask("anything at all")

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for secret in held:
        assert secret.reveal() not in mask(f"<{secret.reveal()}>")


JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
SHAPES = {
    "a JWT": (f"token {JWT} end", "token *** end"),
    "a JWT in a URL": (f"GET /x?jwt={JWT}&y=1", "GET /x?jwt=***&y=1"),
    "the Authorization header is masked once": ("Authorization: Bearer abc.def123", "Authorization: Bearer ***"),
    "in a dict": ("{'Authorization': 'Bearer abc.def123', 'Host': 'x'}", "{'Authorization': '***', 'Host': 'x'}"),
    "Basic": ("Authorization: Basic dXNlcjpwYXNz", "Authorization: Basic ***"),
    "bare credential": ("Authorization: abcdef", "Authorization: ***"),
    "as a pair": ("[('X-API-Key', 'abcdef'), ('Host', 'x')]", "[('X-API-Key', '***'), ('Host', 'x')]"),
    "a cookie header to its end": ("Cookie: a=1; b=2\nHost: x", "Cookie: ***\nHost: x"),
    "a cookie in a dict": ("{'Cookie': 'a=1; b=2', 'x': 1}", "{'Cookie': '***', 'x': 1}"),
    "set-cookie": ("Set-Cookie: session=abc; Path=/", "Set-Cookie: ***"),
    "query": ("GET /?access_token=abc&page=2 HTTP/1.1", "GET /?access_token=***&page=2 HTTP/1.1"),
    "camel case": ("accessToken=abc clientSecret=def", "accessToken=*** clientSecret=***"),
    "prefixed name": ("DB_PASSWORD=abc", "DB_PASSWORD=***"),
    "JSON": ('{"password": "a\\"b", "name": "x", "token": null}', '{"password": "***", "name": "x", "token": null}'),
    "JSON in JSON": ('{\\"password\\": \\"hunter2\\"}', '{\\"password\\": \\"***\\"}'),
    "bytes": ("token=b'abc'", "token=b'***'"),
    "a name behind another (RuntimeError: password=…)": ("RuntimeError: password=abc", "RuntimeError: password=***"),
    "a name behind a sign": ("x=token=abc", "x=token=***"),
    "an option": ("run --api-key abc --port 80", "run --api-key *** --port 80"),
    "an option with a sign": ("run --token=abc", "run --token=***"),
    "a pin": ("pin: 1234 user_pin=99", "pin: *** user_pin=***"),
    "a database URL": ("postgresql://u:p@h/db", "postgresql://u:***@h/db"),
    "an API key of ours": ("stp_live_abcdEFGH1234_" + "a" * 49, "stp_live_abcd***"),
    "GitHub": ("ghp_" + "a1" * 18, "ghp_***"),
    "AWS": ("AKIAIOSFODNN7EXAMPLE", "AKIA***"),
    "Slack": ("xoxb-123456789012-abc", "xoxb-***"),
    "a private key": (
        "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY----- ***",
    ),
    "half a private key": ("-----BEGIN EC PRIVATE KEY-----\nMIIB", "-----BEGIN EC PRIVATE KEY----- ***"),
}


@pytest.mark.parametrize(("text", "shown"), SHAPES.values(), ids=SHAPES.keys())
def test_what_has_the_shape_of_a_credential(text: str, shown: str) -> None:
    assert mask(text) == shown
    assert mask(mask(text)) == shown


@pytest.mark.parametrize(
    "text",
    [
        "bearer tokens and basic authentication are explained in the well-known guide",
        "the digest of the file is right; a dpop proof is needed",
        "Basic set-up is done: see docs",
        "spinning: 3 ping: 4 opinion=5 shopping: 6 stop: 7",
        "max_tokens: 100, tokens=5, keys: 3",
        "monkey=banana, turkey: yes, donkeys=2",
        "see https://example.com:8080/path?page=2#top and user@example.com",
        "d41d8cd98f00b204e9800998ecf8427e da39a3ee5e6b4b0d3255bfef95601890afd80709",
        "/usr/lib/python3.11/site-packages/flask/app.py:1511",
        "author: Jane, authority: none, authored=2",
        '2026-11-25 08:00:00,123 INFO werkzeug: 127.0.0.1 - - "GET /notes/1 HTTP/1.1" 200 -',
        "password: None, token=null, secret: false",
        "skipped sk-learn; task-list-of-things-to-do-tomorrow",
        "compass: north, bypass=no",
    ],
)
def test_ordinary_text_is_left_alone(text: str) -> None:
    assert mask(text) == text


@settings(max_examples=200)
@given(
    st.lists(
        st.from_regex(r"[a-z]{1,9}", fullmatch=True)
        | st.uuids().map(str)
        | st.builds(lambda: uuid.uuid4().hex)
        | st.from_regex(r"(/[a-z]{1,8}){1,4}\.py:[0-9]{1,4}", fullmatch=True)
        | st.integers().map(str)
        | st.from_regex(r"[0-9a-f]{40}", fullmatch=True),
        max_size=12,
    )
)
def test_words_numbers_ids_hashes_and_paths_are_left_alone(words: list[str]) -> None:
    text = " ".join(words)
    assert mask(text) == text


@settings(max_examples=300)
@given(st.text(max_size=300))
def test_masking_never_fails_and_twice_is_once(text: str) -> None:
    assert mask(mask(text)) == mask(text)


@pytest.mark.parametrize(
    "text", ["a" * 100_000, "token=" * 20_000, '"' * 100_000, "Bearer " * 15_000, "eyJ" * 30_000, "a.b" * 30_000, "password: '" + "\\" * 90_000, "--a" * 30_000,
             "://" * 30_000 + "@", "cookie" * 20_000, "'a'," * 25_000, "a_" * 50_000 + "=", "-----BEGIN PRIVATE KEY-----" * 3000]
)  # fmt: skip
def test_no_pattern_backtracks(text: str) -> None:
    """It only has to end: a pattern that backtracks would run for hours."""
    assert isinstance(mask(text), str)


def test_values_inside_structures() -> None:
    class Thing:
        def __repr__(self) -> str:
            return f"Thing({JWT})"

    plain = object()
    found: Any = mask_value(
        {
            "password": "x",
            "nested": [{"api_key": "y", "n": 1}],
            "jwt": JWT,
            JWT: 1,
            "on": True,
            "thing": Thing(),
            "plain": plain,
        }
    )
    assert found == {
        "password": "***",
        "nested": [{"api_key": "***", "n": 1}],
        "jwt": "***",
        "***": 1,
        "on": True,
        "thing": "Thing(***)",
        "plain": plain,
    }
    assert mask_value(Secret("a-secret-value")) == "***"
    assert mask_value(JWT.encode()) == "***"


@pytest.mark.parametrize(
    ("name", "sensitive"),
    [("X-API-Key", True), ("Set-Cookie", True), ("db_password", True), ("Accept", False), ("page", False)],
)
def test_names(name: str, sensitive: bool) -> None:
    assert is_sensitive_name(name) is sensitive
