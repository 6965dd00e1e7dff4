"""Which distributions a project uses in which version, from whatever lock and requirement files there are."""

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Final, cast

PINNED: Final = re.compile(r"^\s*(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^\]]*\])?\s*(?P<spec>[^;#]*)")
EXACT: Final = re.compile(r"^===?\s*(?P<version>[0-9][^\s,;]*)$")
LEAST: Final = re.compile(r"(?:>=|~=|==|\^|~)\s*(?P<version>[0-9][^\s,;]*)")
PACKAGE: Final = re.compile(r'^\[\[package\]\]\r?\nname = "([^"\n]+)"\r?\nversion = "([^"\n]+)"', re.MULTILINE)
LARGEST: Final = 8 * 1024 * 1024
LOCKS: Final = ("poetry.lock", "uv.lock", "pdm.lock", "Pipfile.lock")
PROJECTS: Final = ("pyproject.toml", "Pipfile")


def dependencies(folders: tuple[Path, ...]) -> dict[str, str]:
    """Distribution name (lower case, ``-``) → version. Locked beats pinned, pinned beats a lower bound; ``""`` where unknown."""
    found: dict[str, tuple[int, str]] = {}
    for folder in folders:
        for name, rank, version in _of_folder(folder):
            key = re.sub(r"[-_.]+", "-", name).lower()
            if key not in found or rank > found[key][0]:
                found[key] = (rank, version)
    return {name: version for name, (_, version) in sorted(found.items())}


def sources(folders: tuple[Path, ...]) -> Iterator[Path]:
    """The files that are asked, whether they are there or not."""
    for folder in folders:
        yield from (folder / name for name in (*LOCKS, *PROJECTS))
        yield from _requirement_files(folder)


def _requirement_files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*requirements*.txt")) + sorted(folder.glob("requirements/*.txt"))


def _of_folder(folder: Path) -> Iterator[tuple[str, int, str]]:
    for lock in LOCKS:
        text = _text(folder / lock)
        if text is not None:
            yield from _locked(lock, text)
    for path in _requirement_files(folder):
        yield from _requirements(_text(path) or "")
    for name in PROJECTS:
        yield from _project(_text(folder / name))


def _text(path: Path) -> str | None:
    try:
        if not path.is_file() or path.stat().st_size > LARGEST:
            return None
        return path.read_text("utf-8", "replace")
    except OSError:
        return None


def _toml(text: str) -> dict[str, object]:
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError):
        return {}


def _locked(lock: str, text: str) -> Iterator[tuple[str, int, str]]:
    if lock == "Pipfile.lock":
        try:
            said: object = json.loads(text)
        except (ValueError, RecursionError):
            return
        for name, entry in _table(_table(said).get("default")).items():
            yield name, 3, str(_table(entry).get("version", "")).lstrip("=")
        return
    found = PACKAGE.findall(text)
    if len(found) == text.count(
        "[[package]]"
    ):  # as every tool writes it; reading it as TOML costs a hundred times as much
        yield from ((name, 3, version) for name, version in found)
        return
    packages = _toml(text).get("package")
    for entry in cast("list[object]", packages) if isinstance(packages, list) else []:
        table = _table(entry)
        if isinstance(table.get("name"), str):
            yield str(table["name"]), 3, str(table.get("version", ""))


def _table(value: object) -> dict[str, object]:
    return cast("dict[str, object]", value) if isinstance(value, dict) else {}


def _requirements(text: str) -> Iterator[tuple[str, int, str]]:
    for line in text.splitlines():
        if not line.lstrip().startswith(("-", "#")):
            yield from _requirement(line)


def _requirement(line: str) -> Iterator[tuple[str, int, str]]:
    match = PINNED.match(line)
    if match is None:
        return
    spec = match["spec"].split(" --")[0].strip().strip("()")
    exact = EXACT.match(spec)
    if exact is not None:
        yield match["name"], 2, exact["version"]
        return
    least = LEAST.search(spec)
    yield match["name"], 1 if least else 0, least["version"] if least else ""


def _project(text: str | None) -> Iterator[tuple[str, int, str]]:
    said = _toml(text or "")
    project = _table(said.get("project"))
    listed = project.get("dependencies")
    lines = list(cast("list[object]", listed)) if isinstance(listed, list) else []
    for extra in _table(project.get("optional-dependencies")).values():
        lines.extend(cast("list[object]", extra) if isinstance(extra, list) else [])
    for line in lines:
        if isinstance(line, str):
            yield from _requirement(line)
    poetry = _table(_table(_table(said.get("tool")).get("poetry")).get("dependencies"))
    for name, spec in {**poetry, **_table(said.get("packages"))}.items():
        version = spec if isinstance(spec, str) else str(_table(spec).get("version", ""))
        if name.lower() != "python":
            yield from _requirement(f"{name} {version}" if version[:1] in "=<>~^!" else f"{name} ~={version}")
