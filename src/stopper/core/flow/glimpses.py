"""Parts of a text: how long they are, and which give no credential away: what stands before it, and a few of its characters."""

from typing import Final

from stopper.core.values import Call, Constant, Item, Unknown, Value

GLIMPSE: Final = 8
"""Characters of a credential that may be shown to tell one from another."""


def is_split(value: Value) -> bool:
    """``header.split()``, ``pair.partition(":")``: what stands first of the parts is the scheme or the user's name."""
    if not isinstance(value, Call) or value.method not in ("split", "partition"):
        return False
    return not value.args or (isinstance(mark := value.args[0], Constant) and mark.value in (None, " ", ":"))


def is_glimpse(value: Item) -> bool:
    """A slice of a few characters from either end, as people show to tell keys apart: it gives no credential away."""
    match value.key:
        case Unknown(parts=(Constant(value=None | 0), Constant(value=int(end)))):
            return 0 < end <= GLIMPSE
        case Unknown(parts=(Constant(value=int(start)), Constant(value=None))):
            return -GLIMPSE <= start < 0
        case _:
            return False


def most_characters(value: Item) -> int | None:
    """How many characters ``text[:n]`` and ``text[m:n]`` have at most; None where both ends are not counted from the beginning."""
    match value.key:
        case Unknown(parts=(Constant(value=None | int() as start), Constant(value=int(end)))):
            size = end - (start or 0)
            return size if size > 0 and (start or 0) >= 0 else None
        case _:
            return None
