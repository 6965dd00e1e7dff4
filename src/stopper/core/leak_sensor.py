"""Watches a running Flask application for secrets that reach a place where they do not belong. It changes no answer.

Any Flask application: the guard need not be there. Secrets are its own keys, the environment's, what clients show and what it hands out
to them, in every usual spelling. ``docs/watch.md`` tells what counts as a leak.
"""

import logging
import os
import sys
import weakref
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, Final

from stopper.core import leak_exchange, leak_learning, leak_outbound, leak_process
from stopper.core.leak import Kind, Leak
from stopper.core.leak_journal import LeakJournal
from stopper.core.patches import Patches

_log: Final = logging.getLogger("stopper.leaks")


def log_leak(leak: Leak) -> None:
    """One warning a leak, in the logger ``stopper.leaks``."""
    _log.warning("%s", str(leak))


class LeakSensor:
    """Start it, stop it; in between every leak is told once. Also a context manager. *report* gets each leak when it is seen.

    For tests: *planted* is a cookie's name and value that is put into every request; *meet* is called with each application
    before its first request.
    """

    def __init__(
        self,
        report: Callable[[Leak], None] = log_leak,
        *,
        planted: tuple[str, str] | None = None,
        meet: Callable[[Any], None] | None = None,
    ) -> None:
        self.journal: Final = LeakJournal(report)
        self._patches = Patches()
        self._planted = planted
        self._meet = meet
        self._libraries: set[str] = set()
        self._read: weakref.WeakKeyDictionary[Any, object] = weakref.WeakKeyDictionary()

    @property
    def leaks(self) -> tuple[Leak, ...]:
        """Each leak once, in the order in which they were seen."""
        return self.journal.leaks

    @property
    def unwatched(self) -> tuple[str, ...]:
        """Labels of the application's settings that are too short or too common to be looked for; such a key is weak."""
        return tuple(sorted(label for label in self.journal.watchlist.unwatched if "config " in label))

    def start(self) -> "LeakSensor":
        """Watch the process. Calling it again changes nothing."""
        if self.journal.running:
            return self
        self._learn(leak_learning.of_settings(os.environ, "environment"))
        leak_process.hook(self._patches, self.journal)
        leak_outbound.hook(self._patches, self.journal)
        self.journal.running = True
        self._hook_libraries()
        return self

    def stop(self) -> None:
        """Leave every hook as it was. What was seen stays in ``leaks``."""
        self.journal.running = False
        self._patches.undo()
        self._libraries.clear()

    def __enter__(self) -> "LeakSensor":
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def watch(self, app: Any) -> "LeakSensor":
        """Watch the requests of one Flask application, and start."""
        self.start()
        self._know(app)
        self._patches.put(app, "wsgi_app", lambda original: self._calling(app, original))
        self._hook_flask(app, bound=True)
        return self

    def watch_class(self, flask: type) -> "LeakSensor":
        """Watch the requests of every application of this class, also of those made later, and start."""
        self.start()
        self._patches.put(flask, "__call__", lambda original: self._calling_any(original))
        self._hook_flask(flask, bound=False)
        return self

    def add(self, value: str, label: str, kind: Kind = "canary") -> None:
        """Watch one more secret, under a label that may be shown."""
        self.journal.watchlist.add(value, label, kind, stays=True)

    def _calling(self, app: Any, original: Any) -> Any:
        def wsgi_app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
            return self._answer(app, original, environ, start_response)

        return wsgi_app

    def _calling_any(self, original: Any) -> Any:
        def call(app: Any, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
            return self._answer(app, partial(original, app), environ, start_response)

        return call

    def _answer(self, app: Any, call: Any, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if self.journal.running:
            self._know(app)
            self._hook_libraries()
            if self._planted is not None:
                leak_exchange.plant(environ, *self._planted)
        return leak_exchange.answer(self.journal, app, call, environ, start_response)

    def _know(self, app: Any) -> None:
        """Read the application's settings: at first, and again when they have grown or its key has changed."""
        config = app.config
        state = (len(config), config.get("SECRET_KEY"))
        if self._read.get(app) == state:
            return
        if self._meet is not None and app not in self._read:
            self._meet(app)
            state = (len(config), config.get("SECRET_KEY"))
        self._read[app] = state
        self.journal.own.add_root(app.root_path)
        server = config.get("SERVER_NAME")
        if isinstance(server, str):
            self.journal.own_hosts.add(server.partition(":")[0])
        self._learn(leak_learning.of_settings(config, "config"))

    def _learn(self, found: Iterable[leak_learning.Learned]) -> None:
        for learned in found:
            self.journal.learn(learned, stays=True)

    def _hook_flask(self, owner: Any, *, bound: bool) -> None:
        self._patches.put(owner, "handle_exception", self._handling)
        self._patches.put(owner, "url_for", self._building_url)

    def _handling(self, original: Any) -> Any:
        def handle_exception(*args: Any) -> Any:
            leak_process.look_at_exception(self.journal, args[-1])
            return original(*args)

        return handle_exception

    def _building_url(self, original: Any) -> Any:
        def url_for(*args: Any, **options: Any) -> Any:
            url = original(*args, **options)
            if isinstance(url, str):
                self.journal.look(url, "url")
            return url

        return url_for

    def _hook_libraries(self) -> None:
        for name in leak_outbound.LIBRARIES:
            if name not in self._libraries and name in sys.modules:
                self._libraries.add(name)
                leak_outbound.hook_library(self._patches, self.journal, name)


def watch(app: Any, report: Callable[[Leak], None] = log_leak) -> LeakSensor:
    """Watch a running Flask application. ``stop()`` on the answer ends it and leaves every hook as it was."""
    return LeakSensor(report).watch(app)
