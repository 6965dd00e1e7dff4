"""What somebody probably meant to type."""

from collections.abc import Iterable


def did_you_mean(typed: str, known: Iterable[str]) -> str:
    """``"; did you mean …?"`` with the closest of *known*, or ``""``."""
    import difflib

    close = difflib.get_close_matches(typed.lower(), list(known), n=1, cutoff=0.55)
    return f"; did you mean {close[0]}?" if close else ""
