"""What to do about a weakness in any Flask application: the first paragraph under "Fix" on the page of its rule, without what it says of
Stopper, which a report says beside it."""

import re
from functools import cache
from pathlib import Path
from typing import Final

import stopper.rules

_FIX: Final = re.compile(r"^## Fix\n+(.+?)(?:\n\s*\n|\Z)", re.MULTILINE | re.DOTALL)
_SENTENCES: Final = re.compile(r"(?<=[.:!?])(?<!\s\d\.)\s+(?=[A-Z`\d\[])")


@cache
def remedy(family: str, slug: str) -> str:
    """That paragraph in one line; empty where a page has none, or it speaks of Stopper alone."""
    name = f"{family.replace('-', '_')}/{slug.replace('-', '_')}.md"
    for folder in stopper.rules.__path__:
        try:
            text = Path(folder, name).read_text(encoding="utf-8")
        except OSError:
            continue
        found = _FIX.search(text)
        said = _SENTENCES.split(" ".join(found.group(1).split())) if found else []
        return " ".join(one for one in said if "Stopper" not in one and "`stopper" not in one)
    return ""
