"""Phrases that samples and hurried programs sign with: what kind of secret, what it is for, and a warning or a number behind it."""

from collections.abc import Iterator
from itertools import product
from typing import Final

_KINDS: Final = (
    "super", "my", "your", "the", "very", "weak", "insecure", "hardcoded", "hard_coded", "vulnerable", "vuln", "simple", "dev", "development", "test", "demo", "default",
    "totally", "not_so", "this_is", "this_is_a", "this_is_my", "this_is_not_a", "lab", "bank", "flask", "app", "api", "jwt", "shop", "admin", "session", "sample", "example",
    "secure", "easy", "prod", "ctf", "training",
)  # fmt: skip
_THINGS: Final = (
    "secret", "key", "secret_key", "jwt_secret", "jwt_key", "jwt_secret_key", "secret_jwt_key", "signing_key", "token", "token_secret", "password", "secret_password", "api_key",
)  # fmt: skip
_BEHIND: Final = (
    "", "123", "1234", "12345", "123456", "123!", "2024", "2025", "change_me", "change_this", "do_not_use", "here", "for_demo", "for_testing", "change_in_production", "in_production",
)  # fmt: skip
_TWICE: Final = tuple(
    product(("my", "your", "the", "very", "super", "not_so", "this_is", "this_is_a", "this_is_my"), ("super", "very", "weak", "insecure", "vulnerable", "simple", "jwt", "flask"))
)  # fmt: skip
_FEW_THINGS: Final = ("secret", "key", "secret_key", "jwt_secret", "jwt_secret_key", "jwt_key")
_FEW_BEHIND: Final = ("", "123", "12345", "change_me")
_JOINTS: Final = ("_", "-", "")


def phrases() -> Iterator[str]:
    """Each phrase with its words joined in the ways that are usual; some thirty thousand."""
    ways = [
        *product((("",), *((kind,) for kind in _KINDS)), _THINGS, _BEHIND),
        *product(_TWICE, _FEW_THINGS, _FEW_BEHIND),
    ]
    for before, thing, behind in ways:
        said = "_".join(part for part in (*before, thing, behind) if part)
        for joint in _JOINTS if "_" in said else ("",):
            yield said.replace("_", joint)
