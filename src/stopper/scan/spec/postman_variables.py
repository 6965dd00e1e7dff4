"""The variables of a Postman collection, and its two ways to write a list of names and values."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, cast

from stopper.core.redactor import is_sensitive_name, mask

PLACEHOLDER: Final = re.compile(r"\{\{([^{}]{1,200})\}\}")
TOKEN_LIKE: Final = re.compile(r"(?=[^/]*\d)(?=[^/]*[A-Za-z])[\w~+=.-]{24,}")
UUID: Final = re.compile(r"(?i)[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_SECRET_WORDS: Final = frozenset({
    "otp", "pin", "jwt", "sid", "key", "ticket", "sig", "signature", "assertion", "session", "auth", "code", "nonce", "hash", "salt",
    "cookie", "seed", "mnemonic", "cvv", "cvc", "iban", "ssn",
})  # fmt: skip
"""Words of a name whose value is not sent, beside those that the redactor knows."""
_PASSES: Final = 5
"""How often a value is looked through for further variables."""
_LONGEST: Final = 4_000
"""Characters of a filled text: variables that multiply end here."""


@dataclass(frozen=True, slots=True)
class Variables:
    """What may be filled in. A variable whose name or type says that it is secret is never among them."""

    values: Mapping[str, str] = field(default_factory=dict[str, str])
    secrets: frozenset[str] = frozenset()
    """Values that stand as credentials somewhere in the collection."""

    def with_more(self, node: object) -> "Variables":
        """These and those of an inner folder, which win."""
        found = {name: str(value) for name, value in entries(node) if isinstance(value, (str, int, float))}
        return replace(self, values={**self.values, **found}) if found else self

    def filled(self, text: str) -> str:
        """*text* with its variables filled in; what is not known, is filled by a script later, or would show a secret stays as ``{{name}}``."""
        for _ in range(_PASSES):
            made = PLACEHOLDER.sub(self._value, text)
            if made == text or len(made) > _LONGEST:
                return text
            text = made
        return text

    def _value(self, found: re.Match[str]) -> str:
        value = self.values.get(found[1].strip())
        return found.group() if not value or not self.may_show(found[1].strip(), value) else value

    def may_show(self, name: str, value: str) -> bool:
        """Whether a value may be sent as an example: it looks like no credential and is none of the collection's."""
        return is_plain(name, value) and not any(secret in value for secret in self.secrets)


EXAMPLE_MOST: Final = 80
"""Letters of a value that is shown as an example."""


def is_example(name: str, value: str) -> bool:
    """Whether a value of a parameter may be sent as it is shown: no secret, and no address that the server might fetch."""
    return 0 < len(value) <= EXAMPLE_MOST and value.isprintable() and "://" not in value and is_plain(name, value)


def is_plain(name: str, value: str) -> bool:
    """Whether neither the name nor the shape of a value says that it is secret."""
    odd = TOKEN_LIKE.fullmatch(value) and not UUID.fullmatch(value)
    words = re.findall(r"[A-Z]?[a-z]+|[A-Z]+", name)
    is_named = is_sensitive_name(name) or any(word.lower() in _SECRET_WORDS for word in words)
    return not odd and not is_named and mask(value) == value


def entries(node: object) -> Iterator[tuple[str, object]]:
    """Names and values of a list of ``{"key", "value"}`` or of an object; what is disabled or secret by type is left out."""
    if isinstance(node, Mapping):
        yield from ((str(name), value) for name, value in cast("Mapping[object, object]", node).items())
        return
    for one in list_of(node):
        said = mapping_of(one)
        name = said.get("key", said.get("id"))
        if isinstance(name, str) and name and said.get("disabled") is not True and said.get("type") != "secret":
            yield name, said.get("value", "")


def mapping_of(node: object) -> Mapping[str, object]:
    """*node* as an object; empty when it is none."""
    return cast("Mapping[str, object]", node) if isinstance(node, Mapping) else {}


def list_of(node: object) -> list[object]:
    """*node* as a list; empty when it is none."""
    return cast("list[object]", node) if isinstance(node, list) else []
