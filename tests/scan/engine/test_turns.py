"""Probes take turns where a budget will not do for all of them."""

import threading

import pytest
from flask import Flask
from tests.scan.engine.test_engine import notes_app, rule, target

from stopper.core.app import Route
from stopper.core.exchange import Request
from stopper.core.finding import Verdict
from stopper.core.probe import Skipped, Steps, Target, passed, question, send
from stopper.core.rule import Rule
from stopper.scan.engine import run_probe
from stopper.scan.order_of_probes import by_turns
from stopper.scan.room import is_little
from stopper.scan.turns import OF_ONE, Turn, Turns
from stopper.scan.wire.courier import Courier
from stopper.scan.wire.wsgi import WsgiTransport


def _courier(most: int) -> Courier:
    return Courier(WsgiTransport(Flask("empty")), max_requests=most)


def _run(rules: list[Rule], courier: Courier, asks: dict[str, int]) -> dict[str, int]:
    """How many requests each of *rules* could send that would ask so many."""
    sent = dict.fromkeys(asks, 0)

    def run(one: Rule, turn: Turn | None) -> None:
        for number in range(asks[one.slug]):
            if turn is not None:
                turn.asks()
            try:
                courier.carry(Request("GET", f"/{one.slug}/{number}"))
            except Skipped:
                return
            sent[one.slug] += 1

    by_turns(rules, [], courier, run)
    return sent


def test_who_asks_little_is_done_before_who_asks_much() -> None:
    """What goes through all routes takes nothing from what looks at one door."""
    asks = {"much": 200, "more": 200, "little": 4, "few": 9}
    sent = _run([rule(slug) for slug in asks], _courier(120), asks)
    assert (sent["little"], sent["few"]) == (4, 9)
    assert sum(sent.values()) == 120
    assert min(sent["much"], sent["more"]) > 3 * OF_ONE


def test_who_waits_for_what_another_finds_holds_up_nobody() -> None:
    """A probe that waits for a search of another one lets that one ask meanwhile."""
    turns, found = Turns(1, threading.Event()), threading.Event()

    def waits() -> None:
        with Turn(turns, 0, 0) as turn:
            turn.works_out(lambda: found.wait(10))

    def finds() -> None:
        with Turn(turns, 0, 1) as turn:
            for _ in range(3 * OF_ONE):
                turn.asks()
            found.set()

    threads = [threading.Thread(target=one, daemon=True) for one in (waits, finds)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert found.is_set()
    assert not any(thread.is_alive() for thread in threads)


def test_many_routes_make_a_budget_little() -> None:
    """A thousand requests do for ten routes and not for forty."""
    ten, forty = ([Route(f"/{number}", ("GET",)) for number in range(count)] for count in (10, 40))
    assert not is_little(_courier(1000), ten)
    assert is_little(_courier(1000), forty)


@pytest.mark.parametrize(("questions", "reads"), [(1, 2), (2, 1)])
def test_another_question_need_not_ask_anew(questions: int, reads: int) -> None:
    """Within one question what is asked twice is read twice; the next one knows what was read before it."""

    def probe(_: Target) -> Steps[Verdict]:
        for number in range(2):
            if number < questions:
                yield from question()
            yield from send(Request("GET", "/notes"))
        return passed("asked twice")

    aim, courier = target(notes_app()[0])
    run_probe(rule("asks", probe=probe), aim, courier)
    assert courier.sent == reads
