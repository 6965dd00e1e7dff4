"""Anybody can write a token with any name in it, and the application believes it."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.app import App
from stopper.core.facts import SourceFacts, source_of
from stopper.core.finding import Verdict
from stopper.core.flow.passing import callers
from stopper.core.flow.view_functions import index_of
from stopper.core.probe import Steps, Target, not_applicable
from stopper.core.probing.signature import broken_signature
from stopper.core.rule import Certainty, Edit, Hit, Rule
from stopper.core.tokens.jwt_names import Decoding, decodings, switched_off, switched_off_elsewhere
from stopper.core.tokens.jwt_peek import is_asked_elsewhere, is_only_a_first_look, is_our_own
from stopper.core.values import Call, Constant, Mapping, Name, Parameter, Value, is_constant

MESSAGE = "the token is read without looking at its signature, so anybody can write one"
_VERIFIES: Final = re.compile(r"(?i)verif|validat")


def detect(app: App) -> Iterator[Hit]:
    """Decodes whose check a literal turns off, unless the token is verified close by or came from our own provider."""
    facts = source_of(app)
    for call, shape in decodings(facts):
        off = switched_off(call, shape)
        if off is None or call.span is None or _is_elsewhere(facts, call, shape, off):
            continue
        if is_our_own(facts, call) or is_only_a_first_look(facts, call) or is_asked_elsewhere(facts, call):
            continue
        if _is_kept_verified(facts, call.argument(0, "jwt", "token")):
            continue
        if (certainty := _certainty(facts, call)) is not None:
            if certainty == "possible" and call.function and not any(True for _ in callers(facts, call.function)):
                yield Hit(f"{MESSAGE}: look whether anything calls it", call.span, certainty=certainty, severity="low")
            else:
                yield Hit(MESSAGE, call.span, certainty=certainty)
    for call in _other_readers(facts):
        if not is_only_a_first_look(facts, call) and (certainty := _certainty(facts, call)) is not None:
            yield Hit(MESSAGE, call.span, certainty=certainty)


def _other_readers(facts: SourceFacts) -> Iterator[Call]:
    """Calls of other libraries that give what a token says and look at no signature, or are told not to."""
    yield from facts.calls("python_jwt.process_jwt")
    yield from (one for one in facts.calls("google.auth.jwt.decode") if is_constant(one.argument(2, "verify"), False))
    for call in facts.calls("jwt.PyJWS.decode", "jwt.api_jws.PyJWS.decode", "jwt.api_jws.decode"):
        said = call.argument(3, "options")
        if isinstance(said, Mapping) and is_constant(said.get("verify_signature"), False):
            yield call
    for call in facts.calls("jwcrypto.jws.JWS.deserialize"):
        others = [one.method for one in facts.calls_in(call.function)]
        if call.argument(1, "key") is None and "verify" not in others:
            yield call


def _is_elsewhere(facts: SourceFacts, call: Call, shape: Decoding, off: Value) -> bool:
    """A constant, a class or a `dict(…)` is `jwt-verification-disabled-indirectly`, which asks what it may become."""
    if not isinstance(off, Mapping):
        return False
    said = off.get("verify_signature")
    written = call.argument(shape.options, "options")
    return isinstance(said, Constant) and switched_off_elsewhere(facts, call, off, said, written)


def _is_kept_verified(facts: SourceFacts, token: Value | None) -> bool:
    """``g.token = valid_token(request)``, where that function holds the token against its signature before it gives it back."""
    if not isinstance(token, Name) or not token.dotted.startswith("flask.g."):
        return False
    word = token.dotted.rpartition(".")[2]
    kept = [one.value for one in facts.assignments() if one.attribute == word and "." in one.target]
    makers = [one.callee for one in kept if isinstance(one, Call) and facts.function(one.callee) is not None]
    return bool(kept) and len(makers) == len(kept) and all(_verifies(facts, name) for name in makers)


def _verifies(facts: SourceFacts, function: str) -> bool:
    names = index_of(facts).calling([function], 2)
    return any(_VERIFIES.search(call.method) and call.args for name in names for call in facts.calls_in(name))


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


def fix(app: App, hit: Hit) -> Edit | None:
    """``True`` for the literal, where the call names a key and its algorithms; without these, a person must say what they are."""
    for call, shape in decodings(source_of(app)):
        off = switched_off(call, shape) if call.span == hit.span else None
        said = off.get("verify_signature") if isinstance(off, Mapping) else off
        key = call.argument(shape.key, "key")
        if not isinstance(said, Constant) or said.span is None or call.span is None or not call.span.holds(said.span):
            continue
        if call.argument(shape.algorithms, "algorithms") is None or key is None or is_constant(key, None, ""):
            return None
        return Edit(said.span, "True", safe=False)
    return None


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
    fix=fix,
    probe=probe,
)
