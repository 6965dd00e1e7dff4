"""``# stopper: ignore[slug] reason until=2027-01-31``: comments that take a finding back, collected as facts."""

import io
import re
import tokenize
from collections.abc import Iterator
from typing import Final

from stopper.core.fact import Suppression
from stopper.core.place import Span

COMMENT: Final = re.compile(r"#\s*stopper:\s*ignore(?:\[(?P<slugs>[^\]]*)\])?[ \t]*(?P<rest>[^#]*)")
UNTIL: Final = re.compile(r"\buntil\s*=\s*(?P<date>\d{4}-\d{2}-\d{2})\b")
_BLANK: Final = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT)


def suppressions(text: str, shown: str) -> Iterator[Suppression]:
    """The suppressions of one file, one a slug. Text in a string that looks like one is none."""
    if "stopper:" not in text:
        return
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
    except (tokenize.TokenError, SyntaxError, ValueError):
        return
    code = sorted({token.start[0] for token in tokens if token.type not in _BLANK})
    for token in tokens:
        if token.type != tokenize.COMMENT:
            continue
        match = COMMENT.search(token.string)
        if match is not None:
            line = token.start[0]
            spoken_of = line if line in code else next((later for later in code if later > line), line)
            yield from _parsed(match, token, shown, spoken_of)


def _parsed(match: re.Match[str], token: tokenize.TokenInfo, shown: str, line: int) -> Iterator[Suppression]:
    rest = match["rest"].strip()
    until = UNTIL.search(rest)
    reason = UNTIL.sub("", rest).strip()
    reason = reason.removeprefix("reason=").strip()
    at = Span(shown, token.start[0], token.end[0], token.start[1] + match.start() + 1, token.end[1] + 1)
    for slug in (match["slugs"] or "").split(","):
        yield Suppression(at, line, slug.strip(), reason, until["date"] if until else None)
