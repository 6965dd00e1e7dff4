"""The token stays in browser histories, server logs and the ``Referer`` for other sites."""

import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import unquote

from stopper.core.answers.response_headers import headers_set
from stopper.core.app import App
from stopper.core.exchange import Exchange
from stopper.core.facts import SourceFacts, source_of
from stopper.core.finding import Evidence, Verdict
from stopper.core.labels import Label
from stopper.core.place import RouteRef
from stopper.core.probe import Steps, Target, failed, not_applicable, passed, send
from stopper.core.probing.accounts.login import entered, login_requests, login_routes
from stopper.core.probing.baseline import attempt, bearers, candidates
from stopper.core.rule import Hit, Rule
from stopper.core.values import Call, Constant, Format, Value, options, text_of, walk

NOT_CREDENTIALS: Final = re.compile(
    r"(?i)page|next|csrf|xsrf|cursor|continuation|sync|reset|confirm|verif|invit|unsubscribe"
)
"""A token of such a name pages, guards a form, or is a link of its own."""
_LOGS_OUT: Final = re.compile(r"(?i)log_?-?out|sign_?-?out|end_?session")
_HINTS: Final = frozenset({"id_token", "id_token_hint", "idtoken"})
_HANDED: Final = re.compile(r"(?i)[?&#;](?:access_token|id_token|refresh_token|auth_token|token|jwt)=[\w.~+/-]{16,}")
_NAMED: Final = re.compile(
    r"(?i)[?&#](?:access_token|id_token|refresh_token|auth_token|session_token|api_token|jwt_token|session_?id|api_?key|token|jwt|bearer)=$"
)
_CODE: Final = re.compile(r"[?&#](?:\w+_)?code=$")
_CLEAR: Final = frozenset({
    "access_token", "id_token", "refresh_token", "auth_token", "session_token", "api_token", "bearer", "jwt",
})  # fmt: skip
"""What is passed on under such a name is no link of its own, whatever made it."""
_PLACES: Final = re.compile(r"%(?:\(\w+\))?[sd]|\{\w*\}")
TRIED: Final = {"quick": 6, "standard": 12, "deep": 40}


def detect(app: App) -> Iterator[Hit]:
    """A redirect whose address has a token in it."""
    facts = source_of(app)
    for flow in facts.flows("redirect", label=("token", "authorization-header")):
        labels = [label for label in flow.labels if _is_credential(label)]
        if labels and not _ends_the_session(flow.function, labels) and not _is_only_a_code(facts, flow.value):
            sure = any(not label.by_name for label in labels)
            yield Hit(
                "a token is put into the address of a redirect", flow.span, certainty="certain" if sure else "likely"
            )
    yield from _by_endpoint(facts)
    yield from _by_name(facts)
    for one in facts.assignments():
        if (
            one.attribute == "location"
            and "." in one.target
            and (facts.derives(one.value, "token", "authorization-header", by_name=False) or _says_so(one.value))
        ):
            yield Hit("a token is put into the address of a redirect", one.span)
    for header in headers_set(facts, "Location"):
        if facts.derives(header.value, "token", "authorization-header", by_name=False) or (
            any(map(_says_so, options(header.value))) and not NOT_CREDENTIALS.search(header.function.rpartition(".")[2])
        ):
            yield Hit("a token is put into the address of a redirect", header.span)


def _ends_the_session(function: str, labels: list[Label]) -> bool:
    """That the provider is told which session ends by the ID token, as OpenID Connect RP-Initiated Logout 1.0 §2 has it."""
    word = function.rpartition(".")[2]
    return _LOGS_OUT.search(word) is not None and any(label.source.lower() in _HINTS for label in labels)


def _is_only_a_code(facts: SourceFacts, address: Value) -> bool:
    """That what derives from a token stands under ``code=``, as an authorization code does (RFC 6749 §4.1.2): it is exchanged once."""
    found = False
    for option in options(address):
        before = ""
        for part in _in_order(option) if isinstance(option, Format) else (option,):
            if not isinstance(part, Constant) and facts.derives(part, "token", "authorization-header"):
                if _CODE.search(before) is None:
                    return False
                found = True
            before += text_of(part) or ""
    return found


def _by_endpoint(facts: SourceFacts) -> Iterator[Hit]:
    """``redirect(url_for("home", token=…))``: what stands in the query of an address of one's own."""
    for call in facts.calls("flask.redirect", "werkzeug.utils.redirect"):
        for inner in (part for given in call.args[:1] for part in walk(given, 4)):
            if not isinstance(inner, Call) or inner.callee != "flask.url_for":
                continue
            for name, value in inner.keywords:
                said = name.lower() in _CLEAR and not isinstance(value, Constant)
                if name == "_anchor" and isinstance(value, Format) and _says_so(_behind_hash(value)):
                    yield Hit("a token is put into the address of a redirect", call.span, certainty="likely")
                    break
                if not NOT_CREDENTIALS.search(name) and facts.derives(
                    value, "token", "authorization-header", by_name=said
                ):
                    yield Hit("a token is put into the address of a redirect", call.span)
                    break


def _behind_hash(anchor: Format) -> Format:
    """``_anchor=f"token={…}"`` as it stands in the address."""
    first, *rest = anchor.parts
    text = text_of(first)
    return Format(
        (Constant(f"#{text}") if text is not None else Constant("#"), *([] if text is not None else [first]), *rest),
        anchor.span,
    )


def _by_name(facts: SourceFacts) -> Iterator[Hit]:
    """``redirect(f"https://…/welcome?token={…}")``: the address itself says that a token follows."""
    told = {flow.span for flow in facts.flows("redirect", label=("token", "authorization-header"))}
    for call in facts.calls("flask.redirect", "werkzeug.utils.redirect"):
        if call.span in told or call.span is None or NOT_CREDENTIALS.search(call.function.rpartition(".")[2]):
            continue
        if any(map(_says_so, call.args[:1])):
            yield Hit("a token is put into the address of a redirect", call.span, certainty="likely")


def _says_so(address: Value) -> bool:
    """That something stands behind ``token=`` in the address."""
    for whole in (part for part in walk(address, 3) if isinstance(part, Format)):
        before = ""
        for part in _in_order(whole):
            if _NAMED.search(before) and not isinstance(part, Constant) and not NOT_CREDENTIALS.search(before):
                return True
            before += text_of(part) or ""
    return False


def _in_order(whole: Format) -> Iterator[Value]:
    """The parts as they stand in the text: ``"%s?token=%s" % (home, token)`` has its literal parts in one piece."""
    pieces = _PLACES.split(text_of(whole.parts[0]) or "") if whole.parts else []
    if len(pieces) < 2:
        yield from whole.parts
        return
    for number, piece in enumerate(pieces):
        yield Constant(piece)
        yield from whole.parts[number + 1 : number + 2]


def _is_credential(label: Label) -> bool:
    return label.kind in ("token", "authorization-header") and not NOT_CREDENTIALS.search(label.source)


def probe(target: Target) -> Steps[Verdict]:
    """Log in, ask routes as somebody, and look for a token in the address that the answer sends to."""
    asked = False
    people = bearers(target)
    for route, method in list(candidates(target))[: TRIED[target.depth]] if people else []:
        exchange = yield from attempt(send(people[0].on(target.request_for(route, method))))
        if exchange is None:
            continue
        asked = True
        own = people[0].token.reveal() if people[0].token is not None else ""
        if _carries(exchange, own):
            return _convicted(RouteRef(method, route.path), exchange)
    person = next((one for one in target.identities if one.subject and one.password), None)
    came = (yield from attempt(entered(target, person))) if person is not None else None
    if came is not None:
        asked = True
        if _carries(came[1], ""):
            return _convicted(RouteRef("POST", came[0].path), came[1])
    for route in login_routes(target)[:2] if person is not None and came is None else []:
        if person is None or person.subject is None or person.password is None:
            break
        for request in list(login_requests(target, route, person.subject, person.password.reveal()))[:2]:
            exchange = yield from attempt(send(request))
            if exchange is None:
                continue
            asked = True
            if _carries(exchange, ""):
                return _convicted(RouteRef("POST", route.path), exchange)
    if not asked:
        return not_applicable("nobody is known who could be redirected with a token")
    return passed("no redirect carries a token")


def _carries(exchange: Exchange, own: str) -> bool:
    where = unquote(exchange.response.header("Location") or "")
    if not 300 <= exchange.response.status < 400 or not where:
        return False
    return bool(_HANDED.search(where)) or (len(own) >= 12 and own in where)


def _convicted(ref: RouteRef, exchange: Exchange) -> Verdict:
    seen = Evidence("exchange", "the address of the redirect has a token in it", exchange)
    return failed(f"{ref} redirects to an address that carries a token", (ref,), (seen,))


RULE = Rule(
    slug="token-in-redirect-url",
    family="bearer",
    title="Token in a redirect URL",
    harm=__doc__ or "",
    severity="high",
    check="data-exposure",
    cwe=(598,),
    owasp="API2:2023",
    asvs=("V14.2.1",),
    surfaces=("source", "wsgi", "http"),
    ends="Stopper's `@bearer` reads a token from the `Authorization` header and from nowhere else.",
    detect=detect,
    probe=probe,
)
