"""One key is taken for two kinds of algorithm, so a public key may be used as if it were a secret."""

from collections.abc import Iterator
from typing import Final

from stopper.core.app import App
from stopper.core.edits.algorithm_edits import one_algorithm
from stopper.core.facts import SourceFacts, source_of
from stopper.core.place import Span
from stopper.core.rule import Edit, Hit, Rule
from stopper.core.tokens.jwt_names import (
    HMAC,
    PUBLIC_KEY,
    algorithm_names,
    allowed_algorithms,
    decodings,
    is_everything,
    library_said,
    names_in_force,
    shape_of,
)
from stopper.core.values import Sequence, Value, options, text_of, walk

SETTINGS: Final = ("JWT_DECODE_ALGORITHMS",)
MIXED: Final = "the algorithms mix HMAC with public-key ones"
ALL: Final = "every algorithm that the library knows is allowed"


def detect(app: App) -> Iterator[Hit]:
    """Lists of a decode, of Authlib's JsonWebToken or of a setting."""
    facts = source_of(app)
    seen: set[Span | None] = set()
    for call, shape in decodings(facts):
        allowed = tuple(one for one in allowed_algorithms(facts, app, call, shape) if not _is_picked(facts, one))
        if (wrong := _wrong(allowed)) and call.span not in seen:
            seen.add(call.span)
            yield Hit(f"{wrong} ({library_said(app, call.callee)})", call.span)
    for call in facts.calls("joserfc.jws.JWSRegistry", "joserfc.jws.deserialize_compact"):
        if wrong := _wrong(tuple(options(call.keyword("algorithms")))):
            yield Hit(wrong, call.span)
    yield from _settings(app, facts)


def _is_picked(facts: SourceFacts, value: Value) -> bool:
    """``[name for name in get_default_algorithms() if name.startswith("HS")]``: of all that the library knows those of one name or kind."""
    if not isinstance(value, Sequence) or not value.open or value.span is None:
        return False
    whole = value.span
    tests = [one.span for one in facts.comparisons("==") if text_of(one.left) or text_of(one.right)]
    tests += [one.span for one in facts.comparisons("in") if isinstance(one.right, Sequence) and one.right.plain()]
    tests += [call.span for call in facts.calls("*.startswith") if call.span is not None]
    return any(whole.holds(span) for span in tests)


def _settings(app: App, facts: SourceFacts) -> Iterator[Hit]:
    for write in facts.config_writes(*SETTINGS):
        if write.loaded is not False and (wrong := _wrong((write.value,))):
            yield Hit(f"{wrong} in {write.key}", write.span)
    for key in SETTINGS:
        fact = app.config.get(key)
        if fact is not None and fact.reader == "running":
            names = names_in_force(fact.value)
            if names & HMAC and names & PUBLIC_KEY:
                yield Hit(f"{MIXED} in {key} of the running application", reader="running")


def _wrong(values: tuple[Value, ...]) -> str | None:
    for value in values:
        names = set(algorithm_names((value,)))
        if names & HMAC and names & PUBLIC_KEY:
            return MIXED
        if any(is_everything(part) for part in walk(value, 6)):
            return ALL
    return None


def fix(app: App, hit: Hit) -> Edit | None:
    """The one algorithm that the application signs with, else the one that the name of the key speaks for; to be looked at."""
    facts = source_of(app)
    for call, usual in decodings(facts):
        if call.span == hit.span:
            return one_algorithm(facts, call, shape_of(app, call, usual))
    return None


RULE = Rule(
    slug="jwt-algorithms-too-broad",
    family="jwt",
    title="The list of allowed algorithms is everything the library knows, or mixes HMAC with public-key algorithms",
    harm=__doc__ or "",
    severity="high",
    check="authentication",
    cwe=(757,),
    owasp="API2:2023",
    asvs=("V9.1.2",),
    surfaces=("source", "running"),
    ends="Stopper's `@bearer` takes the algorithm from the key, so a key has one use.",
    detect=detect,
    fix=fix,
)
