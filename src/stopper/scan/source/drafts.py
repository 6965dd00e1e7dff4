"""Makes the frozen values that reading needs by the hundred thousand, at a third of what their own constructors cost.

A frozen dataclass sets each field through ``object.__setattr__``. A draft has the same slots and is filled plainly; then it becomes the
frozen value, which nothing can change any more.
"""

from typing import Any, Final

from stopper.core.place import Span
from stopper.core.values import Call, Constant, Name, Plain, Value

_new: Final = object.__new__
MOST_LINES: Final = 16_384
NUMBERS: Final = tuple(range(MOST_LINES))


class SpanDraft:
    """A place that is being filled; :meth:`stopper.scan.source.reader.Reader.span` does it, for every third node of a tree."""

    __slots__ = ("path", "line", "end_line", "column", "end_column")  # noqa: RUF023 - the order of the frozen class


class _Constant:
    __slots__ = ("value", "span", "name")  # noqa: RUF023


class _Name:
    __slots__ = ("dotted", "span", "name")  # noqa: RUF023


class _Call:
    __slots__ = ("callee", "args", "keywords", "open", "receiver", "function", "span", "name")  # noqa: RUF023


def new_constant(value: Plain, span: Span | None = None, name: str = "") -> Constant:
    """``Constant(…)``"""
    made: Any = _new(_Constant)
    made.value = value
    made.span = span
    made.name = name
    made.__class__ = Constant
    return made  # type: ignore[no-any-return]


def new_name(dotted: str, span: Span | None = None, name: str = "") -> Name:
    """``Name(…)``"""
    made: Any = _new(_Name)
    made.dotted = dotted
    made.span = span
    made.name = name
    made.__class__ = Name
    return made  # type: ignore[no-any-return]


def new_call(
    callee: str, args: tuple[Value, ...], keywords: tuple[tuple[str, Value], ...], is_open: bool, receiver: Value | None,
    function: str, span: Span,
) -> Call:  # fmt: skip
    """``Call(…)``"""
    made: Any = _new(_Call)
    made.callee = callee
    made.args = args
    made.keywords = keywords
    made.open = is_open
    made.receiver = receiver
    made.function = function
    made.span = span
    made.name = ""
    made.__class__ = Call
    return made  # type: ignore[no-any-return]
