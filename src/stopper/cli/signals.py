"""A run that is told to end is given the time to take back what it did: SIGTERM and SIGHUP do what Ctrl-C does."""

import contextlib
import signal
import threading
from collections.abc import Generator
from typing import Final

_ENDS: Final = ("SIGTERM", "SIGHUP")


class EndedError(KeyboardInterrupt):
    """The process was told to end by the signal of this number."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.code = 128 + number


@contextlib.contextmanager
def as_ctrl_c() -> Generator[None]:
    """Raise :class:`EndedError` where one of these signals comes; one that is ignored (``nohup``) stays so."""

    def end(number: int, _: object) -> None:
        raise EndedError(number)

    numbers = [getattr(signal, name) for name in _ENDS if hasattr(signal, name)]
    main = threading.current_thread() is threading.main_thread()
    before = {one: signal.getsignal(one) for one in numbers if main and signal.getsignal(one) is not signal.SIG_IGN}
    for one in before:
        signal.signal(one, end)
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
