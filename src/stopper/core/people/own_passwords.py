"""Functions that give a new password to who is calling, however they write it."""

import re
from typing import Final

from stopper.core.account_names import is_password_name, makes_password_hash
from stopper.core.fact import Assignment
from stopper.core.facts import SourceFacts
from stopper.core.owner_names import WHO
from stopper.core.values import Call, Constant, Name, Value, text_of, walk

_FINDS: Final = frozenset({"get", "get_or_404", "filter_by", "filter", "where", "find_one", "one_or_404", "get_by_id"})
_UPDATE: Final = re.compile(r"(?i)\s*update\s")
_SETS: Final = re.compile(
    r"(?is)\s*update\b[^;]{0,200}?\bset\b[^;]{0,400}?\b(?:pw|pwd|pass|passwd|password|passphrase)\w{0,20}\s*="
)
_OWN_ID: Final = re.compile(r"flask\.g\.(?:uid|sub|me|who|caller|person)(?:_?id)?(?:\.\w+)?")


def changes_oneself(facts: SourceFacts) -> frozenset[str]:
    """Functions that give a new password to who is calling, whatever they are called: ``current_user.secret = hasher.hash(…)``."""
    found = {
        call.function
        for call in facts.calls("*.set_password", "*.change_password", "*.update_password")
        if WHO.search(call.receiver.dotted if isinstance(call.receiver, Name) else call.callee.rpartition(".")[0])
    }
    hashing = {
        call.function
        for call in facts.calls("*.hash", "*.generate_password_hash", "*.hashpw", "*.hash_password")
        if call.function
    }
    found |= {
        name
        for name in hashing
        for one in facts.assignments_in(name)
        if isinstance(one.value, Call) and makes_password_hash(one.value) and WHO.search(one.target.rpartition(".")[0])
    }
    found |= {call.function for call in facts.calls("*.execute") if call.function in hashing and _updates_caller(call)}
    giving = {call.function for call in facts.calls("*.set_password", "*.change_password", "*.update_password")}
    giving |= {
        name
        for name in hashing
        for one in facts.assignments_in(name)
        if "." in one.target and re.search(r"(?i)pass|pwd", one.attribute)
    }
    setting = [one for one in facts.assignments() if is_password_name(one.attribute) and "." in one.target]
    writing = {one.function for one in setting if one.function and _is_typed(facts, one)}
    found |= {one.function for one in setting if one.function in writing and WHO.search(one.target.rpartition(".")[0])}
    giving |= writing
    found |= {call.function for name in giving for call in facts.calls(name) if any(map(_is_caller, call.args))}
    found |= {call.function for name in hashing for call in facts.calls(name) if _hands_both(facts, call)}
    return frozenset(found | {name for name in giving - found if _looks_caller_up(facts, name)})


def writes_password(facts: SourceFacts, name: str) -> bool:
    """``current_user.password = form.password.data``: what the caller typed goes to a property, which hashes it elsewhere; or a statement
    sets it: ``run("UPDATE users SET pw = ? WHERE id = ?", …)``."""
    return _runs_update(facts, name) or any(
        is_password_name(one.attribute) and "." in one.target and _is_typed(facts, one)
        for one in facts.assignments_in(name)
    )


def _runs_update(facts: SourceFacts, name: str) -> bool:
    return any(
        (text := text_of(part)) is not None and _SETS.match(text) is not None
        for call in facts.calls_in(name)
        for part in walk(call.argument(0), 3)
    )


def _is_typed(facts: SourceFacts, one: Assignment) -> bool:
    return not isinstance(one.value, Constant) and facts.derives(one.value, "password", "request-data", by_name=False)


def _is_caller(value: Value) -> bool:
    """``SETTERS[name](current_user, value)``: a step that gives somebody a password is handed who is calling."""
    return isinstance(value, Name) and WHO.search(value.dotted) is not None


def _hands_both(facts: SourceFacts, call: Call) -> bool:
    """``profile.update(g.user.id, password=body["password"])``: what hashes it is handed who is calling, and what was typed."""
    given = (*call.args, *(value for _, value in call.keywords))
    return any(_is_caller(part) for value in given for part in walk(value, 2)) and any(
        is_password_name(name) and facts.derives(value, "request-data") for name, value in call.keywords
    )


def _updates_caller(call: Call) -> bool:
    """``execute("UPDATE users SET hash = ? WHERE id = ?", (hasher.hash(…), g.uid))``: the statement that sets one says who is calling."""
    if not any(_UPDATE.match(text_of(one) or "") for one in walk(call.argument(0), 3)):
        return False
    given = [part for value in call.args[1:] for part in walk(value, 2)]
    return any(isinstance(one, Call) and makes_password_hash(one) for one in given) and any(
        isinstance(one, Name) and (WHO.search(one.dotted) or _OWN_ID.fullmatch(one.dotted)) for one in given
    )


def _looks_caller_up(facts: SourceFacts, name: str) -> bool:
    """``member = db.session.get(Member, get_jwt_identity())``, and nobody new is made."""
    calls = list(facts.calls_in(name))
    return not any(call.method in ("add", "insert_one", "create") for call in calls) and any(
        call.method in _FINDS
        and any(
            isinstance(part, (Name, Call)) and WHO.search(part.dotted if isinstance(part, Name) else part.callee)
            for value in (*call.args, *(said for _, said in call.keywords))
            for part in walk(value, 2)
        )
        for call in calls
    )
