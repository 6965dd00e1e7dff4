"""A detector that is left out because nothing answers its first questions would have found nothing."""

from collections.abc import Iterator

import pytest

from stopper.core.app import App
from stopper.core.fact import TextFile
from stopper.core.facts import SourceFacts, source_of
from stopper.core.rule import Hit, Rule
from stopper.scan.catalogue import load
from stopper.scan.first_questions import all_silent, empty_app, questions_of

DETECTORS = [rule for rule in load() if rule.detect is not None]


def _app(**facts: object) -> App:
    return App(source=SourceFacts(**{"words": frozenset({"\0"}), **facts}))  # type: ignore[arg-type]


@pytest.mark.parametrize("rule", DETECTORS, ids=lambda rule: rule.slug)
def test_every_detector_can_say_what_it_asks_first(rule: Rule):
    assert rule.detect is not None
    asked = questions_of(rule.detect)
    assert asked, "it hears something of an application without facts, or asks what cannot be written down"
    assert all_silent(empty_app(), asked, {})


def test_an_answer_to_a_later_question_needs_an_answer_to_an_earlier_one():
    def detect(app: App) -> Iterator[Hit]:
        if source_of(app).imports("jwt"):
            yield from [Hit(one.path) for one in source_of(app).files_of("env")]

    asked = questions_of(detect)
    assert asked == (("source.imports", ("jwt",), ()),)
    file = TextFile(".env", "env", ("KEY=1",))
    assert all_silent(_app(text_files=(file,)), asked, {})
    assert not list(detect(_app(text_files=(file,))))
    assert not all_silent(_app(imported=frozenset({"jwt"})), asked, {})
    assert list(detect(_app(imported=frozenset({"jwt"}), text_files=(file,))))


def test_what_is_worked_out_once_counts_by_what_it_is_made_of():
    def detect(app: App) -> Iterator[Hit]:
        facts = source_of(app)
        if facts.once("mine", lambda: [one.path for one in facts.files_of("env")]):
            yield Hit("found")

    asked = questions_of(detect)
    assert asked == (("source.files_of", ("env",), ()),)
    assert not all_silent(_app(text_files=(TextFile(".env", "env", ()),)), asked, {})


@pytest.mark.parametrize(
    "body",
    [
        lambda app: [Hit("always")],
        lambda app: [Hit("named")] if app.name else [],
        lambda app: [Hit("object")] if source_of(app).derives(None, *[object()]) else [],
        lambda app: 1 / 0,
    ],
    ids=["finds something in nothing", "hears something", "asks with an object", "breaks"],
)
def test_a_detector_that_cannot_be_foretold_is_always_run(body):
    assert questions_of(body) is None


def test_a_question_that_cannot_be_asked_leaves_the_detector_to_itself():
    assert not all_silent(empty_app(), [("source.no_such_member", (), ())], {})
    assert not all_silent(empty_app(), [("source.calls_matching", ("(",), ())], {})
