"""Reads the imported Flask object: its URL map, what runs before its views, its settings in force, and what is installed."""

import importlib.metadata
import inspect
import linecache
import os
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any, Final, cast

from stopper.core.app import Access, App, ConfigFact, Guard, Route
from stopper.core.place import Span
from stopper.core.redactor import is_sensitive_name
from stopper.core.secret import Secret
from stopper.scan.running.extensions import read_extensions
from stopper.scan.running.policy import declared_access
from stopper.scan.running.wiring import read_wiring

_KINDS: Final = {
    "UnicodeConverter": "string", "IntegerConverter": "int", "FloatConverter": "float", "UUIDConverter": "uuid", "PathConverter": "path", "AnyConverter": "any",
}  # fmt: skip
_KEY_NAME: Final = re.compile(r"(?i)(secret|signing|jwt).*key|jwt.*secret|secret$|^secret_key$|_secret(_|$)")
_SECRET_NAME: Final = re.compile(
    r"(?i)secret|passw|token(?!_location|_expires)|api_?key|private_?key|credential|signing_key|salt|dsn"
)


_NO_SECRET: Final = re.compile(
    r"(?i)_(locations?|names?|types?|paths?|domain|samesite|expires|algorithms?|methods|claim|lifetime|age|leeway)$"
)
"""Settings that speak of secrets and hold none: where a token is looked for, what its cookie is called."""


def read_running(app: object, root: Path) -> App:
    """The model of the running application. *app* is a Flask object; places are relative to *root*."""
    flask = cast("Any", app)
    config = read_config(cast("Mapping[str, object]", flask.config))
    return App(
        root=str(root),
        name=str(flask.name),
        routes=tuple(read_routes(flask, root)),
        config=config,
        keys={
            f"config:{key}": fact.value
            for key, fact in config.items()
            if isinstance(fact.value, Secret) and _KEY_NAME.search(key)
        },
        dependencies=installed(),
        readers=frozenset({"running"}),
        extensions=read_extensions(flask, lambda function: span_of(function, root)),
        wiring=read_wiring(flask, lambda thing: span_of(thing, root)),
    )


def read_routes(flask: Any, root: Path) -> Iterable[Route]:
    """One Route a path: rules of the same path are one route when they share the view, else they stay apart."""
    for rule in flask.url_map.iter_rules():
        if rule.build_only or rule.redirect_to:
            continue
        view = flask.view_functions.get(rule.endpoint)
        if view is None:
            continue
        methods = tuple(sorted(rule.methods or ()))
        guards = hooks(flask, rule.endpoint, root)
        yield Route(
            path=openapi_path(rule),
            methods=methods,
            endpoint=rule.endpoint,
            view=_name(unwrapped(view)),
            blueprint=rule.endpoint.rpartition(".")[0],
            span=span_of(view_code(view), root),
            parameters=tuple(
                (name, _KINDS.get(type(rule._converters[name]).__name__, "string"))
                for name in sorted(rule.arguments)
                if name in rule._converters  # the others stand in `defaults`
            ),
            access={method: declared_access(flask, view, rule.endpoint, method, guards) for method in methods},
            readers=frozenset({"running"}),
        )


def openapi_path(rule: Any) -> str:
    """``/notes/<int:note_id>`` as ``/notes/{note_id}``."""
    return re.sub(r"<(?:[^<>:]+:)?([^<>:]+)>", r"{\1}", str(rule.rule))


def hooks(flask: Any, endpoint: str, root: Path) -> tuple[Guard, ...]:
    """The functions that run before the view of *endpoint*: the application's, then those of its blueprints, outermost first."""
    table: Mapping[str | None, list[Callable[..., object]]] = flask.before_request_funcs
    return tuple(
        Guard(_name(unwrapped(hook)), "before_request", None, "running", span_of(hook, root))
        for name in scopes_of(endpoint)
        for hook in table.get(name, ())
    )


def scopes_of(endpoint: str) -> tuple[str | None, ...]:
    """Where hooks for *endpoint* may hang: the application (None), then its blueprints from the outside in."""
    parts = endpoint.split(".")[:-1]
    return (None, *(".".join(parts[: index + 1]) for index in range(len(parts))))


def unwrapped(function: Any) -> Any:
    """The innermost function behind decorators that tell whom they wrap."""
    try:
        return inspect.unwrap(function)
    except ValueError:
        return function


def view_code(view: Any) -> Any:
    """Where a view's code stands: the function, or the class of a MethodView."""
    found = unwrapped(view)
    return getattr(found, "view_class", None) or getattr(view, "view_class", None) or found


def span_of(code: Any, root: Path) -> Span | None:
    """The source range of a function or class, or None when it is outside *root* (a library's) or has no source."""
    target = unwrapped(code) if not inspect.isclass(code) else code
    if isinstance(target, FunctionType):
        return _span_of_function(target.__code__, root)
    try:
        path = Path(inspect.getsourcefile(target) or "").resolve()
        lines, first = inspect.getsourcelines(target)
        relative = path.relative_to(root.resolve()).as_posix()
    except (OSError, TypeError, ValueError):
        return None
    offset = next((index for index, line in enumerate(lines) if re.match(r"\s*(async\s+def|def|class)\b", line)), 0)
    return Span(relative, first + offset, first + len(lines) - 1)


def _span_of_function(code: CodeType, root: Path) -> Span | None:
    """Without a tokenizer, which takes a millisecond a function: from the line of ``def`` to the last that has an instruction."""
    path = Path(code.co_filename).resolve()
    if not path.is_relative_to(root.resolve()):
        return None
    lines = linecache.getlines(code.co_filename)
    if not lines:
        return None
    first = code.co_firstlineno
    words = enumerate(lines[first - 1 : first + 50])
    offset = next((index for index, line in words if re.match(r"\s*(async\s+def|def|class)\b", line)), 0)
    return Span(path.relative_to(root.resolve()).as_posix(), first + offset, max(first + offset, last_line(code)))


def last_line(code: CodeType) -> int:
    """The last line of a function, functions inside it included."""
    own = max((end for _, end, _, _ in code.co_positions() if end), default=code.co_firstlineno)
    return max([own, *(last_line(inner) for inner in code.co_consts if isinstance(inner, CodeType))])


def read_config(config: Mapping[str, object]) -> dict[str, ConfigFact]:
    """The settings in force. A text or bytes under the name of a secret becomes a Secret."""
    return {str(key): ConfigFact(str(key), _plain(str(key), value), "running") for key, value in config.items()}


def _plain(key: str, value: object) -> object:
    if (
        isinstance(value, (str, bytes))
        and value
        and not _NO_SECRET.search(key)
        and (_SECRET_NAME.search(key) or is_sensitive_name(key))
    ):
        return Secret(value)
    if isinstance(value, (str, int, float, bool, type(None))):
        return value
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(key, item) for item in cast("Iterable[object]", value)]
    if isinstance(value, Mapping):
        return {str(name): _plain(str(name), item) for name, item in cast("Mapping[object, object]", value).items()}
    return value if type(value).__module__ in ("datetime", "builtins") else type(value).__name__


def installed() -> dict[str, str]:
    """Every installed distribution: name in lower case → version."""
    return dict(_installed_in(tuple(_as_it_is(folder) for folder in sys.path)))


def _as_it_is(folder: str) -> tuple[str, int]:
    try:
        return folder, os.stat(folder or ".").st_mtime_ns
    except OSError:
        return folder, 0


@lru_cache(maxsize=8)
def _installed_in(folders: tuple[tuple[str, int], ...]) -> dict[str, str]:
    """What these folders hold at these times: the metadata of a hundred packages would be read for each application anew."""
    found: dict[str, str] = {}
    for distribution in importlib.metadata.distributions(path=[folder for folder, _ in folders]):
        head = _head(distribution)
        if name := head.get("name"):
            found.setdefault(name.lower().replace("_", "-"), head.get("version", ""))
    return found


def _head(distribution: importlib.metadata.Distribution) -> dict[str, str]:
    """The first lines of its metadata, without the page that follows them; that page is most of the file."""
    text = next(filter(None, map(distribution.read_text, ("METADATA", "PKG-INFO", ""))), "")
    lines = (line.partition(":") for line in text.split("\n\n", 1)[0].splitlines() if line[:1] in "NnVv")
    return {name.lower(): value.strip() for name, _, value in lines}


def _name(function: Any) -> str:
    module = getattr(function, "__module__", "") or ""
    name = getattr(function, "__qualname__", None) or type(function).__name__
    return f"{module}.{name}".strip(".")


def is_flask(thing: object) -> bool:
    """Whether *thing* is a Flask application, told by what a scan reads of it."""
    if isinstance(thing, (ModuleType, type)):
        return False
    try:
        return all(hasattr(thing, name) for name in ("url_map", "view_functions", "wsgi_app", "config"))
    except Exception:  # noqa: BLE001 - a proxy like flask.g raises when it is looked at outside a request
        return False


__all__ = ["Access", "is_flask", "read_running"]
