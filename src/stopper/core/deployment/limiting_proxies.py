"""A proxy in front of the application that limits callers, where its settings lie beside the code."""

import re
from typing import Final

from stopper.core.facts import SourceFacts

_OPENS: Final = re.compile(r"^\s*(http|server|location)\b([^{]*)\{")
_LIMITS: Final = re.compile(r"^\s*limit_req\s+zone=")
_EVERYTHING: Final = frozenset({"/", "^~ /", "~ ^/", "= /"})
_ANNOTATED: Final = re.compile(
    r"^\s*-?\s*[\"']?(?:nginx\.ingress\.kubernetes\.io/limit-(?:rps|rpm)|traefik\.http\.middlewares\.[\w-]+\.ratelimit\.average)[\"']?\s*[:=]"
)


def limited_by_proxy(facts: SourceFacts) -> bool:
    """``limit_req`` of nginx for a whole server or everything below ``/``, or what tells an ingress or Traefik to limit."""
    for file in facts.files_of("config", "deployment", "compose"):
        if any(_ANNOTATED.match(line) for _, line in file.lines_with("limit-rps", "limit-rpm", "ratelimit")):
            return True
        if any(True for _ in file.lines_with("limit_req")) and _limits_all(file.lines):
            return True
    return False


def _limits_all(lines: tuple[str, ...]) -> bool:
    """That the directive stands in no location, or in the one of everything. Blocks are told apart by their braces."""
    blocks: list[str] = []
    for line in lines:
        bare = line.partition("#")[0]
        if _LIMITS.match(bare) and (not blocks or blocks[-1] == "server"):
            return True
        found = _OPENS.match(bare)
        if found is not None:
            whole = found[1] != "location" or found[2].strip() in _EVERYTHING
            blocks.append("server" if whole else "part")
        opened = bare.count("{") - (found is not None)
        blocks += ["other"] * opened
        for _ in range(min(bare.count("}"), len(blocks))):
            blocks.pop()
    return False
