"""A clock for ages: it never jumps, and it goes on while the machine sleeps."""

import time


def steady() -> float:
    """Seconds since some fixed moment. Setting the wall clock does not move it; suspending the machine does not stop it."""
    boot = getattr(time, "CLOCK_BOOTTIME", None)  # Linux; time.monotonic() stands still there while the machine sleeps
    return time.clock_gettime(boot) if boot is not None else time.monotonic()
