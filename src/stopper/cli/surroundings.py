"""Secrets that stand around a run: values of the environment and of an env file whose names say that they are secret.

An app that is audited reads them, and may hand them out under any name. So the redactor has to know them.
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from stopper.core.redactor import is_sensitive_name
from stopper.core.secret import Secret

SHORTEST: Final = 8
"""Characters; a shorter value is more often a word ("postgres") than a secret, and masking it would hide the report."""


def held(environ: Mapping[str, str] = os.environ, env_file: Path | None = None) -> tuple[Secret, ...]:
    """The secrets around this process. They are masked for as long as the caller keeps them."""
    pairs = [*environ.items(), *(_lines(env_file) if env_file else ())]
    return tuple(Secret(value) for name, value in pairs if is_sensitive_name(name) and len(value) >= SHORTEST)


def _lines(path: Path) -> Iterator[tuple[str, str]]:
    try:
        text = path.read_text("utf-8", "replace")
    except OSError:
        return  # whoever uses the file tells what is wrong with it
    for line in text.splitlines():
        name, equals, value = line.removeprefix("export ").partition("=")
        if equals and not line.lstrip().startswith("#"):
            yield name.strip(), value.strip().strip("\"'")
