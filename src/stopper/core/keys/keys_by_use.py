"""Settings and variables that are keys by what they are used for, whatever they are called: what is sent to another service as its key."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

from stopper.core.naming import is_key_name
from stopper.core.outgoing.held_headers import CLIENTS, Put, credential_kind, headers_of, mappings
from stopper.core.values import ConfigValue, EnvironmentValue, Value, text_of, walk

if TYPE_CHECKING:
    from stopper.core.facts import SourceFacts

_IN_QUERIES: Final = frozenset({"key", "appid", "app_id", "apitoken", "access_token", "subscription-key"})
"""What services call their keys in an address, beside the usual names."""
_SIGN: Final = ("jwt.encode", "jwt.decode", "jose.jwt.encode", "jose.jwt.decode")
_LAST_WORDS: Final = ("key", "token", "secret")
"""Without one of these at its end a setting is the name of somebody, which is sent as well."""


def is_key_by_use(facts: "SourceFacts", value: Value) -> bool:
    """That the value is a setting or variable which some call sends as a credential."""
    name = _name(value)
    return bool(name) and name in sent_as_keys(facts)


def is_secret_by_use(facts: "SourceFacts", value: Value) -> bool:
    """The same, or that tokens are signed with it."""
    name = _name(value)
    signs = bool(name) and name in facts.once("settings that tokens are signed with", lambda: _sign(facts))
    return signs or is_key_by_use(facts, value)


def sent_as_keys(facts: "SourceFacts") -> frozenset[str]:
    """The names of these settings and variables."""
    return facts.once("settings that are sent as keys", lambda: _sent(facts))


def _name(value: Value) -> str:
    return (
        value.key if isinstance(value, ConfigValue) else value.variable if isinstance(value, EnvironmentValue) else ""
    )


def _sent(facts: "SourceFacts") -> frozenset[str]:
    return _named_as_keys(value for _, value in sent_credentials(facts))


def _sign(facts: "SourceFacts") -> frozenset[str]:
    """The names of the keys that tokens are signed and read with."""
    given = (call.argument(1, "key") for call in facts.calls(*_SIGN))
    return _named_as_keys(one for one in given if one is not None)


def _named_as_keys(held: Iterable[Value]) -> frozenset[str]:
    names = (_name(part) for value in held for part in walk(value, 4))
    return frozenset(name for name in names if name.lower().rpartition("_")[2] in _LAST_WORDS)


def sent_credentials(facts: "SourceFacts") -> tuple[Put, ...]:
    """What calls and clients send as a credential, in a header or in the query, with the name that it is sent under."""
    return facts.once("what is sent as a credential", lambda: tuple(_pairs(facts)))


def _pairs(facts: "SourceFacts") -> Iterator[Put]:
    for call in facts.calls(*CLIENTS):
        yield from (one for one in headers_of(facts, call) if one[0] and credential_kind(one[0]) is not None)
    for call in facts.calls("*.get", "*.post", "*.put", "*.patch", "*.delete", "*.request", "*.Request", "*.stream"):
        for word, kind in (("headers", credential_kind), ("params", _query_kind)):
            said = call.keyword(word)
            for option in mappings(facts, said) if said is not None else ():
                for key, held in option.items:
                    name = text_of(key) or ""
                    if name and kind(name) is not None:
                        yield name, held


def _query_kind(name: str) -> str | None:
    return "api-key" if is_key_name(name) or name.lower() in _IN_QUERIES else None
