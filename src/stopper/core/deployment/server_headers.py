"""Headers that the web server in front gives every answer: ``add_header`` of nginx, ``Header set`` of Apache."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.facts import SourceFacts

_NGINX: Final = re.compile(r"^\s*add_header\s+[\"']?([\w-]+)[\"']?\s+(\"[^\"]*\"|'[^']*'|[^\s;]+)")
_APACHE: Final = re.compile(
    r"(?i)^\s*Header\s+(?:(?:always|onsuccess)\s+)?(?:set|append|merge|add)\s+[\"']?([\w-]+)[\"']?\s+(\"[^\"]*\"|'[^']*'|\S+)\s*$"
)
_OPENS: Final = re.compile(r"(?i)^\s*(?:<(?!/)([^>]+)>|([\w][^{}#;]*?)\s*\{\s*$)")
_CLOSES: Final = re.compile(r"^\s*(?:</|\})")
_WHOLE: Final = re.compile(r"(?i)virtualhost\b.*|ifmodule\b.*|location\s+[\"']?/[\"']?|http|server")
"""Blocks that stand for all of a site."""


def said_by_server(facts: SourceFacts, header: str) -> tuple[str, ...]:
    """The values under which the web server's own files give that header to every answer."""
    said = facts.once("headers of the web server", lambda: tuple(_said(facts)))
    return tuple(value for name, value in said if name == header.lower())


def _said(facts: SourceFacts) -> Iterator[tuple[str, str]]:
    for file in facts.files_of("config", "deployment"):
        blocks: list[str] = []
        for line in file.lines:
            if found := _NGINX.match(line) or _APACHE.match(line):
                if all(_WHOLE.fullmatch(one) for one in blocks):
                    yield found[1].lower(), found[2].strip("\"'")
            elif _CLOSES.match(line):
                del blocks[-1:]
            elif opened := _OPENS.match(line):
                blocks.append((opened[1] or opened[2]).strip())
