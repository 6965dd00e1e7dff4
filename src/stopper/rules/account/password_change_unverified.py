"""Whoever finds an open session, or writes one field more, takes the account or makes himself an administrator."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final
from urllib.parse import quote

from stopper.core.account_names import (
    REGISTERS,
    RESETS,
    checks_password_hash,
    is_password_name,
    said_name,
)
from stopper.core.app import App, Route
from stopper.core.exchange import Exchange, Request
from stopper.core.fact import SourceRoute
from stopper.core.facts import SourceFacts, source_of
from stopper.core.finding import Evidence, Verdict
from stopper.core.flow.standing_alone import stands_alone
from stopper.core.flow.view_functions import FunctionIndex, index_of
from stopper.core.guards.asking_views import is_who
from stopper.core.keys.random_words import token_urlsafe
from stopper.core.login_names import PASSWORD, SUBJECT
from stopper.core.origins import FORMS
from stopper.core.owner_names import OWN_ACCOUNT
from stopper.core.people.optional_checks import is_optional
from stopper.core.people.own_passwords import changes_oneself, writes_password
from stopper.core.people.registered_roles import roles_taken
from stopper.core.place import RouteRef
from stopper.core.probe import Identity, Steps, Target, failed, not_applicable, passed, send, unsure
from stopper.core.probing.accounts.login import log_in
from stopper.core.probing.accounts.others_accounts import account, changing_routes, fits, is_hers
from stopper.core.probing.accounts.registration import registered
from stopper.core.probing.baseline import attempt
from stopper.core.probing.inputs import members
from stopper.core.probing.things.kinds import at_number
from stopper.core.rule import Hit, Rule
from stopper.core.secret import Secret
from stopper.core.values import (
    Call,
    Constant,
    Value,
    is_constant,
    walk,
)

_CHANGES: Final = re.compile(
    r"(?i)(change|update|set|edit|new)[/_-]?(my_?)?(password|passwd|pwd)|(password|passwd|pwd)([/_-](change|update|edit|set))?/?$|/(me|account|profile|settings|security)/(password|passwd)"
)
_OLD: Final = re.compile(
    r"(?i)(old|current|existing|present|previous|original)_?-?(password|passwd|pwd|pass|pw)|(password|pwd)_?(old|current)|\bcode\b|otp|(^|_)token$"
)
_RECENT: Final = re.compile(
    r"(?i)(?<!re)fresh|reauth|step_?up|confirm_?(password|identity|access)|sudo|verify_(password|current|user|credentials)|check_?pass|authenticate|checkpw|mfa|totp|reset_token|admin|require_recent"
)
_ASKS_PASSWORD: Final = re.compile(
    r"(?i)_?(?:has|is|does|match(?:es)?|checks?|verify|verifies|validates?|tests?|fits|knows|correct|same)_\w*(?:pass|pwd|secret)"
)
"""A method of an account that is asked whether a password is its own: ``account.has_password(current)``."""
_STORES: Final = re.compile(
    r"(?i).*(set_password|generate_password_hash|hashpw|hash_password|change_password|update_password|\.hash|make_password|encrypt_password)$"
)
_BARE_OLD: Final = re.compile(r"(?i)old|current")
_AGAIN: Final = re.compile(r"(?i)new_?[12]?|confirm(?:ation)?|repeat(?:ed)?|again|re_?type(?:d)?|verify")
"""What the fields of a change of passwords are called beside their page's title."""
_WHOSE: Final = re.compile(r"(?i)(?:user|account|member|person|login)(?:_?(?:id|name))?|uid|email")
_NEW_ONE: Final = re.compile(r"(?i)new_?-?(password|passwd|pwd)")


def detect(app: App) -> Iterator[Hit]:
    """A change of password that never looks at the old one; a registration that reads a role."""
    facts = source_of(app)
    if not facts.routes:
        return
    own = changes_oneself(facts) | {one.function for one in facts.readings() if _NEW_ONE.fullmatch(one.key)}
    named = [one for one in facts.routes if not facts.is_test(one.span) and (_is_about(one) or _is_oneself(one, own))]
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
            yield from roles_taken(facts, route, names, ref)
        elif _sets(facts, names) and not _verifies(index, route, names) and not _is_of_others(facts, route, names):
            yield Hit(f"{ref} sets a new password without the current one", route.registered_at, ref)


def _is_of_others(facts: SourceFacts, route: SourceRoute, names: list[str]) -> bool:
    """``/users/<username>`` whose view asks nothing of who is calling: whoever looks after accounts sets their passwords, and knows none of them."""
    return any(_WHOSE.fullmatch(name) for name, _ in route.parameters) and not any(
        is_who(part) for name in names for asked in facts.conditions_in(name) for part in walk(asked.value)
    )


def _is_oneself(route: SourceRoute, own: frozenset[str]) -> bool:
    if not own or RESETS.search(f"{route.path} {route.view}"):
        return False
    return route.view in own or any(name.rpartition(".")[0] == route.view for name in own)


def _is_about(route: SourceRoute) -> bool:
    last = route.view.rpartition(".")[2]
    if REGISTERS.search(route.path) or REGISTERS.search(last):
        return True
    text = f"{route.path} {last}"
    return bool(_CHANGES.search(route.path) or _CHANGES.search(last)) and not RESETS.search(text)


def _sets(facts: SourceFacts, names: list[str]) -> bool:
    """One of the functions gives an account a password of the request."""
    reads = any(is_password_name(one.key) and one.function in names for one in facts.readings())
    calls = any(_STORES.fullmatch(call.callee) for name in names for call in facts.calls_in(name))
    gives = any(
        is_password_name(one.attribute) and "." in one.target for name in names for one in facts.assignments_in(name)
    )
    typed = any(
        facts.derives(value, "password", "request-data")
        for name in names
        for call in facts.calls_in(name)
        if _STORES.fullmatch(call.callee)
        for value in call.args[:1]
    )
    return (reads and (calls or gives)) or typed or any(writes_password(facts, name) for name in names)


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
    if _asks_for_old(facts, names):
        return True
    names = [*names, *_methods_of_forms(facts, names)]
    left_out = False
    for name in names:
        if any(_is_hashed_again(one.left) or _is_hashed_again(one.right) for one in facts.comparisons_in(name)):
            return True
        for call in facts.calls_in(name):
            looks = (
                checks_password_hash(call)
                or _RECENT.search(call.method)
                or _ASKS_PASSWORD.match(call.method)
                or call.method in _checking_methods(facts)
                or _is_given_both(call)
            )
            unheard = call.method in ("check_password_hash", "checkpw") and stands_alone(facts, call)
            if looks and not unheard:
                asking = [each for other in names for each in facts.calls_in(other) if each.callee == name]
                left_out = is_optional(facts, name, call) or (
                    bool(asking) and all(is_optional(facts, each.function, each) for each in asking)
                )
                if not left_out:
                    return True
    if left_out:
        return False
    if any(_OLD.search(one.key) and one.function in names for one in facts.readings()):
        return any(_looks(facts, name) for name in names)
    return any(
        _OLD.search(part.name)
        for name in names
        for one in facts.comparisons_in(name)
        for side in (one.left, one.right)
        for part in walk(side, 3)
    )


def _checking_methods(facts: SourceFacts) -> frozenset[str]:
    """What the project's classes call their methods that check a password: ``current_user.knows(typed)``."""
    return facts.once(
        "methods that check a password",
        lambda: frozenset(
            one.name.rpartition(".")[2]
            for one in facts.functions()
            if one.owner and any(map(checks_password_hash, facts.calls_in(one.name)))
        ),
    )


def _asks_for_old(facts: SourceFacts, names: list[str]) -> bool:
    """That the form which is filled in has a field for the old password, and something is handed what stands in it."""
    fields = {
        field.span
        for one in facts.classes(*FORMS)
        for name, field in one.attributes.items()
        if _OLD.search(name) and isinstance(field, Call) and field.span is not None
    }
    return bool(fields) and any(
        isinstance(part, Call) and part.span in fields
        for name in names
        for call in facts.calls_in(name)
        for passed in (*call.args, *(value for _, value in call.keywords))
        for part in walk(passed, 5)
    )


def _methods_of_forms(facts: SourceFacts, names: list[str]) -> list[str]:
    """What the forms that are filled in here ask of their fields."""
    forms = {one.name: one.methods for one in facts.classes(*FORMS)}
    made = dict.fromkeys(call.callee for name in names for call in facts.calls_in(name) if call.callee in forms)
    return [f"{form}.{method}" for form in made for method in forms[form] if method.startswith("validate")]


def _is_hashed_again(side: Value) -> bool:
    """``bcrypt.hashpw(typed, kept) == kept``: the old way to check one."""
    return isinstance(side, Call) and side.callee in ("bcrypt.hashpw", "crypt.crypt")


def _is_given_both(call: Call) -> bool:
    """``account.change_password(form.old_password, form.new_password)``: what sets the new one is told the old one too."""
    told = [said_name(value) for value in (*call.args, *(value for _, value in call.keywords))]
    return bool(_STORES.fullmatch(call.callee)) and len(told) > 1 and any(_OLD.search(name) for name in told)


def _looks(facts: SourceFacts, name: str) -> bool:
    """What is read as the old password is used in a comparison, a condition or a call, and not only where somebody sent it."""
    compared = [one for one in facts.comparisons_in(name) if not is_constant(one.right, None)]
    return any(not isinstance(one.left, Constant) for one in compared) or any(
        not is_optional(facts, name, call)
        and any(
            _OLD.search(part.name) or _OLD.search(said_name(part)) for value in call.args for part in walk(value, 3)
        )
        for call in facts.calls_in(name)
    )


def probe(target: Target) -> Steps[Verdict]:
    """A person whom the probe registers changes the own password without the current one; the log-in tells whether it is changed."""
    pairs = [(route, verb) for route in target.app.routes for verb in _VERBS if verb in route.methods]
    doors = [pair for pair in pairs if _changes(pair[0]) or _takes_nothing_else(target, *pair)]
    doors += [pair for pair in pairs if _is_the_own(pair[0]) and pair[1] != _VERBS[0]]
    below = [(route, verb) for route, verb in changing_routes(target) if _has_a_password(target, route, verb)]
    if not doors and not below:
        return not_applicable("no route changes a password")
    person = yield from registered(target)
    if person is None or person.subject is None:
        return unsure("no account of this probe's own could be made")
    asked = False
    for route, verb in doors[:3]:
        for what, request in _requests(target, route, verb, person):
            tried = yield from _tried(target, RouteRef(verb, route.path), what, request, person)
            if tried is None:
                break
            asked = True
            if tried.outcome == "fail":
                return tried
    known = (yield from account(target, "whose password is changed")) if below else None
    for route, method in below[:2] if known is not None else ():
        for number in [one for one in known.numbers if fits(route, one)][:2] if known is not None else ():
            if known is not None and (yield from is_hers(target, route, number, known, ends=False)):
                request = _of_the_whole(at_number(target, route, number, method), known.person)
                what = "a change without the current password"
                tried = yield from _tried(target, RouteRef(method, route.path), what, request, known.person)
                if tried is not None and tried.outcome == "fail":
                    return tried
                asked = asked or tried is not None
    return (
        passed("a password is changed with the current one only") if asked else unsure("no change could be asked for")
    )


def _tried(target: Target, ref: RouteRef, what: str, request: Request, person: Identity) -> Steps[Verdict | None]:
    """One change; None where nothing is there that takes it."""
    new = Secret(f"Bb8!{token_urlsafe(18)}")
    changed = yield from attempt(send(_with_password(request, new)))
    if changed is None or changed.response.status in (404, 405):
        return None
    proof = (yield from _is_changed(target, person, new)) if changed.response.went_through else None
    if proof is None:
        return passed(f"{ref} changes no password {what.removeprefix('a change ')}")
    evidence = [
        Evidence("exchange", f"{what} is taken", changed),
        Evidence("exchange", "the new password lets in, and the old one no more", proof),
    ]
    return failed(f"{ref} changes a password {what.removeprefix('a change ')}", [ref], evidence)


_VERBS: Final = ("POST", "PUT", "PATCH")
_NEW: Final = "\0"
"""Stands for the new password until there is one."""


def _changes(route: Route) -> bool:
    named = all(SUBJECT.search(name) and not re.search(r"(?i)id$", name) for name, _ in route.parameters)
    return bool(_CHANGES.search(route.path)) and not RESETS.search(route.path) and named


def _takes_nothing_else(target: Target, route: Route, verb: str) -> bool:
    """``PUT /users/`` with a new password, twice, and nothing that says whose: it is that of whoever asks."""
    known = members(target.request_for(route, verb)) if verb != "POST" and not route.parameters else {}
    return bool(known) and all(PASSWORD.search(name) or _AGAIN.fullmatch(name) for name in known)


def _is_the_own(route: Route) -> bool:
    """The own account as a whole: who changes it may write a password as well, though no path and no document speaks of one."""
    return not route.parameters and bool(OWN_ACCOUNT.search(route.path)) and not _CHANGES.search(route.path)


def _has_a_password(target: Target, route: Route, verb: str) -> bool:
    """``PUT /users/{id}``: an account under its id that is known to take a password beside the rest, and no old one."""
    known = members(target.request_for(route, verb))
    return any(map(PASSWORD.search, known)) and not any(map(_OLD.search, known)) and not _changes(route)


def _of_the_whole(request: Request, person: Identity) -> Request:
    """A change of the own account that says a new password and leaves the names by which one logs in."""
    known = members(request)
    told = {name: _NEW for name in known if PASSWORD.search(name) and not _OLD.search(name)} or {"password": _NEW}
    rest = {name: value for name, value in known.items() if not (PASSWORD.search(name) or SUBJECT.search(name))}
    return replace(replace(person.on(request), identity=None), body=json.dumps({**rest, **told}).encode())


def _requests(target: Target, route: Route, verb: str, person: Identity) -> Iterator[tuple[str, Request]]:
    """Changes that lack the current password, or bring a wrong one. They show the credential of nobody whom others need."""
    known = members(target.request_for(route, verb))
    if _is_the_own(route):
        yield "a change without the current password", _of_the_whole(target.request_for(route, verb), person)
        return
    known = known or dict.fromkeys(
        ("password", "new_password", "newPassword", "confirm_password", "password_confirmation"), ""
    )
    given: dict[str, object] = {
        name: _NEW
        if PASSWORD.search(name) or is_password_name(name) or _AGAIN.fullmatch(name)
        else person.subject
        if SUBJECT.search(name)
        else value
        for name, value in known.items()
        if not (_OLD.search(name) or _BARE_OLD.fullmatch(name))
    }
    path = re.sub(r"\{[^{}]+\}", quote(person.subject or "", safe=""), route.path)
    bare = replace(person.on(replace(target.request_for(route, verb), target=path)), identity=None)
    yield "a change without the current password", replace(bare, body=json.dumps(given).encode())
    old = [name for name in known if _OLD.search(name) or _BARE_OLD.fullmatch(name)] or [
        "current_password",
        "old_password",
    ]
    wrong = {**given, **dict.fromkeys(old, token_urlsafe(12))}
    yield "a change with a wrong current password", replace(bare, body=json.dumps(wrong).encode())


def _with_password(request: Request, new: Secret) -> Request:
    given = {name: new.reveal() if value == _NEW else value for name, value in members(request).items()}
    return replace(request, body=json.dumps(given).encode())


def _is_changed(target: Target, person: Identity, new: Secret) -> Steps[Exchange | None]:
    """The log-in with the new password, where it is let in and the old one is not."""
    entered = yield from log_in(target, replace(person, password=new))
    if entered is None or (yield from log_in(target, person)) is not None:
        return None
    return entered[1]


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
    surfaces=("source", "wsgi", "http"),
    ends="Stopper's service asks for the current password for a change and takes no role.",
    certainty="likely",
    detect=detect,
    probe=probe,
)
