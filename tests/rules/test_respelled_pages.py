"""The same weakness in other spellings, made by machine: what a page's case tells does not hang on how it is written down.

Each rewriting keeps what a program does; that is tried by running small programs in all their spellings. Then the cases of all pages are
rewritten, a fixed eleventh of them here and all of them by ``bench/respelled.py``. What is not kept yet stands in ``respelling/known_misses.txt``,
which may only get shorter: ``python bench/respelled.py --write`` writes it anew and refuses new lines.
"""

from pathlib import Path

import pytest
from tests.rules.respelling.samples import SAMPLES
from tests.rules.respelling.served import answers
from tests.rules.respelling.table import REWRITINGS
from tests.rules.respelling.trial import KNOWN, Ground, cases, is_in_share, known_misses, outcomes

from stopper.core.rule import Rule
from stopper.scan.catalogue import load

_KNOWN = known_misses()


@pytest.mark.parametrize("title", list(REWRITINGS))
def test_a_rewriting_keeps_what_a_program_does(title: str, tmp_path: Path) -> None:
    """Every rewriting has something to rewrite in one of the samples at least, and none of them answers otherwise than before."""
    rewritten = 0
    for number, (sources, asked) in enumerate(SAMPLES):
        made = REWRITINGS[title](sources)
        if made is None:
            continue
        rewritten += 1
        before = answers(tmp_path / f"{number}-before", sources, asked)
        assert answers(tmp_path / f"{number}-after", made, asked) == before
    assert rewritten, "no sample has what it rewrites"


@pytest.mark.usefixtures("untraced")
@pytest.mark.parametrize("rule", [pytest.param(rule, id=rule.slug) for rule in load() if rule.detect is not None])
def test_a_rule_says_the_same_in_other_words(rule: Rule, tmp_path: Path) -> None:
    ground = Ground(tmp_path)
    found = list(outcomes(ground, cases(ground, lambda one: one is rule), REWRITINGS, is_in_share))
    lost = sorted(one.key for one in found if not one.kept and one.key not in _KNOWN)
    assert not lost, "what is said changed with the spelling"
    mended = sorted(one.key for one in found if one.kept and one.key in _KNOWN)
    assert not mended, f"these are kept now: take them out of {KNOWN.name}"
