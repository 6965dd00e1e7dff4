"""What each rule came to: one outcome of its detector and its probe together, and what broke."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from stopper.core.app import App
from stopper.core.finding import Outcome
from stopper.core.rule import Rule
from stopper.scan.detecting import DetectorResult, outcome_of
from stopper.scan.report import ReadError, RuleOutcome

if TYPE_CHECKING:
    from stopper.scan.engine import ProbeResult


def outcomes(
    app: App, rules: Iterable[Rule], seen: Sequence[DetectorResult], tried: "Sequence[ProbeResult]"
) -> tuple[RuleOutcome, ...]:
    """One outcome a rule: a fail of either half, else an open one, else a pass, else not applicable."""
    detected = {result.rule.slug: result for result in seen}
    probed = {result.rule.slug: result for result in tried}
    return tuple(_outcome(app, rule, detected.get(rule.slug), probed.get(rule.slug)) for rule in rules)


def _outcome(app: App, rule: Rule, seen: DetectorResult | None, tried: "ProbeResult | None") -> RuleOutcome:
    said: list[tuple[Outcome, str]] = []
    if tried is not None:
        said.append((tried.verdict.outcome, tried.verdict.message))
    if seen is not None and (app.source is not None or seen.hits or seen.error):
        text = seen.error or (f"{len(seen.hits)} places" if seen.hits else "no sign of it")
        said.append((outcome_of(seen), text))
    order: tuple[Outcome, ...] = ("fail", "open", "pass", "not-applicable")
    if not said:
        return RuleOutcome(rule.slug, "not-applicable", f"it looks at {', '.join(rule.surfaces)}", rule.check)
    outcome, text = min(said, key=lambda one: order.index(one[0]))
    return RuleOutcome(rule.slug, outcome, text, rule.check)


def faults(seen: Sequence[DetectorResult], tried: "Sequence[ProbeResult]") -> tuple[ReadError, ...]:
    """Rules that broke. What they would have found is not known, so the run is incomplete."""
    broken = [ReadError(result.rule.slug, result.error) for result in seen if result.error]
    broken.extend(
        ReadError(result.rule.slug, result.verdict.message)
        for result in tried
        if result.verdict.outcome == "open"
        and result.verdict.message.startswith(f"the probe of {result.rule.slug} stopped")
    )
    return tuple(broken)
