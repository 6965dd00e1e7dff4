"""What a forked child must make anew: locks that a thread of the parent may hold, views and connections of the parent."""

import os
import weakref
from collections.abc import Callable


def in_each_child(renew: Callable[[], None]) -> None:
    """Call the bound method *renew* in every child that this process forks, as long as its object lives.

    Does nothing where the system cannot fork.
    """
    if not hasattr(os, "register_at_fork"):
        return
    found = weakref.WeakMethod(renew)

    def call() -> None:
        method = found()
        if method is not None:
            method()

    os.register_at_fork(after_in_child=call)
