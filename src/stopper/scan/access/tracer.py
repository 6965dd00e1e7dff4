"""Follows one request through the layers of its way and ends it at the door of the view, before a line of the view has run."""

import contextlib
import signal
import sys
import threading
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from types import CodeType, FrameType
from typing import Any, Final, Literal

from stopper.scan.access.layers import Layer

End = Literal["inside", "passed", "answered", "raised"]
SECONDS: Final = 3.0
"""How long one traced request may take."""


class Reached(BaseException):
    """Thrown where the body of the view would begin. No ``except Exception`` of an application holds it up."""


class TookTooLong(BaseException):
    """Thrown into a request that does not end."""


@dataclass(slots=True)
class Journey:
    """What one request met: the layers that ran, in order, how each ended, and whether the view was reached."""

    layers: Sequence[Layer]
    reached: bool = False
    entered: list[int] = field(default_factory=list[int])
    ends: dict[int, End] = field(default_factory=dict[int, End])
    status: int = 0
    location: str = ""
    late: bool = False

    @property
    def last(self) -> int | None:
        """The index of the layer that was entered last, when the request came no further."""
        return self.entered[-1] if self.entered else None


def journey(layers: Sequence[Layer], body: CodeType | None, call: Callable[[], tuple[int, str]]) -> Journey:
    """Make *call*, which gives a status and a Location, and follow it."""
    made = Journey(layers)
    watched: dict[int, list[int]] = {}
    for index, layer in enumerate(layers):
        for code in layer.codes:
            watched.setdefault(id(code), []).append(index)
    with _following(_Tracer(made, watched, body)), _clock():
        try:
            made.status, made.location = call()
        except Reached:
            made.reached = True
        except TookTooLong:
            made.late = True
        except BaseException:  # noqa: BLE001 - whatever the application throws is its answer
            made.status = 500
    return made


class _Tracer:
    """A trace function (:func:`sys.settrace`) that looks at calls alone, not at lines."""

    def __init__(self, made: Journey, watched: dict[int, list[int]], body: CodeType | None) -> None:
        self._made = made
        self._watched = watched
        self._body = body

    def __call__(self, frame: FrameType, event: str, arg: Any) -> Any:
        """The trace of one frame, or None where nobody wants to know."""
        if event != "call":
            return None
        code = frame.f_code
        if code is self._body:
            self._made.reached = True
            raise Reached
        places = self._watched.get(id(code))
        if places is None:
            return None
        # The same decorator may stand there twice: the first that was not entered yet.
        index = next((place for place in places if place not in self._made.ends), places[-1])
        return self._layer(frame, index)

    def _layer(self, frame: FrameType, index: int) -> Any:
        made = self._made
        made.entered.append(index)
        made.ends[index] = "inside"
        frame.f_trace_lines = False
        raised = False

        def watch(_: FrameType, event: str, arg: Any) -> Any:
            nonlocal raised
            if event == "exception":
                raised = True
            elif event == "return":
                made.ends[index] = "answered" if arg is not None else "raised" if raised else "passed"
            return watch

        return watch


@contextlib.contextmanager
def _following(tracer: _Tracer) -> Generator[None]:
    # The tracer of this thread and the one for threads to come are two: coverage has an object a thread, and dies of a shared one.
    before, for_threads = sys.gettrace(), threading.gettrace()
    threading.settrace(tracer)
    sys.settrace(tracer)
    try:
        yield
    finally:
        sys.settrace(before)
        threading.settrace(for_threads)


@contextlib.contextmanager
def _clock() -> Generator[None]:
    """Ends a request that hangs, where the system has an alarm and this is the main thread."""
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def ring(_: int, __: FrameType | None) -> None:
        raise TookTooLong

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
