"""Whoever writes the token chooses how it is checked, so a forged token can choose a check that it passes."""

from collections.abc import Iterator

from stopper.core.app import App
from stopper.core.edits.algorithm_edits import one_algorithm
from stopper.core.facts import SourceFacts, source_of
from stopper.core.flow.checked_input import is_checked
from stopper.core.flow.held_attributes import held_under
from stopper.core.labels import UNTRUSTED
from stopper.core.rule import Edit, Hit, Rule
from stopper.core.tokens.jwt_header import is_header
from stopper.core.tokens.jwt_names import (
    Decoding,
    decodings,
    is_everything,
    said_algorithms,
    switched_off,
)
from stopper.core.values import Call, Item, Member, Value, literals, options, text_of, walk

MESSAGE = "the allowed algorithm is read from the token's own header, which nobody has verified yet"


def detect(app: App) -> Iterator[Hit]:
    """Decodes whose `algorithms` come from an unverified header that was not held against a list first."""
    facts = source_of(app)
    for call, shape in decodings(facts):
        allowed = said_algorithms(call, shape)
        if (
            allowed is not None
            and facts.derives(allowed, *UNTRUSTED, by_name=False)
            and not is_checked(facts, allowed, call.function)
        ):
            yield Hit("the allowed algorithm is what the caller says", call.span)
            continue
        if allowed is None or switched_off(call, shape) is not None or not _from_header(facts, allowed):
            continue
        if not _key_belongs_to_it(facts, call, shape) and not _held_against_a_list(facts, call, allowed):
            yield Hit(MESSAGE, call.span)


def _from_header(facts: SourceFacts, value: Value | None, depth: int = 3) -> bool:
    """Whether the value is, or holds, the `alg` of a header that was read without verifying."""
    return any(_is_header_alg(facts, part, depth) for part in walk(value))


def _is_header_alg(facts: SourceFacts, part: Value, depth: int) -> bool:
    if isinstance(part, Item) and text_of(part.key) == "alg":
        return is_header(facts, part.owner, depth)
    if isinstance(part, Call) and part.method == "get" and part.receiver is not None and part.args:
        return text_of(part.args[0]) == "alg" and is_header(facts, part.receiver, depth)
    if isinstance(part, Call) and depth > 0 and (function := facts.function(part.callee)) is not None:
        return any(_from_header(facts, returned, depth - 1) for returned in function.returns)
    return False


def _key_belongs_to_it(facts: SourceFacts, call: Call, shape: Decoding) -> bool:
    """The key is looked up by the same name, so each algorithm has its own key and an unknown one has none."""
    return any(
        isinstance(part, Item) and any(_is_named(facts, one) for one in options(part.key))
        for part in walk(call.argument(shape.key, "key"))
    )


def _is_named(facts: SourceFacts, key: Value) -> bool:
    """That a key holds the name; an object that was made with it is asked for what stands under the attribute."""
    if isinstance(key, Member):
        under = [value for value, _ in held_under(facts, key.owner, key.attribute)]
        if under:
            return any(_from_header(facts, value) for value in under)
    return _from_header(facts, key)


def _held_against_a_list(facts: SourceFacts, call: Call, allowed: Value) -> bool:
    """The same function, or the one that gives the name back, compares it with a list or one name first; turning only `none` away is no
    list."""
    around = {call.function, *(one.callee for one in walk(allowed) if isinstance(one, Call))}
    for comparison in facts.comparisons("in", "not in", "==", "!="):
        if comparison.function not in around or not _from_header(facts, comparison.left):
            continue
        if any(isinstance(part, Call) and part.span == call.span for part in walk(comparison.left)):
            continue  # a claim of the decoded token, which says nothing of its algorithm
        if any(is_everything(part) for part in walk(comparison.right, 6)):
            continue  # whatever the library knows: HMAC beside public keys
        words = [str(literal.value).lower() for part in walk(comparison.right) for literal in literals(part)]
        if "none" not in words and "" not in words:
            return True
    return False


def fix(app: App, hit: Hit) -> Edit | None:
    """The one algorithm that the application signs with, or that the key's name speaks for."""
    facts = source_of(app)
    found = (one_algorithm(facts, call, shape) for call, shape in decodings(facts) if call.span == hit.span)
    return next((edit for edit in found if edit is not None), None)


RULE = Rule(
    slug="jwt-algorithm-from-token",
    family="jwt",
    title="The allowed algorithm is taken from the token's own header",
    harm=__doc__ or "",
    severity="critical",
    check="authentication",
    cwe=(347,),
    owasp="API2:2023",
    asvs=("V9.1.2",),
    surfaces=("source",),
    ends="Stopper's `@bearer` takes the algorithm from the key, never from the token.",
    detect=detect,
    fix=fix,
)
