"""What nobody works out who does not know a key: an HMAC, also of a function of the project, and what the signing key goes into."""

from stopper.core.facts import SourceFacts
from stopper.core.values import Call, ConfigValue, Value, walk


def is_signing_key(part: Value) -> bool:
    """``app.config["SECRET_KEY"]``"""
    return isinstance(part, ConfigValue) and part.key == "SECRET_KEY"


def is_made_with_a_key(facts: SourceFacts, made: Call, depth: int = 3) -> bool:
    """That a function of the project gives what ``hmac`` makes, itself or through another: ``mac = hmac.new(key, …)``."""
    own = facts.function(made.callee) if depth else None
    inside = [one for said in own.returns for one in walk(said, 8) if isinstance(one, Call)] if own is not None else []
    return any(one.callee.startswith("hmac.") or is_made_with_a_key(facts, one, depth - 1) for one in inside)
