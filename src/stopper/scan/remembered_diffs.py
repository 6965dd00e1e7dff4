"""The diffs of a report's fixes, remembered one by one by the bytes of the file and the edit: of a file that is as it was nothing is parsed for
them."""

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final, cast

from stopper.core.digests import blake2b
from stopper.scan import cache
from stopper.scan.report import Report
from stopper.scan.reports import masking
from stopper.scan.reports.patch import with_diffs
from stopper.scan.reports.shown import fingerprints

WORTH_KEEPING: Final = 8
"""Edits below which a look into the cache costs more than it saves."""


def with_remembered_diffs(report: Report, read: Callable[[str], bytes | None], home: str = "") -> Report:
    """*report* with the diff of every finding that has an edit, as :func:`with_diffs` makes it. What is remembered is masked. *home*: the
    folder that paths are relative to."""
    edits = [finding.edit for finding in report.findings if finding.edit is not None]
    if len(edits) < WORTH_KEEPING:
        return with_diffs(report, read)
    name = _name(report, home)
    kept = _taken(cache.read(name))
    keys = _keys(report, read)
    known = {fingerprint: kept[key] for fingerprint, key in keys.items() if key in kept}
    if len(known) == len(keys):
        return replace(report, diffs=known)
    made = with_diffs(report, read, known)
    masked = {fingerprint: known.get(fingerprint) or masking.source(diff) for fingerprint, diff in made.diffs.items()}
    written = {keys[fingerprint]: diff for fingerprint, diff in masked.items()}
    cache.write(name, json.dumps(written, separators=(",", ":")).encode())
    return replace(made, diffs=masked)


def _name(report: Report, home: str) -> str:
    said = "\0".join((cache.own_code(), sys.version, home, report.target))
    return f"{blake2b(said.encode('utf-8', 'surrogateescape'), digest_size=20).hexdigest()}.diffs.json"


def _keys(report: Report, read: Callable[[str], bytes | None]) -> dict[str, str]:
    """What the diff of each finding is made of, by fingerprint."""
    found: dict[str, str] = {}
    files: dict[str, str] = {}
    for finding, fingerprint in zip(report.findings, fingerprints(report.findings), strict=True):
        if finding.edit is None:
            continue
        path = finding.edit.span.path
        if path not in files:
            data = read(path)
            files[path] = "" if data is None else blake2b(data, digest_size=20).hexdigest()
        if not files[path]:
            continue
        said = f"{files[path]}\0{fingerprint}\0{finding.edit!r}".encode("utf-8", "surrogateescape")
        found[fingerprint] = blake2b(said, digest_size=20).hexdigest()
    return found


def _taken(data: bytes | None) -> Mapping[str, str]:
    """What was remembered, if it has the shape that writing gives."""
    try:
        said: object = json.loads(data) if data is not None else None
    except (ValueError, RecursionError):
        return {}
    found = cast("dict[str, object]", said) if isinstance(said, dict) else {}
    whole = {key: text for key, text in found.items() if isinstance(text, str)}
    return whole if len(whole) == len(found) else {}
