"""Methods that classes derived from another one write anew: ``self.render(…)`` in a base runs them."""

from typing import TYPE_CHECKING, Final

from stopper.core.values import Value

if TYPE_CHECKING:
    from stopper.core.fact import Function
    from stopper.core.facts import SourceFacts

_NEVER = ("__init__", "__new__", "__post_init__")
MOST: Final = 6
"""Classes that write one method anew above which none of them is followed: that many are plug-ins, each judged by itself, and to look through
all of them wherever one is called takes as long as everything else."""


def written_anew(facts: "SourceFacts", method: str) -> tuple[str, ...]:
    """The methods of derived classes that stand in place of that method of a base."""
    return facts.once("methods written anew", lambda: _collected(facts)).get(method, ())


def in_place_of(facts: "SourceFacts", method: str) -> tuple[str, ...]:
    """The methods of bases in whose place that method stands."""
    return facts.once("methods stood in for", lambda: _turned(_collected(facts))).get(method, ())


def given_back(facts: "SourceFacts", function: "Function") -> tuple[Value, ...]:
    """What a call of the function gives, also where a derived class answers in its place."""
    found = function.returns + function.yields
    for name in written_anew(facts, function.name) if function.owner else ():
        other = facts.function(name)
        found += other.returns + other.yields if other is not None else ()
    return found


def _collected(facts: "SourceFacts") -> dict[str, tuple[str, ...]]:
    classes = {one.name: one for one in facts.all_classes}
    found: dict[str, list[str]] = {}
    for one in facts.classes():
        level, seen = list(one.bases), {one.name}
        while level:
            base = classes.get(level.pop())
            if base is None or base.name in seen:
                continue
            seen.add(base.name)
            level += base.bases
            for method in set(base.methods).intersection(one.methods).difference(_NEVER):
                found.setdefault(f"{base.name}.{method}", []).append(f"{one.name}.{method}")
    return {name: tuple(several) for name, several in found.items() if len(several) <= MOST}


def _turned(found: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    turned: dict[str, list[str]] = {}
    for base, several in found.items():
        for one in several:
            turned.setdefault(one, []).append(base)
    return {name: tuple(bases) for name, bases in turned.items()}
