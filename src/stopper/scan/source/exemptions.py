"""Which routes a hook lets through although it stops others."""

from typing import Final

from stopper.core.fact import Condition, SourceRoute
from stopper.core.values import (
    Call,
    Constant,
    Name,
    Sequence,
    Value,
    walk,
)
from stopper.scan.source.judging import Judges

PATH_READS: Final = (
    "flask.request.path",
    "flask.request.endpoint",
    "flask.request.blueprint",
    "flask.request.url_rule",
    "flask.request.url",
    "flask.request.full_path",
)


class Exemptions:
    """Evaluates what a hook asks about the request's method, endpoint and path, for one route."""

    def __init__(self, judges: Judges) -> None:
        self.judges = judges

    def stopped(self, name: str, route: SourceRoute, method: str) -> bool | None:
        """Whether a hook that stops others stops this route: what it lets pass by method, endpoint or path is evaluated where it is
        literal, and is unknown where it is not."""
        result: bool | None = True
        for condition in self.judges.conditions.get(name, ()):
            about = [
                inner for inner in walk(condition.value, 6) if isinstance(inner, (Name, Call)) and _path_read(inner)
            ]
            if not about:
                continue
            answer = self._answer(condition.value, route, method)
            if answer is None:
                result = None
                continue
            passes_through = condition.stops and not condition.refuses
            holds = answer is not condition.negated
            if passes_through and holds:
                return False
            if not passes_through and not holds and self._guards_inside(name, condition):
                return False
        return result

    def _guards_inside(self, name: str, condition: Condition) -> bool:
        """That the whole check stands inside that ``if``: nothing else in the hook refuses."""
        return not any(
            other.refuses and other.span.line > condition.span.line + 40
            for other in self.judges.conditions.get(name, ())
        )

    def _answer(self, value: Value, route: SourceRoute, method: str) -> bool | None:
        for comparison in self.judges.comparisons_of(value):
            left = self._known(comparison.left, route, method)
            if left is None:
                return None
            said = comparison.right
            if comparison.operator in ("==", "!=") and isinstance(said, Constant):
                return (left == said.value) is (comparison.operator == "==")
            if comparison.operator in ("in", "not in") and isinstance(said, Sequence) and not said.open:
                return (left in said.plain()) is (comparison.operator == "in")
            return None
        if isinstance(value, Call) and value.method == "startswith" and value.args:
            owner = value.callee.rpartition(".")[0]
            known = self._known(Name(owner), route, method)
            wanted = value.args[0]
            if known is not None and isinstance(wanted, Constant) and isinstance(wanted.value, str):
                return known.startswith(wanted.value)
            if known is not None and isinstance(wanted, Sequence):
                return known.startswith(tuple(str(item) for item in wanted.plain()))
        return None

    def _known(self, value: Value, route: SourceRoute, method: str) -> str | None:
        if not isinstance(value, Name):
            return None
        match value.dotted:
            case "flask.request.path" | "flask.request.url_rule" if "{" not in route.path:
                return route.path
            case "flask.request.endpoint":
                return endpoint(route)
            case "flask.request.blueprint":
                return route.blueprint
            case "flask.request.method":
                return method
            case _:
                return None


def endpoint(route: SourceRoute) -> str:
    """The name that Flask gives the route."""
    word = route.view.rpartition(".")[2]
    return f"{route.blueprint}.{word}" if route.blueprint else word


def _path_read(value: Value) -> bool:
    dotted = value.dotted if isinstance(value, Name) else value.callee if isinstance(value, Call) else ""
    return dotted.startswith((*PATH_READS, "flask.request.method"))
