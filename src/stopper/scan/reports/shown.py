"""A report as every format shows it: plain masked values, worst first. No format looks behind this file."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from stopper.core.digests import sha256
from stopper.core.finding import CONFIDENCES, Confidence, Evidence, Finding
from stopper.core.place import Place
from stopper.core.rule import SEVERITIES, Certainty, Check, Severity
from stopper.scan.access.row import Row
from stopper.scan.remedies import remedy
from stopper.scan.report import Command, Coverage, Report, severity_of
from stopper.scan.reports import masking
from stopper.scan.reports.shown_reach import ShownReach, reach_of
from stopper.scan.score import cap, letter, why_no_letter

if TYPE_CHECKING:
    from stopper.core.exchange import Exchange

CHECK_NAMES: Final[Mapping[Check, str]] = {
    "authentication": "Authentication",
    "object-authorization": "Object-level authorization (BOLA)",
    "function-authorization": "Function-level authorization (BFLA)",
    "property-authorization": "Property authorization",
    "input-validation": "Input validation",
    "rate-limiting": "Rate limiting",
    "data-exposure": "Data exposure",
    "transport": "Encryption and transport",
    "ssrf": "Server-side request forgery",
    "inventory": "Inventory",
    "unsafe-consumption": "Unsafe consumption",
    "llm": "LLM and AI",
}
_DIGITS: Final = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class ShownExchange:
    """One request with its response, masked."""

    method: str
    target: str
    identity: str | None
    request_headers: tuple[tuple[str, str], ...]
    request_body: str
    status: int
    response_headers: tuple[tuple[str, str], ...]
    response_body: str
    seconds: float
    truncated: bool
    error: str | None

    @property
    def result(self) -> str:
        """The status, or what came instead of one."""
        return str(self.status) if self.status else (self.error or "no answer")


@dataclass(frozen=True, slots=True)
class ShownEvidence:
    """One thing that was seen, masked."""

    kind: str
    text: str
    exchange: ShownExchange | None
    repeats: bool = False
    """The text only says the finding's message once more."""


@dataclass(frozen=True, slots=True)
class ShownPlace:
    """Where. ``line`` is None for a route whose source is not known."""

    path: str | None = None
    line: int | None = None
    end_line: int | None = None
    column: int | None = None
    end_column: int | None = None
    route: str | None = None
    method: str | None = None

    def __str__(self) -> str:
        where = f"{self.path}:{self.line}" if self.path else ""
        route = f"{self.method} {self.route}" if self.route else ""
        return "  ".join(part for part in (where, route) if part) or "the whole application"


@dataclass(frozen=True, slots=True)
class ShownFinding:
    """One finding, masked. ``places`` has at least one entry."""

    rule: str
    family: str
    title: str
    harm: str
    mend: str
    """What to do about it in any application."""
    ends: str
    """What of Stopper ends it."""
    severity: Severity
    confidence: Confidence
    certainty: Certainty
    check: Check
    cwe: tuple[int, ...]
    owasp: str
    asvs: tuple[str, ...]
    message: str
    places: tuple[ShownPlace, ...]
    evidence: tuple[ShownEvidence, ...]
    fingerprint: str
    fix_safe: bool | None
    fix_diff: str

    @property
    def place(self) -> ShownPlace:
        """The first place."""
        return self.places[0]

    @property
    def telling(self) -> tuple[ShownEvidence, ...]:
        """The evidence without texts that only repeat the message."""
        return tuple(one for one in self.evidence if one.exchange or not one.repeats)

    @property
    def exchanges(self) -> tuple[ShownEvidence, ...]:
        """The evidence that is an exchange, the baseline first."""
        return tuple(one for one in self.evidence if one.exchange)


@dataclass(frozen=True, slots=True)
class ShownGuard:
    """One thing that stops somebody at a door, masked."""

    name: str
    kind: str
    path: str | None
    line: int | None


@dataclass(frozen=True, slots=True)
class ShownDoor:
    """One row of the access table, masked. ``known`` says how it is known."""

    method: str
    route: str
    endpoint: str
    state: str
    who: str
    known: str
    how: str
    path: str | None
    line: int | None
    guards: tuple[ShownGuard, ...]


@dataclass(frozen=True, slots=True)
class Shown:
    """One run, masked. ``held`` is the sentence that says why the letter is lower than the score's own, or why there is none."""

    command: Command
    target: str
    mode: str
    started: str
    seconds: float
    score: int | None
    grade: str | None
    held: str | None
    coverage: Coverage
    checks: tuple[tuple[Check, int | None], ...]
    findings: tuple[ShownFinding, ...]
    skipped: tuple[tuple[str, str], ...]
    errors: tuple[tuple[str, int | None, str, bool], ...]
    requests: int
    prefix: str
    doors: tuple[ShownDoor, ...] = ()
    network: str = ""
    reach: ShownReach = field(default_factory=ShownReach)

    @property
    def unit(self) -> str:
        """What the coverage counts."""
        noun = "file" if self.command == "check" else "route-method"
        return noun if self.coverage.total == 1 else f"{noun}s"

    @property
    def confirmed(self) -> str:
        """A sentence on how many findings are confirmed, or ``""``."""
        number = sum(finding.confidence == "confirmed" for finding in self.findings)
        verb = "is" if number == 1 else "are"
        return f"{number} {verb} confirmed: a request showed the effect, and the line is known." if number else ""

    @property
    def logged_out(self) -> str:
        """The sentence that a run which could be nobody must say aloud, or ``""``: half of an API is behind its login."""
        notes = [reason for what, reason in self.skipped if what == "identities"]
        if any("nobody" in note for note in notes):
            return "It could log in as nobody, so what only a known caller sees was not tested."
        return "Not every identity could log in." if notes else ""

    def count(self, severity: Severity) -> int:
        """How many findings have that severity."""
        return sum(finding.severity == severity for finding in self.findings)


def shown(report: Report) -> Shown:
    """*report* with every text masked and the findings sorted: severity, confidence, place."""
    prints = fingerprints(report.findings)
    findings = [_finding(one, prints[index], report.diffs) for index, one in enumerate(report.findings)]
    return Shown(
        command=report.command,
        target=masking.where(report.target),
        mode=masking.line(report.mode),
        started=masking.line(report.started),
        seconds=round(report.seconds, 3),
        score=report.score,
        grade=report.grade,
        held=_held(report),
        coverage=report.coverage,
        checks=tuple(report.checks.items()),
        findings=tuple(sorted(findings, key=_order)),
        skipped=tuple((masking.where(one.what), masking.line(one.reason)) for one in report.skipped),
        errors=tuple(
            (masking.where(one.path), one.line, masking.line(one.message), one.fatal) for one in report.errors
        ),
        requests=report.requests,
        prefix=masking.line(report.prefix),
        doors=tuple(_door(row) for row in report.access),
        network=report.network,
        reach=reach_of(report.reached),
    )


def fingerprints(findings: Sequence[Finding]) -> list[str]:
    """One stable name for each finding: of its rule, file, route and message, never of a line; of all its routes where each of them counts.
    Alike ones are numbered."""
    keys = [_key(finding) for finding in findings]
    order = sorted(range(len(findings)), key=lambda index: (keys[index], _first_line(findings[index]), index))
    seen: Counter[str] = Counter()
    made: dict[int, str] = {}
    for index in order:
        seen[keys[index]] += 1
        made[index] = sha256(f"{keys[index]}\0{seen[keys[index]]}".encode("utf-8", "surrogatepass")).hexdigest()[:32]
    return [made[index] for index in range(len(findings))]


def _key(finding: Finding) -> str:
    path = min((place.span.path for place in finding.places if place.span), default="")
    routes = sorted(str(place.route) for place in finding.places if place.route)
    route = "\0".join(routes if finding.each_counts else routes[:1])
    # The masked message: a fingerprint must not be a way to guess a secret.
    said = _DIGITS.sub("#", masking.line(finding.message))
    return "\0".join((finding.rule.slug, path, route, said))


def _first_line(finding: Finding) -> int:
    return min((place.span.line for place in finding.places if place.span), default=0)


def _sorted(places: Sequence[Place]) -> list[Place]:
    """Places with source first, in the order of the file; then routes."""
    return sorted(
        places,
        key=lambda one: (
            one.span is None,
            one.span.path if one.span else "",
            one.span.line if one.span else 0,
            str(one.route or ""),
        ),
    )


def _order(finding: ShownFinding) -> tuple[object, ...]:
    return (
        -SEVERITIES.index(finding.severity),
        -CONFIDENCES.index(finding.confidence),
        finding.family == "dependency",  # what was written here comes before what was taken from elsewhere
        finding.place.path or "~",
        finding.place.line or 0,
        finding.rule,
        finding.fingerprint,
    )


def _held(report: Report) -> str | None:
    if report.grade is None:
        return f"No letter: {why_no_letter(report)}."
    held = cap(report.findings)
    if held and report.score is not None and report.grade != letter(report.score):
        return f"Held at {held[0]} by {held[1]}; the score alone would be {letter(report.score)}."
    return None


def _finding(finding: Finding, fingerprint: str, diffs: Mapping[str, str]) -> ShownFinding:
    rule = finding.rule
    return ShownFinding(
        rule=rule.slug,
        family=rule.family,
        title=rule.title,
        harm=rule.harm,
        mend=remedy(rule.family, rule.slug) or rule.ends,
        ends=rule.ends.rstrip(". "),
        severity=severity_of(finding),
        confidence=finding.confidence,
        certainty=finding.certainty,
        check=rule.check,
        cwe=rule.cwe,
        owasp=rule.owasp,
        asvs=rule.asvs,
        message=masking.line(finding.message),
        places=tuple(_place(one) for one in _sorted(finding.places)) or (ShownPlace(),),
        evidence=tuple(_evidence(one, finding) for one in finding.evidence),
        fingerprint=fingerprint,
        fix_safe=finding.edit.safe if finding.edit and diffs.get(fingerprint) != "" else None,
        fix_diff=masking.source(diffs.get(fingerprint, "")) if finding.edit else "",
    )


def _door(row: Row) -> ShownDoor:
    return ShownDoor(
        method=masking.line(row.method),
        route=masking.line(row.path),
        endpoint=masking.line(row.endpoint),
        state=row.state,
        who=masking.line(row.who),
        known=row.basis,
        how=masking.line(row.how),
        path=masking.line(row.span.path) if row.span else None,
        line=row.span.line if row.span else None,
        guards=tuple(
            ShownGuard(
                masking.line(one.name),
                one.kind,
                masking.line(one.span.path) if one.span else None,
                one.span.line if one.span else None,
            )
            for one in row.guards
        ),
    )


def _place(place: Place) -> ShownPlace:
    span, route = place.span, place.route
    return ShownPlace(
        path=masking.line(span.path) if span else None,
        line=span.line if span else None,
        end_line=span.end_line if span else None,
        column=span.column if span else None,
        end_column=span.end_column if span else None,
        route=masking.line(route.path) if route else None,
        method=masking.line(route.method) if route else None,
    )


def _evidence(evidence: Evidence, finding: Finding) -> ShownEvidence:
    exchange = _exchange(evidence.exchange) if evidence.exchange else None
    said = masking.source(evidence.text) if evidence.kind == "source" else masking.text(evidence.text)
    # Asked of what is not masked: behind a path that ends in ``password:`` the same words are masked in another way.
    # Where each place counts, they all stand above it, and the message says how many there are.
    listed = finding.each_counts and any(map(evidence.is_of, finding.places))
    return ShownEvidence(evidence.kind, said, exchange, repeats=listed or evidence.text.endswith(finding.message))


def _exchange(exchange: "Exchange") -> ShownExchange:
    sent = exchange.response.wire or exchange
    request, response = sent.request, sent.response
    return ShownExchange(
        method=masking.line(request.method),
        target=masking.target(request.target),
        identity=masking.line(request.identity) if request.identity else None,
        request_headers=masking.headers(request.headers),
        request_body=masking.body(request.body, request.header("Content-Type") or ""),
        status=response.status,
        response_headers=masking.headers(response.headers),
        response_body=masking.body(response.body, response.content_type),
        seconds=round(response.seconds, 3),
        truncated=response.truncated,
        error=masking.line(response.error) if response.error else None,
    )
