"""What makes the frozen values that reading needs most, as :mod:`stopper.core.drafts` does."""

from typing import Final

from stopper.core.drafts import drafted
from stopper.core.fact import Assignment, Comparison, Condition, Decorator, Flow, Function, Return, Text
from stopper.core.place import Span
from stopper.core.values import (
    Call,
    Choice,
    Constant,
    Format,
    Item,
    Mapping,
    Member,
    Name,
    Parameter,
    Sequence,
    Truth,
    Unknown,
)

MOST_LINES: Final = 16_384
NUMBERS: Final = tuple(range(MOST_LINES))


class SpanDraft:
    """A place that is being filled; :meth:`stopper.scan.source.reader.Reader.span` does it, for every third node of a tree."""

    __slots__ = ("path", "line", "end_line", "column", "end_column")  # noqa: RUF023 - the order of the frozen class


new_span: Final = drafted(Span)
new_constant: Final = drafted(Constant)
new_name: Final = drafted(Name)
new_call: Final = drafted(Call)
new_member: Final = drafted(Member)
new_item: Final = drafted(Item)
new_parameter: Final = drafted(Parameter)
new_choice: Final = drafted(Choice)
new_sequence: Final = drafted(Sequence)
new_mapping: Final = drafted(Mapping)
new_format: Final = drafted(Format)
new_truth: Final = drafted(Truth)
new_unknown: Final = drafted(Unknown)
new_assignment: Final = drafted(Assignment)
new_comparison: Final = drafted(Comparison)
new_condition: Final = drafted(Condition)
new_return: Final = drafted(Return)
new_function: Final = drafted(Function)
new_decorator: Final = drafted(Decorator)
new_flow: Final = drafted(Flow)
new_text: Final = drafted(Text)
