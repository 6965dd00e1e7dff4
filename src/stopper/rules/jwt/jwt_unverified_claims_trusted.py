"""Anybody can write a token, and what an unverified one says decides what its writer may do."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.app import App
from stopper.core.facts import SourceFacts, source_of
from stopper.core.flow.parts_returned import parts_returned
from stopper.core.flow.said_by_caller import kept_in_g
from stopper.core.labels import UNTRUSTED
from stopper.core.place import RouteRef, Span
from stopper.core.rule import Hit, Rule
from stopper.core.tokens.jwt_names import HEADER_READERS, decodings, switched_off, written_in
from stopper.core.tokens.jwt_peek import (
    KEY_CHOOSERS,
    is_asked_elsewhere,
    is_given_back_before,
    is_only_a_first_look,
    is_our_own,
    lets_on_before,
)
from stopper.core.values import Call, Constant, Format, Item, Member, Name, Unknown, Value, options, text_of, walk

CLAIM_READERS: Final = (
    "jose.jwt.get_unverified_claims", "jose.jws.get_unverified_claims", "joserfc.jws.extract_compact",
    "authlib.jose.util.extract_segment", "jwt.api_jws.PyJWS._load", "flask_jwt_extended.get_unverified_jwt_headers",
)  # fmt: skip
UNPACKERS: Final = ("*.urlsafe_b64decode", "*.b64decode", "*.base64url_decode", "*.urlsafe_b64_decode")
HEADER_MEMBERS: Final = KEY_CHOOSERS | {
    "typ",
    "jwk",
    "jku",
    "x5u",
    "x5c",
    "x5t",
    "x5t#S256",
    "cty",
    "crit",
    "enc",
    "zip",
}
_MACS: Final = frozenset({"hmac.new", "hmac.digest", "hmac.HMAC"})
_UNPACKING: Final = frozenset({"loads", "decode", "get", "copy", "json"})
DECIDES: Final = re.compile(r"(?i)role|scope|admin|perm|group|tenant|sub$|user|email|owner|is_|staff|level|plan|right")


def detect(app: App) -> Iterator[Hit]:
    """Claims read without verifying that are used for more than choosing a key; members of a header that say who somebody is."""
    facts = source_of(app)
    seen: set[Span | None] = set()
    for call in (*facts.calls(*CLAIM_READERS), *_unpacked(facts)):
        if call.span in seen or is_our_own(facts, call) or is_asked_elsewhere(facts, call):
            continue
        if any(facts.derives(one, "upstream") and not facts.derives(one, *UNTRUSTED) for one in call.args):
            continue  # straight from the token endpoint, over TLS (OpenID Connect Core 1.0 §3.1.3.7)
        if not _decides(facts, call) and is_only_a_first_look(facts, call):
            continue
        if _is_of_a_log_in(facts, call):
            continue
        if _is_signed_by_hand(facts, call):
            continue
        if _is_used(facts, call):
            seen.add(call.span)
            yield _told(app, call)
    yield from _switched_off(app, seen)
    yield from _headers(facts, seen)


def _is_of_a_log_in(facts: SourceFacts, call: Call) -> bool:
    """``session["oidc_auth_token"]["access_token"]``, which nothing of the project puts there: a library does, after the provider has been asked."""
    keys = {
        text_of(part.key) or ""
        for given in call.args
        for part in walk(given, 12)
        if isinstance(part, Item) and isinstance(part.owner, Name) and part.owner.dotted == "flask.session"
    }
    return bool(keys) and "" not in keys and keys.isdisjoint(flow.detail for flow in facts.flows("session"))


def _told(app: App, call: Call) -> Hit:
    """Behind a guard that asks for a token, what is read of that token once more was verified there, most often."""
    message = "claims that nobody verified are trusted"
    if _is_behind_a_guard(app, call.function):
        said = f"{message} here: look whether the guard of these routes verified the same token"
        return Hit(said, call.span, certainty="possible", severity="low")
    return Hit(message, call.span)


def _is_behind_a_guard(app: App, function: str) -> bool:
    """That every route which reaches the function has a guard that asks for a token, and the guard is not the one that reads here."""
    refs = set(source_of(app).routes_reaching(function)) if function else set[RouteRef]()
    reached = [
        access
        for route in app.routes
        for method, access in route.access.items()
        if RouteRef(method, route.path) in refs
    ]
    readers = {function, *(call.function for call in source_of(app).calls(function))}
    homes = {name for reader in readers for name in (reader, reader.rpartition(".")[0])}
    return bool(reached) and all(
        any(
            guard.stops is not False
            and guard.kind != "view-body"
            and _OF_TOKENS.search(guard.name) is not None
            and not guard.name.startswith("flask_login.")
            and guard.name not in homes
            and not any(reader.startswith(f"{guard.name}.") for reader in readers)
            for guard in access.guards
        )
        for access in reached
    )


_OF_TOKENS: Final = re.compile(r"(?i)auth|jwt|token|require|bearer|oidc|protect")


def _switched_off(app: App, seen: set[Span | None]) -> Iterator[Hit]:
    """A decode that verifies nothing, of which a member decides; that alone is `jwt-signature-not-verified`."""
    facts = source_of(app)
    for call, shape in decodings(facts):
        if call.span in seen or not call.function or switched_off(call, shape) is None:
            continue
        if is_our_own(facts, call) or is_asked_elsewhere(facts, call):
            continue
        if not (_decides(facts, call) or is_given_back_before(facts, call) or lets_on_before(facts, call)):
            continue
        if _is_used(facts, call):
            seen.add(call.span)
            yield _told(app, call)


def _unpacked(facts: SourceFacts) -> Iterator[Call]:
    """``json.loads(base64.urlsafe_b64decode(token.split(".")[1]))``: the second part, taken apart by hand."""
    for call in facts.calls(*UNPACKERS):
        cut = {id(part) for given in call.args for one in walk(given, 8) for part in _taken_away(one)}
        inside = [part for given in call.args for part in walk(given, 8) if id(part) not in cut]
        if any(_is_second_part(part) for part in inside) or (
            any(_is_some_part(part) for part in inside) and _read_as_claims(facts, call)
        ):
            yield call


def _taken_away(value: Value) -> Iterator[Value]:
    """What ``text.replace("data:image/" + name.split(".")[1], "")`` takes out of the text: nothing of it is read."""
    for given in value.args if isinstance(value, Call) and value.method in ("replace", "removeprefix", "strip") else ():
        yield from walk(given, 6)


def _is_signed_by_hand(facts: SourceFacts, call: Call) -> bool:
    """A test above it compares the signature of the same text with one that is made here: ``if not compare_digest(hmac.new(…), …)``."""
    return any(
        isinstance(part, Call)
        and part.method == "compare_digest"
        and any(_is_mac(facts, one) for given in part.args for one in walk(given, 6))
        and call.span is not None
        and (condition.span.line < call.span.line or written_in(facts, call) != call.function)
        and (condition.stops or (condition.body is not None and condition.body.holds(call.span)))
        for condition in facts.conditions_in(call.function)
        for part in walk(condition.value, 4)
    )


def _is_mac(facts: SourceFacts, part: Value) -> bool:
    """An HMAC that is made here, or by a step of its own."""
    if not isinstance(part, Call):
        return False
    made = facts.returns_of(part.callee)
    return part.callee in _MACS or any(
        isinstance(one, Call) and one.callee in _MACS for back in made for one in walk(back.value, 4)
    )


def _is_second_part(part: Value) -> bool:
    if not isinstance(part, Item) or not isinstance(part.key, Constant) or part.key.value != 1:
        return False
    owner = part.owner
    return (
        isinstance(owner, Call)
        and owner.method in ("split", "rsplit")
        and any(text_of(one) == "." for one in owner.args)
    )


def _is_some_part(part: Value) -> bool:
    """One of ``header, payload, signature = token.split(".")``; which one shows by what is read from it."""
    return (
        isinstance(part, Unknown)
        and len(part.parts) == 1
        and isinstance(split := part.parts[0], Call)
        and split.method == "split"
        and any(text_of(one) == "." for one in split.args)
    )


def _read_as_claims(facts: SourceFacts, call: Call) -> bool:
    """Members are read from it that no header has."""
    return any(
        isinstance(part, Item)
        and (key := text_of(part.key)) is not None
        and key not in HEADER_MEMBERS
        and _origin(part.owner) is call
        for value in (
            *_used(facts, {call.function}),
            *(one for other in facts.calls_in(call.function) for one in other.args),
        )
        for part in walk(value, 8)
    )


def _is_used(facts: SourceFacts, call: Call) -> bool:
    """That a route comes to it, or that it is given a token; a method that nothing shows to be called, of a class that verifies too, is for
    whoever has verified before."""
    if not call.function or facts.routes_reaching(call.function):
        return bool(call.function)
    owner = call.function.rpartition(".")[0]
    verifying = {
        other.function.rpartition(".")[0] for other, shape in decodings(facts) if switched_off(other, shape) is None
    }
    if owner in verifying and any(one.name == owner for one in facts.classes()):
        return False
    return _is_given_a_token(facts, call)


def _is_given_a_token(facts: SourceFacts, call: Call) -> bool:
    return any(facts.derives(given, "token", "authorization-header", "cookie") for given in call.args)


def _decides(facts: SourceFacts, call: Call) -> bool:
    """A member that says what somebody may do is compared or asked for, also where the token is verified somewhere else."""
    asking = {call.function, *(other.function for other in facts.calls(call.function))}
    if any(one.target.startswith("g.") for one in facts.assignments_in(call.function)):
        asking |= {one.function for one in facts.comparisons()} | {one.function for one in facts.conditions()}
    for function in asking:
        asked = [side for one in facts.comparisons_in(function) for side in (one.left, one.right)]
        asked += [one.value for one in facts.conditions_in(function) if one.refuses]
        if any(_is_claim(facts, part, call) for value in asked for part in walk(value, 8)):
            return True
    return False


def _origin(value: Value) -> Value:
    """The call that a member was read from, with what only unpacks it taken away."""
    for _ in range(8):
        if isinstance(value, (Item, Member)):
            value = value.owner
        elif isinstance(value, Call) and value.method in _UNPACKING and (value.receiver or value.args):
            inner = value.args[0] if value.method == "loads" and value.args else value.receiver or value.args[0]
            if isinstance(inner, Name):
                return value
            value = inner
        else:
            break
    return value


def _is_claim(facts: SourceFacts, part: Value, call: Call) -> bool:
    if not isinstance(part, Item):
        return False
    if placed := parts_returned(facts, part):  # ``tenant, role = peek(token)``
        return any(_is_claim(facts, one, call) for one in placed)
    key = text_of(part.key) or ""
    return key not in KEY_CHOOSERS and bool(DECIDES.search(key)) and _is_read_from(facts, part.owner, call)


def _is_read_from(facts: SourceFacts, value: Value, call: Call) -> bool:
    """The call, or what a function of the project gives on of it."""
    made = _origin(value)
    if made is call:
        return True
    if isinstance(made, Name) and made.dotted.startswith("flask.g."):  # a hook has read it, and a view asks
        return any(_origin(option) is call for one in kept_in_g(facts, made.dotted) for option in options(one.value))
    function = facts.function(made.callee) if isinstance(made, Call) and made.callee == call.function else None
    return function is not None and any(_origin(one) is call for value in function.returns for one in options(value))


def _headers(facts: SourceFacts, seen: set[Span | None]) -> Iterator[Hit]:
    """Members of an unverified header that no standard knows: somebody's own, such as a role or a tenant."""
    readers = list(facts.calls(*HEADER_READERS))
    if not readers:
        return
    for value in _used(facts, {call.function for call in readers}):
        for part in walk(value, 8):
            if (
                isinstance(part, Item)
                and (key := text_of(part.key))
                and key not in HEADER_MEMBERS
                and DECIDES.search(key)
            ):
                owner = _origin(part.owner)
                if (
                    isinstance(owner, Call)
                    and owner.callee in HEADER_READERS
                    and owner.span not in seen
                    and not _is_decoded_too(facts, owner)
                ):
                    seen.add(owner.span)
                    yield Hit(
                        f"the header's {key}, which nobody verified, is trusted",
                        owner.span,
                    )


def _is_decoded_too(facts: SourceFacts, reader: Call) -> bool:
    """That the same function has the whole token verified afterwards: the signature covers the header too (RFC 7515 §5.2)."""
    token = reader.argument(0)
    return token is not None and any(
        not _is_let_on_before(facts, reader, call)
        and call.function == reader.function
        and switched_off(call, shape) is None
        and call.argument(0) == token
        and call.span is not None
        and reader.span is not None
        and call.span.line > reader.span.line
        and not any(one.body is not None and one.body.holds(call.span) for one in facts.conditions_in(reader.function))
        for call, shape in decodings(facts)
    )


def _is_let_on_before(facts: SourceFacts, reader: Call, check: Call) -> bool:
    """``if header.get("scope") == "internal": return everything()`` above the line that verifies."""
    return any(
        one.stops and not one.refuses and check.span is not None and one.span.path == check.span.path
        and one.span.line < check.span.line and any(part is reader for part in walk(one.value, 8))
        for one in facts.conditions_in(reader.function)
    )  # fmt: skip


def _used(facts: SourceFacts, functions: set[str]) -> Iterator[Value]:
    for comparison in facts.comparisons():
        if comparison.function in functions:
            yield comparison.left
            yield comparison.right
    for condition in facts.conditions():
        if condition.function in functions:
            yield condition.value
    for assignment in facts.assignments():
        if assignment.function in functions and not isinstance(assignment.value, Format):
            yield assignment.value
    for returned in facts.returns():
        if returned.function in functions:
            yield returned.value


RULE = Rule(
    slug="jwt-unverified-claims-trusted",
    family="jwt",
    title="A header or claims that were not verified drive an authorization decision",
    harm=__doc__ or "",
    severity="critical",
    check="authentication",
    cwe=(290,),
    owasp="API2:2023",
    asvs=("V9.1.1",),
    surfaces=("source",),
    ends="Stopper's `current_principal` holds verified claims only; there is no way to the others.",
    detect=detect,
)
