"""A cause that a stronger rule has proven is told once, and only that cause."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import pytest

from stopper.core.app import App
from stopper.core.exchange import Exchange, Request, Response
from stopper.core.finding import Evidence, Verdict
from stopper.core.place import RouteRef, Span
from stopper.core.rule import Hit, Rule, Severity
from stopper.scan.detecting import DetectorResult, run_detectors
from stopper.scan.echoes import without_echoes, without_refuted
from stopper.scan.engine import ProbeResult
from stopper.scan.reached import NOBODY, Cell, Reached

BOOK, LOGIN = RouteRef("GET", "/books/{title}"), RouteRef("POST", "/login")
STRONG = Rule("strong", "injection", "t", "h", "critical", "input-validation", (1,), "API8:2023", (), ("wsgi",), "e")
WEAK = replace(STRONG, slug="weak", severity="low", echo_of=("strong",))
PLAIN = Request("GET", "/books/x")


def body(**members: object) -> Request:
    return Request("POST", "/login", body=json.dumps(members).encode())


def proved(rule: Rule, *shown: tuple[RouteRef, Request]) -> ProbeResult:
    evidence: list[Evidence] = []
    for ref, request in shown:
        control = Request(ref.method, PLAIN.target if ref is BOOK else "/login")
        evidence += [
            Evidence("exchange", "control: honest", Exchange(control, Response(200))),
            Evidence("exchange", "it fails", Exchange(request, Response(500))),
        ]
    routes = tuple(ref for ref, _ in shown)
    return ProbeResult(rule, Verdict("fail", f"{routes[0]} fails", routes, tuple(evidence)))


def left(weak: ProbeResult, strong: ProbeResult, seen: Sequence[DetectorResult] = ()) -> Verdict:
    _, tried = without_echoes(seen, [weak, strong])
    assert tried[1] == strong
    return tried[0].verdict


def test_the_same_quote_in_the_same_part_of_the_path_is_told_by_the_stronger_rule_alone() -> None:
    strong = proved(STRONG, (BOOK, Request("GET", "/books/canary9'")))
    assert left(proved(WEAK, (BOOK, Request("GET", "/books/canary%27"))), strong).outcome == "not-applicable"


def test_another_input_of_the_same_route_is_another_cause() -> None:
    strong = proved(STRONG, (LOGIN, body(name="x'", password="p")))
    for other in (body(), body(name={"a": [1]}, password="p"), body(name="x", password="p'")):
        weak = proved(WEAK, (LOGIN, other))
        assert left(weak, strong) == weak.verdict


def test_another_path_is_another_cause() -> None:
    strong = proved(STRONG, (BOOK, Request("GET", "/books/x%27")))
    people = RouteRef("GET", "/people/{name}")
    weak = proved(WEAK, (people, Request("GET", "/people/x%27")))
    assert left(weak, strong) == weak.verdict


def test_what_is_left_stays_with_its_own_evidence() -> None:
    strong = proved(STRONG, (BOOK, Request("GET", "/books/x%27")))
    verdict = left(proved(WEAK, (BOOK, Request("GET", "/books/y%27")), (LOGIN, body())), strong)
    assert (verdict.outcome, verdict.message, verdict.routes) == ("fail", "POST /login fails", (LOGIN,))
    assert {one.exchange.request.target for one in verdict.evidence if one.exchange} == {"/login"}


def test_signs_are_left_out_where_the_stronger_rule_is_proven_and_this_one_is_not() -> None:
    signs = [DetectorResult(WEAK, (Hit("the document is silent", reader="spec"),))]
    strong = proved(STRONG, (BOOK, PLAIN))
    passed = ProbeResult(WEAK, Verdict("open", "no limit was reached"))
    assert without_echoes(signs, [passed, strong])[0][0].hits == ()
    assert without_echoes(signs, [passed])[0][0].hits == signs[0].hits
    assert without_echoes(signs, [proved(WEAK, (LOGIN, body())), strong])[0][0].hits == signs[0].hits


def test_a_line_at_which_another_rule_says_the_same_is_told_by_that_one_alone() -> None:
    """What only echoes a proof is told of a line all the same: its mend may be another."""
    here, there = Span("Dockerfile", 3, 3, 1, 9), Span("Dockerfile", 4, 4, 1, 9)
    strong = replace(STRONG, detect=lambda _: iter([Hit("a secret", here)]))
    weak = replace(WEAK, detect=lambda _: iter([Hit("a credential", here), Hit("a credential", there)]))
    for one_of_two, left in ((replace(weak, echo_of=(), repeats=("strong",)), [there]), (weak, [here, there])):
        both = run_detectors(App(), (one_of_two, strong))
        assert [[hit.span for hit in one.hits] for one in both] == [left, [here]]


@pytest.mark.parametrize(("weight", "told"), [("low", True), ("high", False), (None, False)])
def test_a_line_is_told_by_both_where_what_the_other_rule_says_weighs_less(weight: Severity | None, told: bool) -> None:
    here = Span("app.py", 3, 3, 1, 9)
    strong = replace(STRONG, severity="high", detect=lambda _: iter([Hit("shows people", here, severity=weight)]))
    weak = replace(
        WEAK, severity="medium", echo_of=(), repeats=("strong",), detect=lambda _: iter([Hit("for developers", here)])
    )
    first, _ = run_detectors(App(), (weak, strong))
    assert bool(first.hits) is told


def test_what_a_document_says_of_guards_is_left_out_where_nobody_is_let_in() -> None:
    said = [Hit("asks for no key", None, ref, reader="spec") for ref in (BOOK, LOGIN)]
    document = replace(STRONG, family="inventory")
    rows = [Reached(BOOK, (Cell(NOBODY, "refused", (401,)),)), Reached(LOGIN, (Cell(NOBODY, "in", (200,)),))]
    guards, itself = without_refuted([DetectorResult(STRONG, tuple(said)), DetectorResult(document, tuple(said))], rows)
    assert guards.hits == (said[1],)
    assert itself.hits == (replace(said[0], severity="medium"), said[1])


@pytest.mark.parametrize(("state", "severity"), [("refused", "medium"), ("in", None)])
def test_a_document_without_any_security_weighs_less_where_the_server_asks(
    state: Literal["refused", "in"], severity: str | None
) -> None:
    whole = DetectorResult(replace(STRONG, family="inventory"), (Hit("names no scheme", None, reader="spec"),))
    (told,) = without_refuted([whole], [Reached(BOOK, (Cell(NOBODY, state, (401,)),))])
    assert [hit.severity for hit in told.hits] == [severity]
