"""The route answers every caller with an error: version 4 of the library needs `@jwt_required()`."""

from collections.abc import Iterator
from typing import Final

from stopper.core.app import App
from stopper.core.facts import source_of
from stopper.core.jwt_extended import LIBRARY, uses, version
from stopper.core.rule import Edit, Hit, Rule
from stopper.core.values import Name, Sequence

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
        given = call.args[0] if call.args else None
        if isinstance(given, Name) and facts.function(given.dotted) is not None and call.span is not None:
            yield Hit("jwt_required is given the view, but version 4 takes it by the call that it returns", call.span)
    for found in facts.classes():
        for name in ("decorators", "method_decorators"):
            listed = found.attributes.get(name)
            for item in listed.items if isinstance(listed, Sequence) else ():
                if isinstance(item, Name) and item.dotted in _GUARD:
                    yield Hit(
                        "jwt_required is listed without being called",
                        item.span or listed.span if isinstance(listed, Sequence) else found.span,
                    )


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
