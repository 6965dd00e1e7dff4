"""The catalogue as it was when it was last read: what each rule says of itself, with its functions imported when they are called.

A second run of `check` takes its findings from the cache and calls no detector; reading two hundred modules for their titles would be
most of what it costs. The index lies beside the remembered runs, under the same conditions, and is made anew when Stopper's code changed.
"""

import hashlib
import importlib
import json
import sys
from dataclasses import dataclass, fields
from typing import Any, Final, TypeAlias

import stopper
from stopper.core.later_pattern import patterns_later
from stopper.core.rule import CHECKS, SEVERITIES, Rule
from stopper.scan import cache

Json: TypeAlias = Any
_FUNCTIONS: Final = ("detect", "probe", "fix")
_TUPLES: Final = tuple(one.name for one in fields(Rule) if str(one.type).startswith("tuple"))


@dataclass(frozen=True, slots=True)
class Later:
    """A function of a rule, imported at its first call."""

    module: str
    function: str

    def __call__(self, *given: Any) -> Any:
        """What the rule's own function returns."""
        module = sys.modules.get(self.module)
        if module is None:
            with patterns_later():
                module = importlib.import_module(self.module)
        return getattr(module.RULE, self.function)(*given)


def rules() -> tuple[Rule, ...]:
    """Every rule, by slug: from the index, else from the modules. Raises CatalogueError as :func:`stopper.scan.catalogue.load` does."""
    name = f"rules-{_digest()}.index"
    found = _taken(cache.read(name))
    if found is not None:
        return found
    from stopper.scan import catalogue

    every = catalogue.load()
    cache.write(name, json.dumps([_written(rule) for rule in every]).encode())
    return every


def _digest() -> str:
    said = "\0".join((stopper.__version__, sys.version, cache.own_code()))
    return hashlib.blake2b(said.encode("utf-8", "surrogateescape"), digest_size=20).hexdigest()


def _written(rule: Rule) -> Json:
    return {
        one.name: getattr(rule, one.name) is not None if one.name in _FUNCTIONS else getattr(rule, one.name)
        for one in fields(Rule)
    }


def _taken(data: bytes | None) -> tuple[Rule, ...] | None:
    """The rules of an index; None for anything that is none."""
    if data is None:
        return None
    try:
        return tuple(_rule(said) for said in json.loads(data)) or None
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def _rule(said: Json) -> Rule:
    module = f"stopper.rules.{said['family'].replace('-', '_')}.{said['slug'].replace('-', '_')}"
    if not all(part.isidentifier() for part in module.split(".")):
        raise ValueError("not a module of ours")
    if said["severity"] not in SEVERITIES or said["check"] not in CHECKS:
        raise ValueError("not a word of ours")
    members: dict[str, Any] = dict(said)
    members.update((name, Later(module, name) if said[name] else None) for name in _FUNCTIONS)
    members.update((name, tuple(said[name])) for name in _TUPLES)
    return Rule(**members)
