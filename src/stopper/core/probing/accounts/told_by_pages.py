"""What the pages of somebody who is logged in call that person: in their links, hidden fields, data attributes and scripts."""

import re
from collections.abc import Iterator
from typing import Final, cast
from urllib.parse import parse_qsl, urlsplit

from stopper.core.naming import as_parameter
from stopper.core.owner_names import WHOSE_ID
from stopper.core.probe import Identity, Steps, Target, send
from stopper.core.probing.baseline import attempt, is_door
from stopper.core.probing.ids_in_paths import ID
from stopper.core.probing.page_forms import hrefs

PAGES_MOST: Final = 3
_DATA: Final = re.compile(r"""(?i)\bdata-([a-z][a-z-]{1,30})\s*=\s*["']([\w.@-]{1,60})["']""")
_HIDDEN: Final = re.compile(r"""(?i)<input\b(?=[^>]{0,300}\btype\s*=\s*["']?hidden)[^>]{0,300}>""")
_ATTRIBUTE: Final = re.compile(r"""(?i)\b(name|value)\s*=\s*["']([^"'<>]{1,60})["']""")
_SCRIPT: Final = re.compile(
    r"""(?:\b(?:const|let|var)\s+|[{,;.]\s*|["'])(\w{2,30})["']?\s*[:=]\s*["']?([\w-]{1,40})["']?\s*[;,}\n]"""
)
_ADDRESS: Final = re.compile(r"""["'`](/[^"'`\s<>?]{0,200}\?[^"'`\s<>]{1,200})["'`]""")
"""An address with a query in a script."""
_PEOPLE: Final = re.compile(
    r"(?i)/(users?|students?|members?|customers?|patients?|employees?|profiles?|accounts?|clients?)(?=/([^/?#]{1,60}))"
)
_WORDS: Final = re.compile(
    r"(?i)(users?|students?|members?|customers?|patients?|employees?|profiles?|accounts?|clients?|edit|settings|new|create|update|delete|list|all|search)"
)
"""What stands where the name of somebody would, and is none: ``/user/profile/7``."""


def told_by_pages(target: Target, person: Identity) -> Steps[dict[str, str]]:
    """The ids of a person by the names of parameters, else its name: those of which its pages have one alone. Who shows no cookie sees no pages."""
    key = f"what pages call {person.name}"
    known = cast("dict[str, str] | None", target.notes.get(key))
    if known is not None:
        return known
    said: dict[str, set[str]] = {}
    left = PAGES_MOST if person.cookies else 0
    for route in [one for one in target.app.routes if "GET" in one.methods and not one.parameters and not is_door(one)]:
        if left == 0:
            break
        page = yield from attempt(send(person.on(target.request_for(route, "GET"))))
        if page is None or not page.response.succeeded or page.response.content_type != "text/html":
            continue
        left -= 1
        for name, value in _named(page.response.text[:200_000]):
            said.setdefault(as_parameter(name), set()).add(value)
    found: dict[str, str] = {}
    for name, values in said.items():
        numbers = {one for one in values if ID.fullmatch(one)}
        one = numbers or values
        found |= {name: next(iter(one))} if len(one) == 1 else {}
    target.notes[key] = found
    return found


def _named(text: str) -> Iterator[tuple[str, str]]:
    """The members that may say who somebody is, each with its value."""
    for link in (*hrefs(text), *_ADDRESS.findall(text)):
        yield from ((name, value) for name, value in parse_qsl(urlsplit(link).query) if _is_of_somebody(name))
        for noun, value in _PEOPLE.findall(link):
            yield from [(noun.lower().removesuffix("s"), value)] if not _WORDS.fullmatch(value) else []
    for name, value in _DATA.findall(text):
        yield from [(name, value)] if _is_of_somebody(name) else []
    for field in _HIDDEN.findall(text):
        said = {name.lower(): value for name, value in _ATTRIBUTE.findall(field)}
        yield from [(said["name"], said["value"])] if _is_of_somebody(said.get("name", "")) and "value" in said else []
    for name, value in _SCRIPT.findall(text):
        yield from [(name, value)] if _is_of_somebody(name) and ID.fullmatch(value) else []


def ids_on_a_page(text: str) -> Iterator[tuple[str, str]]:
    """The ids of things that a page keeps for its scripts and forms, each with the name that it has there: ``data-account="7"``."""
    for name, value in _DATA.findall(text):
        yield from [(name, value)] if ID.fullmatch(value) else []
    for field in _HIDDEN.findall(text):
        said = {name.lower(): value for name, value in _ATTRIBUTE.findall(field)}
        if ID.fullmatch(said.get("value", "")) and "name" in said:
            yield said["name"], said["value"]


def _is_of_somebody(name: str) -> bool:
    return WHOSE_ID.fullmatch(as_parameter(name)) is not None
