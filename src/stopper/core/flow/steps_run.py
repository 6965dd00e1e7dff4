"""What a call comes to, where the function that it names does nothing but give back what another one answers."""

from collections.abc import Iterator

from stopper.core.facts import SourceFacts
from stopper.core.values import Call, Choice, Sequence, Value


def steps_run(facts: SourceFacts, callee: str, deep: int = 4) -> Iterator[str]:
    """The callee itself, or what runs in its place: ``current_user.confirm`` of ``def step(): return current_user.confirm(code)``."""
    given = facts.returns_of(callee) if deep and facts.function(callee) is not None else ()
    inner = [name for one in given for name in _answering(one.value)]
    if not inner:
        yield callee
    for name in dict.fromkeys(inner):
        yield from steps_run(facts, name, deep - 1)


def _answering(value: Value) -> Iterator[str]:
    match value:
        case Call(callee=callee):
            yield callee
        case Sequence(items=given) | Choice(options=given):
            for one in given:
                yield from _answering(one)
        case _:
            return
