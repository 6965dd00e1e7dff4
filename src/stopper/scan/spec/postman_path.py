"""The path of a Postman request: variables, ``:name`` and literal ids become parameters, the host is left out."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote

from stopper.scan.spec.postman_variables import (
    PLACEHOLDER,
    UUID,
    Variables,
    entries,
    is_example,
    is_plain,
    list_of,
    mapping_of,
)

_COLON: Final = re.compile(r":([A-Za-z_][\w-]{0,60})")
_SEGMENTS_MOST: Final = 40


@dataclass(frozen=True, slots=True)
class PostmanPath:
    """A path in OpenAPI style, its parameters with their kinds, and the names in its query."""

    template: str
    parameters: tuple[tuple[str, str], ...]
    query: tuple[str, ...]
    examples: Mapping[str, str] = field(default_factory=dict[str, str])
    """What the collection shows as values of both."""


def path_of(url: object, variables: Variables) -> PostmanPath | None:
    """The path of a ``url``, a text or an object; None when there is none."""
    said = mapping_of(url)
    text = said.get("raw") if said else url
    if not isinstance(text, str) or not text.strip():
        text = _joined(said.get("path"))
    if not text:
        return None
    bare, _, query = text.strip().partition("#")[0].partition("?")
    segments = [one for one in _without_host(variables.filled(bare)).split("/") if one]
    if len(segments) > _SEGMENTS_MOST:
        return None
    made: list[str] = []
    kinds: dict[str, str] = {}
    shown: dict[str, str] = {}
    examples = {name: variables.filled(str(value)) for name, value in entries(said.get("variable"))}
    for index, segment in enumerate(segments):
        name, kind = _parameter(segment, segments[index - 1] if index else "", examples)
        if not name and not variables.may_show("", segment):
            name, kind = "value", "string"
        if name:
            name = _unused(name, kinds)
            kinds[name] = kind
            colon = _COLON.fullmatch(segment)
            value = examples.get(colon[1], "") if colon else segment
            if kind in ("int", "uuid") or (colon and is_example(name, value)):
                shown[name] = value
        made.append(f"{{{name}}}" if name else segment)
    slash = "/" if bare.endswith("/") and made else ""
    names = _query(said, query)
    values = {name: variables.filled(str(value)) for name, value in _pairs(said, query)}
    shown |= {
        name: value
        for name in names
        if is_example(name, value := values.get(name, ""))
        and variables.may_show(name, value)
        and not PLACEHOLDER.search(value)
    }
    return PostmanPath("/" + "/".join(made) + slash, tuple(kinds.items()), names, shown)


def _joined(path: object) -> str:
    """The path of an object without ``raw``."""
    if isinstance(path, str):
        return "/" + path.lstrip("/")
    parts = [one if isinstance(one, str) else str(mapping_of(one).get("value") or "") for one in list_of(path)]
    return "/" + "/".join(parts) if parts else ""


def _without_host(url: str) -> str:
    if url.startswith("/"):
        return url
    return url.partition("://")[2].partition("/")[2] if "://" in url else url.partition("/")[2]


def _parameter(segment: str, before: str, examples: Mapping[str, str]) -> tuple[str, str]:
    """The name and kind of the parameter that a segment stands for; no name where it is a plain word."""
    if colon := _COLON.fullmatch(segment):
        return _clean(colon[1]), _kind(examples.get(colon[1], ""))
    if placeholder := PLACEHOLDER.search(segment):
        return _clean(placeholder[1]), "string"
    if segment.isascii() and segment.isdigit():
        return _after(before), "int"
    if UUID.fullmatch(segment):
        return _after(before), "uuid"
    # What looks like a token is never sent nor shown, and a brace or a control would make another template of it.
    plain = unquote(segment)
    if not is_plain("", plain) or not plain.isprintable() or set("{}<>") & set(plain):
        return "value", "string"
    return "", ""


def _kind(example: str) -> str:
    if example.isascii() and example.isdigit():
        return "int"
    return "uuid" if UUID.fullmatch(example) else "string"


def _after(before: str) -> str:
    """The name of an id behind a collection: ``users`` gives ``user_id``."""
    word = _clean(before)
    return f"{word.removesuffix('s')}_id" if word.isidentifier() and not before.startswith((":", "{")) else "id"


def _clean(name: str) -> str:
    return re.sub(r"\W+", "_", name.strip().lstrip("$"), flags=re.ASCII).strip("_")[:60] or "value"


def _unused(name: str, kinds: Mapping[str, str]) -> str:
    number, made = 2, name
    while made in kinds:
        made, number = f"{name}_{number}", number + 1
    return made


def _query(said: Mapping[str, object], query: str) -> tuple[str, ...]:
    """The names in the query; those that the collection switches off are left out."""
    names = [name for name, _ in _pairs(said, query)]
    return tuple(dict.fromkeys(name for name in names if name.isprintable() and not PLACEHOLDER.search(name)))[:50]


def _pairs(said: Mapping[str, object], query: str) -> list[tuple[str, object]]:
    """The names of the query with their values."""
    if isinstance(said.get("query"), list):
        return list(entries(said["query"]))
    cut = [pair.partition("=") for pair in query.split("&") if pair]
    return [(unquote(name), unquote(value)) for name, _, value in cut]
