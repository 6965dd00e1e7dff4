"""Whether something ends a token that somebody shows, and whether something asks how old it is."""

import re
from typing import Final

from stopper.core.account_names import said_name
from stopper.core.facts import SourceFacts
from stopper.core.people.limiter_facts import says_too_many
from stopper.core.values import Call, Value, is_constant, text_of, walk

_USED: Final = re.compile(
    r"(?i)delete|remove|discard|delitem|used|consum|redeem|revoke|invalidat|burn|getdel|unset|(^|[._])pop$|spent|verify_reset|check_token|loads|decode"
)
"""What ends a token that was shown; one that is signed is looked at by other questions."""
_AGES: Final = re.compile(
    r"(?i)expir|max_age|valid|created|issued|sent_at|ttl|timedelta|time(\.time)?$|setex|usable|stale|fresh|utcnow|\bnow\b|older|lifetime|verify_reset|check_token|loads|decode"
)
"""What says how long a token lives."""
_SENT: Final = r"(?:password|passwd|pwd|e?mail|user_?name|name|phone|input|data|form|json|body|payload|fields?|schema|request|length|strength|complexity|csrf)"
_OF_A_FORM: Final = re.compile(
    rf"validate_on_submit$|(?i:form)\.validate$|(?i:valid\w*?_(?:new_)?{_SENT}|{_SENT}_(?:is_)?valid\w*|check_{_SENT})"
)
"""Asks whether what was sent is filled in well, and not how old a token is."""
_OF_A_TOKEN: Final = re.compile(r"(?i)token|_reset|reset_|link|_code|otp|invit|recover|magic")
"""``validate_email_token``, ``validate_password_reset``: asks a token after all."""
_STATEMENT: Final = re.compile(r"(?i)\s*(?:select|update|delete|insert|replace|with)\b")
_SQL_USED: Final = re.compile(
    r"(?is)\bused|consumed|redeemed|delete\s+from|\bset\b.*\b\w*(?:token|code|key|link|digest|hash)\w*\s*=\s*(?:null|''|\"\")|returning"
)
_SQL_AGES: Final = re.compile(r"(?i)expir|until|valid|created|issued|interval|now\(\)|_at\b")
_WRITES: Final = re.compile(r"(?i)\s*(?:update|insert)\b")
KEPT_AS: Final = re.compile(
    r"(?i)\w*(token|reset|invite|invitation|recovery|magic)\w*|code|key|digest|link|(code|link|key)_(hash|digest)"
)
"""Columns, keys and stores of tokens."""


def ended(facts: SourceFacts, names: list[str]) -> tuple[bool, bool]:
    """Whether something in these functions ends a token that was shown, and whether something asks how old it is."""
    used = ages = False
    for name in names:
        calls = [one for one in facts.calls_in(name) if not _says_nothing(one)]
        if _only_counts(facts, name):
            continue
        given = [value for one in calls for value in (*one.args, *(said for _, said in one.keywords))]
        texts = [text for value in given for part in walk(value, 4) if (text := text_of(part))]
        words = [one.callee for one in calls] + [word for one in calls for word, _ in one.keywords]
        emptied = [one.attribute for one in facts.assignments_in(name) if is_constant(one.value, None, "")]
        words += [one.attribute for one in facts.assignments_in(name) if one.attribute not in emptied]
        compared = [side for one in facts.comparisons_in(name) for side in (one.left, one.right)]
        asked = [one.value for one in facts.conditions_in(name)]
        sides = [word for side in (*compared, *asked) for part in walk(side, 4) for word in _said(part)]
        cleared = any(KEPT_AS.fullmatch(one.attribute) and "." in one.target for one in facts.assignments_in(name))
        sql = [text for text in texts if _STATEMENT.match(text)]  # and no sentence that an answer says
        plain = [text for text in texts if " " not in text and text.isascii()]
        words += [*plain, name.rpartition(".")[2]]
        used = used or cleared or any(map(_USED.search, (*words, *emptied))) or any(map(_SQL_USED.search, sql))
        aging = [one for one in (*words, *sides) if not _OF_A_FORM.search(one) or _OF_A_TOKEN.search(one)]
        ages = ages or any(map(_AGES.search, aging)) or any(map(_SQL_AGES.search, map(_what_is_asked, sql)))
    return used, ages


def _what_is_asked(statement: str) -> str:
    """A statement without what it writes: ``SET reset_until = NULL`` asks nothing of a time."""
    if not _WRITES.match(statement):
        return statement
    return statement.lower().partition(" where ")[2]


def _only_counts(facts: SourceFacts, name: str) -> bool:
    """A counter of callers, which is told of no token: when it forgets them says nothing of one."""
    known = facts.function(name)
    return (
        known is not None
        and not facts.is_view(name)
        and not any(map(KEPT_AS.fullmatch, known.parameters))
        and any(one.method == "abort" and says_too_many(one) for one in facts.calls_in(name))
    )


def _says_nothing(call: Call) -> bool:
    """What is taken out of a session, and bytes that become a text: ``bcrypt.generate_password_hash(typed).decode()``."""
    return call.callee.startswith("flask.session.") or (
        call.method == "decode" and call.receiver is not None and not call.args and not call.keywords
    )


def _said(part: Value) -> tuple[str, ...]:
    return (said_name(part), part.callee) if isinstance(part, Call) else (said_name(part),)
