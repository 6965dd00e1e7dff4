"""What the libraries of a running application are set up to do, read off the objects that it holds."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from stopper.core.place import Span


@dataclass(frozen=True, slots=True)
class TokenManager:
    """The manager of Flask-JWT-Extended: whether the application says which tokens were taken back, and who still exists."""

    blocklist: bool
    user_lookup: bool


@dataclass(frozen=True, slots=True)
class TokenGuard:
    """One endpoint with a guard of Flask-JWT-Extended round its view. ``locations`` are the guard's own; empty: those of the settings."""

    endpoint: str
    optional: bool = False
    fresh: bool = False
    refresh: bool = False
    locations: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FormTokens:
    """Flask-WTF's protection against forged requests: the endpoints that are exempt from it."""

    exempt: frozenset[str]


@dataclass(frozen=True, slots=True)
class HeaderLibrary:
    """Flask-Talisman: its options in force, defaults included. Endpoints with options of their own are not among them."""

    options: Mapping[str, object] = field(default_factory=dict[str, object])


@dataclass(frozen=True, slots=True)
class ProxyTrust:
    """Werkzeug's ProxyFix somewhere before the application: how many hops it trusts, by header (``x_for``)."""

    hops: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class RateLimiter:
    """Flask-Limiter. ``store`` is the class of its store, empty where it has none yet; ``key`` the dotted name of what it counts by."""

    enabled: bool
    store: str = ""
    exempt: frozenset[str] = frozenset()
    """The endpoints that are exempt by name or with their blueprint."""
    keys: tuple["CountingKey", ...] = ()


@dataclass(frozen=True, slots=True)
class CountingKey:
    """A function that names the caller to a limiter: its dotted name, the texts and names in its code, and where it stands."""

    name: str
    texts: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class SessionStore:
    """How sessions are kept when not in Flask's signed cookie: the interface's class, its serializer's, and whether ids are signed."""

    interface: str
    serializer: str = ""
    signed: bool | None = None
    store: str = ""
    """The class of the cache behind it, where it is of a library for caches."""


@dataclass(frozen=True, slots=True)
class Extensions:
    """The libraries that a running application holds, as far as rules ask about them."""

    tokens: TokenManager | None = None
    token_guards: tuple[TokenGuard, ...] = ()
    form_tokens: FormTokens | None = None
    headers: HeaderLibrary | None = None
    proxies: tuple[ProxyTrust, ...] = ()
    limiters: tuple[RateLimiter, ...] = ()
    sessions: SessionStore | None = None
