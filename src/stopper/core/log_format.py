"""How a log record is written: one event is one line, as text or JSON, masked whatever logger or process it came from."""

import json
import logging
import re
from datetime import UTC, datetime
from typing import Final

from stopper.core.redactor import is_sensitive_name, mask, mask_value
from stopper.core.secret import MASK

_STANDARD: Final = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}
# Whatever a terminal, a log shipper or an editor takes for the end of a line or for an order: C0, C1, DEL, the separators of Unicode
# and the signs that turn the direction of writing.
_UNSAFE: Final = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]|[\ud800-\udfff]"
)
_SHORT: Final = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
CONTEXT: Final = ("request", "upstream", "user", "client")
"""Fields that a filter may set on a record and that both formats show."""


def one_line(text: str) -> str:
    """*text* in which everything that could end, split, turn or colour a line is written out, such as ``\\n`` or ``\\x1b``."""
    return _UNSAFE.sub(_written_out, text)


def _written_out(found: re.Match[str]) -> str:
    char = found[0]
    return _SHORT.get(char) or (f"\\x{ord(char):02x}" if ord(char) < 256 else f"\\u{ord(char):04x}")


class TextFormatter(logging.Formatter):
    """``2026-11-25T08:00:00.123Z WARNING shop.orders request=… user=… order 7 is late``, always one line."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, masked."""
        message = _message(record)
        # What the line says itself, as the audit log does, is not said twice.
        context = "".join(f"{name}={value} " for name, value in _context(record).items() if f"{name}=" not in message)
        said = " ".join(filter(None, (message, _details(self, record))))
        return one_line(mask(f"{_time(record)} {record.levelname} {record.name} {context}{said}"))


class JsonFormatter(logging.Formatter):
    """One JSON object a line: ``time level logger message``, the context, ``error`` and the extra fields under ``fields``."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, masked."""
        shown: dict[str, object] = {
            "time": _time(record),
            "level": record.levelname,
            "logger": mask(record.name),
            "message": mask(_message(record)),
            **{name: mask(value) for name, value in _context(record).items()},
        }
        if details := _details(self, record):
            shown["error"] = mask(details)
        if fields := _fields(record):
            shown["fields"] = fields
        # ASCII only: then no sign is left that could end a line or turn it.
        return json.dumps(shown, default=lambda value: mask(repr(value)))


def _time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception:  # noqa: BLE001 - whatever an argument's __str__ or a wrong format raises
        return f"{record.msg} {record.args!r}"


def _context(record: logging.LogRecord) -> dict[str, str]:
    return {name: str(value) for name in CONTEXT if (value := record.__dict__.get(name))}


def _details(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    said = record.exc_text or (formatter.formatException(record.exc_info) if record.exc_info else "")
    return "\n".join(filter(None, (said, record.stack_info)))


def _fields(record: logging.LogRecord) -> dict[str, object]:
    return {
        name: MASK if is_sensitive_name(name) and value is not None else mask_value(value)
        for name, value in record.__dict__.items()
        if name not in _STANDARD and name not in CONTEXT
    }


class AccessFormatter(logging.Formatter):
    """For the access logs of servers that are set up by name (gunicorn, granian): the line as they make it, masked, one line.

    gunicorn: ``--log-config`` or ``logconfig_dict``; granian: ``--log-config``; see docs/secrets-in-logs.md.
    """

    def format(self, record: logging.LogRecord) -> str:
        """One line, masked."""
        return one_line(mask(super().format(record)))
