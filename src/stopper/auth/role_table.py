"""Which roles bring others with them, and which permissions a role brings. Declared once, judged at the start."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, cast

from stopper.core.errors import SettingError
from stopper.core.settings import Setting, Settings, declare

Table = Mapping[str, frozenset[str]]
_EMPTY: Final[Table] = MappingProxyType({})
_NONE: Final[frozenset[str]] = frozenset()


def _parse(value: object) -> Table:
    said: object = value
    if isinstance(value, str):
        try:
            said = json.loads(value, object_pairs_hook=_each_once)
        except ValueError:
            said = None
    if not isinstance(said, Mapping):
        raise ValueError('a mapping such as {"admin": ["editor"]}, each name once')
    rows = cast("Mapping[object, object]", said)
    return MappingProxyType({_name(key): frozenset(map(_name, _listed(names))) for key, names in rows.items()})


def _each_once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    if len(dict(pairs)) != len(pairs):
        raise ValueError
    return dict(pairs)


def _listed(names: object) -> Iterable[object]:
    if not isinstance(names, (list, tuple, set, frozenset)):
        raise ValueError("a mapping whose values are lists of names")
    return cast("Iterable[object]", names)


def _name(said: object) -> str:
    if not isinstance(said, str) or not said or said != said.strip():
        raise ValueError("a mapping of names that are not empty")
    return said


HIERARCHY: Final = declare(
    Setting(
        "ROLE_HIERARCHY",
        _EMPTY,
        'Which roles bring others with them: `{"admin": ["editor"], "editor": ["reader"]}`; JSON in the environment. A circle is refused.',
        "mapping of lists",
        _parse,
    )
)
PERMISSIONS: Final = declare(
    Setting(
        "ROLE_PERMISSIONS",
        _EMPTY,
        'Which permissions a role brings: `{"editor": ["notes:write"]}`; JSON in the environment. They add to the claim `permissions`.',
        "mapping of lists",
        _parse,
    )
)


@dataclass(frozen=True, slots=True)
class RoleTable:
    """``reach``: each role that brings others, with itself and all of them. ``brings``: each role's permissions, theirs too."""

    reach: Table
    brings: Table

    def roles(self, held: frozenset[str]) -> frozenset[str]:
        """*held* and every role that comes with them."""
        reach = self.reach
        return held.union(*(reach[name] for name in held if name in reach)) if reach else held

    def permissions(self, held: frozenset[str]) -> frozenset[str]:
        """What the roles *held* bring."""
        brings = self.brings
        return _NONE.union(*(brings[name] for name in held if name in brings))


NO_ROLES: Final = RoleTable(_EMPTY, _EMPTY)


def table_of(settings: Settings) -> RoleTable:
    """What the settings declare. Raises SettingError for a circle, in which the lowest role would be the highest."""
    below, own = settings.get(HIERARCHY), settings.get(PERMISSIONS)
    reach = {name: _reached(name, below) for name in below}
    brings = {
        name: _NONE.union(*(own.get(each, frozenset()) for each in reach.get(name, {name}))) for name in (*below, *own)
    }
    return RoleTable(MappingProxyType(reach), MappingProxyType(brings))


def _reached(start: str, below: Table) -> frozenset[str]:
    found: set[str] = set()
    waiting = [start]
    while waiting:
        for name in below.get(waiting.pop(), ()):
            if name == start:
                raise SettingError(
                    f"STOPPER_ROLE_HIERARCHY goes in a circle through {start!r}: everybody in it would have every role in it; take one"
                    " line out"
                )
            if name not in found:
                found.add(name)
                waiting.append(name)
    return frozenset((start, *found))
