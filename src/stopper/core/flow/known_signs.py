"""Texts that are made of known signs alone: ``set(sum).issubset("0123456789+-*/(). ")``."""

import re
from typing import Final

from stopper.core.values import Call, Constant, Sequence, Value, text_of

_WRITES_CODE: Final = re.compile(r"[A-Za-z_'\"`\\;&|$<>{}\[\]]|[^\x00-\x7f]")
"""Signs of names, texts and commands; what is written without any of them is a number, or a sum of some."""
_SETS: Final = frozenset({"set", "frozenset"})


def are_known_signs(sent: Value | None, known: Value | None) -> bool:
    """That ``set(sent)`` is held against signs by which nothing can be named."""
    if not isinstance(sent, Call) or sent.callee not in _SETS:
        return False
    signs = _signs(known)
    return signs is not None and _WRITES_CODE.search(signs) is None


def _signs(known: Value | None) -> str | None:
    if isinstance(known, Call) and known.callee in _SETS and len(known.args) == 1:
        known = known.args[0]
    if isinstance(known, Sequence):
        parts = [one.value for one in known.items if isinstance(one, Constant) and isinstance(one.value, str)]
        return "".join(parts) if len(parts) == len(known.items) and parts else None
    return text_of(known) or None
