"""How an application limits its callers, as its source says it: by Flask-Limiter, by its own counters, or not at all."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.fact import Function
from stopper.core.facts import SourceFacts
from stopper.core.values import Call, Name, Sequence, Value, holds_unmet, is_constant, text_of, walk

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
_ANSWERS: Final = ("*.abort", "*.make_response", "*.Response", "*.HTTPError", "*.HTTPException")
"""What answers with a status, of Flask and of what is built on it."""
_SECONDS: Final = {"second": 1, "minute": 60, "hour": 3_600, "day": 86_400, "month": 2_592_000, "year": 31_536_000}
_LIMIT: Final = re.compile(r"(?i)(\d{1,9})\s*(?:per|/)\s*([1-9]\d{0,5})?\s*(second|minute|hour|day|month|year)")
"""The notation of Flask-Limiter: ``10 per 5 minutes; 100/day``."""
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
    if any(says_too_many(call) for call in facts.calls(*_ANSWERS)):
        return True
    return any(LIMITING.search(one.name.rpartition(".")[2]) for one in facts.functions())


def returns_too_many(facts: SourceFacts) -> frozenset[str]:
    """The functions that return 429 themselves."""
    met: dict[int, int] = {}
    return facts.once(
        "functions that say too many",
        lambda: frozenset(one.function for one in facts.returns() if holds_unmet(one.value, _is_too_many, met, 3)),
    )


def says_too_many(value: Value) -> bool:
    """That 429 (RFC 6585) stands in an answer or in a call that makes one, as a number or as ``HTTPStatus.TOO_MANY_REQUESTS``."""
    return any(map(_is_too_many, walk(value, 3)))


def _is_too_many(part: Value) -> bool:
    return is_constant(part, 429) or (isinstance(part, Name) and part.dotted.endswith("TOO_MANY_REQUESTS"))


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


def is_bound_to_nothing(facts: SourceFacts) -> bool:
    """Every limiter is made without an application, and nothing gives it one: ``limiter.init_app(app)`` was forgotten."""
    made = list(facts.calls(*LIMITERS))
    return bool(made) and all(map(_has_no_app, made)) and not any(map(_may_be_given, facts.calls("*.init_app")))


def _has_no_app(made: Call) -> bool:
    first = made.args[0] if made.args else None
    return made.lacks(None, "app") and (
        first is None or (isinstance(first, Name) and first.dotted.rpartition(".")[2] not in ("app", "application"))
    )


def _may_be_given(call: Call) -> bool:
    """That ``init_app`` is called on a limiter, or on something that may be one."""
    owner = call.callee.rpartition(".")[0]
    return (
        owner in LIMITERS
        or "." not in owner
        or any(isinstance(one, Call) and one.callee in LIMITERS for one in walk(call.receiver, 4))
    )


def default_a_day(facts: SourceFacts) -> int | None:
    """How often a day the limit for every route lets one caller ask, where it stands in the source; None where it does not."""
    found = [times for text in _defaults(facts) if (times := times_a_day(text)) is not None]
    return min(found, default=None)


def _defaults(facts: SourceFacts) -> Iterator[str]:
    said = [call.keyword(name) for call in facts.calls(*LIMITERS) for name in ("default_limits", "application_limits")]
    said += [write.value for write in facts.config_writes("RATELIMIT_DEFAULT", "RATELIMIT_APPLICATION")]
    for value in said:
        yield from (text for part in walk(value, 2) if (text := text_of(part)))


def times_a_day(text: str) -> int | None:
    """How often a day a limit in the notation of Flask-Limiter lets one caller ask."""
    found = [
        int(times) * _SECONDS["day"] // (_SECONDS[unit.lower()] * int(many or 1))
        for times, many, unit in _LIMIT.findall(text)
    ]
    return min(found, default=None)


def is_limited(function: Function) -> bool:
    """A decorator between route and view that limits: ``@limiter.exempt`` does the opposite."""
    marks = (one for one in function.decorators if not one.above_route and not one.name.endswith(".exempt"))
    return any(LIMITING.search(one.name) for one in marks)
