"""How an application limits its callers, as its source says it: by Flask-Limiter, by its own counters, or not at all."""

import re
from typing import Final

from stopper.core.fact import Function
from stopper.core.facts import SourceFacts
from stopper.core.values import Name, Sequence, Value, is_constant, walk

LIMITERS: Final = ("flask_limiter.Limiter", "flask_limiter.extension.Limiter")
_LIBRARIES: Final = (
    "flask_limiter",
    "limits",
    "flask_ratelimiter",
    "ratelimit",
    "slowapi",
    "pyrate_limiter",
    "stopper.service",
)
LIMITING: Final = re.compile(
    r"(?i)throttl|rate_?limit|limiter\b|\.limit$|shared_limit|lock_?out|too_?many|slow_?down|back_?off|quota|token_?bucket"
)
AUTH_PATH: Final = re.compile(
    r"(?i)(^|[/_.-])(log_?-?in|sign_?-?in|authenticate|auth|tokens?|sessions?|otp|totp|2fa|mfa|verify|password|reset|forgot|register|sign_?-?up|refresh)([/_.-]|$)"
)


def limits_somehow(facts: SourceFacts) -> bool:
    """A library for limits is imported, or something of the project or of the answers speaks of them."""
    if facts.imports(*_LIBRARIES):
        return True
    if any(LIMITING.search(name) for name in facts.imported):
        return True
    if any(True for _ in facts.config_writes("STOPPER_RATE_LIMIT")):
        return True
    if returns_too_many(facts):
        return True
    if any(says_too_many(call) for call in facts.calls("flask.abort", "flask.make_response", "flask.Response")):
        return True
    return any(LIMITING.search(one.name.rpartition(".")[2]) for one in facts.functions())


def returns_too_many(facts: SourceFacts) -> frozenset[str]:
    """The functions that return 429 themselves."""
    return facts.once(
        "functions that say too many",
        lambda: frozenset(one.function for one in facts.returns() if says_too_many(one.value)),
    )


def says_too_many(value: Value) -> bool:
    """That 429 (RFC 6585) stands in an answer or in a call that makes one, as a number or as ``HTTPStatus.TOO_MANY_REQUESTS``."""
    return any(
        is_constant(part, 429) or (isinstance(part, Name) and part.dotted.endswith("TOO_MANY_REQUESTS"))
        for part in walk(value, 3)
    )


def has_default(facts: SourceFacts) -> bool:
    """A limit for every route: an argument of the limiter, or a setting."""
    for call in facts.calls(*LIMITERS):
        for name in ("default_limits", "application_limits", "global_limits"):
            said = call.keyword(name)
            if said is not None and not (isinstance(said, Sequence) and not said.items and not said.open):
                return True
        if call.open:
            return True
    return any(True for _ in facts.config_writes("RATELIMIT_DEFAULT", "RATELIMIT_APPLICATION", "RATELIMIT_DEFAULTS"))


def is_limited(function: Function) -> bool:
    """A decorator between route and view that limits."""
    return any(LIMITING.search(one.name) and not one.above_route for one in function.decorators)
