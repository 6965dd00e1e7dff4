"""The accounts that come with many an application, and that a stranger tries first."""

from typing import Final

PAIRS: Final = (
    ("admin", "admin"),
    ("admin", "password"),
    ("admin", "admin123"),
    ("admin", "password123"),
    ("root", "root"),
    ("root", "toor"),
    ("test", "test"),
    ("guest", "guest"),
    ("admin", "123456"),
    ("user", "user"),
    ("demo", "demo"),
)
"""The commonest default accounts; a scan tries these and no more."""
TRIES_MOST: Final = 4
"""Wrong passwords for one name: many log-ins lock an account at the fifth."""
