"""Functions that are given whom an account is of, by whoever answers a log-in or a registration."""

import re
from typing import Final

from stopper.core.facts import SourceFacts
from stopper.core.place import Span
from stopper.core.values import Call, Caught, walk

_ACCOUNT: Final = re.compile(
    r"(?i)(?:user_?)?(?:e_?)?mail(?:_?address)?|user_?name|login(?:_?name)?|phone(?:_?number)?"
)


def is_given_account(facts: SourceFacts, name: str) -> bool:
    """``def register(self, email, password_hash)``: what the caller wrote comes as a parameter."""
    function = facts.function(name)
    return function is not None and any(_ACCOUNT.fullmatch(one) for one in function.parameters)


def is_caught_on_the_way(facts: SourceFacts, name: str, span: Span) -> bool:
    """That what is raised there never comes to an answer by itself: whoever calls the function that is given the account catches it."""
    if not is_given_account(facts, name):
        return False
    home = next((one.function for one in facts.raises() if one.span == span), "")
    return (
        bool(home)
        and not facts.is_view(home)
        and any(
            home in handler.tried and not _shows_what_it_caught(facts, handler.function)
            for handler in facts.handlers()
            if handler.function != home
        )
    )


def _shows_what_it_caught(facts: SourceFacts, function: str) -> bool:
    """``except AuthError as error: return jsonify(error=str(error))``: what was raised is the answer."""
    said = [one.value for one in facts.returns_of(function)]
    said += [value for call in facts.calls_in(function) if call.method in ("abort", "flash") for value in call.args]
    return any(isinstance(part, Caught) for value in said for part in walk(value, 6))


_ASKS_PASSWORD: Final = re.compile(
    r"(?i)_*(?:check|verify|validate|match(?:es)?|is_correct|authenticate)_?(?:pass\w*|pwd|secret)?(?:_hash)?"
)


def is_said_of_both(facts: SourceFacts, span: Span) -> bool:
    """``if user is None or not user.check_password(typed): raise UserNotFound()``: whoever is not known and whoever typed another password get
    the same answer, whatever its words are."""
    around = [one for one in facts.conditions_around(span) if one.body is not None]
    inner = min(around, key=lambda one: one.body.end_line - one.body.line if one.body is not None else 0, default=None)
    return inner is not None and any(
        isinstance(part, Call) and _ASKS_PASSWORD.fullmatch(part.method) is not None for part in walk(inner.value, 5)
    )
