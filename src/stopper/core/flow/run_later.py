"""Calls by which somebody else runs a function of the project: a thread, a queue of tasks, a signal, a decorator that hands its view something."""

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from stopper.core.flow.nested_functions import inside
from stopper.core.outgoing.outbound_names import VERBS
from stopper.core.place import Span
from stopper.core.values import Call, Constant, Item, Mapping, Name, Parameter, Sequence, Unknown, Value, text_of

if TYPE_CHECKING:
    from stopper.core.facts import SourceFacts

_BEHIND: Final = {
    "submit": 0, "enqueue": 0, "to_thread": 0, "spawn": 0, "start_background_task": 0, "call_soon": 0, "call_soon_threadsafe": 0,
    "run_in_executor": 1, "enqueue_in": 1, "enqueue_at": 1, "call_later": 1,
}  # fmt: skip
"""Word of the call → the place of the function; what it is given stands behind it."""
_AS_TUPLE: Final = {
    "Thread": "target", "Process": "target", "apply_async": "func", "apply": "func", "add_job": "func", "enqueue_call": "func",
    "Timer": "function", "send_task": "name",
}  # fmt: skip
"""Word of the call → the keyword of the function; what it is given is a tuple, and a mapping for names."""
_EACH: Final = frozenset({"map", "imap", "imap_unordered", "amap"})
_SIGNALS: Final = frozenset({"send", "send_async"})
_RECEIVES: Final = ("connect", "connect_via")


def run_later(facts: "SourceFacts") -> "dict[str, list[Call]]":
    """Function → the calls by which somebody else runs it, each as if it were called there."""
    return facts.once("functions that are run later", lambda: _collected(facts))


def _collected(facts: "SourceFacts") -> "dict[str, list[Call]]":
    found: dict[str, list[Call]] = {}
    for made in (
        *_by_tasks(facts),
        *_by_signals(facts),
        *_by_decorators(facts),
        *_by_clients(facts),
        *_by_registries(facts),
    ):
        found.setdefault(made.callee, []).append(made)
    return found


def _by_tasks(facts: "SourceFacts") -> Iterator[Call]:
    words = (*_BEHIND, *_AS_TUPLE, *_EACH)
    for call in facts.calls("map", *(f"*.{word}" for word in words)):
        function = _function_of(facts, call)
        if function:
            args, keywords = _given(call)
            yield replace(call, callee=function, args=args, keywords=keywords)
    for call in facts.calls("*.s", "*.si", "*.signature"):
        function = call.callee.rpartition(".")[0]
        if facts.function(function) is not None:
            yield replace(call, callee=function)


def _function_of(facts: "SourceFacts", call: Call) -> str:
    """The function of the project that the call has run; ``""`` where it is none."""
    word = call.method
    own = call.callee.rpartition(".")[0]
    if word in ("apply_async", "apply") and facts.function(own) is not None:
        return own
    said = call.argument(_BEHIND.get(word, 1 if word == "Timer" else 0), _AS_TUPLE.get(word, "fn"))
    if word in ("Thread", "Process"):
        said = call.keyword("target")
    if isinstance(said, Name) and facts.function(said.dotted) is not None:
        return said.dotted
    text = text_of(said) or ""
    return text if word == "send_task" and facts.function(text) is not None else ""


def _given(call: Call) -> tuple[tuple[Value, ...], tuple[tuple[str, Value], ...]]:
    """What the function is given, by place and by name."""
    word = call.method
    if word in _BEHIND:
        return call.args[_BEHIND[word] + 1 :], call.keywords
    if word in _EACH:
        return tuple(_element(one) for one in call.args[1:]), ()
    by_task = word in ("apply_async", "apply") and not (call.args and isinstance(call.args[0], Name))
    place = 0 if by_task else 2 if word in ("Timer", "add_job") else 1
    given = call.argument(place, "args")
    if word in ("Thread", "Process", "add_job", "enqueue_call"):
        given = call.keyword("args")
    named = call.keyword("kwargs")
    pairs = named.items if isinstance(named, Mapping) else ()
    return given.items if isinstance(given, Sequence) else (), tuple((text_of(key) or "", one) for key, one in pairs)


def _element(several: Value) -> Value:
    if isinstance(several, Sequence) and len(several.items) == 1:
        return several.items[0]
    return Item(several, Unknown())


def _by_signals(facts: "SourceFacts") -> Iterator[Call]:
    """``rejected.send(app, token=token)`` runs each receiver that takes all that it names."""
    if not facts.imports("blinker", "flask.signals"):
        return
    receivers = [one for one in facts.functions() if any(_receives(made.name) for made in one.decorators)]
    for call in facts.calls(*(f"*.{word}" for word in _RECEIVES)):
        known = facts.function(call.args[0].dotted) if call.args and isinstance(call.args[0], Name) else None
        receivers += [known] if known is not None else []
    for call in facts.calls(*(f"*.{word}" for word in _SIGNALS)) if receivers else ():
        named = {name for name, _ in call.keywords}
        for one in receivers:
            if named and not named.isdisjoint(one.parameters):
                yield replace(call, callee=one.name)


def _receives(decorator: str) -> bool:
    return decorator.rpartition(".")[2] in _RECEIVES


def _by_clients(facts: "SourceFacts") -> Iterator[Call]:
    """``api.get("/towns")`` of a client of the project runs its ``request``, with the method before the address."""
    for one in facts.classes("requests.Session", "requests.sessions.Session", "httpx.Client"):
        for verb in VERBS[:-1] if "request" in one.methods else ():
            for call in facts.calls(f"{one.name}.{verb}"):
                method = Constant(verb.upper(), call.span)
                yield replace(call, callee=f"{one.name}.request", args=(method, *call.args))


def _by_decorators(facts: "SourceFacts") -> Iterator[Call]:
    """What a decorator of the project hands to what it wraps: ``return view(request.get_json(), *args, **kwargs)``."""
    handing: dict[str, list[Call]] = {}
    for function in facts.functions():
        for one in function.decorators:
            if one.name not in handing:
                handing[one.name] = _calls_of_wrapped(facts, one.name)
            for call in handing[one.name]:
                yield replace(call, callee=function.name, receiver=None)


def _by_registries(facts: "SourceFacts") -> Iterator[Call]:
    """``HANDLERS[kind](body)`` runs the functions that ``@handles("build")`` has put into that table."""
    registering: dict[str, set[Span]] = {}
    for one in facts.assignments():
        taken = isinstance(one.value, Parameter) and one.value.function == one.function and one.value.index == 0
        if taken and isinstance(one.into, Mapping) and one.into.span is not None:
            for name in (one.function, one.function.rpartition(".")[0]):
                registering.setdefault(name, set()).add(one.into.span)
    kept: dict[Span, list[str]] = {}
    for function in facts.functions() if registering else ():
        for made in function.decorators:
            for table in registering.get(made.name, ()):
                kept.setdefault(table, []).append(function.name)
    for call in facts.calls("?") if kept else ():
        place = call.receiver.owner.span if isinstance(call.receiver, Item) else None
        for name in kept.get(place, ()) if place is not None else ():
            yield replace(call, callee=name, receiver=None)


def _calls_of_wrapped(facts: "SourceFacts", decorator: str) -> list[Call]:
    if facts.function(decorator) is None:
        return []
    inner = inside(facts, decorator)
    takers = {decorator, *inner}
    return [
        call
        for name in inner
        for call in facts.calls_in(name)
        if call.callee == "?"
        and isinstance(call.receiver, Parameter)
        and call.receiver.index == 0
        and call.receiver.function in takers
        and any(not _passes_on(one) for one in (*call.args, *(held for _, held in call.keywords)))
    ]


def _passes_on(value: Value) -> bool:
    """``*args`` and ``**kwargs`` of the wrapper, which come from whoever calls it."""
    return isinstance(value, Parameter) or (isinstance(value, Unknown) and all(map(_passes_on, value.parts)))
