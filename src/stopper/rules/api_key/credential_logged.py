"""Everybody who may read the logs can act as the caller."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.app import App
from stopper.core.facts import source_of
from stopper.core.labels import CREDENTIALS, LabelKind
from stopper.core.rule import Certainty, Hit, Rule
from stopper.core.values import Call, Choice, Format, Mapping, Sequence, Unknown, Value

_TELLS_NOTHING: Final = frozenset({"bool", "len", "type", "isinstance", "hash", "id", "any", "all"})
_MASKS: Final = re.compile(
    r"(?i)mask|redact|scrub|obfuscat|hash|digest|fingerprint|saniti[sz]e|censor|truncate|shorten|anonymi[sz]e"
)
"""What a function of this name gives is made for being shown."""
_WORDS: Final[dict[LabelKind, str]] = {
    "authorization-header": "the Authorization header",
    "token": "a token",
    "api-key": "an API key",
    "password": "a password",
    "config-secret": "a secret of the settings",
}


def detect(app: App) -> Iterator[Hit]:
    """A credential that reaches a logger or ``print`` as it is."""
    facts = source_of(app)
    compared = {(id(found.left), id(found.right)) for found in facts.comparisons()}
    for flow in facts.flows("log", "print", label=tuple(sorted(CREDENTIALS))):
        labels = {label for value in _shown(flow.value, compared) for label in facts.labels(value)}
        kinds = {label.kind: label.by_name for label in sorted(labels, key=lambda label: not label.by_name)}
        found = [kind for kind in _WORDS if kind in kinds]
        if found:
            certainty: Certainty = "likely" if all(kinds[kind] for kind in found) else "certain"
            yield Hit(f"{_WORDS[found[0]]} is written to a log", flow.span, certainty=certainty)


def _shown(value: Value, compared: set[tuple[int, int]], depth: int = 12) -> Iterator[Value]:
    """The values inside whose text is seen: not what is only tested, counted, compared or masked."""
    if depth < 0:
        return
    match value:
        case Unknown(parts=(_,)):
            return  # ``not token``
        case Unknown(parts=(left, right, *_)) if (id(left), id(right)) in compared:
            return
        case Unknown(parts=inner) | Format(parts=inner) | Choice(options=inner) | Sequence(items=inner):
            for part in inner:
                yield from _shown(part, compared, depth - 1)
        case Mapping(items=pairs):
            for _, held in pairs:
                yield from _shown(held, compared, depth - 1)
        case Call(callee="str" | "repr" | "format", args=args):
            for part in args:
                yield from _shown(part, compared, depth - 1)
        case Call(callee=callee) if callee in _TELLS_NOTHING or _MASKS.search(value.method):
            return
        case _:
            yield value


RULE = Rule(
    slug="credential-logged",
    family="api-key",
    title="Credential written to a log",
    harm="Everybody who may read the logs can act as the caller.",
    severity="high",
    check="data-exposure",
    cwe=(532,),
    owasp="API8:2023",
    asvs=("V16.2.5",),
    surfaces=("source",),
    ends="Secret",
    detect=detect,
)
