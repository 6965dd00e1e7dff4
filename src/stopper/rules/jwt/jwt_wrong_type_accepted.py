"""A token that was made for one thing opens another: a refresh token, or the link of a mail, works as an access token."""

import re
from collections.abc import Iterator
from typing import Final, cast

from stopper.core.app import App
from stopper.core.edits.verify_type_edits import of_one_type
from stopper.core.exchange import Response
from stopper.core.facts import Condition, SourceFacts, source_of
from stopper.core.finding import Evidence, Verdict
from stopper.core.flow.body_models import classes_by_name
from stopper.core.flow.passing import given
from stopper.core.probe import Steps, Target, failed, not_applicable, passed, send
from stopper.core.probing.accounts.login import entered
from stopper.core.probing.baseline import Baseline, controls, judge, shown
from stopper.core.probing.signature import signable, telling_baseline
from stopper.core.rule import Edit, Hit, Rule
from stopper.core.tokens.id_tokens import opened_by_id_tokens
from stopper.core.tokens.jwt_claims import asked_by_hand, claims_given_to, verifications
from stopper.core.tokens.jwt_demanded import is_of_one_kind_by_claims
from stopper.core.tokens.jwt_extended import guarded, revokes
from stopper.core.tokens.jwt_keys import key_uses, reached
from stopper.core.tokens.jwt_names import ENCODING
from stopper.core.tokens.jwt_purposes import KINDS, PURPOSES, handed_out_as, kind_claims, marks, purposes_of
from stopper.core.tokens.questions_of_kind import asks_in_vain_for_kind
from stopper.core.values import (
    Call,
    Constant,
    Item,
    Mapping,
    Member,
    Name,
    Parameter,
    Truth,
    Value,
    is_constant,
    parts,
    text_of,
    walk,
)

_LINK: Final = re.compile(r"(?i)forgot|reset|recover|magic_?link|invit|activat|confirm|verif(?:y|ication)_?e?mail")
_STEPS: Final = 2
_ENDS: Final = re.compile(r"(?i)log_?out|sign_?out|revoke|invalidate|introspect|expire")
"""Whoever ends tokens takes every kind."""
_LOADERS: Final = re.compile(r"(?:flask_httpauth|apiflask|flask_login)\.\w+\.(?:verify_token|request_loader)")
_SENDS: Final = re.compile(r"(?i)(?:^|[._])(?:send|mail|e?mail_|sms|notify)|apply_async$|\.Message$")


def detect(app: App) -> Iterator[Hit]:
    """Verifications under a key that signs tokens of several kinds, where nobody asks for the kind."""
    facts = source_of(app)
    several = _several(app, facts)
    for call, shape in verifications(app, facts) if several else ():
        key = call.argument(shape.key, "key")
        kinds = {kind for mark in marks(facts, key) for kind in several.get(mark, ())}
        if not kinds or (len(kinds) == 1 and not _stands_in_guard(facts, call.function)):
            continue
        message = f"tokens for {', '.join(sorted(kinds))} share this key, and nobody asks which one this is"
        if len(kinds) == 1:
            message = f"what is signed for {kinds.pop()} opens what this guard protects: nobody asks what it is"
        if is_of_one_kind_by_claims(app, facts, call, key):
            continue
        if not _asks_kind(app, facts, call, key):
            yield Hit(message, call.span)
        elif not _audience_tells(app, facts, call, key):
            names = {*KINDS, *_own_names(app, facts, key)}
            silent = list(_guards_without_question(facts, call, names))
            if not silent and _is_asked_by_one_view(facts, call, names):
                silent = [call]
            yield from (Hit(message, one.span) for one in silent)
    for call in opened_by_id_tokens(app, facts):
        yield Hit("an ID token says who logged in to a client: here it opens the API, like any access token", call.span)
    for call in facts.calls("flask_jwt_extended.create_access_token"):
        if _is_sent_away(facts, call.function) and call.keyword("additional_claims", "user_claims") is None:
            yield Hit("what is mailed for a new password opens every route, like any access token", call.span)
    for call in _decoded_by_hand(facts):
        yield Hit("a refresh token opens this as well: nobody asks which type the token is of", call.span)
    revoking = {one.call for one in guarded(facts) if revokes(facts, one)}
    for call in facts.calls("flask_jwt_extended.jwt_required", "flask_jwt_extended.verify_jwt_in_request"):
        if is_constant(call.keyword("verify_type"), False) and call not in revoking:
            yield Hit("Flask-JWT-Extended is told to take access and refresh tokens alike", call.span)


def _decoded_by_hand(facts: SourceFacts) -> Iterator[Call]:
    """``decode_token(shown)``, which takes every type, of what a caller shows, where refresh tokens are made too and nobody looks at ``type``."""
    if not any(True for _ in facts.calls("flask_jwt_extended.create_refresh_token")):
        return
    for call in facts.calls("flask_jwt_extended.decode_token"):
        beside = {one.method for one in facts.calls_in(call.function)}
        if (
            facts.derives(call.argument(0, "encoded_token"), "request-header", "authorization-header", "cookie")
            and "create_access_token" not in beside
            and not _ENDS.search(call.function)
            and not _looks_at(facts, call.function, {*KINDS})
        ):
            yield call


def _several(app: App, facts: SourceFacts) -> dict[str, set[str]]:
    """The keys that sign tokens of more than one kind, or links alone."""
    used = _signed(app, facts)
    return {mark: kinds for mark, kinds in used.items() if len(kinds) > 1 or kinds <= _OF_LINKS}


def _signed(app: App, facts: SourceFacts) -> dict[str, set[str]]:
    """The keys that sign, each with the kinds of tokens that it signs."""
    used: dict[str, set[str]] = {}
    for call, key, _ in key_uses(app, facts):
        if call.callee in ENCODING:
            kinds = _kinds(facts, call)
            for mark in marks(facts, key):
                used.setdefault(mark, set()).update(kinds)
    return used


_OF_LINKS: Final = frozenset({"reset", "verif", "confirm", "activat", "invit", "unsubscribe"})


def _stands_in_guard(facts: SourceFacts, function: str) -> bool:
    """That the function runs before views: as a hook, or as a part of a decorator."""
    return bool(function) and any(
        function in route.hooks or any(one.name and function.startswith(f"{one.name}.") for one in route.decorators)
        for route in facts.routes
    )


def _kinds(facts: SourceFacts, call: Call) -> set[str]:
    """What the token is for; what a function signs for everybody who asks it is for what its callers say."""
    own = purposes_of(facts, call)
    if own or not call.function:
        return own or {"access"}
    callers = list(facts.calls(call.function))
    handed = {kind for one in callers if (kind := handed_out_as(facts, one)) is not None}
    return handed | {"reset" if _is_sent_away(facts, one.function) else "access" for one in callers} or {"access"}


def _is_sent_away(facts: SourceFacts, function: str) -> bool:
    """A link for a new password or a log-in is made and sent to somebody by mail or message."""
    named = _LINK.search(".".join(function.split(".")[-2:])) is not None
    return named and any(_SENDS.search(call.callee) is not None for call in facts.calls_in(function))


def _asks_kind(app: App, facts: SourceFacts, call: Call, key: Value | None) -> bool:
    own = _own_names(app, facts, key)
    around = claims_given_to(facts, call)
    if call.keyword("subject") is not None:
        return True
    kinds = {kind for mark in marks(facts, key) for kind in _signed(app, facts).get(mark, ())}
    everywhere = _in_every_token(app, facts, key)
    if not asks_in_vain_for_kind(facts, around, {*KINDS, *own}, kinds, everywhere):
        if any(asked_by_hand(facts, call, kind) for kind in {*KINDS, *own}):
            return True
        if any(
            isinstance(part, Item) and (text_of(part.key) in own or (one.refuses and text_of(part.key) in KINDS))
            for function in around
            for one in facts.conditions_in(function)
            if not _is_there_at_all(one, everywhere)
            for part in walk(one.value, 4)
        ):
            return True  # ``if claims.get("mfa_pending"): …``, ``if claims.get("purpose"): raise Refused``
        if any(
            _member_of_object(facts, side) in {*KINDS, *own}
            for function in around
            for one in facts.comparisons_in(function)
            for side in (one.left, one.right)
        ):
            return True  # ``claims.kind != "access"`` of an object that holds them
    return _audience_tells(app, facts, call, key)


def _member_of_object(facts: SourceFacts, side: Value) -> str:
    """What is asked of an object that a call made, or of one of a class of the project; empty for anything else."""
    if isinstance(side, Member) and isinstance(side.owner, Call):
        return side.attribute
    owner, _, word = side.dotted.rpartition(".") if isinstance(side, Name) else ("", "", "")
    return word if owner in classes_by_name(facts) else ""


def _is_there_at_all(one: Condition, everywhere: frozenset[str]) -> bool:
    """``if not claims["typ"]: raise`` and ``if not isinstance(claims["typ"], str)`` of a claim that tokens of every kind have."""
    asked, negated = one.value, one.negated
    if isinstance(asked, Truth) and len(asked.parts) == 1:  # ``is_missing = not claims["typ"]`` above
        asked, negated = asked.parts[0], not negated
    asked = asked.args[0] if isinstance(asked, Call) and asked.callee == "isinstance" else asked
    return negated and isinstance(asked, Item) and text_of(asked.key) in everywhere


def _in_every_token(app: App, facts: SourceFacts, key: Value | None) -> frozenset[str]:
    """The claims that all tokens under this key have, whatever they are for."""
    mine, found = marks(facts, key), list[frozenset[str]]()
    for signing, signed_with, _ in key_uses(app, facts):
        if signing.callee in ENCODING and mine & marks(facts, signed_with):
            claims = reached(facts, signing.argument(ENCODING[signing.callee].claims, "payload", "claims"))
            found += [frozenset(one.keys()) for one in claims if isinstance(one, Mapping)] or [frozenset[str]()]
    first, *others = found or [frozenset[str]()]
    return first.intersection(*others)


def _own_names(app: App, facts: SourceFacts, key: Value | None) -> set[str]:
    """The claims of the application's own in which tokens under this key say what they are for."""
    mine = marks(facts, key)
    return {
        name
        for signing, signed_with, _ in key_uses(app, facts)
        if signing.callee in ENCODING and mine & marks(facts, signed_with)
        for name in kind_claims(facts, signing)
    }


def _audience_tells(app: App, facts: SourceFacts, call: Call, key: Value | None) -> bool:
    return call.keyword("audience") is not None and not _one_audience(app, facts, marks(facts, key))


def _guards_without_question(facts: SourceFacts, call: Call, names: set[str]) -> Iterator[Call]:
    """The calls of the function that decodes by which views are guarded, and where nobody asks for the kind, although another function that
    has its claims from there does."""
    if call.function and call.keyword("subject") is None and not _looks_at(facts, call.function, names):
        yield from _silent(facts, call.function, names, _STEPS)


def _silent(facts: SourceFacts, reader: str, names: set[str], steps: int) -> Iterator[Call]:
    """Those among the callers of one that gives claims; where all of them only hand the claims on, among their callers."""
    using = [one for one in facts.calls(reader) if one.function]
    silent = [one for one in using if not _looks_at(facts, one.function, names)]
    for one in silent if len(silent) < len(using) else ():
        beyond = {other.function for other in facts.calls(one.function)} | {
            other.callee for other in facts.calls_in(one.function) if facts.function(other.callee) is not None
        }
        runs = bool(facts.routes_reaching(one.function)) or _is_asked_by_library(facts, one.function)
        guards = runs and not facts.is_view(one.function)
        if guards and not _ENDS.search(one.function) and not any(_looks_at(facts, name, names) for name in beyond):
            yield one
    handing = {one.function for one in silent} if len(silent) == len(using) and steps else set[str]()
    for name in sorted(handing):
        if not facts.is_view(name):
            yield from _silent(facts, name, names, steps - 1)


def _is_asked_by_one_view(facts: SourceFacts, call: Call, names: set[str]) -> bool:
    """``if claims["typ"] != "refresh": abort(401)`` in the view that refreshes is the only question: other views take what they are shown."""
    looking = [
        (one, other)
        for one in facts.comparisons()
        for side, other in ((one.left, one.right), (one.right, one.left))
        if any(isinstance(part, Item) and text_of(part.key) in names for part in walk(side, 6))
    ]
    for one, other in looking:
        kind = PURPOSES.search(text_of(other) or "")
        if one.operator != "!=" or not facts.is_view(one.function) or kind is None or kind[1].lower() == "access":
            return False
    asking = {one.function for one, _ in looking}
    if not asking:
        return False  # nothing is reached then
    reached = {(ref.method, ref.path) for ref in facts.routes_reaching(call.function)}
    return any(
        route.view not in asking
        and not _ENDS.search(f"{route.path} {route.view}")
        and any((method, route.path) in reached for method in route.methods)
        for route in facts.routes
    )


def _is_asked_by_library(facts: SourceFacts, function: str) -> bool:
    """``@auth.verify_token``, ``@login_manager.request_loader``: a library asks it before the views that it guards."""
    made = facts.function(function)
    return made is not None and any(_LOADERS.fullmatch(one.name) for one in made.decorators)


def _looks_at(facts: SourceFacts, function: str, names: set[str]) -> bool:
    """That a claim which says the kind is looked at in the function."""
    asked = [side for one in facts.comparisons_in(function) for side in (one.left, one.right)]
    asked += [one.value for one in facts.conditions_in(function)]
    return any(
        text_of(part) in names if isinstance(part, Constant) else isinstance(part, Item) and text_of(part.key) in names
        for value in asked
        for part in _outside_decodes(value)
    )


def _outside_decodes(value: Value, depth: int = 6) -> Iterator[Value]:
    """What stands in a value; what a decode is told to demand says nothing of what is asked afterwards."""
    yield value
    for part in parts(value) if depth and not (isinstance(value, Call) and value.method in ("decode", "loads")) else ():
        yield from _outside_decodes(part, depth - 1)


def _one_audience(app: App, facts: SourceFacts, mine: set[str]) -> bool:
    """That tokens of every kind under this key are for one and the same audience, so that it tells nothing."""
    said: set[str | None] = set()
    for signing, key, _ in key_uses(app, facts):
        if signing.callee in ENCODING and mine & marks(facts, key):
            claims = signing.argument(ENCODING[signing.callee].claims, "payload", "claims")
            mappings = [one for one in reached(facts, claims) if isinstance(one, Mapping)]
            audiences = [said_by for one in mappings for said_by in _given(facts, one.get("aud"))]
            said |= {_audience(facts, one) for one in audiences} or {None}
    return len(said) == 1 and None not in said


def _audience(facts: SourceFacts, value: Value | None) -> str | None:
    """The literal, or the setting or variable that it is."""
    return min(marks(facts, value), default=None)


def _given(facts: SourceFacts, value: Value | None) -> list[Value | None]:
    """What callers pass where it is a parameter, else the value."""
    return list(given(facts, value)) if isinstance(value, Parameter) else [value]


def probe(target: Target) -> Steps[Verdict]:
    """Shows the refresh token where an access token belongs; without one, an access token that says it is another kind."""
    telling = yield from telling_baseline(target)
    if isinstance(telling, Verdict):
        return telling
    baseline, _ = telling
    refresh = yield from _refresh_token(target, baseline)
    if refresh is None:
        return (yield from _relabelled(target))
    shown_one = yield from send(shown(baseline, refresh))
    if judge(baseline, shown_one.response) != "let-in":
        return passed(f"{baseline.ref} refuses a refresh token")
    seen = Evidence("exchange", "the refresh token is accepted as an access token", shown_one)
    message = f"{baseline.ref} accepts a refresh token, which lives longer and is kept elsewhere"
    return failed(message, (baseline.ref,), (*controls(baseline), seen))


def _refresh_token(target: Target, baseline: Baseline) -> Steps[str | None]:
    own = baseline.identity.token.reveal() if baseline.identity.token else ""
    people = [one for one in target.identities if one.name == baseline.identity.name]
    for person in people:
        if person.refresh_token is not None and person.refresh_token.reveal() != own:
            return person.refresh_token.reveal()
    came = yield from entered(target, next(iter(people), baseline.identity))
    return _in(came[1].response) if came is not None else None


def _in(response: Response) -> str | None:
    said = response.json()
    stack = [said]
    while stack:
        found = stack.pop()
        if isinstance(found, dict):
            members = cast("dict[str, object]", found)
            for name, value in members.items():
                if name.lower().replace("-", "_") in ("refresh_token", "refreshtoken", "refresh") and isinstance(
                    value, str
                ):
                    return value
            stack.extend(members.values())
    return None


def _relabelled(target: Target) -> Steps[Verdict]:
    found = yield from signable(target)
    if isinstance(found, Verdict):
        return found if found.outcome != "open" else not_applicable("the application gives out one kind of token")
    claims = target.forge.claims(found.token)
    kind = next(
        (name for name in ("type", "token_type", "typ", "token_use", "purpose") if isinstance(claims.get(name), str)),
        None,
    )
    if kind is None:
        return not_applicable("the tokens do not say of what kind they are, and there is no other kind")
    other = yield from found.with_claims(target, **{kind: "refresh"})
    if judge(found.baseline, other.response) != "let-in":
        return passed(f"{found.baseline.ref} asks for the kind of a token")
    seen = Evidence("exchange", f"the same claims with {kind} refresh are accepted", other)
    message = f"{found.baseline.ref} accepts a token whose {kind} says that it is for something else"
    return failed(message, (found.baseline.ref,), (*found.evidence(), seen))


def fix(app: App, hit: Hit) -> Edit | None:
    """``verify_type`` as it is by default."""
    return of_one_type(app, hit)


RULE = Rule(
    slug="jwt-wrong-type-accepted",
    family="jwt",
    title="A token of the wrong type is accepted",
    harm=__doc__ or "",
    severity="high",
    check="authentication",
    cwe=(287,),
    owasp="API2:2023",
    asvs=("V9.2.2",),
    surfaces=("source", "wsgi", "http"),
    ends="Stopper's `@bearer` takes tokens whose `typ` is `at+jwt`, and keeps refresh tokens apart.",
    certainty="likely",
    detect=detect,
    fix=fix,
    probe=probe,
)
