"""People who were disabled or deleted keep their access until their token expires."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.app import App
from stopper.core.facts import source_of
from stopper.core.jwt_extended import BLOCKLIST, LOOKUP, guarded, issues, manager, registers, uses
from stopper.core.rule import Certainty, Hit, Rule

_USER: Final = re.compile(r"(?i)^(app)?users?(model)?$|^(member|account|customer|employee|person)$")


def detect(app: App) -> Iterator[Hit]:
    """Routes are guarded by tokens of people who are kept in a table, and no loader looks them up."""
    place = manager(app)
    if place is None or not uses(app):
        return
    facts = source_of(app)
    if registers(facts, LOOKUP) or not any(not one.refresh for one in guarded(facts)):
        return
    kept = [found.name for found in facts.classes() if _USER.search(found.name.rpartition(".")[2]) and found.bases]
    if not kept and not any(True for _ in issues(facts)):
        return
    sure: Certainty | None = "possible" if registers(facts, BLOCKLIST) or not kept else None
    yield Hit("no user_lookup_loader asks whether the token's user still exists and is active", place, certainty=sure)


RULE = Rule(
    slug="jwt-user-lookup-missing",
    family="flask-jwt-extended",
    title="Nothing looks whether the user still exists",
    harm=__doc__ or "",
    severity="medium",
    check="authentication",
    cwe=(613,),
    owasp="API2:2023",
    asvs=("V7.4.2",),
    surfaces=("source",),
    ends="`Stopper(app)` refuses the tokens of disabled people at once.",
    certainty="likely",
    detect=detect,
)
