"""Who got what in the reports: every cell says what was seen, many rows stay readable, hostile names stay texts."""

import json as decoder
from dataclasses import replace

from stopper.core.place import RouteRef
from stopper.scan.reached import Cell, Reached
from stopper.scan.report import Report
from stopper.scan.reports import html, json, text

EVIL = '/x/<script>alert(1)</script>"><img src=x onerror=alert(2)>/\x1b[31m\u202e'


def row(path: str, method: str = "GET", **cells: tuple[str, tuple[int, ...]]) -> Reached:
    made = [Cell("" if who == "nobody_" else who, state, statuses) for who, (state, statuses) in cells.items()]  # type: ignore[arg-type]
    return Reached(RouteRef(method, path), tuple(sorted(made, key=lambda one: one.who)))


def with_rows(report: Report, *rows: Reached) -> Report:
    return replace(report, reached=rows)


NOTES = row("/notes/{id}", nobody_=("refused", (401,)), alice=("in", (200, 404)), bob=("refused", (403,)))
HEALTH = row("/health", nobody_=("in", (200,)))


def test_json_has_a_cell_for_each_who_asked(sample: Report) -> None:
    document = decoder.loads(json.render(with_rows(sample, HEALTH, NOTES)))
    assert document["reached"][0] == {
        "method": "GET", "route": "/health", "cells": [{"who": "nobody", "got": "in", "statuses": [200]}],
    }  # fmt: skip
    assert [cell["who"] for cell in document["reached"][1]["cells"]] == ["nobody", "alice", "bob"]


def test_text_shows_first_what_nobody_may_have(sample: Report) -> None:
    shown = text.render(with_rows(sample, NOTES, HEALTH))
    table = shown[shown.index("Who got what") :].splitlines()[1:4]
    assert [line.split() for line in table] == [
        ["nobody", "alice", "bob"],
        ["GET", "/health", "200", "–", "–"],
        ["GET", "/notes/{id}", "401", "200,", "404", "403"],
    ]


def test_text_stays_within_its_width(sample: Report) -> None:
    people = {f"person-with-a-long-name-{number}": ("in", (200, 201, 400, 404, 500)) for number in range(9)}
    rows = [row(f"/{'deep/' * 30}{number}", **people) for number in range(300)]
    shown = text.render(with_rows(sample, *rows))
    table = shown[shown.index("Who got what") :].split("\n\n")[0].splitlines()
    assert max(map(len, table)) <= 80
    assert len(table) == 23
    assert "280 more route-methods and 5 more columns" in table[-1]


def test_a_person_who_is_named_nobody_is_told_from_nobody(sample: Report) -> None:
    both = row("/me", nobody_=("refused", (401,)), nobody=("in", (200,)))
    cells = decoder.loads(json.render(with_rows(sample, both)))["reached"][0]["cells"]
    assert [(cell["who"], cell["got"]) for cell in cells] == [("no credential", "refused"), ("nobody", "in")]


def test_hostile_routes_and_names_stay_texts(sample: Report) -> None:
    evil = Reached(RouteRef("GET", EVIL), (Cell("<svg onload=alert(3)>", "in", (200,)),))
    page = html.render(with_rows(sample, evil))
    assert "<script>alert(1)" not in page
    assert "<img src=x onerror=alert(2)" not in page
    assert "<svg onload" not in page
    assert "\x1b" not in text.render(with_rows(sample, evil)) + page
    assert "\u202e" not in page


def test_html_has_a_row_for_each_route_method(sample: Report) -> None:
    page = html.render(with_rows(sample, *(row(f"/r/{number}", alice=("in", (200,))) for number in range(300))))
    assert page.count("<th scope=row>") == 300
    assert "Who got what (300 route-methods)" in page


def test_html_marks_what_nobody_gets(sample: Report) -> None:
    page = html.render(with_rows(sample, HEALTH, NOTES))
    assert '<td class="in nobody"' in page
    assert "1 of them lets in who shows no credential." in page
