"""What the project's templates make of a name that they are handed: whether they print it as a text, or ask it for what a status says."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.fact import Flow, TextFile
from stopper.core.facts import SourceFacts
from stopper.core.values import Call, Caught, Parameter, Value, literals, text_of, walk

_BLOCK: Final = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
_TEXT: Final = re.compile(r"'[^'\n]*'|\"[^\"\n]*\"")
_ASKS: Final = re.compile(r"\{%-?\s*(?:el)?if\b")
_OTHERS: Final = re.compile(r"\{%-?\s*(?:extends|include|import|from)\s+['\"]([^'\"]+)")
_HARMLESS: Final = r"\s*\.\s*(?:description|code|name|status|status_code)\b"
"""What an error of HTTP says of itself, which an exception of a library does not have."""
_SHOW: Final = ("flask.render_template", "flask.render_template_string")
_STEPS: Final = 5


def is_printed(facts: SourceFacts, flow: Flow) -> bool:
    """That ``render_template("error.html", error=error)`` may show the text of what it is handed: not where all its pages are known, and
    none prints it."""
    page = next((one for one in facts.calls(*_SHOW) if one.span == flow.span), None)
    if page is None or page.open:
        return True
    names = [name for name, given in page.keywords if any(isinstance(one, (Caught, Parameter)) for one in walk(given))]
    if page.method == "render_template_string":
        said = text_of(page.argument(0, "source"))
        return said is None or not names or any(_prints(said, name) for name in names)
    pages = ["\n".join(one.lines) for one in pages_shown(facts, page.argument(0, "template_name_or_list"))]
    return not names or not pages or any(_prints(one, name) for one in pages for name in names)


def pages_shown(facts: SourceFacts, named: Value | None) -> Iterator[TextFile]:
    """The templates that are shown by that name, with those they stand on; where it is put together, all with its beginning."""
    known = list(facts.files_of("template"))
    said = text_of(named)
    begins = next((text for part in walk(named, 3) if (text := text_of(part))), "").partition("{")[0]
    level = [one for one in known if (_is_called(one, said) if said is not None else f"/{begins}" in f"/{one.path}")]
    met = set[str]()
    for _ in range(_STEPS):
        level = [one for one in level if one.path not in met]
        met |= {one.path for one in level}
        yield from level
        wanted = {name for one in level for name in _OTHERS.findall("\n".join(one.lines))}
        level = [one for one in known for name in wanted if _is_called(one, name)]


def shows_all(facts: SourceFacts, page: Call, name: str) -> bool:
    """That a template prints what it is handed under that name as a whole, or goes through it: ``{{ headers }}``, ``{% for k, v in headers %}``."""
    shows = re.compile(
        rf"\{{\{{-?\s*{re.escape(name)}(?:\.items\(\))?\s*(?:\||-?\}}\}})|\bin\s+{re.escape(name)}(?:\.items\(\))?\s*(?:\||-?%\}})"
    )
    if page.method == "render_template_string":
        return any(shows.search(str(text.value)) for text in literals(page.argument(0, "source")))
    pages = pages_shown(facts, page.argument(0, "template_name_or_list"))
    return any(shows.search(line) for one in pages for line in one.lines)


def _is_called(file: TextFile, name: str) -> bool:
    return f"/{file.path}".endswith(f"/{name}")


def _prints(page: str, name: str) -> bool:
    used = re.compile(rf"(?<![\w.]){re.escape(name)}\b(?!{_HARMLESS})")
    return any(
        used.search(_TEXT.sub("", block)) is not None and _ASKS.match(block) is None for block in _BLOCK.findall(page)
    )
