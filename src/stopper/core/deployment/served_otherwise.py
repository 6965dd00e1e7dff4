"""Whether what deploys the application hands it to a real server, so that a call which starts a small one is made by hand alone."""

import re
from pathlib import PurePosixPath
from typing import Final

from stopper.core.deployment.desk_files import is_run_by_hand
from stopper.core.facts import SourceFacts
from stopper.core.values import Call

_SERVER: Final = re.compile(
    r"(?i)\b(?:gunicorn|uwsgi|waitress(?:-serve)?|hypercorn|uvicorn|granian|mod_wsgi-express)\b"
)
_SERVER_SETTINGS: Final = re.compile(r"(?:gunicorn|hypercorn)[\w.-]*\.py|uwsgi[\w.-]*\.(?:ini|ya?ml)")
"""What a real server reads, beside the file whose application it serves."""
_SERVED: Final = re.compile(r"[\s\"',=][A-Za-z_][\w.]*:[A-Za-z_]\w*(?:\(\S*\))?(?=[\s\"',\]]|$)")
"""``module:app``, ``package.module:create_app()``."""
_MODULE: Final = re.compile(r"[\s\"',=]([A-Za-z_][\w.]*):[A-Za-z_]\w*(?:\(\S*\))?(?=[\s\"',\]]|$)")


def is_served_otherwise(facts: SourceFacts, call: Call) -> bool:
    """That what deploys the application hands it to a real server (``gunicorn start:app``), this very module or another one beside which the
    file lies, and the call stands where only whoever starts the file by hand comes."""
    if call.span is None:
        return False
    stem = PurePosixPath(call.span.path).stem
    files = list(facts.files_of("dockerfile", "compose", "procfile", "shell"))
    lines = [line for file in files for line in file.lines]
    home = call.span.path[: call.span.path.rfind("/") + 1]
    if any(one.startswith(home) and _SERVER_SETTINGS.fullmatch(one[len(home) :]) for one in facts.files):
        return is_run_by_hand(facts, call)
    beside = _served_beside(facts, home, lines)
    named = any(_SERVER.search(line) and re.search(rf"\b{re.escape(stem)}:\w", line) for line in lines)
    served = (
        named
        or beside
        or any(
            _SERVER.search(line) and _SERVED.search(line) and not line.lstrip().startswith("#")
            for file in files
            if call.span.path.startswith(file.path[: file.path.rfind("/") + 1])
            for line in file.lines
        )
    )
    started = any(
        re.search(rf"\bpython[\d.]*\b.*\b{re.escape(stem)}(?:\.py)?\b(?!:)", line) and not _SERVER.search(line)
        for line in lines
    )
    alone = not named and not call.function and not _is_imported(facts, call.span.path)
    return served and not started and (alone or is_run_by_hand(facts, call))


def _served_beside(facts: SourceFacts, home: str, lines: list[str]) -> bool:
    """That a real server is handed ``app:app``, where the module ``app`` lies in that folder, wherever the line stands."""
    for line in lines:
        if not _SERVER.search(line) or line.lstrip().startswith("#"):
            continue
        for found in _MODULE.finditer(line):
            path = home + found[1].replace(".", "/")
            if f"{path}.py" in facts.files or f"{path}/__init__.py" in facts.files:
                return True
    return False


def _is_imported(facts: SourceFacts, path: str) -> bool:
    """That another file imports the module, whose first lines run then."""
    return any(facts.imports(module) for module, held in facts.modules.items() if held == path)
