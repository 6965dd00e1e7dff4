"""Several applications in one folder are read one by one: what one of them imports or sets says nothing of the others.

A folder with a file that names what a project depends on is the home of a project, unless it is inside a package. Files belong to the
nearest home above them. Homes are one project where a file of one imports what lies in the other.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from stopper.scan.source.files import PYTHON, is_test

MARKERS: Final = frozenset({
    "pyproject.toml", "setup.py", "setup.cfg", "requirements.txt", "Pipfile", "poetry.lock", "uv.lock", "pdm.lock", "Pipfile.lock",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Part:
    """The files of one project, in the order of the walk, and the folders that say what it depends on."""

    files: tuple[Path, ...]
    folders: tuple[Path, ...]


def partition(
    homes: "Homes", files: Sequence[Path], folders: tuple[Path, ...], imports: Callable[[Path], frozenset[str]]
) -> tuple[Part, ...]:
    """The projects that *files* make up, in the order of their first file. *folders* are asked for dependencies by all of them;
    *imports* gives the first words of what a Python file imports, and is asked only where there are several homes."""
    if not homes.several:
        return (Part(tuple(files), folders),)
    python = [path for path in files if path.suffix in PYTHON]
    joined = _Joined()
    for path in python:
        for top in imports(path):
            other = homes.holding(path, top)
            if other is not None:
                joined.join(homes.of(path), other)
    with_python = {joined.of(homes.of(path)) for path in python}
    found: dict[str, list[Path]] = {}
    for path in files:
        home = joined.of(homes.of(path))
        # What stands beside no code of its own speaks for the code around it.
        while home not in with_python and homes.above(home) is not None:
            home = joined.of(homes.above(home) or home)
        found.setdefault(home, []).append(path)
    made: list[Part] = []
    for home, inside in found.items():
        own = [Path(one) for one in homes.known if joined.of(one) == home]
        made.append(Part(tuple(inside), tuple(dict.fromkeys((*own, *folders)))))
    return tuple(made)


class Homes:
    """Which home each folder has, by the names of all files below *root*."""

    def __init__(self, files: Sequence[str], root: Path) -> None:
        self.root = root.as_posix()
        marked: set[str] = set()
        packages: set[str] = set()
        coded: set[str] = set()
        self.tops: dict[str, set[str]] = {}
        """Folder → the names that an import could find in it."""
        self._of: dict[str, str] = {}
        self._held: dict[tuple[str, str], str | None] = {}
        for path in files:
            folder, _, name = path.replace(os.sep, "/").rpartition("/")
            if name in MARKERS:
                marked.add(folder)
            elif name == "__init__.py":
                packages.add(folder)
            if name.endswith(PYTHON):
                if not is_test(path.removeprefix(f"{self.root}/")):  # tests elsewhere make no other project
                    coded.add(folder)
                self._offer(folder, name.rpartition(".")[0])
        self.known = sorted((marked - packages) | {self.root})
        self._marked = frozenset(self.known)
        self.several = len({self._home(folder) for folder in coded}) > 1
        """That more than one home has code."""

    def _offer(self, folder: str, name: str) -> None:
        while True:
            here = self.tops.setdefault(folder, set())
            if name in here:
                return
            here.add(name)
            if folder == self.root:
                return
            folder, _, name = folder.rpartition("/")
            if not folder:
                return

    def of(self, path: Path) -> str:
        """The home of a file."""
        return self._home(path.as_posix().rpartition("/")[0])

    def above(self, home: str) -> str | None:
        """The home around a home, None for the outermost."""
        return (
            None if home == self.root or not home.startswith(self.root + "/") else self._home(home.rpartition("/")[0])
        )

    def holding(self, importer: Path, top: str) -> str | None:
        """The home of what *importer* means by a name, looked for from its own folder outwards as the reader does."""
        return self._holding(importer.as_posix().rpartition("/")[0], top)

    def _holding(self, folder: str, top: str) -> str | None:
        known = self._held.get((folder, top), "")
        if known == "":
            known = self._held[folder, top] = self._look_outwards(folder, top)
        return known

    def _look_outwards(self, folder: str, top: str) -> str | None:
        while folder:
            for base in (folder, folder + "/src"):
                if top in self.tops.get(base, ()):
                    inner = f"{base}/{top}"
                    return self._home(inner) if inner in self.tops else self._home(base)
            if folder == self.root:
                return None
            folder = folder.rpartition("/")[0]
        return None

    def _home(self, folder: str) -> str:
        known = self._of.get(folder)
        if known is None:
            outer = folder.rpartition("/")[0]
            further = self._home(outer) if outer and folder not in self._marked else self.root
            known = folder if folder in self._marked else further
            self._of[folder] = known
        return known


class _Joined:
    """Homes that turned out to be one."""

    def __init__(self) -> None:
        self._leader: dict[str, str] = {}

    def of(self, home: str) -> str:
        """The home that speaks for all that are one with this."""
        while (leader := self._leader.get(home, home)) != home:
            home = leader
        return home

    def join(self, one: str, other: str) -> None:
        """Make two homes one; the outer (or first) speaks for both."""
        first, second = sorted((self.of(one), self.of(other)))
        if first != second:
            self._leader[second] = first
