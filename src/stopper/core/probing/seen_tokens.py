"""What a token that was seen is made of: how many of its kind there could be, and what it can be worked out from."""

import base64
import itertools
import math
import re
from collections.abc import Sequence
from typing import Final

BY_TIME: Final = re.compile(r"[0-9a-f]{8}-?[0-9a-f]{4}-?1[0-9a-f]{3}-?[0-9a-f]{4}-?[0-9a-f]{12}")
"""A UUID of version 1 (RFC 9562 §5.1), whose last twelve digits are the machine's."""
LEAST_BITS: Final = 64
"""Bits below which a token can be guessed while it lives; NIST SP 800-63B §5.1.2 asks 20 where guesses are counted, and few count."""


def derived(texts: set[str]) -> set[str]:
    import hashlib  # it brings up OpenSSL, which a reading of the source does not need

    return {
        hashlib.new(name, text.encode(), usedforsecurity=False).hexdigest()
        for text in texts
        for name in ("md5", "sha1", "sha256")
    }


def encoded(texts: set[str]) -> set[str]:
    made = {base64.urlsafe_b64encode(text.encode()).decode() for text in texts}
    return made | {one.rstrip("=") for one in made} | {base64.b64encode(text.encode()).decode() for text in texts}


def bits(token: str) -> float:
    """The bits that a random token of these characters could have at most."""
    for pattern, size in ((r"\d+", 10), (r"[0-9a-f]+|[0-9A-F]+", 16), (r"[0-9a-z]+|[0-9A-Z]+", 36)):
        if re.fullmatch(pattern, token):
            return len(token) * math.log2(size)
    return len(token) * 6.0


def counts_up(tokens: Sequence[str]) -> bool:
    for base, pattern in ((10, r"\d+"), (16, r"[0-9a-fA-F]+")):
        if len(tokens) > 2 and all(re.fullmatch(pattern, token) for token in tokens):
            numbers = [int(token, base) for token in tokens]
            return all(0 < after - before < 1 << 20 for before, after in itertools.pairwise(numbers))
    return False
