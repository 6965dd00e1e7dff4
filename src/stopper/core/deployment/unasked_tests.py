"""Which way a test of the environment goes as long as nobody sets anything: by the default that stands beside the variable."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from stopper.core.flow.compared_sides import compared
from stopper.core.values import (
    Call,
    Choice,
    ConfigValue,
    Constant,
    EnvironmentValue,
    Item,
    Mapping,
    Name,
    Plain,
    Sequence,
    Truth,
    Value,
    is_constant,
)

if TYPE_CHECKING:
    from stopper.core.fact import Condition
    from stopper.core.facts import SourceFacts
    from stopper.core.place import Span

_SAME_TEXT = frozenset({"lower", "upper", "strip", "casefold", "str"})
_DEPTH = 5


def holds_unasked(facts: "SourceFacts", test: Value, negated: bool = False, depth: int = _DEPTH) -> bool | None:
    """Whether a test holds where nobody sets a variable: ``os.environ.get("STAGE", "dev") != "live"`` does. None where no default decides."""
    found: bool | None = None
    match test:
        case _ if not depth:
            return None
        case Truth(parts=(inner,)):
            found = holds_unasked(facts, inner, True, depth - 1)
        case Truth(parts=(Constant(value=str()), Name(dotted="os.environ"))):
            found = test.differs
        case Truth(parts=(left, right)):
            found = _compares(facts, left, right)
        case Choice(options=several):
            each = [holds_unasked(facts, one, False, depth - 1) for one in several]
            found = test.every is False if (test.every is False) in each else None if None in each else test.every
        case EnvironmentValue(default=Constant(value=str() | bool() | int() as said)):
            found = bool(said)
        case _:
            return None
    return found if found is None or not negated else not found


def surely_on(facts: "SourceFacts", several: tuple[Value, ...], on: tuple[bool, ...]) -> bool:
    """That of literals between which tests choose, of which *on* says what means yes, a yes is taken where nobody sets anything:
    ``debug = True`` in the branch of ``if stage == "dev"``, and a no in the other."""
    spans = [one.span for one in several if isinstance(one, Constant) and one.span is not None]
    if len(spans) < len(several):
        return False
    around = [list(facts.conditions_around(place)) for place in spans]
    shared = (
        [test for test in around[0] if all(any(one is test for one in tests) for tests in around)] if around else []
    )
    own = [[one for one in tests if not any(one is test for test in shared)] for tests in around]
    ways = [_goes(facts, tests) for tests in own]
    if None in ways:
        return False
    asked = [yes for yes, way, tests in zip(on, ways, own, strict=True) if way and tests]
    plain = [yes for yes, way in zip(on, ways, strict=True) if way]
    return bool(plain) and all(asked or plain)


def goes_there(facts: "SourceFacts", place: "Span") -> bool | None:
    """Whether a place is reached where nobody sets anything; None where a test around it hangs on something else."""
    return _goes(facts, facts.conditions_around(place))


def _goes(facts: "SourceFacts", tests: "Iterable[Condition]") -> bool | None:
    ways = [holds_unasked(facts, one.value, one.negated) for one in tests]
    return False if False in ways else None if None in ways else True


def _compares(facts: "SourceFacts", left: Value, right: Value) -> bool | None:
    found = compared(facts, left, right)
    if found is None:
        return None
    shown, wanted = _said(facts, left), _said(facts, right)
    if shown is None or wanted is None:
        return None
    alike = bool(shown & wanted)
    return alike is (found.operator in ("==", "in"))


def _said(facts: "SourceFacts", value: Value, depth: int = _DEPTH) -> frozenset[Plain] | None:
    """What it is where nobody sets anything, one or several; None where that is not seen."""
    match value:
        case _ if not depth:
            return None
        case Constant(value=said):
            return frozenset({said.lower() if isinstance(said, str) else said})
        case EnvironmentValue(default=default) | Item(owner=Name(dotted="os.environ"), default=default):
            return None if default is None or is_constant(default, None) else _said(facts, default, depth - 1)
        case ConfigValue(key=key) if len(kept := list(facts.config_writes(key))) == 1:
            return _said(facts, kept[0].value, depth - 1)
        case Call(method=method, receiver=inner, args=()) if method in _SAME_TEXT and inner is not None:
            return _said(facts, inner, depth - 1)
        case Choice(options=(first, other), every=False) if isinstance(first, EnvironmentValue) and not first.default:
            return _said(facts, other, depth - 1)  # ``os.environ.get("STAGE") or "dev"``
        case Sequence(items=items, open=False):
            each = [_said(facts, one, depth - 1) for one in items]
            return None if None in each else frozenset(word for one in each if one for word in one)
        case Mapping(items=items, open=False):
            each = [_said(facts, key, depth - 1) for key, _ in items]
            return None if None in each else frozenset(word for one in each if one for word in one)
        case _:
            return None


def under_default(facts: "SourceFacts", table: Mapping, key: Value) -> Value | None:
    """What a table gives under a key that falls back to a literal: ``{"live": False, "dev": True}[STAGE]``."""
    said = _said(facts, key)
    if said is None or len(said) != 1:
        return None
    return next((held for name, held in table.items if _said(facts, name) == said), None)
