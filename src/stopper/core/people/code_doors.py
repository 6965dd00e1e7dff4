"""Where a short code lets somebody in: what such routes are called, and what they hold the code against."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.account_names import makes_password_hash
from stopper.core.fact import SourceRoute
from stopper.core.facts import SourceFacts
from stopper.core.naming import HUMP
from stopper.core.people.written_passwords import puts_password
from stopper.core.values import Call, Value, parts, text_of

_CODE_NAME: Final = re.compile(r"(?i)(^|[/_.-])(verify|verification|confirm|confirmation|activate|reset)([/_.-]|$)")
_CODE_DOOR: Final = re.compile(
    r"(?i)(^|[/_.-])(?:(?:one-time-|login-|sms-)?code|pass-?code|challenge|second-(?:factor|step)|two-?(?:factor|step))([/_.-]|$)"
)
"""Where a code is shown; of other things than log-ins as well, such as of a discount."""
_OF_A_CODE: Final = re.compile(r"(?i).*pyotp.*\.verify")
_SETS_UP: Final = re.compile(r"(?i)set_?-?up|enab|disab|enroll?|activat|confirm|register|remove|delete")
"""Where somebody begins or ends the use of codes: a wrong one opens nothing there."""
_SETS_UP_FACTOR: Final = re.compile(
    r"(?i)_?(?:pre_)?(?:enable|disable|enroll?|set_?up|activate|register|remove|delete)_(?:\w+_)?(?:t?otp|mfa|2fa|factor)"
)
_OPENS: Final = re.compile(r"flask_login\.login_user|(?:.*\.)?(?:create_access_token|jwt\.encode)")
_CODE: Final = re.compile(
    r"(?i)^(otp|totp|pin|code|passcode|(otp|pin|reset|verification)_?code|(reset|security|login|access)_?pin)$"
)
_LOOKS_UP: Final = frozenset(
    {
        "get",
        "getdel",
        "pop",
        "exists",
        "hget",
        "sismember",
        "hexists",
        "delete",
        "find_one",
        "filter_by",
        "where",
        "query",
        "query_one",
        "execute",
        "fetch_one",
        "fetchone",
        "fetchrow",
        "fetchval",
        "select",
    }
)
"""What asks a store whether it has something."""
_ASKS_OTHERS: Final = re.compile(
    r"(?:requests|httpx|aiohttp|urllib3?)\.|.*\.(?:fetch_token|authorize_access_token|exchange_code)$"
)


def takes_code(route: SourceRoute) -> bool:
    """``/verify``, ``/resetPassword``, ``/confirm-email``: what is shown there may be a short code."""
    return _says(route, _CODE_NAME)


def _says(route: SourceRoute, words: re.Pattern[str]) -> bool:
    return any(words.search(HUMP.sub("-", text)) for text in (route.path, route.view.rpartition(".")[2]))


def lets_somebody_in(facts: SourceFacts, functions: list[str], calls: list[Call]) -> bool:
    """That somebody is let in there: something is written into the session, or a token is issued."""
    return any(_OPENS.fullmatch(one.callee) for one in calls) or any(
        one.function in functions for one in facts.flows("session")
    )


def sets_password(facts: SourceFacts, calls: list[Call]) -> bool:
    """That a password which was sent is hashed there, to be kept, or written by a statement."""
    return any(
        (makes_password_hash(one) or one.callee.startswith("hashlib."))
        and any(facts.derives(given, "password") for given in one.args)
        for one in calls
    ) or any(puts_password(facts, one) for one in calls)


def is_code(value: Value) -> bool:
    """That a part of the value is called a code. What another service answered is no code, whatever it was asked with: whoever comes back
    from a provider of log-ins brings one of its own, which nobody guesses."""
    return any(
        _CODE.search(name)
        for part in _own_parts(value)
        for name in (part.name, text_of(getattr(part, "key", None)) or "")
        if name
    )


def _own_parts(value: Value, depth: int = 12) -> Iterator[Value]:
    """The value and its parts, but for what went into a request to another service."""
    level, met = [value], set[int]()
    while level and depth >= 0:
        level = [one for one in level if id(one) not in met]
        met.update(map(id, level))
        yield from level
        level = [
            inner
            for one in level
            if not (isinstance(one, Call) and _ASKS_OTHERS.match(one.callee))
            for inner in parts(one)
        ]
        depth -= 1


def is_code_door(route: SourceRoute) -> bool:
    """``/account/code``: what is shown there may open something other than an account."""
    return _says(route, _CODE_DOOR)


def looks_code_up(facts: SourceFacts, calls: list[Call]) -> bool:
    """``kv.getdel(f"signin:{phone}:{code}")``: the code is a part of what a store is asked for."""
    return any(
        is_code(value) and facts.derives(value, "request-data")
        for call in calls
        if call.method in _LOOKS_UP and not call.callee.startswith("flask.")
        for value in (*call.args, *(said for _, said in call.keywords))
    )


def asks_second_factor(facts: SourceFacts, route: SourceRoute, functions: list[str]) -> bool:
    """A code of six digits is held against the account's secret: who knows the password alone has come this far, and can try a million."""
    if any(_SETS_UP_FACTOR.match(name.rpartition(".")[2]) for name in functions):
        return False
    return not _SETS_UP.search(f"{route.path} {route.view.rpartition('.')[2]}") and any(
        _OF_A_CODE.fullmatch(call.callee)
        or (call.method == "verify" and _OF_A_CODE.fullmatch(f"{getattr(call.receiver, 'callee', '')}.verify"))
        for name in functions
        for call in facts.calls_in(name)
    )
