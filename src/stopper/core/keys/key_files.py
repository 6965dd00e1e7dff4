"""What the path of a key file says: keys of tests, which nothing that runs trusts, lie where tests find them."""

import re
from typing import Final

_OF_TESTS: Final = re.compile(
    r"(?i)(?:^|/)(?:(?:[a-z0-9]\w*[_-])?tests|test|testing|test_?data|fixtures?|vectors?|spec|snakeoil)(?:/|$)|(?:^|[/_.-])(?:test|dummy|snakeoil|fake)[/_.-]"
)


def is_of_tests(path: str) -> bool:
    """That a key lies there for tests."""
    return _OF_TESTS.search(path) is not None
