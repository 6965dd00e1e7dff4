"""``Secrets``: everything that a service declared, loaded at the start and kept fresh."""

import atexit
import contextlib
import os
import threading
from collections.abc import Iterator, Mapping
from typing import Final, NoReturn, Protocol

from stopper.auth.clock import Clock, system_clock
from stopper.auth.event import EventSink, log_event
from stopper.auth.forking import in_each_child
from stopper.core.errors import SettingError
from stopper.core.secret import Secret
from stopper.secrets.backend import Backend, Document
from stopper.secrets.backends import Access, open_backend
from stopper.secrets.declaration import Declared, declared_secrets
from stopper.secrets.errors import FetchError, SecretLoadError, SecretUnavailableError
from stopper.secrets.held import Held, Pace, Surroundings
from stopper.secrets.reference import NotAReferenceError, Reference, parse
from stopper.secrets.steady import steady as steady_clock
from stopper.secrets.versions import Version, Versions, digest


class Opens(Protocol):
    """Makes the backend of a scheme."""

    def __call__(self, scheme: str, access: Access) -> Backend:
        """Raises FetchError."""
        ...


class Secrets:
    """The secrets of one service by name: ``Secrets({"payments": "vault:kv/payments#key"})["payments"].reveal()``.

    All are loaded at once, so a service does not start without one of them: raises SecretLoadError with the name, the reference
    and the mend. Afterwards each is asked for anew when it is due (*pace*), by whoever needs it; there is no thread.
    Prints its names only; cannot be pickled.
    """

    def __init__(
        self,
        declared: object,
        *,
        access: Access | None = None,
        pace: Pace | None = None,
        clock: Clock = system_clock,
        steady: Clock = steady_clock,
        sink: EventSink = log_event,
        open_backend: Opens = open_backend,
    ) -> None:
        self._declared: Final = _declared(declared)
        self._access = access or Access()
        self._pace = pace or Pace()
        self._around = Surroundings(clock, steady, sink)
        self._open = open_backend
        self._lock = threading.Lock()
        self._backends: dict[str, Backend] = {}
        self._held: dict[tuple[str, str], Held] = {}
        self._owner = os.getpid()
        try:
            self._load()
        except BaseException:
            self.close()
            raise

    def __getitem__(self, name: str) -> Secret:
        """The current version. Raises KeyError for a name that nobody declared, SecretUnavailableError where it has ended."""
        declared = self._declared[name]
        return self._pick(name, declared.current)

    def __contains__(self, name: object) -> bool:
        return name in self._declared

    def __iter__(self) -> Iterator[str]:
        return iter(self._declared)

    def __len__(self) -> int:
        return len(self._declared)

    def __repr__(self) -> str:
        return f"Secrets({', '.join(self._declared)})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("Secrets cannot be pickled; make them anew from their references")

    def versions(self, name: str) -> Versions:
        """The versions of *name* that are valid now. Raises KeyError and SecretUnavailableError."""
        declared = self._declared[name]
        return Versions(self._pick(name, declared.current), self._previous(name, declared))

    def verify(self, name: str, shown: str | bytes | Secret) -> Version:
        """Which valid version of *name* was shown. Raises InvalidCredentialError; KeyError and SecretUnavailableError too."""
        given = digest(shown)
        shown = ""  # not in clear in this frame, should a traceback show it
        return self.versions(name).which(given)

    def reference(self, name: str) -> Reference:
        """Where *name* lies. Raises KeyError."""
        return self._declared[name].current

    def document(self, name: str) -> Document:
        """What lies there, with its version and age. Raises KeyError and SecretUnavailableError."""
        return self._held_at(name, self._declared[name].current).current()

    def resolve(self, key: str, text: str) -> Secret:
        """The secret that the setting *key* means by *text*: ``secret:NAME`` or a reference. Raises SettingError."""
        kind, _, name = text.partition(":")
        if kind == "secret":
            if name not in self._declared:
                raise SettingError(f"{key} is secret:{name}, but STOPPER_SECRETS declares no {name}; add it there")
            return self[name]
        try:
            reference = parse(text)
        except NotAReferenceError as wrong:
            raise SettingError(f"{key} {wrong}") from None
        return self._loaded(key, reference)

    def renew_due(self) -> None:
        """Ask the backends of everything that is due. For a service that wants no request to wait, from a thread or timer of
        its own; an outage is told by events and raises nothing."""
        for held in list(self._held.values()):
            with contextlib.suppress(SecretUnavailableError):
                held.current()

    def next_due(self) -> float:
        """Seconds until the next one is due; 0 when one is."""
        now = self._around.steady()
        return max(0.0, min((held.due for held in self._held.values()), default=now + self._pace.refresh) - now)

    def close(self) -> None:
        """Give back what was lent to this process. Called by itself at exit; values that were read stay valid in memory."""
        atexit.unregister(self.close)
        if os.getpid() != self._owner:
            return  # a forked child must not end what its parent uses
        for backend in self._backends.values():
            backend.close()

    def _load(self) -> None:
        for name, declared in self._declared.items():
            self._loaded(name, declared.current)
            if declared.previous is not None and self._around.wall() < declared.previous_until:
                self._loaded(name, declared.previous)

    def _loaded(self, name: str, reference: Reference) -> Secret:
        try:
            return self._held_at(name, reference).current().pick(reference.key)
        except FetchError as refusal:
            said, cause = str(refusal), refusal.cause
        raise SecretLoadError(f"the secret {name} ({reference}) could not be loaded: {said}", cause)

    def _pick(self, name: str, reference: Reference) -> Secret:
        held = self._held_at(name, reference)
        try:
            return held.current().pick(reference.key)
        except FetchError as refusal:  # the member was taken out of a document that is still there
            why = str(refusal)
        raise SecretUnavailableError(name, why)

    def _previous(self, name: str, declared: Declared) -> Secret | None:
        if declared.previous is not None:
            if self._around.wall() >= declared.previous_until:
                return None
            return self._pick(name, declared.previous)
        held = self._held_at(name, declared.current)
        before = held.previous()
        try:
            return before.pick(declared.current.key) if before is not None else None
        except FetchError:
            return None

    def _held_at(self, name: str, reference: Reference) -> Held:
        place = (reference.scheme, reference.path)
        found = self._held.get(place)
        if found is not None:
            return found
        with self._lock:
            if place not in self._held:
                if reference.scheme not in self._backends:
                    self._backends[reference.scheme] = self._open(reference.scheme, self._access)
                    self._watch_process()
                backend = self._backends[reference.scheme]
                self._held[place] = Held(name, backend, reference.path, self._pace, self._around)
            return self._held[place]

    def _watch_process(self) -> None:
        # Not before there is a backend: a guard without secrets leaves nothing behind.
        if len(self._backends) == 1:
            in_each_child(self._renew_locks)
            atexit.register(self.close)

    def _renew_locks(self) -> None:
        self._lock = threading.Lock()
        for held in self._held.values():
            held.renew_lock()


def _declared(said: object) -> Mapping[str, Declared]:
    try:
        return declared_secrets(said)
    except ValueError as wrong:
        why = str(wrong)
    raise SettingError(f"the secrets of this service must be {why}")
