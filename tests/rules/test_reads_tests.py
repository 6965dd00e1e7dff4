"""A rule that asks about test code says so, or test code would not be read for it."""

import inspect
import sys

import pytest

from stopper.core.rule import Rule
from stopper.scan.catalogue import survey


@pytest.mark.parametrize("rule", survey(pages=False)[0], ids=lambda rule: rule.slug)
def test_a_rule_that_asks_facts_of_tests_is_marked(rule: Rule):
    module = sys.modules[f"stopper.rules.{rule.family.replace('-', '_')}.{rule.slug.replace('-', '_')}"]
    assert ("tests=True" in inspect.getsource(module)) <= rule.reads_tests
