"""Everybody who can read the code can make a valid token for every account."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.app import App
from stopper.core.deployment.stages_of_settings import is_for_tests
from stopper.core.edits.environment_edits import from_environment
from stopper.core.fact import ConfigWrite
from stopper.core.facts import SourceFacts, source_of
from stopper.core.flow.module_values import bound_to
from stopper.core.flow.passing import given
from stopper.core.place import Span
from stopper.core.rule import Certainty, Edit, Hit, Rule
from stopper.core.tokens.jwt_names import decodings, encodings, switched_off
from stopper.core.values import (
    Call,
    Choice,
    ConfigValue,
    Constant,
    EnvironmentValue,
    Item,
    Mapping,
    Name,
    Parameter,
    Value,
)

MESSAGE = "the signing secret is written in the code"
LIBRARY_SETTINGS = ("JWT_SECRET_KEY", "JWT_PRIVATE_KEY", "JWT_ENCODE_KEY", "JWT_DECODE_KEY")
_PUBLIC = re.compile(r"-----BEGIN (?:RSA |EC )?(?:PUBLIC KEY|CERTIFICATE)|^(?:ssh|ecdsa)-|^https?://")
# What makes a key of a text without adding anything that a reader of the code does not know.
_RESHAPING = re.compile(
    r".*\b(encode|decode|digest|hexdigest|sha256|sha384|sha512|b64decode|b64encode|urlsafe_b64decode|urlsafe_b64encode|fromhex|strip|"
    r"import_key|OctKey|new|bytes|str|bytearray)"
)


def detect(app: App) -> Iterator[Hit]:
    """Each literal secret once: where it signs, else where it verifies; for a setting, where the setting is written."""
    facts = source_of(app)
    seen: set[Span | str] = set()
    for call, key in _keys(facts):
        for literal in _literals(facts, key):
            place = literal.span or call.span
            if place is not None and place not in seen and _is_secret(literal):
                seen.add(place)
                yield Hit(MESSAGE, call.span)
    for span, key in _given_by_loaders(facts):
        if span not in seen and any(map(_is_secret, _literals(facts, key))):
            seen.add(span)
            yield Hit(MESSAGE, span)
            break  # the one that signs and the one that verifies give the same
    for write in facts.config_writes(*LIBRARY_SETTINGS, *_settings_that_sign(facts)):
        if (
            write.loaded is not False
            and not is_for_tests(write)
            and any(map(_is_secret, _literals(facts, write.value)))
        ):
            yield Hit(f"{MESSAGE} ({write.key})", write.span, certainty=_certainty(write))


def _given_by_loaders(facts: SourceFacts) -> Iterator[tuple[Span, Value]]:
    """What a function gives that Flask-JWT-Extended asks for the key: ``@jwt.encode_key_loader``."""
    if not facts.says(*_LOADERS):
        return
    handed = [(word, call.args) for word in _LOADERS for call in facts.calls(f"*.{word}")]
    named = {one.dotted for _, args in handed for one in args[:1] if isinstance(one, Name)}
    for function in facts.functions():
        if function.name in named or any(one.name.endswith(_LOADERS) for one in function.decorators):
            yield from ((one.span, one.value) for one in facts.returns_of(function.name))


_LOADERS = ("encode_key_loader", "decode_key_loader")


def _keys(facts: SourceFacts) -> Iterator[tuple[Call, Value]]:
    """The keys of every call that signs, then of every call that verifies."""
    for call, shape in encodings(facts):
        if (key := call.argument(shape.key, "key")) is not None:
            yield call, key
    for call, decoding in decodings(facts):
        if (key := call.argument(decoding.key, "key")) is not None and switched_off(call, decoding) is None:
            yield call, key


def _said_to_settings(facts: SourceFacts, value: EnvironmentValue) -> tuple[Constant, ...]:
    """``Settings(token_secret="…")``: what a settings class is made with goes before the variable (of pydantic-settings)."""
    classes = [one.name for one in facts.classes(*_SETTINGS) if value.name in one.fields]
    said = [call.keyword(value.name) for call in facts.calls(*classes)] if classes else []
    literal = [one for one in said if isinstance(one, Constant) and isinstance(one.value, str)]
    return tuple(literal) if len(literal) == len(said) else ()


_SETTINGS: Final = ("pydantic_settings.BaseSettings", "pydantic.BaseSettings")


def _settings_that_sign(facts: SourceFacts) -> tuple[str, ...]:
    """Settings of one's own that a call signs or verifies with. Flask's SECRET_KEY has its own rule."""
    names = {key.key for _, key in _keys(facts) if isinstance(key, ConfigValue)}
    return tuple(sorted(names - {"SECRET_KEY", *LIBRARY_SETTINGS}))


def _literals(facts: SourceFacts, value: Value | None, depth: int = 4) -> tuple[Constant, ...]:
    """The literals that a key surely is made of; none where it may also come from elsewhere."""
    if isinstance(value, Constant):
        return (value,)
    if isinstance(value, EnvironmentValue) and value.name:
        return _said_to_settings(facts, value)
    if isinstance(value, Name):
        return _literals(facts, bound_to(facts, value), depth - 1) if depth > 0 else ()
    if isinstance(value, Parameter) and depth > 0:
        found = [_literals(facts, one, depth - 1) for one in given(facts, value)]
        return tuple(literal for some in found for literal in some) if all(found) else ()
    if isinstance(value, Choice):
        found = [_literals(facts, option, depth) for option in value.options]
        return tuple(literal for some in found for literal in some) if all(found) else ()
    if isinstance(value, Item) and isinstance(value.owner, Mapping) and not value.owner.open:
        found = [_literals(facts, one, depth) for _, one in value.owner.items]
        return tuple(literal for some in found for literal in some) if found and all(found) else ()
    if isinstance(value, Mapping) and value.get("kty") is not None:
        return _literals(facts, value.get("k") or value.get("d"), depth)
    made = facts.function(value.callee) if isinstance(value, Call) and depth > 0 else None
    if made is not None:
        found = [_literals(facts, one, depth - 1) for one in made.returns]
        return tuple(literal for some in found for literal in some) if all(found) else ()
    if isinstance(value, Call) and _RESHAPING.fullmatch(value.callee):
        inner = [part for part in (value.receiver, *value.args) if part is not None]
        found = [_literals(facts, part, depth) for part in inner]
        return found[0] if found and all(found) else ()
    return ()


def _is_secret(literal: Constant) -> bool:
    text = literal.value.decode("latin-1") if isinstance(literal.value, bytes) else literal.value
    return isinstance(text, str) and bool(text.strip()) and not _PUBLIC.search(text)


def _certainty(write: ConfigWrite) -> Certainty:
    """A class of settings for the developer's own machine may be all that a literal ever serves."""
    return "possible" if re.search(r"(?i)dev|local", write.owner) else "certain"


def fix(app: App, hit: Hit) -> Edit | None:
    """The secret out of the environment, where it is one literal; the environment must have a new one then."""
    facts = source_of(app)
    held = [(call.span, key, "") for call, key in _keys(facts)]
    held += [(write.span, write.value, write.key) for write in facts.config_writes() if "KEY" in write.key]
    for span, key, name in held:
        literals = _literals(facts, key) if span == hit.span else ()
        if len(literals) == 1:
            return from_environment(literals[0], name or literals[0].name or "JWT_SECRET_KEY")
    return None


RULE = Rule(
    slug="jwt-secret-hardcoded",
    family="jwt",
    title="The signing secret is a literal at encode or at decode, directly or through a constant",
    harm=__doc__ or "",
    severity="critical",
    check="authentication",
    cwe=(798,),
    owasp="API2:2023",
    asvs=("V13.3.1",),
    surfaces=("source",),
    ends="Stopper's service makes its signing keys by chance and keeps them encrypted in its store.",
    detect=detect,
    fix=fix,
)
