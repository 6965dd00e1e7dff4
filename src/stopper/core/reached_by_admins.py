"""Whether only somebody with a role comes to a function, as far as what stands on the way to it says so."""

import re
from typing import Final

from stopper.core.facts import SourceFacts
from stopper.core.owner_names import ROLE
from stopper.core.values import Call, Member, Name, Value, walk

_ADMIN_CLASS: Final = re.compile(r"(?:^|\.)(?:Admin|Administrator|Superuser)(?:[A-Z]\w*)?(?:\.|$)")
_WORDS = ("admin", "role", "staff", "permission", "superuser", "scope")


def is_reached_by_admins(facts: SourceFacts, function: str, *, own: bool = False) -> bool:
    """Something on the way or in the view says that only somebody with a role comes here. Where it is the caller's *own* session that is
    written, the word for what is written (``/role``) says nothing of who may come."""
    known = facts.function(function)
    if function and not facts.is_view(function):
        return True  # what a function is handed was judged, or not, where it is called
    words = [one.name for one in known.decorators] if known is not None else []
    words += [call.callee for call in facts.calls_in(function)]
    words += [one.path for one in facts.routes_of_view(function) if not own or "admin" in one.path.lower()]
    words += [hook for one in facts.routes_of_view(function) for hook in one.hooks]
    if any(word in name.lower() for name in words for word in _WORDS):
        return True
    return any(
        any(
            ROLE.search(name)
            for part in walk(one.value, 3)
            for name in (getattr(part, "attribute", ""), getattr(part, "dotted", "").rpartition(".")[2])
        )
        for one in facts.conditions_in(function)
    )


def logs_in_admins_alone(facts: SourceFacts) -> bool:
    """That Flask-Login is never handed anybody but an administrator, whatever other accounts there are."""
    handed = [value for call in facts.calls("flask_login.login_user") for value in call.args[:1]]
    return bool(handed) and all(any(map(_is_an_admin, walk(value, 6))) for value in handed)


def _is_an_admin(value: Value) -> bool:
    """``AdminAccount.query.filter_by(name=name)``, ``session.get(AdminAccount, number)``, ``passkey.admin_account``."""
    match value:
        case Call(callee=word) | Name(dotted=word):
            return _ADMIN_CLASS.search(word) is not None
        case Member(attribute=word):
            return "admin" in word.lower() and not word.startswith("is_")
        case _:
            return False
