"""Following a request leaves whoever else traces this process as it was: coverage crashed the interpreter when threads shared its tracer."""

import sys
import threading
from types import FrameType
from typing import Any

from stopper.scan.access.tracer import journey


def test_the_tracer_of_this_thread_and_the_one_of_threads_to_come_are_put_back_each() -> None:
    def mine(frame: FrameType, event: str, arg: Any) -> None:
        return None

    def for_threads(frame: FrameType, event: str, arg: Any) -> None:
        return None

    before, before_threads = sys.gettrace(), threading.gettrace()
    sys.settrace(mine)
    threading.settrace(for_threads)
    try:
        made = journey([], None, lambda: (200, ""))
        seen = sys.gettrace(), threading.gettrace()
    finally:
        sys.settrace(before)
        threading.settrace(before_threads)  # type: ignore[arg-type]
    assert made.status == 200
    assert seen == (mine, for_threads)
