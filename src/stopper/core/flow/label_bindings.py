"""What a question about labels has gone through: the parameters that calls on its way bind, and how many steps it may take."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from stopper.core.labels import Label
from stopper.core.values import Call, Constant, Parameter, Value

MANY: Final = 10_000
"""Steps of one question after which functions call each other in circles without end: the largest of real projects that were measured takes 3,300."""
FEW: Final = 200
"""The same for each further question about such a project."""
_CALLED: Final = ""
"""Under this name, which no parameter has, stands the call whose parameters are bound: what is not bound was left out."""


class Nothing(dict[str, Value]):
    """Binds every parameter to what has no label."""

    def __contains__(self, name: object) -> bool:
        return True

    def __bool__(self) -> bool:
        return True

    def __getitem__(self, name: str) -> Value:
        return _PLAIN

    def get(self, name: str, default: object = None) -> Value:  # pyright: ignore[reportIncompatibleMethodOverride]
        """What the parameter of that *name* is bound to."""
        return _PLAIN


_PLAIN: Final = Constant(None)


@dataclass(slots=True)
class Crowd:
    """Whether a question of one project came to :data:`MANY` steps, the steps of all, and what is known since then of values whose functions
    are passed nothing that is known."""

    met: bool = False
    steps: int = 0
    nothing: Nothing = field(default_factory=Nothing)
    known: dict[int, tuple[Value, frozenset[Label]]] = field(
        default_factory=dict[int, "tuple[Value, frozenset[Label]]"]
    )


@dataclass(slots=True)
class Bindings:
    """Of one question. Where its steps are used up, what is known is taken as it is, also where it was cut short, and what calls pass is
    followed no further: so what is left to ask is no more than there are values."""

    crowd: Crowd
    steps: int = 0
    _kept: list[Mapping[str, Value]] = field(default_factory=list["Mapping[str, Value]"])
    """Kept alive, because answers are known by the identity of a binding."""

    @property
    def crowded(self) -> bool:
        """Whether the steps are used up."""
        return self.steps > (FEW if self.crowd.met else MANY)

    def of(self, call: Call, parameters: tuple[str, ...], bound: Mapping[str, Value]) -> Mapping[str, Value]:
        """What *call* passes for each of the *parameters*, where it stands in a function whose own are *bound*."""
        if self.crowded:
            return self.crowd.nothing
        passed: dict[str, Value] = {}
        for index, name in enumerate(parameters):
            given = call.argument(index, name)
            if given is not None:
                passed[name] = bound.get(given.parameter, given) if isinstance(given, Parameter) else given
        if not call.open:
            passed[_CALLED] = call
        self._kept.append(passed)
        return passed

    def end(self) -> None:
        """Note what the question has taken."""
        self.crowd.met = self.crowd.met or self.crowded
        self.crowd.steps += self.steps


def followed_call(value: Parameter, bound: Mapping[str, Value]) -> Call | None:
    """The call that is followed, where it is one of the parameter's own function and nothing is bound to the parameter's name."""
    called = bound.get(_CALLED)
    return called if isinstance(called, Call) and called.callee == value.function else None
