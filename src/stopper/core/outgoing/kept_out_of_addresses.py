"""What a scan that only reads never does with a credential that it was given."""

from stopper.core.finding import Verdict
from stopper.core.probe import Target, not_applicable


def kept_out_of_addresses(target: Target) -> Verdict | None:
    """The verdict of a probe that would write a given credential into an address, where the scan is passive: addresses stand in logs of
    servers and proxies, so only a scan that may leave something behind asks for it."""
    if target.mode != "passive":
        return None
    return not_applicable("a passive scan writes nobody's credential into an address")
