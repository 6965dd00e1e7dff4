"""The keys that tokens are signed and verified with, as source and settings show them, and what is wrong with one by its bytes."""

import base64
import binascii
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final, cast

from stopper.core.app import App
from stopper.core.facts import SourceFacts
from stopper.core.flow.body_models import classes_by_name
from stopper.core.flow.enumerations import members_of
from stopper.core.flow.kept_by_application import kept_by_application
from stopper.core.flow.module_values import bound_to
from stopper.core.flow.parts_returned import parts_returned
from stopper.core.flow.passing import callers, handed, passed
from stopper.core.secret import Secret
from stopper.core.tokens.jwt_names import (
    HMAC,
    algorithm_names,
    allowed_algorithms,
    decodings,
    encodings,
    said_algorithms,
    switched_off,
)
from stopper.core.values import (
    Call,
    Choice,
    ConfigValue,
    Constant,
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

BYTES_NEEDED: Final = {"HS256": 32, "HS384": 48, "HS512": 64}
"""A key must be as long as the hash output (RFC 7518 §3.2)."""
BITS_LEAST: Final = 96
"""Shannon bits of the whole text; a random key of 32 hex digits has about 120."""
PUBLIC: Final = re.compile(
    rb"\s*(-----BEGIN (?:[A-Z0-9]+ )?PUBLIC KEY|-----BEGIN CERTIFICATE|ssh-(?:rsa|ed25519|dss) |ecdsa-sha2-)"
)
PRIVATE: Final = re.compile(rb"\s*-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY")
_WORDS: Final = re.compile(
    r"(?i)super|secret|jwt|token|key|change|this|please|pass(?:word|phrase)?|example|default|dev(?:elopment)?|test(?:ing)?|your|my|"
    r"very|long|insecure|placeholder|qwerty|admin|flask|app|production|prod|for|only|not|in|the|here|to|something|random|string|value"
)


def key_uses(app: App, facts: SourceFacts) -> Iterator[tuple[Call, Value, tuple[str, ...]]]:
    """Each call that signs or verifies with a key, with the key and the literal names of its algorithms."""
    for call, shape in encodings(facts):
        if (key := call.argument(shape.key, "key")) is not None:
            said = call.argument(2, "algorithm") if shape.claims == 0 else call.argument(0, "header")
            yield (
                call,
                key,
                tuple(name for name in algorithm_names((said,) if said is not None else ()) if name != "alg"),
            )
    for call, decoding in decodings(facts):
        key = call.argument(decoding.key, "key")
        if key is None or switched_off(call, decoding) is not None:
            continue
        together = list(_chosen_together(key, said_algorithms(call, decoding)))
        for one, algorithms in together:
            yield call, one, algorithms
        if not together:
            yield call, key, algorithm_names(allowed_algorithms(facts, app, call, decoding))


def _chosen_together(key: Value, algorithms: Value | None) -> Iterator[tuple[Value, tuple[str, ...]]]:
    """``key, algorithms = (A, ["HS256"]) if … else (B, ["RS256"])``: each key with the algorithms that stand beside it; ``KEYS[name]`` of a
    table, where the name is the algorithm too."""
    if (
        isinstance(key, Item)
        and isinstance(key.owner, Mapping)
        and any(part is key.key for part in walk(algorithms, 3))
    ):
        yield from ((held, (name,)) for said, held in key.owner.items if (name := text_of(said)) is not None)
        return
    if isinstance(algorithms, Sequence) and len(algorithms.items) == 1 and not algorithms.open:
        algorithms = algorithms.items[0]
    if not (isinstance(key, Item) and isinstance(algorithms, Item) and key.owner == algorithms.owner):
        return
    places = (key.key, algorithms.key)
    if not isinstance(key.owner, Choice) or not all(isinstance(one, Constant) for one in places):
        return
    first, second = (cast("int", cast("Constant", one).value) for one in places)
    rows = [one.items for one in key.owner.options if isinstance(one, Sequence) and not one.open]
    if len(rows) == len(key.owner.options) and all(len(row) > max(first, second) for row in rows):
        for row in rows:
            yield row[first], algorithm_names((row[second],))


def is_hmac(algorithms: tuple[str, ...]) -> bool:
    """That a key of these algorithms is an HMAC secret; no names at all mean the libraries' default, HS256."""
    return not algorithms or bool(HMAC & set(algorithms))


def reached(facts: SourceFacts, value: Value | None, depth: int = 3) -> Iterator[Value]:
    """What a value may be once choices are opened, settings followed, parameters replaced by what callers pass and by their default,
    a table's look-up by what it holds, and a field of a data class by what it begins with."""
    for option in options(value):
        inside = _inside(facts, option) if depth > 0 else ()
        if not inside or (isinstance(option, Parameter) and not any(True for _ in callers(facts, option.function))):
            yield option
        for one in inside:
            yield from reached(facts, one, depth - 1)


def _inside(facts: SourceFacts, value: Value) -> Iterable[Value]:
    match value:
        case ConfigValue(key=key):
            return facts.config_values(key)
        case Name() | Member(owner=ConfigValue()):
            bound = bound_to(facts, value)
            return tuple(kept_by_application(facts, value)) if bound is None else (bound,)
        case Parameter(default=default):
            given = handed(facts, value)
            return [*given] if default is None else [*given, default]
        case Item(owner=Mapping(items=items, open=False)):
            return [held for _, held in items]
        case Item(owner=Name()) | Member(owner=Item(owner=Name())) if listed := members_of(facts, value):
            return [held for _, held in listed.items]
        case Item(owner=Call()) if placed := parts_returned(facts, value):
            return placed
        case Call(method="strip" | "rstrip" | "read_text" | "read_bytes") if kept := _kept_in_file(facts, value):
            return kept
        case Call(method="asdict" | "vars" | "model_dump" | "_asdict" | "dict") if fields := _fields(facts, value):
            return (fields,)
        case Call(callee=callee) if made := returned_by(facts, callee):
            return [inner for one in made for option in options(one) for inner in _as_called(facts, option, value)]
        case Call(method="field" | "Field" | "ib" | "attrib"):
            maker = value.keyword("default_factory", "factory")
            inside = () if maker is None else parts(maker)
            return [one for one in (value.keyword("default"), *inside) if one is not None]
        case _:
            return ()


def _kept_in_file(facts: SourceFacts, value: Call) -> list[Value]:
    """What the project writes into the file that is read there: a key that is made when there is none."""
    read = value.receiver if value.method in ("strip", "rstrip") else value
    if not isinstance(read, Call) or read.method not in ("read_text", "read_bytes") or read.receiver is None:
        return []
    written = facts.calls("*.write_text", "*.write_bytes")
    return [call.args[0] for call in written if call.args and call.receiver == read.receiver]


def _as_called(facts: SourceFacts, value: Value, call: Call) -> tuple[Value, ...]:
    """A parameter that a function gives back is what this call passes for it, not what others pass."""
    if not isinstance(value, Parameter) or value.function != call.callee or call.open:
        return (value,)
    return tuple(passed(facts, value, call)) or (() if value.default is None else (value.default,))


def _fields(facts: SourceFacts, call: Call) -> Mapping | None:
    """``asdict(claims)``: the fields of a data class of the project as a mapping; open where they are given out of sight."""
    held = call.args[0] if call.args else call.receiver
    if call.keyword("include", "exclude") is not None:
        return None
    if isinstance(held, Call) and held.method in ("model_validate", "parse_obj", "from_orm", "model_construct"):
        known = classes_by_name(facts).get(held.callee.rpartition(".")[0])
        fields = [(Constant(name), Unknown()) for name in known.fields] if known is not None else []
        return Mapping(tuple(fields), False, call.span) if fields else None
    name = held.callee if isinstance(held, Call) else held.dotted if isinstance(held, Name) else ""
    if isinstance(held, Parameter):  # ``asdict(teacher)`` of ``teacher: Teacher``
        return _all_fields(facts, held.typed, call)
    found = classes_by_name(facts).get(name)
    if found is None and isinstance(held, Call):  # ``asdict(owners.by_email(email))``, which gives back rows as objects
        return next((_all_fields(facts, one.callee, call) for one in _made_by(facts, held)), None)
    if found is None or not (found.decorators or found.bases):
        return None
    made = [held] if isinstance(held, Call) else list(facts.calls(name))
    known_fields = tuple(found.fields)
    given = [pair for one in made for pair in (*zip(known_fields, one.args, strict=False), *one.keywords)]
    is_open = not made or any(one.open or len(one.args) > len(known_fields) for one in made)
    items = {**found.attributes, **dict(given)}
    if is_constant(call.keyword("exclude_none"), True):
        items = {key: value for key, value in items.items() if not is_constant(value, None)}
    return Mapping(tuple((Constant(key), value) for key, value in items.items()), is_open, call.span)


def _made_by(facts: SourceFacts, held: Call) -> Iterator[Call]:
    """The objects of the project's own classes that a function of it gives back."""
    known = classes_by_name(facts)
    for back in returned_by(facts, held.callee):
        yield from (one for one in options(back) if isinstance(one, Call) and one.callee in known)


def _all_fields(facts: SourceFacts, name: str, call: Call) -> Mapping | None:
    known = classes_by_name(facts).get(name)
    return Mapping(tuple((Constant(one), Unknown()) for one in known.fields), False, call.span) if known else None


def returned_by(facts: SourceFacts, callee: str) -> tuple[Value, ...]:
    """What a function of the project returns. Methods of objects of unknown class have their name from the reader, where one can be told."""
    function = facts.function(callee)
    return function.returns if function is not None else ()


def key_settings(app: App, facts: SourceFacts) -> dict[str, tuple[str, ...]]:
    """The settings that hold an HMAC secret of tokens, with the algorithms they are used under."""
    found: dict[str, tuple[str, ...]] = {}
    fact = app.config.get("JWT_ALGORITHM")
    said = (
        [fact.value]
        if fact is not None
        else [getattr(one, "value", None) for one in facts.config_values("JWT_ALGORITHM")]
    )
    names = tuple(one for one in said if isinstance(one, str))
    if is_hmac(names):
        found["JWT_SECRET_KEY"] = names
    for _, key, algorithms in key_uses(app, facts):
        for option in options(key):
            held = _imported(option)
            if isinstance(held, ConfigValue) and is_hmac(algorithms):
                found[held.key] = algorithms
    return found


def _imported(value: Value) -> Value:
    """What an object of a key is made of: ``OctKey.import_key(current_app.config["TOKEN_KEY"])``."""
    if isinstance(value, Call) and value.method in ("import_key", "OctKey") and value.args:
        return value.args[0]
    return value


def key_bytes(value: object) -> bytes | None:
    """The bytes of a key as a setting or literal holds it; None for anything that is no text."""
    if isinstance(value, Constant):
        value = value.value
    if isinstance(value, Secret):
        return value.reveal_bytes()
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass")
    return value if isinstance(value, bytes) else None


def weakness(key: bytes, algorithms: tuple[str, ...]) -> str | None:
    """What makes these bytes too weak an HMAC secret; None where nothing is seen."""
    strongest = _strongest(algorithms)
    if len(key) < BYTES_NEEDED[strongest]:
        return f"shorter than the {BYTES_NEEDED[strongest]} bytes that {strongest} needs (RFC 7518 §3.2)"
    if entropy(key) < BITS_LEAST:
        return "long, but made of few different characters"
    text = key.decode("utf-8", "replace")
    if len(re.sub(r"[\W_\d]+", "", _WORDS.sub("", text))) < 10 and len(re.sub(r"\D", "", text)) < 16:
        return "long, but made of words that every list has"
    return None


def needed(algorithms: tuple[str, ...]) -> int:
    """How many bytes a secret of these algorithms must have; HS256 where none is named."""
    return BYTES_NEEDED[_strongest(algorithms)]


def _strongest(algorithms: tuple[str, ...]) -> str:
    used = [name for name in algorithms if name in BYTES_NEEDED] or ["HS256"]
    return max(used, key=lambda name: BYTES_NEEDED[name])


def entropy(key: bytes) -> float:
    """Shannon's bits of the whole text, from how often each byte stands in it."""
    counts = Counter(key)
    return -sum(number * math.log2(number / len(key)) for number in counts.values()) if key else 0.0


def is_public(key: bytes) -> bool:
    """That these bytes are a public key or certificate, which everybody may know."""
    return bool(PUBLIC.match(key))


def is_asymmetric(key: bytes) -> bool:
    """That these bytes are half of a key pair, so that lengths of secrets say nothing of them."""
    return bool(PUBLIC.match(key) or PRIVATE.match(key))


def rsa_bits(pem: str) -> int | None:
    """The length of the RSA modulus in a PEM text; None where there is none to be read. The first long INTEGER of the DER is it."""
    found = re.search(r"-----BEGIN ([A-Z ]+)-----([A-Za-z0-9+/=\s\\]+?)-----END", pem)
    if found is None or any(word in found.group(1) for word in ("EC ", "OPENSSH", "PARAMETERS", "DSA ")):
        return None
    try:
        der = base64.b64decode(re.sub(r"\\n|\s", "", found.group(2)))
    except (binascii.Error, ValueError):
        return None
    sizes = [len(number.lstrip(b"\0")) for number in _integers(der, 0)]
    return next((size * 8 for size in sizes if size >= 32), None)


def _integers(der: bytes, depth: int) -> Iterator[bytes]:
    """The INTEGERs of a DER text in order, also inside the octet and bit strings that wrap keys (X.690 §8)."""
    at = 0
    while at + 2 <= len(der) and depth < 6:
        tag, size, at = der[at], der[at + 1], at + 2
        if size & 0x80:
            count = size & 0x7F
            if not 0 < count <= 4 or at + count > len(der):
                return
            size, at = int.from_bytes(der[at : at + count], "big"), at + count
        body, at = der[at : at + size], at + size
        if tag == 0x02:
            yield body
        elif tag in (0x30, 0x04):
            yield from _integers(body, depth + 1)
        elif tag == 0x03:
            yield from _integers(body[1:], depth + 1)
