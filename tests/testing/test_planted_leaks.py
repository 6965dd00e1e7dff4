"""Every planted leak makes its test red and is told at the right line; its harmless twin stays green."""

import pytest
from tests.testing.conftest import write
from tests.testing.planted import EVERY, Planted

NAMES = [planted.name for planted in EVERY]


@pytest.mark.feature("F74")
@pytest.mark.parametrize("planted", EVERY, ids=NAMES)
def test_a_planted_leak_is_found(inner: pytest.Pytester, planted: Planted) -> None:
    write(inner, shop=planted.app(leaks=True), test_shop=planted.test_file(leaks=True))
    result = inner.runpytest_inprocess("-W", "default")
    result.assert_outcomes(failed=1)
    told = [line for line in result.outlines if line.endswith(f"[{planted.sink}]")]
    assert any(line.strip().startswith(f"shop.py:{planted.line()} ") for line in told), result.stdout.str()


@pytest.mark.feature("F74")
@pytest.mark.parametrize("planted", EVERY, ids=NAMES)
def test_its_twin_leaks_nothing(inner: pytest.Pytester, planted: Planted) -> None:
    write(inner, shop=planted.app(leaks=False), test_shop=planted.test_file(leaks=False))
    result = inner.runpytest_inprocess("-W", "default")
    result.assert_outcomes(passed=1)


def test_there_are_twenty_and_more() -> None:
    assert len(set(NAMES)) >= 20
