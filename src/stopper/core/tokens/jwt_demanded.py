"""Claims that a reader of tokens cannot do without: a token of another kind, which has none of them, opens nothing there."""

from stopper.core.app import App
from stopper.core.facts import SourceFacts
from stopper.core.tokens.jwt_keys import key_uses, reached
from stopper.core.tokens.jwt_names import ENCODING
from stopper.core.tokens.jwt_purposes import KINDS, marks
from stopper.core.values import Call, Item, Mapping, Value, options, text_of, walk


def is_of_one_kind_by_claims(app: App, facts: SourceFacts, call: Call, key: Value | None) -> bool:
    """``jwt.decode(shown, KEY)["reset_email"]`` where of all tokens under this key one kind alone has that claim."""
    if _has_its_value_in_options(facts, call):
        return True
    demanded = _demanded(facts, call)
    mine = marks(facts, key)
    signed: list[Mapping] = []
    for signing, signed_with, _ in key_uses(app, facts) if demanded else ():
        if signing.callee in ENCODING and mine & marks(facts, signed_with):
            claims = signing.argument(ENCODING[signing.callee].claims, "payload", "claims")
            made = [one for one in reached(facts, claims) if isinstance(one, Mapping)]
            if not made or any(one.open for one in made):
                return False
            signed += made
    return any(sum(one.get(name) is not None for one in signed) == 1 < len(signed) for name in demanded)


def _has_its_value_in_options(facts: SourceFacts, call: Call) -> bool:
    """``JWTClaimsRegistry(typ={"essential": True, "value": "access"})``, or the same in the options of a decode of Authlib."""
    if not call.callee.startswith(("joserfc.", "authlib.")):
        return False
    said = [
        one.get(kind) for one in options(call.keyword("claims_options")) if isinstance(one, Mapping) for kind in KINDS
    ]
    said += [other.keyword(kind) for other in facts.calls("*.JWTClaimsRegistry") for kind in KINDS]
    return any(isinstance(one, Mapping) and (one.get("value") or one.get("values")) is not None for one in said)


def _demanded(facts: SourceFacts, call: Call) -> frozenset[str]:
    """The keys under which the function that decodes takes claims, with nothing in their place where they are not there."""
    held = [one.value for one in facts.returns_of(call.function)]
    for other in facts.calls_in(call.function):
        held += [*other.args, *(value for _, value in other.keywords)]
    return frozenset(
        name
        for value in held
        for part in walk(value, 6)
        if isinstance(part, Item) and part.default is None and getattr(part.owner, "span", None) == call.span
        if (name := text_of(part.key)) is not None
    )
