"""Which views ``csrf.exempt(…)`` means by what it is told."""

from collections.abc import Iterator

from stopper.core.facts import SourceFacts
from stopper.core.flow.view_functions import viewed_class
from stopper.core.values import Call, Item, Member, Name, Value, is_constant, text_of


def is_any_view(what: Value) -> bool:
    """``app.view_functions[rule.endpoint]`` in a loop over the rules: which ones, only the running application knows."""
    return isinstance(what, Item) and text_of(what.key) is None and _table(what) == "view_functions"


def _table(what: Item) -> str:
    """``view_functions``, ``blueprints`` of an application."""
    held = what.owner.attribute if isinstance(what.owner, Member) else getattr(what.owner, "dotted", "")
    return held.rpartition(".")[2]


def views_meant(facts: SourceFacts, what: Value) -> Iterator[tuple[str, frozenset[str]]]:
    """The views with their methods: of a function or a view class, of an endpoint or a name as a text, or of a whole blueprint."""
    if isinstance(what, Name) or viewed_class(what):
        for route in facts.routes_of_view(what.dotted if isinstance(what, Name) else viewed_class(what)):
            yield route.view, frozenset(route.methods)
    elif (said := _said_endpoint(what)) is not None:
        for route in facts.routes:
            if _is_said(route.view, said) or _is_said(f"{route.blueprint}.{route.view.rpartition('.')[2]}", said):
                yield route.view, frozenset(route.methods)
    elif (isinstance(what, Call) and what.method == "Blueprint" and what.args) or (
        isinstance(what, Item) and _table(what) == "blueprints"
    ):
        name = what.key if isinstance(what, Item) else what.args[0]
        for route in facts.routes:
            if is_constant(name, route.blueprint.rpartition(".")[2]):
                yield route.view, frozenset(route.methods)


def _is_said(view: str, said: str) -> bool:
    """A text names a view by its module and its own name, whatever function it was made in, or by the end of its full name."""
    holder, _, name = view.rpartition(".")
    head, _, last = said.rpartition(".")
    return name == last and (f".{holder}".endswith(f".{head}" if head else "") or holder.startswith(f"{head}."))


def _said_endpoint(what: Value) -> str | None:
    """``app.view_functions["shop.cancel"]``, or the view's dotted name as a text."""
    if isinstance(what, Item):
        return text_of(what.key) if _table(what) == "view_functions" else None
    return text_of(what)
