"""How an API key is written: ``stp_<env>_<id>_<secret><checksum>``; and which foreign texts may serve as one."""

import re
import secrets
import zlib
from typing import Final

_LETTERS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
ID_SIZE: Final = 12
SECRET_SIZE: Final = 43
"""Of 62 letters: 256 bits."""
CHECKSUM_SIZE: Final = 6
"""CRC-32 in base 62. It finds typing errors, never forgeries: anybody can compute it."""
MAX_KEY: Final = 128
PREFIX: Final = "stp_"
_FORM: Final = re.compile(
    rf"{PREFIX}(?P<env>[a-z]{{2,12}})_(?P<id>[0-9A-Za-z]{{{ID_SIZE}}})_"
    rf"(?P<secret>[0-9A-Za-z]{{{SECRET_SIZE}}})(?P<checksum>[0-9A-Za-z]{{{CHECKSUM_SIZE}}})"
)
ENVIRONMENT: Final = re.compile(r"[a-z]{2,12}")
LEAST_FOREIGN: Final = 20
"""Characters of an imported key: fewer can be tried out."""
MAX_FOREIGN: Final = 512
_FOREIGN: Final = re.compile(rf"[\x21-\x2b\x2d-\x7e]{{{LEAST_FOREIGN},{MAX_FOREIGN}}}")


def new_key(environment: str) -> tuple[str, str]:
    """A new id, and the key that holds it."""
    key_id = _random(ID_SIZE)
    body = f"{PREFIX}{environment}_{key_id}_{_random(SECRET_SIZE)}"
    return key_id, body + checksum(body)


def checksum(body: str) -> str:
    """The six letters that end a key whose other letters are *body*."""
    number = zlib.crc32(body.encode("ascii"))
    letters = ""
    for _ in range(CHECKSUM_SIZE):
        number, digit = divmod(number, 62)
        letters = _LETTERS[digit] + letters
    return letters


def parts_of(shown: str) -> dict[str, str] | None:
    """``env``, ``id``, ``secret`` and ``checksum`` of a key; None where the form or the checksum is wrong."""
    found = _FORM.fullmatch(shown) if len(shown) <= MAX_KEY else None
    if found is None or checksum(shown[:-CHECKSUM_SIZE]) != found["checksum"]:
        return None
    return found.groupdict()


def may_be_foreign(shown: str) -> bool:
    """Whether another system may have made the key *shown*; a mistyped one of ours is none."""
    return _FOREIGN.fullmatch(shown) is not None and not shown.startswith(PREFIX)


def _random(size: int) -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(size))
