"""What a view declares to take from the query: ``@use_kwargs({"token": …}, location="query")``, ``@blp.arguments(Query, location="query")``."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from stopper.core.body_models import classes_by_name
from stopper.core.place import Span
from stopper.core.values import Call, Mapping, Value, text_of

if TYPE_CHECKING:
    from stopper.core.facts import SourceFacts

_TAKES: Final = frozenset({"use_args", "use_kwargs", "arguments", "input"})
_QUERY: Final = frozenset({"query", "querystring", "args", "view_args", "path"})


def declared_queries(facts: "SourceFacts") -> Iterator[tuple[Span, str, tuple[str, ...]]]:
    """Each such decorator: its place, the function under it, and the names of the fields."""
    for function in facts.functions():
        for decorator in function.decorators:
            made = decorator.call
            if made is None or decorator.name.rpartition(".")[2] not in _TAKES or not made.args:
                continue
            if text_of(made.keyword("location", "arg_location")) in _QUERY:
                yield decorator.span, function.name, tuple(_fields(facts, made.args[0]))


def _fields(facts: "SourceFacts", schema: Value) -> Iterator[str]:
    """The names of a dict of fields, or of a schema class of the project."""
    if isinstance(schema, Mapping):
        yield from schema.keys()
    called = schema.callee if isinstance(schema, Call) else getattr(schema, "dotted", "")
    if (known := classes_by_name(facts).get(called)) is not None:
        yield from known.attributes
