"""The diffs of a report's fixes, remembered by the bytes of the files and the edits: a run that finds the same as before parses nothing for them."""

import hashlib
import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final, cast

from stopper.scan import cache
from stopper.scan.report import Report
from stopper.scan.reports import masking
from stopper.scan.reports.patch import with_diffs
from stopper.scan.reports.shown import fingerprints

WORTH_KEEPING: Final = 8
"""Edits below which a look into the cache costs more than it saves."""


def with_remembered_diffs(report: Report, read: Callable[[str], bytes | None]) -> Report:
    """*report* with the diff of every finding that has an edit, as :func:`with_diffs` makes it. What is remembered is masked."""
    edits = [finding.edit for finding in report.findings if finding.edit is not None]
    if len(edits) < WORTH_KEEPING:
        return with_diffs(report, read)
    name = _name(report, read)
    kept = _taken(cache.read(name))
    if kept is not None:
        return replace(report, diffs=kept)
    made = with_diffs(report, read)
    masked = {fingerprint: masking.source(diff) for fingerprint, diff in made.diffs.items()}
    cache.write(name, json.dumps(masked, separators=(",", ":")).encode())
    return replace(made, diffs=masked)


def _name(report: Report, read: Callable[[str], bytes | None]) -> str:
    digest = hashlib.blake2b(digest_size=20)
    digest.update(cache.own_code().encode("utf-8", "surrogateescape") + sys.version.encode())
    seen: set[str] = set()
    for finding, fingerprint in zip(report.findings, fingerprints(report.findings), strict=True):
        if finding.edit is None:
            continue
        path = finding.edit.span.path
        if path not in seen:
            seen.add(path)
            data = read(path)
            digest.update(hashlib.blake2b(b"" if data is None else data, digest_size=20).digest())
        digest.update(f"\0{fingerprint}\0{finding.edit!r}".encode("utf-8", "surrogateescape"))
    return f"{digest.hexdigest()}.diffs.json"


def _taken(data: bytes | None) -> Mapping[str, str] | None:
    """What was remembered, if it has the shape that writing gives."""
    try:
        said: object = json.loads(data) if data is not None else None
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, dict):
        return None
    found = cast("dict[str, object]", said)
    whole = {name: text for name, text in found.items() if isinstance(text, str)}
    return whole if len(whole) == len(found) else None
