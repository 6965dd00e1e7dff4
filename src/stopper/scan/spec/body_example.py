"""The example that a document shows of a whole body: what its members are called, and what they hold."""

import json
from collections.abc import Mapping
from typing import Final, cast

from stopper.scan.spec.refs import Document

_TYPES: Final[dict[type, str]] = {
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "string",
    dict: "object",
    list: "array",
}


def shown_body(document: Document, media: Mapping[str, object]) -> Mapping[str, object]:
    """The members of the example of a media type, also where that is the text of a JSON object; none where there is none."""
    first = document.mapping(next(iter(document.mapping(media.get("examples")).values()), None))
    return next(
        (found for one in (media.get("example"), first.get("value")) if (found := _object(one))), dict[str, object]()
    )


def with_example(schema: Mapping[str, object], shown: Mapping[str, object]) -> Mapping[str, object]:
    """*schema* whose members have the values that are *shown*, where it names none itself; a member that it does not name comes with them."""
    own = _object(schema.get("example"))
    if own and not isinstance(schema.get("example"), Mapping):
        schema = {**schema, "example": own}  # the text of an object
    if not shown or own or schema.get("type", "object") != "object" or "oneOf" in schema or "anyOf" in schema:
        return schema
    known = schema.get("properties")
    members = dict(cast("Mapping[str, object]", known)) if isinstance(known, Mapping) else {}
    for name, value in shown.items():
        said = members.get(name)
        held = cast("Mapping[str, object]", said) if isinstance(said, Mapping) else dict[str, object]()
        if not held.keys() & {"example", "default", "const", "enum", "examples", "format"}:
            kind = dict[str, str]() if "type" in held else {"type": _TYPES.get(type(value), "string")}
            members[name] = {**held, **kind, "example": value}
    return {**schema, "type": "object", "properties": members}


def _object(value: object) -> Mapping[str, object]:
    if isinstance(value, str) and value.lstrip().startswith("{"):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return {}
    return cast("Mapping[str, object]", value) if isinstance(value, Mapping) else {}
