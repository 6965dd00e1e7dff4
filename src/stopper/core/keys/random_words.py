"""Words that nobody can guess, as the standard library's ``secrets`` makes them; that one brings up OpenSSL and what random numbers need besides."""

import os
from base64 import urlsafe_b64encode


def token_hex(size: int) -> str:
    """Twice as many signs as *size*."""
    return os.urandom(size).hex()


def token_urlsafe(size: int) -> str:
    """Signs that may stand in an address, four for each three of *size*."""
    return urlsafe_b64encode(os.urandom(size)).rstrip(b"=").decode()
