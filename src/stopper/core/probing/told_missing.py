"""Names of inputs that a refusal says are missing, as frameworks and people tell it."""

import re
from collections.abc import Iterator
from html import unescape
from typing import Final, cast

from stopper.core.exchange import Response
from stopper.core.probing.told_values import named_in

NAMES_MOST: Final = 12
DEEP: Final = 6
TEXT_MOST: Final = 2000
"""Characters of an error that are read; a longer one is a page."""
_ABSENT: Final = re.compile(
    r"(?i)\b(missing|required|require[sd]?|must (be )?(provided?|given|contain|include|specify|specified|supplied|have)|"
    r"(has|have|needs?) to be (provided|given|specified|supplied|set)|not (provided|given|specified|supplied|found in (the )?(request|body|json))|cannot be (blank|empty|null)|(please|you must|need to) (provide|specify|supply|send|give)|"
    r"no \w+ (provided|given|specified|supplied)|expected|faltan?|requerid[oa]s?|obligatori[oae]s?|obrigat[oó]ri[oa]s?|erforderlich|fehl(t|en)|requise?s?|"
    r"manquant\w*|zorunlu\w*|gerekli\w*|richiest[oaie])\b"
)
_QUOTED: Final = re.compile(r"""['"`]([A-Za-z_]\w{0,39})['"`]""")
_KEY_ERROR: Final = re.compile(r"""(?:^|KeyError: )['"]([A-Za-z_]\w{0,39})['"]$""")
_PAGE: Final = re.compile(r"""<title>[^<]{0,260}?\bKeyError: ['"]([A-Za-z_]\w{0,39})['"]""")
"""How the page of a debugger begins that tells which key was not there."""
# A word is taken whole: ``and`` and ``or`` inside one would let it be split in more ways than can be tried.
_LIST: Final = (
    r"([A-Za-z_]\w{0,39}+(?:(?:\s*(?:,(?:\s*and\b)?|&|/)\s*|\s+(?:and|or|und|et|ve|[eyi])\s+)[A-Za-z_]\w{0,39}+){0,7})"
)
_SAYINGS: Final = (
    re.compile(
        r"(?i)\b(?:fields?|parameters?|params?|keys?|arguments?|property|properties|values?)\s*(?:missing|required)?\s*:\s*" + _LIST
    ),
    re.compile(r"(?i)\bmissing\s+(?:the\s+)?(?:required\s+|mandatory\s+)?(?:query\s+|body\s+|json\s+)?(?:fields?\s+|parameters?\s+|params?\s+|keys?\s+|arguments?\s+)?" + _LIST),
    re.compile(r"(?i)" + _LIST + r"\s+(?:fields?\s+|parameters?\s+|params?\s+)?(?:is|are|was|were)?\s*(?:a\s+)?(?:required|missing|mandatory|not provided|cannot be (?:blank|empty|null)|(?:must|has to|have to|needs? to) be (?:provided|given|specified|supplied|set))"),
    re.compile(r"(?i)" + _LIST + r"\s+(?:sind |est |sont |son |es |são |é )?(?:erforderlich|fehl(?:t|en)|requise?s?|requerid[oa]s?|obligatori[oae]s?|obrigat[oó]ri[oa]s?|manquante?s?|zorunlu\w*|gerekli\w*)\b"),
    re.compile(r"(?i)\b(?:faltan?|campos|champs|felder|alanlar|campi|requerid[oa]s?|obrigat[oó]ri[oa]s|obligatori[oa]s|requis)\s*:\s*" + _LIST),
    re.compile(r"(?i)\b(?:provide|specify|supply)\s+(?:a\s+|an\s+|the\s+|your\s+|both\s+)?" + _LIST),
    re.compile(r"(?i)\bno\s+" + _LIST + r"\s+(?:was\s+)?(?:provided|given|specified|supplied)"),
)  # fmt: skip
_WRAPS: Final = frozenset({
    "message", "messages", "msg", "error", "errors", "detail", "details", "description", "title", "reason", "status", "code", "type", "info", "hint",
})  # fmt: skip
"""Members at the top that hold what an error says; none of them is a field by itself."""
_WRAPS_BELOW: Final = frozenset({"message", "messages", "msg", "error", "errors", "detail", "details"})
_JOINS: Final = frozenset({"and", "or", "the", "a", "an", "und", "et", "ve", "e", "y", "i"})
_NO_NAME: Final = frozenset({
    "a", "an", "the", "and", "or", "all", "any", "some", "both", "one", "it", "this", "that", "is", "are", "be", "in", "of", "to", "for", "with", "valid", "field", "fields",
    "parameter", "parameters", "param", "params", "key", "keys", "argument", "arguments", "property", "value", "values", "data", "body", "json", "request", "input",
    "payload", "required", "missing", "mandatory", "query", "form", "header", "headers", "authentication", "authorization", "login", "permission", "access", "object",
    "campo", "campos", "champs", "champ", "felder", "alan", "und", "et", "ve", "e", "y", "i", "son", "sont", "est", "sind", "los", "las", "os", "as", "les",
    "integer", "string", "number", "not", "no", "you", "must", "please", "at", "least", "content", "error", "bad", "invalid", "unknown", "null", "none", "from", "your",
})  # fmt: skip


def missing_in(response: Response) -> tuple[str, ...]:
    """The names of the inputs that a refusal says are missing, in its order."""
    if response.error or response.status not in (400, 422, 500):
        return ()
    said = response.json()
    if said is None:
        if (page := _PAGE.search(unescape(response.text[:TEXT_MOST]))) is not None:
            return (page.group(1),)
        plain = unescape(re.sub(r"<[^>]{0,400}>", " ", response.text[: TEXT_MOST * 2]))
        found: Iterator[str] = (
            _in_text(" ".join(plain.split()), response.status) if len(plain) <= TEXT_MOST else iter(())
        )
    else:
        found = _in_value(said, response.status, DEEP)
    return tuple(dict.fromkeys(found))[:NAMES_MOST]


def _in_value(value: object, status: int, depth: int) -> Iterator[str]:
    if isinstance(value, str):
        yield from _in_text(value[:TEXT_MOST], status)
    elif isinstance(value, list) and depth:
        for item in cast("list[object]", value)[:20]:
            yield from _in_value(item, status, depth - 1)
    elif isinstance(value, dict) and depth:
        members = cast("dict[str, object]", value)
        if (name := _of_entry(members)) is not None:
            yield name
            return
        yield from _listed(members)
        for key, item in list(members.items())[:40]:
            wraps = _WRAPS if depth == DEEP else _WRAPS_BELOW
            if key.lower() not in wraps and re.fullmatch(r"[A-Za-z_]\w{0,39}", key) and _says_absent(item):
                yield key
            else:
                yield from _in_value(item, status, depth - 1)


_LISTS: Final = re.compile(r"(?i)(missing|required)?_?(fields|params|parameters|keys|properties|members)?")


def _listed(members: dict[str, object]) -> Iterator[str]:
    """The names in a list beside a text that says something is missing: ``{"error": "missing data", "fields": ["name", "age"]}``."""
    absent = any(_says_absent(item) for item in members.values() if isinstance(item, str))
    for key, item in members.items():
        if not isinstance(item, list) or not item or not _LISTS.fullmatch(key):
            continue
        names = [one for one in cast("list[object]", item)[:NAMES_MOST] if isinstance(one, str)]
        if (absent or _ABSENT.search(key)) and all(re.fullmatch(r"[A-Za-z_]\w{0,39}", one) for one in names):
            yield from names


def _of_entry(members: dict[str, object]) -> str | None:
    """The name in an entry that tells one field and what is wrong with it: ``{"loc": ["body", "name"], "msg": "Field required"}``."""
    told = any(_says_absent(members.get(key)) for key in ("msg", "message", "type", "error", "code"))
    return named_in(members) if told else None


def _says_absent(value: object) -> bool:
    if isinstance(value, list):
        return any(_says_absent(item) for item in cast("list[object]", value)[:5])
    return isinstance(value, str) and len(value) <= 300 and _ABSENT.search(value) is not None


def _in_text(text: str, status: int) -> Iterator[str]:
    if (key := _KEY_ERROR.search(text.strip())) is not None:
        yield key.group(1)
        return
    if status == 500 or not _ABSENT.search(text):
        return
    quoted = [name for name in _QUOTED.findall(text) if name.lower() not in _NO_NAME]
    if quoted:
        yield from quoted
        return
    for saying in _SAYINGS:
        for found in saying.finditer(text):
            none = _JOINS if saying is _SAYINGS[0] else _NO_NAME  # after a colon stand names and nothing else
            words = [word for word in re.findall(r"\w+", found.group(1)) if word.lower() not in none]
            if words:
                yield from (word.lower() if word.istitle() else word for word in words)
                return
