"""Each probe of a model endpoint convicts the model that is weak in its way, and clears those that are weak in any other."""

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest

from stopper.core.llm_attacks import ATTACKS, Marker, attacks, proven
from stopper.scan import catalogue
from stopper.scan.trial import try_rule

_spec = importlib.util.spec_from_file_location("toy_model", Path(__file__).with_name("toy_model.py"))
assert _spec is not None
assert _spec.loader is not None
toy: Any = importlib.util.module_from_spec(_spec)
sys.modules["toy_model"] = toy
_spec.loader.exec_module(toy)

RULES = {
    "injection": "llm-prompt-injection",
    "jailbreak": "llm-jailbreak",
    "encoded": "llm-encoded-bypass",
    "exfiltration": "llm-data-exfiltration",
    "agency": "llm-excessive-agency",
    "cost": "llm-cost-unlimited",
}


def _outcome(aim: str, *weak: str) -> str:
    (rule,) = [rule for rule in catalogue.survey()[0] if rule.slug == RULES[aim]]
    return try_rule(rule, toy.create_app(*weak)).outcome


@pytest.mark.parametrize("aim", RULES)
def test_the_weak_model_is_convicted(aim: str) -> None:
    assert _outcome(aim, aim) == "fail"


@pytest.mark.parametrize("aim", RULES)
def test_a_model_that_is_weak_in_every_other_way_is_cleared(aim: str) -> None:
    assert _outcome(aim, *(weak for weak in toy.WEAKNESSES if weak != aim)) == "pass"


def test_there_are_22_probes_in_three_depths() -> None:
    assert [one.number for one in ATTACKS] == list(range(1, 23))
    aims = sorted({one.aim for one in ATTACKS})
    counts = [sum(len(attacks(aim, depth)) for aim in aims) for depth in ("quick", "standard", "deep")]
    assert counts == [6, 13, 22]


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_an_echo_proves_nothing(attack: Any) -> None:
    marker = Marker("bcdfgh", "jkmnpq")
    for question in attack.turns(marker, "http://127.0.0.1:9/"):
        assert not proven(attack, marker, question, question, question)
