"""What a mapping that was made from another no longer shows: ``safe.pop("Authorization")``, ``{**headers, "Cookie": "***"}``, a
comprehension that looks at the names."""

import re
from typing import TYPE_CHECKING, Final

from stopper.core.labels import CREDENTIALS, LabelKind
from stopper.core.outgoing.held_headers import credential_kind
from stopper.core.values import Call, Choice, Constant, Mapping, Name, Unknown, Value, text_of, walk

if TYPE_CHECKING:
    from stopper.core.fact import Comparison
    from stopper.core.facts import SourceFacts

_ALL: Final[frozenset[LabelKind]] = CREDENTIALS | frozenset[LabelKind]({"cookie"})
_NAMES_OF_SECRETS: Final = re.compile(
    r"(?i)sensitive|secret|redact|hidden|hide|private|mask|credential|scrub|blocked|strip"
)
_MASK: Final = re.compile(r"(?i)\W*(?:x{3,}|redacted|hidden|masked|filtered|removed|omitted|scrubbed|none|null)?\W*")
_BY_NAME: Final = ("==", "!=", "in", "not in")


def kinds_under(key: str) -> frozenset[LabelKind]:
    """The labels of what is usually held under that key; empty where the key says of no credential."""
    if key.lower() in ("cookie", "set-cookie", "cookies"):
        return frozenset({"cookie"})
    kind = credential_kind(key)
    if kind == "authorization-header":
        return frozenset({kind, "token"})
    return frozenset({kind}) if kind is not None else frozenset()


_LEAST_SECRET: Final = 10_000
"""A number below it keeps nobody out."""


def is_mask(value: Value) -> bool:
    """What stands in the place of a secret that is not to be seen: ``***``, ``[redacted]``, nothing; also a flag, and the short number of what
    went wrong: ``error_password = 1001``."""
    if not isinstance(value, Constant):
        return False
    if isinstance(value.value, (bool, int, float)) and abs(value.value) < _LEAST_SECRET:
        return True
    return value.value is None or (isinstance(value.value, str) and _MASK.fullmatch(value.value) is not None)


def left_out(facts: "SourceFacts", value: Mapping) -> frozenset[LabelKind]:
    """The labels that what was spread into the mapping, or gone through for it, brings no more."""
    if not value.open:
        return frozenset()
    found: frozenset[LabelKind] = frozenset()
    spread = [number for number, (key, _) in enumerate(value.items) if is_spread(key)]
    if spread:
        for key, _ in value.items[spread[-1] + 1 :]:  # what stands before is written over by what is spread
            found |= kinds_under(text_of(key) or "")
    elif len(value.items) == 1 and not isinstance(value.items[0][0], Constant) and value.span is not None:
        found = _by_comparison(facts, value)
    return found


def is_spread(key: Value) -> bool:
    """That the pair of a mapping stands for all of another: ``**other``, or what the mapping was copied from."""
    return isinstance(key, Unknown) and not key.parts and key.span is None


def _by_comparison(facts: "SourceFacts", value: Mapping) -> frozenset[LabelKind]:
    """``{name: held for name, held in headers.items() if name.lower() not in HIDDEN}``, and the same with a mask for the value."""
    if value.span is None:
        return frozenset()
    found: frozenset[LabelKind] = frozenset()
    key, held = value.items[0]
    shows_others = isinstance(held, Choice) and not any(map(is_mask, held.options))
    for one in facts.once("comparisons with names by file", lambda: _by_path(facts)).get(value.span.path, ()):
        if not value.span.holds(one.span):
            continue
        said = (one.right,) if one.operator.endswith("in") else (one.left, one.right)
        texts = [
            text
            for side in said
            if not isinstance(side, Choice)
            for part in walk(side, 3)
            if (text := text_of(part)) is not None
        ]
        told: frozenset[LabelKind] = frozenset[LabelKind]().union(*map(kinds_under, texts))
        keeps = one.operator in ("==", "in") and not isinstance(held, Choice) and _is_about(one, key)
        if told:
            found |= _ALL - told if keeps else told
        elif isinstance(one.right, Name) and _NAMES_OF_SECRETS.search(one.right.dotted.rpartition(".")[2]):
            return _ALL
        elif texts and not shows_others and one.operator in ("==", "in") and _is_about(one, key):
            return _ALL  # those that may be shown are named
    return found


def _by_path(facts: "SourceFacts") -> "dict[str, list[Comparison]]":
    found: dict[str, list[Comparison]] = {}
    for one in facts.comparisons(*_BY_NAME):
        found.setdefault(one.span.path, []).append(one)
    return found


def _is_about(one: "Comparison", key: Value) -> bool:
    """That the comparison asks for the name of the pair."""
    return any(_bare(side) is _bare(key) for side in ((one.left,) if one.operator == "in" else (one.left, one.right)))


def _bare(value: Value) -> Value:
    """``name`` of ``name.lower().strip()``"""
    while isinstance(value, Call) and value.receiver is not None:
        value = value.receiver
    return value
