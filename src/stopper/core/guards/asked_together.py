"""Refusals that two tests must both fail, where one of them is enough to refuse: `and` stands where `or` is meant."""

from collections.abc import Iterator
from typing import Final

from stopper.core.facts import SourceFacts
from stopper.core.owner_names import ROLE
from stopper.core.place import Span
from stopper.core.values import Call, Choice, Member, Name, Truth, Value, is_constant

COMPARES: Final = (
    "hmac.compare_digest",
    "secrets.compare_digest",
    "werkzeug.security.check_password_hash",
    "bcrypt.checkpw",
)


def both_asked(facts: SourceFacts) -> Iterator[tuple[Span, str]]:
    """Each place, with what is wrong there."""
    yield from _only_both(facts)
    yield from _only_strangers(facts)


def _only_both(facts: SourceFacts) -> Iterator[tuple[Span, str]]:
    """``if account is None and not check_password_hash(account.hash, typed): abort(401)``: who is known passes with any password."""
    for one in facts.conditions():
        value = one.value
        if not one.refuses or one.negated or not isinstance(value, Choice) or not value.every:
            continue
        checks = [part.parts[0] for part in value.options if isinstance(part, Truth) and len(part.parts) == 1]
        checked = [part for part in checks if isinstance(part, Call) and part.callee in COMPARES and part.args]
        missing = [
            part.parts[0]
            for part in value.options
            if isinstance(part, Truth)
            and not part.differs
            and (len(part.parts) == 1 or is_constant(part.parts[1], None))
        ]
        if any(
            isinstance(held := call.args[0], Member) and any(held.owner == other for other in missing)
            for call in checked
        ):
            yield one.span, "this refuses only who is not known and has the wrong password as well: `or` is meant"


def _only_strangers(facts: SourceFacts) -> Iterator[tuple[Span, str]]:
    """``if not current_user.is_authenticated and current_user.role != "admin": abort(403)``: whoever is logged in passes."""
    for one in facts.conditions():
        value = one.value
        if (
            not one.refuses
            or one.negated
            or not isinstance(value, Choice)
            or not value.every
            or len(value.options) != 2
        ):
            continue
        first, second = value.options
        if any(_is_no_member(here) and _lacks_role(there) for here, there in ((first, second), (second, first))):
            yield one.span, "this refuses only who is not logged in and lacks the role as well: `or` is meant"


def _is_no_member(value: Value) -> bool:
    """``not current_user.is_authenticated``"""
    asked = value.parts[0] if isinstance(value, Truth) and len(value.parts) == 1 else None
    return isinstance(asked, Name) and asked.dotted.endswith("current_user.is_authenticated")


def _lacks_role(value: Value) -> bool:
    """``current_user.role != "admin"``, ``not current_user.is_admin``"""
    if not isinstance(value, Truth) or not value.parts or not (value.differs or len(value.parts) == 1):
        return False
    asked = value.parts[0]
    owner, _, word = asked.dotted.rpartition(".") if isinstance(asked, Name) else ("", "", "")
    return owner.endswith("current_user") and ROLE.search(word) is not None
