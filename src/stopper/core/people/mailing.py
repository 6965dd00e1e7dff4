"""Functions of a project that send mail, whatever they are called."""

import re
from typing import TYPE_CHECKING, Final

from stopper.core.values import Call

if TYPE_CHECKING:
    from stopper.core.facts import SourceFacts

_POSTS: Final = re.compile(r"(?i)send(?:_?e?mails?|_message|_async)?")
"""What libraries of mail call the sending."""


_STEPS: Final = 3
"""Functions that hand on to one that sends."""


def mailers(facts: "SourceFacts") -> frozenset[str]:
    """The functions by which a mail is sent, views left out: ``deliver(to, text)`` ends in ``smtp.send_message(…)``."""
    return facts.once("functions that mail", lambda: _mailers(facts))


def _mailers(facts: "SourceFacts") -> frozenset[str]:
    found: set[str] = set()
    senders = {callee for callee in facts.callees() if _POSTS.fullmatch(callee.rpartition(".")[2])}
    for _ in range(_STEPS):
        calling = {name for sender in senders for call in facts.calls(sender) for name in _around(facts, call) if name}
        senders = {name for name in calling - found if not facts.is_view(name)}
        found |= senders
    return frozenset(found)


def _around(facts: "SourceFacts", call: Call) -> tuple[str, ...]:
    """The function that a call belongs to, and the one that it is written in, which has a sole caller where they differ."""
    return (call.function,) if call.span is None else (call.function, facts.function_around(call.span))
