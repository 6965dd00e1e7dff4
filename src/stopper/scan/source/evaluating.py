"""A small function of the project read again with what one call passes: ``prefixed("SESSION_COOKIE", {"secure": False})``.

Only what is seen is read: every argument a literal or a display of literals, the body a few plain lines. What is recorded on the way is
forgotten, since the body has been read once for the facts that stand in it.
"""

import ast
from dataclasses import fields, replace
from typing import Any, Final, cast

from stopper.core.values import (
    Call,
    Constant,
    EnvironmentValue,
    Format,
    Item,
    Mapping,
    Sequence,
    Unknown,
    Value,
    walk,
)
from stopper.scan.source.asking_first import asks_first, decided, variable_given
from stopper.scan.source.blocks import STATEMENTS
from stopper.scan.source.declared import FIELDS, by_default
from stopper.scan.source.drafts import new_constant, new_name
from stopper.scan.source.project import Pending, Project
from stopper.scan.source.reader import Reader
from stopper.scan.source.straight import KEEPING

MOST_LINES: Final = 8
DEEPEST: Final = 2
_SEEN: Final = frozenset({Constant, EnvironmentValue, Mapping, Sequence})
DISPLAYS: Final = frozenset({Mapping, Sequence, Format, Unknown, Item})
"""What a call was read as that may be known better."""
_PURE: Final = frozenset({"datetime.timedelta", "bytes.fromhex", "hashlib.sha256", "base64.b64decode"})
"""Calls that may be in what comes out: they are made of literals alone."""


def is_evaluated(waiting: Pending) -> bool:
    """That a function is short, and plain lines lead to the ``return`` in its last: it may be read again with what a call passes."""
    node = waiting.node
    if isinstance(node, ast.Lambda) or len(node.body) > MOST_LINES or not (node.args.args or node.args.kwarg):
        return False
    last = node.body[-1]
    if asks_first(node.body):
        return all(one.name in KEEPING for one in waiting.decorators)
    if type(last) is not ast.Return or last.value is None or type(last.value) in _AS_IT_IS:
        return False
    if type(last.value) is ast.Name and len(node.body) == 1:
        return False
    return all(map(_is_step, node.body[:-1])) and all(one.name in KEEPING for one in waiting.decorators)


_AS_IT_IS: Final = (ast.Constant, ast.Compare, ast.BoolOp, ast.Attribute)
"""What is given back as it is, or says yes or no."""


def _is_step(statement: ast.stmt) -> bool:
    """A plain line, a way out, or a test with nothing else on both its ways: which one is taken is seen by what is passed."""
    if type(statement) is ast.If:
        return all(map(_is_step, (*statement.body, *statement.orelse)))
    return type(statement) is ast.Return or _is_line(statement)


def _is_line(statement: ast.stmt) -> bool:
    if type(statement) in (ast.Assign, ast.AnnAssign):
        assigned = cast("ast.Assign | ast.AnnAssign", statement)
        if type(assigned.value) is ast.Lambda:
            return False  # it defines a function
        targets: list[ast.expr] = assigned.targets if isinstance(assigned, ast.Assign) else [assigned.target]
        return not any(isinstance(part, ast.Attribute) for one in targets for part in ast.walk(one))
    if type(statement) is ast.For:
        return not statement.orelse and all(map(_is_line, statement.body))
    return type(statement) in (ast.AugAssign, ast.Pass) or (
        type(statement) is ast.Expr and type(statement.value) in (ast.Constant, ast.Call)
    )


def evaluated(reader: Reader, call: Call) -> Value | None:
    """What the call gives, read with what it passes; None where not all of that is seen."""
    project = reader.project
    if (first := project.pending.get(call.callee)) is not None and is_evaluated(first):
        reader.results(call.callee)
    waiting = project.bodies.get(call.callee)
    given = (*call.args, *[one for _, one in call.keywords])
    if waiting is None or call.open or not given or project.evaluating >= DEEPEST or not all(map(_is_seen, given)):
        return None
    marks = _marks(project)
    project.evaluating += 1
    try:
        made = _read(project, waiting, call)
    finally:
        project.evaluating -= 1
        for name, length in marks.items():
            del getattr(project, name)[length:]
    if made is None:
        return None
    # ``def env(name): return field(default_factory=lambda: os.environ.get(name))`` declares a field of a data class
    held = by_default(project, made) if type(made) is Call and made.callee in FIELDS else made
    return made if _is_plain(held) else None


def _is_seen(value: Value) -> bool:
    return type(value) in _SEEN and all(type(one) in _SEEN for one in walk(value, 5))


def _is_plain(value: Value) -> bool:
    for one in walk(value, 8):
        if type(one) is Call:
            if one.callee not in _PURE:
                return False
        elif type(one) not in _SEEN or (isinstance(one, (Mapping, Sequence)) and one.open):
            return False
    return True


def _marks(project: Project) -> dict[str, int]:
    found: dict[str, int] = {}
    for one in fields(project):
        held: Any = getattr(project, one.name)
        if type(held) is list:
            found[one.name] = len(cast("list[object]", held))
    return found


def _read(project: Project, waiting: Pending, call: Call) -> Value | None:
    node = waiting.node
    if isinstance(node, ast.Lambda) or len(node.body) > MOST_LINES or node.args.vararg or node.args.kwonlyargs:
        return None
    reader = Reader(project, waiting.module, waiting.name, waiting.closure, waiting.owner)
    names = [one.arg for one in (*node.args.posonlyargs, *node.args.args)]
    if waiting.owner and names and not any(one.name == "staticmethod" for one in waiting.decorators):
        reader.scope[names.pop(0)] = new_name(waiting.owner)
    after = names[len(names) - len(node.args.defaults) :] if node.args.defaults else []
    passed: dict[str, Value] = {name: reader.value(held) for name, held in zip(after, node.args.defaults, strict=True)}
    if len(call.args) > len(names):
        return None
    passed.update(zip(names, call.args, strict=False))
    others = [(name, value) for name, value in call.keywords if name not in names]
    passed.update((name, value) for name, value in call.keywords if name in names)
    if others and node.args.kwarg is None:
        return None
    if node.args.kwarg is not None:
        passed[node.args.kwarg.arg] = Mapping(tuple([(new_constant(name), value) for name, value in others]))
    if any(name not in passed for name in names):
        return None
    reader.scope.update(passed)
    if asks_first(node.body):
        given = variable_given(reader, node.body)
        return None if given is None else replace(given, span=call.span)
    return _carried_out(reader, node.body)[1]


def _carried_out(reader: Reader, body: list[ast.stmt]) -> tuple[bool, Value | None]:
    """Whether these lines end the function, and with what; with None where a test cannot be told."""
    for statement in body:
        if type(statement) is ast.Return:
            return True, None if statement.value is None else reader.value(statement.value)
        if type(statement) is ast.If:
            held = decided(reader, statement.test)
            ended = (True, None) if held is None else _carried_out(reader, statement.body if held else statement.orelse)
            if ended[0]:
                return ended
        else:
            STATEMENTS[type(statement)](reader, statement)
    return False, None
