"""Answers that refuse, and the functions of a project that make them."""

from collections.abc import Iterator
from typing import Final

from stopper.core.facts import SourceFacts
from stopper.core.flow.raising import raised_in
from stopper.core.values import Call, Choice, Constant, Parameter, Sequence, Value, is_constant, walk

SENT_AWAY: Final = frozenset({"werkzeug.exceptions.Unauthorized", "werkzeug.exceptions.Forbidden", "flask.redirect"})
"""What a check gives back for whoever may not pass, without a number that says so."""
ANSWERS: Final = (
    "flask.jsonify",
    "flask.make_response",
    "flask.Response",
    "flask.redirect",
    "werkzeug.exceptions.Unauthorized",
    "werkzeug.exceptions.Forbidden",
)


def is_refusal(value: Value) -> bool:
    """That the value turns somebody away: an answer of 401 or 403, or one that sends elsewhere."""
    if isinstance(value, Call) and value.method == "abort":
        return False  # it raises, so nobody needs to look at an answer
    if isinstance(value, Choice):
        return any(is_refusal(option) for option in value.options)
    if isinstance(value, Call) and value.callee in SENT_AWAY:
        return True
    return any(isinstance(part, Constant) and part.value in (401, 403) for part in walk(value, 2))


def only_refusing(facts: SourceFacts) -> list[str]:
    """Functions of the project that make a refusal and do nothing else: ``def forbidden(): return jsonify(…), 403``."""
    return [
        function.name
        for function in facts.functions()
        if function.returns
        and not facts.conditions_in(function.name)
        and all(is_refusal(one) for one in function.returns)
        and not raised_in(facts, function.name)
        and not facts.is_view(function.name)
    ]


def errors_made(facts: SourceFacts) -> frozenset[str]:
    """Exceptions of the project, and its functions that make one and do nothing else: ``Problem.not_yours()``."""

    def names() -> frozenset[str]:
        errors = {one.name for one in facts.classes(*_ERRORS)}
        makers = (
            function.name
            for function in facts.functions()
            if errors
            and function.returns
            and all(isinstance(one, Call) and one.callee in errors for one in function.returns)
        )
        return frozenset({*errors, *makers})

    return facts.once("errors that are made", names)


_ERRORS: Final = ("Exception", "BaseException", "RuntimeError", "ValueError", "PermissionError", "werkzeug.exceptions.HTTPException", "werkzeug.exceptions.Forbidden", "werkzeug.exceptions.Unauthorized")  # fmt: skip


def answers_only_some(facts: SourceFacts, function: str) -> bool:
    """That it gives an answer to those whom a test finds, and nothing to the rest: ``if not known: return jsonify(code=1000)``, and there it ends.
    What it gives is a refusal, whatever number stands in it."""
    returns = facts.returns_of(function)
    bodies = [one.body for one in facts.conditions_in(function) if one.body is not None and one.stops]
    return bool(returns) and all(
        _is_answer(facts, one.value) and any(body.holds(one.span) for body in bodies) for one in returns
    )


def _is_answer(facts: SourceFacts, value: Value, depth: int = 3) -> bool:
    if isinstance(value, Sequence) and value.items:
        return _is_answer(facts, value.items[0], depth)
    if not isinstance(value, Call):
        return False
    made = facts.returns_of(value.callee) if depth else ()
    return value.callee in ANSWERS or (bool(made) and all(_is_answer(facts, one.value, depth - 1) for one in made))


def refused_by_number(facts: SourceFacts) -> Iterator[Call]:
    """``problem(401, "Sign in first")``, where a function of the project makes an answer of the status that it is given."""
    making = [
        function.name
        for function in facts.functions()
        if function.returns and all(_is_answer_of(function.name, one) for one in function.returns)
    ]
    for call in facts.calls(*making) if making else ():
        if any(is_constant(value, 401, 403) for value in (*call.args, *(value for _, value in call.keywords))):
            yield call


def _is_answer_of(function: str, value: Value) -> bool:
    """An answer, or one in a tuple, whose status is a parameter of the function."""
    made = value.items[0] if isinstance(value, Sequence) and value.items else value
    answers = isinstance(made, Call) and made.callee in ANSWERS
    return answers and any(isinstance(one, Parameter) and one.function == function for one in walk(value, 1))
