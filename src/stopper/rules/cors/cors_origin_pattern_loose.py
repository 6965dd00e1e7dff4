"""A website whose name merely resembles a trusted one is taken for it."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.answers.cors_facts import patterns, sayings, words
from stopper.core.answers.origin_patterns import admitted, strangers
from stopper.core.answers.response_headers import headers_set
from stopper.core.app import App
from stopper.core.edits.call_edits import calls_at
from stopper.core.facts import SourceFacts, source_of
from stopper.core.finding import Evidence, Verdict
from stopper.core.place import Span
from stopper.core.probe import Steps, Target, failed, not_applicable, passed
from stopper.core.probing.origins import crossings, stranger
from stopper.core.rule import Edit, Hit, Rule
from stopper.core.values import (
    Call,
    Constant,
    EnvironmentValue,
    Item,
    Member,
    Name,
    Sequence,
    Value,
    options,
    text_of,
    walk,
)

_MATCHES: Final = ("re.match", "re.search", "re.fullmatch")
_METHODS: Final = ("*.match", "*.search", "*.fullmatch")
_DOMAIN: Final = re.compile(r"(?i)(?:[a-z0-9-]+\.)+[a-z]{2,}$")


def detect(app: App) -> Iterator[Hit]:
    """Patterns given to Flask-CORS, and questions about the origin by hand, that let a stranger in."""
    facts = source_of(app)
    seen: dict[Span, str] = {}
    for span, why in (*_by_library(facts), *_by_hand(facts)):
        if span is not None:
            seen.setdefault(span, why)
    told: set[str] = set()
    for span, why in seen.items():  # one setting behind many decorators is one cause
        if why not in told:
            told.add(why)
            yield Hit(why, span)


def _by_library(facts: SourceFacts) -> Iterator[tuple[Span | None, str]]:
    for said in sayings(facts):
        for pattern in patterns(said.origins):
            if (found := admitted(pattern)) is not None:
                yield said.span, f"the pattern of origins lets {found} in"
        if "null" in words(said.origins):
            yield said.span, "the origin `null` is allowed, which every sandboxed page can be"


def _by_hand(facts: SourceFacts) -> Iterator[tuple[Span | None, str]]:
    """Only where the header is set by hand at all."""
    if not any(True for _ in headers_set(facts, "Access-Control-Allow-Origin")):
        return
    for call in facts.calls("*.endswith", "*.startswith"):
        if call.receiver is not None and call.args and _is_origin(facts, call.receiver):
            for text in _texts(call.args[0]):
                if _loose(call.method, text):
                    yield (
                        call.span,
                        f"an origin that only {'ends' if call.method == 'endswith' else 'begins'} like this is let in",
                    )
    for call in facts.calls(*_MATCHES, *_METHODS):
        given = call.args[-1] if call.args else None
        if call.callee in _MATCHES and len(call.args) > 1:
            given = call.args[1]
        if given is not None and _is_origin(facts, given) and (pattern := _pattern(facts, call)) is not None:
            start = ".*" if call.method == "search" and not pattern.startswith("^") else ""
            if (found := admitted(start + pattern, call.method == "fullmatch")) is not None:
                yield call.span, f"the pattern of origins lets {found} in"
    for one in facts.comparisons("in"):
        held = any(_DOMAIN.search(text) for text in _texts(one.left))
        if held and _is_origin(facts, one.right):
            yield one.span, "an origin that merely holds this text is let in"
        if isinstance(one.right, Sequence) and "null" in one.right.plain() and _is_origin(facts, one.left):
            yield one.span, "the origin `null` is allowed, which every sandboxed page can be"
    for header in headers_set(facts, "Access-Control-Allow-Origin"):
        if text_of(header.value) == "null":
            yield header.span, "the origin `null` is allowed, which every sandboxed page can be"


def _texts(value: Value) -> Iterator[str]:
    for one in value.items if isinstance(value, Sequence) else options(value):
        if (text := text_of(one)) is not None:
            yield text


def _loose(method: str, text: str) -> bool:
    """``endswith("example.com")`` admits evilexample.com, ``startswith("https://example.com")`` admits example.com.evil.test."""
    if method == "endswith":
        return bool(_DOMAIN.search(text)) and not text.startswith((".", "://", "http"))
    return text.startswith("http") and bool(_DOMAIN.search(text))


def _pattern(facts: SourceFacts, call: Call) -> str | None:
    if call.callee in _MATCHES:
        first = call.argument(0, "pattern")
        return _written(facts, first) or (_written(facts, first.argument(0)) if isinstance(first, Call) else None)
    made = call.receiver
    return (
        _written(facts, made.argument(0, "pattern")) if isinstance(made, Call) and made.callee == "re.compile" else None
    )


def _written(facts: SourceFacts, pattern: Value | None) -> str | None:
    """A pattern where it is written: behind a setting, or as what holds where a variable is unset."""
    for one in facts.followed(pattern) if pattern is not None else ():
        said = text_of(one.default if isinstance(one, EnvironmentValue) else one)
        if said is not None:
            return said
    return None


def _is_origin(facts: SourceFacts, value: Value) -> bool:
    for part in walk(value, 4):
        match part:
            case Name(dotted="flask.request.origin") | Constant(value="HTTP_ORIGIN"):
                return True
            case Member(attribute="origin", owner=Name(dotted="flask.request")):
                return True
            case Item(key=Constant(value=str(key))) if key.lower() == "origin":
                return True
            case _:
                if "origin" in part.name.lower():
                    return True
    return any(label.kind == "request-header" and label.source.lower() == "origin" for label in facts.labels(value))


def probe(target: Target) -> Steps[Verdict]:
    """A stranger must be refused (the control); then `null` and names that resemble the trusted ones."""
    base = yield from crossings(target, stranger(target), 3)
    if not base:
        return not_applicable("no route can be read")
    if any(one.allowed in ("*", one.origin) for one in base):
        return passed("every origin is let in; that is another rule's matter")
    for origin in _resembling(target):
        seen = yield from crossings(target, origin, 3)
        taken = [one for one in seen if one.allowed == origin]
        if taken:
            evidence = [
                Evidence("exchange", "control: an invented origin is not allowed", base[0].crossed),
                Evidence("exchange", f"the origin {origin} is allowed", taken[0].crossed),
            ]
            return failed(f"{taken[0].ref} allows the origin {origin}", [one.ref for one in taken], evidence)
    return passed("neither `null` nor names that resemble the trusted ones are let in")


def _resembling(target: Target) -> list[str]:
    """`null`, what the source's own patterns would let in, and names made from the host that is asked."""
    facts = source_of(target.app)
    found = ["null"]
    for said in sayings(facts):
        found += [one for pattern in patterns(said.origins) if (one := admitted(pattern)) is not None]
        found += [one for word in words(said.origins) for one in strangers(word)[:1]]
    host = target.base_url.partition("://")[2].partition("/")[0].partition(":")[0]
    found += strangers(host)[:2] + strangers(host)[4:6] if re.search(r"[a-z]\.[a-z]", host) else ()
    for call in facts.calls("*.endswith", "*.startswith") if facts.imports("flask") else ():
        texts = [text for argument in call.args[:1] for text in _texts(argument)]
        found += [
            made for text in texts if _loose(call.method, text) for made in strangers(text)[:: len(strangers(text)) - 1]
        ]
        found += [f"{text}.evil.test" for text in texts if call.method == "startswith" and text.startswith("http")]
    return list(dict.fromkeys(found))[:6]


def fix(app: App, hit: Hit) -> Edit | None:
    """What stands before the end of a name, where it is asked by hand: ``.shop.example`` and ``://shop.example`` are no ends of
    ``https://evilshop.example``."""
    for call in calls_at(source_of(app), hit.span):
        said = call.args[0] if call.method == "endswith" and call.args else None
        text = text_of(said)
        if isinstance(said, Constant) and said.span is not None and text is not None and _loose("endswith", text):
            return Edit(said.span, f'("://{text}", ".{text}")', safe=False)
    return None


RULE = Rule(
    slug="cors-origin-pattern-loose",
    family="cors",
    title="CORS: the pattern of allowed origins is loose",
    harm=__doc__ or "",
    severity="high",
    check="input-validation",
    cwe=(942,),
    owasp="API8:2023",
    asvs=("V3.4.2",),
    surfaces=("source", "wsgi", "http"),
    ends="`STOPPER_CORS_ORIGINS` of `Stopper(app)` takes exact origins only, and never `null`.",
    detect=detect,
    fix=fix,
    probe=probe,
)
