"""The edit that takes a literal secret out of the source and reads it from the environment."""

import re

from stopper.core.facts import SourceFacts
from stopper.core.place import Span
from stopper.core.rule import Edit
from stopper.core.values import Constant, EnvironmentValue, Value


def from_environment(literal: Constant, variable: str) -> Edit | None:
    """The environment's *variable* in place of a text or bytes of the source. The environment must have it then, with a new value."""
    if literal.span is None or not literal.span.path.endswith(".py") or not re.fullmatch(r"[A-Za-z_]\w*", variable):
        return None
    text = f'os.environ["{variable.upper()}"]'
    if isinstance(literal.value, bytes):
        text += ".encode()"
    return Edit(literal.span, text, safe=False, imports=("os",))


def named_from_environment(facts: SourceFacts, span: Span | None) -> Edit | None:
    """The environment's variable in place of the one literal that a setting or variable on that line is given; its name is the variable's."""
    if span is None:
        return None
    held = [(write.key, write.value, write.span) for write in facts.config_writes()]
    held += [(one.attribute, one.value, one.span) for one in facts.assignments()]
    for name, value, place in held:
        if (place.path, place.line) != (span.path, span.line):
            continue
        edit = from_environment(value, name) if isinstance(value, Constant) else without_fallback(value)
        if edit is not None and place.holds(edit.span):
            return edit
    return None


def without_fallback(value: Value | None) -> Edit | None:
    """``os.environ["X"]`` in place of ``os.environ.get("X", "literal")``: without its secret the application does not start."""
    if isinstance(value, EnvironmentValue) and isinstance(value.default, Constant) and value.default.value is not None:
        if value.span is None or value.default.span is None or not value.span.holds(value.default.span):
            return None  # `os.environ.get("X") or "literal"`
        if not value.span.path.endswith(".py") or not re.fullmatch(r"\w+", value.variable):
            return None
        return Edit(value.span, f'os.environ["{value.variable}"]', safe=False, imports=("os",))
    return None
