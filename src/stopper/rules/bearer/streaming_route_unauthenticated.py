"""Whoever opens the stream reads along for as long as they like."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.app import App
from stopper.core.fact import Decorator
from stopper.core.facts import SourceFacts, source_of
from stopper.core.finding import Evidence, Verdict
from stopper.core.place import RouteRef
from stopper.core.probe import Steps, Target, failed, not_applicable, passed, send
from stopper.core.probe_baseline import attempt, protected
from stopper.core.rule import Hit, Rule
from stopper.core.values import (
    Constant,
    Mapping,
    Sequence,
    text_of,
    walk,
)

STREAM: Final = "text/event-stream"
_SOCKETS: Final = ("flask_sock.Sock.route", "flask_sockets.Sockets.route")
_CHECKS: Final = re.compile(r"(?i)auth|token|jwt|login|session|verify|principal|ticket|user")
_PATHS: Final = re.compile(
    r"(?i)(^|[/_-])(events?|stream|sse|live|feed|notifications?|subscribe|poll|updates)([/_-]|$)"
)
TRIED: Final = 4


def detect(app: App) -> Iterator[Hit]:
    """A stream that is open in an application where other routes are closed."""
    facts = source_of(app)
    if not any(access.state == "guarded" for route in app.routes for access in route.access.values()):
        return
    opened = {route.view for route in app.routes if any(one.state == "open" for one in route.access.values())}
    for call in facts.calls("flask.Response", "flask.make_response", "flask.stream_with_context", "*.response_class"):
        texts = (str(one.value) for _, given in call.keywords for one in walk(given, 3) if isinstance(one, Constant))
        if call.function in opened and any(text.startswith(STREAM) for text in texts):
            yield Hit("a stream is open to everybody", call.span, certainty="likely")
    for one in facts.returns():
        if one.function in opened and isinstance(one.value, Sequence):
            said = (text_of(held) for part in one.value.items if isinstance(part, Mapping) for _, held in part.items)
            if any(text is not None and text.startswith(STREAM) for text in said):
                yield Hit("a stream is open to everybody", one.span, certainty="likely")
    yield from _sockets(facts)
    yield from _socket_io(facts)


def _sockets(facts: SourceFacts) -> Iterator[Hit]:
    if not facts.imports("flask_sock", "flask_sockets"):
        return
    for function in facts.functions():
        found = next((one for one in function.decorators if one.name in _SOCKETS), None)
        if found is None or any(_CHECKS.search(name) for name in function.calls):
            continue
        if not any(_CHECKS.search(one.name) for one in function.decorators if one is not found):
            yield Hit("a WebSocket is open to everybody", found.span, certainty="likely")


_RECEIVES: Final = ("flask_socketio.SocketIO.on", "flask_socketio.SocketIO.event")
_REFUSES: Final = frozenset({"flask_socketio.disconnect", "flask_socketio.ConnectionRefusedError", "flask.abort"})


def _socket_io(facts: SourceFacts) -> Iterator[Hit]:
    """Events of Socket.IO, where neither the connection nor an event asks who is there."""
    if not facts.imports("flask_socketio"):
        return
    found: list[Decorator] = []
    for function in facts.functions():
        mine = [one for one in function.decorators if one.name in _RECEIVES]
        if not mine:
            continue
        words = [*function.calls, *(one.name for one in function.decorators if one not in mine)]
        asked = [one.value for one in facts.conditions_in(function.name)]
        words += [
            word
            for value in asked
            for part in walk(value, 4)
            for word in (getattr(part, "dotted", ""), getattr(part, "attribute", ""))
        ]
        if any(_CHECKS.search(word) or word in _REFUSES for word in words) or any(
            isinstance(value, Constant) and value.value is False for value in function.returns
        ):
            return  # somebody is asked for a credential here, and the connection lasts
        found += mine
    if found:
        connects = [one for one in found if one.call is not None and text_of(one.call.argument(0)) == "connect"]
        yield Hit("events of Socket.IO are open to everybody", (connects or found)[0].span, certainty="likely")


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
