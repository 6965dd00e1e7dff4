"""How Python's token libraries call the same things: one table for the rules that look at tokens in source.

PyJWT 2, python-jose, Authlib and joserfc; positions count from 0 with ``self`` left out.
"""

import itertools
import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, cast

from stopper.core.app import App
from stopper.core.facts import SourceFacts
from stopper.core.flow.module_values import bound_to, field_of
from stopper.core.flow.passed_keywords import gathered
from stopper.core.flow.passing import given
from stopper.core.values import (
    NAMED,
    Call,
    Constant,
    Format,
    Item,
    Mapping,
    Member,
    Name,
    Parameter,
    Unknown,
    Value,
    options,
    text_of,
    walk,
)


@dataclass(frozen=True, slots=True)
class Decoding:
    """Where a decoding call takes its key, its allowed algorithms and its options; None where it has no such argument."""

    key: int = 1
    algorithms: int | None = None
    options: int | None = None


@dataclass(frozen=True, slots=True)
class Encoding:
    """Where an encoding call takes its claims and its key."""

    claims: int
    key: int


_PYJWT: Final = Decoding(1, 2, 3)
DECODING: Final[dict[str, Decoding]] = {
    **{f"{owner}.{word}": _PYJWT for owner in ("jwt", "jwt.api_jwt", "jwt.PyJWT", "jwt.api_jwt.PyJWT") for word in ("decode", "decode_complete")},
    "jose.jwt.decode": Decoding(1, 2, 3),
    "jose.jws.verify": Decoding(1, 2, None),
    "joserfc.jwt.decode": Decoding(1, 2, None),
    "authlib.jose.jwt.decode": Decoding(),
    "authlib.jose.JsonWebToken.decode": Decoding(),
}  # fmt: skip
ENCODING: Final[dict[str, Encoding]] = {
    **{f"{owner}.encode": Encoding(0, 1) for owner in ("jwt", "jwt.api_jwt", "jwt.PyJWT", "jwt.api_jwt.PyJWT", "jose.jwt")},
    "jose.jws.sign": Encoding(0, 1),
    "joserfc.jwt.encode": Encoding(1, 2),
    "authlib.jose.jwt.encode": Encoding(1, 2),
    "authlib.jose.JsonWebToken.encode": Encoding(1, 2),
    "jwcrypto.jwt.JWT": Encoding(1, 3),
    "python_jwt.generate_jwt": Encoding(0, 1),
}  # fmt: skip
HEADER_READERS: Final = frozenset(
    {
        "jwt.get_unverified_header",
        "jwt.api_jws.get_unverified_header",
        "jose.jwt.get_unverified_header",
        "jose.jwt.get_unverified_headers",
        "jose.jws.get_unverified_header",
        "jose.jws.get_unverified_headers",
        "joserfc.jws.extract_compact",
        "authlib.jose.util.extract_header",
    }
)
"""Calls that read a token's header without verifying anything."""

OTHER_VERIFIERS: Final = frozenset(
    {
        "flask_jwt_extended.decode_token",
        "flask_jwt_extended.verify_jwt_in_request",
        "google.oauth2.id_token.verify_oauth2_token",
        "google.oauth2.id_token.verify_token",
        "firebase_admin.auth.verify_id_token",
    }
)
"""Calls that verify a token and take no options that could turn it off."""


def decodings(facts: SourceFacts) -> Iterator[tuple[Call, Decoding]]:
    """Every call that decodes a token, tests left out."""
    for callee, shape in DECODING.items():
        for call in facts.calls(callee):
            yield call, shape


def encodings(facts: SourceFacts) -> Iterator[tuple[Call, Encoding]]:
    """Every call that signs a token, tests left out."""
    for callee, shape in ENCODING.items():
        for call in facts.calls(callee):
            yield call, shape


def switched_off(call: Call, shape: Decoding) -> Value | None:
    """The literal that turns the signature check of this call off, or None where it is on or cannot be told."""
    if call.callee == "jose.jws.verify":
        said = call.argument(3, "verify")
        return said if said is not None and _is_off(said) else None
    for option in options(call.argument(shape.options, "options") if shape.options is not None else None):
        if isinstance(option, Mapping) and _is_off(option.get("verify_signature")):
            return option
    return None


def _is_off(value: Value | None) -> bool:
    return isinstance(value, Constant) and (value.value is None or value.value is False or value.value == 0)


def verifies(call: Call) -> bool:
    """That this call checks a token's signature, as far as its literals say."""
    shape = DECODING.get(call.callee)
    if shape is None:
        return call.callee in OTHER_VERIFIERS
    return switched_off(call, shape) is None


def reads_unchecked(call: Call) -> bool:
    """``decode_complete(…)`` with the check switched off, which gives the header too."""
    return call.method == "decode_complete" and call.callee in DECODING and not verifies(call)


LIBRARIES: Final = {
    "jwt": ("PyJWT", "pyjwt"),
    "jose": ("python-jose", "python-jose"),
    "joserfc": ("joserfc", "joserfc"),
    "authlib": ("Authlib", "authlib"),
    "flask_jwt_extended": ("Flask-JWT-Extended", "flask-jwt-extended"),
}
"""First word of a callee → the library's name and its distribution."""

HMAC: Final = frozenset({"HS256", "HS384", "HS512"})
PUBLIC_KEY: Final = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "ES256K", "EdDSA", "Ed25519"}
)
_PYJWT_1: Final = Decoding(1, 3, 4)
"""``decode(jwt, key, verify, algorithms, options)`` of PyJWT before 2.0."""


def library_version(app: App, callee: str) -> tuple[int, ...]:
    """The version of the library whose function is called, as numbers; empty where it is not known."""
    _, distribution = LIBRARIES.get(callee.partition(".")[0], ("", ""))
    return tuple(int(number) for number in re.findall(r"\d+", app.dependencies.get(distribution, ""))[:3])


def library_said(app: App, callee: str) -> str:
    """The library with its version, as a message names it: ``PyJWT 2.15.1``, or ``PyJWT`` where the version is not known."""
    name, distribution = LIBRARIES.get(callee.partition(".")[0], (callee, ""))
    return f"{name} {app.dependencies.get(distribution, '')}".rstrip()


def is_pyjwt(callee: str) -> bool:
    """That the function is one of PyJWT."""
    return callee.partition(".")[0] == "jwt"


def shape_of(app: App, call: Call, shape: Decoding) -> Decoding:
    """Where this call takes its arguments in the version that the application has: PyJWT moved them in 2.0."""
    if not is_pyjwt(call.callee):
        return shape
    version = library_version(app, call.callee)
    third = call.args[2] if len(call.args) > 2 else None
    old = (version and version < (2,)) or (
        not version and isinstance(third, Constant) and isinstance(third.value, bool)
    )
    return _PYJWT_1 if old else shape


def said_options(facts: SourceFacts, call: Call, shape: Decoding) -> tuple[Value, ...]:
    """The options that this call decodes with: its own argument, else those of the ``PyJWT(options=…)`` it is a method of."""
    said = call.argument(shape.options, "options") if shape.options is not None else None
    if said is None and isinstance(call.receiver, Call) and call.receiver.method == "PyJWT":
        said = call.receiver.argument(0, "options")
    known = [option for one in options(said) for value in facts.followed(one) for option in options(value)]
    return tuple(inner for option in known for inner in _returned(facts, option))


def _returned(facts: SourceFacts, option: Value) -> tuple[Value, ...]:
    """What a helper of the project gives as options, or what callers pass by name for ``**checks``, else the value itself."""
    if isinstance(option, Parameter) and option.index == NAMED:
        return tuple(gathered(facts, option)) or (option,)
    function = facts.function(option.callee) if isinstance(option, Call) else None
    given = tuple(one for value in function.returns for one in options(value)) if function is not None else ()
    return given or (option,)


def _held(value: Value) -> Value:
    """What ``list(…)`` and its like are made of, and the text of names that is split."""
    while isinstance(value, Call):
        if value.callee in _CONTAINERS and len(value.args) == 1:
            value = value.args[0]
        elif value.method in _NO_MORE and value.receiver is not None:
            value = value.receiver
        else:
            break
    return value


_NO_MORE: Final = frozenset({"split", "difference", "intersection"})
"""What gives nothing that it is not asked of."""
_CONTAINERS: Final = frozenset({"list", "tuple", "set", "frozenset", "sorted"})


def said_algorithms(call: Call, shape: Decoding) -> Value | None:
    """The algorithms as the call says them, or as Authlib's ``JsonWebToken`` was made with them."""
    said = call.argument(shape.algorithms, "algorithms") if shape.algorithms is not None else None
    if said is None and isinstance(call.receiver, Call) and call.receiver.method == "JsonWebToken":
        said = call.receiver.argument(0, "algorithms")
    return said


def allowed_algorithms(facts: SourceFacts, app: App, call: Call, shape: Decoding) -> tuple[Value, ...]:
    """The algorithms that this call may take, with settings followed; of Authlib those that ``JsonWebToken`` was made with."""
    said = said_algorithms(call, shape_of(app, call, shape))
    held = (inner for one in options(said) for inner in options(_held(one)))
    held = (inner for one in held for inner in options(bound_to(facts, one) or field_of(facts, one) or one))
    held = (inner for one in held for inner in _each_kept(one))
    held = (inner for one in held for inner in _given_back(facts, one))
    found = (option for one in held for value in facts.followed(one) for option in options(value))
    return tuple(inner for value in found for inner in _with_parameters(facts, value))


def _each_kept(value: Value) -> tuple[Value, ...]:
    """``ALLOWED.get(mode, ["HS256"])``: one of several lists, each by itself."""
    if not isinstance(value, Item) or not isinstance(value.owner, Mapping) or value.owner.open:
        return (value,)
    kept = [held for _, held in value.owner.items] + ([value.default] if value.default is not None else [])
    return tuple(option for one in kept for option in options(one)) or (value,)


def _given_back(facts: SourceFacts, value: Value) -> tuple[Value, ...]:
    """``algorithms=allowed()``: what a function of the project gives back."""
    made = facts.function(value.callee) if isinstance(value, Call) else None
    if made is not None and made.yields:
        return (Unknown(made.yields),)  # ``list(allowed())`` of one after the other
    back = made.returns if made is not None else ()
    return tuple(one for each in back for one in options(each)) or (value,)


def _with_parameters(facts: SourceFacts, value: Value) -> tuple[Value, ...]:
    """A parameter as what each call passes for it, and a list with what is passed for the parameters in it, and given back by the functions of
    the project that are called in it: ``["HS256", *extra()]``."""
    if isinstance(value, Parameter):
        return tuple(option for one in given(facts, value) for option in options(one))
    inside = list(walk(value, 3))
    more = [one for part in inside if isinstance(part, Parameter) for one in given(facts, part) if one is not part]
    more += [
        one
        for part in inside
        if isinstance(part, Call) and part is not value
        for one in _given_back(facts, part)
        if one is not part
    ]
    return (Unknown((value, *more)) if more else value,)


def algorithm_names(values: tuple[Value, ...]) -> tuple[str, ...]:
    """The literal names in those algorithms."""
    return tuple(
        word
        for value in values
        for part in walk(value, 4)
        for text in (_put_together(part) if isinstance(part, Format) else (_constant_of(part) or text_of(part),))
        if text
        for word in re.split(r"[,;\s]+", text)
        if word
    )


def _constant_of(part: Value) -> str | None:
    """``jose.constants.ALGORITHMS.HS256``, and ``ALGORITHMS.RSA``, which is a set of names."""
    owner, _, word = part.dotted.rpartition(".") if isinstance(part, Name) else ("", "", "")
    if not owner.endswith("ALGORITHMS"):
        return None
    return word if word in HMAC | PUBLIC_KEY else _OF_JOSE.get(word)


_OF_JOSE: Final = {
    "HMAC": "HS256 HS384 HS512",
    **dict.fromkeys(("RSA", "RSA_DS"), "RS256 RS384 RS512"),
    **dict.fromkeys(("EC", "EC_DS"), "ES256 ES384 ES512"),
}
"""The sets of one kind in python-jose's constants."""


def _put_together(value: Format) -> Iterator[str]:
    """``f"{family}{bits}"`` of names and numbers that loops go through."""
    rows = [[str(one.value) for one in options(part) if isinstance(one, Constant)] for part in value.parts]
    if math.prod(len(row) for row in rows) <= MOST_NAMES:
        yield from map("".join, itertools.product(*rows))


MOST_NAMES: Final = 64
"""Names that are put together; a library knows fewer."""


def is_off(value: Value | None) -> bool:
    """That a literal turns an option off."""
    return value is not None and _is_off(value)


def switched_off_elsewhere(
    facts: SourceFacts, call: Call, option: Mapping, said: Constant, written: Value | None
) -> bool:
    """That the literal which turns the check off does not stand in the function that decodes, or is hidden by ``dict(…)``."""
    made_by_call = any(isinstance(key, Constant) and key.span is None for key, _ in option.items)
    if made_by_call or not isinstance(written, Mapping):
        return True
    around = written_in(facts, call)
    return any(span is not None and facts.function_around(span) != around for span in (option.span, said.span))


def written_in(facts: SourceFacts, call: Call) -> str:
    """The function in which the call is written, which may be a part of the one that it is a step of."""
    return facts.function_around(call.span) if call.span is not None else call.function


def names_in_force(value: object) -> frozenset[str]:
    """The names in a setting of the running application that holds one name or several."""
    if isinstance(value, str):
        return frozenset({value})
    several = cast("Iterable[object]", value) if isinstance(value, (list, tuple, set, frozenset)) else ()
    return frozenset(str(one) for one in several)


_EVERYTHING: Final = frozenset({"get_default_algorithms", "get_algorithms", "get_supported_algorithms"})
_EVERYTHING_NAMES: Final = frozenset({"SUPPORTED", "ALL", "HASHES", "KEYS", "default_algorithms"})


def is_everything(part: Value) -> bool:
    """That the value is the list of all algorithms that a library knows."""
    if isinstance(part, Call):
        return part.method in _EVERYTHING
    if isinstance(part, Name):
        owner, _, last = part.dotted.rpartition(".")
        known = owner.endswith(("ALGORITHMS", "algorithms", "constants")) or owner.partition(".")[0] in (
            "jose",
            "jwt",
            "authlib",
        )
        return last in _EVERYTHING_NAMES and known
    return isinstance(part, Member) and part.attribute in ("_algorithms", "_valid_algs")
