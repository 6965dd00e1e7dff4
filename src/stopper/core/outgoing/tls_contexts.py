"""What an ``ssl.SSLContext`` asks of the other side."""

from typing import TYPE_CHECKING, Final

from stopper.core.values import Call, Name, Value, is_constant

if TYPE_CHECKING:
    from stopper.core.facts import SourceFacts

CONTEXTS: Final = frozenset({"context", "ssl_context", "verify", "ssl"})
"""The arguments under which clients take one."""
_FOR_EITHER: Final = frozenset(f"ssl.PROTOCOL_{word}" for word in ("TLS", "SSLv23", "TLSv1", "TLSv1_1", "TLSv1_2"))
"""Protocols of servers and clients: only ``PROTOCOL_TLS_CLIENT`` asks for a certificate by itself."""


def asks_nothing(facts: "SourceFacts", value: Value) -> bool:
    """``SSLContext(PROTOCOL_TLS)``, of which nobody sets ``verify_mode``; to ask for the host's name sets it too."""
    if not isinstance(value, Call) or value.callee != "ssl.SSLContext":
        return False
    said = value.argument(0, "protocol")
    general = said is None or (isinstance(said, Name) and said.dotted in _FOR_EITHER)
    return general and not any(
        one.attribute == "verify_mode" or (one.attribute == "check_hostname" and is_constant(one.value, True))
        for one in facts.assignments()
    )
