"""Words that nobody can guess, as the standard library's ``secrets`` makes them; that one brings up OpenSSL and what random numbers need besides."""

import os
import re
from base64 import urlsafe_b64encode


def token_hex(size: int) -> str:
    """Twice as many signs as *size*."""
    return os.urandom(size).hex()


def token_urlsafe(size: int) -> str:
    """Signs that may stand in an address, four for each three of *size*."""
    return urlsafe_b64encode(os.urandom(size)).rstrip(b"=").decode()


def random_mark(size: int) -> str:
    """Twice as many hexadecimal digits as *size*, never four decimal ones in a row: a long number may be taken for a time, and answers that differ in
    their times alone are held to be alike."""
    while re.search(r"\d{4}", found := token_hex(size)):
        pass
    return found
