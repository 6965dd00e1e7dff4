"""Routes that a decorator of the project registers: ``@route("/notes", auth=True)``, in which ``add_url_rule(rule, …)`` stands; and those
whose decorator is called by hand: ``app.route("/notes")(notes)``."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Final

from stopper.core.place import Span
from stopper.core.values import Call, Constant, Format, Name, Parameter, Sequence, Value, options
from stopper.scan.source.project import Project, Registration

MOST: Final = 512
"""Routes of one decorator that are followed."""
MOST_CALLERS: Final = 256
"""Calls of one function that are followed."""


def url_rule(rule: str, view: Value, methods: Iterable[str], span: Span, owner: Value | None = None) -> Registration:
    """A route that no call of the project says, as ``add_url_rule`` would say it."""
    listed = Sequence(tuple(map(Constant, methods)), "list")
    args = (Constant(rule), Constant(None), view)
    return Registration("add_url_rule", owner, Call(_ADDS, args, (("methods", listed),), span=span), "", span)


_ADDS: Final = "flask.Flask.add_url_rule"


def applied_by_hand(project: Project) -> list[Registration]:
    """What ``app.route(rule)(view)`` registers, as ``add_url_rule`` would say it."""
    found: list[Registration] = []
    for call in project.calls:
        made = call.receiver
        if not call.callee.endswith(_APPLIED) or not isinstance(made, Call) or not call.args or call.span is None:
            continue
        methods = made.keyword("methods")
        if methods is None and made.method != "route":
            methods = Sequence((Constant(made.method.upper()),), "list")
        keywords = (("methods", methods),) if methods is not None else ()
        args = (*made.args[:1], Constant(None), call.args[0])
        said = replace(call, callee=_ADDS, args=args, keywords=keywords, receiver=None)
        found.append(Registration("add_url_rule", made.receiver, said, "", call.span))
    return found


_APPLIED: Final = tuple(
    f"{owner}.{word}.__call__"
    for owner in ("flask.Flask", "flask.Blueprint")
    for word in ("route", "get", "post", "put", "patch", "delete")
)


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
        return _put_together(value, filled) if isinstance(value, Format) else value

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
    told = rule.parts if isinstance(rule, Format) else (rule,)  # ``f"{PREFIX}{rule}"``
    return any(isinstance(part, Parameter) and part.function == outer for part in told)


def by_callers(registration: Registration, callers: dict[str, list[Call]]) -> tuple[Registration, ...]:
    """The registrations that the calls of the function around make of this one, which is given the rule or the view; none where nothing is
    passed in."""
    call = registration.call
    if call is None or not call.function or not any(map(_is_passed, _said(call))):
        return ()
    made: list[Registration] = []
    for caller in callers.get(call.function, ())[:MOST_CALLERS]:
        args = tuple(_filled(value, call.function, caller) for value in call.args)
        keywords = tuple((key, _filled(value, call.function, caller)) for key, value in call.keywords)
        owner = _filled(registration.owner, call.function, caller) if registration.owner is not None else None
        made.append(
            replace(
                registration,
                owner=owner,
                call=replace(call, args=args, keywords=keywords),
                span=caller.span or registration.span,
            )
        )
    return tuple(made)


def with_heirs(project: Project, view: Value) -> Iterator[Value]:
    """What the view may be, with the same method of classes derived from the one whose own method adds the rule:
    ``app.add_url_rule(rule, view_func=self.callback)`` is theirs where an object of theirs is made."""
    for option in options(view):
        yield option
        if isinstance(option, Name):
            yield from map(Name, _said_by_heirs(project, option.dotted))


def _said_by_heirs(project: Project, view: str, depth: int = 4) -> Iterator[str]:
    owner, _, word = view.rpartition(".")
    for heir in project.heirs.get(owner, ()) if depth else ():
        own = f"{heir}.{word}"
        if own in project.functions:
            yield own
        yield from _said_by_heirs(project, own, depth - 1)


def _said(call: Call) -> tuple[Value, ...]:
    return (*call.args, *(value for _, value in call.keywords))


def _is_passed(value: Value) -> bool:
    if isinstance(value, Call) and value.method == "as_view":
        return isinstance(value.receiver, Parameter)
    if isinstance(value, Format):
        return any(isinstance(part, Parameter) for part in value.parts)
    return isinstance(value, Parameter)


def _put_together(value: Format, filled: Callable[[Value], Value]) -> Value:
    """The text that is put together of known parts, else as much of it as is known."""
    parts = tuple(map(filled, value.parts))
    plain = [part.value for part in parts if isinstance(part, Constant)]
    return Constant("".join(map(str, plain))) if len(plain) == len(parts) else replace(value, parts=parts)


def _filled(value: Value, function: str, caller: Call) -> Value:
    """*value* with what that caller passes in place of a parameter."""
    if isinstance(value, Parameter) and value.function == function:
        return caller.argument(value.index if value.index >= 0 else None, value.parameter) or value
    if isinstance(value, Format):
        return _put_together(value, lambda part: _filled(part, function, caller))
    if isinstance(value, Call) and value.method == "as_view" and isinstance(value.receiver, Parameter):
        owner = _filled(value.receiver, function, caller)
        return replace(value, callee=f"{owner.dotted}.as_view", receiver=None) if isinstance(owner, Name) else value
    return value
