"""Which members of a body may be sent or shown, and by whom: a tree of names, judged without Flask."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import EllipsisType, MappingProxyType
from typing import Final, cast

from stopper.auth.requirement import Requirement, Situation
from stopper.core.errors import PolicyError

MAX_NAMES: Final = 8
"""Names of refused members that one answer tells."""
_NAME: Final = 64


@dataclass(frozen=True, slots=True)
class Rule:
    """What one member may be. ``requirement``: who may; None: everybody who passes the route. ``inside``: the members of an object; None: a
    plain value (text, number, true, false, null, or a list of these). ``anything``: whatever its value is.
    """

    requirement: Requirement | None = None
    inside: "Fields | None" = None
    anything: bool = False


@dataclass(frozen=True, slots=True)
class Fields:
    """Members that may be there; every other one may not. Made by :func:`fields`."""

    rules: Mapping[str, Rule]

    @property
    def text(self) -> str:
        """As it is written."""
        return f"fields({', '.join(self.rules)})"

    def refused(self, value: object, situation: Situation | None, path: str = "") -> Iterator[str]:
        """The names of members of *value* that may not be there, an object or a list of objects; *situation*: None where nobody is known."""
        if isinstance(value, list):
            for item in cast("list[object]", value):
                yield from self.refused(item, situation, path)
        elif isinstance(value, dict):
            for name, inner in cast("dict[str, object]", value).items():
                rule = self.rules.get(name)
                where = f"{path}{_shown(name)}"
                if rule is None or not _may(rule, situation):
                    yield where
                elif rule.inside is not None:
                    yield from rule.inside.refused(inner, situation, f"{where}.")
                elif not rule.anything and not _is_plain(inner):
                    yield where
        elif path and value is not None:
            yield path.removesuffix(".")  # an object was asked for
        elif not path:
            yield "the body"

    def shown(self, value: object, situation: Situation | None) -> object:
        """*value* without the members that may not be shown; what is no object and no list of objects is nothing."""
        if isinstance(value, list):
            return [self.shown(item, situation) for item in cast("list[object]", value)]
        if not isinstance(value, dict):
            return None
        found: dict[str, object] = {}
        for name, inner in cast("dict[str, object]", value).items():
            rule = self.rules.get(name)
            if rule is None or not _may(rule, situation):
                continue
            if rule.inside is not None:
                found[name] = rule.inside.shown(inner, situation)
            elif rule.anything or _is_plain(inner):
                found[name] = inner
        return found


def fields(
    *plain: str, **special: "Requirement | Fields | EllipsisType | tuple[Requirement, Fields | EllipsisType]"
) -> Fields:
    """The members of a body that may be there: ``fields("title", "body", pinned=role("editor"), address=fields("street", "city"))``.

    A name alone takes a plain value or a list of plain values. With a requirement only who meets it may send or read it, with ``fields(…)`` it is
    an object or a list of objects, with ``...`` it is anything; ``(role("editor"), fields(…))`` is both. Raises PolicyError.
    """
    if not all(isinstance(name, str) and name for name in plain):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise PolicyError('fields() takes the names of members, as in fields("title", "body")')
    twice = [name for name in plain if plain.count(name) > 1 or name in special]
    if twice:
        raise PolicyError(f"fields() has {twice[0]} twice")
    rules = dict.fromkeys(plain, Rule())
    rules.update({name: _rule(name, said) for name, said in special.items()})
    return Fields(MappingProxyType(rules))


def _rule(name: str, said: object) -> Rule:
    parts = cast("tuple[object, ...]", said) if isinstance(said, tuple) else (said,)
    requirement = next((part for part in parts if isinstance(part, Requirement)), None)
    inside = next((part for part in parts if isinstance(part, Fields)), None)
    anything = any(part is ... for part in parts)
    if (requirement is not None) + (inside is not None) + anything != len(parts) or (inside is not None and anything):
        raise PolicyError(
            f'fields() takes for {name} a requirement, fields(…), ... or a requirement with one of these, as in {name}=role("editor")'
        )
    if requirement is not None and requirement.spends:
        raise PolicyError(f"{requirement.text} is used up when it is asked; it cannot stand for {name} in fields()")
    return Rule(requirement, inside, anything)


def _may(rule: Rule, situation: Situation | None) -> bool:
    if rule.requirement is None:
        return True
    return situation is not None and rule.requirement.judge(situation) is None


def _is_plain(value: object) -> bool:
    if isinstance(value, list):
        return not any(isinstance(item, (dict, list)) for item in cast("list[object]", value))
    return not isinstance(value, dict)


def _shown(name: str) -> str:
    return "".join(char if char.isprintable() else "?" for char in name[:_NAME])
