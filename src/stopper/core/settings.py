"""Settings, each declared beside the code it rules; unknown ones are refused."""

import difflib
import re
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Generic, TypeVar, cast

from stopper.core.errors import SettingError
from stopper.core.secret import MASK, Secret

PREFIX: Final = "STOPPER_"
T = TypeVar("T")
Resolve = Callable[[str, str], Secret]
"""Gives the secret that a reference stands for: ``resolve(setting's key, reference)``. Raises SettingError."""
_REFERENCE: Final = re.compile(r"(?:secret|env|file|vault|aws|azure|gcp):[^#]")


@dataclass(frozen=True, slots=True)
class Setting(Generic[T]):
    """One option. ``name`` is without the prefix; ``parse`` turns an environment's text into the value."""

    name: str
    default: T
    doc: str
    kind: str
    parse: Callable[[object], T]
    secret: bool = False

    @property
    def key(self) -> str:
        """The name as a user writes it."""
        return PREFIX + self.name


declared: Final[dict[str, Setting[object]]] = {}
"""Every setting of every module that has been imported, by its full name."""


def _declare(setting: Setting[T]) -> Setting[T]:
    if setting.key in declared:
        raise SettingError(f"{setting.key} is declared twice")
    declared[setting.key] = cast("Setting[object]", setting)
    return setting


def declare(setting: Setting[T]) -> Setting[T]:
    """Declare a setting of a kind of its own. Its ``parse`` raises ValueError with what the value must be."""
    return _declare(setting)


def text(name: str, default: str, doc: str, *, choices: tuple[str, ...] = ()) -> Setting[str]:
    """Declare a text setting, optionally one of *choices*."""

    def parse(value: object) -> str:
        if not isinstance(value, str):
            raise ValueError("a text")
        if choices and value not in choices:
            raise ValueError("one of " + ", ".join(choices))
        return value

    return _declare(Setting(name, default, doc, " or ".join(choices) or "text", parse))


def texts(name: str, default: tuple[str, ...], doc: str) -> Setting[tuple[str, ...]]:
    """Declare a list of texts; in the environment they are separated by commas."""

    def parse(value: object) -> tuple[str, ...]:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        if isinstance(value, (list, tuple, set, frozenset)) and all(
            isinstance(item, str) for item in cast("list[object]", value)
        ):
            return tuple(cast("list[str]", value))
        raise ValueError("a list of texts")

    return _declare(Setting(name, default, doc, "list of texts", parse))


def number(name: str, default: int, doc: str, *, least: int = 0, most: int | None = None) -> Setting[int]:
    """Declare a whole number within bounds."""

    def parse(value: object) -> int:
        found: object
        try:
            found = int(value) if isinstance(value, str) else value
        except ValueError:
            found = None
        if (
            not isinstance(found, int)
            or isinstance(found, bool)
            or found < least
            or (most is not None and found > most)
        ):
            raise ValueError(f"a whole number from {least}" + (f" to {most}" if most is not None else " up"))
        return found

    return _declare(Setting(name, default, doc, "whole number", parse))


def switch(name: str, default: bool, doc: str) -> Setting[bool]:
    """Declare an on/off setting; in the environment ``1 true yes on`` and ``0 false no off``."""
    words = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}

    def parse(value: object) -> bool:
        found: object = words.get(value.lower()) if isinstance(value, str) else value
        if not isinstance(found, bool):
            raise ValueError("true or false")
        return found

    return _declare(Setting(name, default, doc, "true or false", parse))


def secret(name: str, doc: str) -> Setting[Secret | None]:
    """Declare a secret; it is None until set and never printed."""

    def parse(value: object) -> Secret | None:
        if isinstance(value, Secret):
            return value
        if isinstance(value, (str, bytes)) and value:
            return Secret(value)
        raise ValueError("a text that is not empty")

    return _declare(Setting(name, None, doc, "secret", parse, secret=True))


@dataclass(frozen=True, slots=True)
class _Elsewhere:
    """A secret setting that only says where the secret lies."""

    reference: str


class Settings:
    """The settings in force: ``app.config`` first, then the environment, then the default.

    A secret setting may be a reference (``file:/run/secrets/pepper``, ``vault:kv/db#url``, ``secret:payments``) instead of the
    secret; :meth:`resolved` puts the secrets in their places.
    """

    def __init__(self, config: Mapping[str, object], environ: Mapping[str, str]) -> None:
        """Raises SettingError for an unknown key in *config* or a value of the wrong kind; an unknown variable only warns."""
        self._values: dict[str, object] = {}
        for key, said in environ.items():
            if key.startswith(PREFIX) and key in declared:
                self._take(key, said, "the environment")
            elif key.startswith(PREFIX):
                warnings.warn(f"{key} in the environment is not a setting of Stopper{_nearest(key)}", stacklevel=3)
        for key, value in config.items():
            if key.startswith(PREFIX):
                self._take(key, value, "app.config")

    def _take(self, key: str, value: object, where: str) -> None:
        setting = declared.get(key)
        if setting is None:
            raise SettingError(f"{key} in {where} is not a setting of Stopper{_nearest(key)}")
        if setting.secret and isinstance(value, str) and _REFERENCE.match(value):
            self._values[key] = _Elsewhere(value)
            return
        try:
            self._values[key] = setting.parse(value)
        except ValueError as wrong:
            shown = MASK if setting.secret or _may_hold_keys(value) else repr(value)
            raise SettingError(f"{key} in {where} must be {wrong}, not {shown}") from None

    def get(self, setting: Setting[T]) -> T:
        """The value in force, already of the right type. Raises SettingError for a reference that nobody resolved."""
        found = self._values.get(setting.key, setting.default)
        if isinstance(found, _Elsewhere):
            raise SettingError(f"{setting.key} is a reference, and nothing here resolves it; set the secret itself")
        return cast("T", found)

    def resolved(self, resolve: Resolve) -> "Settings":
        """The same settings with the secret itself in place of every reference. Raises what *resolve* raises."""
        made = Settings({}, {})
        for key, value in self._values.items():
            made._values[key] = resolve(key, value.reference) if isinstance(value, _Elsewhere) else value
        return made

    def is_set(self, setting: Setting[T]) -> bool:
        """Whether somebody set it, to whatever value."""
        return setting.key in self._values


def _may_hold_keys(value: object) -> bool:
    """Whether somebody may have written a key into it: a JSON document or a mapping, of issuers for one."""
    return (
        isinstance(value, Mapping)
        or (isinstance(value, str) and value.lstrip()[:1] in ("{", "["))
        or (isinstance(value, (list, tuple)) and any(isinstance(item, Mapping) for item in cast("list[object]", value)))
    )


def _nearest(key: str) -> str:
    close = difflib.get_close_matches(key, declared, n=1, cutoff=0.6)
    return f"; did you mean {close[0]}?" if close else "; docs/settings.md lists them"
