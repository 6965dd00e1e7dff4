"""One of several values that a function of the project returns together: ``kid, algorithm = peek(token)``."""

from typing import TYPE_CHECKING

from stopper.core.values import Call, Constant, Item, Sequence, Value, options

if TYPE_CHECKING:
    from stopper.core.facts import SourceFacts


def parts_returned(facts: "SourceFacts", value: Item) -> tuple[Value, ...]:
    """What stands at that place in the tuples that the called function returns. Nothing where it is no place in a result of a
    function of the project, or where that function also returns something else than such tuples, literals left out."""
    if not isinstance(value.owner, Call) or not isinstance(value.key, Constant) or type(value.key.value) is not int:
        return ()
    function = facts.function(value.owner.callee)
    found: list[Value] = []
    returns = function.returns if function is not None else ()
    for returned in (one for made in returns for one in options(made)):
        if isinstance(returned, Sequence) and not returned.open and 0 <= value.key.value < len(returned.items):
            found.append(returned.items[value.key.value])
        elif not isinstance(returned, Constant):
            return ()
    return tuple(found)


def asked_member(facts: "SourceFacts", call: Call) -> Item | None:
    """``caller_of(request).get("id")`` of what a function of the project returns, as the member that it asks for."""
    owner = call.receiver
    if call.callee != "?.get" or not call.args or not isinstance(owner, Call) or facts.function(owner.callee) is None:
        return None
    return Item(owner, call.args[0], span=call.span)
