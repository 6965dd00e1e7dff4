"""A token that somebody got for another service opens this one too."""

from collections.abc import Iterator
from typing import Final

from stopper.core.app import App
from stopper.core.facts import SourceFacts, source_of
from stopper.core.finding import Evidence, Verdict
from stopper.core.flow.flags_passed import may_be_left_out
from stopper.core.guards.asked_in_vain import is_asked_in_vain
from stopper.core.probe import Steps, Target, failed, passed
from stopper.core.probing.baseline import judge
from stopper.core.probing.signature import signable
from stopper.core.rule import Certainty, Hit, Rule
from stopper.core.tokens.jwt_claims import asked_by_hand, only_there, option, options_unknown, required, verifications
from stopper.core.tokens.jwt_keys import key_uses
from stopper.core.tokens.jwt_names import (
    DECODING,
    ENCODING,
    PUBLIC_KEY,
    Decoding,
    algorithm_names,
    allowed_algorithms,
    decodings,
    encodings,
    is_off,
    library_said,
    verifies,
)
from stopper.core.tokens.jwt_purposes import marks
from stopper.core.values import Call, Item, Mapping, Member, Value, is_constant, options, text_of, walk

_PURPOSES: Final = frozenset({"op", "operation", "purpose", "action", "intent", "reason"})
"""Claims of links and confirmations, each good for one deed; ``type`` and ``scope`` stand in access tokens as well."""
ELSEWHERE = "https://another-service.example"


def detect(app: App) -> Iterator[Hit]:
    """Verifications that compare neither by argument nor by hand: certain for keys that others sign with too."""
    facts = source_of(app)
    for call, shape in verifications(app, facts):
        if facts.derives(call.argument(1, "key"), "session", by_name=False):
            continue  # what this browser was given and brings back: the state of a log-in elsewhere
        if call.callee == "jose.jws.verify" or (options_unknown(facts, call, shape) and not _is_told(facts, call)):
            continue
        missing = [claim for claim in ("aud", "iss") if not _is_checked(facts, call, shape, claim)]
        if missing and not (len(missing) == 2 and _is_for_one_purpose(app, facts, call, shape)):
            certainty = _certainty(app, facts, call, missing)
            message = f"{library_said(app, call.callee)} is not told which {' and '.join(missing)} to expect"
            if certainty != "certain" and _is_signed_here(app, facts, call, shape):
                said = f"{message}: look whether another service signs with this key"
                yield Hit(said, call.span, certainty="possible", severity="low")
            else:
                yield Hit(message, call.span, certainty=certainty)
    yield from _of_google(facts)


def _of_google(facts: SourceFacts) -> Iterator[Hit]:
    """``verify_oauth2_token(token, request)`` knows the issuer, and takes every client's token unless it is told the audience."""
    for call in facts.calls(*_GOOGLE):
        said = call.argument(2, "audience")
        if call.open or (said is not None and not is_constant(said, None)) or asked_by_hand(facts, call, "aud"):
            continue
        yield Hit("Google's library is not told which aud to expect", call.span)


_GOOGLE: Final = tuple(
    f"google.oauth2.id_token.{name}" for name in ("verify_oauth2_token", "verify_token", "verify_firebase_token")
)


def _is_told(facts: SourceFacts, call: Call) -> bool:
    return any(_expected(call, claim) is not None for claim in ("aud", "iss"))


def _is_of_a_token(expected: Value) -> bool:
    """``audience=jwt.decode(raw, options=UNCHECKED)["aud"]``: the token is held against itself."""
    return isinstance(expected, Item) and any(
        isinstance(one, Call) and one.callee in DECODING and not verifies(one) for one in walk(expected.owner, 3)
    )


def _expected(call: Call, claim: str) -> Value | None:
    """What the call says the claim must be; python-jose takes both behind its options, by position too."""
    word, place = _EXPECTED[claim]
    return call.argument(place if call.callee == "jose.jwt.decode" else None, word)


_EXPECTED: Final = {"aud": ("audience", 4), "iss": ("issuer", 5)}


def _is_checked(facts: SourceFacts, call: Call, shape: Decoding, claim: str) -> bool:
    given = _expected(call, claim)
    if (
        given is not None
        and not is_constant(given, None, "")
        and not (may_be_left_out(facts, given) or _is_of_a_token(given))
    ):
        return not any(is_off(value) for value in option(facts, call, shape, f"verify_{claim}"))
    if call.callee.startswith(("authlib.", "joserfc.")) and claim in required(facts, call, shape):
        return not only_there(facts, call, claim) or asked_by_hand(facts, call, claim)
    names = (claim, "client_id", "azp") if claim == "aud" else (claim,)  # access tokens of some providers have no aud
    return any(asked_by_hand(facts, call, name) for name in names)


def _is_for_one_purpose(app: App, facts: SourceFacts, call: Call, shape: Decoding) -> bool:
    """That tokens are signed here alone, each with a claim that says what it is for (``op``), and whoever reads one asks for it."""
    names = set(algorithm_names(allowed_algorithms(facts, app, call, shape)))
    signed = [one.argument(shape_of.claims, "payload", "claims") for one, shape_of in encodings(facts)]
    if not names or names & PUBLIC_KEY or not signed:
        return False
    said = [frozenset(_claims(one)) & _PURPOSES for one in signed]
    if not all(said):
        return False
    return all(
        asked_by_hand(facts, call, name) or _is_asked_as_member(facts, call, name)
        for name in frozenset[str]().union(*said)
    )


def _is_asked_as_member(facts: SourceFacts, call: Call, claim: str) -> bool:
    """``return Token(operation=claims["op"])``, where ``token.operation`` is compared."""
    named = {
        name
        for returned in facts.returns_of(call.function)
        if isinstance(returned.value, Call)
        for name, held in returned.value.keywords
        if isinstance(held, Item) and text_of(held.key) == claim
    }
    return bool(named) and any(
        isinstance(side, Member) and side.attribute in named and not is_asked_in_vain(facts, one)
        for one in facts.comparisons("==", "!=", "in", "not in", "is", "is not")
        for side in (one.left, one.right)
    )


def _is_signed_here(app: App, facts: SourceFacts, call: Call, shape: Decoding) -> bool:
    """That the application signs with this key itself, a secret of its own: then what it reads is mostly what it has written."""
    mine = marks(facts, call.argument(shape.key, "key"))
    return any(mine & marks(facts, key) for signing, key, _ in key_uses(app, facts) if signing.callee in ENCODING)


def _certainty(app: App, facts: SourceFacts, call: Call, missing: list[str]) -> Certainty:
    """A key pair is made for others to verify with, so others' tokens fit it; a secret of one's own is seldom shared."""
    shape = next(one for other, one in decodings(facts) if other is call)
    names = set(algorithm_names(allowed_algorithms(facts, app, call, shape)))
    shared = bool(names & PUBLIC_KEY) or any(
        isinstance(part, Call) and part.method in ("get_signing_key_from_jwt", "get_signing_key", "get")
        for part in walk(call.argument(shape.key, "key"), 4)
    )
    if shared:
        return "certain"
    issued = {
        name
        for one, shape_of in encodings(facts)
        for name in _claims(one.argument(shape_of.claims, "payload", "claims"))
    }
    return "likely" if len(missing) == 2 or issued & {"aud", "iss"} else "possible"


def _claims(value: Value | None) -> Iterator[str]:
    for one in options(value):
        if isinstance(one, Mapping):
            yield from one.keys()


def probe(target: Target) -> Steps[Verdict]:
    """Shows well-signed tokens of another issuer, and for another audience; one claim is varied at a time."""
    found = yield from signable(target)
    if isinstance(found, Verdict):
        return found
    for claim, what in (("iss", "of another issuer"), ("aud", "for another audience")):
        changed = yield from found.with_claims(target, **{claim: ELSEWHERE})
        if judge(found.baseline, changed.response) == "let-in":
            seen = Evidence("exchange", f"the same claims with another {claim} are accepted", changed)
            message = f"{found.baseline.ref} accepts a token {what}"
            return failed(message, (found.baseline.ref,), (*found.evidence(), seen))
    return passed(f"{found.baseline.ref} refuses another issuer and another audience")


RULE = Rule(
    slug="jwt-audience-issuer-unchecked",
    family="jwt",
    title="`aud` or `iss` is not checked",
    harm=__doc__ or "",
    severity="high",
    check="authentication",
    cwe=(345,),
    owasp="API2:2023",
    asvs=("V9.2.3",),
    surfaces=("source", "wsgi", "http"),
    ends="`Stopper(app)` takes tokens of `STOPPER_ISSUER` for `STOPPER_AUDIENCE` only.",
    certainty="likely",
    detect=detect,
    probe=probe,
    repeats=("jwt-wrong-type-accepted", "jwt-claim-checks-disabled"),
)
