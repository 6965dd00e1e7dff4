"""Whoever sees the reply (a page's script, a log, a cache) has the token too."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.answers.shown_in_templates import shows_all
from stopper.core.app import App
from stopper.core.deployment.behind_settings import is_off_at_first
from stopper.core.deployment.switched_on import asked_for
from stopper.core.edits.call_edits import calls_at
from stopper.core.edits.leaving_out_edits import without_members
from stopper.core.facts import SourceFacts, source_of
from stopper.core.finding import Evidence, Verdict
from stopper.core.place import RouteRef
from stopper.core.probe import Steps, Target, failed, not_applicable, passed, send
from stopper.core.probing.baseline import attempt, bearers, candidates
from stopper.core.rule import Edit, Hit, Rule
from stopper.core.values import Call, Choice, Constant, Format, Item, Mapping, Name, Parameter, Value, parts, walk

_SENT: Final = frozenset(f"flask.request.{where}" for where in ("args", "form", "values", "json", "cookies"))
_TOKENS: Final = frozenset(
    {"token", "access_token", "auth_token", "id_token", "bearer_token", "jwt", "api_key", "apikey"}
)
_HANDED_ON: Final = re.compile(
    r"(?i)reset|confirm|verif|invit|activat|unsubscribe|device|push|refresh|subscri|webhook|callback"
)
"""Tokens of mails and of devices, which a page carries on."""
TRIED: Final = {"quick": 8, "standard": 15, "deep": 50}
_SHORTEST: Final = 12
"""A shorter token may stand in an answer by chance."""


def detect(app: App) -> Iterator[Hit]:
    """The Authorization header, or all headers at once, in what is sent back."""
    facts = source_of(app)
    yield from _raised(facts)
    yield from _in_pages(facts)
    for flow in facts.flows("response", "response-header", label=("authorization-header", "request-headers")):
        if asked_for(facts, flow.span) or is_off_at_first(facts, flow):
            continue
        whole = flow.has("request-headers")
        sure = flow.has("request-headers", "authorization-header", by_name=False)
        message = (
            "all headers of the request are sent back, the token among them" if whole else "the token is sent back"
        )
        yield Hit(message, flow.span, certainty="certain" if sure else "possible")
    for flow in facts.flows("response", "response-header", label=("token", "api-key")):
        shown = {one.source for one in facts.labels(flow.value) if one.kind == "request-header"}
        if any(
            one.kind in ("token", "api-key") and not one.by_name and one.source in shown
            for one in facts.labels(flow.value)
        ):
            yield Hit("the token is sent back", flow.span)
    for flow in facts.flows("response", label="cookie"):
        if _holds_all_cookies(flow.value) and not asked_for(facts, flow.span) and not is_off_at_first(facts, flow):
            message = "all cookies of the request are sent back, the session's among them, so that a script may read it"
            yield Hit(message, flow.span, certainty="likely")
    for flow in facts.flows("response", label=("request-data", "query-string", "cookie")):
        if any(map(_is_sent_token, _shown(facts, flow.value, 5))) and not _HANDED_ON.search(
            _paths(facts, flow.function)
        ):
            yield Hit("the token is sent back", flow.span, certainty="likely")


def _in_pages(facts: SourceFacts) -> Iterator[Hit]:
    """``render_template("debug.html", headers=request.headers)``, where the page shows them all."""
    for call in facts.calls("flask.render_template", "flask.render_template_string"):
        handed = [name for name, given in call.keywords if _are_all_headers(facts, given)]
        shown = any(shows_all(facts, call, name) for name in handed)
        if shown and call.span is not None and not asked_for(facts, call.span):
            yield Hit("all headers of the request are sent back, the token among them", call.span)


def _are_all_headers(facts: SourceFacts, value: Value) -> bool:
    return any(one.kind == "request-headers" and not one.by_name for one in facts.labels(value))


def _holds_all_cookies(value: Value, depth: int = 6) -> bool:
    """``dict(request.cookies)``, ``request.cookies.to_dict()``: not one by its name, nor their names or number."""
    match value:
        case Name(dotted=dotted):
            return dotted == "flask.request.cookies"
        case Call(callee=callee) if callee.startswith("flask.request.cookies."):
            return callee.endswith((".to_dict", ".items", ".values", ".copy"))
        case Call(callee="dict" | "str" | "repr" | "flask.jsonify" | "list") | Mapping() | Format() | Choice():
            return depth > 0 and any(_holds_all_cookies(one, depth - 1) for one in parts(value))
        case _:
            return False


def _shown(facts: SourceFacts, value: Value, depth: int) -> Iterator[Value]:
    """The parts of an answer, without what a function of the project is told: what it answers is looked at where it does."""
    yield value
    handed_on = isinstance(value, Call) and facts.function(value.callee) is not None
    for one in parts(value) if depth and not handed_on else ():
        yield from _shown(facts, one, depth - 1)


def _is_sent_token(value: Value) -> bool:
    """``request.form["token"]``, ``request.args.get("access_token")``, as they came."""
    if not isinstance(value, Item) or not isinstance(value.owner, Name) or not isinstance(value.key, Constant):
        return False
    return value.owner.dotted in _SENT and str(value.key.value).lower() in _TOKENS


def _paths(facts: SourceFacts, function: str) -> str:
    return " ".join((function.rpartition(".")[2], *(one.path for one in facts.routes_reaching(function))))


def _raised(facts: SourceFacts) -> Iterator[Hit]:
    """A token that becomes part of an error of one's own, whose handler sends what the error says."""
    sent = {
        one.what
        for one in facts.error_handlers()
        for part in (inner for said in _returns(facts, one.function) for inner in walk(said, 6))
        if isinstance(part, Parameter) and part.function == one.function
    }
    for raised in facts.raises():
        said = (
            (*raised.value.args, *(one for _, one in raised.value.keywords)) if isinstance(raised.value, Call) else ()
        )
        if raised.exception in sent and any(
            facts.derives(one, "authorization-header", "token", by_name=False) for one in said
        ):
            yield Hit("the token is sent back in the text of an error", raised.span)


def _returns(facts: SourceFacts, function: str) -> tuple[Value, ...]:
    found = facts.function(function)
    return found.returns if found is not None else ()


def probe(target: Target) -> Steps[Verdict]:
    """Asks routes with a token, and looks for it in the answer."""
    person = next((one for one in bearers(target) if one.token and len(one.token.reveal()) >= _SHORTEST), None)
    if person is None or person.token is None:
        return not_applicable("no identity with a bearer token is known")
    token, asked = person.token.reveal(), 0
    for route, method in list(candidates(target))[: TRIED[target.depth]]:
        ref = RouteRef(method, route.path)
        if ref == person.issued_by:
            continue
        exchange = yield from attempt(send(person.on(target.request_for(route, method))))
        if exchange is None or exchange.response.error:
            continue
        asked += 1
        if token in exchange.response.text:
            seen = Evidence("exchange", "the token that was shown stands in the answer", exchange)
            return failed(f"{ref} sends back the token that it is shown", (ref,), (seen,))
    if not asked:
        return not_applicable("no route that can be read is in reach")
    return passed(f"{asked} routes do not send back the token")


def fix(app: App, hit: Hit) -> Edit | None:
    """The answer without the members that say what the caller showed."""
    facts = source_of(app)
    given = [flow.value for flow in facts.flows("response") if flow.span == hit.span]
    given += calls_at(facts, hit.span)
    return without_members(given, lambda _, value: _says_it(facts, value))


def _says_it(facts: SourceFacts, value: Value) -> bool:
    return (
        facts.derives(value, "authorization-header", "request-headers")
        or _holds_all_cookies(value)
        or _is_sent_token(value)
    )


RULE = Rule(
    slug="token-reflected-in-response",
    family="bearer",
    title="Token reflected in a response",
    harm=__doc__ or "",
    severity="high",
    check="data-exposure",
    cwe=(200,),
    owasp="API3:2023",
    asvs=("V16.5.1",),
    surfaces=("source", "wsgi", "http"),
    ends="Stopper answers every refusal in its own words and never repeats a credential.",
    repeats=("config-dump-in-response",),
    detect=detect,
    fix=fix,
    probe=probe,
)
