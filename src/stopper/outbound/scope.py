"""Where a client may go at all, whatever it carries."""

from dataclasses import dataclass
from typing import Final

from stopper.outbound.address import AddressRule, is_loopback, is_reachable
from stopper.outbound.errors import CallRefusedError
from stopper.outbound.target import Target

_LOOPBACK_NAMES: Final = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class Scope:
    """``origins``: the hosts with their ports; None for any host at one of ``ports``. ``rule``: the addresses that they may have.

    ``allow_loopback_http``: plain http to this machine itself.
    """

    origins: frozenset[str] | None
    rule: AddressRule = is_reachable
    ports: frozenset[int] = frozenset()
    allow_loopback_http: bool = False

    def rule_for(self, target: Target) -> AddressRule:
        """The rule for the addresses of *target*. Raises CallRefusedError where the client may not go."""
        if target.scheme == "http" and not (self.allow_loopback_http and target.host in _LOOPBACK_NAMES):
            raise CallRefusedError(
                "scheme", "plain http is not used; use https (allow_loopback_http is for this machine alone)"
            )
        if self.origins is not None and target.origin not in self.origins:
            raise CallRefusedError("host", "this client is not bound to that host and port")
        if self.origins is None and target.port not in self.ports:
            raise CallRefusedError("host", "this port is not called")
        return is_loopback if target.scheme == "http" else self.rule
