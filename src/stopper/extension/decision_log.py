"""One line for every decision: who, where, what and why, and never a credential."""

import logging
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from stopper.core import registry
from stopper.core.log_redaction import write_masked
from stopper.core.principal import Principal
from stopper.core.redactor import mask
from stopper.extension.response_headers import request_id

log: Final = logging.getLogger("stopper.audit")


def passed(environ: Mapping[str, object], method: str, endpoint: str, principal: Principal | None) -> None:
    """A request may pass."""
    if not log.isEnabledFor(logging.INFO):
        return
    who = "kind=- subject=- credential_id=-"
    known = registry.generation()
    if principal is not None:
        subject, credential = _shown(principal.subject, known), _shown(principal.credential_id or "-", known)
        who = f"kind={principal.kind} subject={subject} credential_id={credential}"
    where = f"method={_shown(method, known)} endpoint={_shown(endpoint, known)}"
    write_masked(log, logging.INFO, f"decision=pass request={request_id(environ)} {where} {who}", "passed")


def refused(
    environ: Mapping[str, object], method: str, endpoint: str, status: int, reason: str, principal: Principal | None
) -> None:
    """A request may not pass, for *reason*, which only this line tells."""
    if not log.isEnabledFor(logging.INFO):
        return
    known = registry.generation()
    subject = "-" if principal is None else _shown(principal.subject, known)
    where = f"method={_shown(method, known)} endpoint={_shown(endpoint, known)}"
    said = f"decision=refuse status={status} reason={reason} request={request_id(environ)} {where} subject={subject}"
    write_masked(log, logging.INFO, said, "refused")


@lru_cache(maxsize=4096)
def _shown(text: str, _known: int) -> str:
    """*text* as one masked word. *_known*: the generation of live secrets; a new one is looked for again."""
    return one_line(mask(text))


def one_line(text: str) -> str:
    """*text* without anything that could end, split or colour a log line."""
    if text.isascii() and text.isprintable() and " " not in text and len(text) <= 200:
        return text
    return "".join(char if char.isprintable() and char != " " else "?" for char in text)[:200]
