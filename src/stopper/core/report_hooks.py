"""For those who send errors and traces to a service elsewhere: plain functions that mask what is about to leave.

``sentry_sdk.init(…, before_send=before_send, before_send_transaction=before_send, before_breadcrumb=before_send,
before_send_log=before_send)``; for OpenTelemetry, ``mask_attributes`` in an exporter or a span processor.
"""

from collections.abc import Mapping
from typing import Any, Final, cast

from stopper.core.redactor import mask, mask_value

_DEPTH: Final = 32
"""Deeper than a stack of an event: exception, values, stacktrace, frames, vars, and what stands in a variable."""


def before_send(event: dict[str, Any], hint: object = None) -> dict[str, Any]:
    """A copy of *event* with every known secret, everything of a credential's shape and every value under a sensitive name masked."""
    return cast("dict[str, Any]", mask_value(event, depth=_DEPTH))


def mask_attributes(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of a span's, event's or log record's attributes, masked as :func:`before_send` does."""
    return cast("dict[str, Any]", mask_value(dict(attributes), depth=_DEPTH))


def mask_text(text: str) -> str:
    """A span's name, a status or a message, masked."""
    return mask(text)
