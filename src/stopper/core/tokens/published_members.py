"""Views that publish the private members of a key beside the public ones."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.facts import SourceFacts
from stopper.core.rule import Hit
from stopper.core.tokens.published_keys import signs
from stopper.core.values import Call, Mapping, Value, is_constant, text_of, walk

PRIVATE: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "k"})
_EXPORT: Final = re.compile(r".*\.(as_dict|export|to_dict|export_to_dict|export_private|as_json|to_jwk|export_keys)")
_KEY_WORD: Final = re.compile(r"(?i)key|jwk|jose|rsa|\bec\b|okp")


def publishing(facts: SourceFacts, address: re.Pattern[str]) -> Iterator[Hit]:
    """Each answer with private members, and each export of a whole key for a route whose path is like *address*."""
    exports = any(_EXPORT.fullmatch(callee) for callee in facts.callees())
    for returned in facts.returns() if exports or facts.says("kty") else ():
        if not facts.is_view(returned.function):
            continue
        for part in walk(returned.value, 8):
            if isinstance(part, Mapping) and part.get("kty") is not None and PRIVATE & set(part.keys()):
                yield Hit("private members of a key are published", returned.span)
            elif isinstance(part, Call) and _EXPORT.fullmatch(part.callee) and _with_private(facts, part):
                yield Hit("private members of a key are published", part.span or returned.span)
    for route in facts.routes:
        if address.search(route.path):
            for returned in facts.returns_of(route.view):
                if signs(facts, returned.value):
                    yield Hit("the keys that sign tokens are published as they were read", returned.span)
    for call in facts.calls("*.as_dict", "*.export", "*.export_keys", "*.export_to_dict", "*.to_jwk"):
        if _with_private(facts, call) and _looks_published(facts, call.function, address):
            yield Hit("private members of a key are published", call.span)


def _looks_published(facts: SourceFacts, function: str, address: re.Pattern[str]) -> bool:
    return any(address.search(ref.path) for ref in facts.routes_reaching(function)) and bool(function)


def _with_private(facts: SourceFacts, call: Call) -> bool:
    said = call.keyword("private", "is_private", "private_key", "private_keys", "as_private")
    if call.method == "export" and facts.imports("jwcrypto"):  # exports all of the key unless it is told otherwise
        said = said or call.argument(0)
        return (said is None or is_constant(said, True)) and not _is_public(call.receiver)
    if call.method == "to_jwk":  # the key is handed to it, and all of it is written out
        return any(_is_private(part) for part in walk(call.argument(0, "key_obj"), 6)) and not _is_half(
            call.argument(0, "key_obj")
        )
    return (
        is_constant(said, True)
        or (call.method == "as_dict" and is_constant(call.argument(0), True) and _is_key(call.receiver))
        or call.method == "export_private"
    )


def _is_private(part: Value) -> bool:
    return isinstance(part, Call) and part.method in (
        "load_pem_private_key",
        "load_der_private_key",
        "generate_private_key",
    )


def _is_half(key: Value | None) -> bool:
    """``key.public_key()``"""
    return isinstance(key, Call) and key.method in ("public_key", "publickey")


def _is_key(value: Value | None) -> bool:
    """That what is asked for its members is a key by what made it or what it is called; rows of tables have an ``as_dict`` too."""
    words = (
        word
        for part in walk(value, 4)
        for word in (
            part.name,
            getattr(part, "callee", ""),
            getattr(part, "dotted", ""),
            getattr(part, "parameter", ""),
        )
    )
    return any(_KEY_WORD.search(word) for word in words)


def _is_public(key: Value | None) -> bool:
    """That the key comes from a place that says it is the public half."""
    return any(re.search(r"(?i)pub", text_of(part) or str(getattr(part, "variable", ""))) for part in walk(key, 8))
