"""How many examples a property is tried on: ten times as many in ``make soak``, which runs what is marked ``longer``."""

import os

LONG = bool(os.environ.get("SOAK"))


def examples(few: int) -> int:
    """*few*, or the long form."""
    return few * 10 if LONG else few
