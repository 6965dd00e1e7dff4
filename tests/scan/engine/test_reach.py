"""Who got what: honest requests of real people count, tricks and forged credentials do not."""

from flask import Flask, abort, request
from tests.scan.engine.test_scan import RULES, served

from stopper.core.app import App, Route
from stopper.core.exchange import Request, Response
from stopper.core.place import RouteRef
from stopper.core.probe import Identity
from stopper.core.secret import Secret
from stopper.scan.options import ProbeOptions
from stopper.scan.reach_table import table
from stopper.scan.reached import Reached
from stopper.scan.run import run_scan
from stopper.scan.wire.reach_log import ReachLog

KEYS = {"key-alice-1": "alice", "key-bob-22": "bob"}
ALICE = (("X-API-Key", "key-alice-1"),)
APP = App(
    "x",
    "x",
    (
        Route("/users/{name}", ("GET",), parameters=(("name", "string"),)),
        Route("/users/me", ("GET",)),
        Route("/notes", ("GET", "POST")),
    ),
)


def rows(log: ReachLog) -> dict[str, dict[str, str]]:
    return {str(row.ref): {cell.who: cell.state for cell in row.cells} for row in table(APP, log)}


def asked(target: str, *headers: tuple[str, str], who: str | None = None, method: str = "GET") -> Request:
    return Request(method, target, (("Accept", "application/json"), *headers), identity=who)


def test_an_honest_request_fills_the_cell_of_who_sent_it() -> None:
    log = ReachLog()
    log.learn(asked("/notes?page=2"), Response(401), None)
    log.learn(asked("/notes", *ALICE, who="alice"), Response(200), ALICE)
    log.learn(asked("/users/me", *ALICE, who="alice"), Response(200), ALICE)
    assert rows(log) == {
        "GET /notes": {"": "refused", "alice": "in"},
        "GET /users/me": {"alice": "in"},
    }


def test_what_a_probe_varies_fills_no_cell() -> None:
    log = ReachLog("http://127.0.0.1:5000")
    for one in (
        asked("/notes", ("X-API-Key", "key-alice-forged"), who="alice"),
        asked("/notes", ("Authorization", "Bearer forged")),
        asked("/notes", ("Cookie", "session=forged")),
        asked("/notes", ("X-Forwarded-For", "127.0.0.1")),
        asked("/notes", *ALICE, ("X-Original-URL", "/admin"), who="alice"),
        asked("/notes", *ALICE, ("Origin", "https://evil.example"), who="alice"),
        asked("/notes?access_token=forged"),
        asked("/notes?api%5Fkey=forged"),
        asked("/notes", who="alice"),
        asked("/notes", ("X-API-Key", "key-alice-1"), ("X-API-Key", "forged"), who="alice"),
    ):
        log.learn(one, Response(200), ALICE)
    assert rows(log) == {}


def test_whoever_got_in_once_got_in_and_every_status_is_kept() -> None:
    log = ReachLog()
    for status in (404, 200, 500):
        log.learn(asked("/users/ann"), Response(status), None)
    (row,) = table(APP, log)
    assert row.cells[0].state == "in"
    assert row.cells[0].statuses == (200, 404, 500)


def guarded() -> Flask:
    app = Flask("guarded")

    @app.get("/openapi.json")
    def document() -> dict[str, object]:
        paths = {path: {"get": {}} for path in ("/mine", "/alice", "/open", "/logout-all")}
        return {"openapi": "3.0.0", "paths": {**paths, "/write": {"post": {}}}}

    def who() -> str:
        return KEYS.get(request.headers.get("X-API-Key", "")) or abort(401)

    @app.get("/open")
    def free() -> dict[str, str]:
        return {"it": "is"}

    @app.get("/mine")
    def mine() -> dict[str, str]:
        return {"you": who()}

    @app.get("/alice")
    def hers() -> dict[str, str]:
        return {"it": "is hers"} if who() == "alice" else abort(403)

    @app.get("/logout-all")
    def logout_all() -> dict[str, str]:
        return {"out": who()}

    @app.post("/write")
    def write() -> tuple[dict[str, str], int]:
        return {"by": who()}, 201

    return app


def scanned(mode: str) -> dict[RouteRef, Reached]:
    people = [Identity(name, (("X-API-Key", Secret(key)),)) for key, name in KEYS.items()]
    with served(guarded()) as url:
        report = run_scan(url, ProbeOptions(rules=RULES, identities=tuple(people), mode=mode))  # type: ignore[arg-type]
    return {row.ref: row for row in report.reached}


def test_a_live_scan_tells_who_reads_what() -> None:
    found = scanned("passive")

    def states(path: str) -> list[str | None]:
        return [found[RouteRef("GET", path)].state(who) for who in ("", "alice", "bob")]

    assert states("/open") == ["in", "in", "in"]
    assert states("/mine") == ["refused", "in", "in"]
    assert states("/alice") == ["refused", "in", "refused"]


def test_nothing_that_writes_or_ends_access_is_asked_to_fill_the_table() -> None:
    found = scanned("passive")
    assert RouteRef("POST", "/write") not in found
    assert found[RouteRef("GET", "/logout-all")].state("alice") is None
