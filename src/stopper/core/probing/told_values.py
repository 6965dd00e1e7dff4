"""What a refusal says of the value of a member: a number where a text was sent, one of a few words, a date."""

import re
import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import Final, cast

from stopper.core.exchange import Response

TEXT_MOST: Final = 2000
DEEP: Final = 5
_CHOICE: Final = re.compile(
    r"""(?i)(?:one of|should be|must be|allowed(?: values)?(?: are)?|choose from|either)\s*:?\s*[\[({]?\s*((?:['"]?[\w-]{2,30}['"]?)(?:\s*(?:,|\||/|\bor\b)\s*(?:or\s+)?['"]?[\w-]{2,30}['"]?)+)"""
)
_KINDS: Final[tuple[tuple[str, Callable[[str], object]], ...]] = (
    (r"uuid|guid", lambda _: str(uuid.UUID(int=1))),
    (r"date-?time|timestamp|iso ?8601", lambda _: "2030-01-01T10:00:00"),
    (r"\bdate\b|yyyy-mm-dd", lambda _: "2030-01-01"),
    (r"\btime\b|hh:mm", lambda _: "10:00"),
    (r"\b(integer|int|whole number|digits?|number|numeric|float|decimal|positive|greater than|at least \d|minimum value)\b", lambda _: 1),
    (r"\b(boolean|bool|true or false)\b", lambda _: False),
    (r"\b(list|array|sequence)\b", lambda _: []),
    (r"\b(dict|dictionary|mapping|object)\b", lambda _: {}),
    (r"e-?mail", lambda canary: f"{canary}@example.com"),
    (r"\b(url|uri|link)\b", lambda _: "https://example.com/"),
    (r"\b(string|text|str)\b", lambda canary: f"text {canary}"),
)  # fmt: skip
_LONGEST: Final = re.compile(
    r"(?i)(?:between \d{1,4} and|maximum(?: length)?|max\w*|at most|longer than|no more than|up to)\D{0,20}(\d{1,4})"
)
_NAME: Final = re.compile(r"[A-Za-z_]\w{0,39}")


def values_told(body: Mapping[str, object], response: Response, canary: str) -> dict[str, object]:
    """Other values for members of *body* of which the refusal speaks; none where it is understood by nobody."""
    found: dict[str, object] = {}
    for name, said in complaints(response):
        if name in body and name not in found:
            value = _wanted(body[name], said, canary)
            if value is not None and value != body[name]:
                found[name] = value
    return found


def _wanted(sent: object, said: str, canary: str) -> object | None:
    chosen = _CHOICE.search(said)
    words: list[str] = re.findall(r"[\w-]{2,30}", chosen.group(1)) if chosen is not None else []
    words = [word for word in words if word.lower() not in ("or", "and", "true", "false", "valid", "an", "be")]
    if len(words) > 1:
        return words[0]
    for pattern, made in _KINDS:
        if re.search(pattern, said, re.IGNORECASE):
            value: object = made(canary)
            return value
    longest = _LONGEST.search(said)
    if longest is not None and isinstance(sent, str) and 0 < int(longest.group(1)) < len(sent):
        return sent[-int(longest.group(1)) :].strip()
    return None


def complaints(response: Response) -> Iterator[tuple[str, str]]:
    """Each member that a refusal names, with what it says of it."""
    said = response.json()
    if said is None:
        yield from _in_text(response.text[:TEXT_MOST])
    else:
        yield from _in_value(said, DEEP)


def _in_value(value: object, depth: int) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield from _in_text(value[:TEXT_MOST])
    elif isinstance(value, list) and depth:
        for item in cast("list[object]", value)[:20]:
            yield from _in_value(item, depth - 1)
    elif isinstance(value, dict) and depth:
        members = cast("dict[str, object]", value)
        last = named_in(members)
        text = next(
            (one for key in ("msg", "message", "error", "detail") if isinstance(one := members.get(key), str)), None
        )
        if last is not None and text is not None:
            yield last, text
            return
        for name, item in list(members.items())[:40]:
            for one in _few(item):
                if isinstance(one, str) and len(one) <= 300 and _NAME.fullmatch(name):
                    yield name, one
            yield from _in_value(item, depth - 1)


def named_in(members: Mapping[str, object]) -> str | None:
    """The field that an entry of a refusal is about, as the frameworks tell it: the last step of ``loc`` or ``path``, or a name."""
    for key in ("loc", "field", "path", "param", "parameter", "property", "name"):
        place = members.get(key)
        steps = cast("list[object]", place) if isinstance(place, list) else [place]
        last = steps[-1] if steps else None
        if isinstance(last, str) and re.fullmatch(r"[A-Za-z_]\w{0,39}", last):
            return last
    return None


def _few(item: object) -> list[object]:
    """The first three texts of a list, or what is none as it stands."""
    if not isinstance(item, list):
        return [item]
    texts: list[object] = [one for one in cast("list[object]", item) if isinstance(one, str)]
    return texts[:3]


def _in_text(text: str) -> Iterator[tuple[str, str]]:
    """``quantity must be an integer``: the word before what is said, and the part of the text that says it."""
    for found in re.finditer(
        r"""['"`]?\b([A-Za-z_]\w{0,39})['"`]?:? (?=(?:must|should|has to|needs to|is not (?:a |an |of )?|not a |expected))([^.;]{3,150})""",
        text,
    ):
        yield found.group(1), found.group(2)
