"""What an address is asked to begin with, and whether its host is decided by that."""

import re
from typing import Final

from stopper.core.outgoing.asked_host import HOSTED
from stopper.core.values import Format, Item, Sequence, Unknown, Value, options, text_of

_GOES_ON: Final = re.compile(r"(?i)https?://[^/?#]+")


def leaves_the_host_open(beginning: Value | None) -> bool:
    """``place.startswith("https://shop.example")``, which ``https://shop.example.evil.test`` does too; any such, of several."""
    several = _several(beginning)
    return any(_GOES_ON.fullmatch(text_of(one) or "") for one in several)


def fixes_the_host(beginning: Value | None) -> bool:
    """``place.startswith(("https://shop.example/", OURS + "/"))``: a slash ends the host of each."""
    several = _several(beginning)
    return bool(several) and all(HOSTED.match(text_of(one) or "") or _ends_with_slash(one) for one in several)


def _several(beginning: Value | None) -> tuple[Value, ...]:
    """One of a list that a loop goes through may be each of it."""
    listed = beginning.owner if isinstance(beginning, Item) else beginning
    return tuple(
        one
        for option in options(listed)
        for one in (option.items if isinstance(option, Sequence) else () if listed is not beginning else (option,))
    )


def _ends_with_slash(value: Value) -> bool:
    parts = value.parts if isinstance(value, (Format, Unknown)) else ()
    return len(parts) > 1 and text_of(parts[-1]) == "/"
