"""From paths to an App: every Python file that can matter is read once, then names, routes and access are tied together."""

import ast
import gc
import symtable
import sys
import warnings
from collections.abc import Generator, Iterable, Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from stopper.core.app import App
from stopper.core.fact import TextFile
from stopper.scan.options import Progress, silent
from stopper.scan.report import ReadError
from stopper.scan.source import files, notebooks
from stopper.scan.source.dependencies import dependencies
from stopper.scan.source.documents import with_documents
from stopper.scan.source.files import SourceFile
from stopper.scan.source.kits_of_tests import kits_of_tests
from stopper.scan.source.link import link, lost_beside
from stopper.scan.source.loose_modules import LIBRARIES, LooseModules
from stopper.scan.source.namespaces import home, in_namespaces
from stopper.scan.source.older_python import with_other_names
from stopper.scan.source.project import Module, Project
from stopper.scan.source.reader import wide_lines
from stopper.scan.source.settled import shared_names
from stopper.scan.source.statements import finish, read_module
from stopper.scan.source.suppressions import suppressions
from stopper.scan.source.textfiles import documented_modules, kind_of, read_text

MOST_KEPT: Final = 256
LARGEST_KEPT: Final = 32 * 1024
"""Files (and bytes of each) kept between the search and the reading."""
FRAMES: Final = 12_000
"""Python frames while reading: a chain of imports is followed the way Python follows it, some twelve frames a module."""


@dataclass(frozen=True, slots=True)
class SourceReading:
    """What reading came to. ``errors`` are files that could not be read; the rest of the project is in ``app`` all the same."""

    app: App
    errors: tuple[ReadError, ...] = ()
    files_read: int = 0
    files_total: int = 0


@dataclass(slots=True)
class _Run:
    """One reading: which files there are, and which modules are read."""

    root: Path
    errors: list[ReadError]
    sources: dict[str, SourceFile] = field(default_factory=dict[str, SourceFile])
    tops: set[str] = field(default_factory=set[str])
    """First words of every dotted name that could be of the project."""
    modules: dict[str, Module] = field(default_factory=dict[str, Module])
    kept: MutableMapping[Path, bytes] = field(default_factory=dict[Path, bytes])
    """Bytes of files, within bounds, so that they need not be fetched twice."""
    unread: set[str] = field(default_factory=set[str])
    tests: set[str] = field(default_factory=set[str])
    """Shown paths of test code."""
    reads_tests: bool = True
    loose: LooseModules = field(default_factory=LooseModules)
    found: dict[tuple[str, str], str | None] = field(default_factory=dict["tuple[str, str]", "str | None"])
    project: Project = field(init=False)

    def __post_init__(self) -> None:
        self.project = Project(self.load)

    def load(self, importer: Module, dotted: str) -> Module | None:
        """The module that *importer* means by that name, read first, as Python would."""
        if dotted.partition(".")[0] not in self.tops:
            return None
        key = (importer.folder, dotted)
        if key not in self.found:
            self.found[key] = self._find(importer.folder, dotted)
        path = self.found[key]
        if path is None or path in self.unread:
            return None
        known = self.modules.get(path)
        return known if known is not None else self.read(path)

    def bytes_of(self, source: SourceFile, *, last: bool = False) -> bytes | ReadError:
        """The bytes of a file, or why there are none. After the *last* time nothing is kept of them."""
        data = self.kept.get(source.path)
        if data is None:
            found = files.load(source.path, source.shown)
            if not last and isinstance(found, bytes) and len(self.kept) < MOST_KEPT and len(found) < LARGEST_KEPT:
                self.kept[source.path] = found
            return _python_of(source, found)
        if last:
            del self.kept[source.path]
        return _python_of(source, data)

    def _find(self, folder: str, dotted: str) -> str | None:
        tail = dotted.replace(".", "/")
        top = str(self.root)
        base = folder
        if (
            dotted.partition(".")[0] in LIBRARIES
        ):  # a ``flask.py`` of the package is none of what ``import flask`` finds
            while f"{base}/__init__.py" in self.sources:
                base = base.rpartition("/")[0]
        while True:
            for start in (base, base + "/src"):
                for candidate in (f"{start}/{tail}/__init__.py", f"{start}/{tail}.py"):
                    if candidate in self.sources:
                        return candidate
            outer = base.rpartition("/")[0]
            if base == top or not outer or outer == base:
                return self.loose.file_of(tail, self.sources, self.tests)
            base = outer

    def read(self, path: str) -> Module | None:
        """Read one file; None (and an error kept) when it cannot be read."""
        source = self.sources[path]
        data = self.bytes_of(source, last=True)
        if isinstance(data, ReadError):
            return self._lose(path, data)
        text = files.decode(data, source.shown)
        if isinstance(text, ReadError):
            return self._lose(path, text)
        tree = parse(text, source.shown)
        if isinstance(tree, ReadError):
            return self._lose(path, tree)
        module = Module(source.module, source.shown, source.package, path.rpartition("/")[0])
        if not text.isascii():
            module.wide = wide_lines(text.splitlines())
        module.shared = shared_names(text)
        self.modules[path] = module

        self.project.suppressions.extend(suppressions(text, source.shown))
        try:
            read_module(self.project, module, tree)
        except RecursionError:
            self._lose_deep(module)
        while self.project.too_deep:
            self._lose_deep(self.project.too_deep.pop())
        return self.modules.get(path)

    def _lose_deep(self, module: Module) -> None:
        self._forget(module)
        home = next((path for path, one in self.modules.items() if one is module), None)
        if home is not None:
            self._lose(home, ReadError(module.path, "is nested too deeply to be read; split its longest expression"))

    def _lose(self, path: str, error: ReadError) -> Module | None:
        self.unread.add(path)
        self.modules.pop(path, None)
        self.errors.append(error)
        return None

    def _forget(self, module: Module) -> None:
        for name in [name for name, waiting in self.project.pending.items() if waiting.module is module]:
            del self.project.pending[name]


def _python_of(source: SourceFile, data: bytes | ReadError) -> bytes | ReadError:
    """The Python source in what a file holds: all of it, or the cells of a notebook."""
    if source.path.suffix != notebooks.SUFFIX:
        return data
    if isinstance(data, ReadError):
        return replace(data, fatal=False)
    found = notebooks.python_of(data)
    return ReadError(source.shown, "is no notebook that can be read", fatal=False) if found is None else found


def parse(text: str, shown: str) -> ast.Module | ReadError:
    """The tree of Python source, or why there is none."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except SyntaxError as error:
        older = with_other_names(text)
        tree = parse(older, shown) if older is not None else None
        if isinstance(tree, ast.Module):
            return tree
        return ReadError(shown, f"is not valid Python ({error.msg}); mend it or exclude it", error.lineno)
    except (RecursionError, MemoryError):
        return ReadError(shown, "is nested too deeply to be parsed; split its longest expression or exclude it")
    except ValueError as error:
        return ReadError(shown, f"is not valid Python ({error}); mend it or exclude it")


def check(text: str, shown: str) -> ReadError | None:
    """What is wrong with Python source, at two thirds of what a tree costs."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            symtable.symtable(text, shown, "exec")
    except (SyntaxError, RecursionError, MemoryError, ValueError):
        tree = parse(text, shown)
        return tree if isinstance(tree, ReadError) else None
    return None


def read_source(
    paths: tuple[Path, ...], root: Path, *, exclude: tuple[str, ...] = (), progress: Progress = silent
) -> SourceReading:
    """Read what lies under *paths* as one project. Nothing is imported or run. Places are relative to *root*. Never raises for what
    files hold."""
    root = root.absolute()
    found = files.find(tuple(path.absolute() for path in paths), root, exclude)
    return read_files(found, root, files.folders(paths, root), progress)


def read_files(
    found: Iterable[Path],
    root: Path,
    folders: tuple[Path, ...],
    progress: Progress = silent,
    *,
    kept: MutableMapping[Path, bytes] | None = None,
    tests: bool = True,
) -> SourceReading:
    """Read these files, absolute paths, as one project; *folders* say what it depends on. *kept* are bytes that are at hand, and is
    emptied on the way. Without *tests*, test code is only held to be Python."""
    run = _Run(root, [], reads_tests=tests, kept={} if kept is None else kept)
    packages: dict[str, bool] = {}
    texts: list[TextFile] = []
    beside: list[ReadError] = []
    total = 0
    for path in found:
        shown = files.shown_path(path, root)
        if path.suffix in files.PYTHON:
            total += 1
            name, package, depth = files.module_name(path, packages)
            run.sources[path.as_posix()] = SourceFile(path, shown, name, package, depth)
            if path.name != "setup.py":  # that one is a list of requirements as well
                continue
        kind = kind_of(shown)
        text = read_text(path, shown, kind) if kind is not None else None
        if isinstance(text, ReadError):
            beside.append(text)
        elif text is not None:
            texts.append(text)
    _unique_names(run)
    run.tops = {part for source in run.sources.values() for part in source.shown.removesuffix(".py").split("/")}
    run.tops.update(part for source in run.sources.values() for part in source.module.split("."))
    run.project.settings_texts.update(
        (text.path, text) for text in texts if text.kind == "config" and not files.is_test(text.path)
    )
    wanted = _relevant(run, [text for text in texts if text.kind == "openapi"])
    with _deep_stack():
        for number, one in enumerate(wanted):
            progress("reading source", number, len(wanted))
            if one not in run.modules and one not in run.unread:
                run.read(one)
        finish(run.project)
        run.errors.extend(_unread_errors(run))
        modules = (*run.modules.values(), *_settings_files(run.project, texts))
        app = link(run.project, modules, tuple(run.sources.values()), tuple(texts), frozenset(run.tests))
    # These held what holds the project, and nothing frees a circle while a command runs.
    run.project.load = _nowhere
    run.project.pending.clear()
    run.project.bodies.clear()
    versions = dependencies(folders)
    app = with_documents(_with(app, root, versions), texts)
    return SourceReading(app, (*run.errors, *lost_beside(run.project, beside)), total - len(run.errors), total)


def _settings_files(project: Project, texts: list[TextFile]) -> tuple[Module, ...]:
    """The settings beside the code; what reads them is imported where there are any."""
    prefixed = any(call.method == "from_prefixed_env" for call in project.calls)
    kinds = ("config", "env", "dockerfile", "compose", "deployment") if prefixed else ("config",)
    beside = [text for text in texts if text.kind in kinds]
    if not beside:
        return ()
    from stopper.scan.source.settings_files import settings_files

    return settings_files(project, beside)


def _nowhere(_importer: Module, _dotted: str) -> Module | None:
    return None


def _with(app: App, root: Path, found: dict[str, str]) -> App:
    return replace(app, root=str(root), name=root.name or "app", dependencies=found)


def _unique_names(run: _Run) -> None:
    """Two files of one module name (``app.py`` in two folders) are told apart by their folders."""
    taken: dict[str, int] = {}
    for source in run.sources.values():
        taken[source.module] = taken.get(source.module, 0) + 1
    for path, source in run.sources.items():
        if taken[source.module] > 1:
            dotted = source.shown.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
            run.sources[path] = SourceFile(source.path, source.shown, dotted, source.package, source.depth)


def _relevant(run: _Run, documents: list[TextFile]) -> list[str]:
    """The files that can matter, by a search over their bytes: those that speak of Flask or tokens, and beside such files those that
    touch what rules ask about. Files that these import are read when they are asked for. The others are only held to be Python."""
    chosen: set[str] = set()
    weak: dict[str, frozenset[str]] = {}
    touched: list[str] = []
    others: list[str] = []
    homes: set[Path] = set()
    kits = kits_of_tests(run.sources.values(), run.bytes_of)
    for path, source in run.sources.items():
        data = run.bytes_of(source)
        if isinstance(data, ReadError):
            run.errors.append(data)
            run.unread.add(path)
            continue
        if files.is_test(source.shown) or files.imports_tests(source.shown, data) or source.shown.startswith(kits):
            run.tests.add(source.shown)
            # Of test code rules ask for the credentials in it alone, if at all, so a third of a usual project need not be read.
            if run.reads_tests and (files.writes_credential(data) or files.writes_curl(data)):
                chosen.add(path)
            if not run.reads_tests or not files.holds_credential(data):
                continue
        if files.is_strong(data):
            chosen.add(path)
            homes.add(home(source))
        elif (
            files.is_settings_of_tool(source.shown)
            or files.makes_key(data)
            or files.seeds_accounts(data)
            or (run.reads_tests and files.quotes_curl(data))
        ):
            chosen.add(path)
        else:
            others.append(path)
            if files.is_weak(data) or files.starts_server(data):
                weak[path] = files.imported_tops(data)
                touched.append(path)
            elif b"\n@" in data:
                weak[path] = files.imported_tops(data)
    apart = {path: run.sources[path] for path in touched if home(run.sources[path]) not in homes}
    chosen.update(path for path in touched if path not in apart)
    chosen.update(in_namespaces([run.sources[path] for path in chosen], apart, run.bytes_of))
    chosen.update(path for path in others if path not in chosen and _shows_key(run, run.sources[path]))
    if documents and any(_speaks(run, path, b"connexion") for path in chosen):
        ends = documented_modules(documents)
        for path, source in run.sources.items():
            lies = source.shown.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
            if f".{source.module}".endswith(ends) or f".{lies}".endswith(ends):
                chosen.add(path)
    _add_importers(run, chosen, weak)
    return [path for path in run.sources if path in chosen]


def _speaks(run: _Run, path: str, word: bytes) -> bool:
    data = run.bytes_of(run.sources[path])
    return isinstance(data, bytes) and word in data


def _shows_key(run: _Run, source: SourceFile) -> bool:
    """That a file is read for what stands in it, whatever is around it; asked last, for it costs more than the other questions."""
    data = run.bytes_of(source)
    return isinstance(data, bytes) and (files.bears_key(data) or files.writes_curl(data))


def _add_importers(run: _Run, chosen: set[str], weak: dict[str, frozenset[str]]) -> None:
    """Choose also what imports from files that were chosen: ``app`` may come to a file under a name that says nothing of Flask."""
    tops = {run.sources[path].shown.partition("/")[0].removesuffix(".py") for path in chosen}
    tops.update(run.sources[path].module.partition(".")[0] for path in chosen)
    chosen.update(path for path, imported in weak.items() if imported & tops)


def _unread_errors(run: _Run) -> Iterator[ReadError]:
    """What is wrong with the files that nobody had to read: one that is no Python could hide anything."""
    for path, source in run.sources.items():
        if path in run.modules or path in run.unread:
            continue
        data = run.bytes_of(source, last=True)
        text = data if isinstance(data, ReadError) else files.decode(data, source.shown)
        wrong = text if isinstance(text, ReadError) else check(text, source.shown)
        if wrong is not None:
            yield wrong


@contextmanager
def _deep_stack() -> Generator[None]:
    """Frames enough for chains of imports, and no search for cycles while trees that have none come and go: it would cost a third
    of the whole reading."""
    before, collects = sys.getrecursionlimit(), gc.isenabled()
    sys.setrecursionlimit(max(before, FRAMES))
    gc.disable()
    try:
        yield
    finally:
        sys.setrecursionlimit(before)
        # What was read will stay: it goes to the old objects at once, without being searched on the way.
        gc.freeze()
        gc.unfreeze()
        if collects:
            gc.enable()
