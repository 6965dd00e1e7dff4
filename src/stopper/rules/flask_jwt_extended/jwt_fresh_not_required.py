"""Whoever finds an open session changes the password or the address and keeps the account."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.app import App
from stopper.core.facts import SourceFacts, source_of
from stopper.core.naming import sensitive
from stopper.core.rule import Edit, Hit, Rule
from stopper.core.tokens.jwt_extended import Guarded, guarded, uses
from stopper.core.values import Call, Item, options, text_of, walk

_CHANGING: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_SENSITIVE: Final = re.compile(
    r"(?i)(change|update|set|edit|new)[-_]?(my[-_]?)?(password|passwd|e?-?mail|phone)|(password|e-?mail|phone)/?$|(password|email)[-_/](change|update)|"
    r"(delete|close|remove|deactivate)[-_]?(my[-_]?)?(account|profile)|(mfa|2fa|totp|two[-_]?factor)|transfer|withdraw|payout|api[-_]?keys?/?$|"
    r"(account|me|profile)/(delete|close)|recovery[-_]?codes"
)
_ANYBODY: Final = re.compile(r"(?i)forgot|reset|verify|confirm|validate|resend|login|check[-_]|send")
_PROVES: Final = re.compile(
    r"(?i).*(check_password(_hash)?|verify_password|checkpw|compare_digest|pwd_context\.verify|authenticate|bcrypt.*check\w*|verify_totp|totp.*verify)\w*"
)
_TESTS: Final = re.compile(
    r"(?i)_?(?:is_|has_)?(?:check|verif|match|valid|authenticat|compare|test|confirm|log_?in|sign_?in)"
)
_OLD: Final = re.compile(
    r"(?i)^(?:(?:old|current|existing|present|confirm\w*|your)_?)?(?:password|passwd|pwd|passphrase)$|^(?:old|current)$"
)


def detect(app: App) -> Iterator[Hit]:
    """A changing route for passwords, addresses, second factors, accounts or money whose guard takes a refreshed token."""
    if not uses(app):
        return
    facts = source_of(app)
    everything = list(guarded(facts))
    asked = {one.function for one in everything if one.fresh}
    for one in everything:
        if one.fresh or one.refresh or one.optional or one.function in asked or not one.methods & _CHANGING:
            continue
        if (_is_sensitive(one) or _sets_password(facts, one)) and not _proves_again(facts, one.function):
            yield Hit(f"{one.shown} does something sensitive with a token that need not be fresh", one.span)


def _sets_password(facts: SourceFacts, one: Guarded) -> bool:
    """``user.password = …`` of what the caller sent, in a view whose name says nothing of it."""
    if any(_ANYBODY.search(name) for name in (*one.paths, one.function.rpartition(".")[2])):
        return False
    return any(
        "." in assigned.target and sensitive(assigned.attribute) == "password"
        for assigned in facts.assignments_in(one.function)
    ) or any(
        sensitive(text_of(field) or "") == "password"
        for call in facts.calls_in(one.function)
        if call.callee == "setattr" and len(call.args) == 3
        for field in options(call.args[1])
    )


def _is_sensitive(one: Guarded) -> bool:
    word = one.function.rpartition(".")[2]
    names = [*one.paths, word]
    own = any(
        path.rstrip("/").endswith(("/me", "/account", "/profile", "/user", "/self")) for path in one.paths
    ) and one.methods == frozenset({"DELETE"})
    return (
        bool(one.paths)
        and not any(_ANYBODY.search(name) for name in names)
        and (own or any(_SENSITIVE.search(name) for name in names))
    )


def _proves_again(facts: SourceFacts, function: str) -> bool:
    """The view asks for the password once more, or looks itself whether the token is fresh."""
    if any(
        (one.stops or one.refuses)
        and any(isinstance(part, Item) and text_of(part.key) == "fresh" for part in walk(one.value, 4))
        for one in facts.conditions_in(function)
    ):
        return True
    if any(_is_held_against_stored(call) for call in facts.calls_in(function)):
        return True
    called = [call.callee for call in facts.calls_in(function)]
    return any(
        _PROVES.fullmatch(name)
        for name in (*called, *(call.callee for inner in called for call in facts.calls_in(inner)))
    )


def _is_held_against_stored(call: Call) -> bool:
    """``user.check(data["old_password"])``: a test by its name is given the password that was."""
    return _TESTS.match(call.method) is not None and any(
        isinstance(part, Item) and _OLD.search(text_of(part.key) or "")
        for one in (*call.args, *(value for _, value in call.keywords))
        for part in walk(one, 2)
    )


def fix(app: App, hit: Hit) -> Edit | None:
    """``fresh=True`` in an empty pair of parentheses."""
    for one in guarded(source_of(app)):
        span = one.span
        if (
            span == hit.span
            and one.call is not None
            and not one.call.args
            and not one.call.keywords
            and one.call.span is not None
        ):
            inner = one.call.span
            if (
                inner.line == inner.end_line
                and one.guard == "jwt_required"
                and inner.end_column - inner.column == len("jwt_required()")
            ):
                return Edit(inner, "jwt_required(fresh=True)", safe=False)
    return None


RULE = Rule(
    slug="jwt-fresh-not-required",
    family="flask-jwt-extended",
    title="A sensitive action takes an old token",
    harm=__doc__ or "",
    severity="low",
    check="authentication",
    cwe=(308,),
    owasp="API2:2023",
    asvs=("V7.5.1",),
    surfaces=("source",),
    ends="With Stopper the policy says `fresh(minutes=5)` beside `bearer`.",
    certainty="likely",
    detect=detect,
    fix=fix,
)
