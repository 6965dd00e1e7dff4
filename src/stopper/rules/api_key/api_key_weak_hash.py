"""Whoever has the hashes finds the keys, or a second text with the same hash."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.app import App
from stopper.core.facts import SourceFacts, source_of
from stopper.core.flow.passing import given
from stopper.core.keys.api_key_names import is_key_name, is_shown_key, makes_keys
from stopper.core.keys.hashed_by_database import hashed_by_database
from stopper.core.naming import sensitive
from stopper.core.rule import Certainty, Edit, Hit, Rule
from stopper.core.values import (
    Call,
    ConfigValue,
    Constant,
    EnvironmentValue,
    Item,
    Mapping,
    Member,
    Name,
    Parameter,
    Sequence,
    Unknown,
    Value,
    text_of,
    walk,
)

BROKEN: Final = re.compile(r"(?i)(?:hashlib\.)?(?:md4|md5|sha1|sha-1)")
FAST: Final = (
    "hashlib.sha256",
    "hashlib.sha512",
    "hashlib.sha384",
    "hashlib.sha224",
    "hashlib.blake2b",
    "hashlib.sha3_256",
)
_CALLS: Final = ("hashlib.md5", "hashlib.sha1", "hashlib.new", "hmac.new", "hmac.digest", "getattr.__call__", "cryptography.hazmat.primitives.hashes.Hash", "passlib.context.CryptContext.hash", "zlib.crc32", "zlib.adler32", "binascii.crc32", "Crypto.Hash.MD5.new", "Crypto.Hash.SHA1.new", "Crypto.Hash.SHA.new",
                 "passlib.hash.hex_md5.hash", "passlib.hash.hex_sha1.hash")  # fmt: skip
_SUMS: Final = frozenset({"zlib.crc32", "zlib.adler32", "binascii.crc32"})
_BROKEN_SCHEME: Final = re.compile(r"(?i)hex_md[45]|hex_sha1|ldap_(?:salted_)?(?:md5|sha1)|plaintext")
_KEY_FUNCTION: Final = re.compile(r"(?i)api_?key|hash_?key|key_?hash|(?:verify|check|store|digest)_?key|ApiKey")
_CHOOSES: Final = re.compile(r"(?i)create|register|set_|add(?:_|$)|save|store|choose|update|new|change")


def detect(app: App) -> Iterator[Hit]:
    """MD5 or SHA-1 over a key; SHA-2 without a secret over a key that a person chose."""
    facts = source_of(app)
    at_keys = makes_keys(facts)
    for call in facts.calls(*_CALLS):
        name = _algorithm(facts, call)
        certainty = _about_key(facts, call) if name else None
        makes = not at_keys.isdisjoint((call.function, call.function.rpartition(".")[0]))
        sure = certainty == "certain" or (certainty is not None and makes)
        if name and (certainty is not None or makes):
            yield Hit(
                f"an API key is hashed with {name}",
                call.span,
                certainty=certainty if sure else "possible",
                severity=None if sure else "low",
            )
    for call, name in hashed_by_database(facts):
        yield Hit(f"an API key is hashed with {name}, by the database", call.span, certainty="likely")
    for call in facts.calls(*FAST):
        if any(_is_chosen(facts, call, value) for value in call.args[:1]):
            yield Hit("a key that a person chose is hashed with a fast hash", call.span, certainty="likely")


def _algorithm(facts: SourceFacts, call: Call) -> str | None:
    """The broken algorithm of the call, None when it is another one."""
    if call.callee in _SUMS:
        return None if any(map(_is_cut, call.args[:1])) else "a checksum"
    if call.callee == "getattr.__call__" or call.method in ("Hash", "hash"):
        return _chosen_elsewhere(facts, call)
    if call.callee in ("hashlib.md5", "hashlib.sha1"):
        return call.method.upper()
    if call.callee.startswith(("Crypto.", "passlib.")):
        return "MD5" if "md5" in call.callee.lower() else "SHA1"
    chosen = call.argument(0 if call.callee == "hashlib.new" else 2, "name", "digestmod", "digest")
    for one in facts.followed(chosen):
        said = one.dotted if isinstance(one, Name) else text_of(one) or ""
        # HMAC over SHA-1 is not broken as plain SHA-1 is; HMAC over MD5 is still refused by NIST SP 800-131A.
        if BROKEN.fullmatch(said) and not (call.callee.startswith("hmac.") and "sha" in said.lower()):
            return said.rpartition(".")[2].upper()
    return None


def _chosen_elsewhere(facts: SourceFacts, call: Call) -> str | None:
    """``getattr(hashlib, name)(…)``, ``hashes.Hash(hashes.SHA1())`` and a context of passlib: the algorithm is an object or a name."""
    if call.callee.startswith("passlib.hash."):
        return "MD5" if "md5" in call.callee.lower() else "SHA1"
    if call.method == "Hash":
        made = call.argument(0, "algorithm")
        return made.method if isinstance(made, Call) and BROKEN.fullmatch(made.method) else None
    made = call.receiver
    if not isinstance(made, Call):
        return None
    if call.method == "hash":
        schemes = made.argument(0, "schemes")
        first = schemes.items[0] if isinstance(schemes, Sequence) and schemes.items else schemes
        return text_of(first) if first is not None and _BROKEN_SCHEME.fullmatch(text_of(first) or "") else None
    of_hashlib = made.callee == "getattr" and isinstance(made.args[0], Name) and made.args[0].dotted == "hashlib"
    names = [text_of(one) or "" for one in facts.followed(made.args[1])] if of_hashlib and len(made.args) > 1 else []
    return next((name.upper() for name in names if BROKEN.fullmatch(name)), None)


def _is_cut(value: Value) -> bool:
    """That it is a part of a text: what stands before the checksum of a key, which shows typing errors."""
    return any(
        isinstance(part, Item)
        and isinstance(part.owner, Call)
        and part.owner.method in ("partition", "rpartition", "split", "rsplit")
        for part in walk(value, 4)
    ) or any(isinstance(part, Item) and isinstance(part.key, Unknown) for part in walk(value, 4))


def _is_answered_as_key(facts: SourceFacts, call: Call, value: Value) -> bool:
    """That a random text is what the same function answers under the name of a key."""
    made = [part for part in walk(value, 4) if isinstance(part, Call) and part.callee.startswith("secrets.token_")]
    answers: list[tuple[str, Value]] = []
    for one in facts.calls_in(call.function) if made else ():
        answers += one.keywords if one.callee == "flask.jsonify" else ()
    for returned in facts.returns_of(call.function) if made else ():
        for part in walk(returned.value, 3):
            answers += [(text_of(key) or "", held) for key, held in part.items] if isinstance(part, Mapping) else []
    return any(
        is_key_name(name) and any(part is one for one in made for part in walk(held, 3)) for name, held in answers
    )


def _about_key(facts: SourceFacts, call: Call) -> Certainty | None:
    values = call.args[1:] if call.callee in ("hashlib.new", "hmac.new", "hmac.digest") else call.args[:1]
    if not values or call.method == "Hash":
        values = _fed(facts, call)
    data = call.keyword("data", "string", "msg")
    for value in (*values, *((data,) if data is not None else ())):
        if any(is_shown_key(facts, one) for one in walk(value, 4)):
            return "certain"
        if any(_is_called_key(one) for one in walk(value, 4)):
            return "likely"
        if _is_answered_as_key(facts, call, value):
            return "certain"
        if any(_is_handed_new_keys(facts, one) for one in walk(value, 4)):
            return "likely"
        if not _assigned_as_keys(facts).isdisjoint(id(one) for one in walk(value, 4)):
            return "certain"
        setter = re.fullmatch(r"_?(?:api_?)?key'", call.function.rpartition(".")[2]) is not None
        if setter and any(isinstance(one, Parameter) for one in walk(value, 3)):
            return "likely"
        if _KEY_FUNCTION.search(call.function.rpartition(".")[2]) or _is_of_key_class(facts, call, value):
            return "likely"
    if not values and _KEY_FUNCTION.search(call.function.rpartition(".")[2]):
        return "likely"
    return None


_OF_KEYS: Final = re.compile(r"(?i)(?:api|access|client|service)_?keys?(?:model|doc|s)?$|^keys?$")
_THE_KEY: Final = re.compile(r"(?i)^(?:raw|plain|full)?_?(?:key|secret|value|raw|plain(?:text)?)$")


def _is_of_key_class(facts: SourceFacts, call: Call, value: Value) -> bool:
    """``class ApiKey: def digest_of(key): return sha1(key…)``: a method of what keys are, with the key that it is given."""
    home = facts.function(call.function)
    if home is None or _OF_KEYS.search(home.owner.rpartition(".")[2]) is None:
        return False
    return any(isinstance(one, Parameter) and _THE_KEY.match(one.parameter) for one in walk(value, 3))


def _fed(facts: SourceFacts, call: Call) -> tuple[Value, ...]:
    """What the hash is given afterwards: ``h = hashlib.new("sha1")`` and then ``h.update(key)``."""
    return tuple(
        fed
        for one in facts.calls_in(call.function)
        if one.method == "update" and one.receiver is not None and one.receiver.span == call.span
        for fed in one.args[:1]
    )


def _is_handed_new_keys(facts: SourceFacts, value: Value) -> bool:
    """That it is the ``key`` of a function which is given one that was just made at random, and somewhere else one that a caller shows."""
    if not isinstance(value, Parameter) or value.parameter.lower() not in ("key", "raw"):
        return False
    handed = given(facts, value)
    made = any(
        isinstance(part, Call) and part.callee.startswith("secrets.token_") for one in handed for part in walk(one, 4)
    )
    return made and any(facts.derives(one, "request-header", by_name=False) for one in handed)


def _assigned_as_keys(facts: SourceFacts) -> frozenset[int]:
    """The identities of values that are given to something called a key."""
    return facts.once(
        "assigned as keys",
        lambda: frozenset(id(one.value) for one in facts.assignments() if is_key_name(one.attribute)),
    )


def _is_called_key(value: Value) -> bool:
    match value:
        case (
            Parameter(parameter=name) | Member(attribute=name) | EnvironmentValue(variable=name) | ConfigValue(key=name)
        ):
            pass
        case Item(key=Constant(value=str(name))):
            pass
        case _:
            name = value.name
    return (
        is_key_name(name)
        or is_key_name(value.name)
        or sensitive(name) == "api-key"
        or name.lower() in ("raw_key", "plain_key")
    )


def _is_chosen(facts: SourceFacts, call: Call, value: Value) -> bool:
    """That the key comes from a body in a function that makes or changes one, or at a route of keys."""
    answered = (part for one in facts.returns_of(call.function) for part in walk(one.value, 6))
    at_keys = call.function in makes_keys(facts) and not any(part is call for part in answered)
    if not at_keys and not _CHOOSES.search(call.function.rpartition(".")[2]):
        return False
    for one in walk(value, 4):
        if _is_called_key(one) or (at_keys and isinstance(one, Item) and text_of(one.key) in ("key", "secret")):
            labels = facts.labels(one)
            if any(label.kind == "request-data" for label in labels) and not any(
                label.kind in ("request-header", "query-string") for label in labels
            ):
                return True
    return False


def fix(app: App, hit: Hit) -> Edit | None:
    """SHA-256 in place of MD5 or SHA-1; the hashes that are stored must be made anew, so the keys too."""
    for call in source_of(app).calls(*_CALLS):
        if call.span is None or call.span != hit.span:
            continue
        if call.callee in ("hashlib.md5", "hashlib.sha1"):
            return Edit(call.span, "hashlib.sha256", safe=False, imports=("hashlib",), how="function")
        chosen = call.argument(0 if call.callee == "hashlib.new" else 2, "name", "digestmod", "digest")
        if isinstance(chosen, Constant) and chosen.span is not None and call.span.holds(chosen.span):
            return Edit(chosen.span, '"sha256"', safe=False)
    return None


RULE = Rule(
    slug="api-key-weak-hash",
    family="api-key",
    title="API key hashed with a weak hash",
    harm=__doc__ or "",
    severity="medium",
    check="authentication",
    cwe=(916,),
    owasp="API2:2023",
    asvs=("V11.4.1",),
    surfaces=("source",),
    ends="Stopper's `@api_key` keeps an HMAC-SHA-256 of a random key under `STOPPER_API_KEY_PEPPER`.",
    certainty="certain",
    detect=detect,
    fix=fix,
)
