"""Members of a token's header that nobody has verified yet, and where they go."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from stopper.core.facts import SourceFacts
from stopper.core.flow.passing import handed
from stopper.core.flow.said_by_caller import kept_in_g
from stopper.core.tokens.jwt_names import DECODING, HEADER_READERS, decodings, reads_unchecked, verifies
from stopper.core.values import (
    Call,
    Constant,
    Item,
    Mapping,
    Member,
    Name,
    Parameter,
    Value,
    options,
    text_of,
    walk,
)

_UNPACKERS: Final = frozenset(
    {"base64.urlsafe_b64decode", "base64.b64decode", "jwt.utils.base64url_decode", "jose.utils.base64url_decode"}
)
_ATTESTED: Final = re.compile(r"(?i)att_?(?:stmt|statement)|attestation\w*")
_CHECKS: Final = re.compile(
    r"re\.(full)?match|.*secure_filename|.*safe_join|\?\.(isalnum|isdigit|isdecimal|isidentifier|fullmatch|match)|uuid\.UUID|int"
    r"|os\.path\.basename|hmac\.compare_digest|secrets\.compare_digest"
)


def header_members(
    facts: SourceFacts, value: Value | None, names: frozenset[str], depth: int = 4, called: frozenset[str] = frozenset()
) -> Sequence[Item]:
    """The parts of *value* that are one of these members of an unverified header, also behind parameters and results. What a function in
    *called* is given was looked at where it was called, and what others give it is nothing to this value."""
    if value is None or not _says(facts, names) or not reads_headers(facts):
        return ()
    known = facts.once(
        f"header members {sorted(names)}", dict[tuple[int, int, frozenset[str]], tuple[Value, tuple[Item, ...]]]
    )
    key = (id(value), depth, called)
    if key not in known:
        # The value is kept beside its members, so that its identity cannot pass to another.
        known[key] = (value, tuple(_members(facts, value, names, depth, called)))
    return known[key][1]


def _says(facts: SourceFacts, names: frozenset[str]) -> bool:
    """That the source names one of them, be it in a text that is filled: ``"keys/{kid}".format(**header)``."""
    return facts.says(*names) or facts.once(
        f"texts with {sorted(names)}",
        lambda: any(facts.says_like(name, re.compile(rf"(?:\{{|%\(){re.escape(name)}[}})!:]")) for name in names),
    )


def reads_headers(facts: SourceFacts) -> bool:
    """That something in the project looks into the header of a token before it is verified."""
    return facts.once(
        "reads token headers",
        lambda: (
            any(facts.calls(*HEADER_READERS, *_UNPACKERS, tests=True))
            or facts.imports("jwcrypto")
            or any(facts.calls("*.decode_complete", tests=True))
            or bool(_key_finders(facts))
        ),
    )


def _key_finders(facts: SourceFacts) -> frozenset[str]:
    """Functions that a library hands the header of each token, for the key to verify it with: the key of a decode of Authlib or joserfc, a
    ``decode_key_loader`` of Flask-JWT-Extended."""

    def find() -> frozenset[str]:
        keys = [key for call, shape in decodings(facts) for key in options(call.argument(shape.key, "key"))]
        loaders = (one for call in facts.calls("*.decode_key_loader") for one in call.args)
        named = {one.dotted for one in (*keys, *loaders) if isinstance(one, Name)}
        decorated = {
            function.name
            for function in (facts.functions() if facts.says("decode_key_loader") else ())
            if any(one.name.endswith(".decode_key_loader") for one in function.decorators)
        }
        return frozenset(name for name in named if facts.function(name) is not None) | decorated

    return facts.once("functions that find a token's key", find)


def _members(
    facts: SourceFacts, value: Value, names: frozenset[str], depth: int, called: frozenset[str]
) -> Iterator[Item]:
    for part in walk(value):
        if isinstance(part, (Item, Member)) and _is_of_an_authenticator(part.owner):
            continue
        if isinstance(part, Item) and text_of(part.key) in names and is_header(facts, part.owner, called=called):
            yield part
        elif isinstance(part, Member) and part.attribute in names and is_header(facts, part.owner, called=called):
            yield Item(part.owner, part, span=part.span)
        elif isinstance(part, Call) and part.method == "get" and part.args and text_of(part.args[0]) in names:
            if part.receiver is not None and is_header(facts, part.receiver, called=called):
                yield Item(part.receiver, part.args[0], span=part.span)
        elif isinstance(part, Parameter) and depth > 0 and part.function not in called:
            for given in handed(facts, part):
                yield from header_members(facts, given, names, depth - 1, called)
        elif isinstance(part, Call) and depth > 0 and (function := facts.function(part.callee)) is not None:
            for returned in function.returns:
                yield from header_members(facts, returned, names, depth - 1, called | {part.callee})


def _is_of_an_authenticator(owner: Value) -> bool:
    """``attestation.att_stmt``: what a passkey says of its maker has an ``x5c`` too, and is no token."""
    said = owner.attribute if isinstance(owner, Member) else text_of(owner.key) if isinstance(owner, Item) else None
    return said is not None and _ATTESTED.fullmatch(said) is not None


def is_header(facts: SourceFacts, owner: Value, depth: int = 3, called: frozenset[str] = frozenset()) -> bool:
    """That a value is a token's header, read without verifying anything."""
    apart = _names_something(owner)
    for part in walk(owner):
        if id(part) in apart:
            continue
        if isinstance(part, Call):
            if part.callee in HEADER_READERS or part.callee in _UNPACKERS or reads_unchecked(part):
                return True
            function = facts.function(part.callee) if depth > 0 else None
            inside = called | {part.callee}
            if function is not None and any(is_header(facts, one, depth - 1, inside) for one in function.returns):
                return True
        elif _is_handed_a_header(facts, part):
            return True
        elif isinstance(part, Name) and part.dotted.startswith("flask.g.") and depth > 0:
            if any(is_header(facts, one.value, depth - 1, called) for one in kept_in_g(facts, part.dotted)):
                return True
        elif (
            isinstance(part, Parameter)
            and depth > 0
            and part.function not in called
            and any(is_header(facts, given, depth - 1, called) for given in handed(facts, part))
        ):
            return True
    return False


_NAMES: Final = frozenset({"kid", "iss", "azp", "tid", "client_id", "tenant", "x5t", "x5t#S256"})


def _names_something(owner: Value) -> frozenset[int]:
    """The parts by which something of the application's own is found: ``RING[header["kid"]]`` is an entry of the ring, and no header."""
    named = [one for one in walk(owner) if isinstance(one, Item) and text_of(one.key) in _NAMES]
    return frozenset(id(part) for one in named for part in walk(one))


def _is_handed_a_header(facts: SourceFacts, part: Value) -> bool:
    """``jws.jose_header`` of jwcrypto, or what a library hands to the function that finds the key."""
    if isinstance(part, Parameter):
        return part.index == 0 and part.function in _key_finders(facts)
    return isinstance(part, Member) and part.attribute == "jose_header"


def is_held(facts: SourceFacts, names: frozenset[str], functions: set[str]) -> bool:
    """That one of these functions compares such a member with something, or lets through only a form that can do no harm."""
    for comparison in facts.comparisons("in", "not in", "==", "!="):
        if comparison.function not in functions:
            continue
        sides = (comparison.left, comparison.right)
        if any(text_of(side) is not None and not text_of(side) for side in sides):
            continue  # held against an empty text
        if any(
            isinstance(text_of(side), str) and comparison.operator in ("in", "not in") for side in (comparison.left,)
        ):
            continue  # `"kid" in header` asks only whether it is there
        if comparison.operator in ("in", "not in") and is_cache(comparison.right):
            continue
        if any(_speaks_of(facts, side, names) for side in sides if not _is_of_an_entry(side, names)):
            return True
    return any(
        (
            _CHECKS.fullmatch(call.callee)
            and any(_speaks_of(facts, given, names) for given in (call.receiver, *call.args) if given is not None)
        )
        or _asks_the_folder(facts, call, names)
        for function in functions
        for call in facts.calls_in(function)
    )


def is_cache(value: Value) -> bool:
    """A mapping that begins empty and is filled with what is fetched, so that it lets everything through."""
    return isinstance(value, Mapping) and not any(isinstance(key, Constant) for key, _ in value.items)


def _is_of_an_entry(side: Value, names: frozenset[str]) -> bool:
    """``entry["kid"]`` of a set of keys says nothing of where the set is from."""
    return isinstance(side, Item) and text_of(side.key) in _OF_ENTRIES - names


_OF_ENTRIES: Final = frozenset({"kid", "kty", "alg", "use"})


def _speaks_of(facts: SourceFacts, value: Value, names: frozenset[str]) -> bool:
    """That the member itself is in it, and not only as what named the key of a token whose claims stand there: ``"ended:" + claims["jti"]``."""
    found = {id(one.owner) for one in header_members(facts, value, names, 2)}
    if not found or _is_claim(facts, value) or _is_mac(value):
        return False
    claims = (part for part in walk(value) if isinstance(part, Call) and _is_claim(facts, part))
    return bool(found - {id(one.owner) for part in claims for one in header_members(facts, part, names, 2)})


def _is_mac(value: Value) -> bool:
    """What a key makes of a text: that key may be any that the member names."""
    return any(isinstance(part, Call) and part.callee in ("hmac.new", "hmac.digest") for part in walk(value, 6))


def _is_claim(facts: SourceFacts, value: Value, depth: int = 3) -> bool:
    """``claims["typ"]`` of a token whose signature was checked, whatever named the key that it was checked with."""
    while isinstance(value, (Item, Member)) or (isinstance(value, Call) and value.receiver is not None):
        if isinstance(value, Call) and value.callee in DECODING:
            return verifies(value)
        value = value.owner if not isinstance(value, Call) else value.receiver or value
    if isinstance(value, Parameter) and depth:
        passed = list(handed(facts, value))
        return bool(passed) and all(_is_claim(facts, one, depth - 1) for one in passed)
    if not isinstance(value, Call):
        return False
    if value.callee in DECODING:
        return verifies(value)
    made = facts.function(value.callee)
    returned = made.returns if made is not None and depth else ()
    given = [one for one in returned if not isinstance(one, Constant)]  # ``return None`` for a token that is no good
    return bool(given) and all(_is_claim(facts, one, depth - 1) for one in given)


def _asks_the_folder(facts: SourceFacts, call: Call, names: frozenset[str]) -> bool:
    """That a path made of such a member, whose steps back are resolved, has to lie below a folder."""
    if call.method not in ("is_relative_to", "startswith", "commonpath", "relative_to"):
        return False
    return any(
        isinstance(part, Call)
        and part.method in ("resolve", "realpath", "abspath", "normpath")
        and any(header_members(facts, part, names, 2))
        for given in (call.receiver, *call.args)
        for part in walk(given, 6)
    )
