"""Which origins the web server in front lets in: ``add_header Access-Control-Allow-Origin *`` of nginx."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.facts import SourceFacts
from stopper.core.place import Span

_ALLOWS: Final = re.compile(
    r"(?i)^\s*(?:add_header|more_set_headers|Header\s+(?:(?:always|onsuccess)\s+)?(?:set|append|merge|add))\s+[\"']?Access-Control-Allow-Origin[\"']?[\s:]+[\"']?([^\s;\"']+)"
)
_OPENS: Final = re.compile(r"^\s*(?:<(?!/)([^>]+)>|([\w][^#;]*?)\s*\{\s*(?:#.*)?$)")
_CLOSES: Final = re.compile(r"^\s*(?:</|\})")
_ASKS: Final = re.compile(r"(?i)(?:if|map|geo)\b")
"""Blocks that hold under a condition alone."""
_FILES: Final = re.compile(
    r"(?i)(?:location|files\w*|directory)\b.*(?:\\\.|static|assets?|media|fonts?|images?|img|uploads?|\.well-known|favicon|robots|css|js\b|health)"
)
"""Blocks of files, which are for everybody."""


def let_in_by_server(facts: SourceFacts) -> Iterator[tuple[str, Span]]:
    """What the web server's own files answer as the origin that is let in, but for files and under a condition."""
    for file in facts.files_of("config", "deployment"):
        if not any(True for _ in file.lines_with("access-control-allow-origin")):
            continue
        blocks: list[str] = []
        for number, line in enumerate(file.lines, 1):
            if found := _ALLOWS.match(line):
                if not any(_ASKS.match(one) or _FILES.match(one) for one in blocks):
                    yield found[1], Span(file.path, number, number, 0, len(line))
            elif _CLOSES.match(line):
                del blocks[-1:]
            elif opened := _OPENS.match(line):
                blocks.append((opened[1] or opened[2]).strip())
