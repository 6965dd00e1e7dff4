"""Keeps secrets out of every log of the process: each record is masked before any filter or handler sees it.

Every logger is covered, those of libraries and those made later too, with message, arguments, extra fields, exception and stack. So
are warnings, the texts of exceptions that nobody catches, and what ``http.client`` prints with its debuglevel. Not covered: ``print``
and handlers that are called without a logger; the formatters of ``log_format`` mask there too.
"""

import builtins
import http.client
import logging
import sys
import threading
import traceback
import warnings
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Final, TextIO, cast

from stopper.core import registry
from stopper.core.redactor import is_sensitive_name, mask, mask_value
from stopper.core.secret import MASK

_FIELDS: Final = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}
_FIELD_COUNT: Final = len(logging.makeLogRecord({}).__dict__)
_OWN_FILE: Final = "stopper"
_PLAIN: Final = frozenset({int, float, bool, type(None)})
_MOST_NAMES: Final = 4096
_formatter: Final = logging.Formatter()

_lock: Final = threading.Lock()
_good_names: dict[str, int] = {}
"""Names of loggers that hold no secret, each with the generation of secrets for which that was looked at."""
_originals: dict[str, Any] = {}
_handle_bare: Final = logging.Logger.handle


def install() -> None:
    """Mask from now on. Calling it again changes nothing."""
    with _lock:
        if _originals:
            return
        _originals.update(
            handle=_handle_bare,
            warning=warnings.showwarning,
            uncaught=sys.excepthook,
            thread=threading.excepthook,
            unraisable=sys.unraisablehook,
        )
        logging.Logger.handle = _handle  # type: ignore[method-assign]
        warnings.showwarning = _show_warning
        sys.excepthook = _uncaught
        threading.excepthook = _thread_died
        sys.unraisablehook = _unraisable
        http.client.print = _print  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]


def uninstall() -> None:
    """Undo :func:`install`; what somebody else has hooked in since stays."""
    with _lock:
        if not _originals:
            return
        for owner, name, ours, key in (
            (logging.Logger, "handle", _handle, "handle"),
            (warnings, "showwarning", _show_warning, "warning"),
            (sys, "excepthook", _uncaught, "uncaught"),
            (threading, "excepthook", _thread_died, "thread"),
            (sys, "unraisablehook", _unraisable, "unraisable"),
        ):
            if getattr(owner, name) is ours:
                setattr(owner, name, _originals[key])
        if vars(http.client).get("print") is _print:
            del http.client.print  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
        _originals.clear()


def is_installed() -> bool:
    """Whether records are masked now."""
    return bool(_originals) and logging.Logger.handle is _handle


def clean(record: logging.LogRecord) -> None:
    """Mask everything in *record* that a handler could show."""
    args = record.args
    if _good_names.get(record.name) != registry.generation():
        _clean_name(record)
    try:
        message, fits = record.getMessage(), True
    except Exception:  # noqa: BLE001 - whatever an argument's __str__ or a wrong format raises; logging would print it all raw
        message, fits = f"{record.msg} {args!r}", False
    masked = mask(message)
    if fits and masked == message and args and _hide_pieces(record):
        masked = mask(record.getMessage())
    if masked != message or not fits:
        record.msg, record.args = masked, ()
    elif type(record.msg) is not str:
        record.msg, record.args = message, ()
    elif type(args) is not tuple and isinstance(args, Mapping):
        # What the format left out goes. A masked copy would not do: gunicorn's mapping answers for keys that it has not.
        record.msg, record.args = message, ()
    elif args:
        _clean_arguments(record, message)
    if len(record.__dict__) != _FIELD_COUNT:
        _clean_extra(record)
    if record.exc_info or record.exc_text:
        _clean_exception(record)
    if record.stack_info:
        record.stack_info = mask(record.stack_info)


def _clean_arguments(record: logging.LogRecord, message: str) -> None:
    # An argument that stands whole in the masked message is clean; one that was cut or left out is looked at by itself.
    args = record.args
    if not args:
        return
    for arg in args:
        if type(arg) not in _PLAIN and not (type(arg) is str and arg in message):
            record.args = tuple(mask_value(arg) if type(arg) is not str or arg not in message else arg for arg in args)
            return


def _clean_name(record: logging.LogRecord) -> None:
    masked = mask(record.name)
    if masked != record.name:
        record.name = masked
        return
    if len(_good_names) > _MOST_NAMES:
        _good_names.clear()
    _good_names[record.name] = registry.generation()


def _hide_pieces(record: logging.LogRecord) -> bool:
    """Mask the arguments that make a live secret only when put together; whether there were any."""
    args = record.args
    if not isinstance(args, tuple) or len(args) < 2:
        return False
    # A text with a blank in it is no piece of a key.
    if not registry.may_stand_in("".join([arg for arg in args if type(arg) is str and " " not in arg])):
        return False
    taken = _crossing([arg if type(arg) is str and " " not in arg else "" for arg in args])
    if taken:
        record.args = tuple(MASK if number in taken else arg for number, arg in enumerate(args))
    return bool(taken)


def _crossing(pieces: list[str]) -> set[int]:
    """The numbers of those pieces that make a live secret together and not alone."""
    joined = "".join(pieces)
    found: set[int] = set()
    for form in registry.found_in(joined):
        at = joined.find(form)
        while at >= 0:
            inside = _pieces_at(pieces, at, at + len(form))
            if len(inside) > 1:
                found |= inside
            at = joined.find(form, at + len(form))
    return found


def _pieces_at(pieces: list[str], first: int, last: int) -> set[int]:
    found: set[int] = set()
    start = 0
    for number, piece in enumerate(pieces):
        if start < last and start + len(piece) > first:
            found.add(number)
        start += len(piece)
    return found


def _clean_extra(record: logging.LogRecord) -> None:
    for name, value in list(record.__dict__.items()):
        if name in _FIELDS:
            continue
        hidden = is_sensitive_name(name) and type(value) not in (bool, type(None))
        record.__dict__[name] = MASK if hidden else mask_value(value)


def _clean_exception(record: logging.LogRecord) -> None:
    said = record.exc_text
    if said is None and isinstance(record.exc_info, tuple) and record.exc_info[0] is not None:
        said = _formatter.formatException(record.exc_info)
    if said is None:
        return
    masked = mask(said)
    if masked != said:
        # The exception itself goes: its arguments and its frames hold what the text no longer shows.
        record.exc_text, record.exc_info = masked, None


def _handle(self: logging.Logger, record: logging.LogRecord) -> None:
    clean(record)
    _handle_bare(self, record)


def write_masked(logger: logging.Logger, level: int, message: str, function: str) -> None:
    """Log *message*, whose foreign parts the caller has masked: nothing is looked for a second time.

    For lines of our own that every request writes; where they come from is not looked up either.
    """
    record = logging.getLogRecordFactory()(logger.name, level, _OWN_FILE, 0, message, (), None, function)
    _handle_bare(logger, record)


def _print(*values: object, **options: Any) -> None:
    # http.client tells its debuglevel with print: whole headers, and the body after them.
    builtins.print(*(mask(str(value)) for value in values), **options)  # noqa: T201


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    text = str(message)
    masked = mask(text)
    shown = message if masked == text else masked
    _originals["warning"](shown, category, filename, lineno, file, line)


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if not _print_masked(kind, error, trace):
        _originals["uncaught"](kind, error, trace)


def _thread_died(died: threading.ExceptHookArgs) -> None:
    error = died.exc_value
    if error is None or not _print_masked(died.exc_type, error, died.exc_traceback):
        _originals["thread"](died)


def _unraisable(unraisable: Any) -> None:
    error = unraisable.exc_value
    if error is None or not _print_masked(cast("type[BaseException]", type(error)), error, unraisable.exc_traceback):
        _originals["unraisable"](unraisable)


def _print_masked(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> bool:
    """Print the traceback masked, if there is something to mask."""
    text = "".join(traceback.format_exception(kind, error, trace))
    masked = mask(text)
    if masked == text:
        return False
    if sys.stderr is not None:  # pyright: ignore[reportUnnecessaryComparison]
        sys.stderr.write(masked)
    return True
