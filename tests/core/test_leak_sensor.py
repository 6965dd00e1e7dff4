"""The leak sensor: finds secrets in every spelling, changes no answer, breaks nothing, and leaves every hook as it was."""

import base64
import contextlib
import io
import json
import logging
import threading
import urllib.parse
import zlib
from typing import Any

import flask
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stopper import Secret
from stopper.core.leak import SINKS, CodePlace, Leak
from stopper.core.leak_exchange import _Input, _readable_parts
from stopper.core.leak_learning import of_answer, of_headers, of_request_body, of_settings
from stopper.core.leak_rules import host_name, is_kept_by_nobody, is_own_machine
from stopper.core.leak_sensor import LeakSensor, watch
from stopper.core.patches import Patches
from stopper.core.watchlist import REMEMBERED, Watchlist, is_distinctive

SPELLED = {
    "plain": lambda secret: secret,
    "quoted": lambda secret: urllib.parse.quote(secret, safe=""),
    "hex": lambda secret: secret.encode().hex(),
    "base64": lambda secret: base64.b64encode(secret.encode()).decode(),
    "base64 behind a name": lambda secret: base64.urlsafe_b64encode(b"alice:" + secret.encode() + b"!").decode(),
    "json": lambda secret: json.dumps({"it": secret}),
    "repr": repr,
}
STRONG = st.text(
    st.characters(min_codepoint=33, max_codepoint=382, exclude_categories=["Cs"]), min_size=20, max_size=80
).filter(is_distinctive)


def listed(*values: str) -> Watchlist:
    watchlist = Watchlist()
    for number, value in enumerate(values):
        watchlist.add(value, f"secret {number}", "token")
    return watchlist


@given(STRONG, st.sampled_from(sorted(SPELLED)), st.text(max_size=60), st.text(max_size=60))
def test_a_secret_is_found_in_every_spelling_wherever_it_stands(secret: str, how: str, before: str, after: str) -> None:
    found = listed(secret).find(before + SPELLED[how](secret) + after)
    assert [one.label for one in found if one.kind == "token"] == ["secret 0"]


@given(STRONG, st.text(max_size=200))
def test_what_is_not_there_is_not_found(secret: str, text: str) -> None:
    assert secret in text or not [one for one in listed(secret).find(text) if one.kind == "token"]


@given(st.text(max_size=2000))
def test_any_text_is_learned_from_in_peace(text: str) -> None:
    raw = text.encode("utf-8", "surrogatepass")
    for kind in ("application/json", "application/x-www-form-urlencoded", "multipart/form-data", "x"):
        list(of_request_body(b"password" + raw, kind))
    list(of_answer(text))
    list(
        of_headers(
            {"HTTP_AUTHORIZATION": f"Basic {text}", "HTTP_COOKIE": text, "QUERY_STRING": text, "HTTP_X_API_KEY": text}
        )
    )
    list(of_settings({"SECRET_KEY": text, "DATABASE_URL": text}, "config"))
    list(_readable_parts(text))
    host_name(text)
    is_own_machine(text)


def test_the_oldest_secrets_of_clients_are_forgotten_and_the_own_ones_stay() -> None:
    watchlist = Watchlist()
    watchlist.add("the-own-key-0123456789", "own", "signing-key", stays=True)
    for number in range(REMEMBERED + 1):
        watchlist.add(f"token-of-a-client-{number:04}", f"{number}", "token")
    text = "the-own-key-0123456789 token-of-a-client-0000 token-of-a-client-0001"
    assert {one.label for one in watchlist.find(text)} == {"own", "1"}


def test_two_secrets_that_end_alike_are_told_apart() -> None:
    watchlist = listed("first-and-then-the-same-end", "other-and-then-the-same-end")
    assert [one.label for one in watchlist.find("x other-and-then-the-same-end")] == ["secret 1"]


def test_a_live_secret_is_watched_without_being_told() -> None:
    secret = Secret("only-the-registry-9-knows")
    assert [one.label for one in Watchlist().find(f"x {secret.reveal()}")] == ["a registered Secret"]


@pytest.mark.parametrize(
    "value", ["secret", "password1", "aaaaaaaaaaaaaaaaaaaaaaaa", "12345678", "testpassword", "admin123"]
)
def test_words_are_not_watched(value: str) -> None:
    assert not is_distinctive(value)


SETTINGS = {
    "SECRET_KEY": "signing-key", "SECRET_KEY_FALLBACKS": "signing-key", "JWT_SECRET_KEY": "signing-key", "SECURITY_PASSWORD_SALT": "signing-key",
    "STRIPE_API_KEY": "config-credential", "MAIL_PASSWORD": "config-credential", "GITHUB_TOKEN": "config-credential",
    "RECAPTCHA_PUBLIC_KEY": None, "GOOGLE_MAPS_API_KEY": None, "WTF_CSRF_FIELD_NAME": None, "JWT_TOKEN_LOCATION": None, "SESSION_COOKIE_NAME": None,
}  # fmt: skip


@pytest.mark.parametrize(("key", "kind"), SETTINGS.items())
def test_settings_are_secrets_by_their_names(key: str, kind: str | None) -> None:
    assert [one.kind for one in of_settings({key: "some-value-0123456789"}, "config")] == ([kind] if kind else [])


def test_the_password_in_a_url_is_a_secret() -> None:
    found = list(of_settings({"SQLALCHEMY_DATABASE_URI": "postgresql://shop:p%40ss-W0rd-9@db/shop"}, "config"))
    assert [(one.value, one.label) for one in found] == [
        ("p@ss-W0rd-9", "the password in config SQLALCHEMY_DATABASE_URI")
    ]


@pytest.mark.parametrize(
    ("host", "own"),
    [("localhost", True), ("127.9.9.9", True), ("[::1]", True), ("::ffff:127.0.0.1", True), ("shop.localhost", True), ("10.0.0.1", False), ("localhost.evil.example", False), ("example.com", False)],
)  # fmt: skip
def test_own_machine(host: str, own: bool) -> None:
    assert is_own_machine(host) is own


@pytest.mark.parametrize(
    ("method", "cache_control", "expires", "kept_by_nobody"),
    [("POST", "", False, True), ("POST", "max-age=60", False, False), ("POST", "", True, False), ("GET", "", False, False), ("GET", "private", False, False), ("GET", "no-store", True, True)],
)  # fmt: skip
def test_which_answers_caches_keep(method: str, cache_control: str, expires: bool, kept_by_nobody: bool) -> None:
    assert is_kept_by_nobody(method, cache_control, has_expires=expires) is kept_by_nobody


def test_a_compressed_session_cookie_is_read() -> None:
    packed = base64.urlsafe_b64encode(zlib.compress(b'{"token": "inside"}')).rstrip(b"=").decode()
    assert list(_readable_parts(f".{packed}.time.signature")) == ['{"token": "inside"}']


def test_every_sink_has_words_and_a_line() -> None:
    for sink, words in SINKS.items():
        leak = Leak("config SECRET_KEY", "signing-key", sink, CodePlace("shop.py", 3, "view"), "GET /", "more")
        assert str(leak) == f"shop.py:3 in view(): config SECRET_KEY reached {words} (more), during GET / [{sink}]"
        assert json.dumps(leak.as_dict())


def made() -> flask.Flask:
    app = flask.Flask("watched")
    app.secret_key = "kept-6f1b2c9d8e7a-apart"

    @app.route("/any", methods=["GET", "POST", "PUT"])
    def anything() -> Any:
        flask.session["n"] = 1
        return {
            "got": len(flask.request.get_data()),
            "form": len(flask.request.form),
            "key": flask.current_app.secret_key,
        }

    @app.get("/stream")
    def stream() -> Any:
        key = str(app.secret_key)
        return flask.Response(iter([b"a" * 5000, key[:10].encode(), key[10:].encode(), b"z"]), mimetype="text/plain")

    @app.get("/file")
    def file() -> Any:
        return flask.send_file(io.BytesIO(b"\x00\x01" * 5000), mimetype="application/octet-stream")

    @app.get("/redirect")
    def elsewhere() -> Any:
        return flask.redirect("/any")

    return app


ASKED: list[dict[str, Any]] = [
    {"path": "/any"}, {"path": "/any", "method": "HEAD"}, {"path": "/any", "method": "OPTIONS"}, {"path": "/none"}, {"path": "/stream"},
    {"path": "/file"}, {"path": "/redirect"}, {"path": "/any", "method": "DELETE"},
    {"path": "/any", "method": "POST", "json": {"password": "Abc-123456789"}}, {"path": "/any", "method": "PUT", "data": b"\xff" * 70_000},
    {"path": "/any", "method": "POST", "content_type": "multipart/form-data; boundary=b", "data": b'--b\r\nContent-Disposition: form-data; name="password"\r\n\r\nAbc-123456789\r\n--b--\r\n'},
]  # fmt: skip


def answers(app: flask.Flask) -> list[Any]:
    client = app.test_client(use_cookies=False)
    found = []
    for asked in ASKED:
        answer = client.open(**asked)
        headers = [
            (name, value.partition(".")[0]) for name, value in answer.headers if name != "Date"
        ]  # sessions carry the time
        found.append((answer.status, headers, answer.data))
        answer.close()
    return found


def test_no_answer_changes() -> None:
    bare = answers(made())
    app = made()
    with contextlib.closing(_Stopping(watch(app, lambda _: None))):
        assert answers(app) == bare


class _Stopping:
    def __init__(self, sensor: LeakSensor) -> None:
        self.close = sensor.stop


def test_a_secret_cut_in_two_by_a_stream_is_seen() -> None:
    app, told = made(), list[Leak]()
    sensor = watch(app, told.append)
    assert app.test_client().get("/stream").data.endswith(b"z")
    sensor.stop()
    assert [leak.secret for leak in told] == ["config SECRET_KEY"]


def test_each_leak_is_told_once_also_by_many_threads() -> None:
    app, told = made(), list[Leak]()
    sensor = watch(app, told.append)
    threads = [threading.Thread(target=lambda: app.test_client().get("/any").data) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sensor.stop()
    assert [(leak.sink, leak.route) for leak in told] == [("response", "GET /any")]


def test_it_logs_when_nobody_listens(caplog: pytest.LogCaptureFixture) -> None:
    app = made()
    sensor = watch(app)
    app.test_client().get("/any").close()
    sensor.stop()
    assert [record.name for record in caplog.records] == ["stopper.leaks"]
    assert "config SECRET_KEY" in caplog.text
    assert str(app.secret_key) not in caplog.text


def test_nothing_is_seen_after_the_stop() -> None:
    app, told = made(), list[Leak]()
    sensor = watch(app, told.append)
    sensor.stop()
    app.test_client().get("/any").close()
    logging.getLogger("after").warning("%s", app.secret_key)
    assert told == []
    assert not {"wsgi_app", "handle_exception", "url_for"} & set(vars(app))


def test_two_sensors_may_be_stopped_in_any_order() -> None:
    app = made()
    first, second = list[Leak](), list[Leak]()
    one, two = watch(app, first.append), watch(app, second.append)
    one.stop()
    app.test_client().get("/any").close()
    two.stop()
    app.test_client().get("/any").close()
    assert (len(first), len(second)) == (0, 1)


def test_what_breaks_while_it_is_looked_at_breaks_nothing() -> None:
    class Nasty:
        def __repr__(self) -> str:
            raise RuntimeError("no")

    app = made()
    sensor = watch(app, lambda _: None)
    logger = logging.getLogger("nasty")
    logger.addHandler(logging.NullHandler())
    logger.propagate = False
    logger.warning("fine", extra={"thing": Nasty()})
    sensor.stop()


def test_what_others_replaced_meanwhile_stays() -> None:
    class Owner:
        def act(self) -> str:
            return "bare"

    owner, patches = Owner(), Patches()
    assert patches.put(owner, "act", lambda original: lambda: f"watched {original()}")
    assert not patches.put(owner, "missing", lambda original: original)
    assert not patches.put(3, "real", lambda original: original)
    watched = owner.act
    owner.act = lambda: f"theirs {watched()}"  # type: ignore[method-assign]
    patches.undo()
    assert owner.act() == "theirs watched bare"


def test_two_sensors_see_the_same_request() -> None:
    app = made()
    first, second = list[Leak](), list[Leak]()
    with watch(app, first.append), watch(app, second.append):
        app.test_client().get("/any").close()
    assert [leak.secret for leak in first] == [leak.secret for leak in second] == ["config SECRET_KEY"]


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_a_compressed_answer_is_read(coding: str) -> None:
    app, told = made(), list[Leak]()

    @app.get("/packed")
    def packed() -> Any:
        press = zlib.compressobj(wbits=31 if coding == "gzip" else 15)
        return flask.Response(
            press.compress(str(app.secret_key).encode()) + press.flush(), headers={"Content-Encoding": coding}
        )

    with watch(app, told.append):
        app.test_client().get("/packed").close()
    assert [leak.sink for leak in told] == ["response"]


@given(
    st.binary(max_size=300),
    st.lists(st.tuples(st.sampled_from(["read", "readline", "readinto", "read1"]), st.integers(1, 80)), max_size=30),
)
def test_a_body_is_read_as_before_and_told_once_when_it_was_read_whole(
    body: bytes, steps: list[tuple[str, int]]
) -> None:
    told: list[bytes] = []
    watched, bare = _Input(io.BytesIO(body), len(body), told.append), io.BytesIO(body)
    for name, size in steps:
        if name == "readinto":
            left, right = bytearray(size), bytearray(size)
            assert (watched.readinto(left), left) == (bare.readinto(right), right)
        else:
            assert getattr(watched, name)(size) == getattr(bare, name)(size)
    assert list(watched) == list(bare)
    assert told == ([body] if body else [])
