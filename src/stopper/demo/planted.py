"""What the leaky sample says of itself: its marks ``# leak: <slug>``, and which of them a report tells."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from stopper.core.finding import Finding

_MARK: Final = re.compile(r"(?<!`)#\s*leak:\s*(?P<slugs>[a-z0-9-]+(?:,\s*[a-z0-9-]+)*)\s*$")


def planted() -> frozenset[tuple[str, int]]:
    """Every planted weakness: its slug and the line it stands on."""
    lines = Path(__file__).with_name("leaky.py").read_text("utf-8").splitlines()
    return frozenset(
        (slug.strip(), number)
        for number, line in enumerate(lines, 1)
        if (mark := _MARK.search(line))
        for slug in mark["slugs"].split(",")
    )


def untold(findings: Iterable[Finding]) -> frozenset[str]:
    """The planted slugs that no finding tells, neither as its rule nor as a proof that was folded into it."""
    told = [(finding.rule.slug, " ".join(evidence.text for evidence in finding.evidence)) for finding in findings]
    return frozenset(
        slug for slug, _ in planted() if not any(slug == rule or slug in evidence for rule, evidence in told)
    )
