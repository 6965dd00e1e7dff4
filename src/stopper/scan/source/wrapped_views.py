"""What wraps a view where it is registered: ``add_url_rule("/notes", view_func=login_required(Notes.as_view("notes")))``."""

from collections.abc import Iterator

from stopper.core.fact import Decorator
from stopper.core.place import Span
from stopper.core.values import Call, Value


def applied(call: Call) -> str:
    """The decorator that ``guard(view)`` or ``guard(option)(view)`` applies."""
    return call.callee.removesuffix(".__call__")


def around(view: Value, place: Span) -> Iterator[Decorator]:
    """The wrappers as decorators of the route, the outermost first; *place* is where one stands that has no place of its own."""
    if isinstance(view, Call) and view.method != "as_view" and view.args:
        if view.callee != "functools.partial":
            made = view.receiver if isinstance(view.receiver, Call) and view.method == "__call__" else None
            yield Decorator(applied(view), made, view.span or place)
        for given in view.args:
            yield from around(given, place)
