"""For whom settings are, by the name of their class or file: for tests, for one desk, for people."""

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from stopper.core.fact import ConfigWrite
from stopper.core.values import (
    Call,
    Choice,
    ConfigValue,
    Constant,
    EnvironmentValue,
    Member,
    Name,
    Sequence,
    Truth,
    Value,
)

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
    return any(_holds_for_tests(one.value, one.negated) for one in facts.conditions_around(write.span))


def _holds_for_tests(test: Value, negated: bool) -> bool:
    """That the test holds for nobody but tests; with *negated*, that it fails for nobody but them."""
    match test:
        case Truth(parts=(inner,)):
            return _holds_for_tests(inner, not negated)
        case Truth(parts=(asked, Constant() as said)) | Truth(parts=(Constant() as said, asked)):
            wants = _means_yes(said.value) is not (test.differs is not negated)
            return wants and _holds_for_tests(asked, False)
        case Truth(parts=(asked, Sequence(items=several, open=False))) if several:
            wants = test.differs is negated and all(
                isinstance(one, Constant) and _means_yes(one.value) for one in several
            )
            return wants and _holds_for_tests(asked, False)
        case Choice(options=several):
            each = (_holds_for_tests(one, negated) for one in several)
            return any(each) if test.every is not negated else all(each)
        case Call():
            of = next(iter(test.args), None) if test.receiver is None else test.receiver
            return of is not None and _holds_for_tests(of, negated)
        case EnvironmentValue(default=other) | ConfigValue(default=other) if not isinstance(other, Constant | None):
            return _holds_for_tests(replace(test, default=None), negated) and _holds_for_tests(
                other, negated
            )  # ``TESTING or …``
        case EnvironmentValue(variable=name) | ConfigValue(key=name) | Name(dotted=name) | Member(attribute=name):
            return not negated and _SAYS_TESTS.fullmatch(name.rpartition(".")[2]) is not None
        case _:
            return False


def _means_yes(said: object) -> bool:
    return bool(said) and str(said).strip().lower() not in ("0", "false", "no", "off", "none")


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
