"""The body of a Postman request as a schema: harmless values are kept as examples, of all others the type alone."""

import json
import re
from collections.abc import Mapping
from typing import Final, cast

from stopper.scan.spec.postman_variables import PLACEHOLDER, Variables, entries, list_of, mapping_of

DEPTH: Final = 8
FIELDS_MOST: Final = 100
_BARE: Final = re.compile(r'(?<!["\w}])\{\{[^{}]{1,200}\}\}(?!["\w{])')
"""A variable where JSON wants a value: ``{"id": {{id}}}``."""
_KINDS: Final[dict[type, str]] = {bool: "boolean", int: "integer", float: "number", str: "string"}


def body_schema(node: object, variables: Variables) -> Mapping[str, object] | None:
    """The schema of a ``body``; None where it says nothing that can be sent."""
    body = mapping_of(node)
    if not body or body.get("disabled") is True:
        return None
    mode = str(body.get("mode") or "")
    if mode == "raw":
        return _raw(body.get("raw"), variables)
    if mode in ("urlencoded", "formdata"):
        texts = [one for one in list_of(body.get(mode)) if mapping_of(one).get("type") != "file"]
        return _object(dict(entries(texts if isinstance(body.get(mode), list) else body.get(mode))), variables, DEPTH)
    if mode == "graphql":
        said = mapping_of(body.get("graphql"))
        return _object({"query": said.get("query", ""), "variables": {}}, variables, DEPTH)
    return None


def _raw(text: object, variables: Variables) -> Mapping[str, object] | None:
    if not isinstance(text, str):
        return None
    for written in (text, _BARE.sub("null", text)):
        try:
            value: object = json.loads(written)
        except (ValueError, RecursionError):
            continue
        is_plain_text = isinstance(value, (str, int, float)) or value is None
        return None if is_plain_text else _schema("", value, variables, DEPTH)
    return None


def _schema(name: str, value: object, variables: Variables, depth: int) -> Mapping[str, object]:
    if depth <= 0 or value is None:
        return {}
    if isinstance(value, Mapping):
        return _object(cast("Mapping[str, object]", value), variables, depth)
    if isinstance(value, list):
        items = cast("list[object]", value)
        return {"type": "array", "items": _schema(name, items[0], variables, depth - 1) if items else {}}
    kind = _KINDS.get(type(value), "string")
    shown = variables.filled(value) if isinstance(value, str) else value
    if not variables.may_show(name, str(shown)) or (
        isinstance(shown, str) and (not shown or PLACEHOLDER.search(shown))
    ):
        return {"type": kind}
    return {"type": kind, "example": shown}


def _object(pairs: Mapping[str, object], variables: Variables, depth: int) -> Mapping[str, object]:
    kept = list(pairs.items())[:FIELDS_MOST]
    return {
        "type": "object",
        "properties": {
            str(name): _schema(str(name), value, variables, depth - 1)
            for name, value in kept
            if not PLACEHOLDER.search(str(name))
        },
    }
