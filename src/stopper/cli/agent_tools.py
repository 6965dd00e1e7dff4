"""What a coding agent may ask of Stopper. Plain functions: the protocol is in :mod:`stopper.cli.agent_server`."""

import ipaddress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlsplit

from stopper.cli.config import load as load_config
from stopper.cli.nearest import did_you_mean
from stopper.cli.probing import files_of
from stopper.cli.selection import chosen
from stopper.core.errors import UsageError
from stopper.core.rule import Rule
from stopper.scan import catalogue
from stopper.scan.access.text import counted
from stopper.scan.audit.parent import read_access, run_audit
from stopper.scan.check import run_check
from stopper.scan.options import CheckOptions, ProbeOptions
from stopper.scan.report import Report
from stopper.scan.reports.json import document
from stopper.scan.reports.shown import shown
from stopper.scan.run import run_scan
from stopper.scan.score import scored
from stopper.scan.suppression import reader, suppressed

Mode = Literal["passive", "default", "active"]
Answer = dict[str, object]
MOST_FINDINGS: Final = 50
"""An agent reads every word it is given; the rest is counted."""


@dataclass(frozen=True, slots=True)
class Agent:
    """What the person who started the server allows.

    ``root``: the only folder that is read or imported from. ``hosts``: hosts besides loopback that may be scanned.
    ``allow_active``: whether a live API may be written to. An audit works on copies, so it may always be active.
    """

    root: Path
    hosts: frozenset[str] = frozenset()
    allow_active: bool = False

    def check(self, path: str = ".", select: tuple[str, ...] = (), ignore: tuple[str, ...] = ()) -> Answer:
        """Read source below the root. Nothing is imported or run. Raises UsageError."""
        return self._told(self._check(path, chosen(catalogue.load(), select, ignore)))

    def scan(self, url: str, mode: Mode = "default", spec: str | None = None, select: tuple[str, ...] = ()) -> Answer:
        """Ask a live API on loopback or on a host that was allowed at the start. Raises UsageError and IncompleteError."""
        self._judge_host(url)
        if mode == "active" and not self.allow_active:
            raise UsageError("a live API is not written to; start the server as: stopper mcp --allow-active")
        if spec is not None and "://" not in spec:
            spec = str(self._inside(spec))
        elif spec is not None:
            self._judge_host(spec)
        options = ProbeOptions(rules=chosen(catalogue.load(), select, ()), mode=mode, spec=spec, root=self.root)
        return self._told(self._judged(run_scan(url, options)))

    def audit(self, app: str, mode: Mode = "default", select: tuple[str, ...] = ()) -> Answer:
        """Import MODULE:APP from the root, read its source, probe it in process. Raises UsageError and IncompleteError."""
        return self._told(self._audit(app, mode, chosen(catalogue.load(), select, ())))

    def verify_fix(self, rule: str, path: str = ".", app: str | None = None) -> Answer:
        """Whether one weakness is gone: from the source below *path*, and with *app* from the running application too.

        ``fixed`` is None where it could not be told: something was not read, or the probe came to no answer.
        """
        wanted = (self._rule(rule),)
        if app is None and wanted[0].detect is None:
            raise UsageError(f"{rule} is not seen in source; give app as MODULE:APP, so that it is probed")
        report = self._check(path, wanted) if app is None else self._audit(app, "active", wanted)
        told = self._told(report)
        unsure = bool(report.errors) or any(one.outcome == "open" for one in report.outcomes)
        fixed: bool | None = False if report.findings else None if unsure else True
        outcomes = [{"rule": one.slug, "outcome": one.outcome, "message": one.message} for one in report.outcomes]
        return {
            "rule": rule,
            "fixed": fixed,
            "outcomes": outcomes,
            "findings": told["findings"],
            "errors": told["errors"],
        }

    def explain(self, rule: str) -> str:
        """The page of a rule: what it is, a bad and a good app, and the mend."""
        found = self._rule(rule)
        return f"{catalogue.page(found).text}\n\nWhat in Stopper ends it: {found.ends}\n"

    def rules(self) -> Answer:
        """Every rule in one line each."""
        rows = [
            {"rule": one.slug, "severity": one.severity, "check": one.check, "title": one.title}
            for one in catalogue.load()
        ]
        return {"rules": rows}

    def access(self, app: str) -> Answer:
        """Every route and method of MODULE:APP and who may pass it, found by running its guards without its views."""
        rows = read_access(app, ProbeOptions(rules=(), root=self.root))
        doors = [
            {"method": row.method, "route": row.route, "state": row.state, "who": row.who, "known": row.known}
            for row in rows
        ]
        return {"summary": counted(rows), "doors": doors}

    def _check(self, path: str, rules: tuple[Rule, ...]) -> Report:
        options = CheckOptions(paths=(self._inside(path),), root=self.root, rules=rules, exclude=self._excluded())
        return self._judged(run_check(options))

    def _audit(self, app: str, mode: Mode, rules: tuple[Rule, ...]) -> Report:
        return self._judged(run_audit(app, ProbeOptions(rules=rules, mode=mode, root=self.root)))

    def _judged(self, report: Report) -> Report:
        slugs = {rule.slug for rule in catalogue.load()}
        held = suppressed(report, reader(self.root), files_of(report), slugs, datetime.now(UTC).date())
        return scored(held)

    def _told(self, report: Report) -> Answer:
        whole = len(report.findings)
        told = document(shown(replace(report, findings=report.findings[:MOST_FINDINGS])))
        if whole > MOST_FINDINGS:
            told["left_out"] = whole - MOST_FINDINGS
        return told

    def _excluded(self) -> tuple[str, ...]:
        return tuple(load_config(None, self.root).texts("exclude"))

    def _rule(self, slug: str) -> Rule:
        found = catalogue.find(slug)
        if found is None:
            raise UsageError(f"there is no rule {slug!r}{did_you_mean(slug, [one.slug for one in catalogue.load()])}")
        return found

    def _inside(self, path: str) -> Path:
        full = (self.root / path).resolve()
        if not full.is_relative_to(self.root.resolve()):
            raise UsageError(f"{path} is not below {self.root}; the server reads that folder alone")
        if not full.exists():
            raise UsageError(f"{path} is not there; give a path below {self.root}")
        return full

    def _judge_host(self, url: str) -> None:
        try:
            host = urlsplit(url).hostname or ""
        except ValueError:
            raise UsageError("that is no address; give one such as http://127.0.0.1:5000") from None
        if not (_is_loopback(host) or host in self.hosts):
            raise UsageError(
                f"{host or 'no host'} was not named by the person who started this; start it as: stopper mcp --allow-host {host}"
            )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
