"""A client may send texts, lists and numbers of any size, and no reader of the document learns what a refusal looks like."""

from collections.abc import Iterator, Mapping
from typing import Final

from stopper.core.app import App
from stopper.core.rule import Hit, Rule
from stopper.core.spec_document import Operation, items, mapping, operations, place_of

_DEPTH: Final = 6
_ANY: Final = frozenset({"default", "4XX", "4xx"})
_TEXT_BOUNDS: Final = ("maxLength", "enum", "const", "pattern")
_BOUNDED_FORMATS: Final = frozenset({"date", "date-time", "time", "uuid", "ipv4", "ipv6", "email", "byte", "binary"})
_NUMBER_BOUNDS: Final = ("maximum", "exclusiveMaximum", "enum", "const")
_NUMBER_FORMATS: Final = frozenset({"int32", "float", "double"})


def detect(app: App) -> Iterator[Hit]:
    """Operations whose input has no bounds, or that lack the refusals they must have."""
    if app.spec is None:
        return
    every = list(operations(app.spec))
    for one in every:
        missing = [*_unbounded(one), *_replies(one)]
        if missing:
            text = ", ".join(missing[:4]) + (f" and {len(missing) - 4} more" if len(missing) > 4 else "")
            # No colon behind the path: redaction takes what follows `…/password:` for a password.
            yield Hit(
                f"{one.ref} says too little: {text}",
                place_of(app, one.written, one.method.lower()),
                one.ref,
                reader="spec",
                cause="operations that say too little",
            )
    never = _never_described(every)
    if never:
        text = f"no operation describes the reply {' or '.join(never)}"
        yield Hit(text, place_of(app, "openapi" if "openapi" in app.spec.document else "swagger"), reader="spec")


def _unbounded(one: Operation) -> Iterator[str]:
    for parameter in one.parameters:
        where = parameter.get("in")
        if where in ("query", "header"):
            yield from _schema(mapping(parameter.get("schema")) or parameter, str(parameter.get("name")))
        elif where == "body":
            yield from _schema(mapping(parameter.get("schema")), "body")
    for kind, media in mapping(mapping(one.node.get("requestBody")).get("content")).items():
        if "json" in kind or "form" in kind:
            yield from _schema(mapping(mapping(media).get("schema")), "body")


def _schema(schema: Mapping[str, object], name: str, depth: int = _DEPTH) -> Iterator[str]:
    if depth == 0:
        return
    kind = schema.get("type")
    kinds = items(kind) or [kind]
    if (
        "string" in kinds
        and not any(bound in schema for bound in _TEXT_BOUNDS)
        and schema.get("format") not in _BOUNDED_FORMATS
    ):
        yield f"{name} has no maxLength"
    if "array" in kinds:
        if "maxItems" not in schema:
            yield f"{name} has no maxItems"
        yield from _schema(mapping(schema.get("items")), f"{name}[]", depth - 1)
    numeric = bool({"integer", "number"} & {str(one) for one in kinds}) and schema.get("format") not in _NUMBER_FORMATS
    if numeric and not any(bound in schema for bound in _NUMBER_BOUNDS):
        yield f"{name} has no maximum"
    for part in (*items(schema.get("allOf")), *items(schema.get("anyOf")), *items(schema.get("oneOf"))):
        yield from _schema(mapping(part), name, depth - 1)
    for key, inner in mapping(schema.get("properties")).items():
        if not mapping(inner).get("readOnly"):
            yield from _schema(mapping(inner), key if name == "body" else f"{name}.{key}", depth - 1)


def _replies(one: Operation) -> Iterator[str]:
    said = set(mapping(one.node.get("responses")))
    if said and not one.open_to_all and not said & {"401", *_ANY}:
        yield "no reply 401 is described"


def _never_described(every: list[Operation]) -> list[str]:
    """The refusals that the document describes nowhere: 403 where anything is protected, 429 always."""
    said = {status for one in every for status in mapping(one.node.get("responses"))}
    wanted = ("403", "429") if any(not one.open_to_all for one in every) else ("429",)
    return [] if said & _ANY or not every else [status for status in wanted if status not in said]


RULE = Rule(
    slug="spec-bounds-missing",
    family="inventory",
    title="The spec leaves input unbounded or refusals out",
    harm=__doc__ or "",
    severity="low",
    check="rate-limiting",
    cwe=(770,),
    owasp="API4:2023",
    asvs=(),
    surfaces=("source",),
    ends="`stopper serve` bounds every body and describes each refusal in its document.",
    detect=detect,
)
