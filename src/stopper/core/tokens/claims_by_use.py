"""Parameters that are called like a token and are read as what a token says: ``def user_of(token): … token["sub"]``."""

from typing import TYPE_CHECKING, Final

from stopper.core.values import Item, Parameter, Value, text_of, walk

if TYPE_CHECKING:
    from stopper.core.facts import SourceFacts

_CLAIMS: Final = frozenset({
    "sub", "iss", "aud", "exp", "iat", "jti", "azp", "scope", "scp", "roles", "realm_access", "email", "name", "preferred_username", "given_name", "family_name",
    "upn", "oid", "tid", "username", "user_id", "idp_userid",
})  # fmt: skip


def is_read_as_claims(facts: "SourceFacts", value: Parameter, depth: int = 2) -> bool:
    """That its function, or one that it is handed to, takes a claim out of it by name."""
    calls = list(facts.calls_in(value.function))
    seen: list[Value] = [one for call in calls for one in (*call.args, *(held for _, held in call.keywords))]
    seen += [one.value for one in facts.returns_of(value.function)]
    seen += [side for one in facts.comparisons_in(value.function) for side in (one.left, one.right)]
    if any(
        isinstance(part, Item) and _is_same(part.owner, value) and text_of(part.key) in _CLAIMS
        for one in seen
        for part in walk(one, 4)
    ):
        return True
    if not depth:
        return False
    for call in calls:
        known = facts.function(call.callee)
        for place, given in enumerate(call.args) if known is not None else ():
            if _is_same(given, value) and known is not None and place < len(known.parameters):
                handed = Parameter(known.name, known.parameters[place], place)
                if is_read_as_claims(facts, handed, depth - 1):
                    return True
    return False


def _is_same(one: Value, other: Parameter) -> bool:
    return isinstance(one, Parameter) and (one.function, one.parameter) == (other.function, other.parameter)
