"""Whether the age of what a signed token holds is asked about by the application itself, and where it is only noted."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from stopper.core.values import Call, Item, Mapping, Value, text_of, walk

if TYPE_CHECKING:
    from stopper.core.facts import SourceFacts

_NOW: Final = frozenset({"time.time", "datetime.datetime.now", "datetime.datetime.utcnow", "datetime.datetime.today"})
_END: Final = re.compile(r"(?i)expir(?:y|es|ation)(?:_?(?:at|on|time|date))?|exp_?at|valid_?(?:until|till|to)|ends_?at")
_TIME: Final = re.compile(
    r"(?i)exp(?:ir\w*)?(?:_\w+)?|iat|nbf|issued\w*|created\w*|\w+_(?:at|on|time|date|t)|time(?:stamp)?|when"
)


def looks_at_age(facts: "SourceFacts", loaded: Call) -> bool:
    """``if time.time() - made > LONGEST: abort(404)``, where ``made`` came out of the token."""
    return any(
        one.operator in ("<", "<=", ">", ">=")
        and any(_is_now(part) for side in (one.left, one.right) for part in walk(side, 5))
        and any(part is loaded for side in (one.left, one.right) for part in walk(side, 5))
        for one in facts.comparisons_in(loaded.function)
    )


def ends_by_hand(facts: "SourceFacts", claims: Mapping) -> bool:
    """``{"user": 1, "expires_at": soon}`` under a name of the application's own, which whoever reads such a token holds against the clock."""
    names = {name for key, _ in claims.items if (name := text_of(key)) is not None and _END.fullmatch(name)}
    return bool(names) and any(
        any(_is_now(part) for side in (one.left, one.right) for part in walk(side, 5))
        and any(
            isinstance(part, Item) and text_of(part.key) in names
            for side in (one.left, one.right)
            for part in walk(side, 3)
        )
        for one in facts.comparisons("<", "<=", ">", ">=")
    )


def times_noted(value: Value) -> frozenset[int]:
    """The parts, by identity, that stand under a name that says when: ``store.create({"owner": 1, "issued_t": now})``, ``Record(expires_at=now)``."""
    return frozenset(
        id(part)
        for made in walk(value, 8)
        for name, held in _named(made)
        if _TIME.fullmatch(name)
        for part in walk(held, 6)
    )


def _named(made: Value) -> Sequence[tuple[str, Value]]:
    if isinstance(made, Call):
        return made.keywords
    return [(text_of(key) or "", held) for key, held in made.items] if isinstance(made, Mapping) else ()


def _is_now(value: Value) -> bool:
    return isinstance(value, Call) and value.callee in _NOW
