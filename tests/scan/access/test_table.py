"""The table of a whole audit: what answers prove joins what was traced and read."""

import json
from dataclasses import replace

import pytest

from stopper.core.app import Access, App, Guard, Route
from stopper.core.exchange import Request
from stopper.scan.access.join import joined, with_answers
from stopper.scan.access.row import Row
from stopper.scan.access.trace import Traced
from stopper.scan.access.witness import Answered, is_bare
from stopper.scan.audit.parent import run_audit
from stopper.scan.options import ProbeOptions
from stopper.scan.reports import html, text
from stopper.scan.reports import json as json_report

pytestmark = pytest.mark.feature("F71")

APP = """\
from flask import Flask, request

app = Flask(__name__)
ANSWERS = {True: ("me", 200), False: ("who?", 401)}


@app.post("/session")
def log_in():
    body = request.get_json(silent=True) or {}
    if body.get("email") == "ann@example.com" and body.get("password") == "right":
        return {"token": "right-token-of-ann"}
    return {"error": "wrong"}, 401


@app.get("/me")
def me():
    return ANSWERS[request.headers.get("Authorization") == "Bearer right-token-of-ann"]


@app.get("/health")
def health():
    return "<ok>"
"""


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Row]:
    folder = tmp_path_factory.mktemp("shop")
    (folder / "shop.py").write_text(APP, encoding="utf-8")
    report = run_audit("shop:app", ProbeOptions(rules=(), root=folder))
    assert report.network in ("namespace", "hooks")
    said = text.render(report)
    assert "Who may pass (4 doors" in said
    assert "GET     /me" in said
    page = html.render(report)
    assert "Open to anyone" in page
    assert "shop.py:16" in page
    (me,) = [one for one in json.loads(json_report.render(report))["access"] if one["route"] == "/me"]
    assert (me["state"], me["known"], me["path"], me["line"]) == ("guarded", "proven", "shop.py", 16)
    return {f"{row.method} {row.path}": row for row in report.access}


def test_an_answer_proves_what_the_source_hides(rows: dict[str, Row]) -> None:
    me = rows["GET /me"]
    assert (me.state, me.basis, me.who) == ("guarded", "proven", "the view itself")
    assert (rows["GET /health"].state, rows["GET /health"].basis) == ("open", "proven")


def test_a_refused_log_in_does_not_make_it_a_guarded_door(rows: dict[str, Row]) -> None:
    assert rows["POST /session"].state == "open"


POLICY = Guard("bearer", "policy", True, "running")
DECLARED = Access("guarded", (POLICY,), "the policy bearer", "declared")


def test_a_policy_stands_unless_a_bare_request_was_seen_to_pass_it() -> None:
    assert joined(DECLARED, Traced("stopped", "stopped")) == DECLARED
    assert joined(DECLARED, Traced("reached", "went round", is_straight=False)) == DECLARED
    assert joined(DECLARED, Traced("reached", "seen")).state == "open"


@pytest.mark.parametrize(
    ("known", "said", "state", "basis"),
    [
        (Access("open", (), "", "traced"), Answered(let_in=200), "open", "proven"),
        (Access("open", (), "", "traced"), Answered(refused=401), "guarded", "proven"),
        (Access("unknown", (), "", "unknown"), Answered(refused=403), "guarded", "proven"),
        (Access("guarded", (), "", "read"), Answered(let_in=200), "open", "proven"),
        (Access("guarded", (), "", "traced"), Answered(let_in=200), "guarded", "traced"),
        (DECLARED, Answered(let_in=200), "guarded", "declared"),
        (Access("open", (), "", "traced"), Answered(), "open", "traced"),
    ],
)
def test_what_an_answer_proves(known: Access, said: Answered, state: str, basis: str) -> None:
    app = App(routes=(Route("/a", ("GET",), "a", access={"GET": known}, readers=frozenset({"running"})),))
    found = with_answers(app, {("/a", "GET", "a"): said}).routes[0].access["GET"]
    assert (found.state, found.basis) == (state, basis)


def test_only_a_request_that_shows_nothing_counts() -> None:
    bare = Request("GET", "/a", (("Accept", "*/*"),))
    assert is_bare(bare)
    assert not is_bare(bare.with_headers(("Authorization", "Bearer x")))
    assert not is_bare(bare.with_headers(("Cookie", "session=x")))
    assert not is_bare(replace(bare, identity="alice"))
    assert not is_bare(replace(bare, target="/a?access_token=x"))
    assert is_bare(replace(bare, target="/a?page=2"))
