"""Whether two people of a scan belong together: what a company has, each of its people may see and change."""

from typing import Final

from stopper.core.probe import Identity, Steps, Target
from stopper.core.probing.accounts.own_values import own_numbers

TEAMS: Final = (
    "company",
    "tenant",
    "org",
    "organization",
    "team",
    "workspace",
    "group",
    "agency",
    "clinic",
    "department",
)
"""What people belong to together."""


def same_team(target: Target, alice: Identity, bob: Identity) -> Steps[bool | None]:
    """Whether both belong to one company or team; None where nothing tells of one."""
    found: bool | None = None
    for name in (*(f"{one}_id" for one in TEAMS), *TEAMS):
        hers, his = (yield from own_numbers(target, alice, name)), (yield from own_numbers(target, bob, name))
        if name in hers and name in his:
            if hers[name] == his[name]:
                return True
            found = False
    return found
