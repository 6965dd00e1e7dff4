"""For whom settings are, by the name of their class or file: for tests, for one desk, for people."""

import re
from typing import TYPE_CHECKING, Final

from stopper.core.fact import ConfigWrite
from stopper.core.values import ConfigValue, EnvironmentValue, Member, Name, Value, walk

if TYPE_CHECKING:
    from stopper.core.facts import SourceFacts

_FOR_TESTS: Final = re.compile(
    r"(?i)(?:^|[._])test|test(?:ing|s)?(?:ing)?(?:config|settings)?$|testing|^(?:migrations?|docs?|documentation)(?:config|settings)?$"
)
"""Classes of settings that serve nobody: those of tests, and those that only a migration of the database or the making of pages loads."""
_FILLS_FOR_TESTS: Final = re.compile(r"(?i)(?:^|_)test(?:s|ing)?(?:$|_)")
_FOR_ONE_DESK: Final = re.compile(
    r"(?i)^(?:dev|local|debug|example|demo)|(?:dev(?:elopment)?|local|debug)(?:config|settings)?$"
)
_FOLDER: Final = r"(?i)(?:^|/)(?:settings?|conf(?:ig(?:uration)?)?s?|env(?:ironment)?s?)"
_FILE_FOR_TESTS: Final = re.compile(
    rf"{_FOLDER}/tests?(?:ing)?\.py$|(?:^|/)(?:rtd|read_?the_?docs|docs?|sphinx)_(?:conf(?:ig)?|settings)\.py$"
)
"""Of tests, and of what makes the pages of a documentation."""
_FILE_FOR_DESK: Final = re.compile(rf"{_FOLDER}/(?:dev(?:elopment)?|local)\.py$")
"""A class ``Config`` in ``settings/test.py`` or ``settings/dev.py``."""
_SAYS_TESTS: Final = re.compile(r"(?i)(?:is_?)?(?:unit_?)?tests?(?:ing)?(?:_mode)?")
_LIVE: Final = re.compile(r"(?i)prod|live|staging|deploy|release")


def is_for_tests(write: ConfigWrite) -> bool:
    """That the write stands in settings, or in a function that fills them, whose name says that they are for tests."""
    return bool(
        _FOR_TESTS.search(write.owner.rpartition(".")[2])
        or _FILE_FOR_TESTS.search(write.span.path)
        or _FILLS_FOR_TESTS.search(write.function.rpartition(".")[2])
    )


def is_in_a_branch_for_tests(facts: "SourceFacts", write: ConfigWrite) -> bool:
    """``if os.environ.get("TESTING"):``, around the write: what is set there serves nobody."""
    return any(
        _SAYS_TESTS.fullmatch(_asked(part).rpartition(".")[2])
        for asked in facts.conditions_around(write.span)
        if not asked.negated
        for part in walk(asked.value, 3)
    )


def _asked(part: Value) -> str:
    match part:
        case EnvironmentValue(variable=name) | ConfigValue(key=name) | Name(dotted=name) | Member(attribute=name):
            return name
        case _:
            return ""


def is_for_one_desk(write: ConfigWrite) -> bool:
    """That the write stands in settings whose name says that they are for development."""
    return bool(_FOR_ONE_DESK.search(write.owner.rpartition(".")[2]) or _FILE_FOR_DESK.search(write.span.path))


def is_live(name: str) -> bool:
    """That a class of settings says to be for people: ``ProductionConfig``."""
    return _LIVE.search(name.rpartition(".")[2]) is not None


_BEGINNING: Final = re.compile(r"_\w+|(?:Base|Common|Abstract|Default)\w*|\w*Base")


def is_said_anew_for_people(facts: "SourceFacts", write: ConfigWrite) -> bool:
    """That the write stands in a class that others begin with, and that of all of them only those for tests or one desk leave it as it is."""
    if _BEGINNING.fullmatch(write.owner.rpartition(".")[2]) is None:
        return False
    anew = {one.owner for one in facts.config_writes(write.key)}
    heirs = [one.name for one in facts.classes(write.owner) if one.name != write.owner]
    kept = [name.rpartition(".")[2] for name in heirs if name not in anew]
    return any(name in anew and is_live(name) for name in heirs) and all(
        _FOR_TESTS.search(name) or _FOR_ONE_DESK.search(name) for name in kept
    )
