"""What every backend gives back, and the small protocol it answers. One backend is one file."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol, runtime_checkable

from stopper.auth.strict_json import NotStrictError, read_object
from stopper.core.secret import Secret
from stopper.secrets.errors import FetchError

LARGEST: Final = 64 * 1024
"""Bytes of one secret: AWS, Azure and GCP refuse more than 64 KiB, a Kubernetes secret that is one value seldom has more."""


@dataclass(frozen=True, slots=True)
class Lease:
    """How long a value is lent. ``seconds`` counts from when it was read or renewed."""

    id: str
    seconds: float
    renewable: bool = False


@dataclass(frozen=True, slots=True)
class Document:
    """What lies under one path: one text, or members by key, or a text that is JSON and so has members too.

    ``version`` is the backend's own word. ``changed`` is when this version was made and ``expires`` when the backend says that it
    ends, in seconds since the epoch; None where nobody knows.
    """

    text: Secret | None = None
    members: Mapping[str, Secret] = field(default_factory=dict[str, Secret])
    version: str = ""
    changed: float | None = None
    expires: float | None = None
    lease: Lease | None = None
    _parsed: dict[str, Mapping[str, Secret]] = field(
        default_factory=dict[str, Mapping[str, Secret]], repr=False, compare=False
    )

    def pick(self, key: str) -> Secret:
        """The member *key*; without a key the text, or the only member. Raises FetchError."""
        if key:
            if not self.members and "" not in self._parsed:
                self._parsed[""] = members_of(self.text)
            found = (self.members or self._parsed[""]).get(key)
            if found is None:
                raise FetchError("missing", f"there is no member {key!r}; name one that is there after #")
            return found
        if self.text is not None:
            return self.text
        if len(self.members) == 1:
            return next(iter(self.members.values()))
        raise FetchError("missing", f"it has {len(self.members)} members; name one of them after #")


def members_of(text: Secret | None) -> Mapping[str, Secret]:
    """The members of a text that is a JSON object. Raises FetchError; its traceback holds no part of the text."""
    found = _read(text) if text is not None else None
    if found is None:
        raise FetchError("malformed", "it is no JSON object, so it has no members; leave out what follows #")
    return found


def _read(text: Secret) -> Mapping[str, Secret] | None:
    try:
        return secret_members(read_object(text.reveal_bytes()))
    except NotStrictError:
        return None


def secret_members(found: Mapping[str, object]) -> dict[str, Secret]:
    """The texts of *found*, and its numbers as texts; other values cannot be secrets and are left out."""
    return {
        key: Secret(value if isinstance(value, str) else str(value))
        for key, value in found.items()
        if isinstance(value, (str, int, float)) and not isinstance(value, bool) and value != ""
    }


class Backend(Protocol):
    """Reads secrets from one kind of place. Safe to call from several threads and after a fork."""

    def read(self, path: str) -> Document:
        """What lies there now. Raises FetchError."""
        ...

    def read_previous(self, path: str, current: Document) -> Document | None:
        """The version before *current* where the place keeps it and it may still be read, else None."""
        ...

    def close(self) -> None:
        """Give back what was lent. Never raises."""
        ...


@runtime_checkable
class Lends(Protocol):
    """A backend whose values are lent for a time."""

    def renew(self, lease: Lease) -> Lease:
        """The lease with its new time. Raises FetchError: ``missing`` or ``denied`` where it cannot be renewed any more."""
        ...
