"""Files that ``app.config`` is filled from: ``from_pyfile("settings.cfg")`` as the Python that it is, ``from_file`` and ``from_json`` as JSON, TOML or
YAML, laid out as the same settings in Python at the lines where they stand.
"""

import ast
import json
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, cast

from stopper.core.deployment.ci_steps import OF_A_PIPELINE, is_of_one_desk
from stopper.core.deployment.desk_files import MADE_UP
from stopper.core.fact import TextFile
from stopper.core.flow.path_calls import files_named
from stopper.core.values import Call, text_of, walk
from stopper.scan.plain_yaml import load_yaml
from stopper.scan.source.files import is_test
from stopper.scan.source.project import Module, Project
from stopper.scan.source.reader import wide_lines
from stopper.scan.source.statements import read_module

MOST_PARTS: Final = 2_000
"""Parts of one setting's value."""
DYNACONF: Final = frozenset(
    {"dynaconf.FlaskDynaconf", "dynaconf.contrib.FlaskDynaconf", "dynaconf.contrib.flask_dynaconf.FlaskDynaconf"}
)
"""What fills ``app.config`` from the files that it is told, or from those of these names."""
_OF_DYNACONF: Final = tuple(
    f"{name}.{end}" for name in ("settings", ".secrets", "settings.local") for end in ("toml", "yaml", "yml", "json")
)
_SECTIONS: Final = ("default", "global", "production")
"""Sections whose settings hold where the application is served."""
_LOADERS: Final = ("from_pyfile", "from_file", "from_json")
PARSERS: Final[dict[str, Callable[[str], object]]] = {
    "json": json.loads,
    "toml": tomllib.loads,
    "yaml": load_yaml,
    "yml": load_yaml,
}


def settings_files(project: Project, texts: Sequence[TextFile]) -> tuple[Module, ...]:
    """The files beside the code that some call loads into ``app.config``, read as modules. One that cannot be read is left out: what is
    wrong with it shows when the application starts."""
    read: dict[str, Module] = {}
    known = {text.path: text for text in texts if not is_test(text.path)}
    for call in [one for one in project.calls if one.method in _LOADERS or one.callee in DYNACONF]:
        if call.span is None or is_test(call.span.path):
            continue
        for name in names_of(call):
            text = meant(name, call.span.path, known)
            sections = _SECTIONS if call.callee in DYNACONF else ()
            tree = _tree(text, sections) if text is not None and text.path not in read else None
            if text is None or tree is None:
                continue
            module = Module(text.path.replace("/", "."), text.path, False, "")
            module.wide = wide_lines(text.lines)
            read_module(project, module, tree)
            read[text.path] = module
    prefixes = {_prefix(call) for call in project.calls if call.method == "from_prefixed_env"}
    for text in texts if prefixes else ():
        if text.kind in _VARIABLES and not is_test(text.path) and not _is_of_one_desk(text):
            module = Module(text.path.replace("/", "."), text.path, False, "")
            module.wide = wide_lines(text.lines)
            read_module(project, module, ast.Module([*_of_environment(text, prefixes)], []))
            read[text.path] = module
    return tuple(read.values())


_OF_ONE_DESK: Final = re.compile(
    r"(?i)(?:^|[/._-])(?:dev\w*|local|tests?|testing|ci|example|sample|template|dist)(?:[/._-]|$)"
)
_NAME: Final = r"([A-Z][A-Z0-9_]*)"
_IN_YAML: Final = rf"""\s*(?:-\s*)?["']?{_NAME}["']?\s*[:=]\s*(.*?)(?:\s+#.*)?\s*$"""
_VARIABLES: Final[Mapping[str, re.Pattern[str]]] = {
    "env": re.compile(rf"\s*(?:export\s+)?{_NAME}\s*=\s*(.*?)(?:\s+#.*)?\s*$"),
    "dockerfile": re.compile(rf"\s*(?:ENV\s+)?{_NAME}(?:=|\s+)([^\s\\]+)"),
    "compose": re.compile(_IN_YAML),
    "deployment": re.compile(_IN_YAML),
}
"""How a variable of the environment is written in each kind of file."""
_NAMED: Final = re.compile(rf"""\s*(?:-\s*)?name:\s*["']?{_NAME}["']?\s*$""")
_ITS_VALUE: Final = re.compile(r"\s*value:\s*(.*?)\s*$")
_TOLD_ELSEWHERE: Final = "DEBUG"
"""What ``debug-enabled-in-config`` reads for itself in what starts an application."""


def _is_of_one_desk(text: TextFile) -> bool:
    if any(pattern.search(text.path) for pattern in (_OF_ONE_DESK, OF_A_PIPELINE, MADE_UP)):
        return True
    return text.kind == "compose" and is_of_one_desk(text)


def _variables(text: TextFile) -> Iterator[tuple[int, str, str]]:
    """Each variable with the line it stands in; in Kubernetes' files the value stands in the line below the name."""
    for number, line in enumerate(text.lines, 1):
        if (named := _NAMED.match(line)) and text.kind == "deployment" and number < len(text.lines):
            if value := _ITS_VALUE.match(text.lines[number]):
                yield number, named[1], value[1].strip("'\"")
        elif found := _VARIABLES[text.kind].match(line):
            yield number, found[1], found[2].strip("'\"")


def _prefix(call: Call) -> str:
    return (text_of(call.argument(0, "prefix")) or "FLASK") + "_"


def _of_environment(text: TextFile, prefixes: set[str]) -> Iterator[ast.stmt]:
    """``FLASK_JWT_ACCESS_TOKEN_EXPIRES=900`` as ``from_prefixed_env`` reads it: numbers, switches and lists, which are no secrets."""
    for number, name, value in _variables(text):
        prefix = next((one for one in prefixes if name.startswith(one)), "")
        key = name.removeprefix(prefix)
        if not prefix or (key == _TOLD_ELSEWHERE and text.kind != "env"):
            continue
        try:
            said = cast("object", json.loads(value.lower() if value.lower() in _WORDS else value))
        except ValueError:
            continue
        if isinstance(said, (bool, int, float, list)):
            yield from _assignments({key: said}, [""] * (number - 1) + [f"{key}={value}"])


_WORDS: Final = frozenset({"true", "false"})


def meant(name: str, caller: str, known: Mapping[str, TextFile]) -> TextFile | None:
    """The file of that name in the folder of the caller, or one around it, or in the folder ``instance`` of one of these."""
    folder = caller
    while folder:
        folder = folder.rpartition("/")[0]
        for start in (folder, f"{folder}/instance".lstrip("/")):
            found = known.get(f"{start}/{name}".lstrip("/"))
            if found is not None:
                return found
    return None


def names_of(call: Call) -> Iterator[str]:
    """The files that the call may name."""
    if call.callee not in DYNACONF:
        yield from files_named(call.argument(0, "filename", "file"))
        return
    said = call.keyword("settings_files", "settings_file", "SETTINGS_FILES", "SETTINGS_FILE_FOR_DYNACONF")
    names = (
        [text for part in walk(said, 2) if (text := text_of(part)) is not None] if said is not None else _OF_DYNACONF
    )
    yield from names


def _tree(text: TextFile, sections: Sequence[str]) -> ast.Module | None:
    parse = PARSERS.get(text.path.rpartition(".")[2])
    whole = "\n".join(text.lines).removeprefix("\ufeff")
    try:
        if parse is None:
            return ast.parse(whole)
        said = parse(whole)
    except Exception:  # noqa: BLE001 - parsers raise whatever they stumble over in foreign text
        return None
    if not isinstance(said, dict):
        return None
    top = cast("dict[object, object]", said)
    held = [cast("dict[object, object]", one) for name in sections if isinstance(one := top.get(name), dict)]
    return ast.Module([one for part in (top, *held) for one in _assignments(part, text.lines)], [])


_KEY: Final = re.compile(r"""(?<![\w-])["']?([A-Z][A-Z0-9_]*)["']?\s*[:=]""")


def _places(lines: Sequence[str]) -> dict[str, int]:
    """The line that names each setting first, comments left out."""
    found: dict[str, int] = {}
    for number, line in enumerate(lines, 1):
        if not line.lstrip().startswith("#"):
            for key in _KEY.findall(line):
                found.setdefault(key, number)
    return found


def _assignments(said: dict[object, object], lines: Sequence[str]) -> Iterator[ast.stmt]:
    """``KEY = value`` for each setting, at the line that names it; Flask takes upper-case names alone."""
    places = _places(lines)
    for key, value in said.items():
        if not isinstance(key, str) or not key.isidentifier() or not key.isupper():
            continue
        number = places.get(key, 1)
        line = lines[number - 1] if lines else ""
        literal = _literal(value, [MOST_PARTS])
        if literal is None:
            continue
        statement = ast.Assign([ast.Name(key, ast.Store())], literal)
        for node in ast.walk(statement):
            if isinstance(node, (ast.stmt, ast.expr)):
                node.lineno = node.end_lineno = number
                node.col_offset, node.end_col_offset = 0, len(line.encode("utf-8", "replace"))
        yield statement


def _literal(value: object, left: list[int], depth: int = 8) -> ast.expr | None:
    """The value as Python would write it; None for a date and what else has no literal, and for more parts than are *left*: an alias
    of YAML may stand for a whole tree, many times over."""
    left[0] -= 1
    if left[0] < 0 or depth == 0:
        return None
    if isinstance(value, (str, int, float, bool)) or value is None:
        return ast.Constant(value)
    if isinstance(value, list):
        items = [_literal(one, left, depth - 1) for one in cast("list[object]", value)]
        return ast.List([one for one in items if one is not None], ast.Load())
    if isinstance(value, dict):
        pairs = [
            (ast.Constant(key), _literal(held, left, depth - 1))
            for key, held in cast("dict[object, object]", value).items()
            if isinstance(key, str)
        ]
        kept = [(key, held) for key, held in pairs if held is not None]
        return ast.Dict([key for key, _ in kept], [held for _, held in kept])
    return None
