"""A token that ran out, or that was made for somebody else, still opens the door."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.app import App
from stopper.core.facts import SourceFacts, source_of
from stopper.core.flow.flags_passed import comes_to
from stopper.core.rule import Edit, Hit, Rule
from stopper.core.tokens.jwt_claims import asked_by_hand, option, validated, verifications
from stopper.core.tokens.jwt_names import ENCODING, is_off, is_pyjwt, library_said, said_options
from stopper.core.values import Call, Constant, EnvironmentValue, Mapping, Name, Truth, is_constant, literals, walk

CHECKS: Final = {
    "verify_exp": "exp", "verify_nbf": "nbf", "verify_aud": "aud", "verify_iss": "iss", "verify_expiration": "exp",
    "verify_claims": "exp",
}  # fmt: skip


def detect(app: App) -> Iterator[Hit]:
    """Options that turn a check of claims off, and decodes of Authlib and joserfc whose claims nobody checks."""
    facts = source_of(app)
    for call, shape in verifications(app, facts):
        if not _reads_claims(call):
            if not validated(facts, call) and not asked_by_hand(facts, call, "exp"):
                yield Hit(
                    f"{library_said(app, call.callee)} decodes, and nothing checks the claims afterwards", call.span
                )
            continue
        off = [
            name
            for name in CHECKS
            if any(
                _is_off(one) or False in comes_to(facts, one)
                for value in option(facts, call, shape, name)
                for one in facts.followed(value)
            )
        ]
        off = [name for name in off if not asked_by_hand(facts, call, CHECKS[name])]
        if off == ["verify_exp"] and _only_revokes(facts, call):
            continue
        if off:
            yield Hit(f"{library_said(app, call.callee)} is told not to check: {', '.join(off)} is off", call.span)
    yield from _extension(facts)


def _only_revokes(facts: SourceFacts, call: Call) -> bool:
    """A log-out that takes a token which may have ended, to note that it is over."""
    routes = facts.routes_reaching(call.function) if call.function else ()
    signs = any(one.callee in ENCODING or one.method.startswith("create_") for one in facts.calls_in(call.function))
    return bool(routes) and all(_ENDS.search(route.path) for route in routes) and not signs


_ENDS: Final = re.compile(r"(?i)log-?_?out|revoke|sign-?_?out")


def _is_off(value: object) -> bool:
    if isinstance(value, Constant):
        return is_off(value)
    if isinstance(value, Truth):  # a flag of the environment, or what the request says
        return any(
            isinstance(part, EnvironmentValue) or (isinstance(part, Name) and part.dotted.startswith("flask.request."))
            for part in walk(value, 4)
        )
    return isinstance(value, EnvironmentValue) and any(is_off(one) for one in literals(value))


def _extension(facts: SourceFacts) -> Iterator[Hit]:
    for call in facts.calls("flask_jwt_extended.decode_token"):
        token = call.argument(0, "encoded_token")
        if isinstance(token, Call) and token.method in ("create_access_token", "create_refresh_token"):
            continue  # it was made a line above, to see what is in it
        if is_constant(call.argument(2, "allow_expired"), True):
            yield Hit("Flask-JWT-Extended is told to take an expired token", call.span, certainty="likely")


def fix(app: App, hit: Hit) -> Edit | None:
    """`True` for the literal that turns the check off, where it stands in the call and is the only one."""
    facts = source_of(app)
    for call, shape in verifications(app, facts):
        if call.span != hit.span or hit.span is None:
            continue
        found = [
            said.get(name)
            for said in said_options(facts, call, shape)
            if isinstance(said, Mapping)
            for name in CHECKS
            if _is_off(said.get(name))
        ]
        spans = [
            one.span for one in found if isinstance(one, Constant) and one.span is not None and hit.span.holds(one.span)
        ]
        if len(found) == len(spans) == 1:
            return Edit(spans[0], "True", safe=False)
    return None


def _reads_claims(call: Call) -> bool:
    """That the library checks time claims by itself; Authlib and joserfc only decode."""
    return is_pyjwt(call.callee) or call.callee.startswith("jose.")


RULE = Rule(
    slug="jwt-claim-checks-disabled",
    family="jwt",
    title="The check of `exp`, `nbf`, `aud` or `iss` is switched off, or never made",
    harm=__doc__ or "",
    severity="high",
    check="authentication",
    cwe=(613,),
    owasp="API2:2023",
    asvs=("V9.2.1",),
    surfaces=("source",),
    ends="Stopper's `@bearer` checks every claim of every token, and no setting turns that off.",
    detect=detect,
    fix=fix,
)
