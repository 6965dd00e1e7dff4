"""What only the running application tells: settings that are on by a way that the source does not show."""

import pytest

from stopper.core.app import App, ConfigFact
from stopper.core.personal import luhn
from stopper.core.rule import Rule
from stopper.rules.leak.debug_enabled_in_config import RULE as DEBUG
from stopper.rules.leak.exception_propagation_enabled import RULE as PROPAGATION
from stopper.rules.leak.personal_data_in_response import iban
from stopper.rules.leak.test_mode_enabled import RULE as TESTING
from stopper.rules.leak.verbose_client_logging import RULE as LOGGING
from stopper.scan.engine import run_detectors


def running(rule: Rule, key: str, value: object) -> list[str | None]:
    app = App(config={key: ConfigFact(key, value, "running")})
    (result,) = run_detectors(app, [rule])
    assert not result.error
    return [hit.reader for hit in result.hits]


@pytest.mark.parametrize(
    ("rule", "key"),
    [
        (DEBUG, "DEBUG"),
        (PROPAGATION, "PROPAGATE_EXCEPTIONS"),
        (PROPAGATION, "TRAP_HTTP_EXCEPTIONS"),
        (TESTING, "TESTING"),
        (TESTING, "LOGIN_DISABLED"),
        (LOGGING, "SQLALCHEMY_ECHO"),
    ],
)
def test_a_setting_that_is_on_in_the_running_application_is_told(rule: Rule, key: str) -> None:
    """Also where no line of the source shows it; off and unset say nothing."""
    assert running(rule, key, True) == ["running"]
    assert running(rule, key, False) == []
    assert running(rule, key, None) == []


def test_numbers_of_cards_and_accounts_are_told_by_their_check_digits() -> None:
    """One digit off is another kind of number."""
    assert luhn("4539 1488 0343 6467")
    assert not luhn("4539 1488 0343 6468")
    assert not luhn("0000 0000 0000 0000")
    assert iban("GB82 WEST 1234 5698 7654 32")
    assert not iban("GB83 WEST 1234 5698 7654 32")
