"""What was drawn by the system's generator, and so little of it that it can be found by trying."""

from typing import Final

from stopper.core.facts import SourceFacts
from stopper.core.flow.whole_numbers import least_number
from stopper.core.values import Call, Value, walk

LEAST_BYTES: Final = 8
"""64 bits: what need not be counted when it is tried (NIST SP 800-63B §5.1.2)."""
_LEAST_NUMBERS: Final = 100_000
"""A code of six digits is asked for with a limit; one of four is found within it, somewhere."""
_BYTES: Final = frozenset({"secrets.token_hex", "secrets.token_urlsafe", "secrets.token_bytes", "os.urandom"})


def is_short_draw(facts: SourceFacts, value: Value) -> bool:
    """``secrets.token_hex(3)``, ``secrets.randbelow(10000)``, and nothing else that is drawn beside it."""
    drawn = [
        one for one in walk(value, 6) if isinstance(one, Call) and one.callee.startswith(("secrets.", "os.urandom"))
    ]
    if len(drawn) != 1:
        return False
    size = least_number(facts, drawn[0].argument(0, "nbytes", "exclusive_upper_bound"))
    least = LEAST_BYTES if drawn[0].callee in _BYTES else _LEAST_NUMBERS if drawn[0].method == "randbelow" else 0
    return size is not None and 0 < size < least
