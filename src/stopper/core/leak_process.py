"""Hooks of the process: log records, standard output and error, warnings, deaths of threads, arguments of processes."""

import logging
import os
import subprocess
import sys
import threading
import traceback
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import TracebackType
from typing import Any, Final, cast

from stopper.core.leak import CodePlace
from stopper.core.leak_frames import place_of, shown_path
from stopper.core.leak_journal import LeakJournal, current
from stopper.core.patches import Patches
from stopper.core.redactor import is_sensitive_name

LONGEST_REPR: Final = 16_384
in_handler: Final = threading.local()
_FIELDS: Final = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}
_CHAIN: Final = 8


def hook(patches: Patches, journal: LeakJournal) -> None:
    """Watch this process until *patches* are undone."""
    patches.put(logging.Logger, "callHandlers", lambda original: _call_handlers(journal, original))
    patches.put(logging.Handler, "format", lambda original: _format(journal, original))
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:  # pyright: ignore[reportUnnecessaryComparison]
            patches.put(stream, "write", lambda original: writing(journal, original))
    patches.put(warnings, "_showwarnmsg", lambda original: _show_warning(journal, original))
    patches.put(sys, "excepthook", lambda original: _uncaught(journal, original))
    patches.put(threading, "excepthook", lambda original: _thread_died(journal, original))
    patches.put(subprocess.Popen, "__init__", lambda original: _popen(journal, original))
    patches.put(os, "system", lambda original: _system(journal, original))


# What a handler gets is looked at after any redaction, which sits before the handlers.


def _call_handlers(journal: LeakJournal, original: Callable[..., None]) -> Callable[..., None]:
    def call_handlers(self: logging.Logger, record: logging.LogRecord) -> None:
        with journal.looking() as now:
            if now:
                place = _place_of_record(journal, record)
                for what, text in _texts_of(record):
                    journal.search(text, "log", f"logger {record.name[:60]}, {what}", place)
        # A log line on the terminal is the log's leak, not a second one.
        outer, in_handler.now = getattr(in_handler, "now", False), True
        try:
            original(self, record)
        finally:
            in_handler.now = outer

    return call_handlers


def _format(journal: LeakJournal, original: Callable[..., str]) -> Callable[..., str]:
    def format(self: logging.Handler, record: logging.LogRecord) -> str:
        line = original(self, record)
        journal.look(line, "log", f"logger {record.name[:60]}, formatted line", _place_of_record(journal, record))
        return line

    return format


def _place_of_record(journal: LeakJournal, record: logging.LogRecord) -> CodePlace | None:
    """For records that no frame of the application writes: where the exception came from, else where the record was made."""
    error = record.exc_info[1] if record.exc_info else None
    if error is not None and (frames := list(journal.own.frames_of(error.__traceback__))):
        return place_of(frames[-1][0].f_code, frames[-1][1])
    if current.get() is not None:
        return None  # a library's record about this request: the view
    return CodePlace(shown_path(record.pathname), record.lineno, record.funcName or "")


def _texts_of(record: logging.LogRecord) -> Iterator[tuple[str, str]]:
    try:
        yield "message", record.getMessage()
    except Exception:  # noqa: BLE001 - a format that does not fit; logging itself prints message and arguments
        yield "message", f"{record.msg!r} {record.args!r}"
    args = record.args
    if args:
        values: Iterable[object] = args.values() if isinstance(args, Mapping) else args
        yield "argument", "\n".join(told(value) for value in values)
    for name, value in record.__dict__.items():
        if name not in _FIELDS and not name.startswith("_"):
            yield f"extra field {name[:40]}", told(value)
    if record.exc_info:
        yield "exception", exception_text(record.exc_info[1])
    for said in (record.exc_text, record.stack_info):
        if said:
            yield "traceback", said


def told(value: object, depth: int = 3) -> str:
    """What a tracker or a formatter would show of *value*: texts as they are, containers by their items, the rest by ``repr``."""
    if isinstance(value, str):
        return value[:LONGEST_REPR]
    if isinstance(value, (bytes, bytearray)):
        return bytes(value[:LONGEST_REPR]).decode("utf-8", "replace")
    if value is None or isinstance(value, (bool, int, float)):
        return ""
    if depth and isinstance(value, dict):
        items = list(cast("dict[object, object]", value).items())[:100]
        return "\n".join(told(part, depth - 1) for item in items for part in item)
    if depth and isinstance(value, (list, tuple, set, frozenset)):
        return "\n".join(told(item, depth - 1) for item in list(cast("Iterable[object]", value))[:100])
    if type(value).__repr__ is object.__repr__ and type(value).__str__ is object.__str__:
        return ""
    try:
        return f"{value!r}\n{value!s}"[: 2 * LONGEST_REPR]
    except Exception:  # noqa: BLE001 - whatever a stranger's __repr__ raises
        return ""


def exception_text(error: BaseException | None) -> str:
    """The types, texts, arguments and notes of an exception and of those behind it. No source lines."""
    parts: list[str] = []
    for _ in range(_CHAIN):
        if error is None:
            break
        parts += [*traceback.format_exception_only(error), told(error.args)]
        if isinstance(error, BaseExceptionGroup):
            group = cast("BaseExceptionGroup[BaseException]", error)
            parts += [exception_text(inner) for inner in group.exceptions[:_CHAIN]]
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return "\n".join(parts)


def look_at_exception(journal: LeakJournal, error: BaseException) -> None:
    """An exception that nobody handled: its text, and the local variables that error trackers send along."""
    with journal.looking() as now:
        if not now:
            return
        frames = list(journal.own.frames_of(error.__traceback__))
        raised = place_of(frames[-1][0].f_code, frames[-1][1]) if frames else CodePlace()
        for secret in journal.watchlist.find(exception_text(error)):
            journal.tell_at(secret, "exception-message", raised, type(error).__name__)
        for frame, line in frames:
            for name, value in list(frame.f_locals.items()):
                # Trackers leave out variables whose names say what they are.
                if not is_sensitive_name(name):
                    for secret in journal.watchlist.find(told(value)):
                        journal.tell_at(secret, "traceback", place_of(frame.f_code, line), f"variable {name[:40]}")


def writing(journal: LeakJournal, original: Callable[..., Any]) -> Callable[..., Any]:
    """A stream's ``write`` that is looked at; *original* may be bound or not."""

    def write(*args: Any) -> Any:
        if journal.running and args and isinstance(args[-1], str) and not getattr(in_handler, "now", False):
            journal.look(args[-1], "print")
        return original(*args)

    return write


def _show_warning(journal: LeakJournal, original: Callable[[Any], None]) -> Callable[[Any], None]:
    def show(message: Any) -> None:
        place = CodePlace(shown_path(str(message.filename)), int(message.lineno))
        journal.look(told(message.message), "warning", message.category.__name__, place)
        original(message)

    return show


def _uncaught(journal: LeakJournal, original: Callable[..., None]) -> Callable[..., None]:
    def uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        look_at_exception(journal, error)
        original(kind, error, trace)

    return uncaught


def _thread_died(journal: LeakJournal, original: Callable[..., None]) -> Callable[..., None]:
    def died(args: threading.ExceptHookArgs) -> None:
        if args.exc_value is not None:
            look_at_exception(journal, args.exc_value)
        original(args)

    return died


def _popen(journal: LeakJournal, original: Callable[..., None]) -> Callable[..., None]:
    def init(self: Any, *args: Any, **options: Any) -> None:
        command: object = args[0] if args else options.get("args")
        journal.look(told(command), "subprocess")
        original(self, *args, **options)

    return init


def _system(journal: LeakJournal, original: Callable[[Any], int]) -> Callable[[Any], int]:
    def system(command: Any) -> int:
        journal.look(told(command), "subprocess")
        return original(command)

    return system
