"""`stopper token`: what is wrong with a token, told without repeating any of it."""

import base64
import json
import secrets
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.auth.token_smith import NOW, b64, claims, header, hs256, segment

from stopper.cli.group import run
from stopper.scan.tokens.guess import CHUNK, guess
from stopper.scan.tokens.lint import NoTokenError, read_token


def ids(token: str) -> set[str]:
    return {note.id for note in read_token(token, now=NOW).notes if note.severity is not None}


def cookie(key: str, **members: Any) -> str:
    app = Flask("x")
    app.secret_key = key
    serializer = SecureCookieSessionInterface().get_signing_serializer(app)
    assert serializer is not None
    return str(serializer.dumps(members))


def test_a_good_token_has_nothing_to_blame() -> None:
    assert ids(hs256()) == set()


@pytest.mark.parametrize(
    ("token", "note"),
    [
        (f"{segment(header(alg='none'))}.{segment(claims())}.", "alg-none"),
        (f"{segment(header(alg='NoNe'))}.{segment(claims())}.", "alg-none"),
        (f"{segment(header())}.{segment(claims())}.", "signature-empty"),
        (f"{segment(header())}.{segment(claims())}.{b64(b'short')}", "signature-length"),
        (hs256(header(alg="HS999")), "alg-unknown"),
        (hs256(header(alg=None)), "alg-unknown"),
        (hs256(header(jku="https://x.example")), "key-in-header"),
        (hs256(header(jwk={"kty": "oct"})), "key-in-header"),
        (hs256(header(kid="../../dev/null")), "kid-form"),
        (hs256(header(kid="x' UNION SELECT 1")), "kid-form"),
        (hs256(header(kid=5)), "kid-form"),
        (hs256(header(typ="JWT")), "typ-general"),
        (hs256(header(crit=["exp"])), "extension"),
        (hs256(payload=claims(exp=None)), "exp-missing"),
        (hs256(payload=claims(exp=NOW + 10**7)), "life-long"),
        (hs256(payload=claims(exp=str(NOW + 60))), "time-form"),
        (hs256(payload=claims(exp=True)), "time-form"),
        (hs256(payload=claims(iat=None)), "iat-missing"),
        (hs256(payload=claims(nbf=NOW + 10**4)), "not-yet-valid"),
        (hs256(payload=claims(iss=None)), "iss-missing"),
        (hs256(payload=claims(aud=None)), "aud-missing"),
        (hs256(payload=claims(sub=None)), "sub-missing"),
        (hs256(payload=claims(jti=None)), "jti-missing"),
        (hs256(payload=claims(nonce="n")), "id-token"),
        (hs256(payload=claims(type="refresh")), "refresh-token"),
        (hs256(payload=claims(password="p")), "secret-inside"),
        (hs256(payload=claims(user={"api_key": "p"})), "secret-inside"),
        (hs256(payload=claims(email="a@example.com")), "person-inside"),
        (hs256(payload=b"[]"), "payload-not-json"),
        (hs256(payload=b'{"a":1,"a":2}'), "member-twice"),
        (hs256() + "=", "not-base64url"),
        (hs256(payload=claims(pad="x" * 10_000)), "too-long"),
    ],
)
def test_each_weakness_is_told(token: str, note: str) -> None:
    assert note in ids(token)


def test_another_spelling_of_the_same_bytes_is_told() -> None:
    token = hs256(payload=claims(pad="x"))
    last = token[-1]
    other = next(letter for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" if letter != last and
                 base64.urlsafe_b64decode(token.rpartition(".")[2][:-1] + letter + "=" * (-len(token.rpartition(".")[2]) % 4)) ==
                 base64.urlsafe_b64decode(token.rpartition(".")[2] + "=" * (-len(token.rpartition(".")[2]) % 4)))  # fmt: skip
    assert "not-canonical" in ids(token[:-1] + other)


def test_an_encrypted_token_is_not_opened() -> None:
    head = {"alg": "PBES2-HS256+A128KW", "enc": "A128GCM", "p2c": 2**31, "zip": "DEF"}
    read = read_token(".".join([segment(head), *(b64(b"x" * 16) for _ in range(4))]))
    assert read.kind == "encrypted-jwt"
    assert {note.id for note in read.notes} == {"encrypted", "p2c", "zip"}


@pytest.mark.parametrize("secret", ["secret", "Changeme123", "dev", "", "SECRET-2024"])
def test_a_usual_secret_is_found(secret: str) -> None:
    assert guess(hs256(key=secret.encode()))
    assert not secret or guess(cookie(secret, user="ann"), cookie=True)


def test_a_random_secret_is_not_found_and_one_of_my_own_list_is() -> None:
    own = secrets.token_urlsafe(24)
    assert not guess(hs256(key=own.encode()))
    assert guess(hs256(key=own.encode()), ("a", own))
    assert not guess(cookie(own, user="ann"), cookie=True)
    assert guess(cookie(own, user="ann"), ("a", own), cookie=True)


def test_a_long_list_is_tried_side_by_side() -> None:
    own = secrets.token_urlsafe(24)
    many = [*(f"word-{number}" for number in range(CHUNK)), own]
    assert guess(hs256(key=own.encode()), many, jobs=2)


def test_a_compressed_session_is_read_and_a_bomb_is_not_unpacked() -> None:
    read = read_token(cookie("k", words=["plant"] * 400, token="x"))
    assert read.kind == "flask-session"
    assert read.claims["words"] == ["plant"] * 400
    assert "secret-inside" in {note.id for note in read.notes}


def test_no_output_repeats_the_token_a_value_or_the_secret(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    secret, own = "canary-7f3a-secret-of-the-token", "canary-7f3a-value"
    (tmp_path / "words.txt").write_text(f"x\n{secret}\n")
    payload = claims(sub="canary-sub-1", email="canary@example.com", note=own, iss=f"https://x.example/?api_key={own}")
    token = hs256(header(kid="canary-kid"), payload=payload, key=secret.encode())
    for shape in ("text", "json"):
        assert run(["token", token, "--words", str(tmp_path / "words.txt"), "--format", shape]) == 1
        told = "".join(capsys.readouterr())
        assert "secret-guessed" in told or "usual ones" in told
        for piece in (secret, own, "canary-sub-1", "canary@example.com", "canary-kid", *token.split(".")):
            assert piece not in told


def test_the_exit_code_follows_the_gate_and_json_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    token = hs256(header(typ="JWT"), payload=claims(exp=4_000_000_000, iat=3_999_999_000))
    assert run(["token", token, "--fail-on", "medium"]) == 0
    capsys.readouterr()
    assert run(["token", token, "--fail-on", "low", "--format", "json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["kind"] == "jwt"
    assert "typ-general" in {note["id"] for note in told["notes"]}


@pytest.mark.parametrize("shown", ["{}", "Bearer {}", "  {}\n", "Authorization: Bearer {}"])
def test_it_is_read_from_standard_input_with_what_people_copy_along(shown: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "stopper.cli", "token", "-", "--no-guess"], input=shown.format(hs256()), capture_output=True, text=True, timeout=60
    )  # fmt: skip
    assert "JWT, signed" in done.stdout, done.stderr


@pytest.mark.parametrize("text", ["", "x", "a.b.c", "Bearer", "é.é.é", "." * 5000, "A" * 3_000_000, "\x00"])
def test_what_is_no_token_is_one_line(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["token", text]) == 2
    told = capsys.readouterr()
    assert (told.out, told.err.count("\n")) == ("", 1)
    assert len(told.err) < 300


def test_a_word_list_that_is_not_there_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["token", hs256(), "--words", "/nowhere/words.txt"]) == 2
    assert "words.txt" in capsys.readouterr().err


@settings(max_examples=300)
@given(st.binary(max_size=60), st.binary(max_size=60), st.text(alphabet="AZaz09-_=.é", max_size=20))
def test_any_bytes_are_read_or_refused(head: bytes, payload: bytes, tail: str) -> None:
    for text in (
        f"{b64(head)}.{b64(payload)}.{tail}",
        f"{b64(b'{}')}.{b64(payload)}.{tail}",
        f".{b64(payload)}.{tail}",
        tail,
    ):
        try:
            found = read_token(text)
        except NoTokenError:
            continue
        assert found.kind in ("jwt", "encrypted-jwt", "flask-session")
