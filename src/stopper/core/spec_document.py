"""What an OpenAPI document says of its operations, in the form that rules ask for it; and the line where it says so."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, cast
from urllib.parse import urlsplit

from stopper.core.app import App, Route, Spec
from stopper.core.facts import SourceFacts, source_of
from stopper.core.place import RouteRef, Span

CONNEXION: Final = "connexion.security"
CONNEXION_ADMINS: Final = f"{CONNEXION}.admins"
"""Names of a guard that stands for the function of a security scheme, which Connexion asks before the view; the second by its name for
administrators."""
METHODS: Final = ("get", "put", "post", "delete", "patch", "options", "head", "trace")
_DOORS: Final = ("authorizationUrl", "tokenUrl", "refreshUrl")
_PARAMETER: Final = re.compile(r"\{[^{}]*\}")


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path. ``path`` has the document's prefix; ``written`` is as it stands there. ``security`` is None where
    neither the operation nor the document says anything."""

    method: str
    path: str
    written: str
    node: Mapping[str, object]
    parameters: tuple[Mapping[str, object], ...]
    security: tuple[object, ...] | None

    @property
    def ref(self) -> RouteRef:
        """As a report names it."""
        return RouteRef(self.method, self.path)

    @property
    def schemes(self) -> tuple[str, ...]:
        """The names of the security schemes that it speaks of."""
        said = [mapping(one) for one in self.security or ()]
        return tuple(dict.fromkeys(name for one in said for name in one))

    @property
    def open_to_all(self) -> bool:
        """That a caller without a credential fulfils it."""
        return not self.security or any(not mapping(one) for one in self.security)


def mapping(value: object) -> Mapping[str, object]:
    """The value as a mapping; empty when it is none."""
    return cast("Mapping[str, object]", value) if isinstance(value, Mapping) else {}


def items(value: object) -> list[object]:
    """The value as a list; empty when it is none."""
    return cast("list[object]", value) if isinstance(value, list) else []


def operations(spec: Spec) -> Iterator[Operation]:
    """Every operation of the document."""
    everywhere = spec.document.get("security")
    for written, node in mapping(spec.document.get("paths")).items():
        item = mapping(node)
        for method in METHODS:
            if isinstance(item.get(method), Mapping):
                operation = mapping(item[method])
                said = operation.get("security", everywhere)
                yield Operation(
                    method.upper(),
                    spec.prefix + written,
                    written,
                    operation,
                    tuple(
                        mapping(one) for one in (*items(item.get("parameters")), *items(operation.get("parameters")))
                    ),
                    tuple(cast("list[object]", said)) if isinstance(said, list) else None,
                )


def shape(path: str) -> str:
    """The path without the names of its parameters, for comparing what two readers call the same route."""
    return re.sub(r"/{2,}", "/", _PARAMETER.sub("{}", path)).rstrip("/") or "/"


def described(spec: Spec) -> frozenset[tuple[str, str]]:
    """Method and shape of each operation."""
    return frozenset((operation.method, shape(operation.path)) for operation in operations(spec))


def doors_of_schemes(spec: Spec) -> frozenset[str]:
    """The shapes of the paths at which, by the document's security schemes, OAuth hands out tokens: it knows these without an operation."""
    schemes = mapping(mapping(spec.document.get("components")).get("securitySchemes")).values()
    said = [*schemes, *mapping(spec.document.get("securityDefinitions")).values()]
    flows = [
        flow for one in said for flow in (mapping(one), *map(mapping, mapping(mapping(one).get("flows")).values()))
    ]
    urls = [str(flow[word]) for flow in flows for word in _DOORS if word in flow]
    return frozenset(shape("/" + urlsplit(url).path.lstrip("/")) for url in urls)


def speaks_of(spec: Spec, routes: tuple[Route, ...]) -> bool:
    """That the document is about this application: it describes at least one of its routes."""
    served = {shape(route.path) for route in routes if route.readers - {"spec"}}
    return any(shape(operation.path) in served for operation in operations(spec))


def serves_by(spec: Spec, facts: SourceFacts) -> bool:
    """That the document itself says which module of the project answers, as Connexion reads it: ``operationId: notes.views.listing``."""
    files = [f"/{path}" for path in facts.files] if facts.imports("connexion") else []
    for one in operations(spec) if files else ():
        home = one.node.get("x-openapi-router-controller") or str(one.node.get("operationId", "")).rpartition(".")[0]
        places = tuple(f"/{str(home).replace('.', '/')}{end}" for end in (".py", "/__init__.py")) if home else ()
        if places and any(path.endswith(places) for path in files):
            return True
    return False


def place_of(app: App, *words: str) -> Span | None:
    """The line of the document, where it lies beside the code, at which these words stand one after another: a path, then a method."""
    if app.spec is None:
        return None
    file = next((one for one in source_of(app).files_of("openapi") if one.path == app.spec.origin), None)
    if file is None:
        return None
    start = 0
    for word in words:
        sign = re.compile(rf"""(?:^|[\s{{,'"-]){re.escape(word)}['"]?\s*:""")
        found = next((number for number in range(start, len(file.lines)) if sign.search(file.lines[number])), None)
        if found is None:
            break
        start = found
    return Span(file.path, start + 1, start + 1, 1, len(file.lines[start]) + 1 if file.lines else 1)
