"""The engine: a probe that breaks is one open outcome, what was done is taken back, and nothing forbidden is done."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask, jsonify, request

from stopper.core.app import App, Route
from stopper.core.exchange import Request
from stopper.core.fact import Text
from stopper.core.facts import SourceFacts
from stopper.core.finding import Evidence, Verdict
from stopper.core.place import RouteRef, Span
from stopper.core.probe import (
    Depth,
    Mode,
    Skipped,
    Steps,
    Target,
    compute,
    failed,
    listen,
    passed,
    send,
    together,
    undo,
    unsure,
)
from stopper.core.probing.baseline import tries
from stopper.core.rule import Hit, Probe, Rule, Surface
from stopper.scan.engine import not_for, readers_first, run_detectors, run_probe, run_probes
from stopper.scan.surface.honest import HonestRequests
from stopper.scan.tokens.forge import TokenForge
from stopper.scan.wire.courier import Courier
from stopper.scan.wire.wsgi import WsgiTransport


def rule(slug: str = "a-rule", *, probe: Probe | None = None, **given: Any) -> Rule:
    defaults: dict[str, Any] = {
        "family": "jwt", "title": "t", "harm": "h", "severity": "high", "check": "authentication", "cwe": (1,), "owasp": "API2:2023",
        "asvs": (), "surfaces": ("wsgi", "http"), "ends": "e",
    }  # fmt: skip
    return Rule(slug=slug, probe=probe, **{**defaults, **given})


def notes_app() -> tuple[Flask, list[str]]:
    app = Flask(__name__)
    notes: list[str] = []

    @app.get("/notes")
    def read() -> Any:
        return jsonify(notes)

    @app.post("/notes")
    def write() -> Any:
        notes.append(request.get_json()["text"])
        return jsonify(id=notes[-1]), 201

    @app.delete("/notes/<name>")
    def remove(name: str) -> Any:
        notes.remove(name)
        return "", 204

    return app, notes


def target(app: Flask, mode: Mode = "active", depth: Depth = "deep", **courier: Any) -> tuple[Target, Courier]:
    carrier = Courier(WsgiTransport(app), mode=mode, **courier)
    return Target(App(), "wsgi", "http://localhost", mode, depth, TokenForge(), HonestRequests()), carrier


POST = Request("POST", "/notes", (("Content-Type", "application/json"),), b'{"text": "x"}', "write")


def test_a_probe_that_breaks_is_open_with_one_line() -> None:
    def probe(_: Target) -> Steps[Verdict]:
        yield from send(Request("GET", "/notes"))
        raise ValueError("two\nlines")

    verdict = run_probe(rule(probe=probe), *target(notes_app()[0])).verdict
    assert verdict.outcome == "open"
    assert verdict.message == "the probe of a-rule stopped: ValueError: two lines"


def test_a_probe_that_breaks_before_its_first_step_is_open_too() -> None:
    def probe(_: Target) -> Any:
        raise KeyError("x")

    assert run_probe(rule(probe=probe), *target(notes_app()[0])).verdict.outcome == "open"


@pytest.mark.parametrize("returned", [None, "fail", Verdict("fail", "no proof")])
def test_a_verdict_without_proof_accuses_nobody(returned: Any) -> None:
    def probe(_: Target) -> Any:
        yield from send(Request("GET", "/notes"))
        return returned

    assert run_probe(rule(probe=probe), *target(notes_app()[0])).verdict.outcome == "open"


@pytest.mark.parametrize("crashes", [False, True])
def test_what_was_done_is_taken_back_also_after_a_crash(crashes: bool) -> None:
    app, notes = notes_app()
    seen: list[list[str]] = []

    def probe(_: Target) -> Steps[Verdict]:
        yield from send(POST)
        yield from undo(Request("DELETE", "/notes/x", effect="write"))
        seen.append(list(notes))
        if crashes:
            raise RuntimeError
        return passed("done")

    run_probe(rule(probe=probe), *target(app))
    assert seen == [["x"]]
    assert notes == []


def test_taking_back_goes_backwards_and_past_the_budget() -> None:
    app, notes = notes_app()

    def probe(_: Target) -> Steps[Verdict]:
        yield from send(POST)
        yield from undo(Request("DELETE", "/notes/x", effect="write"))
        yield from send(Request("GET", "/notes"))
        return passed("never reached")

    verdict = run_probe(rule(probe=probe), *target(app, max_requests=1)).verdict
    assert verdict.outcome == "open"
    assert "--max-requests" in verdict.message
    assert notes == []


def test_a_forbidden_step_is_an_exception_the_probe_may_handle() -> None:
    def probe(_: Target) -> Steps[Verdict]:
        try:
            yield from send(POST)
        except Skipped:
            answer = yield from send(Request("GET", "/notes"))
            return passed(answer.response.text.strip())
        return passed("written")

    app, notes = notes_app()
    assert run_probe(rule(probe=probe), *target(app, "passive")).verdict == passed("[]")
    assert notes == []


def test_a_probe_without_end_is_stopped() -> None:
    def probe(_: Target) -> Steps[Verdict]:
        while True:
            yield from compute(lambda: 1)

    assert "did not end" in run_probe(rule(probe=probe), *target(notes_app()[0])).verdict.message


def test_every_step_has_its_answer() -> None:
    import urllib.request

    def probe(_: Target) -> Steps[Verdict]:
        number = yield from compute(lambda: 6 * 7)
        both = yield from together([Request("GET", "/notes"), Request("GET", "/nothing")])
        ear = yield from listen()
        urllib.request.urlopen(f"{ear.url}/heard?x=1", timeout=5).close()
        heard = ear.hits()[0]
        return passed(f"{number} {[one.response.status for one in both]} {heard.method} {heard.target}")

    assert run_probe(rule(probe=probe), *target(notes_app()[0])).verdict.message == "42 [200, 404] GET /heard?x=1"


def test_a_listener_is_closed_when_the_probe_ends() -> None:
    import urllib.request

    urls: list[str] = []

    def probe(_: Target) -> Steps[Verdict]:
        urls.append((yield from listen()).url)
        return passed("")

    run_probe(rule(probe=probe), *target(notes_app()[0]))
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(urls[0], timeout=5)


def test_probes_run_side_by_side_and_answers_keep_the_order_of_the_rules() -> None:
    meet = threading.Barrier(3)

    def probe(_: Target) -> Steps[Verdict]:
        yield from compute(lambda: meet.wait(10))
        return passed("met")

    rules = [rule(f"r-{index}", probe=probe) for index in range(3)]
    results = run_probes(target(notes_app()[0])[0], rules, target(notes_app()[0])[1], workers=3)
    assert [(one.rule.slug, one.verdict.message) for one in results] == [("r-0", "met"), ("r-1", "met"), ("r-2", "met")]


def test_probes_that_mostly_read_come_before_those_that_mostly_change() -> None:
    """What was read is shared until something is written."""
    asked = [rule("changes", check="input-validation"), rule("b", check="inventory"), rule("a", check="transport")]
    assert [one.slug for one in readers_first(asked)] == ["a", "b", "changes"]


def test_errors_are_provoked_when_inputs_have_been_tried() -> None:
    order: list[str] = []

    def noted(name: str) -> Probe:
        def probe(_: Target) -> Steps[Verdict]:
            order.append(name)
            yield from compute(lambda: None)
            return passed("")

        return probe

    asked = [
        rule("minor", check="input-validation", severity="low", probe=noted("minor")),
        rule("errors", check="data-exposure", probe=noted("errors"), provokes=True),
        rule("inputs", check="input-validation", severity="critical", probe=noted("inputs")),
        rule("fields", check="data-exposure", probe=noted("fields")),
    ]
    run_probes(target(notes_app()[0])[0], asked, target(notes_app()[0])[1], workers=1)
    assert order == ["fields", "inputs", "errors", "minor"]


def test_a_budget_that_runs_out_costs_what_weighs_least() -> None:
    """Of the probes that change things, the gravest weakness is looked for first."""
    asked = [
        rule(severity, check="input-validation", severity=severity)
        for severity in ("low", "critical", "medium", "high")
    ]
    assert [one.slug for one in readers_first(asked)] == ["critical", "high", "medium", "low"]


def test_probes_that_mostly_read_have_ended_when_those_that_mostly_change_begin() -> None:
    changing = threading.Event()

    def reads(_: Target) -> Steps[Verdict]:
        early = yield from compute(lambda: changing.wait(0.3))
        return passed("nothing changed meanwhile") if not early else unsure("something changed meanwhile")

    def changes(_: Target) -> Steps[Verdict]:
        yield from compute(changing.set)
        return passed("changed")

    rules = [rule("changes", probe=changes, check="input-validation"), rule("reads", probe=reads, check="transport")]
    results = run_probes(target(notes_app()[0])[0], rules, target(notes_app()[0])[1], workers=2)
    assert [one.verdict.outcome for one in results] == ["pass", "pass"]


def test_one_broken_probe_leaves_the_others_alone() -> None:
    def bad(_: Target) -> Any:
        raise RuntimeError

    def good(_: Target) -> Steps[Verdict]:
        answer = yield from send(Request("GET", "/notes"))
        return failed("proof", [RouteRef("GET", "/notes")], [Evidence("exchange", "seen", answer)])

    where, courier = target(notes_app()[0])
    results = run_probes(where, [rule("bad", probe=bad), rule("good", probe=good)], courier)
    assert [one.verdict.outcome for one in results] == ["open", "fail"]


def test_ctrl_c_takes_back_before_it_goes_on() -> None:
    app, notes = notes_app()

    def probe(_: Target) -> Steps[Verdict]:
        yield from send(POST)
        yield from undo(Request("DELETE", "/notes/x", effect="write"))
        for _ in range(1500):
            yield from compute(lambda: threading.Event().wait(0.01))
            yield from send(Request("GET", "/notes"))
        return passed("never")

    where, courier = target(app, max_requests=10_000)
    calls: list[int] = []

    def interrupt(what: str, done: int, total: int) -> None:
        calls.append(done)

    def quick(_: Target) -> Steps[Verdict]:
        yield from compute(lambda: None)
        return passed("")

    import _thread

    def breaker() -> None:
        while not notes:
            threading.Event().wait(0.01)
        _thread.interrupt_main()

    threading.Thread(target=breaker, daemon=True).start()
    with pytest.raises(KeyboardInterrupt):
        run_probes(where, [rule("slow", probe=probe), rule("quick", probe=quick)], courier, progress=interrupt)
    assert notes == []
    assert courier.stopping.is_set()


@pytest.mark.parametrize(
    ("surfaces", "surface", "runs"),
    [
        (("wsgi",), "http", False),
        (("http",), "https", True),
        (("https",), "http", False),
        (("http",), "wsgi", False),
        (("wsgi",), "wsgi", True),
    ],
)
def test_a_rule_runs_on_its_surfaces_only(surfaces: tuple[Surface, ...], surface: Surface, runs: bool) -> None:
    assert (not_for(rule(surfaces=surfaces), surface, "deep") == "") is runs


def test_a_deep_rule_waits_for_a_deep_scan() -> None:
    assert "--depth deep" in not_for(rule(depth="deep"), "wsgi", "standard")
    assert not_for(rule(depth="quick"), "wsgi", "quick") == ""


def test_a_detector_that_breaks_keeps_what_it_saw() -> None:
    def detect(_: App) -> Iterator[Hit]:
        yield Hit("seen", Span("a.py", 1, 1))
        raise ValueError("then broke")

    (result,) = run_detectors(App(), [rule(detect=detect)])
    assert [hit.message for hit in result.hits] == ["seen"]
    assert "then broke" in result.error


def test_hits_in_tests_are_dropped_unless_the_rule_is_about_them() -> None:
    def detect(_: App) -> Iterator[Hit]:
        yield Hit("here", Span("test_a.py", 1, 1))
        yield Hit("here", Span("a.py", 1, 1))
        yield Hit("here", Span("a.py", 1, 1))

    app = App(
        source=SourceFacts(files=("a.py", "test_a.py"), tests=frozenset({"test_a.py"}), all_texts=tuple[Text, ...]())
    )
    plain, about = run_detectors(app, [rule(detect=detect), rule("b", detect=detect, family="ci")])
    assert [hit.span.path for hit in plain.hits if hit.span] == ["a.py"]
    assert [hit.span.path for hit in about.hits if hit.span] == ["test_a.py", "a.py"]


def test_routes_are_left_as_they_are() -> None:
    route = Route("/notes", ("GET",))
    assert HonestRequests()(route, "GET").target == "/notes"


def test_no_outcome_is_lost_when_many_probes_end_at_once() -> None:
    """Two workers once wrote the progress at the same moment; one of them died and took its rules with it."""
    done: list[int] = []

    def probe(_: Target) -> Steps[Verdict]:
        yield from compute(lambda: None)
        return passed("")

    rules = [rule(f"r-{index}", probe=probe) for index in range(200)]
    where, courier = target(notes_app()[0])
    results = run_probes(where, rules, courier, workers=8, progress=lambda what, count, total: done.append(count))
    assert len(results) == 200
    assert done == list(range(1, 201))


@pytest.mark.parametrize("disturbs", [False, True])
def test_only_a_probe_that_says_so_may_end_a_shared_session(disturbs: bool) -> None:
    """A probe that sent wrong bodies everywhere once logged alice out, and the others found no protected route any more."""
    app = Flask("out")
    ended: list[str] = []
    app.add_url_rule("/auth/logout", view_func=lambda: ended.append("x") or "", methods=["GET", "POST"])

    def probe(_: Target) -> Steps[Verdict]:
        yield from send(Request("POST", "/auth/logout", effect="write"))  # as nobody: nothing can end
        yield from send(Request("POST", "/auth/logout", effect="write", identity="alice"))
        return passed("sent")

    verdict = run_probe(rule(probe=probe, disturbs=disturbs), *target(app)).verdict
    assert verdict.outcome == ("pass" if disturbs else "open")
    assert len(ended) == (2 if disturbs else 1)


def test_a_part_of_the_budget_is_kept_for_the_probes_that_run_last() -> None:
    app, _ = notes_app()
    given, courier = target(app, max_requests=48)

    def greedy(_: Target) -> Steps[Verdict]:
        while True:
            yield from send(Request("GET", "/notes"))

    def last(_: Target) -> Steps[Verdict]:
        for _ in range(6):
            yield from send(Request("GET", "/notes"))
        return passed("six answers")

    told = run_probes(given, [rule("a-greedy", probe=greedy), rule("a-last", probe=last, disturbs=True)], courier)
    assert [one.verdict.outcome for one in told] == ["open", "pass"]
    assert courier.sent == 48
    assert courier.exhausted


def test_of_a_large_api_a_search_tries_fewer_routes_but_half_at_least() -> None:
    def tried(size: int, depth: Depth) -> int:
        app = App(routes=tuple(Route(f"/r{number}", ("GET",)) for number in range(size)))
        return tries(Target(app, "wsgi", "http://localhost", "active", depth, TokenForge(), HonestRequests()))

    assert [tried(size, "standard") for size in (10, 50, 75, 500)] == [30, 30, 20, 15]
    assert tried(500, "deep") == 100
