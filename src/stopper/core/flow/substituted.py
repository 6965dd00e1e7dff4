"""Texts that ``re.sub`` gives back with every sign that means something to somebody still in it."""

import re
from typing import Final

from stopper.core.values import Call, Value, text_of

_HARMLESS: Final = re.compile(r"(?:\\[sntrdb]|[\w ,+*?{}-]|\[(?:\\[sntrd]|[\w ,-])+\])+")
"""Patterns of spaces, words and digits alone: what they match and what they put there is no quote, no slash and no bracket. A pattern with
any other sign in it may be what makes the text safe."""


def left_by_substitution(call: Call) -> Value | None:
    """The text in ``re.sub(r"\\s+", " ", text)``; None where something may be taken out of it that matters."""
    if call.callee == "re.sub":
        pattern, text = call.argument(0, "pattern"), call.argument(2, "string")
    elif call.method == "sub" and isinstance(call.receiver, Call) and call.receiver.callee == "re.compile":
        pattern, text = call.receiver.argument(0, "pattern"), call.argument(1, "string")
    else:
        return None
    said = text_of(pattern)
    return text if said is not None and _HARMLESS.fullmatch(said) is not None else None
