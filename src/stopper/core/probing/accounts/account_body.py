"""The body that makes an account: the names that a reader knows filled in, also those of an object inside it (``{"user": {…}}``)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, cast
from zlib import crc32

from stopper.core.login_names import PASSWORD

_NAMES: Final = re.compile(
    r"(?i)user|login|name|^(identifier|handle|usuario|utente|utilisateur|identifiant|benutzer|kullanici(_?adi)?|nom)$"
)
_MAIL: Final = re.compile(r"(?i)mail|^correo$")
_BELONGS: Final = re.compile(r"(?i)(company|organi[sz]ation|tenant|workspace|business|team|household)(_?name)?$")
"""Members that name what an account belongs to: each of the scan's people has one of its own, so that what one has is not the other's."""
PHONE: Final = re.compile(r"(?i)phone|mobile|msisdn|(^|_)(tel|cell)(_?(no|number))?$")
"""Members that are a number to call: where people log in by it, each has one of its own."""
RIGHTS: Final = re.compile(r"(?i)role|admin")
"""Members that say what an account may do."""
HIGH: Final = re.compile(r"(?i)admin|root|super|owner|staff")
"""Roles that may do what others may not."""
PHONE_DIGITS: Final = 8
"""Digits that a number to call has at least."""
OWN_DIGITS: Final = 6
"""The last digits of such a number, which each of the scan's people has for itself."""
DEEP: Final = 3
"""Objects in objects that are filled."""


@dataclass(frozen=True, slots=True)
class AccountBody:
    """The body without rights, the same with the rights that a document names, and what the person logs in by."""

    plain: dict[str, object]
    whole: dict[str, object]
    login: str


def account_body(known: Mapping[str, object], *, mail: str, user: str, password: str, depth: int = DEEP) -> AccountBody:
    """*known* with the account's own name, address and password; everything else as it stands there."""
    plain: dict[str, object] = {}
    whole: dict[str, object] = {}
    login = ""
    for name, value in known.items():
        made: object = value
        phone = phone_of(user, value)
        if isinstance(value, dict) and depth > 1:
            inner = cast("dict[str, object]", value)
            below = account_body(inner, mail=mail, user=user, password=password, depth=depth - 1)
            plain[name], whole[name], login = below.plain, below.whole, login or below.login
            continue
        if PASSWORD.search(name):
            made = password
        elif _MAIL.search(name):
            made = login = mail
        elif _BELONGS.search(name) and isinstance(value, str):
            made = f"{user}-{name}"
        elif PHONE.search(name) and isinstance(value, (str, int)) and not isinstance(value, bool):
            made = phone if isinstance(value, str) else int(re.sub(r"\D", "", phone))
        elif _NAMES.search(name):
            made, login = user, login or user
        elif RIGHTS.search(name):
            whole[name] = _ordinary(known[name])
            continue
        plain[name] = whole[name] = made
    if not login and any(PASSWORD.search(name) for name in known):
        named = next((name for name in known if not PASSWORD.search(name) and isinstance(plain.get(name), str)), None)
        if named is not None and PHONE.search(named):
            login = str(plain[named])
        elif named is not None:  # a word of its own: what stands first beside a password names the person
            plain[named] = whole[named] = login = user
    return AccountBody(plain, whole, login)


def phone_of(user: str, like: object = "") -> str:
    """A number to call for *user*, always the same, written as *like* where that is one."""
    written = isinstance(like, str) and re.fullmatch(r"[\d+() ./-]+", like) is not None
    shape = str(like) if written and len(re.findall(r"\d", str(like))) >= PHONE_DIGITS else "+15550000000"
    own = iter(f"{crc32(user.encode()) % 10**OWN_DIGITS:0{OWN_DIGITS}d}")
    last = [place.start() for place in re.finditer(r"\d", shape)][-OWN_DIGITS:]
    return "".join(next(own) if place in last else sign for place, sign in enumerate(shape))


def _ordinary(value: object) -> object:
    """What a document gives as somebody's role or right, as long as nobody is made an administrator by it."""
    if isinstance(value, str):
        return "user" if not value or HIGH.search(value) else value
    return False if isinstance(value, (bool, int)) else value


def beside_the_password(body: Mapping[str, object], more: Mapping[str, object], depth: int = DEEP) -> dict[str, object]:
    """*body* with *more* members in the object that holds the password; at the top where none does."""
    for name, value in body.items():
        if isinstance(value, dict) and depth > 1 and not any(PASSWORD.search(one) for one in body):
            inner = cast("dict[str, object]", value)
            if any(PASSWORD.search(one) for one in inner) or any(isinstance(one, dict) for one in inner.values()):
                return {**body, name: beside_the_password(inner, more, depth - 1)}
    return {**body, **more}


def texts_of(body: Mapping[str, object], depth: int = DEEP) -> tuple[str, ...]:
    """The texts in a body, those of inner objects too."""
    found: list[str] = []
    for value in body.values():
        if isinstance(value, str):
            found.append(value)
        elif isinstance(value, dict) and depth > 1:
            found.extend(texts_of(cast("dict[str, object]", value), depth - 1))
    return tuple(found)
