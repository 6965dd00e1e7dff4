"""Passwords of a request that are held against one that is kept, and set nowhere."""

import re
from typing import Final

from stopper.core.account_names import RESETS, is_password_name, makes_password_hash, said_name
from stopper.core.fact import SourceRoute
from stopper.core.facts import SourceFacts
from stopper.core.values import Call, ConfigValue, EnvironmentValue, Member, Value, walk

_KEPT: Final = re.compile(r"(?i)pass|pwd|hash|md5|sha\d")


def is_held_against(facts: SourceFacts, names: list[str]) -> bool:
    """That the functions only ask for the password."""
    return _holds_against_kept(facts, names) or _holds_against_setting(facts, names)


def _holds_against_kept(facts: SourceFacts, names: list[str]) -> bool:
    """``if person.password_md5 != md5(sent).hexdigest(): return 403``, and nothing else that is called a password is read: it is asked for, not set."""
    read = {one.key for one in facts.readings() if one.function in names and is_password_name(one.key)}
    return len(read) == 1 and any(
        one.operator in ("==", "!=")
        and any(isinstance(side, Member) and _KEPT.search(side.attribute) for side in sides)
        and any(facts.derives(part, "password") for side in sides for part in walk(side, 5))
        for name in names
        for one in facts.comparisons_in(name)
        for sides in ((one.left, one.right),)
    )


def _holds_against_setting(facts: SourceFacts, names: list[str]) -> bool:
    """``compare_digest(form["password"], app.config["FAMILY_CODE"])``: one word that all share who may register, and nobody's own; it is kept nowhere."""
    return not any(makes_password_hash(call) for name in names for call in facts.calls_in(name)) and any(
        call.method == "compare_digest"
        and len(call.args) == 2
        and any(facts.derives(one, "password") and not _is_set(one) for one in call.args)
        and any(_is_set(one) for one in call.args)
        for name in names
        for call in facts.calls_in(name)
    )


def _is_set(value: Value) -> bool:
    return any(isinstance(part, (ConfigValue, EnvironmentValue)) for part in walk(value, 4))


def only_asks_for_letter(facts: SourceFacts, route: SourceRoute, names: list[str]) -> bool:
    """``/forgot`` with a form that has a field for a password from elsewhere: where nothing hashes, keeps or reads one, a letter is sent and no more."""
    if not RESETS.search(f"{route.path} {route.view.rpartition('.')[2]}"):
        return False
    if any(is_password_name(one.key) and one.function in names for one in facts.readings()):
        return False
    calls = [call for name in names for call in facts.calls_in(name)]
    if any(call.method == "populate_obj" or makes_password_hash(call) for call in calls):
        return False
    given = [value for call in calls for value in (*call.args, *(held for _, held in call.keywords))]
    kept = [one for name in names for one in facts.assignments_in(name)]
    if any(is_password_name(one.attribute) for one in kept):
        return False
    given += [one.value for one in kept]
    return not any(
        is_password_name(said_name(part)) or is_password_name(part.name) or _holds_password(part)
        for value in given
        for part in walk(value, 5)
    )


def _holds_password(value: Value) -> bool:
    """``form.password.data``, read as the field that it is, and ``form.data``, in which it is too."""
    if not isinstance(value, Member) or value.attribute != "data" or not isinstance(value.owner, Call):
        return False
    return value.owner.method == "PasswordField" or not value.owner.method.endswith("Field")
