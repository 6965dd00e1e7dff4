"""Where a stranger has a mail or message sent: a forgotten password, a code once more (ASVS V6.3.1, OWASP Forgot Password Cheat Sheet)."""

import re
from typing import Final

from stopper.core.account_names import said_name
from stopper.core.fact import SourceRoute
from stopper.core.facts import SourceFacts
from stopper.core.naming import HUMP
from stopper.core.people.mailing import mailers
from stopper.core.values import Call, Item, Member, walk

_ASKS: Final = re.compile(
    r"(?i)forgot|(?:reset|recover|lost)(?:[/_.-]?(?:my)?[/_.-]?(?:password|pass|pwd|account|request|link|mail|email))?(?:$|[/_.])|password[/_.-](?:reset|recovery)"
    r"|(?:re)?send[/_.-](?:\w+[/_.-])?(?:otp|code|pin|verification|confirmation)|(?:request|new)[/_.-](?:otp|code|pin)\b|magic[/_.-]?link"
)
_SENDS: Final = re.compile(
    r"(?i)(?:^|_)(?:send|mail|email|e_mail|sms|text_message|notify|deliver|dispatch|enqueue|publish|delay|apply_async)(?:_|$)"
)
_ACCOUNT: Final = re.compile(r"(?i)e?-?mail|user|login|phone|mobile|account|number")
_ORDERS: Final = ("<", "<=", ">", ">=")
_WHEN: Final = re.compile(r"(?i)(?:sent|requested|asked|last|reset|issued|created|next|retry|cool_?down)")
_BEHIND: Final = re.compile(r"(?i)token|code|key|uid|hash")
"""What stands in the path where somebody comes back with what was sent."""


def asks_for_message(facts: SourceFacts, route: SourceRoute, functions: list[str], calls: list[Call]) -> bool:
    """That the route has something sent to the account whose address or name the caller writes."""
    names = (route.path, route.view.rpartition(".")[2])
    if "POST" not in route.methods or not any(_ASKS.search(HUMP.sub("-", text)) for text in names):
        return False
    if any(_BEHIND.search(name) for name, _ in route.parameters):
        return False
    if any(_looks_at_a_time(facts, name) for name in functions):
        return False
    if not any(one.function in functions and _ACCOUNT.search(one.key) for one in facts.readings()):
        return False
    return any(_SENDS.search(call.method or call.callee) or call.callee in mailers(facts) for call in calls)


def _looks_at_a_time(facts: SourceFacts, name: str) -> bool:
    """``user.reset_sent_at < now - timedelta(minutes=5)``: who asked a moment ago is not sent another one."""
    sides = [side for one in facts.comparisons_in(name) if one.operator in _ORDERS for side in (one.left, one.right)]
    return any(
        isinstance(part, (Member, Item)) and _WHEN.search(said_name(part)) for side in sides for part in walk(side, 3)
    )
