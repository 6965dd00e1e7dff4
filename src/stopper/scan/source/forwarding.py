"""Functions that do nothing but hand on what they are given: ``def post(*args, **options): return requests.post(*args, **options)``. A call
of one is a call of what it hands on to."""

import ast
from collections import Counter
from typing import Final

from stopper.core.values import NAMED, REST, Call, Parameter, Unknown, Value
from stopper.scan.source.drafts import new_call
from stopper.scan.source.handed_on import handed_on
from stopper.scan.source.held_fields import Given
from stopper.scan.source.names import APPS, BLUEPRINTS, ROUTE_METHODS
from stopper.scan.source.project import Pending, Project
from stopper.scan.source.reader import Reader
from stopper.scan.source.straight import KEEPING

_LEFT_ALONE: Final = ("?", "logging.")
"""Calls that say too little, and those of logs: what is logged is told where the line is written."""
_MOST_RUN: Final = 32
"""Calls of one line that are looked through."""
_MOST: Final = 4
"""Functions that hand on to each other."""


def hands_on(waiting: Pending) -> ast.Call | None:
    """The call that is all of a function, and that is passed the ``*args`` or ``**options`` of the function; else None."""
    node = waiting.node
    if isinstance(node, ast.Lambda) or not (node.args.vararg or node.args.kwarg):
        return None
    body = [one for one in node.body if not (type(one) is ast.Expr and type(one.value) is ast.Constant)]
    call = body[0].value if len(body) == 1 and isinstance(body[0], (ast.Return, ast.Expr)) else None
    if type(call) is not ast.Call or any(one.name not in KEEPING for one in waiting.decorators):
        return None
    rest, named = node.args.vararg, node.args.kwarg
    passes_rest = any(type(one) is ast.Starred and _is_named(one.value, rest) for one in call.args)
    passes_named = any(one.arg is None and _is_named(one.value, named) for one in call.keywords)
    return call if passes_rest == (rest is not None) and passes_named == (named is not None) else None


def _is_named(node: ast.expr, argument: ast.arg | None) -> bool:
    return type(node) is ast.Name and argument is not None and node.id == argument.arg


def note_handing_on(project: Project, waiting: Pending, reader: Reader) -> None:
    """Remember the call that a function hands everything on to, once the function has been read."""
    node = hands_on(waiting)
    if node is None:
        return
    place = reader.span(node)
    found = [call for call in project.calls[-_MOST_RUN:] if call.span == place and call.function == waiting.name]
    if len(found) == 1 and not found[0].callee.startswith(_LEFT_ALONE):  # of a table it may be several
        project.hands_on[waiting.name] = found[0]


def forwarded(reader: Reader, call: Call) -> Call | None:
    """The call of what that function hands on to, with what this call passes; None where it does more, or not all of it is seen."""
    project = reader.project
    waiting = project.pending.get(call.callee)
    if waiting is not None and hands_on(waiting) is not None:
        reader.results(call.callee)
    met: set[str] = set()
    made: Call | None = None
    while (inner := project.hands_on.get(call.callee)) is not None and not call.open and len(met) < _MOST:
        if call.callee in met:
            return None
        met.add(call.callee)
        project.handed_through[call.callee] += 1
        made = call = _passed_on(reader, call, inner)
    return made


def _passed_on(reader: Reader, call: Call, inner: Call) -> Call:
    name = call.callee
    given = Given(reader.project, call, name)
    taken = set(reader.project.functions[name].parameters)
    args: list[Value] = []
    keywords: list[tuple[str, Value]] = []
    is_open = False
    for one in inner.args:
        part = one.parts[0] if type(one) is Unknown and len(one.parts) == 1 else None
        if type(part) is Parameter and part.function == name and part.index <= REST:
            args += call.args[REST - part.index :]
        else:
            is_open = is_open or part is not None
            args.append(given.into(one))
    for word, value in inner.keywords:
        if word == "**" and type(value) is Parameter and value.function == name and value.index == NAMED:
            keywords += [(said, held) for said, held in call.keywords if said not in taken]
        else:
            is_open = is_open or word == "**"
            keywords.append((word, given.into(value)))
    receiver = None if inner.receiver is None else given.into(inner.receiver)
    return new_call(inner.callee, tuple(args), tuple(keywords), is_open, receiver, reader.function, call.span)


def as_route(reader: Reader, call: Call) -> Call | None:
    """``app.route("/notes", methods=["GET"])`` in place of ``endpoint("/notes", methods=["GET"])``, where that is what the function gives back."""
    if not reader.project.has_function(call.callee) or call.open:
        return None
    returned = reader.results(call.callee)
    inner = returned[0] if len(returned) == 1 else None
    if type(inner) is not Call or inner.method not in ROUTE_METHODS or call.callee not in reader.project.functions:
        return None
    owner = reader.dotted(inner.receiver) if inner.receiver is not None else None
    return _passed_on(reader, call, inner) if owner in APPS or owner in BLUEPRINTS else None


def leave_to_callers(project: Project) -> None:
    """What a function hands on stands where it is called: there it is seen what is passed."""
    if not project.handed_through:
        return
    calls = Counter(call.callee for call in project.calls)
    elsewhere = handed_on(project)
    seen = {
        name for name, times in project.handed_through.items() if times >= calls[name] and name not in elsewhere
    }  # of one that is also called with what is not seen, the inside says more
    inner = {id(call) for name, call in project.hands_on.items() if name in seen}
    runs = seen & project.registers.keys()
    if runs:
        inner.update(id(call) for call in project.calls if call.function in runs)
    if not inner:
        return
    places = {call.span for call in project.calls if id(call) in inner}
    project.calls[:] = [call for call in project.calls if id(call) not in inner]
    project.flows[:] = [flow for flow in project.flows if flow.span not in places]
