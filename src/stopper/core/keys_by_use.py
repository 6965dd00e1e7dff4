"""Settings and variables that are keys by what they are used for, whatever they are called: what is sent to another service as its key."""

from typing import TYPE_CHECKING, Final

from stopper.core.held_headers import CLIENTS, credential_kind, headers_of, mappings
from stopper.core.values import ConfigValue, EnvironmentValue, Value, text_of, walk

if TYPE_CHECKING:
    from stopper.core.facts import SourceFacts

_LAST_WORDS: Final = ("key", "token", "secret")
"""Without one of these at its end a setting is the name of somebody, which is sent as well."""


def is_key_by_use(facts: "SourceFacts", value: Value) -> bool:
    """That the value is a setting or variable which some call sends as a credential."""
    name = _name(value)
    return bool(name) and name in sent_as_keys(facts)


def sent_as_keys(facts: "SourceFacts") -> frozenset[str]:
    """The names of these settings and variables."""
    return facts.once("settings that are sent as keys", lambda: _sent(facts))


def _name(value: Value) -> str:
    return (
        value.key if isinstance(value, ConfigValue) else value.variable if isinstance(value, EnvironmentValue) else ""
    )


def _sent(facts: "SourceFacts") -> frozenset[str]:
    found: set[str] = set()
    pairs = [pair for call in facts.calls(*CLIENTS) for pair in headers_of(facts, call)]
    for call in facts.calls("*.get", "*.post", "*.put", "*.patch", "*.delete", "*.request", "*.Request", "*.stream"):
        for option in mappings(facts, call.keyword("headers")) if call.keyword("headers") is not None else ():
            pairs += [(text_of(key) or "", held) for key, held in option.items]
    for header, held in pairs:
        if header and credential_kind(header) is not None:
            names = [_name(part) for part in walk(held, 4)]
            found |= {name for name in names if name.lower().rpartition("_")[2] in _LAST_WORDS}
    return frozenset(found)
