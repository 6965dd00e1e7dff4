"""Which distributions a project uses in which version: from its lock and requirement files, and from the environment inside of it."""

import ast
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, cast

PINNED: Final = re.compile(r"^\s*(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^\]]*\])?\s*(?P<spec>[^;#]*)")
EXACT: Final = re.compile(r"^===?\s*(?P<version>[0-9][^\s,;]*)$")
LEAST: Final = re.compile(r"(?:>=|~=|==|\^|~)\s*(?P<version>[0-9][^\s,;]*)")
PACKAGE: Final = re.compile(r'\[\[package\]\]\r?\nname = "([^"\n]+)"\r?\nversion = "([^"\n]+)"')
_INCLUDED: Final = re.compile(r"^[ \t]*(?:-r|--requirement)[ \t=]*(?P<path>[^\s#]+)", re.MULTILINE)
_NOT_ITS_OWN: Final = frozenset({"node_modules", "venv", "env", "test", "tests", "doc", "docs", "examples", "vendor"})
_PINNED: Final = 2
_MOST: Final = 100
"""So many folders or requirement files are looked at."""
LARGEST: Final = 8 * 1024 * 1024
LOCKS: Final = ("poetry.lock", "uv.lock", "pdm.lock", "Pipfile.lock")
PROJECTS: Final = ("pyproject.toml", "Pipfile")
SETUPS: Final = ("setup.cfg", "setup.py")
ENVIRONMENTS: Final = (".venv", "venv", "env", ".env")
_INSTALLED: Final = re.compile(r"(?P<name>[A-Za-z0-9][A-Za-z0-9._]*)-(?P<version>[0-9][^-]*)\.(?:dist|egg)-info")


def dependencies(folders: tuple[Path, ...]) -> dict[str, str]:
    """Distribution name (lower case, ``-``) → version; ``""`` where unknown.

    Locked beats pinned, pinned beats what is installed in an environment inside the project, and that beats a lower bound. Of an environment
    counts what the project names; everything, where it names nothing.
    """
    found: dict[str, tuple[int, str]] = {}
    naming = [folder for folder in folders if _names_some(folder)]
    for folder in folders:
        nearer = any(folder in one.parents for one in naming)  # the folders beside those are other projects
        for name, rank, version in _of_one(folder) if nearer else _of_folder(folder):
            key = _key(name)
            if key not in found or rank > found[key][0]:
                found[key] = (rank, version)
    here = dict(installed(folders))
    for name in [name for name in here if not found or name in found]:
        if name not in found or found[name][0] < _PINNED:
            found[name] = (_PINNED, here[name])
    return {name: version for name, (_, version) in sorted(found.items())}


def installed(folders: Iterable[Path]) -> tuple[tuple[str, str], ...]:
    """What lies in environments inside these folders: name and version of each distribution."""
    found: dict[str, str] = {}
    for folder in folders:
        for name in ENVIRONMENTS:
            for packages in _site_packages(folder / name):
                for one in _names(packages):
                    if match := _INSTALLED.fullmatch(one):
                        found.setdefault(_key(match["name"]), match["version"])
    return tuple(sorted(found.items()))


def _key(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _site_packages(environment: Path) -> list[Path]:
    if not (environment / "pyvenv.cfg").is_file():
        return []
    return [*sorted(environment.glob("lib/python*/site-packages")), *environment.glob("Lib/site-packages")]


def _names(folder: Path) -> list[str]:
    try:
        return sorted(one.name for one in folder.iterdir())
    except OSError:
        return []


def sources(folders: tuple[Path, ...]) -> Iterator[Path]:
    """The files that are asked, whether they are there or not. What is :func:`installed` is asked beside them."""
    for folder in folders:
        for one in (folder, *_below(folder)):
            yield from (one / name for name in (*LOCKS, *PROJECTS, *SETUPS))
            yield from _requirement_files(one)


def _requirement_files(folder: Path) -> list[Path]:
    """Its requirement files, and what these include (``-r api/requirements.txt``)."""
    found = sorted(folder.glob("*requirements*.txt")) + sorted(folder.glob("requirements/*.txt"))
    for path in found:  # grows while it is read
        named = (match["path"] for match in _INCLUDED.finditer(_text(path) or "")) if len(found) < _MOST else ()
        found.extend(one for name in named if (one := path.parent / name) not in found)
    return found


def _names_some(folder: Path) -> bool:
    return any((folder / name).is_file() for name in (*LOCKS, *PROJECTS, *SETUPS)) or bool(_requirement_files(folder))


def _below(folder: Path) -> list[Path]:
    """The folders right below one that names no dependencies itself: the project stands in ``backend`` or ``api``."""
    if _names_some(folder):
        return []
    try:
        found = sorted(one for one in folder.iterdir() if one.name[:1] not in "._" and one.is_dir())
    except OSError:
        return []
    return [one for one in found[:_MOST] if one.name not in _NOT_ITS_OWN]


def _of_folder(folder: Path) -> Iterator[tuple[str, int, str]]:
    for one in (folder, *_below(folder)):
        yield from _of_one(one)


def _of_one(folder: Path) -> Iterator[tuple[str, int, str]]:
    for lock in LOCKS:
        text = _text(folder / lock)
        if text is not None:
            yield from _locked(lock, text)
    for path in _requirement_files(folder):
        yield from _requirements(_text(path) or "")
    for name in PROJECTS:
        yield from _project(_text(folder / name))
    yield from _requirements("\n".join(_of_setup_cfg(_text(folder / "setup.cfg") or "")))
    yield from _requirements("\n".join(_of_setup_py(_text(folder / "setup.py") or "")))


def _of_setup_cfg(text: str) -> list[str]:
    """``install_requires`` and the extras of setuptools' older file."""
    if not text.strip():
        return []
    import configparser

    parser = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        parser.read_string(text)
    except configparser.Error:
        return []
    lists = [parser.get("options", "install_requires", fallback="")]
    if parser.has_section("options.extras_require"):
        lists.extend(value for _, value in parser.items("options.extras_require"))
    return [line for one in lists for line in one.splitlines() if line.strip()]


def _of_setup_py(text: str) -> list[str]:
    """The literal ``install_requires`` of a ``setup()``, also by a name that is bound to a literal in the file."""
    if "install_requires" not in text:
        return []
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    names = {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    given = [node.value for node in ast.walk(tree) if isinstance(node, ast.keyword) and node.arg == "install_requires"]
    lists = [names.get(value.id, value) if isinstance(value, ast.Name) else value for value in given]
    return [text for value in lists for text in _literal_texts(value)]


def _literal_texts(value: ast.expr) -> list[str]:
    parts = value.elts if isinstance(value, ast.List | ast.Tuple) else []
    return [part.value for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str)]


def _text(path: Path) -> str | None:
    try:
        if not path.is_file() or path.stat().st_size > LARGEST:
            return None
        return path.read_text("utf-8", "replace")
    except OSError:
        return None


def _toml(text: str) -> dict[str, object]:
    if not text.strip():
        return {}
    import tomllib

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
    if len(found) == text.count("[[package]]") == text.count("\n[[package]]") + text.startswith("[[package]]"):
        # as every tool writes it; reading it as TOML costs a hundred times as much
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
