"""Which files there are, which of them can matter, and their text. Nothing here raises for what a file holds."""

import codecs
import io
import os
import re
import stat
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from operator import attrgetter
from pathlib import Path
from typing import Final

from stopper.scan.report import ReadError

SKIPPED: Final = frozenset({
    ".git", ".hg", ".svn", ".venv", "venv", "node_modules", "__pycache__", "site-packages", "build", "dist", ".tox",
    ".nox", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".eggs",
})  # fmt: skip
LARGEST: Final = 8 * 1024 * 1024
"""A Python file above this many bytes is generated; the parser would need a hundred times as much memory."""

PYTHON: Final = (".py", ".pyw", ".ipynb")
"""Endings of files that hold Python."""

IMPORTS: Final = re.compile(
    rb"\n(?:\xef\xbb\xbf)?[ \t]*(?:from|import)[ \t]+(?:flask|apiflask|connexion|quart|werkzeug|stopper|jwt|jose|joserfc|authlib|itsdangerous|jwcrypto)"
)
"""Begins with a literal, as all of these do: the search finds it several times as fast as the beginning of a line."""
SETTINGS: Final = (b"current_app", b"JWT_SECRET", b"SECRET_KEY")
TOUCHED: Final = (
    b"exception", b"request", b"logger", b"logging", b"sqlalchemy", b"secret", b"passw", b"execute(", b"token", b"api_key", b"apikey", b"authorization",
    b"httpx", b"smtplib", b"hashlib", b"hmac", b"pickle", b"yaml", b"subprocess", b"sqlite3", b"open(", b"random", b"bcrypt", b"passlib",
    b"argon2", b"redis", b"openai", b"anthropic", b"verify", b"stopper:", b"print(", b"access_log",
    b"private key-----", b"private_key", b"debug", b"app.config", b"route", b"blueprint", b"add_resource", b"add_url_rule", b"jsonify", b"render_template",
)  # fmt: skip
"""The most usual first."""


def is_strong(data: bytes) -> bool:
    """That a file speaks of Flask or of tokens, whatever is around it (or must be read to say what is wrong with it)."""
    return IMPORTS.search(b"\n" + data) is not None or any(word in data for word in SETTINGS)


_OF_A_TOOL: Final = re.compile(r"(?:^|/)(?:(?:gunicorn|hypercorn)[\w.-]*|noxfile)\.py$")


def is_settings_of_tool(shown: str) -> bool:
    """That the file is named as one that a server of WSGI applications or nox reads: it stands beside the package and imports nothing of it."""
    return _OF_A_TOOL.search(shown) is not None


def is_weak(data: bytes) -> bool:
    """That a file beside Flask code could hold what a rule asks about."""
    lowered = data.lower()
    return any(word in lowered for word in TOUCHED)


def starts_server(data: bytes) -> bool:
    """That a file could start or wrap an application that another file makes: all that a usual ``run.py`` does."""
    return b".run(" in data or b"wsgi_app" in data or b"create_app(" in data or b"make_app(" in data


_CREDENTIAL_LIKE = re.compile(
    rb"SECRET_KEY|JWT_SECRET|\.config\b|['\"](?:[Bb]earer )?(?=[^'\"\s]*\d)(?=[^'\"\s]*[A-Za-z])[A-Za-z0-9+/=_.:\-]{20,}['\"]"
)


_LITERAL: Final = re.compile(rb"['\"]([^'\"\s]{16,})")
_ASKED: Final = (
    b"SECRET_KEY", b"JWT_SECRET", b"jwt.encode(", b"PRIVATE KEY", b"from_object", b"from_pyfile", b"debuglevel", b"curlify", b"dump_all", b".write(",
    b".debug(", b".info(", b".warn(", b".warning(", b".error(", b".exception(", b".critical(", b".log(", b".fatal(", b".trace(",
)  # fmt: skip
_PRINTS: Final = re.compile(rb"\bp?print\b")
_SHOWN_KEYS: Final = tuple(re.compile(scheme + rb"\s+[^\s'\"{}%]{16}") for scheme in (b"bearer", b"token", b"basic"))
"""Of texts in small letters; three patterns, because each begins with a literal."""

_WRITES_NAMED: Final = re.compile(
    rb"\b(?:p?print|debug|info|warn|warning|error|critical|log|echo|write|record_\w+)\([^\n]*(?:[({,\[=]\s*|\w\.|_)"
    rb"(?i:\w*(?:token|jwt|secret|passw|api_?key|authorization|bearer|headers))"
)


_KNOWN_KEY: Final = re.compile(
    rb"['\" ](?:eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.|[sr]k_live_\w{16,}|AKIA[A-Z0-9]{16}\b|gh[pousr]_\w{30,}|github_pat_\w{20,}|glpat-[\w-]{16,}|xox[abpr]-[\w-]{10,}"
    rb"|SG\.[\w-]{16,}\.[\w-]{16,}|AIza[\w-]{30,}|sk-[\w-]{32,})|-----BEGIN [A-Z ]*PRIVATE KEY"
    rb"|['\"][Bb]earer (?=\S*\d)[A-Za-z0-9_.~+/=-]{24,}['\"]"
)


def bears_key(data: bytes) -> bool:
    """That a token, or a key of a form that everybody knows, stands in a file, whatever else it is about."""
    return _KNOWN_KEY.search(data) is not None


_CURL: Final = re.compile(rb"\bcurl\s[^\n]*[{%]")


def writes_curl(data: bytes) -> bool:
    """That a file puts cURL lines together, which may hold the credential in clear: scripts that try an API do so, beside its code."""
    return b"curl " in data and _CURL.search(data) is not None


_CURL_PARTS: Final = re.compile(rb"""["']curl["']\s*[],]""")


def quotes_curl(data: bytes) -> bool:
    """That a file puts a cURL line together of parts which it quotes for a shell, or of headers, whatever else it imports."""
    return (b"shlex" in data or b".headers" in data) and _CURL_PARTS.search(data) is not None


def makes_key(data: bytes) -> bool:
    """That a file makes a pair of keys, wherever it stands: a script beside the application makes those which its tokens are signed by."""
    return b"generate_private_key" in data or b"RSA.generate" in data


_SEEDS: Final = re.compile(rb"(?i)bulk_insert|\.insert\(|insert\s+into")


def seeds_accounts(data: bytes) -> bool:
    """That a step of a database puts people with passwords into it, though nothing imports it."""
    return b"alembic" in data and b"passw" in data and _SEEDS.search(data) is not None


def writes_credential(data: bytes) -> bool:
    """That test code writes something out that is named as a credential, wherever it stands and whatever it imports."""
    return _WRITES_NAMED.search(data) is not None or b"debuglevel" in data or b".request.headers" in data


def holds_credential(data: bytes) -> bool:
    """That test code is worth reading: it has a literal which could be a key or token, or sets one; and that literal has the form of a
    known key, or something may write a credential out or say which settings are loaded. No rule asks more of test code, but for
    what :func:`writes_credential` sees."""
    if _CREDENTIAL_LIKE.search(data) is None:
        return False
    if any(word in data for word in _ASKED) or (b"print" in data and _PRINTS.search(data) is not None):
        return True
    lowered = data.lower()
    return any(key.search(lowered) is not None for key in _SHOWN_KEYS) or _has_known_key(data)


def _has_known_key(data: bytes) -> bool:
    from stopper.core.keys.key_shapes import may_hold_key

    return any(may_hold_key(text.decode("utf-8", "replace")) for text in _LITERAL.findall(data))


_IMPORTED = re.compile(rb"\n[ \t]*+(?:from|import)[ \t]+\.*([A-Za-z_]\w*)")
"""Begins with a literal, which the search finds four times as fast as the beginning of a line."""


def imported_tops(data: bytes) -> frozenset[str]:
    """The first words of what a file imports."""
    return frozenset([match.decode() for match in set(_IMPORTED.findall(b"\n" + data))])


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One Python file: where it is and the dotted module name that imports would use."""

    path: Path
    shown: str
    module: str
    package: bool
    depth: int
    """How many packages are around it, its own left out."""


def find(paths: tuple[Path, ...], root: Path, exclude: tuple[str, ...]) -> Iterator[Path]:
    """The files under *paths* in a stable order, each once; links to folders are not followed."""
    return map(Path, found(paths, root, exclude))


def found(paths: tuple[Path, ...], root: Path, exclude: tuple[str, ...]) -> Iterator[str]:
    """The same as texts: a Path for each of ten thousand files that nobody reads would cost more than the walk."""
    seen: set[str] = set()
    for path in paths:
        for name in _walk(path, root, exclude) if path.is_dir() else (str(path),):
            if name not in seen:
                seen.add(name)
                yield name


def folders(paths: tuple[Path, ...], root: Path) -> tuple[Path, ...]:
    """The folders that can say what the project depends on."""
    found = [root]
    for path in paths:
        found.append(path if path.is_dir() else path.parent)
        if path.is_dir():
            found.append(path.parent)
    return tuple(dict.fromkeys(folder.absolute() for folder in found if folder.absolute().is_relative_to(root)))


def _walk(top: Path, root: Path, exclude: tuple[str, ...]) -> Iterator[str]:
    """The files below a folder: those of it by name, then those of each folder in it. A folder that cannot be read has none."""
    waiting = [str(top)]
    while waiting:
        folder = waiting.pop()
        try:
            with os.scandir(folder) as entries:
                inside = sorted(entries, key=attrgetter("name"))
        except OSError:
            continue
        folders: list[str] = []
        for entry in inside:
            if _is_folder(entry):
                if not _skipped(folder, entry.name, root, exclude) and not entry.is_symlink():
                    folders.append(entry.path)
            elif not exclude or not _excluded(Path(folder, entry.name), root, exclude):
                yield entry.path
        waiting.extend(reversed(folders))


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _skipped(folder: str, name: str, root: Path, exclude: tuple[str, ...]) -> bool:
    return (
        name in SKIPPED
        or name.endswith(".egg-info")
        or (bool(exclude) and _excluded(Path(folder, name), root, exclude))
    )


def _excluded(path: Path, root: Path, exclude: tuple[str, ...]) -> bool:
    shown = shown_path(path, root)
    return any(
        fnmatch(shown, pattern) or fnmatch(path.name, pattern) or shown.startswith(pattern.rstrip("/") + "/")
        for pattern in exclude
    )


def shown_path(path: Path, root: Path) -> str:
    """The path as reports show it: relative to *root* where it is below it, with ``/``."""
    text, top = str(path), str(root) + os.sep
    if text.startswith(top) and ".." not in text:
        return text[len(top) :].replace(os.sep, "/")
    try:
        return path.relative_to(root).as_posix()
    except ValueError:
        pass
    try:
        return path.resolve().relative_to(root.resolve()).as_posix()
    except (ValueError, OSError, RuntimeError):
        return path.as_posix()


def shown_name(name: str, root: Path) -> str:
    """The same for a path that is a text."""
    top = str(root) + os.sep
    if name.startswith(top) and ".." not in name:
        return name[len(top) :].replace(os.sep, "/")
    return shown_path(Path(name), root)


def module_name(path: Path, packages: dict[str, bool] | None = None) -> tuple[str, bool, int]:
    """The dotted name by which the project imports that file, judged by the packages around it; whether it is a package itself; and
    how many packages are around its folder. *packages* remembers for one run which folders are packages."""
    known = {} if packages is None else packages
    package = path.name == "__init__.py"
    parts = [] if package else [path.stem]
    folder = os.path.dirname(path)
    while _is_package(folder, known) and (outer := os.path.dirname(folder)) != folder:
        parts.append(os.path.basename(folder))
        folder = outer
    depth = len(parts) - 1 if parts else 0
    return ".".join(reversed(parts)) or path.parent.name, package, depth - (0 if package else 1) if depth else 0


def _is_package(folder: str, known: dict[str, bool]) -> bool:
    found = known.get(folder)
    if found is None:
        found = known[folder] = os.path.isfile(os.path.join(folder, "__init__.py"))
    return found


_TEST = re.compile(
    r"(^|/)(_?tests?|mocks|stubs|tests_\w+|[a-z0-9]\w*[_-]tests|test[_-](?:aid|support|helpers?|utils?|data|fixtures?|tools?)|testing|e2e|conftest\.py|(?:test|mock)_[^/]*\.py|(?:run_?)?test_?(?:server|utils?|lib|helpers?)\.py|[^/]*_tests?\.py)(/|$)"
)


def is_test(shown: str) -> bool:
    """That the path is one of test code by the conventions of pytest and unittest."""
    return _TEST.search(shown) is not None


_TEST_IMPORTS = re.compile(rb"^[ \t]*(?:from|import)[ \t]+(?:pytest|unittest)\b", re.MULTILINE)
_TEST_CLASS = re.compile(rb"^class (?:\w*Tests?\w*[(:]|\w+\([^)\n]*Test(?:Case|Base)?\b)", re.MULTILINE)
_TEST_METHOD = re.compile(rb"^[ \t]+def test_\w+\(self\b", re.MULTILINE)
_TEST_WORD = re.compile(r"(?:^|[/_])(?:tests?(?:_[^/]*)?|testing)\.py$|(?:^|/)\w*[a-z]Tests?\.py$")


def imports_tests(shown: str, data: bytes) -> bool:
    """That a file called ``test.py`` or the like is one of test code: its name alone could also mean a page that tests something. One
    with fixtures of pytest is, whatever it is called: a plug-in for tests."""
    if _TEST_WORD.search(shown) is None:
        return b"\n@pytest.fixture" in data
    if _TEST_IMPORTS.search(data) is not None:
        return True
    return _TEST_METHOD.search(data) is not None and _TEST_CLASS.search(data) is not None


def load(path: Path, shown: str, most: int = LARGEST) -> bytes | ReadError:
    """The bytes of a file of at most *most* bytes, or why there are none."""
    try:
        seen = path.stat()
        if not stat.S_ISREG(seen.st_mode):
            return ReadError(shown, "is not a regular file; exclude it or remove the link")
        if seen.st_size > most:
            return ReadError(shown, f"is larger than {most // 1024 // 1024} MiB; exclude it if it is generated")
        return path.read_bytes()
    except OSError as error:
        reason = (error.strerror or "cannot be read").lower()
        return ReadError(shown, f"cannot be read ({reason}); give read permission or exclude it")


_HEAD: Final = 16 * 1024
"""Bytes in which an encoding is looked for; it stands in one of the first two lines."""
_OF_UTF8: Final = re.compile(rb"(?m)^[ \t\f]*#.*?coding[:=][ \t]*future[-_](?:fstrings|annotations)\b")
"""Codecs of packages that bring newer syntax to an older Python: UTF-8 that needs no rewriting any more."""


def decode(data: bytes, shown: str) -> str | ReadError:
    """The text of Python source in the encoding that it declares (PEP 263), or why there is none."""
    if b"\0" in data:
        line = data.count(b"\n", 0, data.index(b"\0")) + 1
        return ReadError(shown, "holds a NUL byte, so it is not Python source; exclude it or remove the byte", line)
    try:
        if b"coding" not in data[:_HEAD] and not data.startswith(codecs.BOM_UTF8):
            return data.decode()  # nothing is declared
    except UnicodeDecodeError:
        pass  # what follows says what is wrong
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        return data.decode(encoding)
    except SyntaxError:
        if _OF_UTF8.search(b"\n".join(data.splitlines()[:2])):
            return data.decode("utf-8-sig", "replace")
        return ReadError(shown, "declares an encoding that does not exist or does not fit; save it as UTF-8", 1)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return ReadError(shown, f"is not {error.encoding} text; save it as UTF-8 or declare its encoding", line)
    except LookupError:
        return ReadError(shown, "declares an encoding that does not decode text; save it as UTF-8", 1)
