"""Anybody can write a token with any name in it, and the application believes it."""

import re
from collections.abc import Iterator

from stopper.core.app import App
from stopper.core.facts import SourceFacts, source_of
from stopper.core.finding import Verdict
from stopper.core.jwt_names import decodings, switched_off, verifies
from stopper.core.place import Span
from stopper.core.probe import Steps, Target, not_applicable
from stopper.core.probe_signature import broken_signature
from stopper.core.rule import Certainty, Hit, Rule
from stopper.core.values import Call, Item, Name, Parameter, Value, text_of, walk

_OUTBOUND = re.compile(r"(requests|httpx|urllib3)\..*\b(get|post|put|request|send)|.*urlopen")
_KEY_CHOOSERS = frozenset({"iss", "kid", "alg", "azp", "client_id", "tid", "tenant"})
MESSAGE = "the token is read without looking at its signature, so anybody can write one"


def detect(app: App) -> Iterator[Hit]:
    """Decodes whose check a literal turns off, unless the token is verified close by or came from our own provider."""
    facts = source_of(app)
    for call, shape in decodings(facts):
        off = switched_off(call, shape)
        if off is None or call.span is None or _is_module_constant(facts, off.span):
            continue
        if _is_our_own(facts, call) or _is_only_a_first_look(facts, call) or _is_asked_elsewhere(facts, call):
            continue
        if (certainty := _certainty(facts, call)) is not None:
            yield Hit(MESSAGE, call.span, certainty=certainty)


def _is_module_constant(facts: SourceFacts, span: Span | None) -> bool:
    """Such a constant is `jwt-verification-disabled-indirectly`, which asks what the constant may become."""
    return span is not None and any(
        not assignment.function and _within(span, assignment.span) for assignment in facts.assignments()
    )


def _is_our_own(facts: SourceFacts, call: Call) -> bool:
    """A token that this code just signed or fetched itself from a provider over TLS (OpenID Connect Core 3.1.3.7, item 6)."""
    token = call.argument(0, "jwt", "token")
    signed = any(isinstance(part, Call) and part.method == "encode" for part in walk(token))
    return signed or (facts.derives(token, "upstream") and not facts.derives(token, "request-header", "cookie"))


def _is_only_a_first_look(facts: SourceFacts, call: Call) -> bool:
    """The same function, what it calls, or every function that calls it verifies the token for real."""
    if _after_a_failed_check(facts, call):
        return False
    if _verifies_in(facts, call.function, call):
        return True
    if _gives_only_the_issuer(facts, call):
        return True
    callers = [function.name for function in facts.functions() if call.function and call.function in function.calls]
    return bool(callers) and all(_verifies_in(facts, caller, None) for caller in callers)


def _gives_only_the_issuer(facts: SourceFacts, call: Call) -> bool:
    """A helper that returns nothing of the token but what chooses a key."""
    function = facts.function(call.function)
    if function is None or facts.is_view(call.function):
        return False
    used = [part for value in function.returns for part in walk(value)]
    keys = [text_of(part.key) for part in used if isinstance(part, Item) and part.owner is call]
    bare = any(value is call for value in function.returns) or any(
        argument is call for other in facts.calls_in(call.function) for argument in other.args
    )
    return bool(keys) and not bare and all(key in _KEY_CHOOSERS for key in keys)


def _is_asked_elsewhere(facts: SourceFacts, call: Call) -> bool:
    """The same function sends the token to a service that verifies it (RFC 7662), and reads it afterwards."""
    return any(
        _OUTBOUND.fullmatch(other.callee)
        and other.span is not None
        and call.span is not None
        and other.span.line < call.span.line
        and any(
            facts.derives(value, "token", "authorization-header")
            for value in (*other.args, *(v for _, v in other.keywords))
        )
        for other in facts.calls_in(call.function)
    )


def _after_a_failed_check(facts: SourceFacts, call: Call) -> bool:
    return any(
        call.span is not None and _within(call.span, handler.span) and any("decode" in tried for tried in handler.tried)
        for handler in facts.handlers()
    )


def _verifies_in(facts: SourceFacts, function: str, look: Call | None) -> bool:
    """Whether *function*, or a function of the project that it calls, verifies a token (the one that *look* read)."""
    if not function:
        return False
    inside = list(facts.calls_in(function))
    if any(verifies(other) and _may_be_one_token(look, other) for other in inside if other is not look):
        return True
    called = {other.callee for other in inside if other is not look and facts.function(other.callee) is not None}
    return any(verifies(other) for name in called for other in facts.calls_in(name))


def _may_be_one_token(look: Call | None, other: Call) -> bool:
    if look is None:
        return True
    first, second = _root(look.argument(0, "jwt", "token")), _root(other.argument(0, "jwt", "token"))
    return first == second or not (first and second)


def _root(token: Value | None) -> str:
    """What tells two parameters or names apart; an empty text where nothing does."""
    if isinstance(token, Parameter):
        return token.parameter
    return token.dotted if isinstance(token, Name) else ""


def _within(inner: Span, outer: Span) -> bool:
    return inner.path == outer.path and outer.line <= inner.line and inner.end_line <= outer.end_line and outer.line > 0


def _certainty(facts: SourceFacts, call: Call) -> Certainty | None:
    """Certain where a request reaches it. In a Flask project a function that is handed a token is possible; a script is nothing."""
    token = call.argument(0, "jwt", "token")
    if facts.derives(token, "authorization-header", "request-header", "request-data", "cookie", by_name=False):
        return "certain"
    if call.function and facts.routes_reaching(call.function):
        return "certain"
    return "possible" if isinstance(token, Parameter) and facts.imports("flask") else None


def probe(target: Target) -> Steps[Verdict]:
    """Proves a switched-off check on the running application; without one in the source there is nothing to prove."""
    if not any(True for _ in detect(target.app)):
        return not_applicable(
            "the source shows no check that is switched off; jwt-broken-signature-accepted asks the wire"
        )
    return (yield from broken_signature(target))


RULE = Rule(
    slug="jwt-signature-not-verified",
    family="jwt",
    title='The signature check is switched off by a literal, such as `options={"verify_signature": False}`',
    harm=__doc__ or "",
    severity="critical",
    check="authentication",
    cwe=(347,),
    owasp="API2:2023",
    asvs=("V9.1.1",),
    surfaces=("source", "wsgi"),
    ends="Stopper's `@bearer` verifies the signature of every token, and no setting turns that off.",
    detect=detect,
    probe=probe,
)
