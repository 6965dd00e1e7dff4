"""The catalogue as it was when it was last read: what each rule says of itself, with its functions imported when they are called.

A second run of `check` takes its findings from the cache and calls no detector; reading two hundred modules for their titles would be
most of what it costs. A first run calls those alone whose first questions the project answers. The index lies beside the bytecode of
the rules and is as trusted; where none can be kept there, it lies beside the remembered runs, under their conditions: there it is JSON and looked at
word by word. It is made anew when Stopper's code changed.
"""

import contextlib
import importlib
import json
import marshal
import os
import re
import sys
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

import stopper
from stopper.core import kept_patterns
from stopper.core.digests import blake2b
from stopper.core.later_pattern import MADE, patterns_later
from stopper.core.rule import CHECKS, SEVERITIES, Rule
from stopper.scan import cache, kept_modules

if TYPE_CHECKING:
    from collections.abc import Iterable

    from stopper.scan.first_questions import Question

Json: TypeAlias = Any
_FUNCTIONS: Final = ("detect", "probe", "fix")
_QUESTIONS: Final = "questions"
_OWNERS: Final = ("app", "source")
_ALSO: Final = (
    "stopper.core.flow.labelled_flows",
    "stopper.core.flow.labelling",
    "stopper.scan.judge",
    "stopper.scan.suppression",
    "stopper.scan.reports.patch",
    "stopper.scan.reports.text",
)
"""What else a run imports that has patterns."""
_NAMES: Final = [one.name for one in fields(Rule)]
_FAMILY: Final = _NAMES.index("family")
_SLUG: Final = _NAMES.index("slug")
_PLACES: Final = tuple((_NAMES.index(name), name) for name in _FUNCTIONS)
_TUPLES: Final = tuple(one.name for one in fields(Rule) if str(one.type).startswith("tuple"))


@dataclass(frozen=True, slots=True)
class Later:
    """A function of a rule, imported at its first call."""

    module: str
    function: str
    questions: "tuple[Question, ...] | None" = None
    """What it asks first, when it is a detector; without an answer it finds nothing. None where it must be called."""

    def __call__(self, *given: Any) -> Any:
        """What the rule's own function returns."""
        module = sys.modules.get(self.module)
        if module is None:
            with patterns_later():
                module = kept_modules.KEPT.module(self.module)
        return getattr(module.RULE, self.function)(*given)


def rules(*, kept: bool = True) -> tuple[Rule, ...]:
    """Every rule, by slug: from the index, else from the modules. *kept*: whether the user's cache may be read and written. Raises
    CatalogueError as :func:`stopper.scan.catalogue.load` does."""
    digest = _digest()
    beside = _beside()
    name = f"rules-{digest}.index"
    found = _own(_bytes_of(beside), digest)
    if found is None and kept:
        found = _taken(cache.read(name), digest)
    if found is not None:
        kept_modules.KEPT.open(kept_modules.PLACE, digest)
        return found
    from stopper.scan import catalogue  # and with it every rule: only where there is no index

    every = catalogue.load()
    said = [_written(rule) for rule in every]
    if _put(beside, marshal.dumps((digest, tuple(_plainly(one) for one in said)))):
        with patterns_later():
            for name in _ALSO:
                importlib.import_module(name)
        _put(kept_patterns.PLACE, kept_patterns.packed(_patterns()))
        _put(kept_modules.PLACE, kept_modules.packed(_modules(), digest))
    elif kept:
        cache.write(name, json.dumps({"digest": digest, "rules": said}).encode())
    return every


def _beside() -> Path:
    """Where the index lies in the installation: one for each kind of Python, as with bytecode."""
    return Path(stopper.__file__).parent / "rules" / "__pycache__" / f"rules.{sys.implementation.cache_tag}.index"


def _patterns() -> dict[kept_patterns.Asked, None]:
    """The patterns of all modules of ours that are imported, also of those that were imported without later patterns."""
    found = dict.fromkeys(MADE)
    for name, module in list(sys.modules.items()):
        for value in vars(module).values() if name.startswith("stopper.") else ():
            if isinstance(value, re.Pattern):
                # Flags may have been given or stand in the pattern; to keep one too many does no harm.
                made = cast("re.Pattern[str]", value)
                found.update({(made.pattern, 0): None, (made.pattern, made.flags & ~re.UNICODE): None})
    return found


def _modules() -> list[str]:
    """The modules that a check imports, as far as its code is in the state that the index names."""
    return [name for name in sys.modules if name.startswith(("stopper.core.", "stopper.rules.", "stopper.scan."))]


def _bytes_of(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None


def _put(path: Path, data: bytes) -> bool:
    """Keep the index in the installation, whole or not at all; False where nothing can be written. Where Python was told to write no bytecode,
    its folder is made: the index then spares what bytecode would."""
    import tempfile

    try:
        path.parent.mkdir(exist_ok=True)
        descriptor, new = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    except OSError:
        return False
    try:
        with os.fdopen(descriptor, "wb") as handle:
            handle.write(data)
        os.chmod(new, 0o644)
        os.replace(new, path)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(new)
        return False
    return True


def _digest() -> str:
    said = "\0".join((stopper.__version__, sys.version, cache.own_code()))
    return blake2b(said.encode("utf-8", "surrogateescape"), digest_size=20).hexdigest()


def _written(rule: Rule) -> Json:
    from stopper.scan.first_questions import questions_of

    said = {
        one.name: getattr(rule, one.name) is not None if one.name in _FUNCTIONS else getattr(rule, one.name)
        for one in fields(Rule)
    }
    return {**said, _QUESTIONS: None if rule.detect is None else questions_of(rule.detect)}


def _plainly(said: dict[str, Any]) -> tuple[Any, ...]:
    """What is written of a rule as what a rule is made of, in its order, and with the questions of its detector."""
    return (*(said[name] for name in _NAMES), said[_QUESTIONS])


def _own(data: bytes | None, digest: str) -> tuple[Rule, ...] | None:
    """The rules of an index beside the bytecode."""
    try:
        state, every = marshal.loads(data or b"")
        return tuple([_of_own(said) for said in every]) or None if state == digest else None
    except (EOFError, ValueError, TypeError):
        return None


def _of_own(said: tuple[Any, ...]) -> Rule:
    *members, asked = said
    module = f"stopper.rules.{members[_FAMILY].replace('-', '_')}.{members[_SLUG].replace('-', '_')}"
    for place, name in _PLACES:
        members[place] = Later(module, name, asked if name == "detect" else None) if members[place] else None
    return Rule(*members)


def _taken(data: bytes | None, digest: str) -> tuple[Rule, ...] | None:
    """The rules of an index; None for anything that is none, or that is of other code."""
    if data is None:
        return None
    try:
        said = json.loads(data)
        if said["digest"] != digest:
            return None
        return tuple(_rule(one) for one in said["rules"]) or None
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def _rule(said: Json) -> Rule:
    module = f"stopper.rules.{said['family'].replace('-', '_')}.{said['slug'].replace('-', '_')}"
    if not all(part.isidentifier() for part in module.split(".")):
        raise ValueError("not a module of ours")
    if said["severity"] not in SEVERITIES or said["check"] not in CHECKS:
        raise ValueError("not a word of ours")
    members: dict[str, Any] = dict(said)
    asked = members.pop(_QUESTIONS)
    members.update((name, Later(module, name) if said[name] else None) for name in _FUNCTIONS)
    members.update((name, tuple(said[name])) for name in _TUPLES)
    if said["detect"] and asked is not None:
        members["detect"] = Later(module, "detect", tuple(_question(one) for one in asked))
    return Rule(**members)


def _question(said: Json) -> "Question":
    name, given, named = said
    owner, _, member = name.partition(".")
    written = isinstance(given, list) and isinstance(named, list)
    if not written or owner not in _OWNERS or not member.isidentifier() or member.startswith("_"):
        raise ValueError("not a question of ours")
    return (name, _tuples(given), _tuples(named))


def _tuples(said: Json) -> Any:
    """JSON's lists as the tuples that they were."""
    return tuple([_tuples(one) if type(one) is list else one for one in cast("Iterable[Any]", said)])
