"""Scans of live servers, with and without a document, and of servers that behave badly."""

import importlib.util
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, jsonify, request
from tests.scan.engine.leak_rules import CHANGED, LITTERING, PEOPLE, SIGNATURE
from tests.scan.engine.sample_app import BAD, GOOD
from werkzeug.serving import WSGIRequestHandler, make_server

from stopper.core.errors import IncompleteError, UsageError
from stopper.core.probe import Identity
from stopper.core.secret import Secret
from stopper.scan.options import ProbeOptions
from stopper.scan.run import run_scan

RULES = (CHANGED, SIGNATURE)


class Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: object) -> None:
        pass


@contextmanager
def served(app: Any) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def shop(folder: Path, text: str) -> Flask:
    (folder / "shop.py").write_text(text, encoding="utf-8")
    spec = importlib.util.spec_from_file_location("live_shop", folder / "shop.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    app: Flask = module.app
    return app


def logged(app: Flask) -> list[str]:
    """Every method and path that reaches *app*."""
    seen: list[str] = []
    app.before_request_funcs.setdefault(None, []).insert(0, lambda: seen.append(f"{request.method} {request.path}"))
    return seen


def options(**given: Any) -> ProbeOptions:
    return replace(ProbeOptions(rules=RULES, mode="active"), **given)


DOCUMENT = {
    "openapi": "3.0.0",
    "servers": [{"url": "https://production.example/"}],
    "paths": {
        "/register": {"post": {"requestBody": {"content": {"application/json": {"schema": {"type": "object", "properties": {"email": {"type": "string"}, "password": {"type": "string"}}}}}}}},
        "/login": {"post": {}},
        "/notes": {"get": {"security": [{"t": []}]}, "post": {"security": [{"t": []}]}},
    },
}  # fmt: skip


def test_a_crawl_alone_finds_the_way_in_and_the_weakness(tmp_path: Path) -> None:
    with served(shop(tmp_path, BAD)) as url:
        report = run_scan(url, options())
    (found,) = report.findings
    assert (found.rule, found.confidence) == (CHANGED, "proven")
    assert str(found.places[0]) == "GET /notes"
    assert report.errors == ()
    assert report.coverage.percent == 100


def test_the_sound_shop_has_no_finding(tmp_path: Path) -> None:
    with served(shop(tmp_path, GOOD)) as url:
        report = run_scan(url, options())
    assert report.findings == ()
    assert {one.slug: one.outcome for one in report.outcomes} == {
        "changed-token-accepted": "pass",
        "signature-unread": "not-applicable",
    }


def test_a_document_is_found_by_itself_and_its_servers_are_not_asked(tmp_path: Path) -> None:
    app = shop(tmp_path, BAD)
    app.add_url_rule("/openapi.json", "document", lambda: jsonify(DOCUMENT))
    with served(app) as url:
        report = run_scan(url, options())
    assert [one.confidence for one in report.findings] == ["proven"]
    assert report.coverage.total == 5, "the document's four, and the start page that it leaves out"


def test_a_small_document_may_be_one_of_several(tmp_path: Path) -> None:
    """Flask-RESTX serves one for each part of an API."""
    app = shop(tmp_path, BAD)
    parts = [{**DOCUMENT, "paths": dict([pair])} for pair in DOCUMENT["paths"].items()]  # type: ignore[attr-defined]
    for place, part in zip(("/swagger.json", "/api/swagger.json", "/apispec.json"), parts, strict=True):
        app.add_url_rule(place, place, lambda part=part: jsonify(part))
    with served(app) as url:
        report = run_scan(url, options())
    assert [one.confidence for one in report.findings] == ["proven"]
    assert report.coverage.total == 5


def test_a_document_may_be_given_as_a_file_or_an_address(tmp_path: Path) -> None:
    (tmp_path / "api.json").write_text(json.dumps(DOCUMENT), encoding="utf-8")
    app = shop(tmp_path, BAD)
    app.add_url_rule("/hidden", "document", lambda: jsonify(DOCUMENT))
    with served(app) as url:
        for place in (str(tmp_path / "api.json"), f"{url}/hidden"):
            assert run_scan(url, options(spec=place)).coverage.total == 5
        with pytest.raises(UsageError, match="it answers 404"):
            run_scan(url, options(spec=f"{url}/none"))


def test_a_passive_scan_sends_nothing_but_reading(tmp_path: Path) -> None:
    app = shop(tmp_path, BAD)
    seen = logged(app)
    carol = Identity("carol", (), subject="c@example.com", password=Secret("carols-own-password"))
    with served(app) as url:
        report = run_scan(url, options(mode="passive", identities=(carol,)))
    assert {line.split()[0] for line in seen} <= {"GET", "HEAD", "OPTIONS"}
    assert len(seen) > 10
    assert any(one.what == "identities" for one in report.skipped)
    assert any(one.what == "POST /notes" for one in report.skipped)


def test_a_default_scan_logs_in_and_writes_nothing(tmp_path: Path) -> None:
    app = shop(tmp_path, BAD)
    app.test_client().post("/register", json={"email": "c@example.com", "password": "carols-own-password"})
    seen = logged(app)
    carol = Identity("carol", (), subject="c@example.com", password=Secret("carols-own-password"))
    with served(app) as url:
        report = run_scan(url, options(mode="default", identities=(carol,)))
    assert {line for line in seen if line.split()[0] not in ("GET", "HEAD", "OPTIONS")} == {"POST /login"}
    assert [one.confidence for one in report.findings] == ["proven"]


def test_a_hazard_is_never_sent_and_told(tmp_path: Path) -> None:
    app = shop(tmp_path, BAD)
    app.add_url_rule(
        "/openapi.json",
        "document",
        lambda: jsonify({**DOCUMENT, "paths": {**DOCUMENT["paths"], "/admin/shutdown": {"post": {}}}}),  # type: ignore[dict-item]
    )
    seen = logged(app)
    with served(app) as url:
        report = run_scan(url, options())
    assert "POST /admin/shutdown" not in seen
    assert "POST /admin/shutdown" in [one.what for one in report.skipped]


def test_the_budget_is_kept_and_its_end_is_an_incomplete_run(tmp_path: Path) -> None:
    app = shop(tmp_path, BAD)
    seen = logged(app)
    with served(app) as url:
        report = run_scan(url, options(max_requests=60))
    assert report.requests <= 60
    assert len(seen) <= 62  # the first and the last look at the host are beside it
    assert any("--max-requests" in one.message for one in report.errors)


def test_a_prefix_in_the_address_stands_before_every_path(tmp_path: Path) -> None:
    from werkzeug.middleware.dispatcher import DispatcherMiddleware

    app = shop(tmp_path, BAD)
    document = {**DOCUMENT, "servers": []}
    app.add_url_rule("/openapi.json", "document", lambda: jsonify(document))
    with served(DispatcherMiddleware(Flask("outer"), {"/api/v2": app})) as url:
        report = run_scan(f"{url}/api/v2", options())
    assert [str(one.places[0]) for one in report.findings] == ["GET /api/v2/notes"]


def test_no_finding_hides_that_nobody_was_logged_in(tmp_path: Path) -> None:
    with served(shop(tmp_path, BAD)) as url:
        report = run_scan(url, options(mode="default", rules=(PEOPLE,)))
    assert next(one.what for one in report.skipped) == "identities"


def test_an_account_that_does_not_work_is_told_without_its_password(tmp_path: Path) -> None:
    carol = Identity("carol", (), subject="c@example.com", password=Secret("carols-own-password"))
    with served(shop(tmp_path, BAD)) as url:
        report = run_scan(url, options(mode="default", identities=(carol,)))
    assert any("carol could not log in" in one.reason for one in report.skipped)
    assert "carols-own" not in repr(report.skipped)


def test_a_dead_host_is_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(
        IncompleteError, match=r"does not answer \(no connection: connection refused\); is it running\?"
    ):
        run_scan(f"http://127.0.0.1:{port}", options())


Talk = Callable[[socket.socket], None]


@contextmanager
def raw(talk: Talk) -> Iterator[str]:
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                link, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=one, args=(link,), daemon=True).start()

    def one(link: socket.socket) -> None:
        with link:
            link.settimeout(5)
            try:
                link.recv(65536)
                talk(link)
            except OSError:
                return

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.close()


def test_a_server_of_garbage_is_incomplete() -> None:
    with (
        raw(lambda link: link.sendall(b"\0\1\2garbage\r\n\r\n")) as url,
        pytest.raises(IncompleteError, match="is not HTTP"),
    ):
        run_scan(url, options())


def test_a_server_that_says_yes_to_everything_is_no_finding() -> None:
    """The false alarms of others: a public page answers 200 to every token, so no token was accepted."""
    answer = (
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\nContent-Length: 14\r\n\r\n<h1>hello</h1>"
    )
    with raw(lambda link: link.sendall(answer)) as url:
        report = run_scan(url, options(max_requests=300))
    assert report.findings == ()


def test_a_server_that_refuses_everything_is_no_finding() -> None:
    answer = b"HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    with raw(lambda link: link.sendall(answer)) as url:
        report = run_scan(url, options(max_requests=300))
    assert report.findings == ()
    assert report.errors != ()


def test_a_host_that_dies_during_the_scan_is_an_incomplete_run() -> None:
    calls: list[int] = []

    def talk(link: socket.socket) -> None:
        calls.append(1)
        if len(calls) < 10:
            link.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi")

    with raw(talk) as url:
        report = run_scan(url, options(max_requests=200))
    assert any("stopped answering" in one.message for one in report.errors)


def test_what_the_scan_created_is_deleted_at_the_end_and_nothing_else(tmp_path: Path) -> None:
    note = {"type": "object", "properties": {"text": {"type": "string"}}}
    post = {"requestBody": {"content": {"application/json": {"schema": note}}}}
    paths = {**DOCUMENT["paths"], "/notes": {"get": {}, "post": post}, "/notes/{id}": {"delete": {}}}  # type: ignore[dict-item]
    (tmp_path / "api.json").write_text(json.dumps({**DOCUMENT, "paths": paths}), encoding="utf-8")
    app = shop(tmp_path, BAD)
    client = app.test_client()
    account = {"email": "c@example.com", "password": "carols-own-password"}
    client.post("/register", json=account)
    token = client.post("/login", json=account).get_json()["access_token"]
    client.post("/notes", json={"text": "carol's"}, headers={"Authorization": f"Bearer {token}"})
    with served(app) as url:
        report = run_scan(url, options(rules=(LITTERING,), spec=str(tmp_path / "api.json")))
    assert [one.outcome for one in report.outcomes] == ["pass"]
    import sqlite3

    base = sqlite3.connect(tmp_path / "shop.db")
    assert base.execute("select text from notes").fetchall() == [("carol's",)]
    base.close()


@pytest.mark.parametrize("status", [500, 502, 429])
def test_an_api_that_only_fails_is_not_called_clean(status: int) -> None:
    """Every route answers 5xx or 429: nothing was seen, so there is no letter and the run is incomplete."""
    app = Flask(__name__)
    document = {"openapi": "3.0.0", "paths": {"/notes": {"get": {}}, "/users": {"get": {}}}}
    app.add_url_rule("/openapi.json", view_func=lambda: jsonify(document))
    app.add_url_rule("/notes", "notes", lambda: ("down", status))
    app.add_url_rule("/users", "users", lambda: ("down", status))
    with served(app) as url:
        report = run_scan(url, options(mode="default"))
    assert (report.coverage.tested, report.coverage.total, report.grade) == (0, 2, None)
    assert any(error.fatal and "5xx" in error.message for error in report.errors)
    assert {skip.what for skip in report.skipped} >= {"GET /notes", "GET /users"}


def test_one_route_that_fails_is_told_and_lowers_the_coverage() -> None:
    app = Flask(__name__)
    document = {"openapi": "3.0.0", "paths": {"/notes": {"get": {}}, "/users": {"get": {}}}}
    app.add_url_rule("/openapi.json", view_func=lambda: jsonify(document))
    app.add_url_rule("/notes", "notes", lambda: jsonify(notes=[]))
    app.add_url_rule("/users", "users", lambda: ("down", 500))
    with served(app) as url:
        report = run_scan(url, options(mode="default"))
    assert (report.coverage.tested, report.coverage.total) == (1, 2)
    assert [skip.what for skip in report.skipped if "5xx" in skip.reason] == ["GET /users"]


def test_https_typed_for_a_plain_server_is_told_how_to_type_it() -> None:
    with served(Flask(__name__)) as url, pytest.raises(IncompleteError, match=f"plain http there: type {url}"):
        run_scan(url.replace("http://", "https://"), options())


def shelf(things: list[str], *, ends: bool = False) -> Flask:
    """Accounts and *things*, and no way to delete either; where it *ends* accounts, a way to delete those."""
    app = Flask(__name__)
    known: dict[str, str] = {}
    texts = {"type": "object", "properties": {"email": {"type": "string"}, "password": {"type": "string"}}}
    account = {"requestBody": {"content": {"application/json": {"schema": texts}}}}
    paths = {"/register": {"post": account}, "/login": {"post": account}, "/things": {"post": {}}}
    paths |= {"/users/{name}": {"get": {}, "delete": {}}} if ends else {}
    app.add_url_rule("/openapi.json", view_func=lambda: jsonify({"openapi": "3.0.0", "paths": paths}))

    @app.post("/register")
    def register() -> Any:
        known[request.json["email"]] = request.json["password"]
        return {}, 201

    @app.post("/login")
    def login() -> Any:
        said = request.json
        return {"token": said["email"]} if known.get(said["email"]) == said["password"] else ({}, 401)

    @app.post("/things")
    def add() -> Any:
        things.append("")
        return {"id": len(things)}, 201

    @app.route("/users/<name>", methods=["GET", "DELETE"])
    def user(name: str) -> Any:
        if not ends or name not in known:
            return {}, 404
        if request.method == "DELETE":
            del known[name]
        return {"email": name}

    return app


def test_what_a_scan_could_not_take_back_is_told() -> None:
    """A person must know which accounts and things are still in the database."""
    things: list[str] = []
    with served(shelf(things)) as url:
        report = run_scan(url, options())
    told = {skip.what: skip.reason for skip in report.skipped}
    assert "this scan registered alice-" in told["test people"]
    assert told["POST /things"].startswith(f"{len(things)} things that this scan made stayed there")


def test_who_was_deleted_when_the_scan_ended_is_not_told() -> None:
    with served(shelf([], ends=True)) as url:
        report = run_scan(url, options())
    assert not [skip.reason for skip in report.skipped if skip.what == "test people"]


def test_a_scan_that_wrote_nothing_leaves_nothing_behind() -> None:
    with served(shelf([])) as url:
        report = run_scan(url, options(mode="default"))
    assert not [skip for skip in report.skipped if "stayed there" in skip.reason or skip.what == "test people"]
