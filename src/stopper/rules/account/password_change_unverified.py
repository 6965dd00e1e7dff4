"""Whoever finds an open session, or writes one field more, takes the account or makes himself an administrator."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.account_names import REGISTERS, RESETS, checks_password_hash, is_password_name
from stopper.core.app import App
from stopper.core.fact import SourceRoute
from stopper.core.facts import SourceFacts, source_of
from stopper.core.place import RouteRef
from stopper.core.rule import Hit, Rule
from stopper.core.values import walk
from stopper.core.view_functions import FunctionIndex, index_of

_CHANGES: Final = re.compile(
    r"(?i)(change|update|set|edit|new)[/_-]?(my_?)?(password|passwd|pwd)|(password|passwd|pwd)([/_-](change|update|edit|set))?/?$|/(me|account|profile|settings|security)/(password|passwd)"
)
_OLD: Final = re.compile(
    r"(?i)(old|current|existing|present|previous|original)_?-?(password|passwd|pwd|pass|pw)|(password|pwd)_?(old|current)|\bcode\b|otp|(^|_)token$"
)
_RECENT: Final = re.compile(
    r"(?i)fresh|reauth|step_?up|confirm_?(password|identity|access)|sudo|verify_(password|current|user|credentials)|check_?pass|authenticate|checkpw|mfa|totp|reset_token|admin|require_recent"
)
_STORES: Final = re.compile(
    r"(?i).*(set_password|generate_password_hash|hashpw|hash_password|change_password|update_password|\.hash|make_password|encrypt_password)$"
)
_ROLE: Final = re.compile(
    r"(?i)^(roles?|is_?admin|is_?staff|is_?superuser|admin|superuser|user_?type|permissions?|privileges?|access_level|account_type)$"
)
_CHECKED: Final = re.compile(
    r"(?i)admin_?(required|only)|roles?_(required|accepted)|require_role|permission|superuser|invite|invitation"
)


def detect(app: App) -> Iterator[Hit]:
    """A change of password that never looks at the old one; a registration that reads a role."""
    facts = source_of(app)
    if not facts.routes:
        return
    named = [one for one in facts.routes if not facts.is_test(one.span) and _is_about(one)]
    if not named:
        return
    index = index_of(facts)
    for route in named:
        verbs = [one for one in route.methods if one in ("POST", "PUT", "PATCH")]
        functions = [function.name for verb in verbs for function in index.of_view(route.view, method=verb)]
        if not functions:
            continue
        names = index.calling(functions, 2)
        ref = RouteRef(verbs[0], route.path)
        if REGISTERS.search(route.path) or REGISTERS.search(route.view.rpartition(".")[2]):
            yield from _role(facts, route, names, ref)
        elif _sets(facts, names) and not _verifies(index, route, names):
            yield Hit(f"{ref} sets a new password without the current one", route.registered_at, ref)


def _is_about(route: SourceRoute) -> bool:
    last = route.view.rpartition(".")[2]
    if REGISTERS.search(route.path) or REGISTERS.search(last):
        return True
    text = f"{route.path} {last}"
    return bool(_CHANGES.search(route.path) or _CHANGES.search(last)) and not RESETS.search(text)


def _role(facts: SourceFacts, route: SourceRoute, names: list[str], ref: RouteRef) -> Iterator[Hit]:
    if any(_CHECKED.search(one.name) for one in route.decorators) or any(
        _CHECKED.search(call.callee) for name in names for call in facts.calls_in(name)
    ):
        return
    for reading in facts.readings():
        if reading.function in names and _ROLE.search(reading.key) and not reading.source.startswith("flask.session"):
            if any(
                _holds(one.left, reading.key) or _holds(one.right, reading.key)
                for name in names
                for one in facts.comparisons_in(name)
            ):
                continue
            yield Hit(f"{ref} takes `{reading.key}` from whoever registers", reading.span, ref)


def _holds(value: object, key: str) -> bool:
    return key in str(value)


def _sets(facts: SourceFacts, names: list[str]) -> bool:
    """One of the functions gives an account a password of the request."""
    reads = any(is_password_name(one.key) and one.function in names for one in facts.readings())
    calls = any(_STORES.fullmatch(call.callee) for name in names for call in facts.calls_in(name))
    gives = any(
        is_password_name(one.attribute) and "." in one.target for name in names for one in facts.assignments_in(name)
    )
    typed = any(
        facts.derives(value, "password")
        for name in names
        for call in facts.calls_in(name)
        if _STORES.fullmatch(call.callee)
        for value in call.args[:1]
    )
    return (reads and (calls or gives)) or typed


def _verifies(index: FunctionIndex, route: SourceRoute, names: list[str]) -> bool:
    facts = index.facts
    if any(_RECENT.search(one.name) for one in route.decorators) or any(
        _RECENT.search(one) for one in (*route.hooks, *names)
    ):
        return True
    if any(call.keyword("fresh") is not None for one in route.decorators if (call := one.call) is not None):
        return True
    if any(name for name, _ in route.parameters if re.search(r"(?i)token|code", name)):
        return True
    for name in names:
        for call in facts.calls_in(name):
            if checks_password_hash(call) or _RECENT.search(call.method):
                return True
    if any(_OLD.search(one.key) and one.function in names for one in facts.readings()):
        return any(_looks(facts, name) for name in names)
    return any(
        _OLD.search(str(part.name))
        for name in names
        for one in facts.comparisons_in(name)
        for side in (one.left, one.right)
        for part in walk(side, 3)
    )


def _looks(facts: SourceFacts, name: str) -> bool:
    """What is read as the old password is used in a comparison, a condition or a call."""
    return any(True for _ in facts.comparisons_in(name)) or any(
        any(
            _OLD.search(str(part.name)) or _OLD.search(str(getattr(part, "key", "")))
            for value in call.args
            for part in walk(value, 3)
        )
        for call in facts.calls_in(name)
    )


RULE = Rule(
    slug="password-change-unverified",
    family="account",
    title="Password changed without the current one, or role set at registration",
    harm=__doc__ or "",
    severity="high",
    check="authentication",
    cwe=(620,),
    owasp="API2:2023",
    asvs=("V6.2.3",),
    surfaces=("source",),
    ends="Stopper's service asks for the current password for a change and takes no role.",
    certainty="likely",
    detect=detect,
)
