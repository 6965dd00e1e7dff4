"""The token's own header chooses how the token is checked."""

from collections.abc import Iterator

from stopper.core.app import App
from stopper.core.edits.algorithm_edits import one_algorithm
from stopper.core.facts import SourceFacts, source_of
from stopper.core.flow.passing import given
from stopper.core.rule import Certainty, Edit, Hit, Rule
from stopper.core.tokens.jwt_names import (
    Decoding,
    decodings,
    is_pyjwt,
    library_said,
    library_version,
    said_options,
    shape_of,
)
from stopper.core.values import Call, Mapping, Parameter, is_constant

TAKES_ANY = ("authlib.jose.jwt.decode",)
"""Authlib's ready-made object knows every algorithm, as ``JsonWebToken(None)`` does; only ``JsonWebToken([…])`` is told which to take."""


def detect(app: App) -> Iterator[Hit]:
    """Decodes without `algorithms`, as far as this library in this version then takes any."""
    facts = source_of(app)
    for call, usual in decodings(facts):
        shape = shape_of(app, call, usual)
        if call.open or not _is_missing(facts, call, shape) or _is_off(facts, call, shape):
            continue
        certainty = _taken(app, call)
        if certainty is not None:
            known = "" if certainty == "certain" else " before 2.0 (the version is not known)"
            yield Hit(
                f"no algorithms are given, and {library_said(app, call.callee)}{known} then takes what the token says",
                call.span,
                certainty=certainty,
            )


def _is_missing(facts: SourceFacts, call: Call, shape: Decoding) -> bool:
    if call.callee in TAKES_ANY:
        return True
    if isinstance(call.receiver, Call) and call.receiver.method == "JsonWebToken":
        return is_constant(call.receiver.argument(0, "algorithms"), None)
    if shape.algorithms is None:
        return False
    said = call.argument(shape.algorithms, "algorithms")
    if isinstance(said, Parameter):
        return any(is_constant(one, None) for one in given(facts, said))
    return said is None or is_constant(said, None)


def _is_off(facts: SourceFacts, call: Call, shape: Decoding) -> bool:
    """Nothing is verified anyway, which is another rule's matter."""
    if is_constant(call.keyword("verify"), False):
        return True
    return any(
        isinstance(option, Mapping)
        and option.get("verify_signature") is not None
        and not is_constant(option.get("verify_signature"), True)
        for option in said_options(facts, call, shape)
    )


def _taken(app: App, call: Call) -> Certainty | None:
    """PyJWT 2 refuses such a call, PyJWT 1 and python-jose take any algorithm that fits the key, joserfc its short list of good ones."""
    if not is_pyjwt(call.callee):
        return None if call.callee.startswith("joserfc.") else "certain"
    version = library_version(app, call.callee)
    if not version:
        return "possible"
    return "certain" if version < (2,) else None


def fix(app: App, hit: Hit) -> Edit | None:
    """The algorithm that the application signs with, else the one that the name of the key speaks for; to be looked at."""
    facts = source_of(app)
    for call, usual in decodings(facts):
        if call.span != hit.span or call.callee in TAKES_ANY:
            continue
        shape = shape_of(app, call, usual)
        return one_algorithm(facts, call, shape)
    return None


RULE = Rule(
    slug="jwt-algorithms-missing",
    family="jwt",
    title="A token is decoded without saying which algorithms are allowed",
    harm=__doc__ or "",
    severity="high",
    check="authentication",
    cwe=(757,),
    owasp="API2:2023",
    asvs=("V9.1.2",),
    surfaces=("source",),
    ends="Stopper's `@bearer` takes the algorithm from the key, so there is no list to forget.",
    detect=detect,
    fix=fix,
)
