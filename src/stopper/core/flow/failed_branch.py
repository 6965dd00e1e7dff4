"""What is written where a check has just failed, or before it is made: the check says nothing good of it."""

from typing import TYPE_CHECKING, Final

from stopper.core.fact import Condition
from stopper.core.flow.passing import callers
from stopper.core.place import Span
from stopper.core.values import Call, Format, Name, Truth, Value, options, walk

if TYPE_CHECKING:
    from stopper.core.facts import SourceFacts

_FAILS: Final = {"not in": True, "!=": True, "in": False, "==": False}
"""Operators, and whether the value is none of the good ones where they hold."""


def made_at(value: Value) -> Span | None:
    """Where a text is put together; what is read from the request stands before every check of it."""
    return value.span if isinstance(value, (Format, Call)) else None


def failed_before(facts: "SourceFacts", asked: Span, operator: str, at: Span | None) -> bool:
    """``if kind not in KINDS: return f"<p>There is no {kind}</p>"``: the place is in the body that runs where the test has failed.
    What is given back above a check was not checked either.
    *operator* is that of a comparison, ``""`` for a check that is called; *asked* is where it stands."""
    if at is None:
        return False
    if _is_given_back_before(facts, asked, at):
        return True
    around = list(facts.conditions_around(at))
    asker = facts.function_around(asked) if around else ""
    return any(
        one.negated is not _FAILS.get(operator, False)
        and (
            one.span.holds(asked)
            or _is_named(one.value, asked)
            or _asks_by(one.value, asker, facts.function_around(at))
        )
        for one in around
    )


def has_failed(test: Condition, at: Span | None) -> bool:
    """That the place is in the body of a test which holds where two things differ: ``if urlsplit(back).hostname != OURS: return f"{back}?error"``."""
    if at is None or test.body is None or not test.body.holds(at):
        return False
    return any(
        isinstance(one, Truth) and len(one.parts) > 1 and one.differs is not test.negated for one in options(test.value)
    )


def _is_given_back_before(facts: "SourceFacts", asked: Span, at: Span) -> bool:
    """``return f"There is no {name}"`` above ``if name in known:``: the request never came to the question."""
    if asked.path != at.path or asked.line <= at.end_line:
        return False
    here = facts.function_around(at)
    return here == facts.function_around(asked) and any(
        one.span.holds(at) and not one.span.holds(asked) for one in facts.returns_of(here)
    )


def _is_named(test: Value, asked: Span) -> bool:
    """``is_away = urlsplit(back).hostname != OURS`` and ``if is_away:``"""
    compared = [part for one in options(test) if isinstance(one, Truth) for side in one.parts for part in walk(side, 2)]
    return any((where := getattr(part, "span", None)) is not None and asked.holds(where) for part in compared)


def _asks_by(test: Value, asker: str, here: str) -> bool:
    """That a test asks a function of the project: by its call, or by what the one function that is called from here alone compares."""
    if isinstance(test, Call):
        return test.callee == asker
    return isinstance(test, Truth) and asker not in ("", here)


def only_told(facts: "SourceFacts", asked: Span | None) -> bool:
    """``if host not in HOSTS: error = "…"``, and nobody asks for the error: what stands there keeps nothing away. Neither does what a function
    of the project gives back to such tests alone."""
    told = facts.once("tests that only tell", lambda: tuple(one.span for one in facts.conditions() if one.tells))
    if asked is None or not told:
        return False
    if any(one.holds(asked) for one in told):
        return True
    home = facts.function_around(asked)
    return home in facts.once("functions that such tests ask", lambda: _asked_to_tell(facts)) and any(
        one.span.holds(asked) for one in facts.returns_of(home)
    )


def _asked_to_tell(facts: "SourceFacts") -> frozenset[str]:
    """The functions of the project that are called in tests that only tell, and that nothing else calls or names."""
    told = [one for one in facts.conditions() if one.tells]
    asked = {
        call.span: call.callee
        for one in told
        for call in facts.calls_in(one.function)
        if call.span is not None and one.span.holds(call.span) and facts.function(call.callee) is not None
    }
    alone = {name for name in asked.values() if all(call.span in asked for call in callers(facts, name))}
    if not alone:
        return frozenset()
    handed = (value for call in facts.calls() for value in (*call.args, *(said for _, said in call.keywords)))
    return frozenset(alone - {value.dotted for value in handed if isinstance(value, Name)})
