"""Somebody computes or tries the next key, and is let in with it."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.api_key_names import is_key_name
from stopper.core.app import App
from stopper.core.facts import SourceFacts, source_of
from stopper.core.place import Span
from stopper.core.rule import Hit, Rule
from stopper.core.values import Call, Constant, Item, Unknown, Value, parts

LEAST_BYTES: Final = 16
"""128 bits: OWASP ASVS 11.5.1."""
_WEAK: Final = re.compile(
    r"(?:numpy\.)?random\.(?!SystemRandom)\w+(?:\.\w+)?|uuid\.uuid[13](?:\.\w+)?|time\.time(?:_ns)?|datetime\.datetime\.(?:now|utcnow|timestamp)|datetime\.(?:now|utcnow)"
)
_STRONG: Final = re.compile(
    r"secrets\.\w+|os\.urandom|uuid\.uuid4(?:\.\w+)?|random\.SystemRandom(?:\.\w+)?|.*\.SystemRandom\.\w+|cryptography\..*"
)
_MAKES: Final = re.compile(
    r"(?i)(?:generate|make|create|new|issue|mint|gen|random|build|rotate)_(?:\w+_)?(?:key|token)s?|(?:\w+_)?key_?gen\w*"
)
_SHORT: Final = frozenset({"secrets.token_hex", "secrets.token_urlsafe", "secrets.token_bytes", "os.urandom"})


def detect(app: App) -> Iterator[Hit]:
    """Keys whose value comes from a generator that is not made for secrets, or from too few bytes."""
    facts = source_of(app)
    if not facts.imports("random", "uuid", "time", "datetime", "secrets", "os", "numpy", "hashlib"):
        return
    seen: set[tuple[str, int]] = set()
    for value, fallback in _made(facts):
        for span, message in _judged(value, fallback):
            if (span.path, span.line) not in seen:
                seen.add((span.path, span.line))
                yield Hit(message, span)


def _made(facts: SourceFacts) -> Iterator[tuple[Value, Span]]:
    """What becomes a key: by the name it is given, by the argument it is, or by the function that returns it."""
    for one in facts.assignments():
        if is_key_name(one.attribute) or (
            one.attribute.lower() in ("key", "raw_key", "raw", "token") and _about_keys(one.function)
        ):
            yield one.value, one.span
    for returned in facts.returns():
        last = returned.function.rpartition(".")[2]
        if (
            _MAKES.fullmatch(last)
            and "key" in last.lower()
            and not re.search(r"(?i)cache|secret_key|session|storage|s3|file", last)
        ):
            yield returned.value, returned.span
    for call in facts.calls():
        if call.span is not None:
            for name, value in call.keywords:
                keyed = is_key_name(name) or (name == "key" and re.search(r"(?i)api_?key", call.callee))
                if keyed and name != "default":
                    yield value, call.span
    for found in facts.classes():
        for name, value in found.attributes.items():
            if (
                is_key_name(name)
                and isinstance(value, Call)
                and (default := value.keyword("default")) is not None
                and value.span
            ):
                yield default, value.span


def _about_keys(function: str) -> bool:
    return (
        re.search(r"(?i)api_?key|(?:create|generate|issue|rotate|new|make)_key", function.rpartition(".")[2])
        is not None
    )


def _judged(value: Value, fallback: Span) -> Iterator[tuple[Span, str]]:
    inner = list(_material(value))
    calls = [one for one in inner if isinstance(one, Call)]
    names = [one.callee for one in calls] + [getattr(one, "dotted", "") for one in inner]
    if not any(_STRONG.fullmatch(name) for name in names):
        weak = next((name for name in names if _WEAK.fullmatch(name)), None)
        if weak is not None:
            where = next((one.span for one in calls if one.callee == weak and one.span), None) or fallback
            yield where, f"a key is made with {weak}, which can be computed"
        return
    for call in calls:
        if (
            call.callee in _SHORT
            and call.args
            and isinstance(call.args[0], Constant)
            and isinstance(call.args[0].value, int)
            and call.args[0].value < LEAST_BYTES
            and len([one for one in calls if _STRONG.fullmatch(one.callee)]) == 1
        ):
            yield call.span or fallback, f"a key holds only {8 * call.args[0].value} random bits"
    for one in inner:
        if (
            isinstance(one, Item)
            and isinstance(one.key, Unknown)
            and (size := _cut(one)) is not None
            and size < LEAST_BYTES
        ):
            yield one.span or fallback, "a random text is cut so short that a key can be found by trying"


def _material(value: Value, depth: int = 8) -> Iterator[Value]:
    """The value and what it is made of; a record that is made of several things is none of them."""
    yield value
    if depth == 0 or (isinstance(value, Call) and re.match(r"[A-Z](?!UID|ystemRandom)", value.method)):
        return
    for part in parts(value):
        yield from _material(part, depth - 1)


def _cut(value: Item) -> int | None:
    """The length of ``text[:n]``."""
    match value.key:
        case Unknown(parts=(Constant(value=None | 0), Constant(value=int(size)))) if size > 0:
            return size
        case _:
            return None


RULE = Rule(
    slug="api-key-predictable",
    family="api-key",
    title="API key made by a predictable generator, or too short",
    harm=__doc__ or "",
    severity="high",
    check="authentication",
    cwe=(338,),
    owasp="API2:2023",
    asvs=("V11.5.1",),
    surfaces=("source",),
    ends="Stopper's keys for `@api_key` come from the system's generator and are too long to be tried.",
    certainty="certain",
    detect=detect,
)
