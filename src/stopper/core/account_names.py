"""What the source of an application calls its passwords, its log-in, its registration and its reset of passwords."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.facts import SourceFacts
from stopper.core.naming import sensitive
from stopper.core.values import Call, Constant, Item, Member, Name, Parameter, Value, walk

REGISTERS: Final = re.compile(
    r"(?i)(^|[/_.-])(register|registration|sign_?-?up|create_?-?(user|account)|add_?-?user|enrol+)([/_.-]|$)"
)
LOGS_IN: Final = re.compile(r"(?i)(^|[/_.-])(log_?-?in|sign_?-?in|authenticate|tokens?|sessions?)([/_.-]|$)")
RESETS: Final = re.compile(
    r"(?i)forgot|reset|recover|invit|magic_?-?link|password_?-?link|restore_?-?(?:password|passwd|pwd)"
)
_BARE: Final = frozenset({"pass", "pw", "passcode", "plaintext_password", "plain_password", "raw_password"})
MAKES_HASH: Final = re.compile(
    r"(?i).*(generate_password_hash|hashpw|hash_password|set_password|password_hash|PasswordHasher.*\.hash|CryptContext.*\.hash|"
    r"passlib\.hash\..*\.hash|(argon2|bcrypt|ph|pwd_context|hasher)\.hash|pbkdf2_hmac|make_password|create_user)$"
)
"""Calls that make the hash of a new password."""
_CHECKS_HASH: Final = re.compile(
    r"(?i).*\b(check_password(_hash)?|verify_password|checkpw|check_pw|verify_and_update_password|authenticate_user)$|"
    r".*(argon2|PasswordHasher|CryptContext|passlib|pwd_context|hasher|\bph).*\.verify$"
)


_OF_A_SERVICE: Final = re.compile(
    r"(?i)(?:^|_)(?:db|database|smtp|e?mail(?:_?server)?|imap|pop3?|ldap|bind|proxy|mqtt|s?ftp|ssh|redis|broker|amqp|influx\w*|wifi|mysql|postgres\w*)_(?:\w+_)?"
    r"(?:password|passwd|pwd|pass)$"
)

CHECKS_PASSWORD: Final = re.compile(
    r"(?i).*\b(check_password(_hash)?|verify_password|checkpw|check_pw|password_matches|validate_password|verify_and_update_password|"
    r"compare_password|authenticate_user|simple_bind_s|sign_in_with_(email_and_)?password|(admin_)?initiate_auth)$|(ldap|ldap3|pam|pamela)\..*(bind|bind_s|authenticate)$|"
    r".*pyotp.*\.verify$|.*(argon2|PasswordHasher|CryptContext|passlib).*\.verify$"
)
ASKS_ACCOUNT: Final = re.compile(
    r"(?i)(?:is_)?(?:check|verif(?:y|ies)|valid(?:ate)?|match(?:es)?|compare|authenticate|log_?in|sign_?in|correct)(?:_?(?:user|login|credentials?|pass(?:word|wd)?|pwd))?"
)
"""What an account or a service is asked with a password, at a route that is named as a log-in."""


def is_of_a_service(name: str) -> bool:
    """That it names the password with which the application itself logs in elsewhere: it is needed in clear, and no person's."""
    return _OF_A_SERVICE.search(name) is not None


def is_password_name(name: str) -> bool:
    """That a variable, field or parameter of that name holds a password in clear."""
    return sensitive(name) == "password" or name.lower() in _BARE


def said_name(value: Value) -> str:
    """The name under which a value is read: a field's, parameter's, attribute's or variable's; ``""`` where it has none."""
    match value:
        case Item(key=Constant(value=str(name))) | Member(attribute=name) | Parameter(parameter=name):
            return name
        case Name(dotted=dotted):
            return dotted.rpartition(".")[2]
        case _:
            return value.name


def is_clear_password(facts: SourceFacts, value: Value | None) -> bool:
    """That it is a password as a person wrote it, perhaps encoded or put into a text, and not what a hash made of it."""
    return value is not None and (
        is_password_name(said_name(value))
        or is_password_name(value.name)
        or facts.derives(value, "password")
        or (not isinstance(value, Call) and any(is_password_name(said_name(one)) for one in _named_by(value)))
    )


def _named_by(value: Value) -> Iterator[Value]:
    """``form.password.data``: the value, and whose part it is. What a record was made with, ``Person(name=…, password=…).name``, says nothing
    of its other members."""
    if not isinstance(value, (Member, Item)):
        yield from walk(value, 3)
        return
    inner: Value = value
    while isinstance(inner, (Member, Item)):
        yield inner
        inner = inner.owner
    yield inner


def makes_password_hash(call: Call) -> bool:
    """That the call makes the hash of a new password."""
    return MAKES_HASH.fullmatch(call.callee) is not None


def checks_password_hash(call: Call) -> bool:
    """That the call holds a password against its hash."""
    return _CHECKS_HASH.fullmatch(call.callee) is not None


def given(call: Call) -> Iterator[tuple[str, Value]]:
    """What is passed to a call, with the keyword where it has one."""
    yield from (("", value) for value in call.args)
    yield from call.keywords
