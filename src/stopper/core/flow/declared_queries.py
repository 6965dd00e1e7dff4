"""What a view declares to take from the query: ``@use_kwargs({"token": …}, location="query")``, ``@blp.arguments(Query, location="query")``,
``@spec.validate(query=Query)``, and ``def find(query: Query)`` of Flask-OpenAPI3 and Flask-Pydantic."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from stopper.core.flow.body_models import classes_by_name, is_record
from stopper.core.place import Span
from stopper.core.values import Call, Mapping, Member, Name, Parameter, Value, text_of, walk

if TYPE_CHECKING:
    from stopper.core.facts import SourceFacts

_TAKES: Final = frozenset({"use_args", "use_kwargs", "arguments", "input"})
_QUERY: Final = frozenset({"query", "querystring", "args", "view_args", "path"})


def declared_queries(facts: "SourceFacts") -> Iterator[tuple[Span, str, tuple[str, ...]]]:
    """Each such decorator: its place, the function under it, and the names of the fields."""
    for function in facts.functions():
        for decorator in function.decorators:
            made = decorator.call
            word = decorator.name.rpartition(".")[2]
            if made is not None and word == "validate" and (said := made.keyword("query")) is not None:
                yield decorator.span, function.name, tuple(_fields(facts, said))
            if made is None or word not in _TAKES or not made.args:
                continue
            if text_of(made.keyword("location", "arg_location")) in _QUERY:
                yield decorator.span, function.name, tuple(_fields(facts, made.args[0]))

    yield from modelled_queries(facts)
    yield from ((span, function, tuple(_fields(facts, schema))) for span, function, schema in loaded_queries(facts))


_LOADS: Final = ("*.load", "*.model_validate", "*.parse_obj", "*.validate_python", "*.from_dict", "*.parse")
_WHOLE: Final = frozenset(
    {"flask.request.args", "flask.request.args.to_dict", "flask.request.values", "flask.request.values.to_dict"}
)


def loaded_queries(facts: "SourceFacts") -> Iterator[tuple[Span, str, Value]]:
    """Where a view fills a schema or model with the query by itself, ``Auth().load(request.args)``, ``Query(**request.args)``: the place, the
    function, and the schema."""
    for call in facts.calls(*_LOADS):
        if call.span is not None and any(_is_whole(one) for one in call.args[:1]):
            head = call.callee.rpartition(".")[0]
            yield call.span, call.function, call.receiver if isinstance(call.receiver, Call) else Name(head)
        elif call.span is not None and call.args and text_of(call.keyword("location")) in _QUERY:
            yield call.span, call.function, call.args[0]
    known = classes_by_name(facts)
    for call in facts.calls() if facts.says("args") else ():
        filled = call.open and call.callee in known
        if filled and call.span and any(key == "**" and _is_whole(value) for key, value in call.keywords):
            yield call.span, call.function, Name(call.callee)


def _is_whole(value: Value) -> bool:
    if isinstance(value, Call) and value.callee == "dict" and len(value.args) == 1:
        value = value.args[0]
    said = value.dotted if isinstance(value, Name) else value.callee if isinstance(value, Call) else ""
    return said in _WHOLE


def modelled_queries(facts: "SourceFacts") -> Iterator[tuple[Span, str, tuple[str, ...]]]:
    """The views that are handed a model of the query by the name of their parameter: the place, the view, and the names of the fields."""
    if not facts.imports("flask_openapi3", "flask_pydantic"):
        return
    for function in facts.functions():
        if "query" not in function.parameters or not facts.is_view(function.name):
            continue
        used: list[Value] = [
            one for call in facts.calls_in(function.name) for one in (*call.args, *(held for _, held in call.keywords))
        ]
        used += [one.value for one in facts.assignments_in(function.name)]
        used += [one.value for one in facts.returns_of(function.name)]
        typed = {
            part.owner.typed
            for one in used
            for part in walk(one, 6)
            if isinstance(part, Member) and isinstance(part.owner, Parameter) and part.owner.parameter == "query"
        }
        for model in sorted(typed):
            if is_record(facts, model):
                yield function.span, function.name, tuple(_fields(facts, Name(model)))


def _fields(facts: "SourceFacts", schema: Value) -> Iterator[str]:
    """The names of a dict of fields, or of a schema class of the project."""
    if isinstance(schema, Mapping):
        yield from schema.keys()
    called = schema.callee if isinstance(schema, Call) else getattr(schema, "dotted", "")
    if (known := classes_by_name(facts).get(called)) is not None:
        yield from (*known.fields, *known.attributes)
