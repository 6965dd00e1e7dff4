"""Replaces attributes and puts them back, whatever others have replaced since."""

from collections.abc import Callable, Mapping
from typing import Any, Final

_ABSENT: Final = object()


class Patches:
    """What was replaced, in order."""

    def __init__(self) -> None:
        self._done: list[tuple[Any, str, Any, Any]] = []

    def put(self, owner: Any, name: str, make: Callable[[Any], Any]) -> bool:
        """Replace ``owner.name`` by what *make* makes of it. False where the owner has none or takes none."""
        present = getattr(owner, name, _ABSENT)
        if present is _ABSENT:
            return False
        own = _own(owner).get(name, _ABSENT)
        instead = make(present)
        try:
            setattr(owner, name, instead)
        except (AttributeError, TypeError):
            return False
        self._done.append((owner, name, own, instead))
        return True

    def undo(self) -> None:
        """Put everything back, last first. What somebody else has replaced meanwhile stays as they left it."""
        while self._done:
            owner, name, own, instead = self._done.pop()
            if _own(owner).get(name) is not instead:
                continue
            if own is _ABSENT:
                delattr(owner, name)
            else:
                setattr(owner, name, own)


def _own(owner: Any) -> Mapping[str, Any]:
    found: Mapping[str, Any] = getattr(owner, "__dict__", {})
    return found
