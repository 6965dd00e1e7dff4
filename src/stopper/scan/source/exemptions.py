"""Which routes a hook lets through although it stops others: what it asks about method, endpoint and path, answered for one route."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from stopper.core.fact import Comparison, SourceRoute
from stopper.core.place import Span
from stopper.core.values import (
    REST,
    Call,
    Choice,
    Constant,
    Item,
    Mapping,
    Name,
    Parameter,
    Sequence,
    Truth,
    Value,
    is_constant,
    literals,
    options,
    text_of,
    walk,
)
from stopper.scan.source.judging import Judges

PATH_READS: Final = (
    "flask.request.path", "flask.request.endpoint", "flask.request.blueprint", "flask.request.url_rule", "flask.request.url",
    "flask.request.full_path", "flask.request.method",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as a hook sees it: nobody's, to this route with this method."""

    route: SourceRoute
    method: str
    told: Call | None = None
    """The call of the decorator, where one stands before the view: what it is told may say for which methods it asks."""


class Exemptions:
    """Answers the tests of hooks, for somebody who shows nothing. An answer of None means that it could not be told."""

    def __init__(self, judges: Judges) -> None:
        self.judges = judges
        self._askers: dict[str, bool] = {}
        self._about_path: dict[int, bool] = {}
        """By identity of the value; the facts keep every value alive."""
        self._turning: dict[str, tuple[tuple[tuple[tuple[Value, bool], ...], Span], ...]] = {}
        """Hook → its refusals."""
        self._same: dict[str, bool | None] = {}
        """Hook → its answer, where it asks nothing about the path: then it is the same for every route."""
        self._open: set[str] = set()
        """Functions whose answer is being worked out, so that one which calls itself comes to an end."""

    def stopped(self, name: str, route: SourceRoute, method: str, told: Call | None = None) -> bool | None:
        """Whether a hook that stops others stops this route: some refusal must be reached by it, and nothing before may let it go."""
        if name in self._same:
            return self._same[name]
        if name not in self._turning:
            self._turning[name] = tuple(self._refusals(name))
        asked = Asked(route, method, told)
        answers = [_both(self._all(under, asked), self._kept(name, span, asked)) for under, span in self._turning[name]]
        answer = _either(answers) if answers else True
        if not self._looks_at_path(name):
            self._same[name] = answer
        return answer

    def holds(self, value: Value, asked: Asked) -> bool | None:
        """Whether a test about method, endpoint or path holds for this request; None where it cannot be told. Only for tests that
        :meth:`is_about_path` is true of."""
        return self._answer(value, asked, lean=True)

    def _looks_at_path(self, name: str) -> bool:
        """That the answer may differ from route to route."""
        tests = [value for under, _ in self._turning[name] for value, _ in under]
        tests.extend(condition.value for condition in self.judges.conditions.get(name, ()))
        return any(self.is_about_path(value) for value in tests)

    def _refusals(self, name: str) -> "Iterator[tuple[tuple[tuple[Value, bool], ...], Span]]":
        """Every place where the hook turns somebody away, itself or through a function, with the tests around it."""
        for refusal in self.judges.refusals.get(name, ()):
            if refusal.plain or self.judges.about_credential(refusal):
                yield refusal.under, refusal.span
        for call in self.judges.facts.calls_in(name):
            if call.span is not None and call.callee != name and self.judges.is_guard_call(call):
                yield self.judges.project.under.get(id(call), ()), call.span

    def _all(self, under: tuple[tuple[Value, bool], ...], asked: Asked) -> bool | None:
        return _every(_turned(self._answer(value, asked, not negated), negated) for value, negated in under)

    def _kept(self, name: str, place: Span, asked: Asked) -> bool | None:
        """That no earlier ``if …: return`` lets the request go."""
        result: bool | None = True
        for condition in self.judges.conditions.get(name, ()):
            within = condition.body is not None and condition.body.holds(place)  # ``abort(404)`` of that test itself
            if condition.stops and not condition.refuses and not within and condition.span.line < place.line:
                said = self._answer(condition.value, asked, condition.negated)
                passes = _turned(said, condition.negated)
                if passes:
                    return False
                result = None if passes is None else result
        return result

    def _answer(self, value: Value, asked: Asked, lean: bool) -> bool | None:
        """Whether a test holds. What is neither about the path nor about a credential is taken to be *lean*."""
        if not self.is_about_path(value):
            return self._of_nobody(value, lean)
        if isinstance(value, Choice):
            answers = (self._answer(option, asked, lean) for option in value.options)
            return _every(answers) if value.every else _either(answers)
        if isinstance(value, Truth) and len(value.parts) == 1:
            return _turned(self._answer(value.parts[0], asked, not lean), True)
        if isinstance(value, Call) and value.callee in self.judges.project.functions:
            return self._returned(value.callee, asked, lean)
        return self._of_path(value, asked)

    def _returned(self, function: str, asked: Asked, lean: bool) -> bool | None:
        returns = self.judges.project.functions[function].returns
        if len(returns) != 1 or function in self._open:
            return None
        self._open.add(function)
        answer = self._answer(returns[0], asked, lean)
        self._open.discard(function)
        return answer

    def _of_nobody(self, value: Value, lean: bool) -> bool:
        if not self.judges.credential_test(value):
            return lean
        holds = self.judges.absence(value, negated=False)
        return holds if holds is not self.judges.absence(value, negated=True) else lean

    def is_about_path(self, value: Value) -> bool:
        """That a test asks for the method, the endpoint or the path, itself or through a function of the project."""
        known = self._about_path.get(id(value))
        if known is None:
            known = any(_path_read(inner) or self._is_asker(inner) for inner in walk(value, 6))
            self._about_path[id(value)] = known
        return known

    def _is_asker(self, value: Value) -> bool:
        """That the value calls a function of the project which looks at the path."""
        if not isinstance(value, Call) or value.callee not in self.judges.project.functions:
            return False
        known = self._askers.get(value.callee)
        if known is None:
            returns = self.judges.project.functions[value.callee].returns
            tests = (condition.value for condition in self.judges.conditions.get(value.callee, ()))
            known = any(_path_read(inner) for one in (*returns, *tests) for inner in walk(one, 6))
            self._askers[value.callee] = known
        return known

    def _of_path(self, value: Value, asked: Asked) -> bool | None:
        for comparison in self.judges.comparisons_of(value):
            if (found := _looked_up(comparison.left, asked)) is not None:
                return _compared_value(comparison, found)
            return _compared(comparison, _known(comparison.left, asked), asked.told)
        if (
            isinstance(value, Truth) and len(value.parts) == 2 and isinstance(value.parts[1], Constant)
        ):  # of a ``match``
            left = _known(value.parts[0], asked)
            return None if left is None else _turned(_equal(left, value.parts[1].value), value.differs)
        if isinstance(value, Call) and value.callee == "any" and value.args and isinstance(value.args[0], Sequence):
            return _either(self._answer(option, asked, lean=False) for option in value.args[0].items)
        if isinstance(value, Call) and value.method == "startswith" and value.args:
            return _started(_known(Name(value.callee.rpartition(".")[0]), asked), value.args[0])
        if isinstance(value, Call) and value.method == "endswith" and value.args:
            return _ended(_known(Name(value.callee.rpartition(".")[0]), asked), value.args[0], asked.route)
        if (found := _looked_up(value, asked)) is not None:
            return _is_true(found)
        return True if isinstance(value, Name) and _known(value, asked) is not None else None


def endpoint(route: SourceRoute) -> str:
    """The name that Flask gives the route."""
    if route.endpoint:
        return route.endpoint
    word = route.view.rpartition(".")[2]
    return f"{route.blueprint}.{word}" if route.blueprint else word


def _known(value: Value, asked: Asked) -> str | None:
    """What the request says there. Of a path with parameters the braces remain."""
    for option in options(value):
        if not isinstance(option, Name):
            continue
        match option.dotted:
            case "flask.request.path" | "flask.request.full_path":
                return asked.route.path
            case "flask.request.endpoint":
                return endpoint(asked.route)
            case "flask.request.blueprint":
                return asked.route.blueprint
            case "flask.request.method":
                return asked.method
            case _:
                return None
    return None


def _compared(comparison: Comparison, left: str | None, told: Call | None) -> bool | None:
    said = _said_by(comparison.right, told)
    if left is None:
        return None
    if comparison.operator in ("==", "!=") and isinstance(said, Constant):
        return _turned(_equal(left, said.value), comparison.operator == "!=")
    if comparison.operator in ("in", "not in") and isinstance(said, Sequence) and not said.open:
        found = _either(_equal(left, wanted) for wanted in said.plain())
        return _turned(found, comparison.operator == "not in")
    if comparison.operator in ("in", "not in") and isinstance(said, Mapping) and not said.open:
        keys = [text_of(key) for key, _ in said.items]
        found = _either(_equal(left, key) for key in keys if key is not None) if None not in keys else None
        return _turned(found, comparison.operator == "not in")
    return None


def _said_by(value: Value, told: Call | None) -> Value:
    """What a decorator is told for the parameter: ``@asks_who("GET", "POST")``; any other value itself."""
    if not isinstance(value, Parameter) or told is None or told.open or value.function != told.callee:
        return value
    if value.index <= REST:
        return Sequence(told.args[REST - value.index :], "tuple")
    given = told.argument(value.index, value.parameter) if value.index >= 0 else None
    return given or value.default or value


def _looked_up(value: Value, asked: Asked) -> Value | None:
    """What a table of the project says for this request: ``POLICY.get(request.endpoint)``, ``ROLES[request.method]``."""
    if not isinstance(value, Item) or not isinstance(value.owner, Mapping) or value.owner.open or not value.owner.items:
        return None  # a table that stands empty is filled elsewhere
    key = _known(value.key, asked)
    if key is None or "{" in key:
        return None
    held = {text_of(one): given for one, given in value.owner.items}
    return held.get(key, value.default) if None not in held else None


def _compared_value(comparison: Comparison, found: Value) -> bool | None:
    """Whether the test of what a table says holds, where that can be told: against None or a literal."""
    if comparison.operator in ("is", "is not", "==", "!=") and isinstance(comparison.right, Constant):
        if isinstance(found, Constant):
            same = found.value == comparison.right.value
        elif is_constant(comparison.right, None) and isinstance(found, (Sequence, Mapping)):
            same = False
        else:
            return None
        return _turned(same, comparison.operator in ("is not", "!="))
    return None


def _is_true(found: Value) -> bool | None:
    if isinstance(found, Constant):
        return bool(found.value)
    if isinstance(found, Sequence):
        return bool(found.items) or (None if found.open else False)
    return None


def _equal(left: str, wanted: object) -> bool | None:
    before, brace, _ = left.partition("{")
    if not brace:
        return left == wanted
    return None if str(wanted).startswith(before) else False


def _started(known: str | None, wanted: Value) -> bool | None:
    given = wanted.items if isinstance(wanted, Sequence) else (wanted,)
    starts = [constant.value for one in given for constant in literals(one)]
    if known is None or not starts:
        return None
    before, brace, _ = known.partition("{")
    if any(before.startswith(str(start)) for start in starts):
        return True
    return None if brace and any(str(start).startswith(before) for start in starts) else False


def _ended(known: str | None, wanted: Value, route: SourceRoute) -> bool | None:
    """The same of its end. What stands last and is a number ends in no word."""
    given = wanted.items if isinstance(wanted, Sequence) else (wanted,)
    ends = [str(constant.value) for one in given for constant in literals(one)]
    if known is None or not ends:
        return None
    _, brace, after = known.rpartition("}")
    if any(after.endswith(end) for end in ends):
        return True
    kinds = dict(route.parameters)
    last = kinds.get(known.rpartition("{")[2].rpartition("}")[0], "")
    words = brace and any(end.endswith(after) for end in ends)
    return None if words and last not in ("int", "float", "uuid") else False


def _path_read(value: Value) -> bool:
    dotted = value.dotted if isinstance(value, Name) else value.callee if isinstance(value, Call) else ""
    return dotted.startswith(PATH_READS)


def _turned(said: bool | None, negated: bool) -> bool | None:
    return None if said is None else said is not negated


def _both(one: bool | None, other: bool | None) -> bool | None:
    return _every((one, other))


def _every(answers: Iterable[bool | None]) -> bool | None:
    found = tuple(answers)
    return False if False in found else None if None in found else True


def _either(answers: Iterable[bool | None]) -> bool | None:
    found = tuple(answers)
    return True if True in found else None if None in found else False
