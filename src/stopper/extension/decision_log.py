"""One line for every decision: who, where, what and why, and never a credential."""

import logging
from collections.abc import Mapping
from typing import Final

from stopper.core.principal import Principal
from stopper.extension.response_headers import request_id

log: Final = logging.getLogger("stopper.audit")


def passed(environ: Mapping[str, object], method: str, endpoint: str, principal: Principal | None) -> None:
    """A request may pass."""
    if not log.isEnabledFor(logging.INFO):
        return
    kind, subject, credential = ("-", "-", "-")
    if principal is not None:
        kind, subject, credential = (
            principal.kind,
            one_line(principal.subject),
            one_line(principal.credential_id or "-"),
        )
    log.info(
        "decision=pass request=%s method=%s endpoint=%s kind=%s subject=%s credential_id=%s",
        request_id(environ), one_line(method), endpoint, kind, subject, credential,
    )  # fmt: skip


def refused(
    environ: Mapping[str, object], method: str, endpoint: str, status: int, reason: str, principal: Principal | None
) -> None:
    """A request may not pass, for *reason*, which only this line tells."""
    if not log.isEnabledFor(logging.INFO):
        return
    subject = "-" if principal is None else one_line(principal.subject)
    log.info(
        "decision=refuse status=%d reason=%s request=%s method=%s endpoint=%s subject=%s",
        status, reason, request_id(environ), one_line(method), endpoint, subject,
    )  # fmt: skip


def one_line(text: str) -> str:
    """*text* without anything that could end, split or colour a log line."""
    if text.isascii() and text.isprintable() and " " not in text and len(text) <= 200:
        return text
    return "".join(char if char.isprintable() and char != " " else "?" for char in text)[:200]
