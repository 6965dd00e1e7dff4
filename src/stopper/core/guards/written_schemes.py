"""The security schemes that an application writes down in its own code, for a document that a library makes of it."""

from collections.abc import Iterator
from typing import Final

from stopper.core.app import SecurityScheme
from stopper.core.facts import SourceFacts
from stopper.core.values import Mapping, Value, options, text_of, walk

_MEMBERS: Final = ("securityDefinitions", "securitySchemes")
_SETTINGS: Final = ("API_SPEC_OPTIONS", "SWAGGER", "SECURITY_SCHEMES")
_WORDS: Final = (*_MEMBERS, "authorizations", "security_scheme", "security_schemes", "SECURITY_SCHEMES")


def written_schemes(facts: SourceFacts) -> tuple[SecurityScheme, ...]:
    """Every scheme of a template for Flasgger, of Flask-RESTX's ``authorizations``, of flask-smorest's options, of apispec and of flask-openapi3."""
    if not facts.says(*_WORDS):
        return ()
    return tuple(scheme for value in _said(facts) for scheme in _read(value))


def _said(facts: SourceFacts) -> Iterator[Value]:
    """The mappings, each of one scheme."""
    for call in facts.calls("*.Api", "*.Swagger", "*.Namespace", "*.APISpec"):
        yield from _each(call.keyword("authorizations"))
        for given in (*call.args, *(value for _, value in call.keywords)):
            yield from _inside(given)
    for call in facts.calls("flask_openapi3.OpenAPI"):
        yield from _each(call.keyword("security_schemes"))
    for call in facts.calls("*.security_scheme"):
        if (scheme := call.argument(1, "component")) is not None:
            yield scheme
    for write in facts.config_writes(*_SETTINGS):
        yield from _each(write.value) if write.key == "SECURITY_SCHEMES" else _inside(write.value)
    for one in facts.assignments():
        if one.attribute == "security_schemes":
            yield from _each(one.value)


def _inside(value: Value) -> Iterator[Value]:
    for part in walk(value, 4):
        if isinstance(part, Mapping):
            for name in _MEMBERS:
                yield from _each(part.get(name))


def _each(value: Value | None) -> Iterator[Value]:
    for one in options(value):
        if isinstance(one, Mapping):
            yield from (scheme for _, scheme in one.items)


def _read(value: Value) -> Iterator[SecurityScheme]:
    kind = text_of(value.get("type")) if isinstance(value, Mapping) else None
    if kind is None or not isinstance(value, Mapping):
        return
    scheme = (text_of(value.get("scheme")) or "").lower()
    said = f"http {scheme}" if kind == "http" else kind
    yield SecurityScheme("", said, text_of(value.get("in")) or "", text_of(value.get("name")) or "")
