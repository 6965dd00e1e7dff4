"""What goes out as an answer: what views return, what a service makes for them of what it caught, and what is streamed."""

from collections.abc import Iterable, Iterator

from stopper.core.fact import Flow
from stopper.core.facts import SourceFacts
from stopper.core.values import Call, Caught, Constant, Format, Item, Mapping, Sequence, Value, options, walk
from stopper.scan.source import names
from stopper.scan.source.answering import answering
from stopper.scan.source.project import Project


def answers(project: Project, facts: SourceFacts) -> Iterator[Flow]:
    """What views and error handlers return is a response, unless it is a call that was noted as one already."""
    speakers = {route.view for route in facts.routes} | {handler.function for handler in facts.all_error_handlers}
    speakers |= {
        one.name for one in facts.all_functions if one.parameters[-1:] == ("start_response",)
    }  # WSGI (PEP 3333)
    speakers |= _around(facts)
    speakers |= answering(project, facts, speakers)
    spoken_for = _spoken_for(project, facts, speakers)
    for found in facts.all_returns:
        if found.function not in speakers and found.function not in spoken_for:
            continue
        value = found.value
        if isinstance(value, Sequence) and value.kind == "tuple" and value.items:
            value = value.items[0]
        for option in options(value):
            if isinstance(option, Constant) or (isinstance(option, Call) and option.callee in names.SINKS):
                continue
            if found.function in spoken_for and not any(isinstance(one, Caught) for one in walk(option, 6)):
                continue  # all else is seen in what whoever calls it answers with
            yield Flow("response", option, frozenset(), found.span, found.function, "return")
            if isinstance(option, Format) and any(_is_markup(part) for part in option.parts):
                yield Flow("html", option, frozenset(), found.span, found.function, "return")


def _around(facts: SourceFacts) -> set[str]:
    """What stands in the place of a view: the functions inside of the project's decorators, and hooks, which may answer themselves."""
    inside: dict[str, list[str]] = {}
    for one in facts.all_functions:
        inside.setdefault(one.name.rpartition(".")[0], []).append(one.name)
    wrapping = {one.name for route in facts.routes for one in route.decorators if facts.function(one.name) is not None}
    for _ in range(_LAYERS):
        wrapping |= {name for outer in wrapping for name in inside.get(outer, ())}
    return {name for name in wrapping if name not in inside} | {hook for route in facts.routes for hook in route.hooks}


_LAYERS = 2
"""A decorator that takes arguments has the wrapper two functions down."""


def _spoken_for(project: Project, facts: SourceFacts, speakers: set[str]) -> set[str]:
    """The functions of the project whose result a view returns as it comes, ``return orders.save(rows)``, also by way of others or of
    ``jsonify``: what they return is the answer."""
    made: dict[str, set[str]] = {}
    for one in facts.all_returns:
        for option in options(one.value):
            made.setdefault(one.function, set()).update(_asked(option, project))
    found: set[str] = set()
    waiting = [name for name in made if name in speakers]
    while waiting:
        new = made.get(waiting.pop(), set()) - found - speakers
        found |= new
        waiting += new
    return found


def _asked(value: Value, project: Project, depth: int = 2) -> Iterator[str]:
    """The functions of the project that make an answer, or a member of it, also behind ``jsonify`` and beside a status."""
    if isinstance(value, Sequence) and value.kind == "tuple" and value.items:
        value = value.items[0]
    if isinstance(value, Call) and value.callee in ("flask.jsonify", "flask.make_response") and len(value.args) == 1:
        value = value.args[0]
    if isinstance(value, Item) and isinstance(value.key, Constant) and value.key.value == 0:
        value = value.owner  # ``body, status = save(rows)``
    if isinstance(value, Call) and value.callee in project.returned:
        yield value.callee
    elif isinstance(value, Mapping) and depth:
        for _, member in value.items:
            yield from _asked(member, project, depth - 1)


def _streams(value: Value) -> Iterator[Call]:
    """The calls whose pieces are answered as they come, also behind ``stream_with_context``."""
    for option in options(value):
        if isinstance(option, Call):
            yield option
            if option.method in ("stream_with_context", "copy_current_request_context"):
                yield from (inner for given in option.args for inner in _streams(given))


def streamed(project: Project, answers: Iterable[Flow]) -> Iterator[Flow]:
    """What a generator gives piece by piece, where it is answered: ``Response(generate(), mimetype="text/event-stream")``."""
    told: set[str] = set()
    for flow in answers if project.yielded else ():
        for part in _streams(flow.value) if flow.sink == "response" else ():
            name = part.callee
            if name in project.yielded and name not in told:
                told.add(name)
                yield from (
                    Flow("response", value, frozenset(), span, name, "yield") for value, span in project.yielded[name]
                )


def _is_markup(part: Value) -> bool:
    return isinstance(part, Constant) and isinstance(part.value, str) and "<" in part.value and ">" in part.value
