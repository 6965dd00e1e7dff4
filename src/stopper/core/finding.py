"""What a scan says: verdicts of single rules, and findings with their evidence."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

from stopper.core.place import Place, RouteRef
from stopper.core.rule import SEVERITIES, Certainty, Edit, Rule, Severity

if TYPE_CHECKING:
    from stopper.core.exchange import Exchange

Confidence = Literal["indicated", "corroborated", "proven", "confirmed"]
CONFIDENCES: Final[tuple[Confidence, ...]] = ("indicated", "corroborated", "proven", "confirmed")

Outcome = Literal["pass", "fail", "open", "not-applicable"]
"""The result kinds of SARIF 2.1.0 §3.27.9 that a rule can have."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """One thing that was seen. ``kind`` says by which reader or probe; exchanges are masked when they are shown, not here."""

    kind: Literal["source", "running", "spec", "exchange", "effect"]
    text: str
    exchange: "Exchange | None" = None

    def is_of(self, place: Place) -> bool:
        """That it says what was seen at that place."""
        return self.text.startswith(f"{place}: ")


@dataclass(frozen=True, slots=True)
class Verdict:
    """A probe's answer. ``fail`` must carry routes and evidence: the baseline first, then the one thing that was varied."""

    outcome: Outcome
    message: str
    routes: tuple[RouteRef, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    severity: Severity | None = None
    """Less than the rule's, where what was seen weighs less than the worst that the rule tells of; never more."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A failed rule at its places, with evidence. One root cause is one finding however many places it has."""

    rule: Rule
    message: str
    places: tuple[Place, ...]
    confidence: Confidence
    evidence: tuple[Evidence, ...] = ()
    certainty: Certainty = "certain"
    edit: Edit | None = None
    severity: Severity | None = None
    """As in :class:`Verdict`."""
    each_counts: bool = False
    """That every place is a weakness by itself, all of one cause: with one more it is another finding, which nobody has accepted."""

    @property
    def weight(self) -> Severity:
        """The rule's severity, or less where what was seen weighs less."""
        least = min(SEVERITIES.index(self.rule.severity), SEVERITIES.index(self.severity or self.rule.severity))
        return SEVERITIES[least]

    def at(self, places: tuple[Place, ...]) -> "Finding":
        """The same at these of its places alone. Where each of them counts, what was said of the others is not said any more."""
        gone = tuple(place for place in self.places if place not in places)
        if not self.each_counts or not gone or not places:
            return replace(self, places=places)
        left = tuple(one for one in self.evidence if not any(one.is_of(place) for place in gone))
        signs = [one.text for one in left if one.kind == "source"]
        first = next((one.text.removeprefix(f"{places[0]}: ") for one in left if one.is_of(places[0])), None)
        message = self.message if first is None else counted(first, len(signs) - 1)
        return replace(self, message=message, places=places, evidence=left)


def counted(message: str, more: int) -> str:
    """What is said of the first of several that are one finding, and how many others there are."""
    return f"{message} (and {more} more of the kind)" if more > 0 else message


def order_of(finding: Finding) -> tuple[int, int, str, str, int]:
    """What findings are sorted by: the worst and surest first."""
    span = next((place.span for place in finding.places if place.span), None)
    return (
        -SEVERITIES.index(finding.weight),
        -CONFIDENCES.index(finding.confidence),
        finding.rule.slug,
        span.path if span else "",
        span.line if span else 0,
    )
