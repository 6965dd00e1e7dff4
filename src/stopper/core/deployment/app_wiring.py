"""How a running application is put together, read off its objects: handlers, loggers, middleware, libraries that are loaded."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from stopper.core.place import Span


@dataclass(frozen=True, slots=True)
class Handling:
    """A registered error handler. ``what`` is a status (``"404"``) or the dotted name of an exception; ``blueprint`` is ``""`` for the application."""

    what: str
    function: str
    blueprint: str
    span: Span | None = None
    blind: bool = False
    """Its code never looks at the error that it is given."""


@dataclass(frozen=True, slots=True)
class LoudLogger:
    """A logger that was given a level of its own and has somewhere to write to."""

    name: str
    level: int


@dataclass(frozen=True, slots=True)
class Mount:
    """Another application in front of this one's routes: where, of which class, and its routes where it is a Flask too."""

    prefix: str
    kind: str
    routes: tuple[tuple[str, str], ...] = ()
    """Method and path in OpenAPI style, with the prefix."""


@dataclass(frozen=True, slots=True)
class AdminView:
    """A view of Flask-Admin: its endpoint, its class, and whether that class asks who is calling."""

    endpoint: str
    kind: str
    asks: bool
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class Debugger:
    """Werkzeug's debugger round the application: whether it runs what a caller types, and asks for its PIN."""

    evaluates: bool
    asks_pin: bool


@dataclass(frozen=True, slots=True)
class Wiring:
    """What was looked up after the import, when everything is registered."""

    handlers: tuple[Handling, ...] = ()
    answers_errors: bool = False
    """The application's class, or a library that took its place, answers unexpected errors by itself."""
    loggers: tuple[LoudLogger, ...] = ()
    prints_http: bool = False
    """``http.client`` prints every request with its headers."""
    loaded: Mapping[str, str] = field(default_factory=dict[str, str])
    """Top-level modules that are loaded → the version that they say they have, or nothing."""
    mounts: tuple[Mount, ...] = ()
    admin_views: tuple[AdminView, ...] = ()
    debugger: Debugger | None = None
    session_used: bool = False
    """A view or hook of the application has Flask's session under a name that it uses."""
