"""Functions of a project that a view calls to have the caller's rights judged: ``confirm_unit_access(key, unit)`` forbids it, or lets the view
go on."""

import re
from typing import TYPE_CHECKING, Final

from stopper.core.flow.raising import raised_in
from stopper.core.values import Call, is_constant

if TYPE_CHECKING:
    from stopper.core.facts import SourceFacts

_ASKS: Final = re.compile(
    r"(?i)_?(?:confirm|require|assert|ensure|check|verify|enforce|must|demand|validate|authori[sz]e|allow|deny|forbid)(?:_\w+|[A-Z]\w*)?"
)
_OF_RIGHTS: Final = re.compile(
    r"(?i)access|permi|right|allow|owner|member|manag|admin|role|scope|privilege|authori[sz]|may_|can_|belongs|read|write|edit|delete"
)
_FORBIDS: Final = re.compile(
    r"(?i)(?:.*\.)?(?:\w*forbidden\w*|\w*(?:permission|access|authori[sz]ation)_?(?:denied|error)\w*|\w*access_?denied\w*)"
)


def confirms_rights(facts: "SourceFacts", call: Call) -> bool:
    """That the call is one of such a function, by its name and because it forbids something (403). One that asks for a log-in alone, for a
    form's token or for patience does not."""
    word = call.callee.rpartition(".")[2]
    return (
        _ASKS.fullmatch(word) is not None
        and _OF_RIGHTS.search(word.partition("_")[2] or word) is not None
        and facts.function(call.callee) is not None
        and facts.once(f"forbids {call.callee}", lambda: _forbids(facts, call.callee, 2))
    )


def _forbids(facts: "SourceFacts", function: str, depth: int) -> bool:
    if any(_FORBIDS.fullmatch(one.exception) for one in raised_in(facts, function)):
        return True
    return any(
        (call.method == "abort" and is_constant(call.argument(0), 403))
        or (depth > 0 and facts.function(call.callee) is not None and _forbids(facts, call.callee, depth - 1))
        for call in facts.calls_in(function)
    )
