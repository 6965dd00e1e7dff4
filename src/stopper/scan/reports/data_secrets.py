"""Secrets in data that a target shows: passwords in statements of SQL and in sentences, numbers of cards.

What stands behind a usual name and a sign (``password=…``) is masked before, by :mod:`stopper.core.redactor`.
"""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.personal import luhn
from stopper.core.redactor import is_sensitive_name
from stopper.core.secret import MASK

_LONGEST: Final = 8_192
"""Characters of one literal or list that are looked at."""

_QUOTE: Final = r"\\{0,3}[\"']|&(?:quot|\#34|\#39|\#x27);|%22|%27"
_SQL: Final = re.compile(r"(?i)\b(?:select|insert|update|delete|where|values|set)\b")
_NAME: Final = r"(?<![A-Za-z0-9])(?:[A-Za-z]{1,30}_)?(?:pw|pwd|pass|passwd|password|passphrase|secret|token)(?:_?(?:hash|digest|value)|\d)?"
_PAIR: Final = re.compile(
    rf"(?is)({_NAME}(?:[`\]]|{_QUOTE})?(?:\s|%20|\+){{0,4}}(?:<>|[!<>]=|==?|%3D|:|(?:not(?:\s|%20|\+))?i?like\b)(?:\s|%20|\+){{0,4}}n?)"
    rf"({_QUOTE})(?!\*\*\*)(?:(?!\2)(?:\\.|.)|(?:\2){{2}}){{1,{_LONGEST}}}+(?:\2)?"
)
_BARE: Final = re.compile(
    r"(?i)(?<![A-Za-z0-9])((?:[A-Za-z]{1,30}_)?pw\d?\s{0,4}=\s{0,4})(?!\*\*\*)([^\s,;&\"'}\])<>?:%$(]{4,200})"
)
_SAID: Final = re.compile(
    r"(?i)(?<![a-z0-9])((?:password|passwd|pwd|passphrase)(?:\s{1,4}is|\s{1,4}was)\s{1,4}[\"']?)(?=[^\s\"'<]{0,60}\d)([^\s\"'<]{6,200})"
)
_LIST: Final = re.compile(rf"(?is)\(([\w\s,.`\"\[\]\\]{{2,2000}})\)\s{{0,8}}values\s{{0,8}}\(([^\r\n]{{1,{_LONGEST}}})")
_PARAMETERS: Final = re.compile(r"(?i)\[parameters:\s{0,4}\(")
_LITERAL: Final = re.compile(
    rf"'(?:[^'\\]|\\.|''){{0,{_LONGEST}}}+'|\"(?:[^\"\\]|\\.){{0,{_LONGEST}}}+\"|[^,()'\"]{{1,200}}+|,|\(|\)"
)
_SHORT_NAMES: Final = re.compile(r"(?i)(?:.*_)?(?:pw|pwd|pass)\d?")

# ISO/IEC 7812-1: 13 to 19 digits with a check digit; those of cards for payment begin with 2 to 6. Moments in milliseconds begin with 1.
_CARD: Final = re.compile(
    r"(?<![\w.*-])(?:[3-6]\d{12,18}|2[2-7]\d{14}|[2-6]\d{3}([ -])\d{4}\1\d{4}\1\d{1,7}|3\d{3}([ -])\d{6}\2\d{5})(?![\w-]|\.\d)"
)


def statements(value: str) -> str:
    """*value* with the passwords in its statements of SQL as ``***``; to be asked before the redactor, which ends a text at ``''``."""
    if not _speaks_of_secrets(value) or not _SQL.search(value):
        return value
    return _PAIR.sub(rf"\1\2{MASK}\2", _values(value))


def sentences(value: str) -> str:
    """*value* with passwords in sentences as ``***``, and numbers of cards as ``***`` and their last four digits."""
    if _speaks_of_secrets(value):
        value = _BARE.sub(rf"\1{MASK}", _SAID.sub(rf"\1{MASK}", value))
    return cards(value)


def _speaks_of_secrets(value: str) -> bool:
    lowered = value.lower()
    return any(word in lowered for word in ("pw", "pass", "secret", "token"))


def cards(value: str) -> str:
    """*value* with all but the last four digits of a card's number masked."""
    return _CARD.sub(_card, value)


def _card(found: re.Match[str]) -> str:
    digits = re.sub(r"\D", "", found.group())
    return MASK + digits[-4:] if luhn(digits) else found.group()


def _values(value: str) -> str:
    """``INSERT INTO users (name, pw) VALUES ('ann', '…')``, and SQLAlchemy's ``[parameters: ('ann', '…')]`` behind it: by the place."""
    found = _LIST.search(value)
    if found is None:
        return value
    columns = [one.strip(' \t\r\n`"[]\\').rpartition(".")[2] for one in found[1].split(",")]
    secret = {place for place, name in enumerate(columns) if is_sensitive_name(name) or _SHORT_NAMES.fullmatch(name)}
    starts = [found.start(2), *(one.end() for one in _PARAMETERS.finditer(value, found.end(1)))] if secret else []
    spans = sorted({span for start in starts[:4] for span in _placed(value, start, secret)}, reverse=True)
    for start, end in spans:
        value = f"{value[:start]}{value[start]}{MASK}{value[start]}{value[end:]}"
    return value


def _placed(value: str, start: int, places: set[int]) -> Iterator[tuple[int, int]]:
    """Where the texts at these places of a list stand, with their quotes; the list ends where its bracket does."""
    place, depth = 0, 1
    for found in _LITERAL.finditer(value, start):
        word = found.group()
        depth += {"(": 1, ")": -1}.get(word, 0)
        if not depth or found.start() - start > _LONGEST:
            return
        place += word == "," and depth == 1
        if word[0] in "'\"" and place in places and word[1:-1] != MASK:
            yield found.span()
