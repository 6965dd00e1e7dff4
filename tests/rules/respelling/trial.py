"""Takes the cases of every page through the rewritings and asks whether each rule still says what it said."""

import hashlib
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.rules.respelling.table import REWRITINGS, reprinted
from tests.rules.respelling.tree import Sources

from stopper.core.rule import Rule
from stopper.scan.catalogue import page, survey
from stopper.scan.engine import run_detectors
from stopper.scan.source.read import read_source


@dataclass(frozen=True, slots=True)
class Case:
    """One example of a page in Python, as Python prints it, and how often its rule tells of it."""

    rule: Rule
    kind: str
    title: str
    sources: Sources
    told: int

    @property
    def key(self) -> str:
        """What the lists of known misses call it."""
        return f"{self.rule.slug} | {self.kind} | {self.title}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """A case in another spelling and how often its rule tells of it there; ``wrong`` says why it could not be asked."""

    case: Case
    rewriting: str
    told: int
    wrong: str = ""

    @property
    def kept(self) -> bool:
        """That a Bad one is still told and a Good one is still silent."""
        return not self.wrong and (self.told > 0) == (self.case.told > 0)

    @property
    def key(self) -> str:
        """What the list of known misses calls it."""
        return f"{self.rewriting} | {self.case.key}"


class Ground:
    """A folder in which one program after the other is laid out and read."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._number = 0

    def told(self, rule: Rule, sources: Sources) -> int:
        """How often the rule tells of that program. Raises RuntimeError where it cannot be read or the rule fails."""
        self._number += 1
        home = self._folder / f"p{self._number}"
        for name, text in sources.items():
            path = home / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        try:
            reading = read_source((home,), home)
            if reading.errors:
                raise RuntimeError(str(reading.errors[0]))
            (result,) = run_detectors(reading.app, [rule])
            if result.error:
                raise RuntimeError(result.error)
            return len({(hit.span, hit.route) if hit.span is None else hit.span for hit in result.hits})
        finally:
            shutil.rmtree(home)


def cases(ground: Ground, wanted: Callable[[Rule], bool] = lambda _: True) -> Iterator[Case]:
    """The Python examples of the pages whose verdict is right without their comments too."""
    for rule in survey(pages=False)[0]:
        if rule.detect is None or not wanted(rule):
            continue
        told = page(rule)
        for example in (told.bad, told.good, *told.cases):
            if example.kind == "running" or not any(name.endswith(".py") for name, _ in example.files):
                continue
            sources = reprinted(dict(example.files))
            if sources is None:
                continue
            times = ground.told(rule, sources)
            if (times > 0) == (example.kind == "bad"):
                yield Case(rule, example.kind, example.title, sources, times)


def outcomes(
    ground: Ground, found: Iterable[Case], titles: Iterable[str], wanted: Callable[[str, Case], bool] = lambda *_: True
) -> Iterator[Outcome]:
    """Each case in each of these spellings that it can have."""
    chosen = tuple(titles)
    for case in found:
        for title in chosen:
            if not wanted(title, case):
                continue
            made = REWRITINGS[title](case.sources)
            if made is None or made == case.sources:
                continue
            try:
                yield Outcome(case, title, ground.told(case.rule, made))
            except RuntimeError as wrong:
                yield Outcome(case, title, 0, str(wrong))


SHARE: Final = 11
"""One case in so many is tried in each spelling by the test; ``bench/respelled.py`` tries them all."""


def is_in_share(title: str, case: Case) -> bool:
    """That the test tries this case in this spelling: a fixed choice, which new cases do not change."""
    return hashlib.sha256(f"{title}|{case.key}".encode()).digest()[0] % SHARE == 0


KNOWN: Final = Path(__file__).with_name("known_misses.txt")
"""The cases of the share whose verdict changes with the spelling; the file may only get shorter."""


def known_misses() -> frozenset[str]:
    """The keys of the outcomes that are known not to be kept."""
    lines = KNOWN.read_text(encoding="utf-8").splitlines()
    return frozenset(line for line in lines if line and not line.startswith("#"))
