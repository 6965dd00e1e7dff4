"""The one switch between the levels of OWASP ASVS 5.0: what level 3 asks of settings that nobody set."""

from typing import Final, TypeVar

from stopper.core.settings import Setting, Settings, number

T = TypeVar("T")

ASVS_LEVEL: Final = number(
    "ASVS_LEVEL",
    2,
    "The level of OWASP ASVS 5.0. At 3, settings that nobody set are stricter: every bearer token must be bound to its holder's key, and an"
    " issuer is asked about an opaque token each time. `flask stopper doctor` judges by it.",
    least=2,
    most=3,
)


def by_level(settings: Settings, setting: Setting[T], at_three: T) -> T:
    """The value of *setting*: what somebody said, else *at_three* at level 3, else its default."""
    if settings.is_set(setting) or settings.get(ASVS_LEVEL) < 3:
        return settings.get(setting)
    return at_three
