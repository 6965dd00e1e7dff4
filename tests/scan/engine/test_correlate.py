"""Correlation: one root cause is one finding, and no finding is surer than what speaks for it."""

from dataclasses import replace
from typing import Any

from stopper.core.app import App, Route
from stopper.core.exchange import Exchange, Request, Response
from stopper.core.fact import ConfigWrite, Function
from stopper.core.facts import SourceFacts
from stopper.core.finding import Evidence, Finding, Verdict
from stopper.core.place import RouteRef, Span
from stopper.core.probe import failed
from stopper.core.rule import Edit, Hit, Rule
from stopper.core.values import Constant
from stopper.scan.correlate import correlate
from stopper.scan.engine import DetectorResult, ProbeResult
from stopper.scan.report import Report, severity_of
from stopper.scan.reports.shown import fingerprints, shown

NOTES, ME = RouteRef("GET", "/notes/{id}"), RouteRef("GET", "/me")
HELPER = Span("app.py", 5, 9)
APP = App(
    routes=(
        Route("/notes/{id}", ("GET",), span=Span("app.py", 20, 25)),
        Route("/me", ("GET",), span=Span("app.py", 30, 33)),
        Route("/login", ("POST",), span=Span("app.py", 40, 45)),
    ),
    source=SourceFacts(
        files=("app.py",),
        all_functions=(
            Function("app.read_token", HELPER), Function("app.show", Span("app.py", 20, 25)), Function("app.me", Span("app.py", 30, 33)),
            Function("app.create_app", Span("app.py", 50, 90)), Function("app.idle", Span("app.py", 95, 99)),
        ),
        all_config=(ConfigWrite("DEBUG", Constant(True), Span("app.py", 60, 60), "item", "app.create_app"),),
        reach={"app.read_token": (RouteRef("GET", "/notes/{note}"),), "app.show": (NOTES,), "app.me": (ME,)},
    ),
    readers=frozenset({"source", "running"}),
)  # fmt: skip
PROOF = Evidence("exchange", "seen", Exchange(Request("GET", "/notes/1"), Response(200)))


def rule(slug: str, **given: Any) -> Rule:
    defaults: dict[str, Any] = {
        "family": "jwt", "title": "t", "harm": "h", "severity": "critical", "check": "authentication", "cwe": (1,), "owasp": "API2:2023",
        "asvs": (), "surfaces": ("source", "wsgi"), "ends": "e",
    }  # fmt: skip
    return Rule(slug=slug, **{**defaults, **given})


def saw(one: Rule, *hits: Hit) -> DetectorResult:
    return DetectorResult(one, hits)


def proved(one: Rule, *routes: RouteRef) -> ProbeResult:
    return ProbeResult(one, Verdict("fail", f"{one.slug} proven", routes, (PROOF,)))


def told(found: tuple[Finding, ...]) -> list[tuple[str, str, list[str]]]:
    return [(one.rule.slug, one.confidence, [str(place) for place in one.places]) for one in found]


def test_a_sign_in_the_source_alone_is_indicated() -> None:
    assert told(correlate(APP, [saw(rule("a"), Hit("m", Span("app.py", 31, 31)))], [])) == [
        ("a", "indicated", ["app.py:31 GET /me"])
    ]


def test_a_proof_alone_is_proven_and_carries_the_views_lines() -> None:
    assert told(correlate(APP, [], [proved(rule("a"), ME)])) == [("a", "proven", ["app.py:30 GET /me"])]


def test_a_proof_on_a_route_that_runs_the_line_confirms_it() -> None:
    a = rule("a")
    (found,) = correlate(APP, [saw(a, Hit("m", Span("app.py", 6, 6)))], [proved(a, NOTES)])
    assert told((found,)) == [("a", "confirmed", ["app.py:6 GET /notes/{id}", "GET /notes/{note}"])]
    assert [one.kind for one in found.evidence] == ["source", "exchange"]


def test_a_proof_on_another_route_confirms_nothing() -> None:
    a = rule("a")
    found = told(correlate(APP, [saw(a, Hit("m", Span("app.py", 6, 6)))], [proved(a, ME)]))
    assert [(slug, sure) for slug, sure, _ in found] == [("a", "proven"), ("a", "indicated")]


def test_what_the_lines_do_not_explain_stays_a_finding_of_the_wire() -> None:
    a = rule("a")
    found = told(correlate(APP, [saw(a, Hit("m", Span("app.py", 6, 6)))], [proved(a, NOTES, ME)]))
    assert [(slug, sure) for slug, sure, _ in found] == [("a", "confirmed"), ("a", "proven")]
    assert found[1][2] == ["app.py:30 GET /me"]


def test_an_effect_is_folded_into_its_cause() -> None:
    cause, effect = rule("cause"), rule("effect", effect_of=("cause",))
    (found,) = correlate(APP, [saw(cause, Hit("m", Span("app.py", 22, 22)))], [proved(effect, NOTES)])
    assert (found.rule.slug, found.confidence) == ("cause", "confirmed")
    assert any("proven by effect" in one.text for one in found.evidence)


def test_an_effect_without_its_cause_stands_alone() -> None:
    cause, effect = rule("cause"), rule("effect", effect_of=("cause",))
    found = told(correlate(APP, [saw(cause, Hit("m", Span("app.py", 97, 97)))], [proved(effect, NOTES)]))
    assert [(slug, sure) for slug, sure, _ in found] == [("effect", "proven"), ("cause", "indicated")]


def test_a_setting_reaches_every_route_also_inside_a_factory() -> None:
    a = rule("a", family="cors")
    for line in (1, 60):
        (found,) = correlate(APP, [saw(a, Hit("m", Span("app.py", line, line)))], [proved(a, NOTES, ME)])
        assert found.confidence == "confirmed"


def test_the_nearest_cause_takes_the_proof() -> None:
    a = rule("a")
    setting, line = Hit("m", Span("app.py", 1, 1)), Hit("m", Span("app.py", 22, 22))
    found = told(correlate(APP, [saw(a, setting, line)], [proved(a, NOTES)]))
    assert [(sure, places[0]) for _, sure, places in found] == [
        ("confirmed", "app.py:22 GET /notes/{id}"),
        ("indicated", "app.py:1"),
    ]


def test_what_is_wrong_with_a_token_may_be_caused_where_it_is_made() -> None:
    a = rule("a")
    seen = [saw(a, Hit("m", Span("app.py", 42, 42)))]
    assert [sure for _, sure, _ in told(correlate(APP, seen, [proved(a, ME)], [RouteRef("POST", "/login")]))] == [
        "confirmed"
    ]
    assert [sure for _, sure, _ in told(correlate(APP, seen, [proved(a, ME)]))] == ["proven", "indicated"]
    other = rule("a", family="cors")
    assert len(correlate(APP, [saw(other, *seen[0].hits)], [proved(other, ME)], [RouteRef("POST", "/login")])) == 2


def test_the_source_and_the_import_of_the_same_source_are_one_reader() -> None:
    a = rule("a")
    hits = (Hit("written", Span("app.py", 1, 1)), Hit("in force"))
    (found,) = correlate(APP, [saw(a, *hits)], [])
    assert found.confidence == "indicated"
    assert [one.kind for one in found.evidence] == ["source", "running"]


def test_the_source_and_the_document_are_two() -> None:
    a = rule("a")
    hits = (Hit("no guard", Span("app.py", 31, 31)), Hit("the document says so", None, ME, reader="spec"))
    (found,) = correlate(APP, [saw(a, *hits)], [])
    assert found.confidence == "corroborated"


def test_two_places_are_two_findings_and_one_place_is_one() -> None:
    a = rule("a")
    hits = (Hit("m", Span("app.py", 31, 31)), Hit("n", Span("app.py", 31, 31)), Hit("m", Span("app.py", 32, 32)))
    assert len(correlate(APP, [saw(a, *hits)], [])) == 2


def test_passed_and_open_probes_accuse_nobody() -> None:
    a = rule("a")
    assert (
        correlate(
            APP,
            [],
            [
                ProbeResult(a, Verdict("pass", "")),
                ProbeResult(a, Verdict("open", "")),
                ProbeResult(a, Verdict("not-applicable", "")),
            ],
        )
        == ()
    )


def test_a_mend_that_breaks_takes_no_finding_away() -> None:
    def fix(app: App, hit: Hit) -> Edit | None:
        raise ValueError

    (found,) = correlate(APP, [saw(rule("a", fix=fix), Hit("m", Span("app.py", 31, 31)))], [])
    assert found.edit is None


def test_the_worst_and_surest_come_first() -> None:
    low, high = rule("a", severity="low"), rule("z", severity="high")
    found = correlate(
        APP,
        [saw(low, Hit("m", Span("app.py", 31, 31))), saw(high, Hit("m", Span("app.py", 22, 22)))],
        [proved(high, ME)],
    )
    assert [(one.rule.slug, one.confidence) for one in found] == [
        ("z", "proven"),
        ("z", "indicated"),
        ("a", "indicated"),
    ]


def test_a_sign_names_its_route_once() -> None:
    """Twice is noise, and a path that ends in "password" with a colon behind it would be masked."""
    place = RouteRef("PUT", "/users/{name}/password")
    app = App(routes=(Route(place.path, ("PUT",)),), readers=frozenset({"spec", "wire"}))
    said = f"{place} says too little"
    (found,) = correlate(app, [saw(rule("a"), Hit(said, None, place))], [])
    assert [one.text for one in found.evidence] == [said]


def test_two_proofs_of_one_effect_on_one_route_are_one_finding_of_the_wire() -> None:
    """An echoed origin, seen by the rule of the echo and by the rule of credentials, is one weakness."""
    cause, effect = rule("cause"), rule("effect", effect_of=("cause",))
    for tried in ([proved(cause, ME), proved(effect, ME)], [proved(effect, ME), proved(cause, ME, NOTES)]):
        (found,) = correlate(APP, [], tried)
        assert (found.rule.slug, found.confidence) == ("cause", "proven")
        assert [one.kind for one in found.evidence] == ["exchange", "effect", "exchange"]


def test_proofs_on_other_routes_stay_two_findings() -> None:
    cause, effect = rule("cause"), rule("effect", effect_of=("cause",))
    assert len(correlate(APP, [], [proved(cause, ME), proved(effect, NOTES)])) == 2


def test_rules_that_name_each_other_leave_one_finding() -> None:
    one, other = rule("one", effect_of=("other",)), rule("other", effect_of=("one",))
    assert len(correlate(APP, [], [proved(one, ME), proved(other, ME)])) == 1


def test_what_a_document_alone_says_is_one_finding_with_every_operation() -> None:
    a = rule("a")
    hits = [
        Hit("GET /me says too little", None, ME, reader="spec"),
        Hit("GET /notes/{id} says too little", None, NOTES, reader="spec"),
    ]
    (found,) = correlate(APP, [saw(a, *hits, Hit("nothing describes 429", None, None, reader="spec"))], [])
    assert [str(place) for place in found.places] == ["GET /me", "GET /notes/{id}"]
    assert found.message == "GET /me says too little (and 2 more of the kind)"
    assert len(found.evidence) == 3


def test_joined_proofs_keep_the_graver_name() -> None:
    """A leaking error is not told as less than it is, because it is seen as a lesser weakness too."""
    cause, effect = rule("cause", severity="medium"), rule("effect", severity="high", effect_of=("cause",))
    for tried in ([proved(cause, ME), proved(effect, ME)], [proved(effect, ME), proved(cause, ME)]):
        (found,) = correlate(App(), [], tried)
        assert (found.rule.slug, len(found.evidence)) == ("effect", 3)


def test_a_proof_may_weigh_less_than_its_rule_and_never_more() -> None:
    grave, small = rule("grave", severity="high"), rule("small", severity="low")
    seen = [Evidence("exchange", "seen")]
    tried = [ProbeResult(one, failed("seen", (ME,), seen, "medium")) for one in (small, grave)]
    other = ProbeResult(rule("other", severity="high"), failed("seen", (ME,), seen))
    found = correlate(App(), [], [*tried, other])
    assert [(one.rule.slug, severity_of(one)) for one in found] == [
        ("other", "high"),
        ("grave", "medium"),
        ("small", "low"),
    ]


def test_a_sign_may_weigh_less_than_its_rule_until_it_is_proven() -> None:
    a = rule("a", severity="high")
    seen = [saw(a, Hit("m", Span("app.py", 6, 6), severity="low"))]
    assert [severity_of(one) for one in correlate(APP, seen, [])] == ["low"]
    assert [severity_of(one) for one in correlate(APP, seen, [proved(a, NOTES)])] == ["high"]


def test_signs_that_name_one_cause_are_one_finding_with_a_place_each() -> None:
    notes = Hit("notes are open", Span("app.py", 20, 25), NOTES, cause="nobody asks")
    me = Hit("me is open", Span("app.py", 30, 33), ME, cause="nobody asks", severity="low")
    alone = Hit("other", Span("app.py", 95, 99))
    both, other = correlate(APP, [saw(rule("open"), notes, me, alone)], [])
    assert told((both,)) == [("open", "indicated", ["app.py:20 GET /notes/{id}", "app.py:30 GET /me"])]
    assert both.message == "notes are open (and 1 more of the kind)"
    assert both.weight == "critical", "the worst of its signs"
    assert other.message == "other"


def test_one_more_place_of_a_cause_is_a_finding_that_nobody_has_accepted() -> None:
    notes = Hit("notes are open", Span("app.py", 20, 25), NOTES, cause="nobody asks")
    me = Hit("me is open", Span("app.py", 30, 33), ME, cause="nobody asks")
    more = replace(me, span=Span("app.py", 95, 99), route=RouteRef("PUT", "/me"))
    two = correlate(APP, [saw(rule("open"), notes, me)], [])
    three = correlate(APP, [saw(rule("open"), notes, me, more)], [])
    moved = correlate(APP, [saw(rule("open"), notes, replace(me, span=Span("app.py", 97, 99)))], [])
    assert fingerprints(two) == fingerprints(moved)
    assert fingerprints(two) != fingerprints(three)


def test_what_is_left_of_several_places_says_nothing_of_the_others() -> None:
    notes = Hit("notes are open", Span("app.py", 20, 25), NOTES, cause="nobody asks")
    me = Hit("me is open", Span("app.py", 30, 33), ME, cause="nobody asks")
    more = Hit("more is open", Span("app.py", 95, 99), RouteRef("PUT", "/me"), cause="nobody asks")
    (found,) = correlate(APP, [saw(rule("open"), notes, me, more)], [])
    assert found.message == "notes are open (and 2 more of the kind)"
    left = found.at(found.places[1:])
    assert left.message == "me is open (and 1 more of the kind)"
    assert [one.text for one in left.evidence] == [
        "app.py:30 GET /me: me is open",
        "app.py:95 PUT /me: more is open",
    ]
    assert left.at(left.places[1:]).message == "more is open"
    (alone,) = correlate(APP, [saw(rule("shut"), replace(notes, cause=""))], [])
    assert replace(alone, places=()) == alone.at(())


def test_places_that_each_count_are_listed_once() -> None:
    notes = Hit("notes are open", Span("app.py", 20, 25), NOTES, cause="nobody asks")
    me = Hit("me is open", Span("app.py", 30, 33), ME, cause="nobody asks")
    found = correlate(APP, [saw(rule("open"), notes, me)], [])
    (listed,) = shown(Report("check", ".", "source", "2026-01-01T00:00:00+00:00", 0.1, found)).findings
    assert len(listed.places) == 2
    assert listed.telling == ()
    (proven,) = correlate(APP, [saw(rule("open"), notes, me)], [proved(rule("open"), ME)])
    (listed,) = shown(Report("check", ".", "source", "2026-01-01T00:00:00+00:00", 0.1, (proven,))).findings
    assert [one.kind for one in listed.telling] == [one.kind for one in proven.evidence if one.kind != "source"]


def test_a_proof_at_one_of_its_places_confirms_the_whole() -> None:
    notes = Hit("notes are open", Span("app.py", 20, 25), NOTES, cause="nobody asks")
    me = Hit("me is open", Span("app.py", 30, 33), ME, cause="nobody asks")
    (found,) = correlate(APP, [saw(rule("open"), notes, me)], [proved(rule("open"), ME)])
    assert found.confidence == "confirmed"
    assert {str(place.route): place.span and place.span.line for place in found.places} == {
        "GET /me": 30,
        "GET /notes/{id}": 20,
    }
