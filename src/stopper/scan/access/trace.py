"""Finds out by running which layer stops a request that shows nothing, or only garbage. No view's body runs."""

import re
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from stopper.core.app import App, Guard, Route
from stopper.core.exchange import Response
from stopper.scan.access.calling import GARBAGE, Calls, Door, door_of
from stopper.scan.access.layers import Layer, Way, way_to
from stopper.scan.access.tracer import Journey, journey
from stopper.scan.running.read import openapi_path
from stopper.scan.source import guard_names
from stopper.scan.surface.honest import HonestRequests

BUDGET: Final = 60.0
"""Seconds for all doors together; those that are left then are told by their source alone."""
_AROUND: Final = 6
"""Layers that are gone round on one way."""
READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_SHARE: Final = 0.7
"""A hook that sends so many of all doors to one place is not about who is asking (a set-up page, a notice)."""

_CSRF: Final = re.compile(r"(?i)csrf|xsrf|same_?origin|nonce")
"""A layer that asks where a request comes from, not who sends it: anybody can have what it wants."""

_ASKS_WHO: Final = re.compile(r"(?i)auth|log_?in|logged|admin|staff|token|jwt|permission|role|api_?key|private")
"""A layer of such a name may say 404 to hide what it guards; any other has not found something."""

Outcome = Literal["stopped", "reached", "unclear", "shadowed"]
"""``shadowed``: another rule takes every request that this one is written for."""


@dataclass(frozen=True, slots=True)
class Traced:
    """What running one door showed. ``stopper`` is the layer that refuses nobody; ``by_garbage``: it lets anything shown pass."""

    outcome: Outcome
    how: str
    stopper: Guard | None = None
    guards: tuple[Guard, ...] = ()
    by_garbage: bool = False
    is_straight: bool = True
    """Nothing that answered by itself was gone round on the way."""


Key = tuple[str, str, str]
"""Path in OpenAPI style, method, endpoint."""


def traced(flask: Any, app: App, root: Path, *, changes: bool, seconds: float = BUDGET) -> dict[Key, Traced]:
    """Every door of *flask* by key. ``changes``: hooks may see POST and its like, since what they write goes to a copy."""
    honest = HonestRequests()
    host = str(flask.config.get("SERVER_NAME") or "localhost")
    tracing = _Doors(flask, root, Calls(flask, host, honest), changes, time.monotonic() + seconds)
    routes = {(route.path, route.endpoint): route for route in app.routes}
    doors = [
        (rule, method, routes.get((openapi_path(rule), rule.endpoint)) or Route(openapi_path(rule), (method,)))
        for rule in flask.url_map.iter_rules()
        if rule.endpoint in flask.view_functions and not rule.build_only and not rule.redirect_to
        for method in asked_methods(rule)
    ]
    found = {
        (route.path, method, rule.endpoint): tracing.one(rule, method, route, honest) for rule, method, route in doors
    }
    away = tracing.everywhere(len(doors))
    if away:  # what a set-up page hides behind itself
        again = _Doors(flask, root, tracing.calls, changes, time.monotonic() + seconds, tuple(away))
        found = {
            (route.path, method, rule.endpoint): again.one(rule, method, route, honest) for rule, method, route in doors
        }
    return found


def shape(rule: str) -> str:
    """A rule without the names of its parameters."""
    return re.sub(r"<(?:([^<>:]+):)?[^<>:]+>", r"<\1>", rule)


def asked_methods(rule: Any) -> tuple[str, ...]:
    """The methods that reach the view of *rule*: the OPTIONS that Flask answers itself does not."""
    methods = set(rule.methods or ("GET",))
    if getattr(rule, "provide_automatic_options", False) is True:
        methods.discard("OPTIONS")
    return tuple(sorted(methods))


def is_shadowed(flask: Any, door: Door) -> bool:
    """Whether a rule of the same shape takes the requests of *door*."""
    try:
        built = door.rule.build(door.arguments)
        address = str(built[1])
        matched, _ = flask.url_map.bind("localhost").match(address, door.method, return_rule=True)
    except Exception:  # noqa: BLE001 - no such address, a redirect, a converter that broke, a host of its own
        return False
    return (
        matched is not door.rule
        and matched.endpoint != door.rule.endpoint
        and shape(str(matched.rule)) == shape(str(door.rule.rule))
    )


class _Doors:
    """Traces one door after the other and remembers where hooks send people."""

    def __init__(
        self, flask: Any, root: Path, calls: Calls, changes: bool, until: float, away: tuple[Any, ...] = ()
    ) -> None:
        self.flask, self.root, self.calls, self.changes, self.until = flask, root, calls, changes, until
        self.away = away
        self._sent: Counter[tuple[int, str]] = Counter()
        self._hooks: dict[int, Any] = {}

    def one(self, rule: Any, method: str, route: Route, honest: HonestRequests) -> Traced:
        """What one door does to nobody and to garbage."""
        way = way_to(self.flask, rule.endpoint, method, self.root)
        if method not in READING and not self.changes:
            return Traced("unclear", "a changing method was not tried: what its hooks write would not go to a copy")
        if way.body is None or not way.is_sure:
            return Traced("unclear", "where the body of the view begins could not be told")
        if time.monotonic() > self.until:
            return Traced("unclear", "the time for tracing was used up")
        door = door_of(self.flask, rule, method, route, honest)
        if is_shadowed(self.flask, door):
            return Traced("shadowed", "another rule of the same address comes first")
        trip = _Trip(self, door, way)
        first = trip.ask(())
        if first.outcome != "stopped":
            return first
        second = trip.ask(GARBAGE, first.stopper)
        if second.outcome == "reached":
            return Traced(
                "reached", f"{first.how}, but anything that is shown passes", first.stopper, first.guards, True
            )
        return first

    def sent(self, layer: Layer, location: str) -> None:
        """Remember that a hook sends people somewhere."""
        self._hooks[id(layer.below)] = layer.below
        self._sent[id(layer.below), location.partition("?")[0]] += 1

    def everywhere(self, doors: int) -> list[Any]:
        """The hooks that send nearly every door to one place that is no log-in."""
        if self.away:
            return []
        return [
            self._hooks[key]
            for (key, location), count in self._sent.items()
            if count >= max(2, _SHARE * doors) and not Response(302, (("Location", location),)).refused
        ]


class _Trip:
    """One door, asked until it is clear who stops the request, going round what is not about who is asking."""

    def __init__(self, doors: _Doors, door: Any, way: Way) -> None:
        self.doors, self.door, self.way = doors, door, way
        self.layers: tuple[Layer, ...] = (*way.hooks, *way.wrappers)

    def ask(self, shown: Sequence[tuple[str, str]], known: Guard | None = None) -> Traced:
        """What becomes of a request that shows these headers. *known* stops nobody: whatever it answers, it stops this one too."""
        without, below, scheme = list(self.doors.away), -1, "http"
        passed: dict[int, bool | None] = {}
        gone_round: list[tuple[Layer, int]] = []
        for _ in range(_AROUND):
            made = self._journey(shown, without, below, scheme)
            if made is None:
                return Traced("unclear", "what stands below a wrapper could not be tried", guards=self._guards(passed))
            for index in made.entered:
                passed.setdefault(index, False)
            if made.reached:
                return self._through(passed, gone_round)
            decided = self._decided(made)
            if made.late or decided is None:
                return self._unclear(made, passed)
            index, layer = decided, self.layers[decided]
            if _same_place(made.location, self.door.route.path) and scheme == "http":
                scheme, passed[index] = "https", False
                continue
            if self._is_refusal(made, layer) or (known is not None and _guard(layer, True) == known):
                passed[index] = True
                return Traced(
                    "stopped", f"{layer.name} stops it{_with(made)}", _guard(layer, True), self._guards(passed)
                )
            gone_round.append((layer, made.status))
            if index == len(self.layers) - 1:
                return self._through(passed, gone_round)  # below it there is nothing but the view
            if index < len(self.way.hooks):
                without.append(layer.below)
            else:
                below = index - len(self.way.hooks)
        return Traced("unclear", "too many layers answer by themselves", guards=self._guards(passed))

    def _journey(
        self, shown: Sequence[tuple[str, str]], without: Sequence[Any], below: int, scheme: str
    ) -> Journey | None:
        calls, door = self.doors.calls, self.door
        if below < 0:
            return journey(self.layers, self.way.body, calls.whole(door, shown, without, scheme))
        call = calls.below(door, self.way, below, shown, without, scheme)
        return journey(self.layers, self.way.body, call) if call is not None else None

    def _decided(self, made: Journey) -> int | None:
        """The layer that ended the request: a hook that answered or raised, or the innermost wrapper that was entered."""
        index = made.last
        if index is None:
            return None
        if index < len(self.way.hooks) and made.ends.get(index) == "passed":
            return None
        return index

    def _is_refusal(self, made: Journey, layer: Layer) -> bool:
        """Whether the answer is about who is asking. A check of the input, a limit or a fault is not."""
        if _CSRF.search(layer.name):
            return False
        if made.status in (401, 403, 407):
            return True
        if 300 <= made.status < 400:
            if layer.kind == "before_request" and not Response(made.status, (("Location", made.location),)).refused:
                self.doors.sent(layer, made.location)
            return True
        if 200 <= made.status < 300:
            return not layer.is_library or layer.kind == "before_request" or suggests_access(layer)
        return False

    def _through(self, passed: dict[int, bool | None], gone_round: Sequence[tuple[Layer, int]]) -> Traced:
        """Reached in the end. What was gone round stops nobody by who he is, unless its name says that this is its work."""
        for layer, status in gone_round:
            hides = status == 404 and not _ASKS_WHO.search(layer.name)
            if suggests_access(layer) and status not in (415, 422, 429) and not hides:
                guard = _guard(layer, True)
                return Traced("stopped", f"{layer.name} stops it with {status}", guard, self._guards(passed, layer))
        how = "a request that shows nothing reaches the view"
        if gone_round:
            how += " behind " + ", ".join(f"{layer.name} ({status})" for layer, status in gone_round)
        return Traced("reached", how, None, self._guards(passed), is_straight=not gone_round)

    def _unclear(self, made: Journey, passed: dict[int, bool | None]) -> Traced:
        if made.late:
            return Traced("unclear", "a request that shows nothing did not end", guards=self._guards(passed))
        if made.status in (401, 403):
            name = _outside(self.doors.flask)
            if name and not made.entered:
                guard = Guard(name, "wrapper", True, "running")
                return Traced("stopped", f"{name} stops it with {made.status}", guard, (guard, *self._guards(passed)))
        return Traced("unclear", f"{made.status} without reaching the view", guards=self._guards(passed))

    def _guards(self, passed: Mapping[int, bool | None], stopping: Layer | None = None) -> tuple[Guard, ...]:
        """The layers that matter to who may pass: those that stopped, those whose name says so, and the application's own hooks."""
        found: list[Guard] = []
        for index, layer in enumerate(self.layers):
            stops = True if layer is stopping else passed.get(index)
            if stops or suggests_access(layer) or (layer.kind == "before_request" and not layer.is_library):
                found.append(_guard(layer, stops))
        return tuple(found)


def _guard(layer: Layer, stops: bool | None) -> Guard:
    return Guard(layer.name, layer.kind, stops, "running", layer.span)


def suggests_access(layer: Layer) -> bool:
    """Whether the layer's name could be that of a guard."""
    return is_guard_name(layer.name)


def is_guard_name(name: str) -> bool:
    """Whether a dotted name (its arguments left out) could be a guard's: its last word, or its class's, says so."""
    dotted = name.partition("(")[0]
    if guard_names.NOT_GUARDS.fullmatch(dotted):
        return False
    return bool(
        guard_names.GUARDS.fullmatch(dotted) or guard_names.SUGGESTS_AUTH.search(".".join(dotted.split(".")[-2:][-1:]))
    )


def _same_place(location: str, path: str) -> bool:
    """A redirect to the same address over TLS."""
    return (
        location.startswith("https://") and path.partition("{")[0].rstrip("/") in location and "login" not in location
    )


def _with(made: Journey) -> str:
    return f" with {made.status}" if made.status else ""


def _outside(flask: Any) -> str:
    """The name of the WSGI middleware round the application, if there is one."""
    current: object = flask.wsgi_app
    if getattr(current, "__self__", None) is flask:
        return ""
    named = current if hasattr(current, "__qualname__") else type(current)
    return f"{getattr(named, '__module__', '')}.{getattr(named, '__qualname__', '')}"
