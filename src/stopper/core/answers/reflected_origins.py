"""An answer that lets in whatever website asks: the request's own origin is sent back, and the function does not ask which it is."""

from stopper.core.answers.response_headers import SetHeader
from stopper.core.fact import Comparison, Condition
from stopper.core.facts import SourceFacts
from stopper.core.outgoing.vain_address_checks import is_vain, is_vain_comparison
from stopper.core.place import Span
from stopper.core.values import Call, Constant, Item, Member, Name, Truth, Unknown, Value, options, text_of, walk

_TAKES_APART = ("urlsplit", "urlparse")
_SAYS_IF_ANY = ("bool", "len", "str", "isinstance")
"""Functions of Python that say whether there is an origin, and not which."""
_TESTS = ("startswith", "endswith", "match", "fullmatch", "search", "get", "fnmatch")


def is_sent_back_unasked(facts: SourceFacts, one: SetHeader) -> bool:
    """That the value of this ``Access-Control-Allow-Origin`` is the caller's own origin, with no question about it in the function."""
    return any(is_origin(facts, option) for option in options(one.value)) and not _is_asked(facts, one)


def is_origin(facts: SourceFacts, value: Value) -> bool:
    """That the value is the request's ``Origin`` header (or its ``Referer``), however it is read."""
    for part in walk(value):
        named = isinstance(part, Item) and (text_of(part.key) or "").lower() in ("origin", "referer")
        if (
            named
            and isinstance(part, Item)
            and isinstance(part.owner, Name)
            and part.owner.dotted == "flask.request.headers"
        ):
            return True
        if isinstance(part, (Name, Member)) and _dotted(part) in ("flask.request.origin", "flask.request.referrer"):
            return True
        if isinstance(part, Constant) and part.value in ("HTTP_ORIGIN", "HTTP_REFERER"):
            return True
    return any(
        label.kind == "request-header" and label.source.lower() in ("origin", "referer")
        for label in facts.labels(value)
    )


def _dotted(part: Name | Member) -> str:
    if isinstance(part, Name):
        return part.dotted
    return f"{part.owner.dotted}.{part.attribute}" if isinstance(part.owner, Name) else ""


def _is_asked(facts: SourceFacts, one: SetHeader) -> bool:
    """The function asks what the origin is, further than whether there is one; so does a function that it gives it to."""
    callers = {call.function for call in facts.calls(one.function)} if one.function else set[str]()
    where = {one.function} | (callers if len(callers) == 1 else set[str]())
    return _is_compared(facts, where) or any(
        _is_test(facts, one.span, condition) for condition in facts.conditions() if condition.function == one.function
    )


def _is_compared(facts: SourceFacts, where: set[str]) -> bool:
    """That one of these functions holds the origin against something else than nothing."""
    compared = [
        side
        for comparison in facts.comparisons("in", "not in", "==", "!=")
        if comparison.function in where
        and not _is_left_out(facts, comparison)
        and not is_vain_comparison(comparison)
        and not _is_of_scheme(comparison.left)
        and not _is_of_scheme(comparison.right)
        and not any(isinstance(side, Constant) and not side.value for side in (comparison.left, comparison.right))
        and not (isinstance(comparison.left, Constant) and comparison.operator in ("in", "not in"))
        for side in (comparison.left,) + ((comparison.right,) if comparison.operator in ("==", "!=") else ())
    ]
    return any(is_origin(facts, side) for side in compared)


def _is_left_out(facts: SourceFacts, one: Comparison) -> bool:
    """``if origin not in BLOCKED:`` around what lets it in: a list of those who may not come lets in everybody else."""
    return one.operator == "not in" and any(
        (asked.span.holds(one.span) or any(_says(part, one) for part in walk(asked.value, 4)))
        and not asked.negated
        and not asked.stops
        for asked in facts.conditions_in(one.function)
    )


def _says(value: Value, one: Comparison) -> bool:
    """That the value is what the comparison comes to, where a function of the project makes it."""
    return isinstance(value, Truth) and value.differs and len(value.parts) == 2 and value.parts[0] is one.left


def _is_test(facts: SourceFacts, span: Span, condition: Condition) -> bool:
    """A question such as ``allowed(origin)`` or ``origin.endswith(…)``; ``if origin:`` is none."""
    if condition.body is None or not (condition.body.holds(span) or condition.stops):
        return False
    for part in walk(condition.value):
        if isinstance(part, Call):
            plain = part.method == "get" and text_of(part.argument(0)) in ("Origin", "origin", "HTTP_ORIGIN", "Referer")
            asks = part.method in _TESTS or facts.function(part.callee) is not None
            if (
                part.callee in _SAYS_IF_ANY
                or part.method in _TAKES_APART
                or (asks and not plain and is_vain(facts, part))
            ):
                continue  # a scheme is asked for, or whether there is any origin
            if not plain and any(is_origin(facts, given) for given in (*part.args, *_receivers(part))):
                return True
            if (
                part.method == "intersection"
                and len({is_origin(facts, one) for one in (part.receiver, *part.args) if one}) > 1
            ):
                return True  # what the origin and a list have in common
            if facts.function(part.callee) is not None and _is_compared(facts, {part.callee}):
                return True  # ``if is_ours(request):``
        if isinstance(part, Unknown) and len({is_origin(facts, one) for one in part.parts}) > 1:
            return True  # what the origin and a list have in common
        if isinstance(part, Truth) and any(map(_is_of_scheme, part.parts)):
            continue
        if isinstance(part, Truth) and part.differs and not condition.stops and not condition.negated:
            continue
        if isinstance(part, Truth) and any(is_origin(facts, side) for side in part.parts) and len(part.parts) > 1:
            return not any(isinstance(side, Constant) and not side.value for side in part.parts)
    return False


def _is_of_scheme(value: Value) -> bool:
    """``urlsplit(origin).scheme``, which is the same of every website."""
    return isinstance(value, Member) and value.attribute == "scheme"


def _receivers(call: Call) -> tuple[Value, ...]:
    return (call.receiver,) if call.receiver is not None and call.method in _TESTS else ()
