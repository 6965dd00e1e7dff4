"""A value that cannot be printed by accident."""

from typing import Final, NoReturn

from stopper.core import registry

MASK: Final = "***"


class Secret:
    """A key, token, password or code that prints as ``***``.

    ``str``, ``repr``, ``format`` and pickles give ``***``; only :meth:`reveal` gives the value.
    Every live secret of six characters or more is known to the redactor, so a log line cannot carry it either.
    Two secrets compare in constant time; a secret never equals a plain string.
    """

    __slots__ = ("__weakref__", "_value")
    _value: str

    def __init__(self, value: "str | bytes | Secret") -> None:
        if isinstance(value, Secret):
            text = value._value
        elif isinstance(value, bytes):
            text = value.decode("utf-8", "surrogateescape")
        else:
            text = value
        object.__setattr__(self, "_value", text)
        registry.remember(self, text)

    def reveal(self) -> str:
        """The value itself. Every call is a place a reviewer looks at."""
        return self._value

    def reveal_bytes(self) -> bytes:
        """The value as the bytes it was made from."""
        return self._value.encode("utf-8", "surrogateescape")

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError("a Secret does not change")

    def __repr__(self) -> str:
        return f"Secret({MASK})"

    def __str__(self) -> str:
        return MASK

    def __format__(self, spec: str) -> str:
        return format(MASK, spec)

    def __reduce__(self) -> tuple[type["Secret"], tuple[str]]:
        return (Secret, (MASK,))

    def __getstate__(self) -> str:
        return MASK  # object's own would give the value to whoever asks

    def __copy__(self) -> "Secret":
        return self

    def __deepcopy__(self, memo: object) -> "Secret":
        return self  # a copy by way of __reduce__ would hold "***"

    def __bool__(self) -> bool:
        return bool(self._value)

    def __len__(self) -> int:
        return len(self._value)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        from hmac import compare_digest  # it brings up OpenSSL

        return compare_digest(self.reveal_bytes(), other.reveal_bytes())

    def __hash__(self) -> int:
        return hash((Secret, self._value))


def json_default(value: object) -> str:
    """For ``json.dumps(default=…)``: a secret becomes ``***``, anything else stays an error."""
    if isinstance(value, Secret):
        return MASK
    raise TypeError(f"{type(value).__name__} is not JSON serializable")
