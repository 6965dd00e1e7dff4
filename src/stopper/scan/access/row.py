"""One row of the access table."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from stopper.core.place import Span

if TYPE_CHECKING:
    from stopper.core.app import Basis, Guard

State = Literal["guarded", "open", "unknown"]
ANYONE: Final = "anyone"
NOT_KNOWN: Final = "not known"
ITSELF: Final = "the view itself"


@dataclass(frozen=True, slots=True)
class Row:
    """One method of one route. ``who`` says who may pass: a policy, the guards that must be passed, or anyone.

    ``how`` is one sentence of evidence; ``guards`` are those that stop somebody; ``span`` is where the view stands.
    """

    method: str
    path: str
    endpoint: str
    state: State
    who: str
    basis: "Basis"
    how: str = ""
    guards: "tuple[Guard, ...]" = ()
    span: Span | None = None

    @property
    def route(self) -> str:
        """The path, as reports call it."""
        return self.path

    @property
    def known(self) -> "Basis":
        """The basis, as reports call it."""
        return self.basis
