"""A header of another form ends in a 500, or another scheme's value is taken for a token."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.app import App
from stopper.core.facts import SourceFacts, source_of
from stopper.core.finding import Evidence, Verdict
from stopper.core.place import Span
from stopper.core.probe import Steps, Target, failed, passed, send, unsure
from stopper.core.probing.baseline import controls, judge, protected
from stopper.core.rule import Hit, Rule
from stopper.core.values import Call, Choice, Constant, Item, Member, Parameter, Unknown, Value, text_of, walk

MESSAGE: Final = "the Authorization header is taken apart without a look at its scheme and form"
HEADERS: Final = ("flask.request.headers", "flask.request.environ")
NAMES: Final = frozenset({"authorization", "http_authorization"})
SCHEMES: Final = frozenset({"bearer", "token", "jwt", "basic"})
_CAUGHT: Final = frozenset({"IndexError", "ValueError", "Exception", "BaseException", "LookupError", "*"})
_LOOKS: Final = frozenset({"startswith", "match", "fullmatch", "search"})
_CUTS: Final = ("split", "rsplit", "partition", "rpartition", "replace", "removeprefix", "lstrip", "strip")
_LETTERS: Final = frozenset({"strip", "lstrip"})
"""They take letters away and not a word: ``"Bearer rea1".lstrip("Bearer ")`` is ``"1"``."""
_FINDS: Final = frozenset({"len", "find", "index", "rfind", "rindex"})


def detect(app: App) -> Iterator[Hit]:
    """A split, slice or replace of the header in a function that never looks at the scheme."""
    facts = source_of(app)
    if not facts.says_anyhow(*NAMES):
        return
    functions = set(_reading(facts))
    cuts = facts.calls(*(f"?.{method}" for method in _CUTS))
    functions |= {call.function for call in cuts if call.function not in functions and _is_header(facts, call.receiver)}
    for function in sorted(functions):
        careful = _is_careful(facts, function)
        first = min((span for span, letters in _taken_apart(facts, function) if letters or not careful), default=None)
        if first is not None:  # one way of reading is one finding, on however many lines it stands
            yield Hit(MESSAGE, first)


def _reading(facts: SourceFacts) -> frozenset[str]:
    """The functions that read the header."""
    return facts.once(
        "functions that read the Authorization header",
        lambda: frozenset(one.function for one in facts.readings(*HEADERS) if one.key.lower() in NAMES),
    )


def _taken_apart(facts: SourceFacts, function: str) -> Iterator[tuple[Span, bool]]:
    """Where the header is taken apart, and whether letters are taken away in place of a word."""
    for call in facts.calls_in(function):
        if call.span is None:
            continue
        if call.method in _CUTS and _is_header(facts, call.receiver):
            literal = text_of(call.args[0]) if call.args else None
            blank = literal is None or not literal.strip()
            scheme = not blank and (literal or "").strip(" :").lower() in SCHEMES
            if scheme or (blank and call.method in ("split", "rsplit", "partition", "rpartition")):
                yield call.span, scheme and call.method in _LETTERS
        elif call.method in ("group", "groups") and (
            _is_unasked_match(facts, function, call) or _fits_any_scheme(facts, function, call)
        ):
            yield call.span, True
        elif call.callee in ("re.sub", "re.split") and any(_is_header(facts, one) for one in call.args):
            yield call.span, False
    for value in _values(facts, function):
        for inner in walk(value, 6):
            if (
                isinstance(inner, Item)
                and _is_slice(inner)
                and _is_header(facts, inner.owner)
                and inner.span is not None
            ):
                yield inner.span, False


def _is_unasked_match(facts: SourceFacts, function: str, group: Call) -> bool:
    """``re.search("Bearer (.+)", header).group(1)``, where nothing asks whether anything was found."""
    found = group.receiver
    if not isinstance(found, Call) or found.method not in ("match", "fullmatch", "search"):
        return False
    if not any(_is_header(facts, one) for one in found.args):
        return False
    asked = [part for one in facts.conditions_in(function) for part in walk(one.value, 4)]
    chosen = [part for value in _values(facts, function) for part in walk(value, 4) if isinstance(part, Choice)]
    caught = (name.rpartition(".")[2] for one in facts.handlers_in(function) for name in one.catches)
    return (
        not any(isinstance(part, Call) and part.span == found.span for part in asked)
        and not any(part is group for one in chosen for part in walk(one, 4))
        and not any(name in _CAUGHT or name in ("AttributeError", "TypeError") for name in caught)
    )


_WORD_FIRST: Final = re.compile(r"(?<!\\)\b[A-Za-z][A-Za-z-]{2,}\)?\[?(?:\s|\\s)")
"""``^ApiKey (\\w+)$``: a word of the pattern itself with a blank behind it."""


def _fits_any_scheme(facts: SourceFacts, function: str, group: Call) -> bool:
    """``re.search(r"[\\w.-]+$", header)``: the pattern names no scheme, and nothing compares what it found with one."""
    found = group.receiver
    if not isinstance(found, Call) or found.method not in ("match", "fullmatch", "search"):
        return False
    made = found.receiver if isinstance(found.receiver, Call) and found.receiver.callee == "re.compile" else found
    pattern = text_of(made.args[0]) if made.args else None
    if pattern is None or not any(_is_header(facts, one) for one in found.args):
        return False
    named = any(scheme in pattern.lower() for scheme in SCHEMES) or _WORD_FIRST.search(pattern) is not None
    compared = facts.comparisons_in(function)
    return not named and not any(_asks_scheme(facts, one.operator, one.left, one.right) for one in compared)


def _values(facts: SourceFacts, function: str) -> Iterator[Value]:
    yield from (call for call in facts.calls_in(function))
    yield from (one.value for one in facts.returns_of(function))
    yield from (one.value for one in facts.assignments_in(function))


def _is_slice(item: Item) -> bool:
    if not isinstance(item.key, Unknown) or not item.key.parts:
        return False
    first = item.key.parts[0]
    if any(isinstance(one, Call) and one.method in _FINDS for one in walk(first, 2)):
        return True  # ``header[len("Bearer "):]``, ``header[header.find(" ") + 1:]``
    return isinstance(first, Constant) and type(first.value) is int and first.value > 3


def _is_header(facts: SourceFacts, value: Value | None) -> bool:
    """The header itself, also with a fallback or stripped; not what was made of it."""
    if isinstance(value, Item):
        return (text_of(value.key) or "").lower() in NAMES
    if isinstance(value, Call) and value.method in ("strip", "lstrip", "get", "str", "lower", "casefold"):
        inner = value.receiver or (value.args[0] if value.args else None)
        key = text_of(value.argument(0)) if value.method == "get" else None
        return _is_header(facts, inner) or (key or "").lower() in NAMES
    if isinstance(value, (Parameter, Member)):
        return facts.derives(value, "authorization-header", by_name=False)
    options = getattr(value, "options", ())
    return any(_is_header(facts, option) for option in options)


def _is_careful(facts: SourceFacts, function: str, depth: int = 1, *, caught: bool = True) -> bool:
    """That the scheme is looked at, by the function, by one that it asks (with the header, or one that reads it as well) or by one that hands
    the header to it; or that another form ends in a refusal, where the function is the one that takes it apart (*caught*)."""
    for call in facts.calls_in(function):
        given = [one for one in (call.receiver, *call.args) if one is not None and _has_header(facts, one)]
        if given and call.method in _LOOKS:
            return True
        whole = [one for one in given if not _is_behind(facts, one)]  # what is handed on cut shows its scheme to nobody
        asks = whole or call.callee in _reading(facts)
        if asks and depth and facts.function(call.callee) is not None:
            cuts = next(_taken_apart(facts, call.callee), None) is not None
            if _is_careful(facts, call.callee, depth - 1, caught=cuts):
                return True
    if any(_asks_scheme(facts, one.operator, one.left, one.right) for one in facts.comparisons_in(function)):
        return True
    if depth and any(_is_careful(facts, call.function, 0) for call in facts.calls(function) if call.function):
        return True
    return caught and any(
        _CAUGHT & {name.rpartition(".")[2] for name in handler.catches}
        and handler.action in ("refuse", "return", "raise")
        for handler in facts.handlers()
        if handler.function == function
    )


def _asks_scheme(facts: SourceFacts, operator: str, left: Value, right: Value) -> bool:
    """``scheme != "Bearer"``, ``token == header`` after the word was taken away. Not how many parts there are, nor what the token is."""
    if operator not in ("==", "!=", "in", "not in") or _is_nothing(left) or _is_nothing(right):
        return False
    if operator in ("in", "not in") and _is_header(facts, right):
        return (text_of(left) or "").endswith(" ")  # the word alone may stand anywhere, and without anything behind it
    return any(_has_header(facts, side) and not _is_behind(facts, side) for side in (left, right))


def _is_behind(facts: SourceFacts, value: Value) -> bool:
    """What stands behind the scheme, or how many parts there are: neither says which scheme it is."""
    for one in walk(value, 6):
        if isinstance(one, Call) and one.method in _LETTERS and not one.args:
            continue
        if isinstance(one, Call) and (
            one.method in ("digest", "hexdigest", "len", "removeprefix", "replace", *_LETTERS)
            and _has_header(facts, one)
        ):
            return one.method not in _LETTERS or bool(one.args)
        if isinstance(one, Item) and isinstance(one.owner, Call) and one.owner.method in _CUTS:
            if one.owner.receiver is not None and not _is_header(facts, one.owner.receiver) and _has_header(facts, one):
                continue  # ``base64.b64decode(packed).decode().split(":")[0]``: what stands behind the scheme is cut again
            return not (isinstance(one.key, Constant) and one.key.value == 0)
        if isinstance(one, Item) and _is_slice(one):
            return True
    return False


def _has_header(facts: SourceFacts, value: Value | None) -> bool:
    return any(_is_header(facts, inner) for inner in walk(value, 6) if isinstance(inner, (Item, Parameter, Call)))


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
