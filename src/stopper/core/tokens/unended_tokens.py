"""Signed tokens for a reset or an invitation that are good for ever."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.account_names import RESETS
from stopper.core.facts import SourceFacts
from stopper.core.rule import Hit
from stopper.core.tokens.ages_by_hand import ends_by_hand, looks_at_age
from stopper.core.values import Call, Mapping, options, text_of

_SERIALIZER: Final = re.compile(r"(?i).*(URLSafe|Timed|JSONWebSignature)\w*Serializer")


def unended(facts: SourceFacts, reached: frozenset[str]) -> Iterator[Hit]:
    """A signed token without expiry: ``loads`` without ``max_age``, a serializer without a time, a JWT without ``exp``."""
    for call in facts.calls("*.loads"):
        ends_itself = "TimedJSONWebSignature" in f"{call.callee} {getattr(call.receiver, 'callee', '')}"
        lives_on = _is_serializer(call) and not ends_itself and call.lacks(1, "max_age")
        if (call.function in reached or is_of_resets(call)) and lives_on and not looks_at_age(facts, call):
            yield Hit("a reset token is accepted for ever", call.span)
    for call in facts.calls("jwt.encode", "jose.jwt.encode"):
        payload = call.argument(0, "payload", "claims")
        if call.function in reached and any(
            isinstance(one, Mapping) and not one.open and one.get("exp") is None and not ends_by_hand(facts, one)
            for one in options(payload)
        ):
            yield Hit("a reset token is made without an expiry", call.span)


def is_of_resets(call: Call) -> bool:
    """``URLSafeSerializer(key, salt="password-reset").loads(token)``: the salt says what the token is for."""
    made = call.receiver
    salt = made.argument(1, "salt") if isinstance(made, Call) else None
    return any(RESETS.search(text_of(one) or "") is not None for one in (salt, call.keyword("salt")))


def _is_serializer(call: Call) -> bool:
    if _SERIALIZER.fullmatch(call.callee.rpartition(".")[0]):
        return True
    return isinstance(call.receiver, Call) and _SERIALIZER.fullmatch(call.receiver.callee) is not None
