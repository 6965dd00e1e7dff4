"""What a verification asks of the claims, and what the code around it asks by hand."""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from stopper.core.app import App
from stopper.core.facts import SourceFacts
from stopper.core.flow.body_models import classes_by_name
from stopper.core.flow.held_attributes import held_under
from stopper.core.flow.unpacked_calls import unpacked
from stopper.core.guards.asked_in_vain import is_asked_in_vain
from stopper.core.tokens.jwt_keys import reached
from stopper.core.tokens.jwt_names import Decoding, decodings, is_pyjwt, said_options, shape_of, switched_off
from stopper.core.values import (
    Call,
    Choice,
    ConfigValue,
    EnvironmentValue,
    Item,
    Mapping,
    Member,
    Name,
    Parameter,
    Sequence,
    Unknown,
    Value,
    is_constant,
    options,
    parts,
    text_of,
    walk,
)


def verifications(app: App, facts: SourceFacts) -> Iterator[tuple[Call, Decoding]]:
    """Decodes that check the signature, in the shape of the version that is used."""
    for made, usual in decodings(facts):
        call = _written_out(facts, made) if made.open else made
        shape = shape_of(app, call, usual)
        if switched_off(call, shape) is None and not is_constant(call.keyword("verify"), False) and not call.open:
            yield call, shape


def _written_out(facts: SourceFacts, call: Call) -> Call:
    """What ``**`` pours into the call as keywords, where there is one way to read it."""
    ways = unpacked(facts, call)
    return ways[0] if len(ways) == 1 else call


def option(facts: SourceFacts, call: Call, shape: Decoding, name: str) -> tuple[Value, ...]:
    """What an option of this decode may be, with settings followed."""
    found: list[Value] = []
    for said in said_options(facts, call, shape):
        if isinstance(said, Mapping):
            found.extend(_followed(facts, said.get(name)))
    return tuple(found)


def _followed(facts: SourceFacts, value: Value | None) -> Iterator[Value]:
    for one in reached(facts, value) if value is not None else ():
        made_of = one.args[0] if isinstance(one, Call) and one.callee in _CONTAINERS and one.args else None
        yield from reached(facts, made_of) if made_of is not None else (one,)


_CONTAINERS: Final = frozenset({"list", "tuple", "set", "frozenset", "sorted"})


def options_unknown(facts: SourceFacts, call: Call, shape: Decoding) -> bool:
    """That options are given which the source does not show."""
    return any(not isinstance(said, Mapping) or said.open for said in said_options(facts, call, shape))


def required(facts: SourceFacts, call: Call, shape: Decoding) -> frozenset[str]:
    """The claims that this verification demands to be there, by its own options or the library's registry of claims."""
    names = _in_all([_of_options(facts, call, shape, said) for said in said_options(facts, call, shape)])
    names |= _essential(call.keyword("claims_options"))
    names |= _of_class(call.keyword("claims_cls"))
    if call.callee.startswith(("joserfc.", "authlib.")):
        for other in facts.calls("*.JWTClaimsRegistry"):
            for name, value in other.keywords:
                if isinstance(value, Mapping) and (
                    is_constant(value.get("essential"), True) or value.get("value") is not None
                ):
                    names.add(name)
    names |= {
        name for name, words in (("aud", ("audience",)), ("iss", ("issuer",))) if call.keyword(*words) is not None
    }
    return frozenset(names)


def _of_options(facts: SourceFacts, call: Call, shape: Decoding, said: Value) -> set[str]:
    """What one of the mappings demands that the options may be."""
    if not isinstance(said, Mapping):
        return set()
    names = {
        name
        for word in ("require", "required")
        for value in _followed(facts, said.get(word))
        for name in _named(facts, value)
    }
    if is_pyjwt(call.callee) and shape.options == 3:
        return names  # PyJWT 2 takes no ``require_exp``
    return names | {
        key.removeprefix("require_")
        for key, value in _pairs(said)
        if key.startswith("require_") and is_constant(value, True)
    }


def _named(facts: SourceFacts, value: Value, steps: int = 3) -> set[str]:
    """The claims of a list, of lists that are added up, ``["exp"] + (["jti"] if strict else [])``, and of an attribute of an object that holds one."""
    match value:
        case Sequence():
            return {str(item) for item in value.plain()}
        case Unknown(parts=added) if steps:
            return {name for one in added for name in _named(facts, one, steps - 1)}
        case Choice(options=each) if steps and each:
            return _in_all([_named(facts, one, steps - 1) for one in each])
        case Member(owner=owner, attribute=attribute) if steps:
            held = [_named(facts, one, steps - 1) for one, _ in held_under(facts, owner, attribute)]
            return _in_all(held)
        case _:
            return set()


def _in_all(several: list[set[str]]) -> set[str]:
    """What each of them holds; nothing where there is none."""
    first, *others = several or [set[str]()]
    return first.intersection(*others)


def only_there(facts: SourceFacts, call: Call, claim: str) -> bool:
    """That options say only that the claim must be there, ``{"essential": True}``, and not which value it must have."""
    said = [one.get(claim) for one in options(call.keyword("claims_options")) if isinstance(one, Mapping)]
    said += [other.keyword(claim) for other in facts.calls("*.JWTClaimsRegistry")]
    rules = [one for one in said if isinstance(one, Mapping) and not one.open]
    return bool(rules) and not any(
        one.get(word) is not None for one in rules for word in ("value", "values", "validate")
    )


def _of_class(value: Value | None) -> set[str]:
    """What Authlib's classes for ID tokens ask to be there, whatever the options say (OpenID Connect Core 1.0 §2)."""
    classes = [one.dotted for one in options(value) if isinstance(one, Name)]
    of_oidc = bool(classes) and all(re.match(r"authlib\.oidc\.\S*IDToken$", dotted) for dotted in classes)
    return {"iss", "sub", "aud", "exp"} if of_oidc else set()


def _pairs(said: Mapping) -> Iterator[tuple[str, Value]]:
    for key, value in said.items:
        if (name := text_of(key)) is not None:
            yield name, value


def _essential(value: Value | None) -> set[str]:
    found: set[str] = set()
    for one in options(value):
        if isinstance(one, Mapping):
            for name, rules in _pairs(one):
                if isinstance(rules, Mapping) and any(key in ("essential", "value", "values") for key in rules.keys()):  # noqa: SIM118
                    found.add(name)
    return found


def validated(facts: SourceFacts, call: Call) -> bool:
    """That the claims which Authlib or joserfc decoded are handed to the library's own check."""
    validates = [*facts.calls("*.validate"), *facts.calls("*.validate_claims")]
    if any(
        _is_same(part, call) for other in validates for given in (other.receiver, *other.args) for part in walk(given)
    ):
        return True
    around = {call.function} | {one.function for one in facts.calls(call.function)} if call.function else {""}
    return any(
        other.function in around for other in validates if not other.callee.startswith(("wtforms", "marshmallow"))
    )


def _is_same(part: Value, call: Call) -> bool:
    """That it is that call, also where one of the two has been written out."""
    return isinstance(part, Call) and part.span == call.span


def asked_by_hand(facts: SourceFacts, call: Call, claim: str) -> bool:
    """That the claim of the decoded token is compared with something in the function that decodes, in one that calls it, or in one that is
    handed the decoded claims there, and that something hangs on it."""
    around = claims_given_to(facts, call)
    handed = _told(facts, around, lambda _, given: _bears(given, call))
    around |= handed | _told(facts, handed, lambda name, given: isinstance(given, Parameter) and given.function == name)
    for comparison in facts.comparisons():
        if comparison.function in around:
            for side in (comparison.left, comparison.right):
                named = (
                    text_of(side) == claim
                    and comparison.operator in ("in", "not in")
                    and not isinstance(
                        comparison.right, (EnvironmentValue, ConfigValue)
                    )  # a list of what is switched on
                )
                own = {id(one) for part in walk(side, 6) if _is_same(part, call) for one in walk(part, 6)}
                named = named or any(
                    isinstance(part, Item)
                    and id(part) not in own  # what the verification is told to expect
                    and any(text_of(key) == claim for key in options(part.key))
                    for part in walk(side, 6)
                )
                if named and not is_asked_in_vain(facts, comparison):
                    return True
    return False


def _told(facts: SourceFacts, names: Iterable[str], bears: Callable[[str, Value], bool]) -> set[str]:
    """The functions of the project that these call and hand what bears the claims."""
    calls = ((name, one) for name in names if name for one in facts.calls_in(name) if facts.function(one.callee))
    return {one.callee for name, one in calls if any(bears(name, given) for given in one.args)}


def claims_given_to(facts: SourceFacts, call: Call, steps: int = 3) -> set[str]:
    """The function that decodes, those that call it, and where these only give the claims on, those that call them."""
    found, edge = {call.function}, [call.function] if call.function else []
    for _ in range(steps):
        beyond: list[str] = []
        for name in edge:
            using = {one.function for one in facts.calls(name)} - found
            found |= using
            beyond += [one for one in using if one and _gives_back(facts, one, name, call)]
        edge = beyond
    return found


def _gives_back(facts: SourceFacts, function: str, reader: str, decode: Call) -> bool:
    return any(
        isinstance(part, Call) and (part.callee == reader or part.span == decode.span)
        for one in facts.returns_of(function)
        for part in walk(one.value, 3)
    )


def _bears(given: Value, decode: Call) -> bool:
    """That the decoded claims are in what is handed over."""
    return any(
        isinstance(part, Call) and (part.span == decode.span or (part.callee == decode.function and part.callee != ""))
        for part in walk(given, 4)
    )


def held_against(facts: SourceFacts, call: Call) -> frozenset[str]:
    """The claims of a literal set that the function which decodes, or one that calls it, holds against the decoded ones: the difference
    of the two, a subset, ``all(name in claims for name in REQUIRED)``."""
    around = claims_given_to(facts, call)
    names = _asked_by_model(facts, call, around)
    for function in around:
        asked: list[Value] = [one.value for one in facts.conditions_in(function)]
        asked += [Unknown((one.left, one.right)) for one in facts.comparisons_in(function)]
        asked += [
            one for one in facts.calls_in(function) if one.method in ("issubset", "issuperset", "difference", "all")
        ]
        for value in asked:
            inside = list(walk(value, 6))
            if any(
                isinstance(part, Call) and (part.span == call.span or part.callee == call.function) for part in inside
            ):
                names |= _names_in(inside)
        left_out = [one.value for one in facts.conditions_in(function) if one.refuses and not one.negated]
        names |= {name for value in left_out if _is_picked(value) for name in _names_in(walk(value, 3))}
    return frozenset(names)


def _is_picked(value: Value) -> bool:
    """``[name for name in ("exp", "sub") if not claims.get(name)]``, which is asked whether it is empty."""
    return isinstance(value, Sequence) and value.open and len(value.items) == 1 and isinstance(value.items[0], Choice)


def _names_in(inside: Iterable[Value]) -> set[str]:
    return {
        str(text)
        for part in inside
        if isinstance(part, (Sequence, Choice)) and not (isinstance(part, Sequence) and part.open)
        for item in parts(part)
        if (text := text_of(item)) is not None
    }


def _asked_by_model(facts: SourceFacts, call: Call, around: set[str]) -> set[str]:
    """``Claims.model_validate(claims)`` or ``Claims(**claims)``: the fields that a class of the project must be given."""
    names: set[str] = set()
    for other in (one for function in around if function for one in facts.calls_in(function)):
        owner = other.callee if other.callee in classes_by_name(facts) else other.callee.rpartition(".")[0]
        known = classes_by_name(facts).get(owner)
        given = (*other.args, *(value for name, value in other.keywords if name == "**"))
        if known is None or not any(
            _is_same(one, call) or (isinstance(one, Call) and one.callee == call.function) for one in given
        ):
            continue
        if other.callee == owner or other.method in ("model_validate", "parse_obj", "validate_python", "load"):
            names |= {name for name in known.fields if name not in known.attributes}
            names |= {
                name
                for name, field in known.attributes.items()
                if isinstance(field, Call) and is_constant(field.keyword("required"), True)
            }
    return names


def read_strictly(facts: SourceFacts, call: Call, claim: str) -> bool:
    """That the code reads ``claims["sub"]`` itself, so that a token without it is an error anyway."""
    known = facts.once("what functions read strictly", dict[str, "frozenset[str | None]"])
    if call.function not in known:
        known[call.function] = frozenset(_strict_keys(facts, call.function))
    return claim in known[call.function]


def _strict_keys(facts: SourceFacts, function: str) -> Iterator[str | None]:
    held = [one for call in facts.calls_in(function) for one in (*call.args, *[said for _, said in call.keywords])]
    for value in (*held, *(found.value for found in facts.returns_of(function))):
        inside = (part for part in walk(value, 6) if isinstance(part, Item) and part.default is None)
        yield from (text_of(part.key) for part in inside)
