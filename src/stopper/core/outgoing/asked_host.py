"""Which part of the address of an outbound call decides about the host."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Final, TypeGuard

from stopper.core.flow.passing import given
from stopper.core.values import (
    Call,
    Choice,
    ConfigValue,
    Constant,
    EnvironmentValue,
    Format,
    Mapping,
    Parameter,
    Unknown,
    Value,
    is_constant,
    options,
    text_of,
)

if TYPE_CHECKING:
    from stopper.core.facts import SourceFacts

HOSTED: Final = re.compile(r"^[a-z][a-z0-9+.-]*://[^/?#{%]+[/?#]", re.IGNORECASE)
"""The beginning of a text that has already fixed the host."""
_OF_CLIENT: Final = re.compile(r"/(?![/\\])")
"""The beginning of a path, which a client puts behind the address that it was made with; any other refuses it."""
_BELOW: Final = re.compile(r"^(?:/[^/\\]|[?#]|[^/\\:?#{%]+[/?#])")
"""The beginning of a reference that stays below the first part of ``urljoin``: neither a scheme nor a host can follow (RFC 3986 §4.2)."""


def beginning_of_setting(facts: "SourceFacts", value: Value) -> str | None:
    """``https://files.example.com/``: a setting that is written as a whole address with the slash behind its host, so that what is put behind it
    names no host; what the environment says instead is of the same form."""
    if not isinstance(value, ConfigValue):
        return None
    held = [one.value for one in facts.config_writes(value.key) if one.loaded is not False]
    said = [one.default if isinstance(one, EnvironmentValue) else one for one in held]
    texts = [text_of(one.parts[0] if isinstance(one, Format) else one) if one is not None else None for one in said]
    whole = [text for text in texts if text is not None and "://" in text and text.endswith("/")]
    return whole[0] if whole and len(whole) == len(texts) else None


def spelled(facts: "SourceFacts", value: Value, steps: int = 5) -> Iterator[Value]:
    """The URL as each branch writes it, with what stands before the host's end written out: what functions of the project give back that only
    write addresses, texts that are put behind others, and what is changed of a URL that was taken apart, other than its host."""
    match value:
        case _ if not steps:
            yield value
        case Choice():
            for one in options(value):
                if not is_constant(one, None):
                    yield from spelled(facts, one, steps - 1)
        case Unknown(parts=(Choice() | Format() | Call() as first, *_)):
            yield from spelled(facts, first, steps - 1)
        case Format(parts=(Choice() | Format() | Call() as first, *rest)):
            for one in spelled(facts, first, steps - 1):
                opening = one.parts if isinstance(one, Format) else (one,)
                yield value if one is first else replace(value, parts=(*opening, *rest))
        case Call(method="replace", args=(Constant(value=str(gone)), *_), receiver=held) if held and "{" in gone:
            yield from _of_template(facts, held, gone, value, steps - 1)
        case (
            Call(callee="urllib.parse.urlunparse" | "urllib.parse.urlunsplit", args=(inner,))
            | Call(callee="urllib.parse.urlparse" | "urllib.parse.urlsplit", args=(inner, *_))
            | Call(method="geturl" | "_replace", receiver=inner)
        ) if inner is not None and not any(name in ("scheme", "netloc") for name, _ in value.keywords):
            yield from spelled(facts, inner, steps - 1)
        case Call() if written := _written(facts, value):
            for one in written:
                yield from spelled(facts, one, steps - 1)
        case _:
            yield value


def _of_template(facts: "SourceFacts", held: Value, gone: str, whole: Value, steps: int) -> Iterator[Value]:
    """``address.replace("{number}", number)``: where the placeholder stands behind the host."""
    for one in spelled(facts, held, steps):
        parts = one.parts if isinstance(one, Format) else (one,)
        place = next((at for at, part in enumerate(parts) if gone in (text_of(part) or "")), None)
        yield one if place != 0 or HOSTED.match((text_of(parts[0]) or "").partition(gone)[0]) else whole


def host_parts(facts: "SourceFacts", value: Value, steps: int = 2) -> Iterator[Value]:
    """The part of the URL that decides about the host, at each call of the function that is given the URL."""
    several = list(spelled(facts, value))
    if steps and several != [value]:
        for one in several:
            yield from host_parts(facts, one, steps - 1)
    elif steps and is_passed(value, facts):
        for one in dict.fromkeys(given(facts, value)):
            yield from host_parts(facts, one, steps - 1) if one != value else (value,)
    elif isinstance(value, Unknown) and value.parts:
        yield from host_parts(facts, value.parts[0], steps)  # beside it stand the parameters of the query
    elif isinstance(value, Call) and steps and _is_join(value) and is_passed(added := value.args[1], facts):
        for one in dict.fromkeys(given(facts, added)):
            yield from host_parts(facts, replace(value, args=(value.args[0], one)), 0 if one == added else steps - 1)
    elif (steering := host_part(value)) is not None:
        yield steering


def _written(facts: "SourceFacts", value: Value) -> tuple[Value, ...]:
    """What a function of the project gives back that only writes addresses: ``return f"{self.base}/{resource}?{urlencode(query)}"``."""
    made = facts.function(value.callee) if isinstance(value, Call) and value.receiver is None else None
    if made is None or not isinstance(value, Call):
        return ()
    given_back = [one for said in made.returns for one in options(said) if not is_constant(one, None)]
    handed = [
        value.argument(one.index, one.parameter) or one
        if isinstance(one, Parameter) and one.function == made.name
        else one
        for one in given_back
    ]  # ``localized(url, language)``, which gives the address back as it is or with a query
    written = any(isinstance(one, (Format, Constant)) for one in given_back)
    plain = all(isinstance(one, (Format, Constant, Parameter, ConfigValue, EnvironmentValue)) for one in given_back)
    return tuple(handed) if written and plain else ()


def openings(facts: "SourceFacts", value: Value, steps: int = 2) -> Iterator[Value]:
    """What a part of a URL begins with, at each call of the function that is given it."""
    if steps and is_passed(value, facts):
        for one in dict.fromkeys(given(facts, value)):
            yield from openings(facts, one, steps - 1) if one != value else (value,)
    elif isinstance(value, Choice):
        for one in options(value):
            yield from openings(facts, one, steps)
    elif isinstance(value, Format) and value.parts:
        yield from openings(facts, value.parts[0], steps)
    else:
        yield value


def is_passed(value: Value, facts: "SourceFacts") -> TypeGuard[Parameter]:
    """That it is what the callers of a function pass, and not the part of a path that a view is given."""
    return isinstance(value, Parameter) and not facts.is_view(value.function)


def host_part(value: Value) -> Value | None:
    """The part of the URL that decides about the host; None where a literal has already fixed it."""
    if isinstance(value, Unknown) and value.parts:
        return host_part(value.parts[0])
    if isinstance(value, Mapping):
        return None
    if isinstance(value, Format):
        first = text_of(value.parts[0]) if value.parts else None
        if first is not None and (HOSTED.match(first) or _OF_CLIENT.match(first)):
            return None
        if value.parts and first is None:
            return value.parts[0] if not _is_scheme(value) else value
        return value.parts[1] if first is not None and len(value.parts) > 1 else value
    if isinstance(value, Call) and _is_join(value) and _stays_below(value.args[1]):
        return host_part(value.args[0])  # else an absolute second part takes the place of the first
    return value


def _is_join(value: Call) -> bool:
    return value.callee == "urllib.parse.urljoin" and len(value.args) == 2


def _stays_below(added: Value) -> bool:
    opening = added.parts[0] if isinstance(added, Format) and added.parts else added
    said = text_of(opening)
    return said is not None and (_BELOW.match(said) is not None or (opening is added and "//" not in said))


def _is_scheme(value: Format) -> bool:
    return len(value.parts) > 1 and (text_of(value.parts[1]) or "").startswith("://")
