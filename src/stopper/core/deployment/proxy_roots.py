"""Servers before the application that give out its own folder: ``alias /srv/app/;``, ``root /app;``."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from stopper.core.place import Span

if TYPE_CHECKING:
    from stopper.core.fact import TextFile
    from stopper.core.facts import SourceFacts

_SERVED: Final = re.compile(
    r"""^\s*(?:alias|root|DocumentRoot|Alias\s+\S+|root\s+\*)\s+["']?(/[\w./-]*)["']?\s*;?\s*(?:#.*)?$"""
)
_APPLICATIONS: Final = re.compile(
    r"/(?:app|code|srv|src|project|application|opt|(?:srv|opt|var/www|usr/src|home/[\w-]+)/(?:app|application|project|src|code|backend|api|flask[\w-]*|web_?app))"
)
"""Where the code of applications lies by custom."""
_BY_ENDING: Final = re.compile(
    r"(?i)^\s*location\s+~\*?\s+\S*\\\.(?:\(\??:?)?(?:[\w?+]+\|)*(?:py|pyc|db|sqlite3?|sql|env|log|bak|ini|cfg|conf|pem|key|git)(?:\||\)?(?:\$|\s))"
)
_LONGEST: Final = 12
"""Lines of a block of nginx that are looked at."""
_PYTHON: Final = re.compile(r"(?i)python|gunicorn|uwsgi|waitress|hypercorn|uvicorn|\bflask\s+run")
_WORKDIR: Final = re.compile(r"(?i)^\s*(?:WORKDIR\s+|WorkingDirectory\s*=\s*)[\"']?(/[\w./-]+)")
_STARTS: Final = re.compile(
    r"""(?i)WSGIScriptAlias\s+\S+\s+["']?(/[\w./-]+)/[\w.-]+\.(?:wsgi|py)\b|(?:python-path|home|chdir|pythonpath)\s*=\s*["']?(/[\w./-]+)|--(?:chdir|pythonpath)[= ]["']?(/[\w./-]+)"""
)
"""How Apache, uWSGI and gunicorn are told where the application lies."""


def served_projects(facts: "SourceFacts") -> Iterator[Span]:
    """The lines of nginx, Apache and Caddy that serve the folder in which the application itself lies."""
    homes = {
        found[1].rstrip("/")
        for file in facts.files_of("dockerfile", "deployment")
        if any(map(_PYTHON.search, file.lines))
        for line in file.lines
        if (found := _WORKDIR.match(line)) is not None
    }
    homes |= {
        (found[1] or found[2] or found[3]).rstrip("/")
        for file in facts.files_of("config", "deployment", "procfile", "shell")
        for _, line in file.lines_with("wsgiscriptalias", "python-path", "pythonpath", "chdir")
        if (found := _STARTS.search(line)) is not None
    }
    for file in facts.files_of("config", "deployment"):
        if _is_of_pages(facts, file):
            continue
        yield from _by_endings(file)
        for number, line in file.lines_with("alias", "root"):
            found = _SERVED.match(line)
            folder = found[1].rstrip("/") if found is not None else ""
            if folder and (folder in homes or _APPLICATIONS.fullmatch(folder)) and not _only_refuses(file, number):
                yield Span(file.path, number, number, 1, len(line) + 1)


def _by_endings(file: "TextFile") -> Iterator[Span]:
    """``location ~* \\.(css|py|db)$`` with a folder: files that are for nobody else, by what their names end in."""
    for number, line in file.lines_with("location"):
        found = _BY_ENDING.match(line)
        inside = file.lines[number : number + _LONGEST]
        block = inside[: _end(inside)]
        gives = any(re.match(r"\s*(?:root|alias|try_files)\s", one) for one in block)
        if found is not None and gives and not _only_refuses(file, number):
            yield Span(file.path, number, number, 1, len(line) + 1)


def _is_of_pages(facts: "SourceFacts", file: "TextFile") -> bool:
    """That the server gives out a page of scripts that was built into its own image: what lies in ``/app`` there is no Python."""
    if any("index.html" in line for line in file.lines):
        return True
    folder = file.path.rpartition("/")[0]
    return any(
        re.match(r"(?i)\s*FROM\s+\S*(?:nginx|node|caddy|httpd)", line)
        for beside in facts.files_of("dockerfile")
        if beside.path.rpartition("/")[0] == folder
        for line in beside.lines
    )


def _only_refuses(file: "TextFile", number: int) -> bool:
    """That the block around the line gives nothing out: ``deny all``, ``internal``."""
    around = file.lines[number : number + 6]
    return any(re.match(r"\s*(?:deny\s+all|internal|return\s+40[34])", line) for line in around[: _end(around)])


def _end(lines: "tuple[str, ...]") -> int:
    return next((number for number, line in enumerate(lines) if line.strip().startswith("}")), len(lines))
