"""Runs detectors over the model. One that fails says so in one line and stops nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from stopper.core.app import App
from stopper.core.deployment.desk_files import is_shown_only
from stopper.core.finding import Outcome
from stopper.core.redactor import mask
from stopper.core.rule import SEVERITIES, Hit, Rule
from stopper.scan.first_questions import Question, all_silent


@dataclass(frozen=True, slots=True)
class DetectorResult:
    """What one rule's detector saw. ``error`` is one line when it failed half-way."""

    rule: Rule
    hits: tuple[Hit, ...]
    error: str = ""


def run_detectors(app: App, rules: Sequence[Rule], *, tests: bool = False) -> tuple[DetectorResult, ...]:
    """Ask every detector. Hits in test files are dropped unless *tests*, or unless the rule is of the family ``ci`` or reads tests.
    A line of the source at which another rule says the same (``Rule.repeats``) is told by that one alone."""
    known: dict[Question, bool] = {}
    seen = tuple(
        DetectorResult(rule, ())
        if _finds_nothing(app, rule, known)
        else _detect(app, rule, tests or rule.family == "ci" or rule.reads_tests)
        for rule in rules
        if rule.detect is not None
    )
    return tuple(_unsaid(one, seen) for one in seen)


def _finds_nothing(app: App, rule: Rule, known: dict[Question, bool]) -> bool:
    """That nothing answers what the detector asks first; only of rules that were taken from the index."""
    questions: tuple[Question, ...] | None = getattr(rule.detect, "questions", None)
    return questions is not None and app.source is not None and all_silent(app, questions, known)


def _unsaid(one: DetectorResult, seen: Sequence[DetectorResult]) -> DetectorResult:
    """*one* without the lines of the source of which a stronger rule speaks already, unless what that says there weighs less."""
    stronger = one.rule.repeats
    if not one.hits or not stronger:
        return one
    told: dict[tuple[str, int], int] = {}
    for other in seen:
        for hit in other.hits if other.rule.slug in stronger else ():
            if hit.span is not None:
                place = hit.span.path, hit.span.line
                told[place] = max(told.get(place, 0), _weight(other.rule, hit))
    left = tuple(
        hit
        for hit in one.hits
        if hit.span is None or told.get((hit.span.path, hit.span.line), -1) < _weight(one.rule, hit)
    )
    return replace(one, hits=left)


def _weight(rule: Rule, hit: Hit) -> int:
    return SEVERITIES.index(hit.severity or rule.severity)


def _detect(app: App, rule: Rule, tests: bool) -> DetectorResult:
    hits: dict[Hit, None] = {}
    try:
        for hit in rule.detect(app) if rule.detect is not None else ():
            if tests or app.source is None or not app.source.is_test(hit.span):
                hits.setdefault(_weighed(app, hit))
    except Exception as error:  # noqa: BLE001 - one broken rule must not hide what the others find
        return DetectorResult(rule, tuple(hits), f"the detector of {rule.slug} stopped: {one_line(error)}")
    return DetectorResult(rule, tuple(hits))


def _weighed(app: App, hit: Hit) -> Hit:
    """A hit in a sample or at somebody's desk, beside an application that ships, weighs ``low``."""
    if hit.span is None or app.source is None or hit.severity == "low" or not is_shown_only(app.source, hit.span):
        return hit
    message = f"{hit.message} (in a file that is no part of the application, by its folder)"
    return replace(hit, message=message, certainty="possible", severity="low")


def one_line(error: BaseException) -> str:
    """An error in one masked line."""
    text = " ".join(mask(str(error)).split())
    return f"{type(error).__name__}: {text[:200]}" if text else type(error).__name__


def outcome_of(result: DetectorResult) -> Outcome:
    """What a detector's result says of its rule."""
    if result.error:
        return "open"
    return "fail" if result.hits else "pass"
