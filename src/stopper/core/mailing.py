"""Functions of a project that send mail, whatever they are called."""

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from stopper.core.facts import SourceFacts

_POSTS: Final = re.compile(r"(?i)send(?:_?e?mails?|_message|_async)?")
"""What libraries of mail call the sending."""


def mailers(facts: "SourceFacts") -> frozenset[str]:
    """The functions in which a mail is sent, views left out: ``deliver(to, text)`` ends in ``smtp.send_message(…)``."""
    return facts.once("functions that mail", lambda: _mailers(facts))


def _mailers(facts: "SourceFacts") -> frozenset[str]:
    return frozenset(
        call.function
        for callee in facts.callees()
        if _POSTS.fullmatch(callee.rpartition(".")[2])
        for call in facts.calls(callee)
        if call.function and not facts.is_view(call.function)
    )
