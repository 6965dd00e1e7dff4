"""A token that is stolen once works for ever."""

import re
from collections.abc import Iterator

from stopper.core.app import App
from stopper.core.facts import SourceFacts, source_of
from stopper.core.finding import Evidence, Verdict
from stopper.core.flow.flags_passed import comes_to
from stopper.core.flow.overriding import given_back
from stopper.core.flow.passed_keywords import gathered
from stopper.core.flow.passing import given
from stopper.core.guards.idle_questions import on_another_way
from stopper.core.place import RouteRef, Span
from stopper.core.probe import Steps, Target, failed, not_applicable, passed, unsure
from stopper.core.probing.accounts.login import entered, token_in
from stopper.core.probing.baseline import controls
from stopper.core.probing.signature import handed_out, token_baseline
from stopper.core.rule import Certainty, Edit, Hit, Rule
from stopper.core.tokens.ages_by_hand import ends_by_hand
from stopper.core.tokens.jwt_extended import ended, said_lifetime
from stopper.core.tokens.jwt_keys import reached
from stopper.core.tokens.jwt_names import encodings
from stopper.core.values import (
    NAMED,
    Call,
    ConfigValue,
    Constant,
    EnvironmentValue,
    Mapping,
    Parameter,
    Unknown,
    Value,
    is_constant,
    options,
    text_of,
    walk,
)

MESSAGE = "the token has no exp claim, so it never expires"
FLASK_JWT_EXTENDED = ("flask_jwt_extended.create_access_token", "flask_jwt_extended.create_refresh_token")
_WHO = re.compile(r"(?i)^(sub|user|user_?id|uid|id|public_id|e?mail|user_?name|name|identity|roles?|admin|is_admin)$")
_HANDLES = frozenset(
    {"iss", "iat", "nbf", "aud", "jti", "token", "session", "session_id", "sid", "nonce", "typ", "key", "api_key"}
)


def detect(app: App) -> Iterator[Hit]:
    """Signing calls whose claims are all in sight and hold no `exp`, and Flask-JWT-Extended told to leave it out."""
    facts = source_of(app)
    for call, shape in encodings(facts):
        if call.callee == "python_jwt.generate_jwt" and (call.argument(3, "lifetime") or call.argument(4, "expires")):
            continue
        claims = list(_claims(facts, call.argument(shape.claims, "payload", "claims")))
        if _only_on_request(facts, call) or _only_on_one_way(facts, call):
            claims = [one for one in claims if not (isinstance(one, Mapping) and "exp" in one.keys())]  # noqa: SIM118
        known = [one for one in claims if isinstance(one, Mapping) and _never_expires(facts, call, one)]
        dated = [one for one in claims if isinstance(one, Mapping) and _is_written_in(one, "exp")]
        if any(one.span == other.span for one in known for other in dated):  # ``if user.is_service: del claims["exp"]``
            claims = [*known]
        if known and len(known) == len(claims) and not all(_is_handle(one) for one in known):
            yield Hit(MESSAGE, call.span, certainty=_certainty(known))
    for call in facts.calls("*.encode_eternal_jwt_token"):  # of Flask-Praetorian
        yield Hit(MESSAGE, call.span)
    for call in facts.calls(*FLASK_JWT_EXTENDED):
        if is_constant(said_lifetime(call), False) and not ended(app, "JWT_ALLOW_TOKENS_WITHOUT_EXPIRY"):
            yield Hit(MESSAGE, call.span)


def _claims(facts: SourceFacts, value: Value | None) -> Iterator[Value]:
    """What the claims may be: also what a function of the project returns, or what all its callers pass for a parameter."""
    for option in options(value):
        if isinstance(option, Call) and (function := facts.function(option.callee)) is not None and function.returns:
            for returned in given_back(facts, function):
                yield from reached(facts, returned)
        elif isinstance(option, Parameter):
            yield from _passed(facts, option)
        elif isinstance(option, Call):
            yield from reached(facts, option)
        elif isinstance(option, Mapping) and option.open:
            yield _spread(facts, option)
        else:
            yield option


def _is_written_in(claims: Mapping, name: str) -> bool:
    """That the display of the claims itself has that one, which nothing put in later."""
    span = claims.span
    return span is not None and any(
        text_of(key) == name and isinstance(key, Constant) and key.span is not None and span.holds(key.span)
        for key, _ in claims.items
    )


def _spread(facts: SourceFacts, claims: Mapping) -> Mapping:
    """Claims with ``**extra`` of the function's own, where every caller says what that is."""
    items, is_open = list[tuple[Value, Value]](), claims.open
    for key, value in claims.items:
        if not (isinstance(key, Unknown) and isinstance(value, Parameter) and value.index == NAMED):
            items.append((key, value))
            continue
        calls, function = list(facts.calls(value.function)), facts.function(value.function)
        own = function.parameters if function is not None else ()
        items += [(Constant(name), given) for call in calls for name, given in call.keywords if name not in own]
        is_open = not calls or any(call.open for call in calls)
    return Mapping(tuple(items), is_open, claims.span, claims.name)


def _passed(facts: SourceFacts, parameter: Parameter) -> Iterator[Value]:
    position = parameter.index if parameter.index >= 0 else None
    callers = list(facts.calls(parameter.function))
    if parameter.index == NAMED:
        yield from gathered(facts, parameter)
    else:
        yield from (caller.argument(position, parameter.parameter) or parameter for caller in callers)
    if not callers:
        yield parameter


def _never_expires(facts: SourceFacts, call: Call, claims: Mapping) -> bool:
    if claims.open or "exp" in claims.keys() or ends_by_hand(facts, claims):  # noqa: SIM118
        return False
    return not _added_later(facts, call, claims)


def _added_later(facts: SourceFacts, call: Call, claims: Mapping) -> bool:
    """Something in the function that signs, or where the dict is made, is given the key `exp` or is updated out of sight."""
    made_in = {call.function} | {
        function.name
        for function in facts.functions()
        if claims.span is not None
        and claims.span.path == function.span.path
        and function.span.line <= claims.span.line <= function.span.end_line
    }
    made_in |= _methods_run(facts, claims, made_in)
    for assignment in facts.assignments():
        if assignment.function == call.function and (_only_on_request(facts, call) or _only_on_one_way(facts, call)):
            continue
        if assignment.function in made_in and re.search(r"""\[["']?exp["']?\]$""", assignment.target):
            return True
    return any(
        other.method in ("update", "setdefault") and _may_add_an_end(other)
        for name in made_in
        for other in facts.calls_in(name)
    )


def _may_add_an_end(call: Call) -> bool:
    """Not ``claims.update(aud="shop", name=self.name)``: all that is added is in sight, and none of it is the end."""
    if call.open or not (call.args or call.keywords):
        return True
    if call.method == "setdefault":
        return text_of(call.argument(0)) in (None, "exp")
    names = [name for name, _ in call.keywords]
    for one in call.args:
        if not isinstance(one, Mapping) or one.open:
            return True
        names += [text_of(key) or "exp" for key, _ in one.items]
    return "exp" in names


def _methods_run(facts: SourceFacts, claims: Mapping, made_in: set[str]) -> set[str]:
    """The methods that somebody calls of an object that keeps the claims in an attribute of its own."""
    keeping = {
        one.function.rpartition(".")[0]
        for name in made_in
        for one in facts.assignments_in(name)
        if one.target.startswith("self.") and getattr(one.value, "span", None) == claims.span
    }
    return {
        function.name
        for function in (facts.functions() if keeping else ())
        if function.name.rpartition(".")[0] in keeping and any(True for _ in facts.calls(function.name))
    }


def _set_here(facts: SourceFacts, call: Call) -> list[Span]:
    """Where the function that signs sets ``claims["exp"]``."""
    ends = ("[exp]", "['exp']", '["exp"]')
    return [one.span for one in facts.assignments_in(call.function) if one.target.endswith(ends)]


def _only_on_one_way(facts: SourceFacts, call: Call) -> bool:
    """``if not account.is_service: claims["exp"] = …``, and no ``else`` sets another. A test of what the function is told, of a setting or of the
    claim itself is another question."""
    places = _set_here(facts, call)
    if not places or call.span is None or any(on_another_way(facts, one, other) for one in places for other in places):
        return False
    about = {(one.span, one.negated) for one in facts.conditions_around(call.span)}
    for place in places:
        tests = [one for one in facts.conditions_around(place) if (one.span, one.negated) not in about]
        said = [part for one in tests for part in walk(one.value, 6)]
        if not tests or any(isinstance(one, (ConfigValue, EnvironmentValue)) or text_of(one) == "exp" for one in said):
            return False
        if any(isinstance(one, Parameter) for test in tests for one in options(test.value)):
            return False
        if all(set(comes_to(facts, one.value)) == {not one.negated} for one in tests):
            return False
    return True


def _only_on_request(facts: SourceFacts, call: Call) -> bool:
    """``exp`` is set only where a parameter is given, and some caller leaves that out."""
    set_here = _set_here(facts, call)
    return bool(set_here) and all(
        any(
            is_constant(one, None)
            for condition in facts.conditions_around(assigned)
            for part in walk(condition.value, 3)
            for one in (
                given(facts, part)
                if isinstance(part, Parameter) and is_constant(part.default, None)
                else facts.config_values(part.key)
                if isinstance(part, ConfigValue)
                else ()
            )
        )
        for assigned in set_here
    )


def _is_handle(claims: Mapping) -> bool:
    """Nothing but the name of a token that is kept elsewhere, or of the service that signs: what it opens has its own end."""
    return {name.lower() for name in claims.keys()} <= _HANDLES  # noqa: SIM118


def _certainty(claims: list[Mapping]) -> Certainty:
    """Certain for a token that says who somebody is; a link or a state that happens to be a JWT is only likely."""
    return "certain" if any(_WHO.match(name) for one in claims for name in one.keys()) else "likely"  # noqa: SIM118


def fix(app: App, hit: Hit) -> Edit | None:
    """An end after fifteen minutes in the one dict of claims; whoever needs more must say so."""
    facts = source_of(app)
    for call, shape in encodings(facts):
        if call.span != hit.span:
            continue
        claims = list(_claims(facts, call.argument(shape.claims, "payload", "claims")))
        if len(claims) != 1 or not isinstance(claims[0], Mapping) or claims[0].span is None or not claims[0].items:
            return None
        if any(getattr(key, "span", None) is None for key, _ in claims[0].items):
            return None  # made by dict(…)
        where = claims[0].span
        inside = Span(where.path, where.line, where.line, where.column + 1, where.column + 1)
        return Edit(inside, '"exp": int(time.time()) + 900, ', safe=False, imports=("time",))
    for call in facts.calls(*FLASK_JWT_EXTENDED):
        said = said_lifetime(call) if call.span == hit.span and call.span is not None else None
        if isinstance(said, Constant) and said.span is not None and hit.span is not None and hit.span.holds(said.span):
            return Edit(said.span, "None", safe=False)
    return None


def probe(target: Target) -> Steps[Verdict]:
    """Looks into the tokens that the application itself gives to the scan's people, best while it gives one."""
    baseline = yield from token_baseline(target)
    if baseline is None or baseline.identity.token is None or baseline.identity.minted:
        handed = yield from handed_out(target)
        if handed is None:
            return not_applicable("the application issued no signed token to any identity of this scan")
        shown = Evidence("exchange", "a log-in hands out the token", handed.exchange)
        return _verdict(target, handed.token, handed.ref, (shown,))
    person = next((one for one in target.identities if one.name == baseline.identity.name), baseline.identity)
    came = yield from entered(target, person)
    token = token_in(came[1].response) if came is not None else None
    if came is None or token is None or not target.forge.claims(token):
        return _verdict(target, baseline.identity.token.reveal(), baseline.ref, controls(baseline))
    issued = Evidence("exchange", f"{person.name} logs in and is given the token", came[1])
    return _verdict(target, token, RouteRef("POST", came[0].path), (*controls(baseline), issued))


def _verdict(target: Target, token: str, ref: RouteRef, evidence: tuple[Evidence, ...]) -> Verdict:
    claims = target.forge.claims(token)
    if "exp" in claims:
        return passed("the token that the application issued says when it expires")
    if _is_reference(claims):
        return unsure("the token says nothing of its owner: it stands for something that the server keeps, and may end")
    seen = Evidence("effect", f"the token has the claims {', '.join(sorted(claims)) or 'none'}")
    return failed(f"the token of {ref} has no exp claim: once stolen, it works for ever", (ref,), (*evidence, seen))


def _is_reference(claims: dict[str, object]) -> bool:
    """Nothing in it but a random text under a name that says nothing of a person: who shows it is looked up."""
    random = any(isinstance(one, str) and re.fullmatch(r"[A-Za-z0-9_-]{22,}", one) for one in claims.values())
    return random and claims.keys() <= _HANDLES


RULE = Rule(
    slug="jwt-issued-without-expiry",
    family="jwt",
    title="Tokens are issued without `exp`",
    harm=__doc__ or "",
    severity="high",
    check="authentication",
    cwe=(613,),
    owasp="API2:2023",
    asvs=("V9.2.1",),
    surfaces=("source", "wsgi", "http"),
    ends="Stopper's access tokens all end, after the seconds of `STOPPER_ACCESS_TOKEN_LIFETIME`.",
    detect=detect,
    fix=fix,
    probe=probe,
)
