"""What may stand for an application: ``MODULE:APP`` in the forms that FLASK_APP knows."""

import ast
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from stopper.core.errors import UsageError

APPS: Final = ("app", "application")
FACTORIES: Final = ("create_app", "make_app")
"""Where ``flask run`` looks when only a module is named."""
_MODULE: Final = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")


@dataclass(frozen=True, slots=True)
class Named:
    """A target in its parts. ``attribute`` is empty where only a module is named; ``folder`` is where a path's module lies.

    ``arguments`` is None unless the attribute is to be called with them.
    """

    module: str
    attribute: str = ""
    arguments: tuple[tuple[Any, ...], dict[str, Any]] | None = None
    folder: Path | None = None


def named(target: str, root: Path = Path()) -> Named:
    """``shop.web:create_app('test')`` or ``shop/web.py:app`` in its parts; a path is relative to *root*. Raises UsageError for
    anything else."""
    place, colon, said = _split(target)
    attribute, arguments = _attribute(target, said) if colon else ("", None)
    if place.endswith(".py") or "/" in place or "\\" in place:
        module, folder = _of_path(place, root)
        return Named(module, attribute, arguments, folder)
    if not _MODULE.fullmatch(place):
        raise UsageError(f"{target!r} is not MODULE:APP; write for example shop:app or shop:create_app()")
    return Named(place, attribute, arguments)


def _split(target: str) -> tuple[str, str, str]:
    """At the colon, but not at that of a drive letter."""
    drive = 2 if re.match(r"[A-Za-z]:[\\/]", target) else 0
    place, colon, said = target[drive:].partition(":")
    return target[:drive] + place, colon, said


def _attribute(target: str, said: str) -> tuple[str, tuple[tuple[Any, ...], dict[str, Any]] | None]:
    wrong = UsageError(f"{target!r} is not MODULE:APP; write for example shop:app or shop:create_app()")
    if not said:
        return "", None
    try:
        tree = ast.parse(said.strip(), mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        raise wrong from None
    if not isinstance(tree, ast.Call):
        return _dotted(tree, wrong), None
    name = _dotted(tree.func, wrong)
    try:
        given = tuple(ast.literal_eval(one) for one in tree.args)
        keywords = {str(one.arg): ast.literal_eval(one.value) for one in tree.keywords if one.arg is not None}
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        raise UsageError(
            f"{target!r}: the arguments of {name} must be literals, as in shop:create_app('test')"
        ) from None
    if len(keywords) != len(tree.keywords):
        raise wrong
    return name, (given, keywords)


def _dotted(tree: ast.expr, wrong: UsageError) -> str:
    if isinstance(tree, ast.Name):
        return tree.id
    if isinstance(tree, ast.Attribute):
        return f"{_dotted(tree.value, wrong)}.{tree.attr}"
    raise wrong


def _of_path(place: str, root: Path) -> tuple[str, Path]:
    """The module of a file or package, and the folder from which it is imported: the first upwards that is no package."""
    path = root / place
    if not path.exists():
        raise UsageError(f"{place} is not there; give an existing file, or a module as shop:app")
    path = path.resolve()
    parts = [] if path.name in ("__init__.py", "__main__.py") else [path.stem]
    folder = path.parent
    if path.is_dir():
        parts, folder = [path.name], path.parent
    while (folder / "__init__.py").is_file():
        parts.insert(0, folder.name)
        folder = folder.parent
    module = ".".join(parts)
    if not _MODULE.fullmatch(module):
        raise UsageError(f"{place} cannot be imported under the name {module!r}; rename the file, or name a module")
    return module, folder
