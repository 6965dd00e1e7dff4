"""Makes the Target that the probes of one scan share."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from stopper.core.app import App
from stopper.core.probe import Depth, Identity, Mode, Target
from stopper.scan.forge import TokenForge
from stopper.scan.harvest import harvested
from stopper.scan.honest import HonestRequests
from stopper.scan.identities import Scene, gather
from stopper.scan.wire.courier import Courier


@dataclass(frozen=True, slots=True)
class Prepared:
    """A Target, the honest requests behind it, and a line for each identity that could not be proven."""

    target: Target
    honest: HonestRequests
    notes: tuple[str, ...] = ()


def new_canary() -> str:
    """A random text of one run that no application holds by itself."""
    return "stp" + secrets.token_hex(5)


def prepare(
    model: App,
    courier: Courier,
    given: Sequence[Identity],
    mode: Mode,
    depth: Depth,
    *,
    canary: str = "",
    known_ids: dict[str, dict[str, str]] | None = None,
) -> Prepared:
    """Gather people and harvest ids, once for all probes."""
    canary = canary or new_canary()
    honest = HonestRequests(canary=canary, harvest=dict(known_ids or {}))
    people, notes = gather(Scene(model, courier, honest, canary), given)
    honest.harvest.update(harvested(model, courier, honest, people))
    surface, url = courier.transport.surface, courier.transport.base_url
    return Prepared(Target(model, surface, url, mode, depth, TokenForge(), honest, people, canary), honest, notes)
