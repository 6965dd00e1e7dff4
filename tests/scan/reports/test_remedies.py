"""What to do is said for any application, and what Stopper does beside it."""

import pytest

from stopper.core.rule import Rule
from stopper.scan.catalogue import load
from stopper.scan.remedies import remedy


@pytest.mark.parametrize("rule", [pytest.param(rule, id=rule.slug) for rule in load()])
def test_every_rule_says_what_to_do_in_an_application_without_stopper(rule: Rule) -> None:
    said = remedy(rule.family, rule.slug)
    assert len(said.split()) >= 2
    assert said.endswith(".")
    assert "Stopper" not in said


def test_a_list_stays_whole_and_what_stopper_does_is_left_out() -> None:
    assert remedy("api-key", "api-key-in-upstream-url").startswith(
        "1. Send the key in a header; most services take one. 2. "
    )
    assert remedy("session", "secret-key-unsafe-default").endswith("keep it where the other secrets are.")


def test_a_rule_without_a_page_has_none() -> None:
    assert remedy("session", "no-such-rule") == ""
