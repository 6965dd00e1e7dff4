"""A token that is stolen today still works next month."""

import re
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from stopper.core.app import App
from stopper.core.edits.call_edits import passing
from stopper.core.facts import Assignment, SourceFacts, source_of
from stopper.core.finding import Evidence, Verdict
from stopper.core.flow.enumerations import members_of
from stopper.core.flow.lengths_of_time import distance, seconds_of
from stopper.core.flow.passing import callers, given
from stopper.core.flow.passing import passed as passed_for
from stopper.core.place import RouteRef, Span
from stopper.core.probe import Steps, Target, failed, not_applicable, passed
from stopper.core.probing.baseline import controls
from stopper.core.probing.signature import token_baseline
from stopper.core.rule import Edit, Hit, Rule
from stopper.core.tokens.jwt_extended import said_lifetime
from stopper.core.tokens.jwt_keys import reached
from stopper.core.tokens.jwt_names import PUBLIC_KEY, decodings, encodings, said_options, verifies, written_in
from stopper.core.tokens.jwt_purposes import KINDS
from stopper.core.values import (
    Call,
    ConfigValue,
    Constant,
    Item,
    Mapping,
    Member,
    Name,
    Parameter,
    Unknown,
    Value,
    text_of,
    walk,
)

ACCESS_MOST: Final = 12 * 3600
"""Seconds. A working day; access tokens are meant to live for minutes (RFC 9700 §2.2.2 speaks of short-lived ones)."""
REFRESH_MOST: Final = 90 * 24 * 3600
_OF_NOBODY: Final = frozenset({"iss", "iat", "exp", "nbf", "aud", "jti"})
"""Claims that say of no person what he may do."""
_MAILED: Final = re.compile(r"(?i)invit|unsubscribe|confirm|activat")
LEEWAY_MOST: Final = 60
"""Seconds of difference between clocks that a verifier may forgive."""


def detect(app: App) -> Iterator[Hit]:
    """Expiries far ahead where tokens are signed, and wide leeways where they are verified."""
    facts = source_of(app)
    for call, shape in encodings(facts):
        for claims in reached(facts, call.argument(shape.claims, "payload", "claims")):
            known = isinstance(claims, Mapping) and not _is_for_others(facts, call, claims)
            hits = list(_issued(facts, call, claims)) if isinstance(claims, Mapping) and known else []
            yield from hits[:1]
            if hits:
                break
    told: set[tuple[str, str]] = set()
    for call in facts.calls("flask_jwt_extended.create_access_token", "flask_jwt_extended.create_refresh_token"):
        length = _length(facts, said := said_lifetime(call))
        if isinstance(said, ConfigValue) and (call.callee, said.key) in told:
            continue  # one setting of the project's own, wherever tokens are made by it
        told |= {(call.callee, said.key)} if isinstance(said, ConfigValue) else set()
        most = REFRESH_MOST if "refresh" in call.callee else ACCESS_MOST
        if length is not None and length > most:
            yield Hit(f"the token lives {_said(length)}, the policy allows {_said(most)}", call.span)
    yield from _leeways(app, facts)


def _is_for_others(facts: SourceFacts, call: Call, claims: Mapping) -> bool:
    """A token that names nobody, signed with the private half of a key of which another service has the other half, in an application that
    verifies no token: it shows the application itself to that service, which says how long it may live."""
    names = {text_of(key) for key, _ in claims.items}
    said = call.keyword("algorithm", "alg") or call.argument(2)
    return (
        not claims.open
        and names <= _OF_NOBODY
        and text_of(said) in PUBLIC_KEY
        and not any(verifies(one) for one, _ in decodings(facts))
    )


def _issued(facts: SourceFacts, call: Call, claims: Mapping) -> Iterator[Hit]:
    exp = claims.get("exp")
    lengths = [distance(facts, one) or 0 for one in (exp, *reached(facts, exp))] if exp is not None else []
    lengths += [distance(facts, assignment.value) or 0 for assignment in _assigned(facts, call)]
    table = _by_kind(facts, exp)
    for key, held in table:
        length, most = seconds_of(held, facts), REFRESH_MOST if "refresh" in key else ACCESS_MOST
        if length is not None and length > most:
            yield Hit(f"the token lives {_said(length)}, the policy allows {_said(most)}", call.span)
    may_refresh = _may_refresh(facts, claims)
    long_lived = _is_refresh(facts, call, claims) or may_refresh or _is_mailed(call, claims)
    most = REFRESH_MOST if long_lived else ACCESS_MOST
    longest = max(lengths, default=0) * _share_of_others(facts, exp)
    if may_refresh and (share := _share_of_access(facts, claims, exp)):
        longest, most = max(lengths, default=0) * share, ACCESS_MOST
    if not table and longest > most:
        yield Hit(f"the token lives {_said(longest)}, the policy allows {_said(most)}", call.span)


def _is_mailed(call: Call, claims: Mapping) -> bool:
    """What is sent to somebody who may come back next week, and opens one page alone."""
    said = [text_of(claims.get(name)) or "" for name in (*KINDS, "aud")]
    return any(_MAILED.search(word) for word in (*said, call.function.rpartition(".")[2]))


def _share_of_others(facts: SourceFacts, exp: Value | None) -> float:
    """What part of the longest time that callers pass is passed by one that makes no mail: 1 where no mail has the longest."""
    for part in walk(exp, 6):
        if isinstance(part, Parameter):
            told = [
                (number, _MAILED.search(caller.function.rpartition(".")[2]) is not None)
                for caller in callers(facts, part.function)
                for value in passed_for(facts, part, caller)
                if (number := _number(value)) is not None
            ]
            longest = max((number for number, _ in told), default=0.0)
            others = max((number for number, mailed in told if not mailed), default=0.0)
            if longest > others > 0:
                return others / longest
    return 1.0


def _share_of_access(facts: SourceFacts, claims: Mapping, exp: Value | None) -> float:
    """What part of the longest time that callers pass is passed by one that asks for no refresh token; 0 where nobody can tell."""
    kinds = _kinds_told(claims)
    length = next((part for part in walk(exp, 6) if isinstance(part, Parameter)), None)
    if not kinds or length is None:
        return 0.0
    longest, others = 0.0, 0.0
    for caller in callers(facts, length.function):
        number = max((_number(value) or 0.0 for value in passed_for(facts, length, caller)), default=0.0)
        said = [_said_key(one) for kind in kinds for one in passed_for(facts, kind, caller) or (kind.default,)]
        longest = max(longest, number)
        if said and all(said) and not any("refresh" in word.lower() for word in said):
            others = max(others, number)
    return others / longest if longest else 0.0


def _number(value: Value) -> float | None:
    if isinstance(value, Constant):
        return value.value if isinstance(value.value, (int, float)) else None
    return seconds_of(value)


def _assigned(facts: SourceFacts, call: Call) -> Iterator[Assignment]:
    for assignment in facts.assignments():
        if assignment.function == call.function and assignment.attribute == "exp" and "[" in assignment.target:
            yield assignment


def _is_refresh(facts: SourceFacts, call: Call, claims: Mapping) -> bool:
    kinds = [text_of(claims.get(name)) or "" for name in ("type", "token_type", "typ", "use", "purpose")]
    return any("refresh" in word.lower() for word in (*kinds, call.function, written_in(facts, call), call.name))


def _may_refresh(facts: SourceFacts, claims: Mapping) -> bool:
    """``issue(user, "refresh", days=7)``: one function signs both kinds, and a caller asks for the long one."""
    return any("refresh" in _said_key(told).lower() for kind in _kinds_told(claims) for told in given(facts, kind))


def _kinds_told(claims: Mapping) -> list[Parameter]:
    """The parameters that say the kind, ``{"typ": kind}`` or ``{"typ": kind.value}`` of a member of an enumeration."""
    held = [
        said.owner if isinstance(said, Member) and said.attribute in ("value", "name") else said
        for said in map(claims.get, KINDS)
    ]
    return [one for one in held if isinstance(one, Parameter)]


def _by_kind(facts: SourceFacts, exp: Value | None) -> list[tuple[str, Value]]:
    """``now + LIFETIMES[kind]``: the table, or the enumeration, that says how long each kind lives, where refresh tokens are one of them."""
    for part in walk(exp, 4):
        if isinstance(part, Item) and not isinstance(part.key, Constant):
            table = part.owner if isinstance(part.owner, Mapping) else members_of(facts, part)
            rows = [(_said_key(key).lower(), held) for key, held in table.items] if table is not None else []
            if any("refresh" in key for key, _ in rows):
                return rows
    return []


def _said_key(key: Value | None) -> str:
    said = key.value if isinstance(key, Constant) else key.dotted if isinstance(key, Name) else None
    return "" if said is None else str(said)


def _length(facts: SourceFacts, value: Value | None) -> float | None:
    found = [number for one in reached(facts, value) if (number := seconds_of(one)) is not None]
    return max(found) if found else None


def _leeways(app: App, facts: SourceFacts) -> Iterator[Hit]:
    for call, shape in decodings(facts):
        leeways = [call.keyword("leeway")]
        leeways += [said.get("leeway") for said in said_options(facts, call, shape) if isinstance(said, Mapping)]
        lengths = [length for one in leeways if (length := _length(facts, one)) is not None]
        if lengths and max(lengths) > LEEWAY_MOST:
            yield Hit(f"a leeway of {_said(max(lengths))} lets expired tokens live on; 60 seconds is enough", call.span)
    for call in (*facts.calls("*.validate"), *facts.calls("*.JWTClaimsRegistry")):
        length = _length(facts, call.keyword("leeway"))
        if length is not None and length > LEEWAY_MOST and facts.imports("authlib", "joserfc"):
            yield Hit(f"a leeway of {_said(length)} lets expired tokens live on; 60 seconds is enough", call.span)
    for write in facts.config_writes("JWT_DECODE_LEEWAY"):
        length = _length(facts, write.value)
        if write.loaded is not False and length is not None and length > LEEWAY_MOST:
            yield Hit(f"a leeway of {_said(length)} lets expired tokens live on; 60 seconds is enough", write.span)
    fact = app.config.get("JWT_DECODE_LEEWAY")
    if fact is not None and fact.reader == "running":
        leeway = fact.value.total_seconds() if isinstance(fact.value, timedelta) else fact.value
        if isinstance(leeway, (int, float)) and leeway > LEEWAY_MOST:
            yield Hit(f"JWT_DECODE_LEEWAY of the running application is {_said(leeway)}", reader="running")


def _said(seconds: float) -> str:
    for size, unit in ((86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} seconds"


_HALF_A_DAY: Final = {"days": "0.5", "hours": "12", "minutes": "720", "seconds": str(ACCESS_MOST)}


def fix(app: App, hit: Hit) -> Edit | None:
    """Twelve hours where the length is a literal in the dict of claims, sixty seconds where a leeway is passed."""
    facts = source_of(app)
    for call, shape in encodings(facts):
        for claims in reached(facts, call.argument(shape.claims, "payload", "claims")) if call.span == hit.span else ():
            if not isinstance(claims, Mapping) or claims.span is None or _is_refresh(facts, call, claims):
                return None
            return _shortened(claims.get("exp"), claims.span)
    for call in (*(call for call, _ in decodings(facts)), *facts.calls("*.validate", "*.JWTClaimsRegistry")):
        if call.span == hit.span and call.keyword("leeway") is not None:
            return passing(call, ("leeway", str(LEEWAY_MOST)), safe=False)
    return None


def _shortened(exp: Value | None, claims: Span) -> Edit | None:
    """``time.time() + 2592000`` and ``now + timedelta(days=30)``, where what is added stands in the claims."""
    parts = exp.parts if isinstance(exp, Unknown) else ()
    if len(parts) != 2 or parts[1].span is None or not claims.holds(parts[1].span):
        return None
    match parts[1]:
        case Constant(value=int() | float(), span=Span() as span):
            return Edit(span, str(ACCESS_MOST), safe=False)
        case Call(method="timedelta", args=(), keywords=((unit, Constant()),)) as length if unit in _HALF_A_DAY:
            return passing(length, (unit, _HALF_A_DAY[unit]), safe=False)
        case _:
            return None


def probe(target: Target) -> Steps[Verdict]:
    """Reads how long the token that the application gave out may live; nothing is forged."""
    baseline = yield from token_baseline(target)
    if baseline is None or baseline.identity.token is None or baseline.identity.minted:
        return not_applicable("the application issued no signed token to any identity of this scan")
    claims = target.forge.claims(baseline.identity.token.reveal())
    end, start = claims.get("exp"), claims.get("iat", claims.get("nbf", time.time()))
    if not isinstance(end, (int, float)) or not isinstance(start, (int, float)):
        return not_applicable("the token has no exp (jwt-issued-without-expiry)")
    length = end - start
    if length <= ACCESS_MOST:
        return passed(f"the token lives {_said(length)}")
    issuer = baseline.identity.issued_by
    refs: tuple[RouteRef, ...] = (issuer,) if issuer is not None else (baseline.ref,)
    seen = Evidence("effect", f"from iat to exp the token lives {_said(length)}")
    message = f"an access token lives {_said(length)}, the policy allows {_said(ACCESS_MOST)}"
    return failed(message, refs, (*controls(baseline), seen))


RULE = Rule(
    slug="jwt-lifetime-too-long",
    family="jwt",
    title="A token lives longer than the policy allows, or the leeway is over 60 seconds",
    harm=__doc__ or "",
    severity="medium",
    check="authentication",
    cwe=(613,),
    owasp="API2:2023",
    asvs=("V7.3.2",),
    surfaces=("source", "wsgi", "http"),
    ends="Stopper's access tokens end after the seconds of `STOPPER_ACCESS_TOKEN_LIFETIME`.",
    detect=detect,
    fix=fix,
    probe=probe,
    repeats=("jwt-expiry-setting-too-long",),
)
