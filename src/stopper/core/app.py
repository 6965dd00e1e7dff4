"""The model of an application that a scan builds. Four readers fill it; every fact keeps where it came from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, cast

from stopper.core.deployment.app_extensions import Extensions
from stopper.core.deployment.app_wiring import Wiring
from stopper.core.place import RouteRef, Span
from stopper.core.secret import Secret

if TYPE_CHECKING:
    from stopper.core.facts import SourceFacts

Reader = Literal["source", "running", "spec", "wire"]
Basis = Literal["declared", "traced", "proven", "read", "unknown"]
"""How an access is known: a policy says it; a request was followed to the view; an answer showed it; the source was read; not at all."""


@dataclass(frozen=True, slots=True)
class Guard:
    """Something on the way to a view that may stop a request. ``stops`` is None where it could not be told."""

    name: str
    kind: Literal["decorator", "before_request", "view-body", "class-decorator", "wrapper", "policy"]
    stops: bool | None
    reader: Reader
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class Access:
    """Who may pass one method of one route, and how that is known."""

    state: Literal["guarded", "open", "unknown"]
    guards: tuple[Guard, ...] = ()
    how: str = ""
    basis: Basis = "read"


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply that a document describes for an operation: its headers in lower case, and the schema of its body."""

    headers: tuple[str, ...] = ()
    schema: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True)
class Route:
    """One URL rule. ``path`` is in OpenAPI style; ``span`` is where the view function stands.

    ``parameters`` are the path parameters with their type (``int string uuid path any``). ``access`` is per method.
    ``fields`` are the names that the view reads from a body or query, as far as a reader knows them; ``optional`` are names of
    the query that a document leaves to the caller: an honest request goes without them, a probe may vary them.
    """

    path: str
    methods: tuple[str, ...]
    endpoint: str = ""
    view: str = ""
    blueprint: str = ""
    span: Span | None = None
    parameters: tuple[tuple[str, str], ...] = ()
    access: Mapping[str, Access] = field(default_factory=dict[str, Access])
    readers: frozenset[Reader] = frozenset()
    fields: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    request_schema: Mapping[str, object] | None = None
    examples: Mapping[str, str] = field(default_factory=dict[str, str])
    """What the document shows as values of path parameters and of the query."""
    reads_no_query: bool = False
    """Whether many usual names of a query were sent there at once and changed nothing."""
    files: tuple[str, ...] = ()
    """Names of the files that a form of a page sends there."""
    takes_form: bool = False
    """Whether the document says that the body is a form and no JSON."""
    spec_security: tuple[str, ...] | None = None
    """Scheme names the spec demands; ``()`` where it says public; None where there is no spec."""
    spec_scopes: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    """Method → the scopes that every way of fulfilling the spec needs."""
    spec_says: Mapping[str, str] = field(default_factory=dict[str, str])
    """Method → the sentence or two by which a document describes it."""
    spec_replies: Mapping[str, Mapping[str, Reply]] = field(default_factory=dict[str, Mapping[str, Reply]])
    """Method → status (``200 4XX default``) → what the spec says of that reply."""

    @property
    def names(self) -> tuple[str, ...]:
        """Everything that the view is known to read by name, what it needs first."""
        return tuple(dict.fromkeys((*self.fields, *self.optional)))

    @property
    def body_names(self) -> tuple[str, ...]:
        """The members of the body by the document."""
        members = self.request_schema.get("properties") if self.request_schema else None
        return (
            tuple(str(name) for name in cast("Mapping[object, object]", members))
            if isinstance(members, Mapping)
            else ()
        )

    def refs(self) -> tuple[RouteRef, ...]:
        """One reference a method, HEAD and OPTIONS left out."""
        return tuple(RouteRef(method, self.path) for method in self.methods if method not in ("HEAD", "OPTIONS"))


@dataclass(frozen=True, slots=True)
class ConfigFact:
    """One setting of the application: its value where known, and where it was written. Secrets come as Secret."""

    key: str
    value: object
    reader: Reader
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class SecurityScheme:
    """One scheme of the spec."""

    name: str
    kind: str
    where: str = ""
    parameter: str = ""


@dataclass(frozen=True, slots=True)
class Spec:
    """What an OpenAPI document says."""

    title: str
    version: str
    origin: str
    schemes: Mapping[str, SecurityScheme] = field(default_factory=dict[str, SecurityScheme])
    servers: tuple[str, ...] = ()
    document: Mapping[str, object] = field(default_factory=dict[str, object], repr=False)
    """The document itself, the references of its operations written out to a bounded depth."""
    prefix: str = ""
    """The path that stands before every path of the document."""


@dataclass(frozen=True, slots=True)
class App:
    """What the four readers know of one application.

    ``config`` holds one fact a key from the running app (effective values); the source's writes are in ``source``.
    ``keys`` are signing secrets that a reader saw, by where (``config:JWT_SECRET_KEY``): audit mints identities with them.
    ``dependencies``: distribution name in lower case → installed or locked version.
    """

    root: str = "."
    name: str = "app"
    routes: tuple[Route, ...] = ()
    source: "SourceFacts | None" = None
    config: Mapping[str, ConfigFact] = field(default_factory=dict[str, ConfigFact])
    spec: Spec | None = None
    dependencies: Mapping[str, str] = field(default_factory=dict[str, str])
    keys: Mapping[str, Secret] = field(default_factory=dict[str, Secret])
    readers: frozenset[Reader] = frozenset()
    extensions: Extensions = field(default_factory=Extensions)
    """The libraries that the running application holds; empty where it was not imported."""
    wiring: Wiring | None = None
    """How the running application is put together; None where it was not imported."""

    def route(self, path: str) -> Route | None:
        """The route of that OpenAPI-style path."""
        return next((route for route in self.routes if route.path == path), None)
