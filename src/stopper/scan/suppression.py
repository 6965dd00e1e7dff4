"""``# stopper: ignore[slug] reason until=2027-01-31`` in the source: a finding that a person has judged, with the reason beside it.

It speaks of its own line, or of the next line of code when it stands alone. Without a slug or a reason it has no effect and is a finding itself (rule
``suppression-without-reason``); with an unknown slug or past its day it has none either, and ``errors`` says so.
"""

import io
import re
import tokenize
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Final

from stopper.core.finding import Finding
from stopper.core.place import Place
from stopper.scan.report import ReadError, Report, Skip
from stopper.scan.source import notebooks
from stopper.scan.source.files import load

_MARK: Final = re.compile(r"#\s*stopper:\s*ignore\b\s*(?P<slugs>\[[^\]]*\])?(?P<rest>[^#]*)")
_UNTIL: Final = re.compile(r"\buntil=(\S*)")


@dataclass(frozen=True, slots=True)
class Suppression:
    """One comment that holds: the line it speaks of, the slugs it names, and the reason."""

    line: int
    slugs: tuple[str, ...]
    reason: str


def suppressed(
    report: Report, read: Callable[[str], bytes | None], paths: Iterable[str], slugs: Collection[str], today: date
) -> Report:
    """*report* without the findings that comments in *paths* suppress; each is told in ``skipped``, each bad comment in ``errors``.

    *read* gives the bytes of a path as the report shows it, or None.
    """
    held: dict[str, list[Suppression]] = {}
    errors: list[ReadError] = []
    for path in paths:
        data = read(path)
        if data is None or b"stopper:" not in data:
            continue
        for found in comments(data, path, slugs, today):
            if isinstance(found, ReadError):
                errors.append(found)
            else:
                held.setdefault(path, []).append(found)
    kept, skipped = _split(report.findings, held)
    return replace(report, findings=kept, skipped=(*report.skipped, *skipped), errors=(*report.errors, *errors))


def comments(data: bytes, path: str, slugs: Collection[str], today: date) -> Iterator[Suppression | ReadError]:
    """Every comment of one file: those that hold, and an error for each that does not."""
    tokens = list(_tokens(data))
    for index, token in enumerate(tokens):
        if token.type != tokenize.COMMENT or not (mark := _MARK.match(token.string)):
            continue
        wrong, names, reason = _judged(mark, slugs, today)
        line = token.start[0]
        if wrong:
            yield ReadError(path, wrong, line, fatal=False)
        elif names and reason:
            alone = not token.line[: token.start[1]].strip()
            yield Suppression(_next_code(tokens, index) if alone else line, names, reason)


def _tokens(data: bytes) -> Iterator[tokenize.TokenInfo]:
    try:
        yield from tokenize.tokenize(io.BytesIO(data).readline)
    except (tokenize.TokenError, SyntaxError, UnicodeDecodeError):
        return  # the reader tells what is wrong with the file


def _next_code(tokens: list[tokenize.TokenInfo], index: int) -> int:
    quiet = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT)
    return next((token.start[0] for token in tokens[index + 1 :] if token.type not in quiet), tokens[index].start[0])


def _judged(mark: re.Match[str], slugs: Collection[str], today: date) -> tuple[str, tuple[str, ...], str]:
    """What is wrong with a comment (``""`` when nothing is), its slugs and its reason."""
    names = tuple(part.strip() for part in (mark["slugs"] or "[]")[1:-1].split(",") if part.strip())
    until = _UNTIL.search(mark["rest"])
    reason = _UNTIL.sub("", mark["rest"]).strip().removeprefix("reason=").strip(" \"'")
    for name in names:
        if name not in slugs:
            import difflib

            close = difflib.get_close_matches(name, list(slugs), n=1)
            near = f"did you mean {close[0]}?" if close else "type stopper rules for the list"
            return f"this ignore names {name}, which is no rule, and has no effect; {near}", (), ""
    wrong = _past(until.group(1), today) if until else ""
    return wrong, names, reason


def _past(text: str, today: date) -> str:
    try:
        until = date.fromisoformat(text)
    except ValueError:
        return f"this ignore has until={text}, which is no day, and has no effect; write until=2027-01-31"
    return (
        f"this ignore ended on {until} and has no effect any more; mend the line or judge it anew"
        if until < today
        else ""
    )


def _split(findings: Iterable[Finding], held: dict[str, list[Suppression]]) -> tuple[tuple[Finding, ...], list[Skip]]:
    kept: list[Finding] = []
    skipped: list[Skip] = []
    for finding in findings:
        places: list[Place] = []
        for place in finding.places:
            by = _suppressor(finding, place, held)
            if by is None:
                places.append(place)
            else:
                skipped.append(Skip(f"{finding.rule.slug} at {place}", f"suppressed in the source: {by.reason}"))
        # What is left without a line is the same root cause seen from outside: it goes with the last suppressed line.
        gone = len(places) < len(finding.places) and all(place.span is None for place in places)
        if not gone:
            kept.append(finding.at(tuple(places)))
    return tuple(kept), skipped


def _suppressor(finding: Finding, place: Place, held: dict[str, list[Suppression]]) -> Suppression | None:
    span = place.span
    if span is None:
        return None
    fitting = (one for one in held.get(span.path, ()) if finding.rule.slug in one.slugs)
    return next((one for one in fitting if span.line <= one.line <= max(span.line, span.end_line)), None)


def reader(root: Path) -> Callable[[str], bytes | None]:
    """Reads a path as reports show it, relative to *root*; None for what is no file there. A pipe is never opened: it would wait."""

    def read(path: str) -> bytes | None:
        try:
            data = load(root / path, path)
        except ValueError:
            return None
        if not isinstance(data, bytes):
            return None
        return notebooks.python_of(data) if path.endswith(notebooks.SUFFIX) else data

    return read
