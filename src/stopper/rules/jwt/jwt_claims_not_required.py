"""A token that simply leaves a claim out passes the check that this claim would have failed."""

from collections.abc import Iterator
from typing import Final

from stopper.core.app import App
from stopper.core.edits.call_edits import passing
from stopper.core.facts import SourceFacts, source_of
from stopper.core.finding import Evidence, Verdict
from stopper.core.probe import Steps, Target, failed, not_applicable, passed, unsure
from stopper.core.probing.baseline import judge
from stopper.core.probing.signature import signable
from stopper.core.rule import Certainty, Edit, Hit, Rule
from stopper.core.tokens.jwt_claims import (
    asked_by_hand,
    held_against,
    options_unknown,
    read_strictly,
    required,
    verifications,
)
from stopper.core.tokens.jwt_names import Decoding, is_pyjwt, library_said
from stopper.core.values import Call

WANTED: Final = ("exp", "iss", "aud", "sub")


def detect(app: App) -> Iterator[Hit]:
    """Verifications that let a token without `exp` pass; those that demand some of the four are only a possible hit."""
    facts = source_of(app)
    for call, shape in verifications(app, facts):
        if facts.derives(call.argument(1, "key"), "session", by_name=False):
            continue  # what this browser was given and brings back: the state of a log-in elsewhere
        if options_unknown(facts, call, shape) or call.callee == "jose.jws.verify":
            continue
        missing = _missing(facts, call, shape)
        if not missing:
            continue
        said = ", ".join(missing)
        certainty: Certainty = "certain" if "exp" in missing else "possible"
        # That nothing is compared there with who issued it or for whom is told at this line too, and weighs more.
        weak = certainty == "possible" or not {"iss", "aud"}.isdisjoint(missing) or _is_of_a_provider(facts, call)
        yield Hit(
            f"{library_said(app, call.callee)} is not told to require {said}",
            call.span,
            certainty=certainty,
            severity="low" if weak else None,
        )


def _is_of_a_provider(facts: SourceFacts, call: Call) -> bool:
    """That the key was fetched from whoever issues the tokens: a provider's token has an ``exp`` and a ``sub`` (RFC 9068 §2.2, OpenID Connect
    Core 1.0 §2), and nobody else can sign one."""
    return facts.derives(call.argument(1, "key"), "upstream", by_name=False)


def _missing(facts: SourceFacts, call: Call, shape: Decoding) -> list[str]:
    there = required(facts, call, shape) | held_against(facts, call)
    return [
        claim
        for claim in WANTED
        if claim not in there
        and not (claim != "exp" and (read_strictly(facts, call, claim) or asked_by_hand(facts, call, claim)))
        and not (claim == "exp" and (asked_by_hand(facts, call, claim) or read_strictly(facts, call, claim)))
    ]


def fix(app: App, hit: Hit) -> Edit | None:
    """The claims demanded by name, where PyJWT 2 is given no options; whoever issues tokens without one of them must do so first."""
    facts = source_of(app)
    for call, shape in verifications(app, facts):
        if call.span != hit.span or not is_pyjwt(call.callee) or app.dependencies.get("pyjwt", "2").startswith("1."):
            continue
        if shape.options is not None and call.lacks(shape.options, "options"):
            claims = ", ".join(f'"{claim}"' for claim in _missing(facts, call, shape))
            return passing(call, ("options", f'{{"require": [{claims}]}}'), safe=False)
    return None


def probe(target: Target) -> Steps[Verdict]:
    """Shows a well-signed token that has no `exp`; beside it the same token with one is accepted."""
    found = yield from signable(target)
    if isinstance(found, Verdict):
        return found
    if "exp" not in target.forge.claims(found.token):
        return not_applicable("the application's own tokens have no exp (jwt-issued-without-expiry)")
    without = yield from found.with_claims(target, exp=None)
    match judge(found.baseline, without.response):
        case "let-in":
            seen = Evidence("exchange", "the same claims without exp are accepted", without)
            message = f"{found.baseline.ref} accepts a token without exp, so such a token never ends"
            return failed(message, (found.baseline.ref,), (*found.evidence(), seen))
        case "kept-out":
            return passed(f"{found.baseline.ref} refuses a token without exp")
        case _:
            return unsure(
                f"the answer of {found.baseline.ref} to a token without exp is neither a refusal nor the honest answer"
            )


RULE = Rule(
    slug="jwt-claims-not-required",
    family="jwt",
    title="Verification does not require `exp`, `iss`, `aud` and `sub` to be present",
    harm=__doc__ or "",
    severity="high",
    check="authentication",
    cwe=(613,),
    owasp="API2:2023",
    asvs=("V9.2.1",),
    surfaces=("source", "wsgi", "http"),
    ends="Stopper's `@bearer` refuses a token without `exp`, `iss`, `aud` or `sub`.",
    repeats=("jwt-claim-checks-disabled",),
    detect=detect,
    probe=probe,
    fix=fix,
)
