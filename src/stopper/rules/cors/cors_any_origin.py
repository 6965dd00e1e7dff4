"""Every website can call the API from a visitor's browser and read what it answers."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Final

from stopper.core.answers.cors_facts import ATTACH, CORS, Saying, sayings
from stopper.core.answers.error_answers import answers_errors
from stopper.core.answers.response_headers import headers_set
from stopper.core.app import App
from stopper.core.deployment.behind_settings import is_switched_by_environment
from stopper.core.deployment.served_origins import let_in_by_server
from stopper.core.deployment.switched_on import asked_for
from stopper.core.facts import SourceFacts, source_of
from stopper.core.finding import Evidence, Verdict
from stopper.core.flow.passing import handed
from stopper.core.flow.socket_events import hears_nobody
from stopper.core.guards.authenticated_api import asks_who
from stopper.core.place import Span
from stopper.core.probe import Steps, Target, failed, not_applicable, passed
from stopper.core.probing.origins import crossings, stranger
from stopper.core.rule import Hit, Rule
from stopper.core.values import Call, Parameter, Sequence, Value, literals, options

_FOR_EVERYBODY: Final = re.compile(
    r"(?i)/\.well-known/|/jwks?(?:\.json)?/?$|openid-configuration|/robots\.txt$|/health"
)


_SOCKETS: Final = (
    "flask_socketio.SocketIO",
    "flask_socketio.SocketIO.init_app",
    "socketio.Server",
    "socketio.AsyncServer",
)
_OF_RESTFUL: Final = (
    "flask_restful.utils.cors.crossdomain",
    "flask_restx.cors.crossdomain",
    "flask_restplus.cors.crossdomain",
)
MESSAGE: Final = "any website may call this API from a browser and read the answer"
_TOGETHER: Final = 4
"""From so many decorators or answers of views on they are told together."""


_MEANT: Final = "look whether it is meant for other sites"


def detect(app: App) -> Iterator[Hit]:
    """Flask-CORS without origins, or a star set by hand, in an application that asks who is calling."""
    facts = source_of(app)
    open_to_all = [
        said
        for said in sayings(facts)
        if said.any_origin and not said.hidden and not said.with_credentials and not _is_of_open_paths(app, said)
    ]
    starred = [
        one
        for one in headers_set(facts, "Access-Control-Allow-Origin")
        if _is_star(one.value) or _is_handed_a_star(facts, one.value)
        if not asked_for(facts, one.span)
        and not is_switched_by_environment(facts, one.span)
        and not answers_errors(facts, facts.function_around(one.span))
        and facts.function_around(one.span).rpartition(".")[2] != "options"  # answers the question beforehand alone
    ]
    sockets = [
        call
        for call in facts.calls(*_SOCKETS)
        if _is_star(call.keyword("cors_allowed_origins")) and not asked_for(facts, call.span)
    ]
    served = [span for said, span in let_in_by_server(facts) if said == "*"]
    whole_answers = [call.span for call in facts.calls(*_OF_RESTFUL) if _is_star(call.argument(0, "origin"))]
    if not (open_to_all or starred or sockets or served or whole_answers) or not asks_who(app):
        return
    for span in (*served[:1], *whole_answers[:1]):
        yield Hit(MESSAGE, span)
    for call in sockets[:1]:
        message = "any website may open this socket from a visitor's browser, with the visitor's cookies"
        if hears_nobody(facts):
            yield Hit(f"{message}: look what its events do", call.span, certainty="possible", severity="low")
        else:
            yield Hit(message, call.span)
    whole = next((said for said in open_to_all if _opens_everything(said)), None)
    if whole is not None:  # what views and answers say beside it opens nothing more
        yield Hit(MESSAGE, whole.span)
        return
    published = _published(facts)
    views = {one.span: function.name for function in facts.functions() for one in function.decorators}
    views |= {one.span: name for one in starred if facts.is_view(name := facts.function_around(one.span))}
    spans = dict.fromkeys([*(said.span for said in open_to_all), *(one.span for one in starred)])
    files = Counter(span.path for span in spans if span is not None and span in views and span not in published)
    in_all = sum(files.values())
    told: set[str] = set()
    for span in spans:
        view = views.get(span, "") if span is not None else ""
        if span in published or (view and view in told):
            continue
        told.add(view)  # two decorators of one view open it once
        if span is None or not view:
            yield Hit(MESSAGE, span)
        elif in_all < _TOGETHER:
            yield Hit(f"{MESSAGE}: {_MEANT}", span, certainty="possible", severity="low")
        elif "together" not in told:
            told.add("together")  # many decorators that all say the same are one decision
            where = "this file" if len(files) == 1 else f"{len(files)} files"
            message = f"any website may call {in_all} views of {where} from a browser and read the answers: {_MEANT}"
            yield Hit(message, span, certainty="possible", severity="low")


def _is_of_open_paths(app: App, said: Saying) -> bool:
    """That it speaks of paths at which nobody is asked who is calling: ``{r"/public/*": {"origins": "*"}}``."""
    try:
        meant = [route for route in app.routes if said.pattern and re.match(said.pattern, route.path, re.IGNORECASE)]
    except re.error:
        return False
    return bool(meant) and not any(
        access.state != "open" for route in meant for method, access in route.access.items() if method != "OPTIONS"
    )


def _opens_everything(said: Saying) -> bool:
    """``CORS(app)``: every path of the application."""
    if said.call.callee not in (*CORS, *ATTACH):
        return False
    resources = said.call.keyword("resources")
    app = said.call.argument(0, "app")
    return resources is None and (app is None or (isinstance(app, Call) and app.method == "Flask"))


def _published(facts: SourceFacts) -> frozenset[Span]:
    """The decorators of views whose answers are made for everybody: keys and metadata at well-known addresses."""
    return frozenset(
        decorator.span for route in facts.routes if _FOR_EVERYBODY.search(route.path) for decorator in route.decorators
    )


def _is_star(value: Value | None) -> bool:
    inside = value.items if isinstance(value, Sequence) else (value,) if value is not None else ()
    return any(one.value == "*" for part in inside for one in literals(part))


def _is_handed_a_star(facts: SourceFacts, value: Value) -> bool:
    """``headers["Access-Control-Allow-Origin"] = origin`` in what ``@crossdomain(origin="*")`` makes of a view."""
    return any(isinstance(option, Parameter) and any(map(_is_star, handed(facts, option))) for option in options(value))


def probe(target: Target) -> Steps[Verdict]:
    """Where the API asks some callers who they are, a page of an invented origin must not be let in by a star."""
    seen = yield from crossings(target, stranger(target))
    if not seen:
        return not_applicable("no route can be read")
    starred = [one for one in seen if one.allowed in ("*", one.origin) and not one.with_credentials]
    if not starred:
        return passed(f"{len(seen)} routes do not allow every origin")
    if not asks_who(target.app) and not any(one.honest.response.refused for one in seen):
        return not_applicable(
            "nothing of this API asks who is calling, so there is nothing to keep from other websites"
        )
    evidence = [
        Evidence("exchange", "control: the same request from no other website", starred[0].honest),
        Evidence("exchange", "an origin that was just invented is allowed", starred[0].crossed),
    ]
    return failed(f"{starred[0].ref} allows every website to read its answers", [one.ref for one in starred], evidence)


RULE = Rule(
    slug="cors-any-origin",
    family="cors",
    title="CORS: any origin may call an authenticated API",
    harm=__doc__ or "",
    severity="medium",
    check="input-validation",
    cwe=(942,),
    owasp="API8:2023",
    asvs=("V3.4.2",),
    surfaces=("source", "wsgi", "http"),
    ends="`Stopper(app)` allows no other origin until `STOPPER_CORS_ORIGINS` names it.",
    certainty="likely",
    repeats=("cors-any-origin-with-credentials",),
    detect=detect,
    probe=probe,
)
