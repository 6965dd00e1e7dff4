"""A method that nobody needs shows a request's own headers, or reaches a view that was written for another one."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from stopper.core.app import App, Route
from stopper.core.edits.call_edits import passing
from stopper.core.exchange import Exchange, Request
from stopper.core.facts import source_of
from stopper.core.finding import Evidence, Verdict
from stopper.core.place import RouteRef
from stopper.core.probe import Steps, Target, failed, not_applicable, passed, send
from stopper.core.probing.baseline import alike, attempt, candidates
from stopper.core.rule import Edit, Hit, Rule
from stopper.core.values import Sequence, text_of

NEEDLESS: Final = frozenset(
    {
        "TRACE",
        "TRACK",
        "CONNECT",
        "DEBUG",
        "PROPFIND",
        "PROPPATCH",
        "MKCOL",
        "COPY",
        "MOVE",
        "LOCK",
        "UNLOCK",
        "SEARCH",
        "LINK",
        "UNLINK",
        "PURGE",
    }
)
"""Methods of proxies, of WebDAV and of debugging; an API over JSON has no use for them."""
_ASKED: Final = ("TRACE", "TRACK")
_ROUTES: Final = {"quick": 3, "standard": 6, "deep": 20}


def detect(app: App) -> Iterator[Hit]:
    """Routes that list such a method, whether the source or the running application says so."""
    for route in app.routes:
        for method in sorted(NEEDLESS & set(route.methods)):
            yield Hit(
                f"{route.path} answers {method}, which no client of an API needs",
                route.span,
                RouteRef(method, route.path),
                reader="running" if route.span is None and "running" in route.readers else None,
            )


def fix(app: App, hit: Hit) -> Edit | None:
    """The list of methods without those that nobody needs, where the decorator of the view names them one by one."""
    route = next((one for one in app.routes if one.span == hit.span and hit.route in one.refs()), None)
    facts = source_of(app)
    own = facts.function(route.view) if route is not None else None
    for decorator in own.decorators if own is not None else ():
        call = decorator.call
        named = call.keyword("methods") if call is not None else None
        if call is None or not isinstance(named, Sequence):
            continue
        methods = [text_of(one) for one in named.items]
        left = [one for one in methods if one is not None and one.upper() not in NEEDLESS]
        if left and None not in methods and len(left) < len(methods):
            return passing(call, ("methods", json.dumps(left)), safe=False)
    return None


def probe(target: Target) -> Steps[Verdict]:
    """Ask a few routes by TRACE and TRACK: an answer that repeats the request, or that of the view, shows that they are on."""
    asked = 0
    for route, method in _worth(target)[: _ROUTES[target.depth]]:
        honest = target.request_for(route, method)
        for needless in [*(set(route.methods) & NEEDLESS), *_ASKED]:
            answer = yield from attempt(_answer(target, honest, needless))
            asked += answer is not None
            if answer is None or not answer.response.succeeded:
                continue
            control = yield from send(honest)
            unknown = yield from send(replace(honest, method="STOPPERX", body=b"", effect="read"))
            if target.canary in answer.response.text or (
                alike(answer.response, control.response) and not alike(unknown.response, answer.response)
            ):
                return _fail(RouteRef(needless, route.path), control, answer)
    if not asked:
        return not_applicable("no route can be asked by TRACE in this mode")
    return passed("TRACE and TRACK are refused")


def _worth(target: Target) -> list[tuple[Route, str]]:
    """Routes that list such a method first, then a few others."""
    pairs = list(candidates(target, ("GET", "POST")))
    listed = [(route, "GET") for route in target.app.routes if NEEDLESS & set(route.methods)]
    return [*listed, *(pair for pair in pairs if pair not in listed)]


def _answer(target: Target, honest: Request, method: str) -> Steps[Exchange]:
    """The answer to the bare method with a header of our own; an identity where the scan has one."""
    request = Request(method, honest.target, (("X-Stopper-Echo", target.canary),))
    answer = yield from send(request)
    if answer.response.refused and target.identities:
        return (yield from send(target.identities[0].on(request)))
    return answer


def _fail(ref: RouteRef, control: Exchange, answer: Exchange) -> Verdict:
    evidence = [
        Evidence("exchange", "control: the method that the route is for", control),
        Evidence("exchange", f"{ref.method} is answered too", answer),
    ]
    return failed(f"{ref} is answered", [ref], evidence)


RULE = Rule(
    slug="needless-http-method-enabled",
    family="injection",
    title="A needless HTTP method is answered",
    harm=__doc__ or "",
    severity="low",
    check="input-validation",
    cwe=(749,),
    owasp="API8:2023",
    asvs=("V13.4.4",),
    surfaces=("source", "wsgi", "http"),
    ends="`Stopper(app)` guards every method of a view, and `stopper.lock` shows each in review.",
    detect=detect,
    probe=probe,
    fix=fix,
)
