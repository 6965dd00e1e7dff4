"""Accounts that stand in the source: usual names, usual passwords, and the literal texts that a name or a password may be."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from stopper.core.account_names import is_password_name, makes_password_hash
from stopper.core.values import Call, ConfigValue, Constant, EnvironmentValue, Item, Parameter, Value, options, walk

if TYPE_CHECKING:
    from stopper.core.facts import SourceFacts

PEOPLE: Final = re.compile(
    r"(?i)(admin|administrator|root|superuser|super_?admin|sysadmin|test|tester|test_?user|guest|demo|operator|support|manager)(@[\w.-]+)?"
)
USUAL: Final = re.compile(
    r"(?i)(admin|administrator|root|toor|password|passw0rd|p@ssw0rd|pass|secret|test|guest|demo|user|default|change_?me|letmein|welcome|qwerty|hunter)[@_-]?\d{0,4}!?|1234\d*"
)
_CLOSED: Final = frozenset({"", "!", "*", "x", "-", "unset", "disabled", "none", "unusable"})
USER_KEY: Final = re.compile(r"(?i)(user_?name|user|login|e_?mail|user_?id|name|account)")
_KEEPS: Final = frozenset({"encode", "decode", "hexdigest", "digest", "str", "bytes", "text"})
_HASHES: Final = re.compile(r"(?i).*(sha\d+|md5|hash\w*|encrypt)$")


def is_user_name(name: str) -> bool:
    """That a field of that name says who somebody is."""
    return USER_KEY.fullmatch(name) is not None


def holds_password(key: str) -> bool:
    """That a field or column of that name holds a password, or its hash."""
    return is_password_name(key) or key.lower() in (
        "password_hash",
        "hashed_password",
        "pw_hash",
        "passwd_hash",
        "hash",
    )


def is_default(names: list[str], passwords: list[str]) -> bool:
    """A usual name with a literal password, any name with a usual one, or with itself as the password."""
    held = [
        one for one in passwords if one.lower() not in _CLOSED and (len(one) > _SHORT or not one.startswith(_HASHED))
    ]
    if not names or not held:
        return False
    themselves = {name.partition("@")[0].lower() for name in names if len(name) > 3}
    return any(PEOPLE.fullmatch(name) for name in names) or any(
        USUAL.fullmatch(one) or one.lower() in themselves for one in held
    )


_HASHED: Final = ("$", "pbkdf2:", "scrypt:")
_SHORT: Final = 50
"""What begins like a hash and is no longer is a mark for one; a whole hash is the same password wherever this is installed."""


def hashes_password(facts: "SourceFacts", value: Value) -> bool:
    """``generate_password_hash("…")``, ``hashpw(…).decode()``, and a function of the project that does one of these."""
    return any(
        makes_password_hash(part) or any(map(makes_password_hash, facts.calls_in(part.callee)))
        for part in walk(value, 2)
        if isinstance(part, Call)
    )


def literal_texts(facts: "SourceFacts", value: Value | None, depth: int = 4) -> Iterator[str]:
    """The literal texts that a value may be, perhaps encoded or hashed, also by default."""
    for option in options(value):
        match option:
            case Constant(value=str(text)):
                yield text
            case Constant(value=bytes(octets)):
                yield octets.decode("utf-8", "replace")
            case EnvironmentValue(default=default) | Item(default=default) | Parameter(default=default):
                yield from literal_texts(facts, default, depth - 1)
            case ConfigValue() if depth > 0:
                for one in facts.followed(option):
                    yield from literal_texts(facts, one, 0)
            case Call() if depth > 0 and (
                option.method in _KEEPS or hashes_password(facts, option) or _HASHES.fullmatch(option.callee)
            ):
                # ``password.encode("utf8")``: what is told is how it is spelled
                coded = option.method in ("encode", "decode") and option.receiver is not None
                for part in (option.receiver, *(() if coded else option.args[:1])):
                    yield from literal_texts(facts, part, depth - 1)
            case _:
                pass
