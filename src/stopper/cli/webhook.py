"""``--webhook``: tells an address, signed, when a run found something that an earlier one had not. It never changes findings."""

import json
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from stopper.core.errors import SettingError, UsageError
from stopper.core.secret import Secret

if TYPE_CHECKING:
    from stopper.outbound.client import Client
    from stopper.outbound.webhook import WebhookSigner
    from stopper.scan.compare import Comparison, Difference, Run
    from stopper.scan.report import Report

SHOWN_MOST: Final = 100
"""Findings that one message lists."""
SECONDS: Final = 15.0
TRIES: Final = 3
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where to, signed how, and the run to compare with; None tells of every finding. The URL is a secret too: whoever has it can write."""

    url: Secret
    host: str
    client: "Client" = field(repr=False)
    signer: "WebhookSigner" = field(repr=False)
    before: "Run | None"


def webhook(given: dict[str, Any]) -> Webhook | None:
    """What the options say, or None without ``--webhook``. Raises UsageError before anything was asked of the target."""
    url, secret, baseline = given["webhook"], given["webhook_secret"], given["baseline"]
    if url is None:
        for name, value in (("--webhook-secret", secret), ("--baseline", baseline)):
            if value is not None:
                raise UsageError(f"an address is missing: give --webhook together with {name}")
        return None
    if secret is None:
        raise UsageError("--webhook is signed: give the key as env:VARIABLE or @FILE in --webhook-secret")
    from stopper.cli.diff import read_report
    from stopper.outbound.client import Client
    from stopper.outbound.errors import OutboundError
    from stopper.outbound.limits import Limits
    from stopper.outbound.target import read_url
    from stopper.outbound.webhook import WebhookSigner

    key = _fetched("--webhook-secret", secret)
    address = _fetched("--webhook", url) if url.startswith(("env:", "@")) else Secret(url)
    try:
        target = read_url(address.reveal())
        limits = Limits(total=SECONDS, redirects=0, max_bytes=65_536)
        client = Client(hosts=(target.origin,), limits=limits, allow_loopback_http=True)
        signer = WebhookSigner(key)
    except SettingError as wrong:
        raise UsageError(f"{wrong}: --webhook-secret") from None
    except OutboundError as wrong:
        raise UsageError(f"--webhook: {wrong.message}") from None
    if target.scheme == "http" and target.host not in ("localhost", "127.0.0.1", "::1"):
        raise UsageError("--webhook: plain http would show the findings on the way; give an https:// address")
    return Webhook(address, target.origin, client, signer, read_report(baseline) if baseline is not None else None)


def _fetched(option: str, text: str) -> Secret:
    """The value that a reference leads to. What is none may be the secret itself: it is not repeated.

    The option stands at the end of a message: redaction takes the word behind ``secret`` for one.
    """
    if text.startswith("@"):
        try:
            found = Path(text[1:]).read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as wrong:
            why = (wrong.strerror or "error").lower() if isinstance(wrong, OSError) else "not text"
            raise UsageError(f"{text[1:]} cannot be read ({why}): {option}") from None
    elif text.startswith("env:") and _VARIABLE.fullmatch(text[4:]):
        found = os.environ.get(text[4:], "").strip()
        if not found:
            raise UsageError(f"the variable {text[4:]} is not set; export it first: {option}")
    else:
        raise UsageError(f"only env:VARIABLE or @FILE, so that it does not stand in the list of processes: {option}")
    return Secret(found)


def delivered(hook: Webhook | None, report: "Report", code: int) -> int:
    """*code*, after the news was sent; 3 in the place of 0 where there was news and it did not arrive."""
    if hook is None:
        return code
    from stopper.cli.gate import INCOMPLETE
    from stopper.scan.compare import Run, compare, read
    from stopper.scan.reports import json as json_report

    run = read(json_report.render(report).encode("utf-8", "surrogatepass"))
    before = hook.before or Run(run.target, run.mode, None, None, 0.0, (), frozenset(), incomplete=False)
    found = compare(before, run)
    if not (news := _news(found)):
        return code
    wrong = _sent(hook, _body(report, found, news))
    if not wrong:
        return code
    click.echo(f"stopper: the webhook at {hook.host} was not told of what is new: {wrong}", err=True)
    return code or INCOMPLETE


def _news(found: "Comparison") -> "list[Difference]":
    """What is new or rose, of any severity: the gate decides on the exit code, and news is news."""
    from stopper.cli.diff import counts

    return [one for one in found.differences if counts(one, "low")]


def _sent(hook: Webhook, body: bytes) -> str:
    """Send *body*; what went wrong in a few words, or an empty text. Another try keeps its id, so that the receiver counts it once."""
    from stopper.outbound.errors import CallRefusedError, OutboundError

    wrong, named = "", None
    for _ in range(TRIES):
        signed = hook.signer.headers(body, webhook_id=named)
        named = signed["webhook-id"]
        try:
            reply = hook.client.post(
                hook.url.reveal(), data=body, headers={**signed, "content-type": "application/json"}
            )
        except CallRefusedError as error:
            return (
                error.message
            )  # of an address that is not allowed, or a redirect: nothing that another try would mend
        except OutboundError as error:
            wrong = error.message
            continue
        if reply.status < 300:
            return ""
        wrong = f"it answered {reply.status}"
        if reply.status < 500:
            break
    return wrong


def _body(report: "Report", found: "Comparison", news: "list[Difference]") -> bytes:
    """What is new, masked as every report is; no exchange goes along."""
    told = {
        "type": "stopper.findings.new",
        "target": found.new.target,
        "started": report.started,
        "score": found.new.score,
        "grade": found.new.grade,
        "new": [
            {
                "fingerprint": one.finding.fingerprint,
                "rule": one.finding.rule,
                "severity": one.finding.severity,
                "confidence": one.finding.confidence,
                "message": one.finding.message,
                "places": list(one.finding.places),
                "changes": list(one.changes),
            }
            for one in news[:SHOWN_MOST]
        ],
        "number": len(news),
        "findings": len(found.new.findings),
    }
    return json.dumps(told).encode()
