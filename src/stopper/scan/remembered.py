"""What a run of `check` came to, as JSON and back. Texts are masked before they are written: a cache must hold no secret.

Reading takes nothing on trust: whatever does not have the shape that writing gives is no report at all.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, TypeAlias, get_args

from stopper.core.finding import CONFIDENCES, Evidence, Finding
from stopper.core.place import Place, RouteRef, Span
from stopper.core.rule import SEVERITIES, Edit, How, Rule
from stopper.scan.report import Coverage, ReadError, Report, RuleOutcome
from stopper.scan.reports import masking

Json: TypeAlias = Any
_CERTAINTIES: Final = ("possible", "likely", "certain")
_OUTCOMES: Final = ("pass", "fail", "open", "not-applicable")


def written(report: Report) -> bytes:
    """The part of a report that the source decides: findings, outcomes, errors and coverage."""
    return json.dumps(
        {
            "findings": [_finding(one) for one in report.findings],
            "coverage": [report.coverage.tested, report.coverage.total],
            "outcomes": [[one.slug, one.outcome, masking.line(one.message), one.check] for one in report.outcomes],
            "errors": [[one.path, masking.line(one.message), one.line, one.fatal] for one in report.errors],
        },
        separators=(",", ":"),
    ).encode()


def taken(data: bytes, report: Report, rules: Mapping[str, Rule]) -> Report | None:
    """*report* filled with what was written; None when *data* is anything else."""
    from dataclasses import replace

    try:
        said = json.loads(data)
        return replace(
            report,
            findings=tuple(_read_finding(one, rules) for one in said["findings"]),
            coverage=Coverage(*(_whole(number) for number in said["coverage"])),
            outcomes=tuple(_read_outcome(one, rules) for one in said["outcomes"]),
            errors=tuple(_read_error(one) for one in said["errors"]),
        )
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError):
        return None


def _finding(found: Finding) -> Json:
    edit = found.edit
    return {
        "rule": found.rule.slug,
        "message": masking.line(found.message),
        "places": [[_span(place.span), [place.route.method, place.route.path] if place.route else None] for place in found.places],
        "confidence": found.confidence,
        "evidence": [[one.kind, _evidence_text(one)] for one in found.evidence],
        "certainty": found.certainty,
        "severity": found.severity,
        "each_counts": found.each_counts,
        "edit": [*_edit(edit), [_edit(one) for one in edit.also]] if edit else None,
    }  # fmt: skip


def _edit(edit: Edit) -> list[Json]:
    return [_span(edit.span), edit.text, edit.safe, edit.imports, edit.arguments, edit.how]


def _evidence_text(evidence: Evidence) -> str:
    return masking.source(evidence.text) if evidence.kind == "source" else masking.text(evidence.text)


def _span(span: Span | None) -> Json:
    return [span.path, span.line, span.end_line, span.column, span.end_column] if span is not None else None


def _read_finding(said: Json, rules: Mapping[str, Rule]) -> Finding:
    edit = said["edit"]
    return Finding(
        rules[said["rule"]],
        _text(said["message"]),
        tuple(Place(_read_span(span), _read_route(route)) for span, route in said["places"]),
        _one_of(said["confidence"], CONFIDENCES),
        tuple(Evidence(_one_of(kind, ("source", "running", "spec")), _text(text)) for kind, text in said["evidence"]),
        _one_of(said["certainty"], _CERTAINTIES),
        None if edit is None else _read_edit(edit),
        None if said["severity"] is None else _one_of(said["severity"], SEVERITIES),
        each_counts=said["each_counts"] is True,
    )


def _read_edit(said: Json) -> Edit:
    *own, also = said
    return replace(_read_part(own), also=tuple(_read_part(one) for one in also))


def _read_part(said: Json) -> Edit:
    span, text, safe, imports, arguments, how = said
    where = _read_span(span)
    if where is None:
        raise ValueError("an edit needs a place")
    passed = tuple((_text(name), _text(value)) for name, value in arguments)
    known = _one_of(how, get_args(How))
    return Edit(where, _text(text), safe is True, tuple(_text(one) for one in imports), passed, known)


def _read_span(said: Json) -> Span | None:
    if said is None:
        return None
    path, *numbers = said
    line, end_line, column, end_column = (_whole(number) for number in numbers)
    return Span(_text(path), line, end_line, column, end_column)


def _read_route(said: Json) -> RouteRef | None:
    if said is None:
        return None
    method, path = said
    return RouteRef(_text(method), _text(path))


def _read_outcome(said: Json, rules: Mapping[str, Rule]) -> RuleOutcome:
    slug, outcome, message, _ = said
    rule = rules[slug]
    return RuleOutcome(rule.slug, _one_of(outcome, _OUTCOMES), _text(message), None if said[3] is None else rule.check)


def _read_error(said: Json) -> ReadError:
    path, message, line, fatal = said
    return ReadError(_text(path), _text(message), None if line is None else _whole(line), fatal is not False)


def _text(said: Json) -> str:
    if not isinstance(said, str):
        raise TypeError("not a text")
    return said


def _whole(said: Json) -> int:
    if type(said) is not int or said < 0:
        raise TypeError("not a whole number")
    return said


def _one_of(said: Json, known: tuple[Any, ...]) -> Any:
    if said not in known:
        raise ValueError("not a word of ours")
    return said
