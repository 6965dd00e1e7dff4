"""Anybody becomes anybody else by writing a name into a header."""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from stopper.core.app import App
from stopper.core.exchange import Exchange, Headers, Request
from stopper.core.facts import Reading, SourceFacts, source_of
from stopper.core.finding import Evidence, Verdict
from stopper.core.flow.body_models import classes_by_name
from stopper.core.flow.passing import passed as passed_for
from stopper.core.guards.let_in_by_host import let_in_by_host
from stopper.core.guards.let_in_by_name import is_let_in_by_name
from stopper.core.guards.named_by_cookies import said_by_cookies
from stopper.core.owner_names import ROLE, WHO
from stopper.core.place import RouteRef, Span
from stopper.core.probe import Steps, Target, failed, not_applicable, passed, send
from stopper.core.probing.baseline import attempt, candidates
from stopper.core.probing.internal import left_behind
from stopper.core.probing.plain_cookies import plain_cookie
from stopper.core.probing.written_cookies import written_cookie
from stopper.core.rule import Hit, Rule
from stopper.core.tokens.jwt_names import verifies
from stopper.core.values import Call, Constant, Item, Member, Name, Parameter, Value, is_constant, text_of, walk

PERSON: Final = re.compile(
    r"x-(?:auth(?:enticated)?-|current-|remote-|forwarded-|goog-authenticated-|webauth-)?user(?:-?(?:id|name|email|roles?|groups?))?"
    r"|x-forwarded-(?:email|preferred-username|groups)|x-(?:auth-request|authenticated|auth)-(?:user|email|userid|username|subject|sub|principal|roles?|groups?)"
    r"|remote-(?:user|email|groups)|x-(?:account|customer|principal|subject|member|employee|role|roles|is-admin|admin|tenant|owner|merchant|company)(?:-id)?"
    r"|x-ms-client-principal(?:-name|-id)?|x-amzn-oidc-identity|cf-access-authenticated-user-email|tailscale-user-(?:login|name)|x-webauth-(?:name|email|groups|role)"
    r"|(?:x-)?ssl-client-(?:s-|i-)?(?:dn|cn|verify|subject(?:-dn)?|cert)|x-client-(?:dn|cn|cert(?:-(?:dn|cn|subject))?)|x-forwarded-client-cert"
    r"|x-(?:user|jwt|token)-?(?:info|context|claims|payload|subject)|x-(?:uid|scopes?|permissions?|internal(?:-(?:user|call|request|service))?)"
    r"|x-(?:caller|actor|operator|staff|worker|manager|requester|reviewer|approver|author|editor|seller|buyer|driver|rider|courier|doctor|physician|patient|nurse"
    r"|student|teacher|pupil|parent|librarian|player|officer|cashier|citizen|voter|applicant|candidate|resident|passenger|subscriber|person"
    r"|partner|vendor|supplier|reader|guest|donor|volunteer|borrower|technician|analyst|clerk|dispatcher|broker|investor)(?:-?(?:id|e?mail))"
    r"|(?:x-)?(?:auth-)?(?:login|user-?login)(?:-(?:name|id))?"
    r"|x-(?:on-behalf-of|impersonate(?:d|-user)?|act(?:ing)?-(?:as|user(?:-id)?)|run-as|sudo(?:-user)?)|user-?(?:id|name)|x-consumer-(?:id|username|custom-id)"
    r"|x-auth(?:enticated)?-(?:client|account|member|person|identity|agent)(?:-?(?:id|name|email))?"
)
"""Names of headers that say who somebody is."""
ADDRESS: Final = frozenset(
    {"x-forwarded-for", "x-real-ip", "x-client-ip", "true-client-ip", "x-originating-ip", "cf-connecting-ip"}
)
READ_FROM: Final = ("flask.request.headers", "flask.request.environ")
_PROOF: Final = re.compile(r"compare_digest|verify\w*|decode|loads|check_\w*signature|valid\w*signature|unsign")
_UNPACKS: Final = ("json.", "base64.", "binascii.", "urllib.", "orjson.", "ujson.", "flask.json.", "simplejson.")
"""They write the same in another way: nobody's signature is looked at."""
_LOGS: Final = frozenset(
    {"debug", "info", "warning", "error", "exception", "critical", "log", "print", "set_tag", "bind"}
)
DEVELOPERS: Final = 3
"""Routes that nobody names, of those that developers leave behind."""
TRIED: Final = {"quick": 3, "standard": 6, "deep": 20}
_CLAIMED: Final[Headers] = (
    ("X-User-Id", "1"), ("X-User", "admin"), ("X-Forwarded-User", "admin"), ("X-Remote-User", "admin"),
    ("X-Auth-User", "admin"), ("X-User-Role", "admin"), ("X-Username", "admin"), ("X-Role", "admin"), ("X-Admin", "true"),
    ("User", "admin"), ("Username", "admin"), ("User-Id", "1"), ("Role", "admin"), ("X-Forwarded-For", "127.0.0.1"), ("X-Real-IP", "127.0.0.1"),
)  # fmt: skip


def detect(app: App) -> Iterator[Hit]:
    """Such a header that is used for more than a log line, in a function that does not verify anything else."""
    facts = source_of(app)
    seen: set[Span] = set()
    for reading in (*facts.readings(*READ_FROM), *_listed(facts)):
        if reading.span in seen:
            continue
        name = _header(reading)
        said = PERSON.fullmatch(name) is not None or _stands_before_claims(facts, reading)
        person = bool(name) and (said or is_let_in_by_name(facts, reading, name))
        if not person and name not in ADDRESS:
            continue
        if _is_proved(facts, reading.function) and not (person and _goes_before(reading)):
            continue
        if person and _chooses_key(facts, reading):
            continue
        if _decides(facts, reading) if not person else _is_used(facts, reading):
            seen.add(reading.span)
            what = "says who the caller is" if person else "decides who may pass"
            yield Hit(
                f"the header {name}, which any client can set, {what}",
                reading.span,
                certainty="certain" if person else "possible",
                severity=None if person else "low",
            )
    for what, span in (*said_by_cookies(facts), *let_in_by_host(facts)):
        if span not in seen and not _is_proved(facts, facts.function_around(span)):
            seen.add(span)
            yield Hit(what, span)
    for name, call in _modelled(facts) if facts.says("headers") else ():
        if call.span is not None and call.span not in seen and not _is_proved(facts, call.function):
            yield Hit(f"the header {name}, which any client can set, says who the caller is", call.span)


def _modelled(facts: SourceFacts) -> Iterator[tuple[str, Call]]:
    """The field that says who somebody is in a model which is filled with all headers: ``Caller.model_validate(dict(request.headers))``."""
    filled = [
        (call.callee.rpartition(".")[0], call, call.args[:1])
        for call in facts.calls("*.model_validate", "*.parse_obj", "*.from_dict", "*.model_construct")
    ]
    filled += [
        (call.callee, call, tuple([value for key, value in call.keywords if key == "**"]))
        for call in facts.calls()
        if call.open and call.callee in classes_by_name(facts)
    ]
    for owner, call, given in filled:
        known = classes_by_name(facts).get(owner)
        if known is not None and any(_is_all_headers(value) for value in given):
            names = (_said_as(field, known.attributes.get(field)) for field in known.fields)
            found = next((name for name in names if PERSON.fullmatch(name)), None)
            if found is not None:
                yield found, call


def _is_all_headers(value: Value) -> bool:
    whole = value.args[0] if isinstance(value, Call) and value.callee == "dict" and len(value.args) == 1 else value
    return isinstance(whole, Name) and whole.dotted == "flask.request.headers"


def _said_as(field: str, declared: Value | None) -> str:
    """The header that fills the field: its alias, else what it is called."""
    alias = declared.keyword("validation_alias", "alias") if isinstance(declared, Call) else None
    return (text_of(alias) or field).lower().replace("_", "-")


def _listed(facts: SourceFacts) -> Iterator[Reading]:
    """``request.headers.getlist("X-Forwarded-For")``, as a look-up."""
    for call in facts.calls("flask.request.headers.getlist", "flask.request.headers.get_all"):
        if call.span is not None and call.args and (key := text_of(call.args[0])):
            made = Item(Name("flask.request.headers"), call.args[0], None, call.span)
            yield Reading("flask.request.headers", key, made, call.span, call.function)
    if facts.says("access_route"):
        yield from _addresses_listed(facts)


def _addresses_listed(facts: SourceFacts) -> Iterator[Reading]:
    """``request.access_route[0]``, which is what X-Forwarded-For says first."""
    used: list[tuple[str, Value | None]] = [(one.function, one.value) for one in facts.returns()]
    used += [(one.function, side) for one in facts.comparisons() for side in (one.left, one.right)]
    used += [(call.function, held) for call in facts.calls() for held in (call.receiver, *call.args)]
    for function, value in used:
        for part in walk(value, 4):
            if isinstance(part, Item) and part.span is not None and _is_route(part.owner):
                yield Reading("flask.request.headers", "X-Forwarded-For", part, part.span, function)


def _is_route(value: Value) -> bool:
    return isinstance(value, Name) and value.dotted == "flask.request.access_route"


def _header(reading: Reading) -> str:
    key = reading.key.lower().replace("_", "-")
    if reading.source == "flask.request.headers":
        return key
    return key.removeprefix("http-") if key.startswith("http-") else ""


def _goes_before(reading: Reading) -> bool:
    """``request.headers.get("X-User", claims["sub"])``: where the header comes, what was proved is not asked."""
    return isinstance(reading.value.default, (Item, Member, Call))


def _stands_before_claims(facts: SourceFacts, reading: Reading) -> bool:
    """``request.headers.get("X-Agent-Id", claims["sub"])``, whatever the header is called: it says what the token says otherwise."""
    default = reading.value.default
    said = (text_of(default.key) or "") if isinstance(default, Item) else ""
    return _WHO_BY_CLAIMS.fullmatch(said) is not None and facts.derives(default, "claims")


_WHO_BY_CLAIMS: Final = re.compile(
    r"(?i)sub|uid|(?:user|account|person|member|agent|staff|customer|client|tenant|org)_?(?:id|name)?|e?mail|identity|roles?"
)


def _is_proved(facts: SourceFacts, function: str) -> bool:
    """Something in the function verifies the header or asks who is connected."""
    if not function:
        return False
    if any(_PROOF.search(call.method) and not _unpacks(call) for call in facts.calls_in(function)):
        return True
    for compared in facts.comparisons_in(function):
        for side in (compared.left, compared.right):
            if getattr(side, "dotted", "") == "flask.request.remote_addr":
                return True
    return False


def _chooses_key(facts: SourceFacts, reading: Reading) -> bool:
    """``verified(token, tenant)``: a step of the project looks up by it whose key a token must be signed with."""
    return any(
        verifies(inner)
        and any(isinstance(part, Item) and _is_told(facts, part.key, call, reading) for part in walk(key, 4))
        for call in facts.calls_in(reading.function)
        if any(_holds(one, reading) for one in call.args)
        for inner in facts.calls_in(call.callee)
        for key in (inner.argument(1, "key"),)
    )


def _is_told(facts: SourceFacts, key: Value, call: Call, reading: Reading) -> bool:
    """That the parameter is what this call passes the header for."""
    return isinstance(key, Parameter) and any(_holds(one, reading) for one in passed_for(facts, key, call))


def _unpacks(call: Call) -> bool:
    """``b64decode(text)``, ``json.loads(text)``, ``octets.decode("utf-8")``"""
    return call.callee.startswith(_UNPACKS) or (
        call.method == "decode" and not call.keywords and all(isinstance(one, Constant) for one in call.args)
    )


def _decides(facts: SourceFacts, reading: Reading) -> bool:
    """That a comparison or an ``if`` rests on it; a fallback to it is no decision."""
    for compared in facts.comparisons_in(reading.function):
        if _holds(compared.left, reading) and not is_constant(compared.right, None, ""):
            return True
        if _holds(compared.right, reading) and not is_constant(compared.left, None, ""):
            return True
    for call in facts.calls_in(reading.function):
        if call.method == "startswith" and call.receiver is not None and _holds(call.receiver, reading):
            return True
    return _decides_elsewhere(facts, reading)


def _decides_elsewhere(facts: SourceFacts, reading: Reading) -> bool:
    """That a function hands it out, and a refusal somewhere rests on what that function says."""
    function = reading.function
    if not function or not any(_holds(one.value, reading) for one in facts.returns_of(function)):
        return False
    return any(
        isinstance(part, Call) and part.callee == function
        for condition in facts.conditions()
        if condition.refuses
        for part in walk(condition.value, 8)
    )


def _is_held_against_caller(facts: SourceFacts, reading: Reading) -> bool:
    """``if wanted != g.user_id: abort(403)``: the header chooses, and who was authenticated decides."""
    return any(
        one.operator in ("==", "!=")
        and any(_holds(side, reading) for side in (one.left, one.right))
        and any(
            isinstance(part, Name) and WHO.search(part.dotted)
            for side in (one.left, one.right)
            for part in walk(side, 4)
        )
        and any(asked.refuses and asked.span.holds(one.span) for asked in facts.conditions_in(reading.function))
        for one in facts.comparisons_in(reading.function)
    )


def _is_looked_for_among_own(facts: SourceFacts, reading: Reading) -> bool:
    """``Membership.query.filter_by(user_id=g.user_id, tenant_id=wanted).first()``, where whoever has no such row is refused."""
    asked = [
        call
        for call in facts.calls_in(reading.function)
        if call.method in ("filter_by", "filter", "where", "find_one", "get_or_none")
        and any(_holds(one, reading) for one in _told(call))
        and any(isinstance(part, Name) and WHO.search(part.dotted) for one in _told(call) for part in walk(one, 4))
    ]
    return any(
        one.refuses and any(part is call for call in asked for part in walk(one.value, 6))
        for one in facts.conditions_in(reading.function)
    )


def _is_for_administrators(facts: SourceFacts, reading: Reading) -> bool:
    """``if g.claims["role"] != "admin": abort(403)`` above it: who may act for others was asked."""
    above = [
        one.value for one in facts.conditions_in(reading.function) if one.refuses and one.span.line < reading.span.line
    ]
    asked = [part for value in above for part in walk(value, 6) if isinstance(part, Item)]
    named = [part.owner for part in asked if ROLE.search(text_of(part.key) or "") is not None]
    return any(isinstance(one, Name) and WHO.search(one.dotted) is not None for owner in named for one in walk(owner))


def _told(call: Call) -> tuple[Value, ...]:
    """Everything that a call is passed."""
    return (*call.args, *(value for _, value in call.keywords))


def _is_used(facts: SourceFacts, reading: Reading) -> bool:
    function = reading.function
    if any(ask(facts, reading) for ask in (_is_held_against_caller, _is_looked_for_among_own, _is_for_administrators)):
        return False
    if any(_holds(one.value, reading) for one in facts.returns_of(function)):
        return True
    if any(_holds(one.value, reading) for one in facts.assignments_in(function)):
        return True
    for call in facts.calls_in(function):
        given = (*call.args, *(value for _, value in call.keywords))
        if (
            call.method not in _LOGS
            and not call.callee.startswith("flask.request.")
            and any(_holds(one, reading) for one in given)
        ):
            return True
    for compared in facts.comparisons_in(function):
        for one, other in ((compared.left, compared.right), (compared.right, compared.left)):
            if _holds(one, reading) and isinstance(other, Constant) and other.value not in (None, ""):
                return True
            if _holds(one, reading) and isinstance(other, Parameter):  # ``/users/<user_id>``, for whom the header says
                asked = facts.conditions_in(function)
                if any((test.refuses or test.stops) and test.span.holds(compared.span) for test in asked):
                    return True
    return False


def _holds(value: Value, reading: Reading) -> bool:
    return any(isinstance(inner, (Item, Call)) and inner.span == reading.span for inner in walk(value, 8))


def probe(target: Target) -> Steps[Verdict]:
    """Asks closed routes again as nobody, with headers that name a person or an address, and with a cookie that names another person."""
    claimed = _claimed(target.app)
    asked = 0
    for ref, request in _known(target):
        if asked == TRIED[target.depth]:
            break
        closed, wrong = yield from _opened(ref, request, claimed)
        asked += closed
        if wrong is not None:
            return wrong
    for ref, request in (yield from _for_developers(target)):
        _, wrong = yield from _opened(ref, request, claimed)
        if wrong is not None:
            return wrong
    if (
        believed := (yield from attempt(plain_cookie(target))) or (yield from attempt(written_cookie(target)))
    ) is not None:
        ref, name, evidence = believed
        return failed(f"{ref} takes who is calling from the cookie {name}, which anybody can write", (ref,), evidence)
    if not asked:
        return not_applicable("no route that can be read is closed")
    return passed("no header of a client's own opens a closed route")


def _opened(ref: RouteRef, request: Request, claimed: Headers) -> Steps[tuple[bool, Verdict | None]]:
    """Whether a route is closed to nobody in particular, and the verdict where a header opens it."""
    bare = yield from attempt(send(request))
    if bare is None or bare.response.status not in (401, 403):
        return False, None
    named = yield from attempt(send(request.with_headers(*claimed)))
    if named is None or not named.response.succeeded:
        return True, None
    which = yield from _which(request.with_headers, claimed)
    control = Evidence("exchange", "control: closed without a credential", bare)
    seen = Evidence("exchange", "a name in a header opens it", which or named)
    told = f"{ref} lets in whoever writes a name or an address into a header"
    return True, failed(told, (ref,), (control, seen))


def _known(target: Target) -> Iterator[tuple[RouteRef, Request]]:
    for route, method in candidates(target):
        yield RouteRef(method, route.path), target.request_for(route, method)


def _for_developers(target: Target) -> Steps[list[tuple[RouteRef, Request]]]:
    """Routes of developers that are there and closed: what they often ask for is the caller's address."""
    left = yield from attempt(left_behind(target))
    return [(ref, answer.request) for ref, answer in left.closed[:DEVELOPERS]] if left is not None else []


def _which(request_with: Callable[..., Request], claimed: Sequence[tuple[str, str]]) -> Steps[Exchange | None]:
    """The exchange with the one header that is enough."""
    for pair in claimed:
        exchange = yield from attempt(send(request_with(pair)))
        if exchange is not None and exchange.response.succeeded:
            return exchange
    return None


def _claimed(app: App) -> Headers:
    said = [one.key for one in source_of(app).readings("flask.request.headers") if PERSON.fullmatch(_header(one))]
    known = {name.lower() for name, _ in _CLAIMED}
    more = tuple(
        (name, "admin" if "role" in name.lower() else "1") for name in dict.fromkeys(said) if name.lower() not in known
    )
    return (*more[:4], *_CLAIMED)


RULE = Rule(
    slug="principal-from-client-header",
    family="bearer",
    title="Caller's identity taken from a header that a client can set",
    harm=__doc__ or "",
    severity="critical",
    check="authentication",
    cwe=(290,),
    owasp="API2:2023",
    asvs=("V4.1.3",),
    surfaces=("source", "wsgi", "http"),
    ends="Stopper's `@bearer` takes the principal from a verified token, never from a plain header.",
    detect=detect,
    probe=probe,
)
