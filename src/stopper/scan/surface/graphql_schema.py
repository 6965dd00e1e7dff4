"""What a door that speaks GraphQL says of itself: its fields, what each is given, and what comes back."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, cast

_TYPE: Final = "kind name ofType{kind name ofType{kind name ofType{kind name ofType{kind name}}}}"
_GIVEN: Final = f"{{name defaultValue type{{{_TYPE}}}}}"
DESCRIBE_ONE: Final = f"kind name enumValues{{name}} possibleTypes{{name}} inputFields{_GIVEN} fields{{name args{_GIVEN} type{{{_TYPE}}}}}"
"""What is asked of a type."""
DESCRIBE: Final = f"queryType{{name}} mutationType{{name}} types{{{DESCRIBE_ONE}}}"
"""What is asked of ``__schema``."""
DEEP: Final = 3
"""Inputs inside inputs that are filled."""
MEMBERS_MOST: Final = 40
"""Members of one input that are filled: those that are needed first."""
WHOLE_MOST: Final = 200
"""Members of all the inputs inside one input."""
CHOSEN_MOST: Final = 16
"""Plain fields of one thing that are asked for."""
PARTS_MOST: Final = 5
"""Things inside it of which the same is asked."""
_LEAVES: Final = ("SCALAR", "ENUM")
_SCALARS: Final[Mapping[str, Mapping[str, object]]] = {
    "ID": {"type": "string", "example": "1"},
    "Int": {"type": "integer"},
    "Float": {"type": "number"},
    "Decimal": {"type": "number"},
    "BigInt": {"type": "integer"},
    "Boolean": {"type": "boolean"},
    "DateTime": {"type": "string", "format": "date-time"},
    "Date": {"type": "string", "format": "date"},
    "Time": {"type": "string", "format": "time"},
    "UUID": {"type": "string", "format": "uuid"},
    "Email": {"type": "string", "format": "email"},
    "EmailAddress": {"type": "string", "format": "email"},
    "URL": {"type": "string", "format": "url"},
    "JSON": {"type": "object"},
    "JSONString": {"type": "string", "example": "{}"},
}
"""What the usual scalars hold, as a JSON schema says it; any other is a text."""
LISTING: Final = ("edges", "nodes", "items", "results", "objects", "data", "rows", "records")
"""Members under which a page of a list holds its things."""


SAYING: Final = frozenset({
    "ok", "success", "successful", "status", "message", "msg", "error", "errors", "detail", "reason", "code", "clientmutationid", "__typename",
})  # fmt: skip
"""Members that say how something went, and hold nothing of it, in small letters."""


@dataclass(frozen=True, slots=True)
class Kind:
    """The type of a field or an argument: its own name, how it is written, and whether it is needed or a list."""

    name: str
    said: str
    leaf: bool
    needed: bool = False
    listed: bool = False


@dataclass(frozen=True, slots=True)
class Given:
    """One argument of a field, or one member of an input."""

    name: str
    kind: Kind
    default: str | None = None

    @property
    def needed(self) -> bool:
        """Whether nothing is answered without it."""
        return self.kind.needed and self.default is None


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a type."""

    name: str
    kind: Kind
    given: tuple[Given, ...] = ()


@dataclass(frozen=True, slots=True)
class Schema:
    """The types by their names."""

    queries: tuple[Field, ...]
    mutations: tuple[Field, ...]
    objects: Mapping[str, tuple[Field, ...]]
    inputs: Mapping[str, tuple[Given, ...]]
    enums: Mapping[str, tuple[str, ...]]
    unions: Mapping[str, tuple[str, ...]]

    _made: dict[tuple[str, int, tuple[str, ...]], dict[str, object] | None] = field(
        default_factory=dict[tuple[str, int, tuple[str, ...]], dict[str, object] | None], compare=False, repr=False
    )
    """What was made of a kind once."""

    def json_schema(self, one: Given, above: tuple[str, ...] = ()) -> dict[str, object] | None:
        """*one* as a JSON schema; None for what nobody can fill (a file, an input that goes on for ever). *above* are the inputs it is part of."""
        key = (one.kind.name, DEEP, above)
        if key not in self._made:
            self._made[key] = self._plain(one.kind, DEEP, above, [WHOLE_MOST])
        return _as_given(one, self._made[key])

    def members(self, name: str) -> list[Given]:
        """What of an input is filled, as it stands there: what is needed, and of the rest the plain things first."""
        every = self.inputs[name]
        ranked = set(sorted(range(len(every)), key=lambda at: _rank(every[at]))[:MEMBERS_MOST])
        return [one for at, one in enumerate(every) if at in ranked or one.needed]

    def _plain(self, kind: Kind, depth: int, above: tuple[str, ...], left: list[int]) -> dict[str, object] | None:
        """A kind without its lists. *left* counts the members that may still be made."""
        if kind.name in self.enums:
            return {"type": "string", "enum": list(self.enums[kind.name])}
        if kind.name not in self.inputs:
            return None if kind.name == "Upload" else dict(_SCALARS.get(kind.name, {"type": "string"}))
        if depth <= 0 or kind.name in above:
            return None
        members = [one for one in self.members(kind.name) if one.needed or depth >= DEEP - 1 or one.kind.leaf]
        made: dict[str, dict[str, object] | None] = {}
        for one in sorted(members, key=_rank):
            left[0] -= 1
            inner = self._plain(one.kind, depth - 1, (*above, kind.name), left) if left[0] >= 0 else None
            if inner is None and one.needed:
                return None
            made[one.name] = _as_given(one, inner)
        return {
            "type": "object",
            "properties": {one.name: schema for one in members if (schema := made[one.name]) is not None},
            "required": [one.name for one in members if one.needed],
        }

    def chosen(
        self, kind: Kind, depth: int = 2, above: tuple[str, ...] = (), without: frozenset[str] = frozenset()
    ) -> str | None:
        """What is asked of a thing of that kind: its plain fields, and those of its parts; nothing for a plain value, None where there is
        nothing that can be asked. *without* names fields by where they stand (``author.email``)."""
        if kind.leaf:
            return ""
        if kind.name in self.unions:
            known: dict[str, str] = {}
            parts = [self._fragment(name, without, known) for name in self.unions[kind.name][:PARTS_MOST]]
            inner = " ".join(("__typename", *(one for one in parts if one)))
            return f" {{ {inner} }}"
        said = self._members(kind.name, depth, above, without)
        return f" {{ {' '.join(said)} }}" if said else None

    def _fragment(self, name: str, without: frozenset[str], known: dict[str, str]) -> str:
        """The plain fields of one kind of several. What another calls so too must be of the same type (GraphQL 5.3.2): *known* is what the others
        have."""
        plain = [one for one in self.objects.get(name, ()) if one.kind.leaf and one.name not in without]
        same = [one for one in plain if not one.given and known.setdefault(one.name, one.kind.said) == one.kind.said]
        return f"... on {name} {{ {' '.join(one.name for one in same[:CHOSEN_MOST])} }}" if same else ""

    def _members(self, name: str, depth: int, above: tuple[str, ...], without: frozenset[str]) -> list[str]:
        fields = [one for one in self.objects.get(name, ()) if not any(given.needed for given in one.given)]
        path = ".".join(above)
        fields = [one for one in fields if (f"{path}.{one.name}" if path else one.name) not in without]
        plain = [one.name for one in fields if one.kind.leaf]
        parts: list[str] = []
        for one in fields:
            wraps = one.name in (*LISTING, "node")
            if one.kind.leaf or len(parts) >= PARTS_MOST or (depth <= 1 and not wraps) or len(above) > DEEP:
                continue
            inner = self.chosen(one.kind, depth if wraps else depth - 1, (*above, one.name), without)
            if inner:
                parts.append(f"{one.name}{inner}")
        return [*plain[:CHOSEN_MOST], *parts]

    def thing(self, kind: Kind) -> tuple[str, bool]:
        """The kind of thing that a field gives, and whether it gives many: a page of a list, and an answer that says whether it went well, hold
        theirs under a name of their own."""
        if kind.leaf or kind.listed:
            return kind.name, kind.listed
        parts = [one for one in self.objects.get(kind.name, ()) if not one.kind.leaf]
        page = next((one for one in parts if one.name in LISTING and one.kind.listed), None)
        if page is not None:
            node = next((inner for inner in self.objects.get(page.kind.name, ()) if inner.name == "node"), None)
            return (node.kind.name if node is not None and page.name == "edges" else page.kind.name), True
        if len(parts) == 1 and all(
            one.name.lower() in SAYING for one in self.objects[kind.name] if one is not parts[0]
        ):
            return parts[0].kind.name, parts[0].kind.listed
        return kind.name, False


def _rank(one: Given) -> tuple[bool, bool]:
    return not one.needed, not one.kind.leaf


def _as_given(one: Given, plain: dict[str, object] | None) -> dict[str, object] | None:
    """The schema of its kind for one thing that is given: as a list where it is one, with its default."""
    if plain is None:
        return None
    schema: dict[str, object] = {"type": "array", "items": plain} if one.kind.listed else plain
    known = _literal(one.default)
    return schema if known is None else {**schema, "default": known}


def schema_in(answer: object) -> Schema | None:
    """The schema in an answer about ``__schema``; None where there is none."""
    said = _object(answer)
    types = {str(one.get("name")): one for one in _objects(said.get("types")) if one.get("name")}
    objects = {name: tuple(_fields(one)) for name, one in types.items() if one.get("kind") in ("OBJECT", "INTERFACE")}
    queries = objects.get(str(_object(said.get("queryType")).get("name")), ())
    if not queries:
        return None
    possible = {
        name: tuple(str(each.get("name")) for each in _objects(one.get("possibleTypes"))) for name, one in types.items()
    }
    return Schema(
        queries,
        objects.get(str(_object(said.get("mutationType")).get("name")), ()),
        objects,
        {
            name: tuple(_all_given(one.get("inputFields")))
            for name, one in types.items()
            if one.get("kind") == "INPUT_OBJECT"
        },
        {
            name: tuple(str(each.get("name")) for each in _objects(one.get("enumValues")))
            for name, one in types.items()
            if one.get("kind") == "ENUM"
        },
        {
            name: possible[name]
            for name, one in types.items()
            if one.get("kind") in ("UNION", "INTERFACE") and possible[name]
        },
    )


def _fields(one: Mapping[str, object]) -> Iterator[Field]:
    for said in _objects(one.get("fields")):
        if _is_name(said):
            yield Field(str(said["name"]), _kind(_object(said.get("type"))), tuple(_all_given(said.get("args"))))


def _all_given(value: object) -> Iterator[Given]:
    for said in _objects(value):
        if _is_name(said):
            default = said.get("defaultValue")
            yield Given(
                str(said["name"]), _kind(_object(said.get("type"))), default if isinstance(default, str) else None
            )


def _kind(said: Mapping[str, object]) -> Kind:
    """The type as it is written, from the outside in: ``[Note!]!``."""
    what, inner = said.get("kind"), _object(said.get("ofType"))
    if what == "NON_NULL":
        kind = _kind(inner)
        return Kind(kind.name, f"{kind.said}!", kind.leaf, needed=True, listed=kind.listed)
    if what == "LIST":
        kind = _kind(inner)
        return Kind(kind.name, f"[{kind.said}]", kind.leaf, listed=True)
    name = str(said.get("name"))
    return Kind(name, name, what in _LEAVES)


def _literal(text: str | None) -> object | None:
    """A default as a value; what only GraphQL writes so (an enum's word, an input) is none."""
    try:
        return cast("object", json.loads(text)) if text is not None else None
    except ValueError:
        return None


def _is_name(said: Mapping[str, object]) -> bool:
    return re.fullmatch(r"(?!__)[A-Za-z_]\w{0,80}", str(said.get("name"))) is not None


def _object(value: object) -> Mapping[str, object]:
    return cast("Mapping[str, object]", value) if isinstance(value, Mapping) else {}


def _objects(value: object) -> list[Mapping[str, object]]:
    members = cast("list[object]", value) if isinstance(value, list) else []
    return [cast("Mapping[str, object]", one) for one in members if isinstance(one, Mapping)]
