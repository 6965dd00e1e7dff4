"""What one run of `check`, `scan` or `audit` found: the value that every report format shows."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from stopper.core.finding import Finding, Outcome
from stopper.core.rule import Check, Severity
from stopper.scan.access.row import Row
from stopper.scan.reached import Reached

Command = Literal["check", "scan", "audit"]


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many units were looked at: files for `check`, route-methods for `scan` and `audit`."""

    tested: int = 0
    total: int = 0

    @property
    def percent(self) -> float:
        """0 to 100; a run with nothing to test is 0, so that it never looks complete."""
        return 100.0 * self.tested / self.total if self.total else 0.0


@dataclass(frozen=True, slots=True)
class Skip:
    """Something that was not tested, and why. ``what`` is a rule's slug, a route or a file."""

    what: str
    reason: str


@dataclass(frozen=True, slots=True)
class ReadError:
    """Something that could not be read. ``path`` may be a file, a URL or a module; ``message`` is one line with the mend.

    ``fatal`` errors mean coverage was lost: the run exits 3.
    """

    path: str
    message: str
    line: int | None = None
    fatal: bool = True


@dataclass(frozen=True, slots=True)
class RuleOutcome:
    """What one rule's probe or detector came to. ``check`` is the rule's; without it the outcome does not count as tested."""

    slug: str
    outcome: Outcome
    message: str
    check: Check | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """One run. ``checks`` and ``score`` are filled by :mod:`stopper.scan.score`; None means not tested."""

    command: Command
    target: str
    mode: str
    started: str
    """UTC, ISO 8601."""
    seconds: float
    findings: tuple[Finding, ...] = ()
    coverage: Coverage = Coverage()
    outcomes: tuple[RuleOutcome, ...] = ()
    skipped: tuple[Skip, ...] = ()
    errors: tuple[ReadError, ...] = ()
    requests: int = 0
    access: tuple[Row, ...] = ()
    """Who may pass each door; `audit` alone fills it."""
    reached: tuple[Reached, ...] = ()
    """Who got what over the wire."""
    network: str = ""
    """How an audited application was kept from other hosts: ``namespace`` or ``hooks``."""
    checks: Mapping[Check, int | None] = field(default_factory=dict["Check", "int | None"])
    score: int | None = None
    grade: str | None = None
    diffs: Mapping[str, str] = field(default_factory=dict[str, str])
    """Unified diffs of the fixes, by the finding's fingerprint (:mod:`stopper.scan.reports.patch` fills it)."""
    prefix: str = ""
    """What makes a place's path relative to the repository, for GitHub: ``services/api/``, or nothing."""
    marked: tuple[str, ...] = ()
    """The files of the source that speak of Stopper: a comment in them may suppress something."""

    def with_findings(self, findings: tuple[Finding, ...]) -> "Report":
        """The same run with other findings (after suppressions, for example)."""
        return replace(self, findings=findings)


def severity_of(finding: Finding) -> Severity:
    """How bad a finding is: its rule's severity, or less where the probe saw less; and a critical that is only a sign counts as high.

    Critical stays critical when it is proven; when two readers agree and one of them is not the wire; or when a detector of
    certainty ``certain`` saw it in the source.
    """
    severity = finding.weight
    if severity != "critical" or finding.confidence in ("proven", "confirmed"):
        return severity
    kinds = {evidence.kind for evidence in finding.evidence}
    wire_alone = kinds <= {"exchange", "effect"} if kinds else all(place.span is None for place in finding.places)
    if wire_alone:
        return "high"
    return severity if finding.confidence == "corroborated" or finding.certainty == "certain" else "high"
