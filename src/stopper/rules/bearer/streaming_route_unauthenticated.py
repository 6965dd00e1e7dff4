"""Whoever opens the stream reads along for as long as they like."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.app import App
from stopper.core.fact import Decorator
from stopper.core.facts import SourceFacts, source_of
from stopper.core.finding import Evidence, Verdict
from stopper.core.flow.nested_functions import inside
from stopper.core.flow.request_hooks import BEFORE, hung
from stopper.core.flow.view_functions import index_of
from stopper.core.guards.caller_askers import askers
from stopper.core.labels import LabelKind
from stopper.core.owner_names import WHO
from stopper.core.place import RouteRef, Span
from stopper.core.probe import Steps, Target, failed, not_applicable, passed, send
from stopper.core.probing.baseline import attempt, protected
from stopper.core.rule import Hit, Rule
from stopper.core.stores.query_comparisons import is_column
from stopper.core.values import (
    Call,
    Constant,
    Mapping,
    Name,
    Sequence,
    Value,
    text_of,
    walk,
)

STREAM: Final = "text/event-stream"
_SOCKETS: Final = ("flask_sock.Sock.route", "flask_sockets.Sockets.route")
_SHOWN: Final[tuple[LabelKind, ...]] = ("authorization-header", "api-key", "token", "claims", "cookie", "session")
_CHECKS: Final = re.compile(r"(?i)auth|token|jwt|login|session|verify|principal|ticket|user")
_PATHS: Final = re.compile(
    r"(?i)(^|[/_-])(events?|stream|sse|live|feed|notifications?|subscribe|poll|updates)([/_-]|$)"
)
TRIED: Final = 4
_MESSAGE: Final = "a stream is open to everybody"
_TYPES: Final = frozenset({"mimetype", "content_type", "Content-Type", "content-type"})
_NAMESPACES: Final = ("flask_socketio.Namespace", "flask_socketio.namespace.Namespace")
_WAITS: Final = (
    "queue.Queue.get", "queue.SimpleQueue.get", "threading.Event.wait", "threading.Condition.wait", "threading.Condition.wait_for",
    "*.blpop", "*.brpop", "*.xread", "*.get_message",
)  # fmt: skip


def detect(app: App) -> Iterator[Hit]:
    """A stream that is open in an application where other routes are closed."""
    facts = source_of(app)
    if not any(access.state == "guarded" for route in app.routes for access in route.access.values()):
        return
    opened = _opened(app)
    for call in facts.calls("flask.Response", "flask.make_response", "flask.stream_with_context", "*.response_class"):
        given = (*call.args[1:], *(said for _, said in call.keywords))
        if _streams(*given) and _is_open(facts, call.function, opened):
            yield Hit(_MESSAGE, call.span, certainty="likely")
    for one in facts.returns():
        if one.function in opened and isinstance(one.value, Sequence):
            said = (held for part in one.value.items if isinstance(part, Mapping) for _, held in part.items)
            if _streams(*said):
                yield Hit(_MESSAGE, one.span, certainty="likely")
    for set_later in facts.assignments():
        if set_later.attribute in _TYPES and _streams(set_later.value) and _is_open(facts, set_later.function, opened):
            yield Hit(_MESSAGE, set_later.span, certainty="likely")
    yield from _waiting(facts, opened)
    yield from _of_flask_sse(facts)
    yield from _sockets(facts)
    yield from _socket_io(facts)


def _opened(app: App) -> set[str]:
    """The views of which anybody runs one, and the methods of view classes that anybody runs."""
    index = index_of(source_of(app))
    found: set[str] = set()
    for route in app.routes:
        methods = [method for method, access in route.access.items() if access.state == "open"]
        if methods:
            found.add(route.view)
        for method in methods:
            found.update(one.name for one in index.of_view(route.view, None, method) if one.owner)
    return found


def _streams(*values: Value) -> bool:
    return any((text_of(one) or "").startswith(STREAM) for value in values for one in walk(value, 3))


def _is_open(facts: SourceFacts, function: str, opened: set[str]) -> bool:
    """That the function is an open view, or makes the answer of one."""
    return function in opened or any(call.function in opened for call in facts.calls(function) if function)


def _waiting(facts: SourceFacts, opened: set[str]) -> Iterator[Hit]:
    """A view that waits until there is something to tell: a long poll."""
    for call in (
        facts.calls(*_WAITS, "?.get", "?.wait", "time.sleep")
        if facts.imports("queue", "threading", "redis", "time")
        else ()
    ):
        if call.function not in opened or (
            call.callee[:1] == "?" and call.method in ("get", "wait") and call.keyword("timeout") is None
        ):
            continue
        if call.callee != "time.sleep" or any(
            _PATHS.search(route.path) for route in facts.routes_of_view(call.function)
        ):
            yield Hit("a view that waits for news is open to everybody", call.span, certainty="likely")


def _of_flask_sse(facts: SourceFacts) -> Iterator[Hit]:
    """The blueprint of Flask-SSE, before which nothing stands."""
    if not facts.imports("flask_sse", "flask_sse.sse"):
        return
    hooks = hung(facts, *BEFORE)
    if any(one.refuses for hook in hooks for one in facts.conditions_in(hook)):
        return
    asked = (facts.function(hook) for hook in hooks)
    above = [one for hook in asked if hook is not None for one in hook.decorators]
    if any(_asks_by_decorator(facts, one) or _CHECKS.search(one.name.rpartition(".")[2]) for one in above):
        return
    for call in facts.calls("*.register_blueprint"):
        if any(isinstance(one, Name) and one.dotted == "flask_sse.sse" for one in call.args[:1]):
            yield Hit(_MESSAGE, call.span, certainty="likely")


def _sockets(facts: SourceFacts) -> Iterator[Hit]:
    if not facts.imports("flask_sock", "flask_sockets"):
        return
    index = index_of(facts)
    for function in facts.functions():
        found = next((one for one in function.decorators if one.name in _SOCKETS), None)
        if found is None or any(_CHECKS.search(name) for name in function.calls):
            continue
        if any(_looks_at_credentials(facts, name) for name in index.calling([function.name], 2)):
            continue
        above = [one for one in function.decorators if one is not found]
        if not any(_CHECKS.search(one.name) or _asks_by_decorator(facts, one) for one in above):
            yield Hit("a WebSocket is open to everybody", found.span, certainty="likely")


def _asks_by_decorator(facts: SourceFacts, one: Decorator) -> bool:
    """That a decorator of the project, whatever it is called, looks at what the caller shows."""
    known = askers(facts)
    return facts.function(one.name) is not None and any(name in known for name in (one.name, *inside(facts, one.name)))


def _looks_at_credentials(facts: SourceFacts, name: str) -> bool:
    """That a test of the function is about a credential, by whatever name: ``return scheme == "Bearer" and bidder_from(token) is not None``."""
    held = [one.value for one in facts.conditions_in(name)]
    held += [
        side
        for one in facts.comparisons_in(name)
        for side, other in ((one.left, one.right), (one.right, one.left))
        if not (isinstance(other, Call) and is_column(other))  # a query picks rows, and refuses nobody
    ]
    return any(
        facts.derives(one, *_SHOWN)
        or any(
            (isinstance(part, Name) and WHO.search(part.dotted) is not None)
            or (isinstance(part, Call) and part.method == "compare_digest")
            for part in walk(one, 4)
        )
        for one in held
    )


_RECEIVES: Final = ("flask_socketio.SocketIO.on", "flask_socketio.SocketIO.event")
_REFUSES: Final = frozenset({"flask_socketio.disconnect", "flask_socketio.ConnectionRefusedError", "flask.abort"})


def _socket_io(facts: SourceFacts) -> Iterator[Hit]:
    """Events of Socket.IO, where neither the connection nor an event asks who is there."""
    if not facts.imports("flask_socketio"):
        return
    found: dict[str, list[tuple[str, Span]]] = {}
    asking: set[str] = set()
    spaces = {one.name for one in facts.classes(*_NAMESPACES)}
    for function in facts.functions():
        mine = [one for one in function.decorators if one.name in _RECEIVES]
        word = function.name.rpartition(".")[2]
        if not mine and not (function.owner in spaces and word.startswith("on_")):
            continue
        words = [*function.calls, *(one.name for one in function.decorators if one not in mine)]
        words += [
            call.callee  # what a decorator of the project does before
            for one in function.decorators
            if facts.function(one.name) is not None
            for name in inside(facts, one.name)
            for call in facts.calls_in(name)
        ]
        asked = [one.value for one in facts.conditions_in(function.name)]
        words += [
            word
            for value in asked
            for part in walk(value, 4)
            for word in (getattr(part, "dotted", ""), getattr(part, "attribute", ""))
        ]
        words = [one for one in words if not _OF_A_DATABASE.search(one)]
        if any(_CHECKS.search(word) or word in _REFUSES for word in words) or any(
            isinstance(value, Constant) and value.value is False for value in function.returns
        ):
            asking |= {_namespace(one.call) for one in mine} or {""}
            continue  # somebody is asked for a credential here, and the connection lasts
        said = [(text_of(one.call.argument(0)) if one.call is not None else None, one) for one in mine]
        for event, one in said:
            found.setdefault(_namespace(one.call), []).append((event or word, one.span))
        if not mine:
            found.setdefault("", []).append((word.removeprefix("on_"), function.span))
    for space, events in found.items():
        if asking and (not space or space in asking or _FOR_ALL.search(space)):
            continue
        if all(event == "disconnect" for event, _ in events):
            continue  # who leaves is told nothing
        connects = [span for event, span in events if event == "connect"]
        yield Hit("events of Socket.IO are open to everybody", (connects or [events[0][1]])[0], certainty="likely")


_OF_A_DATABASE: Final = re.compile(r"(?i)(?:sqlalchemy|alchemical|\bdb|database|scoped)\w*\.session\b")
_FOR_ALL: Final = re.compile(r"(?i)public|anonymous|guest|open|lobby|everybody|visitors?")


def _namespace(call: Call | None) -> str:
    """The namespace of an event; people connect to each of them anew."""
    return (text_of(call.keyword("namespace")) or "").strip("/") if call is not None else ""


def probe(target: Target) -> Steps[Verdict]:
    """Asks for streams as nobody, where other routes are closed."""
    routes = [r for r in target.app.routes if "GET" in r.methods and _PATHS.search(r.path)][:TRIED]
    if not routes:
        return not_applicable("no route looks like a stream")
    if (yield from protected(target)) is None:
        return not_applicable("no route is closed, so an open stream says nothing")
    for route in routes:
        exchange = yield from attempt(send(target.request_for(route, "GET")))
        if exchange is None or not exchange.response.succeeded or exchange.response.content_type != STREAM:
            continue
        ref = RouteRef("GET", route.path)
        seen = Evidence("exchange", "the stream starts without a credential", exchange)
        return failed(f"{ref} streams to everybody", (ref,), (seen,))
    return passed("no stream opens without a credential")


RULE = Rule(
    slug="streaming-route-unauthenticated",
    family="bearer",
    title="Streaming route without authentication",
    harm=__doc__ or "",
    severity="high",
    check="authentication",
    cwe=(306,),
    owasp="API2:2023",
    asvs=("V4.4.3",),
    surfaces=("source", "wsgi", "http"),
    ends="Stopper closes every route, streams too, until a view says `@public`.",
    detect=detect,
    probe=probe,
)
