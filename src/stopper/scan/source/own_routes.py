"""Routes that a decorator of the project registers: ``@route("/notes", auth=True)``, in which ``add_url_rule(rule, …)`` stands."""

from dataclasses import replace
from typing import Final

from stopper.core.values import Call, Name, Parameter, Sequence, Value
from stopper.scan.source.project import Project, Registration

MOST: Final = 512
"""Routes of one decorator that are followed."""


def by_decorators(project: Project, registration: Registration) -> tuple[Registration, ...]:
    """The registrations that uses of a decorator make of the one inside it; none where it stands in no decorator or is told no rule."""
    call = registration.call
    inside = registration.target.rpartition(".")[0] or (call.function if call is not None else "")
    outer = inside.rpartition(".")[0]
    if call is None or outer not in project.functions or not _is_told(call, outer):
        return ()
    made: list[Registration] = []
    for function in project.functions.values():
        for decorator in function.decorators:
            if decorator.name == outer and decorator.call is not None and len(made) < MOST:
                made.append(_registered(registration, call, inside, outer, decorator.call, function.name))
    return tuple(made)


def _registered(registration: Registration, call: Call, inside: str, outer: str, told: Call, view: str) -> Registration:
    def filled(value: Value) -> Value:
        if isinstance(value, Parameter) and value.function == outer:
            given = told.argument(value.index if value.index >= 0 else None, value.parameter)
            return given if given is not None else value.default if value.default is not None else value
        if isinstance(value, Parameter) and value.function == inside:
            return Name(view)
        if isinstance(value, Name) and value.dotted.startswith(f"{inside}."):
            return Name(view)
        if isinstance(value, Sequence):
            return replace(value, items=tuple(map(filled, value.items)))
        return value

    args = tuple(map(filled, call.args))
    keywords = tuple((key, filled(value)) for key, value in call.keywords if key != "**")
    if len(keywords) < len(call.keywords):  # ``def api(rule, **options)`` hands on what it is told
        keywords += tuple(one for one in told.keywords if one[0] == "methods")
    target = view if registration.target else ""
    return replace(
        registration,
        call=replace(call, args=args, keywords=keywords),
        target=target,
        span=told.span or registration.span,
    )


def _is_told(call: Call, outer: str) -> bool:
    """That the rule is what the decorator is told."""
    rule = call.argument(0, "rule")
    return isinstance(rule, Parameter) and rule.function == outer
