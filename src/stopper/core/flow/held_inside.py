"""What a mapping or a sequence holds, whichever of several a value may be."""

from collections.abc import Iterator

from stopper.core.values import Mapping, Sequence, Value, options, text_of


def members(value: Value) -> Iterator[tuple[str, Value]]:
    """The names and values of mappings, also of those inside them: ``{"$set": {"password": typed}}``."""
    for option in options(value):
        for key, inner in option.items if isinstance(option, Mapping) else ():
            yield text_of(key) or "", inner
            yield from members(inner)


def elements(value: Value) -> Iterator[Value]:
    """What a sequence holds, what a mapping has under its names, or the value itself."""
    for option in options(value):
        if isinstance(option, Sequence):
            yield from option.items
        elif isinstance(option, Mapping):
            yield from (inner for _, inner in option.items)
        else:
            yield option
