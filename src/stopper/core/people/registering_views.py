"""Views that register somebody, by what they do: a password is hashed or put into a new row, and none is held against what is kept."""

import re
from typing import Final

from stopper.core.account_names import MAKES_HASH, REGISTERS, checks_password_hash, is_password_name, said_name
from stopper.core.fact import SourceRoute
from stopper.core.facts import SourceFacts
from stopper.core.flow.view_functions import FunctionIndex
from stopper.core.people.password_setters import hashing_setters, set_by_property
from stopper.core.values import Call, Item, Member, Parameter, Unknown, Value, text_of, walk

_ASKS: Final = frozenset({"filter_by", "filter", "where", "find_one", "get_or_none"})


def is_named_registration(route: SourceRoute) -> bool:
    """By the last word of the path: ``/auth/signup``, which its blueprint alone calls a log-in."""
    return REGISTERS.search(route.path.rstrip("/").rpartition("/")[2]) is not None


def registers_somebody(index: FunctionIndex, view: str) -> bool:
    """That a POST to the view makes an account, whatever the route is called: who is not there yet has no credential to show."""
    hashing = index.facts.once("functions that hash a password", lambda: _hashing(index.facts))
    if not hashing:
        return False
    names = index.calling([one.name for one in index.of_view(view, method="POST")], 2)
    if any(checks_password_hash(call) for name in names for call in index.facts.calls_in(name)):
        return False
    return any(name in hashing for name in names) and not _holds_hashes(index, names, hashing)


def _holds_hashes(index: FunctionIndex, names: list[str], hashing: frozenset[str]) -> bool:
    """``user.password == hash_password(password)``, ``filter_by(password=hash_password(password))``: what is hashed is held against what is
    kept, as whoever logs in does."""
    compared = (
        side
        for name in names
        for one in index.comparisons.get(name, ())
        if one.operator in ("==", "!=")
        for side in (one.left, one.right)
    )
    asked = (
        value
        for name in names
        for call in index.facts.calls_in(name)
        if call.method in _ASKS or _is_question(call)
        for value in (*call.args, *(given for _, given in call.keywords))
    )
    return any(
        isinstance(part, Call) and (MAKES_HASH.fullmatch(part.callee) is not None or part.callee in hashing)
        for value in (*compared, *asked)
        for part in walk(value, 3)
    )


def _is_question(call: Call) -> bool:
    """``execute("SELECT … WHERE name = ? AND password = ?", (name, hash_password(password)))``"""
    said = (text_of(part) for one in call.args[:1] for part in walk(one, 3))
    return call.method.startswith(("execute", "query")) and any(
        text.lstrip()[:6].lower() == "select" for text in said if text
    )


def _hashing(facts: SourceFacts) -> frozenset[str]:
    hashing = {
        call.function
        for call in facts.calls_matching(MAKES_HASH.pattern)
        if call.function and any(_is_password(facts, _unshaped(value)) for value in call.args)
    }
    setting = {one.function for one in facts.assignments() if one.attribute in hashing_setters(facts)}
    made = {one.function for name in setting for one in set_by_property(facts, name)}
    return frozenset(hashing | made)


_OF_PASSWORDS: Final = re.compile(r"(?i)_?(?:set|hash|make|update|change)_?(?:user_?)?(?:password|passwd|pwd)")


def _is_password(facts: SourceFacts, value: Value) -> bool:
    """By its name, as what was typed into a field of a form: ``form.password.data``, or as what ``set_password(self, value)`` is given."""
    if isinstance(value, Parameter) and _OF_PASSWORDS.fullmatch(value.function.rpartition(".")[2]):
        return True
    typed = isinstance(value, Member) and value.attribute == "data"
    return is_password_name(said_name(value)) or (typed and facts.derives(value, "password"))


def _unshaped(value: Value) -> Value:
    """What ``str(…)`` or ``….encode()`` only reshapes, or ``…[:72]`` cuts to a length."""
    value = value.owner if isinstance(value, Item) and isinstance(value.key, Unknown) else value
    while isinstance(value, Call) and (value.callee == "str" or value.method in ("encode", "strip")):
        inner = value.receiver or (value.args[0] if value.args else None)
        if inner is None:
            break
        value = inner
    return value
