"""Whoever writes the token also writes the key that it is checked with."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.app import App
from stopper.core.facts import SourceFacts, source_of
from stopper.core.finding import Evidence, Verdict
from stopper.core.probe import Steps, Target, failed, listen, passed, send
from stopper.core.probing.baseline import controls, shown
from stopper.core.probing.signature import first_let_in, telling_baseline
from stopper.core.probing.token_doors import Rights, elsewhere
from stopper.core.rule import Hit, Rule
from stopper.core.tokens.jwt_header import header_members, is_cache, is_held, reads_headers
from stopper.core.tokens.jwt_names import DECODING, decodings, switched_off
from stopper.core.values import Call, Constant, Item, Member, Value, options, text_of, walk

_FETCHES: Final = re.compile(r"(requests|httpx|urllib3?)\..*|(.*\.)?(urlopen|PyJWKClient)")
KEYS: Final = frozenset({"jwk", "jku", "x5u", "x5c"})
_LOADERS: Final = re.compile(
    r"(.*\.)?(PyJWKClient|PyJWK|from_jwk|from_dict|import_key|import_key_set|JsonWebKey\w*|construct|JWK|KeySet\w*|load_der_x509_certificate"
    r"|load_pem_x509_certificate|load_pem_public_key)|(requests|httpx|urllib3?)\..*|(.*\.)?urlopen"
)
_WORDS: Final = ("PyJWKClient", "PyJWK", "JWK", "from_jwk", "from_dict", "import_key", "import_key_set", "construct", "load_der_x509_certificate",
                 "load_pem_x509_certificate", "load_pem_public_key", "urlopen", "get", "request")  # fmt: skip


def detect(app: App) -> Iterator[Hit]:
    """Keys of a decode, and calls that load or fetch a key, which are given a member of the token's own header."""
    facts = source_of(app)
    if not reads_headers(facts) and not facts.says("iss") and not facts.says("verify_signature"):
        return
    places: set[tuple[str, str]] = set()
    held: set[str] = set()
    # Where the key is first loaded or fetched is the place; a decode is one only in a file where nothing loads it.
    for call, value in (*_loads(facts), *_keys(facts)):
        path = call.span.path if call.span is not None else ""
        known = held | {place[0] for place in places} if call.method.startswith("decode") else ()
        if (path, call.function) in places or path in known:
            continue
        if not any(header_members(facts, value, KEYS)):
            if call.method.startswith("decode") and any(map(_is_own_claim, options(value))):
                places.add((path, call.function))
                yield Hit("the key that verifies the token is taken from the token's own claims", call.span)
            if _asks_any_issuer(facts, call, value):
                places.add((path, call.function))
                yield Hit("the keys are fetched from whatever issuer the token itself names", call.span)
            continue
        if is_held(facts, KEYS, _where_it_goes(facts, call.function)) or _is_certified(facts, call.function):
            held.add(path)
        else:
            places.add((path, call.function))
            yield Hit("the key that verifies the token is taken from the token's own header", call.span)


def _where_it_goes(facts: SourceFacts, function: str) -> set[str]:
    """The function, those of the project that it hands such a member, and those that hand it one."""
    calls = (call for call in facts.calls_in(function) if facts.function(call.callee) is not None)
    handed = (call.callee for call in calls if any(any(header_members(facts, one, KEYS)) for one in call.args))
    giving = (call for call in facts.calls(function)) if function else ()
    given_by = (call.function for call in giving if any(any(header_members(facts, one, KEYS)) for one in call.args))
    return {function, *handed, *given_by}


def _asks_any_issuer(facts: SourceFacts, call: Call, value: Value) -> bool:
    """An address to fetch from that is made of the ``iss`` of claims nobody has verified, and which nothing compares."""
    if not _FETCHES.fullmatch(call.callee) or not any(_is_issuer(part) for part in walk(value)):
        return False
    around = {call.function} | {one.function for one in facts.calls(call.function)}
    return not any(
        _is_issuer(part)
        for function in around
        for one in facts.comparisons_in(function)
        if not one.operator.endswith("in") or not (isinstance(one.left, Constant) or is_cache(one.right))
        for part in (*walk(one.left, 3), *walk(one.right, 3))
    )


def _is_own_claim(key: Value) -> bool:
    """``jwt.decode(token, seen["pub"], …)`` where nobody has verified what was seen."""
    if isinstance(key, Call) and key.method in ("encode", "str", "bytes"):
        key = key.receiver or (key.args[0] if key.args else key)
    made = key.owner if isinstance(key, Item) and isinstance(text_of(key.key), str) else None
    if not isinstance(made, Call):
        return False
    shape = DECODING.get(made.callee)
    return made.method == "get_unverified_claims" or (shape is not None and switched_off(made, shape) is not None)


def _is_issuer(part: Value) -> bool:
    if not isinstance(part, Item) or text_of(part.key) != "iss":
        return False
    made = part.owner
    if isinstance(made, Item):
        made = made.owner  # the payload of ``decode_complete``
    if not isinstance(made, Call):
        return False
    shape = DECODING.get(made.callee)
    return made.method == "get_unverified_claims" or (shape is not None and switched_off(made, shape) is not None)


def _is_certified(facts: SourceFacts, function: str) -> bool:
    """The certificate that the token brings must come from an authority of the application's own."""
    return any(
        call.method in ("verify_directly_issued_by", "verify_certificate")
        or ".x509.verification." in call.callee
        or (call.method == "verify" and any(_is_signed_part(part) for given in call.args for part in walk(given, 3)))
        for call in facts.calls_in(function)
    )


def _is_signed_part(part: Value) -> bool:
    return isinstance(part, Member) and part.attribute == "tbs_certificate_bytes"


def _loads(facts: SourceFacts) -> Iterator[tuple[Call, Value]]:
    found = [call for word in _WORDS for call in facts.calls(f"*.{word}") if _LOADERS.fullmatch(call.callee)]
    for call in sorted(found, key=lambda one: (one.span.path, one.span.line) if one.span else ("", 0)):
        for value in (*call.args, *(given for _, given in call.keywords)):
            yield call, value


def _keys(facts: SourceFacts) -> Iterator[tuple[Call, Value]]:
    for call, shape in decodings(facts):
        key = call.argument(shape.key, "key")
        if key is not None and switched_off(call, shape) is None:
            yield call, key


def probe(target: Target) -> Steps[Verdict]:
    """Brings a key of its own along: in the header, and at an address of the loopback that the header names."""
    verdict = yield from _at_the_first(target)

    def own_key(token: str, rights: Rights) -> Iterator[tuple[str, str]]:
        yield "that is signed by a key in its own jwk", target.forge.own_key(token, "jwk", claims=rights)

    return (yield from elsewhere(target, verdict, own_key))


def _at_the_first(target: Target) -> Steps[Verdict]:
    telling = yield from telling_baseline(target)
    if isinstance(telling, Verdict):
        return telling
    baseline, token = telling
    inside = [
        (f"by a key that stands in its own {member}", target.forge.own_key(token, member)) for member in ("jwk", "x5c")
    ]
    seen = yield from first_let_in(baseline, inside)
    if seen is not None:
        message = f"{baseline.ref} accepts a token that is signed {seen[0]}"
        evidence = Evidence("exchange", f"the same claims, signed {seen[0]}, are accepted", seen[1])
        return failed(message, (baseline.ref,), (*controls(baseline), evidence))
    listener = yield from listen()
    for member in ("jku", "x5u"):
        before = len(listener.hits())
        shown_one = yield from send(shown(baseline, target.forge.own_key(token, member, listener.url)))
        if len(listener.hits()) > before:
            message = f"{baseline.ref} fetches the key from the address in the token's own {member}"
            seen_here = Evidence("exchange", f"a token whose {member} names an address of the scan", shown_one)
            effect = Evidence("effect", "the server asked that address for the key")
            return failed(message, (baseline.ref,), (*controls(baseline), seen_here, effect))
    return passed(f"{baseline.ref} takes no key from the token")


RULE = Rule(
    slug="jwt-key-from-token",
    family="jwt",
    title="The key that verifies a token is taken from that token",
    harm=__doc__ or "",
    severity="critical",
    check="authentication",
    cwe=(345,),
    owasp="API2:2023",
    asvs=("V9.1.3",),
    surfaces=("source", "wsgi", "http"),
    ends="Stopper's `@bearer` ignores keys and addresses in the header of a token.",
    detect=detect,
    probe=probe,
)
