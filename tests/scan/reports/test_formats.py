"""Each format is what its reader accepts, and hostile texts stay texts in it."""

import json as decoder
import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from jsonschema import Draft202012Validator

from stopper.core.finding import Evidence, Finding
from stopper.core.place import Place, Span
from stopper.scan.report import Coverage, Report, Skip
from stopper.scan.reports import github, html, json, junit, sarif, text
from stopper.scan.reports.shown import fingerprints, shown
from stopper.scan.score import scored

DOCS = Path(__file__).parents[3] / "docs"


# --- JSON ------------------------------------------------------------------------------------------------------------


def test_json_fits_the_published_schema(sample: Report) -> None:
    schema = decoder.loads((DOCS / "report.schema.json").read_text("utf-8"))
    Draft202012Validator.check_schema(schema)
    empty = scored(Report("check", ".", "source", "2026-01-01T00:00:00Z", 0.1))
    for report in (sample, empty):
        Draft202012Validator(schema).validate(decoder.loads(json.render(report)))


def test_the_published_schema_is_the_one_that_the_command_prints() -> None:
    assert json.schema() == (DOCS / "report.schema.json").read_text("utf-8")


def test_the_schema_is_strict() -> None:
    schema = decoder.loads(json.schema())
    found = [schema, *schema["$defs"].values()]
    assert all(one["additionalProperties"] is False for one in found)


def test_json_has_the_contracts_members(sample: Report) -> None:
    document = decoder.loads(json.render(sample))
    assert list(document) == [
        "version", "target", "mode", "started", "seconds", "score", "grade", "coverage", "checks", "findings", "skipped", "errors", "access", "network", "reached",
    ]  # fmt: skip
    first = document["findings"][0]
    assert (first["path"], first["line"], first["end_line"], first["route"], first["method"]) == (
        "app.py", 14, 14, "/notes/{note_id}", "GET",
    )  # fmt: skip
    assert first["places"][0]["line"] == 14
    assert document["coverage"] == {"tested": 27, "total": 28, "percent": 96.4}


# --- evidence ---------------------------------------------------------------------------------------------------------


def test_what_only_says_the_message_once_more_is_not_shown_beside_it(sample: Report) -> None:
    message = "PUT /users/{name}/password says too little: password has no maxLength"
    evidence = Evidence("source", f"openapi.yml:427: PUT /users/{{name}}/password: {message}")
    more = Evidence("source", "openapi.yml:430: no operation has one")
    finding = replace(sample.findings[0], message=message, evidence=(evidence, more))
    (told,) = shown(replace(sample, findings=(finding,))).findings
    assert [one.text for one in told.telling] == [more.text]


# --- order and fingerprints ------------------------------------------------------------------------------------------


@pytest.mark.feature("F30")
def test_findings_come_worst_first(sample: Report) -> None:
    assert [one.severity for one in shown(sample).findings] == ["critical", "high", "medium", "low"]


def _moved(finding: Finding, by: int) -> Finding:
    places = tuple(
        replace(one, span=replace(one.span, line=one.span.line + by, end_line=one.span.end_line + by))
        if one.span
        else one
        for one in finding.places
    )
    return replace(finding, places=places)


def test_a_fingerprint_stays_when_lines_move_and_differs_between_findings(sample: Report) -> None:
    before = fingerprints(sample.findings)
    assert fingerprints([_moved(one, 30) for one in sample.findings]) == before
    assert len(set(before)) == len(before)


def test_two_alike_findings_in_one_file_have_two_fingerprints_in_the_order_of_the_file(sample: Report) -> None:
    one = replace(sample.findings[2], places=(Place(Span("app.py", 5, 5)),))
    other = _moved(one, 10)
    first, second = fingerprints([one, other])
    assert first != second
    assert fingerprints([other, one]) == [second, first]


def test_a_fingerprint_does_not_hold_the_secret_of_a_message(sample: Report) -> None:
    one = replace(sample.findings[2], message="password = 'alpha-secret-1'")
    assert fingerprints([one]) == fingerprints([replace(one, message="password = 'other-secret-22'")])


# --- SARIF -----------------------------------------------------------------------------------------------------------


def _run(report: Report) -> Any:
    log = decoder.loads(sarif.render(report))
    assert log["version"] == "2.1.0"
    return log["runs"][0]


@pytest.mark.feature("F58")
def test_every_sarif_result_has_a_place_in_the_repository(sample: Report) -> None:
    """GitHub refuses a whole upload for one result without a physical location, or with one that is a URL."""
    run = _run(replace(sample, prefix="services/api/"))
    assert "originalUriBaseIds" not in run
    for result in run["results"]:
        for location in (*result["locations"], *result["relatedLocations"]):
            physical = location["physicalLocation"]
            uri = physical["artifactLocation"]["uri"]
            parts = urlsplit(uri)
            assert not parts.scheme
            assert not parts.netloc
            assert not uri.startswith("/")
            assert uri == "." or uri.startswith("services/api/")
            assert re.fullmatch(r"[A-Za-z0-9._~/%-]+", uri)
            assert physical["region"]["startLine"] >= 1


def test_a_finding_of_the_wire_alone_points_at_the_repository_and_names_its_route(sample: Report) -> None:
    result = next(one for one in _run(sample)["results"] if one["ruleId"] == "cross-user-object-access")
    location = result["locations"][0]
    assert location["physicalLocation"]["artifactLocation"]["uri"] == "."
    assert location["logicalLocations"][0]["fullyQualifiedName"] == "GET /notes/{note_id}"
    assert result["partialFingerprints"]["primaryLocationLineHash"]


def test_sarif_refers_only_to_what_it_holds(sample: Report) -> None:
    run = _run(sample)
    rules = run["tool"]["driver"]["rules"]
    taxa = {(taxonomy["name"], taxon["id"]) for taxonomy in run["taxonomies"] for taxon in taxonomy["taxa"]}
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert re.fullmatch("[0-9a-f]{32}", result["partialFingerprints"]["stopper/v1"])
    for rule in rules:
        assert rule["help"]["markdown"].startswith("# ")
        assert {(one["target"]["toolComponent"]["name"], one["target"]["id"]) for one in rule["relationships"]} <= taxa


def test_githubs_security_severity_falls_into_the_band_of_our_severity(sample: Report) -> None:
    bands = {"critical": (9.1, 10), "high": (7, 8.9), "medium": (4, 6.9), "low": (0.1, 3.9)}
    run = _run(sample)
    for result in run["results"]:
        properties = run["tool"]["driver"]["rules"][result["ruleIndex"]]["properties"]
        least, most = bands[result["properties"]["severity"]]
        assert least <= float(properties["security-severity"]) <= most


def test_sarif_says_when_something_could_not_be_read(sample: Report) -> None:
    assert _run(sample)["invocations"][0]["executionSuccessful"] is False
    assert _run(replace(sample, errors=()))["invocations"][0]["executionSuccessful"] is True


# --- HTML ------------------------------------------------------------------------------------------------------------


class Page(HTMLParser):
    """Collects what a browser would act on."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def test_html_asks_the_network_for_nothing_and_runs_only_its_own_script(sample: Report) -> None:
    tags = Page(html.render(sample)).tags
    assert [tag for tag, _ in tags].count("script") == 1
    assert not {tag for tag, _ in tags} & {"img", "link", "iframe", "object", "embed", "base", "a"}
    for tag, attributes in tags:
        assert not [
            name for name in attributes if name.startswith("on") or name in ("src", "href", "style", "action")
        ], tag


def test_html_allows_exactly_its_own_style_and_script(sample: Report) -> None:
    import base64
    import hashlib

    page = html.render(sample)
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', page)
    assert policy
    assert policy.group(1).startswith("default-src 'none'")
    for tag in ("style", "script"):
        held = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        assert len(held) == 1
        digest = base64.b64encode(hashlib.sha256(held[0].encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy.group(1)


def test_html_shows_hostile_texts_as_texts(sample: Report) -> None:
    page = html.render(sample)
    for attack in ("<script>alert(1)", "<img src=x", "<svg onload", "\x1b[31m", "\u202e"):
        assert attack not in page
    assert "&lt;script&gt;alert(1)" in page


@pytest.mark.feature("F58")
def test_html_holds_every_finding_without_its_script(sample: Report) -> None:
    tags = Page(html.render(sample)).tags
    cards = [
        attributes for tag, attributes in tags if tag == "details" and "finding" in (attributes.get("class") or "")
    ]
    assert len(cards) == len(sample.findings)
    assert not [one for one in cards if "hidden" in one]
    filters = next(attributes for tag, attributes in tags if tag == "form")
    assert "hidden" in filters


# --- JUnit, GitHub ---------------------------------------------------------------------------------------------------


@pytest.mark.feature("F58")
def test_junit_parses_and_counts(sample: Report) -> None:
    root = ET.fromstring(junit.render(sample))
    cases = root.findall("testsuite/testcase")
    assert int(root.get("tests", "0")) == len(cases)
    assert int(root.get("failures", "0")) == len(root.findall(".//failure")) == len(sample.findings)
    assert int(root.get("errors", "0")) == len(root.findall(".//error")) == 1
    assert "server-side-request-forgery" in [case.get("name") for case in cases if not len(case)]


def test_no_text_starts_a_workflow_command_of_its_own(sample: Report) -> None:
    lines = github.render(sample).splitlines()
    assert len(lines) == len(sample.findings) + len(sample.errors) + 1
    assert all(re.match(r"::(error|warning|notice) [^:]*::", line) for line in lines)


def test_github_lines_carry_file_and_line_and_escape_properties(sample: Report) -> None:
    finding = replace(sample.findings[2], places=(Place(Span("a,b:c%.py", 3, 4)),))
    line = github.render(replace(sample, findings=(finding,), prefix="api/")).splitlines()[0]
    assert line.startswith("::error file=api/a%2Cb%3Ac%25.py,line=3,endLine=4,title=")


# --- text ------------------------------------------------------------------------------------------------------------


def test_text_fits_80_columns_where_words_allow_it(sample: Report) -> None:
    assert max(len(line) for line in text.render(sample).splitlines()) <= 80


def test_text_is_plain_in_a_pipe_and_coloured_on_request(sample: Report) -> None:
    assert "\x1b" not in text.render(sample)
    coloured = text.render(sample, colour=True)
    assert "\x1b[" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured).split() == text.render(sample).split()


def test_text_never_cuts_a_slug_or_a_place(sample: Report) -> None:
    said = text.render(sample)
    for finding in sample.findings:
        assert f"stopper rules\n        {finding.rule.slug}" in said or f"stopper rules {finding.rule.slug}" in said
    assert "  app.py:14  GET /notes/{note_id}" in said


def test_text_says_the_grade_the_coverage_and_why_the_letter_is_held(sample: Report) -> None:
    said = text.render(sample)
    assert "Grade D   score 70 of 100   96 % of 28 route-methods tested" in said
    assert "Held at D by 1 proven critical finding; the score alone would be C." in said
    assert "broken.py:3" in said
    assert "1 thing could not be read" in said


@pytest.mark.parametrize(
    ("coverage", "words"), [(Coverage(1, 10), "under 60 %"), (Coverage(0, 0), "no route-methods to test")]
)
def test_text_says_why_there_is_no_letter(sample: Report, coverage: Coverage, words: str) -> None:
    assert words in text.render(scored(replace(sample, coverage=coverage)))


def test_evidence_in_the_middle_is_left_out_and_the_effect_is_kept(sample: Report) -> None:
    finding = sample.findings[2]
    many = tuple(replace(finding.evidence[3], text=f"sight {number}") for number in range(9))
    said = text.render(replace(sample, findings=(replace(finding, evidence=many),)))
    assert "sight 0" in said
    assert "sight 8" in said
    assert "sight 4" not in said


@pytest.mark.parametrize("renderer", [text, html])
def test_a_run_that_could_be_nobody_says_so_aloud(sample: Report, renderer: Any) -> None:
    words = "It could log in as nobody"
    assert words not in " ".join(renderer.render(sample).split())
    alone = replace(sample, skipped=(Skip("identities", "nobody was given"),))
    assert words in " ".join(renderer.render(alone).split())
