"""What a rule says of Stopper is true of this Stopper: settings that are declared, names that can be imported."""

import importlib
import re
from pathlib import Path

import pytest

import stopper
from stopper.core.rule import Rule
from stopper.scan.catalogue import load, page_path

RULES = [pytest.param(rule, id=rule.slug) for rule in load()]
# A test of the house compares this page with the declarations in the code.
SETTINGS = set(
    re.findall(
        r"^\| `(STOPPER_\w+)` \|", (Path(__file__).parents[2] / "docs" / "settings.md").read_text("utf-8"), re.MULTILINE
    )
)
LONGEST = 100


def said(rule: Rule) -> str:
    """Everything that the rule and its page say in words; code blocks are left out, and of the page all but what speaks of Stopper."""
    prose = re.sub(r"^```.*?^```", "", page_path(rule).read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    sentences = re.split(r"(?<=[.:;])\s+", " ".join(prose.split()))
    return "\n".join([rule.ends, *(one for one in sentences if "stopper" in one.lower())])


@pytest.mark.parametrize("rule", RULES)
def test_what_ends_a_weakness_is_one_short_sentence_about_stopper(rule: Rule) -> None:
    assert rule.ends.endswith("."), "a whole sentence"
    assert not re.search(r"[.!?] ", rule.ends), "one sentence"
    assert "stopper" in rule.ends.lower()
    assert len(rule.ends) <= LONGEST


@pytest.mark.parametrize("rule", RULES)
def test_every_setting_that_is_named_is_declared(rule: Rule) -> None:
    page = page_path(rule).read_text("utf-8")
    assert SETTINGS
    assert set(re.findall(r"\bSTOPPER_\w+", f"{rule.ends}\n{page}")) <= SETTINGS


@pytest.mark.parametrize("rule", RULES)
def test_every_name_that_is_said_of_stopper_is_there(rule: Rule) -> None:
    """`@bearer`, `owner(…)`, `Stopper(app)` are public names; `stopper.outbound.Client` can be imported."""
    for code in re.findall(r"`([^`]+)`", said(rule)):
        for name in re.findall(r"^@(\w+)$|^(\w+)\(", code):
            assert (name[0] or name[1]) in stopper.__all__, code
        for module, name in re.findall(r"\b(stopper(?:\.[a-z_]+)+)\.([A-Z]\w*)", code):
            assert hasattr(importlib.import_module(module), name), code
