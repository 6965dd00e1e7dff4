"""``[tool.stopper]`` of the nearest pyproject.toml. Unknown keys are errors; the command line wins over the file."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeVar, cast

from stopper.cli.nearest import did_you_mean
from stopper.cli.output import FORMATS
from stopper.core.errors import UsageError
from stopper.core.rule import SEVERITIES

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Config:
    """What a project has written down. ``folder`` is where paths in it start."""

    values: Mapping[str, object] = field(default_factory=dict[str, object])
    folder: Path = Path()

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts, empty when the file has none."""
        return cast("tuple[str, ...]", self.values.get(key, ()))

    def value(self, key: str, default: T) -> T:
        """One value, already of the right type, or *default*."""
        return cast("T", self.values.get(key, default))


def load(given: str | None, start: Path) -> Config:
    """The file named *given*, or the nearest pyproject.toml from *start* upwards that has ``[tool.stopper]``.

    Raises UsageError for a file that is not there, is not TOML, or holds an unknown key or a wrong value.
    """
    if given is not None:
        path = Path(given)
        if not path.is_file():
            raise UsageError(f"{given} is not a file; give --config the path of a pyproject.toml")
        return _read(path, required=True)
    folder = start.resolve() if start.is_dir() else start.resolve().parent
    for parent in (folder, *folder.parents):
        if (parent / "pyproject.toml").is_file():
            return _read(parent / "pyproject.toml", required=False)
    return Config()


def _read(path: Path, *, required: bool) -> Config:
    import tomllib  # most folders have no file for it

    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except OSError as wrong:
        raise UsageError(f"{path} cannot be read ({(wrong.strerror or 'error').lower()})") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as wrong:
        if not required:
            # Somebody else's file: only its own section is our business, and it cannot be found in broken TOML.
            raise UsageError(f"{path} is not TOML: {wrong}; mend it, or name another file with --config") from None
        raise UsageError(f"{path} is not TOML: {wrong}") from None
    tool = document.get("tool", {})
    section: object = cast("dict[str, object]", tool).get("stopper", {}) if isinstance(tool, dict) else {}
    if not isinstance(section, dict):
        raise UsageError(f"{path}: tool.stopper must be a table; write [tool.stopper]")
    values = {key: _checked(path, key, value) for key, value in cast("dict[str, object]", section).items()}
    return Config(values, path.resolve().parent)


def _checked(path: Path, key: str, value: object) -> object:
    parse = KEYS.get(key)
    if parse is None:
        near = did_you_mean(key, KEYS) or f"; it may hold {', '.join(KEYS)}"
        raise UsageError(f"{path}: [tool.stopper] has no key {key}{near}")
    try:
        return parse(value)
    except ValueError as wrong:
        raise UsageError(f"{path}: {key} in [tool.stopper] must be {wrong}") from None


def _texts(value: object) -> tuple[str, ...]:
    found = [value] if isinstance(value, str) else value
    if not isinstance(found, list) or not all(isinstance(item, str) for item in cast("list[object]", found)):
        raise ValueError("a list of texts")
    return tuple(cast("list[str]", found))


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("a text")
    return value


def _one_of(*known: str) -> Callable[[object], object]:
    def parse(value: object) -> object:
        if value not in known:
            raise ValueError("one of " + ", ".join(known))
        return value

    return parse


def _number(least: int, most: int | None = None) -> Callable[[object], object]:
    def parse(value: object) -> object:
        whole = isinstance(value, int) and not isinstance(value, bool)
        if not whole or cast("int", value) < least or (most is not None and cast("int", value) > most):
            raise ValueError(f"a whole number from {least}" + (f" to {most}" if most is not None else " up"))
        return value

    return parse


def _formats(value: object) -> tuple[str, ...]:
    found = _texts(value)
    if any(name not in FORMATS for name in found):
        raise ValueError("a list of " + ", ".join(FORMATS))
    return found


def _by_path(value: object) -> dict[str, tuple[str, ...]]:
    if not isinstance(value, dict):
        raise ValueError(
            'a table of paths, each with a list of rules: per-path-ignore = {"scripts" = ["debug-enabled"]}'
        )
    return {path: _texts(names) for path, names in cast("dict[str, object]", value).items()}


KEYS: Final[Mapping[str, Callable[[object], object]]] = {
    "select": _texts,
    "ignore": _texts,
    "exclude": _texts,
    "per-path-ignore": _by_path,
    "fail-on": _one_of(*SEVERITIES),
    "threshold": _number(0, 100),
    "accepted": _text,
    "format": _formats,
    "output": _texts,
    "jobs": _number(0),
    "depth": _one_of("quick", "standard", "deep"),
    "spec": _text,
    "rate": _number(0),
    "max-requests": _number(1),
    "timeout": _number(1),
    "request-timeout": _number(1),
}
"""Every key that ``[tool.stopper]`` may hold."""
