"""The edit that passes keyword arguments to a call."""

from stopper.core.rule import Edit
from stopper.core.values import Call


def passing(call: Call, *arguments: tuple[str, str], safe: bool) -> Edit | None:
    """*call* with these keywords (name, source of the value) instead of what it passes for them.

    None where it passes unknown arguments, or where one of these has a value that is written elsewhere: it may come out of a mapping.
    """
    if call.span is None or call.open or not arguments:
        return None
    for name, _ in arguments:
        value = call.keyword(name)
        where = None if value is None else getattr(value, "span", None)
        if value is not None and (where is None or not call.span.holds(where)):
            return None
    return Edit(call.span, "", safe, arguments=arguments)
