"""What travels between an audit and its child process: rules go by name, secrets only on the way in, masked text on the way out."""

import io
import pickle
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from stopper.core.exchange import Exchange, Headers
from stopper.core.finding import Evidence, Finding
from stopper.core.redactor import is_sensitive_name, mask
from stopper.core.rule import Rule
from stopper.core.secret import MASK, Secret
from stopper.scan.audit.target import Named
from stopper.scan.options import ProbeOptions
from stopper.scan.report import ReadError, Report, RuleOutcome, Skip


@dataclass(frozen=True, slots=True)
class Job:
    """What the child is asked: the target, its parts, the options, and the folder where the answer goes."""

    target: str
    named: Named
    options: ProbeOptions
    folder: str
    alone: bool = True
    """Whether the application gets a network of its own; not when it needs a server of this machine."""
    content: bool = False
    """Whether it stays in that network although it looks for a server of this machine: none answers."""
    only_access: bool = False
    """Whether nothing is probed: only the access table is wanted."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A report, or why there is none: ``usage`` is the caller's mistake, ``incomplete`` the application's end."""

    report: Report | None = None
    usage: str | None = None
    incomplete: str | None = None
    wants: tuple[str, ...] = ()
    """Servers of this machine (``127.0.0.1:5432``) that the application looks for and that a network of its own does not have."""


class _JobPickler(pickle.Pickler):
    def persistent_id(self, obj: Any) -> Any:
        """A Secret travels by its value here, and only here: the pipe to our own child."""
        return ("secret", obj.reveal()) if isinstance(obj, Secret) else None


class _JobUnpickler(pickle.Unpickler):
    def persistent_load(self, pid: Any) -> Any:
        """The Secret again."""
        return Secret(pid[1])


class _AnswerPickler(pickle.Pickler):
    def persistent_id(self, obj: Any) -> Any:
        """A rule travels by its slug: its functions stay where they are."""
        return ("rule", obj.slug) if isinstance(obj, Rule) else None


class _AnswerUnpickler(pickle.Unpickler):
    def __init__(self, data: bytes, rules: Sequence[Rule]) -> None:
        super().__init__(io.BytesIO(data))
        self._rules = {rule.slug: rule for rule in rules}

    def persistent_load(self, pid: Any) -> Any:
        """The rule that the caller gave."""
        try:
            return self._rules[pid[1]]
        except KeyError:
            raise pickle.UnpicklingError("a rule that nobody asked for") from None


def dump_job(job: Job) -> bytes:
    """*job* as bytes."""
    buffer = io.BytesIO()
    _JobPickler(buffer).dump(job)
    return buffer.getvalue()


def load_job(data: bytes) -> Job:
    """The job again."""
    found: Job = _JobUnpickler(io.BytesIO(data)).load()
    return found


def dump_answer(answer: Answer) -> bytes:
    """*answer* as bytes, every text of its report masked: the secrets that are known here are not known to the reader."""
    buffer = io.BytesIO()
    _AnswerPickler(buffer).dump(replace(answer, report=masked(answer.report)) if answer.report is not None else answer)
    return buffer.getvalue()


def load_answer(data: bytes, rules: Sequence[Rule]) -> Answer:
    """The answer again, with the caller's own rules in it."""
    found: Answer = _AnswerUnpickler(data, rules).load()
    return found


def masked(report: Report) -> Report:
    """The same report with every secret that this process knows taken out."""
    return replace(
        report,
        findings=tuple(_finding(finding) for finding in report.findings),
        outcomes=tuple(RuleOutcome(one.slug, one.outcome, mask(one.message), one.check) for one in report.outcomes),
        skipped=tuple(Skip(mask(one.what), mask(one.reason)) for one in report.skipped),
        errors=tuple(ReadError(one.path, mask(one.message), one.line, one.fatal) for one in report.errors),
        access=tuple(replace(row, path=mask(row.path), who=mask(row.who), how=mask(row.how)) for row in report.access),
        reached=tuple(replace(row, ref=replace(row.ref, path=mask(row.ref.path))) for row in report.reached),
    )


def _finding(finding: Finding) -> Finding:
    return replace(finding, message=mask(finding.message), evidence=tuple(_evidence(one) for one in finding.evidence))


def _evidence(one: Evidence) -> Evidence:
    return Evidence(one.kind, mask(one.text), _exchange(one.exchange) if one.exchange is not None else None)


def _exchange(exchange: Exchange) -> Exchange:
    request, response = exchange.request, exchange.response
    return Exchange(
        replace(request, target=mask(request.target), headers=_headers(request.headers), body=_body(request.body)),
        replace(response, headers=_headers(response.headers), body=_body(response.body)),
    )


def _headers(headers: Headers) -> Headers:
    return tuple((name, _header(name, mask(value), value)) for name, value in headers)


def _body(body: bytes) -> bytes:
    try:
        return mask(body.decode("utf-8")).encode("utf-8")
    except UnicodeDecodeError:
        return mask(body.decode("latin-1")).encode("latin-1", "replace")


def _header(name: str, shown: str, value: str) -> str:
    return MASK if shown == value and is_sensitive_name(name) else shown
