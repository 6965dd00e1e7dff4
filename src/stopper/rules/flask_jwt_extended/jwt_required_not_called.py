"""The route answers every caller with an error: version 4 of the library needs `@jwt_required()`."""

from collections.abc import Iterator
from typing import Final

from stopper.core.app import App
from stopper.core.facts import SourceFacts, source_of
from stopper.core.place import Span
from stopper.core.rule import Edit, Hit, Rule
from stopper.core.tokens.jwt_extended import LIBRARY, uses, version
from stopper.core.values import Call, Name, Value, options, walk

_GUARD: Final = frozenset({f"{LIBRARY}.jwt_required", f"{LIBRARY}.view_decorators.jwt_required"})


def detect(app: App) -> Iterator[Hit]:
    """The bare name as a decorator, or in the list of a view class, where the library is of version 4."""
    if not uses(app) or version(app) < 4:
        return
    facts = source_of(app)
    for function in facts.functions():
        for decorator in function.decorators:
            if decorator.call is None and decorator.name in _GUARD:
                yield Hit("@jwt_required is not called, so it wraps nothing and every request fails", decorator.span)
    for call in facts.calls(*_GUARD):
        views = list(options(call.args[0] if call.args else None))
        if any(_is_view(facts, one) for one in views) and call.span is not None:
            yield Hit("jwt_required is given the view, but version 4 takes it by the call that it returns", call.span)
    for call in facts.calls("*.before_request", "*.before_app_request"):
        if call.args and isinstance(hook := call.args[0], Name) and hook.dotted in _GUARD:
            yield Hit("jwt_required is handed over as a hook without being called", call.span)
    for found in facts.classes():
        for name in ("decorators", "method_decorators"):
            yield from _listed(found.attributes.get(name), found.span)
    for call in facts.calls("*.Api", "*.Namespace", "*.init_app", "*.namespace"):
        yield from _listed(call.keyword("decorators"), call.span)


def _is_view(facts: SourceFacts, value: Value) -> bool:
    """A function of the project, or ``Recipes.as_view("recipes")``."""
    if isinstance(value, Call):
        return value.method == "as_view"
    return isinstance(value, Name) and facts.function(value.dotted) is not None


def _listed(value: Value | None, place: Span | None) -> Iterator[Hit]:
    """The bare name in a list of decorators, or in one of the lists that a mapping has for each method."""
    for part in walk(value, 2):
        if isinstance(part, Name) and part.dotted in _GUARD:
            yield Hit("jwt_required is listed without being called", part.span or getattr(value, "span", None) or place)


def fix(app: App, hit: Hit) -> Edit | None:
    """The parentheses, where the whole decorator is the bare name."""
    for function in source_of(app).functions():
        for decorator in function.decorators:
            span = decorator.span
            if span == hit.span and decorator.call is None and span.line == span.end_line:
                width = span.end_column - span.column
                for text in ("jwt_required", "flask_jwt_extended.jwt_required"):
                    if width == len(text):
                        return Edit(span, f"{text}()", safe=False)
    return None


RULE = Rule(
    slug="jwt-required-not-called",
    family="flask-jwt-extended",
    title="`@jwt_required` is written without parentheses",
    harm=__doc__ or "",
    severity="medium",
    check="authentication",
    cwe=(862,),
    owasp="API2:2023",
    asvs=("V8.2.1",),
    surfaces=("source",),
    ends="Stopper's `@bearer` is written without parentheses and refuses a wrong use when the module loads.",
    detect=detect,
    fix=fix,
)
