"""Whoever guesses, finds or keeps a reset link takes over the account."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.account_names import RESETS
from stopper.core.app import App
from stopper.core.facts import SourceFacts, source_of
from stopper.core.rule import Certainty, Hit, Rule
from stopper.core.values import Call, Constant, Mapping, Value, options, text_of, walk

_GUESSABLE: Final = re.compile(
    r"random\.(?!SystemRandom)\w+|uuid\.uuid[135]|(?:hashlib|zlib)\.\w+|base64\.\w*encode|time\.time|datetime\.\w*(?:\.\w+)*|binascii\.hexlify"
)
_STRONG: Final = re.compile(
    r"secrets\.\w+|os\.urandom|uuid\.uuid4|random\.SystemRandom.*|hmac\.\w+|.*dumps|.*Serializer.*|jwt\.encode|.*\.encode$(?<!\?\.encode)"
)
_TOKEN: Final = re.compile(
    r"(?i)(reset|invite|invitation|recovery|magic|verification|confirm)\w*(token|code|key|link|hash)|^(token|code|reset_?link)$"
)
_SERIALIZER: Final = re.compile(r"(?i).*(URLSafe|Timed|JSONWebSignature)\w*Serializer")


def detect(app: App) -> Iterator[Hit]:
    """In functions that reset or invite: tokens from what can be guessed, and signed ones that never end."""
    facts = source_of(app)
    names = [one.name for one in facts.functions() if RESETS.search(one.name.rpartition(".")[2])]
    names += [route.view for route in facts.routes if RESETS.search(route.path)]
    resets = frozenset(names)
    if not resets:
        return
    seen: set[tuple[str, int]] = set()
    for hit in (*_made(facts, resets), *_unended(facts, resets), *_kept(facts, resets)):
        if hit.span is not None and (hit.span.path, hit.span.line) not in seen:
            seen.add((hit.span.path, hit.span.line))
            yield hit


def _made(facts: SourceFacts, resets: frozenset[str]) -> Iterator[Hit]:
    """A token that is worked out from the time, the account or a generator that can be predicted."""
    for name in sorted(resets):
        for made in facts.assignments_in(name):
            if _TOKEN.search(made.attribute) and _is_guessable(made.value):
                yield Hit("a reset token can be predicted", made.span)
        for call in facts.calls_in(name):
            if call.span and _makes(call) and _used_as_token(facts, name, call):
                yield Hit("a reset token can be predicted", call.span)


def _makes(call: Call) -> bool:
    return re.fullmatch(
        r"random\.(?!SystemRandom|shuffle|seed)\w+|uuid\.uuid1|hashlib\.\w+", call.callee
    ) is not None and not any(isinstance(one, Call) and _STRONG.fullmatch(one.callee) for one in walk(call))


def _used_as_token(facts: SourceFacts, name: str, call: Call) -> bool:
    """Nothing in the function makes a better one; a hash over a shown token, kept instead of it, is no token."""
    if any(_STRONG.fullmatch(one.callee) and not one.callee.startswith("hmac.") for one in facts.calls_in(name)):
        return False
    if call.callee.startswith("hashlib."):
        labels: set[str] = {label.source for label in facts.labels(call.args[0])} if call.args else set()
        return bool(call.args) and not labels & {"token", "code"} and not any(one.name in ("token", "raw", "code", "password", "new_password") for one in walk(call.args[0])) and not any(isinstance(one, Constant) and one.value in ("token", "code", "password") for one in walk(call.args[0]))  # fmt: skip
    return True


def _is_guessable(value: Value) -> bool:
    calls = [one for one in walk(value, 8) if isinstance(one, Call)]
    return any(_GUESSABLE.fullmatch(one.callee) for one in calls) and not any(
        _STRONG.fullmatch(one.callee) for one in calls
    )


def _unended(facts: SourceFacts, resets: frozenset[str]) -> Iterator[Hit]:
    """A signed token without expiry: ``loads`` without ``max_age``, a serializer without a time, a JWT without ``exp``."""
    for call in facts.calls("*.loads"):
        if call.function in resets and _is_serializer(call) and call.lacks(1, "max_age"):
            yield Hit("a reset token is accepted for ever", call.span)
    for call in facts.calls("jwt.encode", "jose.jwt.encode"):
        payload = call.argument(0, "payload", "claims")
        if call.function in resets and any(
            isinstance(one, Mapping) and not one.open and one.get("exp") is None for one in options(payload)
        ):
            yield Hit("a reset token is made without an expiry", call.span)


def _is_serializer(call: Call) -> bool:
    if _SERIALIZER.fullmatch(call.callee.rpartition(".")[0]):
        return True
    return isinstance(call.receiver, Call) and _SERIALIZER.fullmatch(call.receiver.callee) is not None


_ENDS: Final = re.compile(
    r"(?i)expir|max_age|valid_until|created|issued|ttl|used|consumed|timedelta|setex|revoke|delete|remove|pop|clear|invalidate|verify_reset|check_token|loads|decode"
)


def _kept(facts: SourceFacts, resets: frozenset[str]) -> Iterator[Hit]:
    """A look-up by the token that is followed by a new password, where nothing in sight ends the token."""
    for call in facts.calls("*.filter_by", "*.find_one", "*.get"):
        if call.function not in resets or call.span is None:
            continue
        shown = [value for name, value in call.keywords if _TOKEN.search(name)]
        shown += [value for arg in call.args for value in _by_token(arg)] if call.method == "find_one" else []
        if not any(facts.derives(value, "request-data") for value in shown) or not _sets_password(facts, call.function):
            continue
        words = [one.callee for one in facts.calls_in(call.function)]
        words += [one.attribute for one in facts.assignments_in(call.function)]
        words += [
            said
            for one in facts.comparisons_in(call.function)
            for part in walk(one.left, 4)
            for said in (getattr(part, "attribute", ""), part.name)
        ]
        token_cleared = any(
            _TOKEN.search(one.attribute) and "." in one.target for one in facts.assignments_in(call.function)
        )
        if not token_cleared and not any(_ENDS.search(word) for word in words):
            certainty: Certainty = "likely"
            yield Hit("a reset token can be used again and does not expire", call.span, certainty=certainty)


def _by_token(value: Value) -> Iterator[Value]:
    if isinstance(value, Mapping):
        for key, inner in value.items:
            if _TOKEN.search(text_of(key) or ""):
                yield inner


def _sets_password(facts: SourceFacts, function: str) -> bool:
    return any(re.search(r"(?i)password|hashpw", one.callee) for one in facts.calls_in(function)) or any(
        re.search(r"(?i)password|pwd", one.attribute) for one in facts.assignments_in(function)
    )


RULE = Rule(
    slug="reset-token-weak",
    family="account",
    title="Reset or invite token predictable, reusable or without expiry",
    harm=__doc__ or "",
    severity="high",
    check="authentication",
    cwe=(640,),
    owasp="API2:2023",
    asvs=("V6.4.1",),
    surfaces=("source",),
    ends="No reset of Stopper does yet; its `SingleUse` redeems a value once, for one purpose.",
    certainty="likely",
    detect=detect,
)
