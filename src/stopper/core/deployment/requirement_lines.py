"""Which line of a requirements or lock file pins which distribution to which version."""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from stopper.core.fact import TextFile
from stopper.core.facts import SourceFacts
from stopper.core.place import Span

_PIN: Final = re.compile(
    r"^\s*[\"']?([A-Za-z0-9][\w.-]*)(?:\[[^\]]*\])?[\"']?\s*(?:(===?|~=|>=|<=|<|>|\^|=)\s*[\"']?[=^~]*\s*v?([\w.+*!-]+)|@|$|[;,\"'])"
)
_NAME: Final = re.compile(r"^name\s*=\s*\"([^\"]+)\"")
_VERSION: Final = re.compile(r"^version\s*=\s*\"([^\"]+)\"")
_PIPFILE: Final = re.compile(r"^\s*\"([\w.-]+)\":\s*\{\s*$")
_PIPFILE_VERSION: Final = re.compile(r"^\s*\"version\":\s*\"==([^\"]+)\"")
_QUOTED_NAME: Final = re.compile(r"""^["']([\w.-]+)["'](?=\s*=)""")
_POETRY: Final = re.compile(r"^([\w.-]+)\s*=\s*(?:\"|\{\s*version\s*=\s*\")(==|\^|~|>=)?\s*([\d][\w.]*)")
_ANY_VERSION: Final = re.compile(r"^([\w.-]+)\s*=\s*(?:\"\*\"|\{)")
_LESS: Final = re.compile(r"<\s*(\d{1,9}(?:\.\d{1,9})*)(?![\w.]*\*)")
_LIKE: Final = re.compile(r"(~=|\^)\s*(\d{1,9}(?:\.\d{1,9})*)")
_INSTALLS: Final = re.compile(
    r"\binstall_requires\s*[=:]\s*\[|\b(?:INSTALL_REQUIRES|REQUIREMENTS|requirements)\s*=\s*\["
)
_NAMED: Final = re.compile(r"\binstall_requires\s*=\s*([A-Za-z_]\w*)\b(?!\s*[(.\[])")
_LISTED: Final = re.compile(
    r"[\"']([A-Za-z0-9][\w.-]*)(?:\[[^\]]*\])?\s*(===?|~=|>=|<=|<)?\s*([\d][\w.]*)?[^\"']*[\"']"
)


_OF_DEVELOPMENT: Final = re.compile(
    r"(?i)(?:^|[/_.-])(?:dev\w*|tests?|testing|testinfra|docs?|lint\w*|ci|tools?|tooling|bootstrap|translations?|typing|types|bench\w*)(?=[/_.-])"
)

_RUNS_NOWHERE: Final = re.compile(r"(?i)(?:^|/)(?:docs?|(?:[a-z0-9]\w*[_-])?tests)/")
"""What makes the pages, or is started for tests, runs nowhere else, also where nothing beside it says what it depends on."""


_IN_COMMAND: Final = re.compile(r"(?<![\w./-])[\"']?([A-Za-z][\w.-]*)(?:\[[^\]]*\])?==([\d][\w.]*)")


class Pin(NamedTuple):
    """One line. ``exact`` says that this very version is installed; ``version`` is ``""`` where none is said, else the least where
    the version is not exact. ``below`` is the first version that is not installed any more, where the line says one."""

    name: str
    version: str
    exact: bool
    span: Span
    below: str = ""


def running_files(facts: SourceFacts) -> tuple[TextFile, ...]:
    """The requirement files of what runs; those for development, tests and pages only where there are no others."""
    every = tuple(facts.files_of("requirements"))
    kept = tuple(file for file in every if not _RUNS_NOWHERE.search(file.path))
    return tuple(file for file in kept if not _OF_DEVELOPMENT.search("/".join(file.path.split("/")[-3:]))) or kept


def pins_of(file: TextFile) -> Iterator[Pin]:
    """Every distribution that the file names."""
    last = file.path.rpartition("/")[2]
    if last == "Pipfile.lock":
        yield from _paired(file, _PIPFILE, _PIPFILE_VERSION)
    elif last.endswith(".lock"):
        yield from _paired(file, _NAME, _VERSION)
    elif last == "pyproject.toml":
        yield from _project(file)
    elif last == "Pipfile":
        for number, line in enumerate(file.lines, 1):
            bare = _QUOTED_NAME.sub(r"\1", line.strip())
            if match := _POETRY.match(bare):
                yield _pin(match[1], match[3], match[2] == "==", file, number, line)
            elif match := _ANY_VERSION.match(bare):
                yield _pin(match[1], "", False, file, number)
    elif last.endswith((".yml", ".yaml")):
        for number, line in enumerate(file.lines, 1):
            if match := _PIN.match(line.strip().removeprefix("- ").strip("\"'")):
                yield _pin(match[1], match[3] or "", match[2] in ("==", "==="), file, number)
    elif last == "setup.py":
        yield from _of_setup(file)
    else:
        for number, line in enumerate(file.lines, 1):
            if (match := _PIN.match(line.partition(" #")[0])) and not line.lstrip().startswith(("#", "-", "[")):
                yield _pin(match[1], match[3] or "", match[2] in ("==", "==="), file, number, line.partition("#")[0])


def installed_by(file: TextFile) -> Iterator[Pin]:
    """``RUN pip install flask==3.0.3 PyJWT==1.5.0`` of a Dockerfile."""
    for number, line in file.lines_with("pip install", "pip3 install", "uv pip install"):
        if not line.lstrip().startswith("#"):
            for match in _IN_COMMAND.finditer(line):
                yield _pin(match[1], match[2], True, file, number)


def _pin(name: str, version: str, exact: bool, file: TextFile, number: int, said: str = "") -> Pin:
    plain = re.sub(r"[-_.]+", "-", name).lower()
    return Pin(
        plain,
        version,
        exact and "*" not in version,
        Span(file.path, number, number, 1, len(file.lines[number - 1]) + 1),
        "" if exact else _below(said),
    )


def _below(said: str) -> str:
    """The first version that a requirement leaves out: ``>=1.7,<2.4``, ``~=2.3.0``, Poetry's ``^1.7``."""
    if match := _LESS.search(said):
        return match[1]
    match = _LIKE.search(said)
    numbers = [int(one) for one in match[2].split(".")] if match else []
    if match is None or (match[1] == "~=" and len(numbers) < 2):
        return ""
    kept = (
        len(numbers) - 1 if match[1] == "~=" else next((at for at, one in enumerate(numbers, 1) if one), len(numbers))
    )
    return ".".join(str(one) for one in (*numbers[: kept - 1], numbers[kept - 1] + 1))


def _paired(file: TextFile, names: re.Pattern[str], versions: re.Pattern[str]) -> Iterator[Pin]:
    name, where = "", 0
    for number, line in enumerate(file.lines, 1):
        if found := names.match(line):
            name, where = found[1], number
        elif name and (found := versions.match(line)):
            yield _pin(name, found[1], True, file, where)
            name = ""


def _of_setup(file: TextFile) -> Iterator[Pin]:
    """What stands in the list ``install_requires``, also under a name of its own."""
    listed = False
    named = {found[1] for line in file.lines if (found := _NAMED.search(line)) is not None}
    begins = re.compile("|".join((_INSTALLS.pattern, *(rf"^\s*{name}\s*(?::[^=]+)?=\s*\[" for name in sorted(named)))))
    for number, line in enumerate(file.lines, 1):
        bare = line.partition(" #")[0]
        if begun := begins.search(bare):
            listed, bare = True, bare[begun.end() :]
        if listed:
            inside, _, rest = bare.partition("]")
            for match in _LISTED.finditer(inside):
                yield _pin(match[1], match[3] or "", match[2] in ("==", "==="), file, number, match[0])
            listed = not rest and "]" not in bare


def _project(file: TextFile) -> Iterator[Pin]:
    section = ""
    listed = False
    for number, line in enumerate(file.lines, 1):
        bare = line.partition(" #")[0].strip()
        if bare.startswith("["):
            section = bare.strip("[]")
        if ".dependencies" in section and section.startswith(("tool.poetry", "tool.pdm")):
            if match := _POETRY.match(bare):
                yield _pin(match[1], match[3], match[2] in ("==", None), file, number, bare)
            continue
        listed = (listed or re.match(r"(?:dependencies|[\w-]+)\s*=\s*\[", bare) is not None) and section.startswith(
            ("project", "dependency-groups")
        )
        if listed:
            for match in _LISTED.finditer(bare.partition("= [")[2] if "= [" in bare else bare):
                yield _pin(match[1], match[3] or "", match[2] in ("==", "==="), file, number, match[0])
        if bare.endswith("]"):
            listed = False
