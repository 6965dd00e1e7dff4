"""A header of another form ends in a 500, or another scheme's value is taken for a token."""

from collections.abc import Iterator
from typing import Final

from stopper.core.app import App
from stopper.core.facts import SourceFacts, source_of
from stopper.core.finding import Evidence, Verdict
from stopper.core.place import Span
from stopper.core.probe import Steps, Target, failed, passed, send, unsure
from stopper.core.probe_baseline import controls, judge, protected
from stopper.core.rule import Hit, Rule
from stopper.core.values import Call, Constant, Item, Parameter, Unknown, Value, text_of, walk

MESSAGE: Final = "the Authorization header is taken apart without a look at its scheme and form"
HEADERS: Final = ("flask.request.headers", "flask.request.environ")
NAMES: Final = frozenset({"authorization", "http_authorization"})
SCHEMES: Final = frozenset({"bearer", "token", "jwt", "basic"})
_CAUGHT: Final = frozenset({"IndexError", "ValueError", "Exception", "BaseException", "LookupError", "*"})
_LOOKS: Final = frozenset({"startswith", "match", "fullmatch", "len", "partition"})


def detect(app: App) -> Iterator[Hit]:
    """A split, slice or replace of the header in a function that never looks at the scheme or the number of parts."""
    facts = source_of(app)
    functions = {one.function for one in facts.readings(*HEADERS) if one.key.lower() in NAMES}
    functions |= {call.function for call in facts.calls("?.split", "?.replace") if _passed_on(facts, call)}
    for function in sorted(functions):
        if _is_careful(facts, function):
            continue
        first = min(_taken_apart(facts, function), default=None)
        if first is not None:  # one way of reading is one finding, on however many lines it stands
            yield Hit(MESSAGE, first)


def _passed_on(facts: SourceFacts, call: Call) -> bool:
    return isinstance(call.receiver, Parameter) and facts.derives(call.receiver, "authorization-header", by_name=False)


def _taken_apart(facts: SourceFacts, function: str) -> Iterator[Span]:
    for call in facts.calls_in(function):
        if (
            call.method in ("split", "replace", "lstrip", "strip")
            and _is_header(facts, call.receiver)
            and call.span is not None
        ):
            literal = text_of(call.args[0]) if call.args else None
            blank = literal is None or not literal.strip()
            if (call.method == "split" and blank) or (not blank and (literal or "").strip(" :").lower() in SCHEMES):
                yield call.span
    for value in _values(facts, function):
        for inner in walk(value, 6):
            if (
                isinstance(inner, Item)
                and _is_slice(inner)
                and _is_header(facts, inner.owner)
                and inner.span is not None
            ):
                yield inner.span


def _values(facts: SourceFacts, function: str) -> Iterator[Value]:
    yield from (call for call in facts.calls_in(function))
    yield from (one.value for one in facts.returns_of(function))
    yield from (one.value for one in facts.assignments_in(function))


def _is_slice(item: Item) -> bool:
    if not isinstance(item.key, Unknown) or not item.key.parts:
        return False
    first = item.key.parts[0]
    if isinstance(first, Call) and first.callee == "len":
        return True  # ``header[len("Bearer "):]``
    return isinstance(first, Constant) and type(first.value) is int and first.value > 3


def _is_header(facts: SourceFacts, value: Value | None) -> bool:
    """The header itself, also with a fallback or stripped; not what was made of it."""
    if isinstance(value, Item):
        return (text_of(value.key) or "").lower() in NAMES
    if isinstance(value, Call) and value.method in ("strip", "lstrip", "get", "str"):
        inner = value.receiver or (value.args[0] if value.args else None)
        return _is_header(facts, inner)
    if isinstance(value, Parameter):
        return facts.derives(value, "authorization-header", by_name=False)
    options = getattr(value, "options", ())
    return any(_is_header(facts, option) for option in options)


def _is_careful(facts: SourceFacts, function: str) -> bool:
    for call in facts.calls_in(function):
        given = (call.receiver, *call.args)
        if call.method in _LOOKS and any(_has_header(facts, one) for one in given):
            return True
    for compared in facts.comparisons_in(function):
        sides = (compared.left, compared.right)
        if any(_has_header(facts, side) and not _is_hashed(side) for side in sides) and not any(
            map(_is_nothing, sides)
        ):
            return True
    return any(
        _CAUGHT & {name.rpartition(".")[2] for name in handler.catches}
        and handler.action in ("refuse", "return", "raise")
        for handler in facts.handlers()
        if handler.function == function
    )


def _is_hashed(value: Value) -> bool:
    """Looked up by its hash: whatever was taken for a token is used, and nothing asked what it looks like."""
    return any(isinstance(one, Call) and one.method in ("digest", "hexdigest") for one in walk(value, 4))


def _has_header(facts: SourceFacts, value: Value | None) -> bool:
    return any(_is_header(facts, inner) for inner in walk(value, 6) if isinstance(inner, (Item, Parameter)))


def _is_nothing(value: Value) -> bool:
    return isinstance(value, Constant) and value.value in (None, "")


def probe(target: Target) -> Steps[Verdict]:
    """Shows headers of another form, and the good token under another scheme."""
    baseline = yield from protected(target)
    token = baseline.identity.token if baseline is not None else None
    if (
        baseline is None
        or token is None
        or not any(name.lower() == "authorization" for name, _ in baseline.identity.headers)
    ):
        return unsure("no route was found that a token in the Authorization header opens and nobody else passes")
    for value in ("Bearer", "x", "Bearer a b"):
        answer = yield from send(baseline.request.with_headers(("Authorization", value)))
        if answer.response.raised or answer.response.status >= 500:
            seen = Evidence("exchange", "a header of another form ends in an error of the server", answer)
            message = f"{baseline.ref} fails with an error where the Authorization header has another form"
            return failed(message, (baseline.ref,), (*controls(baseline), seen))
    other = yield from send(baseline.request.with_headers(("Authorization", f"Xtoken {token.reveal()}")))
    if judge(baseline, other.response) == "let-in":
        seen = Evidence("exchange", "the token under an unknown scheme is let in", other)
        message = f"{baseline.ref} takes a token under any scheme"
        return failed(message, (baseline.ref,), (*controls(baseline), seen))
    return passed(f"{baseline.ref} refuses headers of another form")


RULE = Rule(
    slug="authorization-header-parsed-loosely",
    family="bearer",
    title="`Authorization` header parsed loosely",
    harm=__doc__ or "",
    severity="medium",
    check="authentication",
    cwe=(20,),
    owasp="API2:2023",
    asvs=("V2.2.1",),
    surfaces=("source", "wsgi", "http"),
    ends="Stopper's `@bearer` parses the header strictly and refuses every other form.",
    detect=detect,
    probe=probe,
)
