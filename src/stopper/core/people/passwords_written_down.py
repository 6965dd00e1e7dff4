"""Passwords that are written into a file, a table of commas, or a store of keys."""

from collections.abc import Callable, Iterator
from typing import Final

from stopper.core.facts import SourceFacts
from stopper.core.flow.body_models import classes_by_name
from stopper.core.place import Span
from stopper.core.values import Call, Mapping, Sequence, Value, text_of, walk

_WRITES: Final = (
    "*.hset", "*.hmset", "*.set", "*.setex", "*.write", "*.writerow", "*.writelines", "*.insert_many", "json.dump", "pickle.dump", "yaml.dump",
)  # fmt: skip


def written_down(
    facts: SourceFacts, is_persons: Callable[[str], bool], is_typed: Callable[[Value], bool]
) -> Iterator[Span]:
    """The places that write what *is_typed* under a name that *is_persons*, or as a cell."""
    for call in facts.calls(*_WRITES):
        given = [*call.args, *(value for _, value in call.keywords)]
        pairs = [pair for value in given for part in walk(value, 4) for pair in _named_in(facts, part)]
        if call.method == "hset" and len(call.args) > 2:
            pairs.append((text_of(call.args[1]) or "", call.args[2]))
        if call.method == "writerow":
            pairs += [
                ("password", cell) for value in call.args[:1] if isinstance(value, Sequence) for cell in value.items
            ]
        if call.span and any(is_persons(name) and is_typed(value) for name, value in pairs):
            yield call.span


def _named_in(facts: SourceFacts, part: Value) -> Iterator[tuple[str, Value]]:
    """The members of a mapping, and those of an object of a class that only carries values."""
    if isinstance(part, Mapping):
        yield from ((text_of(key) or "", value) for key, value in part.items)
    elif isinstance(part, Call) and (own := classes_by_name(facts).get(part.callee)) is not None:
        yield from (*part.keywords, *zip(own.fields, part.args, strict=False))
