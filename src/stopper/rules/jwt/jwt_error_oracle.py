"""The answers tell somebody who tries tokens how near the last one was."""

from collections.abc import Iterator
from typing import Final

from stopper.core.app import App
from stopper.core.facts import ErrorHandler, Function, Handler, SourceFacts, source_of
from stopper.core.finding import Evidence, Verdict
from stopper.core.place import Span
from stopper.core.probe import Steps, Target, failed, passed, send
from stopper.core.probing.baseline import controls, judge, same, shown
from stopper.core.probing.signature import signable, telling_baseline
from stopper.core.rule import Hit, Rule
from stopper.core.tokens.jwt_extended import ended
from stopper.core.tokens.jwt_names import DECODING, OTHER_VERIFIERS
from stopper.core.values import (
    Call,
    Caught,
    Choice,
    Constant,
    Item,
    Mapping,
    Name,
    Parameter,
    Truth,
    Unknown,
    Value,
    text_of,
    walk,
)

ERRORS: Final = ("jwt.", "jose.", "authlib.", "joserfc.", "flask_jwt_extended.")
LOADERS: Final = ("expired_token_loader", "invalid_token_loader")


def detect(app: App) -> Iterator[Hit]:
    """Handlers and loaders that answer an expired token otherwise than a wrong one, or that send the error's text."""
    facts = source_of(app)
    yield from _handlers(facts)
    yield from _registered(facts)
    yield from _extension(app, facts)


def _handlers(facts: SourceFacts) -> Iterator[Hit]:
    known: dict[tuple[str, tuple[str, ...]], list[Handler]] = {}
    decoding = {call.function for name in (*DECODING, *OTHER_VERIFIERS) for call in facts.calls(name)}
    if not decoding:
        return
    for handler in facts.handlers():
        if any(name.startswith(ERRORS) for name in handler.catches):
            known.setdefault((handler.function, handler.tried), []).append(handler)
    for (function, _), handlers in known.items():
        told = [(handler, _answers(facts, function, handler)) for handler in handlers]
        texts = [(handler, said) for handler, said in told if said]
        if len({said for _, said in texts}) > 1:
            yield Hit("each kind of bad token has an answer of its own", texts[0][0].span)
            continue
        unknown = next(_unknown_apart(facts, function, texts), None)
        if unknown is not None:
            yield Hit("who is not known any more is told otherwise than a bad token", unknown)
            continue
        apart = next(
            (one for one, _ in told if _asks_which(facts, function, one) or _looks_up_which(facts, function, one)), None
        )
        if apart is not None:
            yield Hit("each kind of bad token has an answer of its own", apart.span)
            continue
        for handler, _ in told:
            if _sends_text(facts, function, handler):
                yield Hit("the answer tells what is wrong with the token, in the library's own words", handler.span)


def _answers(facts: SourceFacts, function: str, handler: Handler) -> tuple[str, ...]:
    """What tells one answer of a handler from another: the literals in it, and those that it puts into the answer behind it."""
    found: list[str] = []
    for returned in facts.returns_of(function):
        if returned.span.line > handler.span.end_line:
            found += [
                repr(part.value)
                for part in walk(returned.value, 6)
                if isinstance(part, Constant) and part.span is not None and handler.span.holds(part.span)
            ]
    for returned in facts.returns():
        if returned.function == function and handler.span.holds(returned.span):
            found += _literals(returned.value)
    for call in facts.calls_in(function):
        if call.method == "abort" and call.span is not None and handler.span.holds(call.span):
            found += [
                text for given in (*call.args, *(value for _, value in call.keywords)) for text in _literals(given)
            ]
    for raised in facts.raises():
        if raised.function == function and handler.span.holds(raised.span):
            found += (
                [raised.exception]
                if _keeps_to_itself(facts, raised.exception)
                else [raised.exception, *_literals(raised.value)]
            )
    return tuple(found)


def _unknown_apart(facts: SourceFacts, function: str, told: list[tuple[Handler, tuple[str, ...]]]) -> Iterator[Span]:
    """``if user is None: return jsonify(error="no such user"), 404`` behind a decode whose errors are answered otherwise."""
    last = max((handler.span.end_line for handler, _ in told), default=0)
    answers = {said for _, said in told}
    for condition in facts.conditions_in(function) if answers else ():
        body = condition.body
        if body is None or condition.span.line <= last or not condition.stops or not _is_look_up(condition.value):
            continue
        for returned in facts.returns_of(function):
            said = tuple(_literals(returned.value))
            if body.holds(returned.span) and said and said not in answers and {"401", "403", "404"} & set(said):
                yield returned.span


def _is_look_up(value: Value) -> bool:
    """Whether something was found by what a token says, and nothing else."""
    inner = value.parts[0] if isinstance(value, Truth) and value.parts else value
    if not isinstance(inner, Call) or inner.callee in DECODING:
        return False
    return any(
        isinstance(part, Item) and isinstance(part.owner, Call) and part.owner.callee in DECODING
        for part in walk(inner, 8)
    )


def _asks_which(facts: SourceFacts, function: str, handler: Handler) -> bool:
    """``isinstance(error, jwt.ExpiredSignatureError)`` in one handler, with an answer for each kind."""
    asked = any(
        handler.span.holds(one.span)
        and isinstance(one.value, Call)
        and one.value.callee == "isinstance"
        and any(isinstance(part, Caught) for part in one.value.args)
        for one in facts.conditions_in(function)
    )
    answers = [one.value for one in facts.returns_of(function) if handler.span.holds(one.span)]
    either = any(isinstance(part, Choice) and len(part.options) > 1 and all(map(text_of, part.options))
                 for one in answers for part in walk(one, 6))  # fmt: skip
    return asked and (either or len({tuple(_literals(one)) for one in answers}) > 1)


def _looks_up_which(facts: SourceFacts, function: str, handler: Handler) -> bool:
    """``raise Refused(REASONS[type(error)])``: a text for each kind out of a table, and the answer shows it."""
    said = [one.value for one in facts.returns_of(function) if handler.span.holds(one.span)]
    said += [
        one.value
        for one in facts.raises()
        if one.function == function and handler.span.holds(one.span) and not _keeps_to_itself(facts, one.exception)
        if one.value is not None
    ]
    texts = facts.once("texts for kinds of bad tokens", lambda: _tables(facts)) if said else frozenset[Span]()
    return (
        len({part.value for one in said for part in walk(one, 8) if isinstance(part, Constant) and part.span in texts})
        > 1
    )


def _tables(facts: SourceFacts) -> frozenset[Span]:
    """Where the texts stand that a mapping has for errors of a token's library."""
    return frozenset(
        held.span
        for one in facts.assignments()
        if isinstance(one.value, Mapping)
        for key, held in one.value.items
        if isinstance(key, Name)
        and key.dotted.startswith(ERRORS)
        and isinstance(held, Constant)
        and held.span is not None
    )


def _keeps_to_itself(facts: SourceFacts, exception: str) -> bool:
    """That an error of one's own has a handler whose answer says nothing of what the error holds, or is caught where one answer is given."""
    handlers = [one for one in facts.error_handlers() if one.what == exception]
    caught = [one for one in facts.handlers() if exception in one.catches]
    return bool(handlers or caught) and not (
        any(
            _is_of_error(part, one.function)
            for one in handlers
            for said in _returned(facts, one)
            for part in walk(said, 6)
        )
        or any(_sends_text(facts, one.function, one) or _answers_several(facts, one) for one in caught)
        or any(
            isinstance(part, Caught)
            for one in caught
            for returned in facts.returns_of(one.function)
            for part in walk(returned.value, 6)
        )
    )


def _answers_several(facts: SourceFacts, handler: Handler) -> bool:
    """That one handler raises on, or gives more than one answer: which of them may hang on what the error holds."""
    if any(one.function == handler.function and handler.span.holds(one.span) for one in facts.raises()):
        return True
    returned = (one for one in facts.returns_of(handler.function) if handler.span.holds(one.span))
    return len({tuple(_literals(one.value)) for one in returned}) > 1


def _literals(value: Value | None) -> list[str]:
    return [repr(part.value) for part in walk(value, 6) if isinstance(part, Constant)]


def _sends_text(facts: SourceFacts, function: str, handler: Handler) -> bool:
    """That what was caught is in an answer of the handler, or in an error that it raises for one which shows it."""
    raised = [
        one.value
        for one in facts.raises()
        if one.function == function and handler.span.holds(one.span) and one.value is not None
        if _is_shown(facts, one.exception)
    ]
    return _answers_with_text(facts, function, handler) or _hold_what_was_caught(raised)


def _answers_with_text(facts: SourceFacts, function: str, handler: Handler) -> bool:
    """In its body, or in a header."""
    said = [one.value for one in facts.returns() if one.function == function and handler.span.holds(one.span)]
    said += [
        given
        for call in facts.calls_in(function)
        if call.method == "abort" and call.span is not None and handler.span.holds(call.span)
        for given in (*call.args, *(value for _, value in call.keywords))
    ]
    said += [
        one.value for one in facts.flows("response-header") if one.function == function and handler.span.holds(one.span)
    ]
    return _hold_what_was_caught(said)


def _hold_what_was_caught(said: list[Value]) -> bool:
    return any(isinstance(part, Caught) for one in said for part in walk(one, 6))


def _is_shown(facts: SourceFacts, exception: str) -> bool:
    """That an error of the project's own has a handler, or is caught, and the answer holds what the error says."""
    caught = (one for one in facts.handlers() if exception in one.catches)
    return any(_answers_with_text(facts, one.function, one) for one in caught) or any(
        _is_of_error(part, one.function)
        for one in facts.error_handlers()
        if one.what == exception
        for said in _returned(facts, one)
        for part in walk(said, 6)
    )


def _registered(facts: SourceFacts) -> Iterator[Hit]:
    """Error handlers of the application for single errors of the library."""
    found: list[tuple[ErrorHandler, tuple[str, ...]]] = []
    for handler in facts.error_handlers():
        function = facts.function(handler.function)
        if handler.what.startswith(ERRORS) and function is not None:
            found.append((handler, tuple(text for returned in function.returns for text in _literals(returned))))
    if len({said for _, said in found}) > 1:
        yield Hit("each kind of bad token has an answer of its own", found[0][0].span)
        return
    for handler, _ in found:
        if any(_is_of_error(part, handler.function) for said in _returned(facts, handler) for part in walk(said, 6)):
            yield Hit("the answer tells what is wrong with the token", handler.span)


def _returned(facts: SourceFacts, handler: ErrorHandler) -> tuple[Value, ...]:
    function = facts.function(handler.function)
    return function.returns if function is not None else ()


def _is_of_error(part: Value, function: str) -> bool:
    return isinstance(part, Parameter) and part.function == function


def _extension(app: App, facts: SourceFacts) -> Iterator[Hit]:
    managers = list(facts.calls("flask_jwt_extended.JWTManager"))
    if not managers:
        return
    loaders: dict[str, tuple[tuple[Value, ...], Span | None]] = {}
    for loader in LOADERS:
        for function in facts.functions():
            if _is(function, loader):
                loaders[loader] = (_said(facts, function.returns), function.span)
        for said, span in _given(facts, loader):
            loaders[loader] = (_said(facts, said), span)
    if len(loaders) < len(LOADERS):
        if ended(app, "JWT_ALLOW_LEGACY_MESSAGES"):
            return
        yield Hit(
            "Flask-JWT-Extended tells an expired token (401) from a forged or broken one (422) by default",
            managers[0].span,
        )
        return
    told = {tuple(text for one in said for text in _literals(one)) for said, _ in loaders.values()}
    if len(told) > 1:
        yield Hit("expired and invalid tokens have answers of their own", loaders[LOADERS[0]][1])


def _said(facts: SourceFacts, returned: tuple[Value, ...]) -> tuple[Value, ...]:
    """What is answered, and what another function of the project answers for it."""
    found: list[Value] = []
    for one in returned:
        other = facts.function(one.callee) if isinstance(one, Call) else None
        found += other.returns if other is not None else (one,)
    return tuple(found)


def _is(function: Function, loader: str) -> bool:
    return any(decorator.name.endswith(loader) for decorator in function.decorators)


def _given(facts: SourceFacts, loader: str) -> Iterator[tuple[tuple[Value, ...], Span | None]]:
    """What functions of the project, and lambdas, answer that are handed to a loader by a call, and where they stand."""
    for call in facts.calls(f"*.{loader}"):
        given = call.argument(0, "callback")
        if isinstance(given, Name) and (function := facts.function(given.dotted)) is not None:
            yield function.returns, function.span
        elif isinstance(given, Unknown):
            yield given.parts, call.span


def probe(target: Target) -> Steps[Verdict]:
    """Shows an expired, a forged and a broken token, and holds the refusals side by side."""
    telling = yield from telling_baseline(target)
    if isinstance(telling, Verdict):
        return telling
    baseline, token = telling
    answers = [("signed by a stranger", (yield from send(shown(baseline, target.forge.foreign(token)))))]
    answers.append(("without its three parts", (yield from send(shown(baseline, "not-a-token")))))
    found = yield from signable(target)
    if not isinstance(found, Verdict):
        answers.append(("that is expired", (yield from found.with_claims(target, exp=1000000000))))
    kept = [(what, one) for what, one in answers if judge(baseline, one.response) == "kept-out"]
    for what, one in kept[1:]:
        if not same(kept[0][1].response, one.response):
            first = Evidence("exchange", f"the answer to a token {kept[0][0]}", kept[0][1])
            second = Evidence("exchange", f"the answer to a token {what}", one)
            message = f"{baseline.ref} answers a token {what} otherwise than one {kept[0][0]}"
            return failed(message, (baseline.ref,), (*controls(baseline), first, second))
    return passed(f"{baseline.ref} answers every bad token alike")


RULE = Rule(
    slug="jwt-error-oracle",
    family="jwt",
    title="Replies tell an expired token, a bad signature and a malformed token apart",
    harm=__doc__ or "",
    severity="low",
    check="authentication",
    cwe=(204,),
    owasp="API2:2023",
    asvs=("V16.5.1",),
    surfaces=("source", "wsgi", "http"),
    ends="Stopper answers every bad token with the same bytes, and keeps the reason in its audit log.",
    detect=detect,
    probe=probe,
)
