"""A token without any signature is one of the kinds that the application says it takes."""

from collections.abc import Iterator

from stopper.core.app import App
from stopper.core.facts import SourceFacts, source_of
from stopper.core.guards.refusals_made import is_refusal
from stopper.core.place import Span
from stopper.core.rule import Edit, Hit, Rule
from stopper.core.tokens.jwt_header import header_members
from stopper.core.tokens.jwt_names import (
    algorithm_names,
    allowed_algorithms,
    decodings,
    encodings,
    is_pyjwt,
    library_said,
    names_in_force,
)
from stopper.core.values import Constant, Mapping, Sequence, Value, is_constant, options, text_of

SETTINGS = ("JWT_ALGORITHM", "JWT_DECODE_ALGORITHMS", "JWT_ALGORITHMS")
REGISTRIES = (
    "joserfc.jws.JWSRegistry",
    "joserfc.jws.deserialize_compact",
    "authlib.jose.JsonWebSignature",
    "jwt.PyJWS",
)

ALG = frozenset({"alg"})


def detect(app: App) -> Iterator[Hit]:
    """`none` among the algorithms of a decode or a setting, or as the algorithm that signs."""
    facts = source_of(app)
    seen: set[Span | None] = set()
    for hit in (*_decodes(app, facts), *_encodes(app, facts), *_settings(app, facts), *_by_hand(facts)):
        if hit.span is None or hit.span not in seen:
            seen.add(hit.span)
            yield hit


def _decodes(app: App, facts: SourceFacts) -> Iterator[Hit]:
    for call, shape in decodings(facts):
        if _lists_none(allowed_algorithms(facts, app, call, shape)):
            key = call.argument(shape.key, "key")
            keyed = is_pyjwt(call.callee) and key is not None and not is_constant(key, None, "")
            more = "; with a key it refuses such tokens, until somebody passes none" if keyed else ""
            yield Hit(f"none is listed among the algorithms of {library_said(app, call.callee)}{more}", call.span)
    for call in facts.calls("*.JSONWebSignatureSerializer", "*.TimedJSONWebSignatureSerializer"):
        if _lists_none(tuple(options(call.keyword("algorithm_name")))):
            yield Hit("ItsDangerous is told to sign with none, so the token has no signature", call.span)
    for call in facts.calls(*REGISTRIES):
        said = call.keyword("algorithms") or call.argument(0)
        if _lists_none(tuple(options(said))):
            yield Hit("none is listed among the algorithms", call.span)


def _encodes(app: App, facts: SourceFacts) -> Iterator[Hit]:
    for call, shape in encodings(facts):
        if shape.claims == 0:
            values = tuple(value for one in options(call.argument(2, "algorithm")) for value in facts.followed(one))
            # None that is written nowhere is a look-up in a mapping that is filled elsewhere.
            bare = is_pyjwt(call.callee) and any(
                isinstance(value, Constant) and value.value is None and value.span is not None for value in values
            )
        else:
            header = call.argument(0, "header")
            alg = header.get("alg") if isinstance(header, Mapping) else None
            values, bare = tuple(options(alg)), False
        if bare or _lists_none(values):
            yield Hit(
                f"{library_said(app, call.callee)} is told to sign with none, so the token has no signature", call.span
            )


def _by_hand(facts: SourceFacts) -> Iterator[Hit]:
    """``if header["alg"] == "none": return claims``, and ``if header["alg"] != "none":`` round the check: one's own that lets tokens without
    a signature pass."""
    for one in facts.comparisons("==", "in", "!="):
        sides = (one.left, one.right)
        if not any(_lists_none((side,)) for side in sides):
            continue
        if not any(any(header_members(facts, side, ALG)) for side in sides):
            continue
        for asked in facts.conditions_in(one.function):
            body = asked.body if asked.span.holds(one.span) and not asked.negated and not asked.refuses else None
            if body is not None and one.operator == "!=" and (asked.stops or not _checks_in(facts, one.function, body)):
                continue
            if body is not None and any(
                body.holds(back.span) is not (one.operator == "!=")
                and not is_constant(back.value, None, False)
                and not is_refusal(back.value)
                for back in facts.returns_of(one.function)
            ):
                yield Hit("a token whose header says none passes without a signature", one.span)


def _checks_in(facts: SourceFacts, function: str, body: Span) -> bool:
    """That the signature is looked at there."""
    return any(
        call.method in ("compare_digest", "verify") and call.span is not None and body.holds(call.span)
        for call in facts.calls_in(function)
    )


def _settings(app: App, facts: SourceFacts) -> Iterator[Hit]:
    for write in facts.config_writes(*SETTINGS):
        if write.loaded is not False and _lists_none((write.value,)):
            yield Hit(f"none is listed in {write.key}", write.span)
    for key in SETTINGS:
        fact = app.config.get(key)
        if fact is None or fact.reader != "running":
            continue
        if any(name.lower() == "none" for name in names_in_force(fact.value)):
            yield Hit(f"none is listed in {key} of the running application", reader="running")


def _lists_none(values: tuple[Value, ...]) -> bool:
    return any(name.lower() == "none" for name in algorithm_names(values))


def fix(app: App, hit: Hit) -> Edit | None:
    """Takes `none` out of a list that stands in the call itself and names another algorithm too."""
    facts = source_of(app)
    for call, shape in decodings(facts):
        if call.span != hit.span or hit.span is None:
            continue
        said = call.argument(shape.algorithms, "algorithms") if shape.algorithms is not None else None
        if isinstance(said, Sequence) and said.span is not None and hit.span.holds(said.span) and not said.open:
            names = [text_of(item) for item in said.items]
            kept = [name for name in names if name is not None and name.lower() != "none"]
            if kept and None not in names:
                return Edit(said.span, "[" + ", ".join(f'"{name}"' for name in kept) + "]", safe=False)
    return None


RULE = Rule(
    slug="jwt-none-algorithm-listed",
    family="jwt",
    title="`none` is listed among the allowed algorithms, or signs",
    harm=__doc__ or "",
    severity="critical",
    check="authentication",
    cwe=(327,),
    owasp="API2:2023",
    asvs=("V9.1.2",),
    surfaces=("source", "running"),
    ends="Stopper's `@bearer` takes the algorithm from the key, and `none` belongs to no key.",
    detect=detect,
    fix=fix,
)
