"""Patterns that are compiled when they are first asked something behave like those that are compiled at once."""

import re
import sys

import pytest

from stopper.core.later_pattern import LaterPattern, later, patterns_later
from stopper.scan.catalogue import survey


def test_a_later_pattern_answers_like_a_compiled_one():
    one, other = later(r"(?P<word>a+)b"), re.compile(r"(?P<word>a+)b")
    assert one.pattern == other.pattern
    assert one.search("xaab").group("word") == "aa"
    assert one.fullmatch("aab")
    assert not one.match("xab")
    assert one.sub("-", "ab aab") == other.sub("-", "ab aab")
    assert one.findall("ab aab") == other.findall("ab aab")
    assert one.groupindex == other.groupindex


def test_a_wrong_pattern_is_told_when_it_is_asked():
    with pytest.raises(re.error):
        later("(").search("x")


def test_an_unknown_attribute_compiles_nothing():
    with pytest.raises(AttributeError):
        later("(").nothing_of_a_pattern  # noqa: B018


def test_modules_of_others_get_compiled_patterns_meanwhile():
    with patterns_later():
        made = re.compile("a")
    assert isinstance(made, re.Pattern)
    assert isinstance(re.compile("a"), re.Pattern)


def test_every_pattern_of_the_catalogue_compiles():
    survey(pages=False)
    found = [
        (name, value)
        for name, module in list(sys.modules.items())
        if name.startswith("stopper.")
        for value in vars(module).values()
        if isinstance(value, LaterPattern)
    ]
    for name, value in found:
        assert value.groups >= 0, name
    assert found
