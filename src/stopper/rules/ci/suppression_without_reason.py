"""Nobody can tell later whether the finding that somebody wanted gone was judged or only unwanted."""

from collections.abc import Iterator

from stopper.core.app import App
from stopper.core.facts import source_of
from stopper.core.rule import Hit, Rule


def detect(app: App) -> Iterator[Hit]:
    """A comment that takes back a finding without naming the rule, or without saying why."""
    for one in source_of(app).suppressions:
        if not one.slug:
            yield Hit(
                "this ignore names no rule and has no effect; write # stopper: ignore[slug] and the reason", one.span
            )
        elif not one.reason:
            yield Hit(
                f"this ignore of {one.slug[:60]} gives no reason and has no effect; write the reason behind the bracket",
                one.span,
            )


RULE = Rule(
    slug="suppression-without-reason",
    family="ci",
    title="A finding is ignored without a rule or a reason",
    harm=__doc__ or "",
    severity="low",
    check="inventory",
    cwe=(1127,),
    owasp="API8:2023",
    asvs=(),
    surfaces=("source",),
    ends="A suppression that names its rule and its reason: `# stopper: ignore[slug] reason until=2027-01-31`.",
    detect=detect,
)
