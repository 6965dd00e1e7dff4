"""Whoever sends something broken learns which statement, file or library to aim at."""

import re
from dataclasses import replace
from typing import Final

from stopper.core.answers.database_errors import SAID, without_quotes
from stopper.core.answers.exceptions_shown import SAID_OF_AN_EXCEPTION
from stopper.core.exchange import Exchange, Response
from stopper.core.finding import Evidence, Verdict
from stopper.core.place import RouteRef
from stopper.core.probe import Steps, Target, failed, not_applicable, passed, send
from stopper.core.probing.baseline import attempt, beyond
from stopper.core.probing.errors_seen import errors_seen
from stopper.core.probing.provoke import Provoked, provoked, to_the_end
from stopper.core.rule import Rule, Severity

DETAILS: Final[tuple[tuple[str, re.Pattern[str]], ...]] = (
    ("a stack trace", re.compile(r"Traceback \(most recent call last\)|File (?:\"|&#34;|&quot;|\\\")[^\"&\n]{1,300}?\.py(?:\"|&#34;|&quot;|\\\"), line \d+")),
    ("the debugger", re.compile(r"__debugger__=yes|EVALEX\s*=")),
    ("a statement of SQL", re.compile(r"\[SQL: |(?i:\bselect\b[^<>\n]{1,300}?\bfrom\b[^<>\n]{1,300}?\bwhere\b|\binsert into \w+ ?\(|\bupdate \w+ set \w+ ?=)")),
    ("the error of a database", SAID),
    ("a path of the server", re.compile(r"(?<![\w/.:])/(?:home|usr|srv|opt|app|var|root|tmp|Users|code|workspace)/[\w./-]{1,200}?\.py\b|\bsite-packages/|[A-Z]:\\\\?[\w\\ .-]{1,200}?\.py\b")),
)  # fmt: skip
"""What only the inside of an application says, by what it is."""
_TEXT: Final = "the text of an exception"
"""Weighs less than the others: a sentence, and neither a file nor a statement."""
TEXT_MOST: Final = 20_000
"""Characters of an answer in which such a text is looked for."""


def probe(target: Target) -> Steps[Verdict]:
    """Look at how each route answers broken bodies, wrong types and wrong values for details of the inside."""
    places: list[RouteRef] = []
    evidence: list[Evidence] = []
    seen: list[str] = []
    for ref, met in errors_seen(target):
        if ref not in places and (shown := details(met.response)):
            if met.response.status < 500 and not _repeats(target, met) and not (yield from _heals(met)):
                continue
            places.append(ref)
            seen.append(shown)
            evidence.append(
                Evidence("exchange", f"this answer, which another probe of the scan met, shows {shown}", met)
            )
    asked = (yield from beyond(provoked(target), places)) or []
    for one in asked:
        if one.ref in places:
            continue
        found = _leaking(target, one)
        if found is not None:
            answer, shown = found
            seen.append(shown)
            places.append(one.ref)
            evidence.append(Evidence("exchange", f"control: {one.ref.path} asked as it wants to be asked", one.honest))
            evidence.append(Evidence("exchange", f"asked wrongly, it shows {shown}", answer))
    if places:
        texts_alone: Severity | None = "medium" if all(shown == _TEXT for shown in seen) else None
        return failed(f"{places[0]} answers what it did not expect with {seen[0]}", places, evidence, texts_alone)
    if not asked:
        return not_applicable("no route can be asked in this mode")
    yield from to_the_end(target)
    return passed(f"none of {len(asked)} routes shows the inside when it fails")


def _repeats(target: Target, met: Exchange) -> bool:
    """Whether the error of a database repeats the word that was sent: it is about this request."""
    said = SAID.search(met.response.text)
    if said is None:
        return False
    sentence = met.response.text[said.start() : said.end() + 200].partition("<")[0]
    return target.canary in sentence


def _heals(met: Exchange) -> Steps[bool]:
    """Whether the same without its quotes is answered without the error: a page that tells of errors all day has none."""
    request = met.request
    if not SAID.search(met.response.text):
        return False
    body = without_quotes(request.body.decode(errors="replace")).encode()
    again = yield from attempt(send(replace(request, target=without_quotes(request.target), body=body)))
    return again is not None and not SAID.search(again.response.text)


def _leaking(target: Target, one: Provoked) -> tuple[Exchange, str] | None:
    before = details(one.honest.response) if one.honest.response.succeeded else ""
    for answer in (*one.wrong, one.honest):
        found = details(answer.response) if answer.response.status >= 400 or _repeats(target, answer) else ""
        if found and found != before:
            return answer, found
    return None


def details(response: Response) -> str:
    """What of the inside the answer shows, or ``""``."""
    text = response.text
    shown = next((said for said, pattern in DETAILS if pattern.search(text)), "")
    return shown or (_TEXT if response.status >= 500 and SAID_OF_AN_EXCEPTION.search(text[:TEXT_MOST]) else "")


RULE = Rule(
    slug="unhandled-error-leaks-details",
    family="leak",
    title="An unhandled error shows the inside",
    harm="Whoever sends something broken learns which statement, file or library to aim at.",
    severity="high",
    check="data-exposure",
    cwe=(209,),
    owasp="API8:2023",
    asvs=("V16.5.1",),
    surfaces=("wsgi", "http"),
    ends="`Stopper(app)` answers an exception with a status and its title, never with its text.",
    provokes=True,
    probe=probe,
    effect_of=("exception-text-in-response", "traceback-in-response", "debug-enabled", "debug-enabled-in-config"),
)
