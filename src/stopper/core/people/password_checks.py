"""Whether a call holds what somebody typed against an account's password."""

import re
from functools import lru_cache
from typing import Final

from stopper.core.account_names import CHECKS_PASSWORD
from stopper.core.facts import SourceFacts
from stopper.core.values import Call, Value

_FORMS: Final = re.compile(r"(?i)schema|form$|valid|policy")
_LOGS_IN: Final = re.compile(r"ldap3?\..*bind(?:_s)?")


def checks_password(facts: SourceFacts, call: Call) -> bool:
    """That a library or a function of the project is asked whether a password is right, and not whether a new one is long enough."""
    return is_check(call.callee) and not _asks_form_only(facts, call) and not _binds_for_itself(facts, call)


@lru_cache(maxsize=16384)
def is_check(callee: str) -> bool:
    """The same by the name alone."""
    return CHECKS_PASSWORD.fullmatch(callee) is not None


def _asks_form_only(facts: SourceFacts, call: Call) -> bool:
    """``UserSchema.validate_password(password)``: a new password's length and signs, with nothing to compare it with."""
    function = facts.function(call.callee) if call.method == "validate_password" else None
    if function is None or len(set(function.parameters) - {"self", "cls"}) != 1:
        return False
    return not function.owner or _FORMS.search(function.owner.rpartition(".")[2]) is not None


def _binds_for_itself(facts: SourceFacts, call: Call) -> bool:
    """``ldap3.Connection(server).bind()``: the application logs in to a directory as itself or as nobody, and a caller says no part of it."""
    if _LOGS_IN.fullmatch(call.callee) is None:
        return False
    made = call.receiver
    said: tuple[Value | None, ...] = (*call.args, *(value for _, value in call.keywords))
    if isinstance(made, Call):
        said = (*said, *made.args, *(value for _, value in made.keywords))
    elif made is not None:
        said = (*said, made)
    return not any(
        facts.derives(one, "request-data", "query-string", "authorization-header", "password", by_name=True)
        for one in said
    )
