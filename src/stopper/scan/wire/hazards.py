"""Words of a path behind which a request could cost money or data, or stop the target."""

from typing import Final

HAZARDS: Final = frozenset({
    "shutdown", "reboot", "restart", "reset", "purge", "wipe", "drop", "truncate", "destroy", "halt", "kill",
    "terminate", "flush", "pay", "payment", "payments", "charge", "refund", "checkout", "purchase", "transfer",
    "withdraw", "payout", "deploy", "rollback", "uninstall", "format", "erase", "broadcast", "sms", "publish", "trade",
})  # fmt: skip
"""Words of a path behind which a request could cost money or data; only reading is sent there."""
BREAKS: Final = frozenset({"shutdown", "reboot", "restart", "wipe", "halt", "uninstall", "rollback"})
"""Those that no reading has in its path, so that a GET is a deed there too."""
OF_OWN: Final = frozenset({"transfer", "destroy", "erase", "withdraw", "publish"})
"""Those that may be done to what the scan has made itself, as long as nothing says that it is about money."""
