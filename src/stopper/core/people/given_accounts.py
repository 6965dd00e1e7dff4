"""Functions that take whom an account is of: out of the request, or from whoever answers a log-in or a registration."""

import re
from typing import Final

from stopper.core.account_names import checks_password_hash, is_password_name
from stopper.core.facts import SourceFacts
from stopper.core.place import Span
from stopper.core.values import Call, Caught, Constant, Item, Member, Parameter, Value, text_of, walk

_ACCOUNT: Final = re.compile(
    r"(?i)(?:user_?)?(?:e_?)?mail(?:_?address)?|user_?name|login(?:_?name)?|phone(?:_?number)?"
)
_SAYS_WHO: Final = re.compile(r"(?i)mail|user|login|phone|account(?!_?ids?$)")
"""An account with an id alone may be one at a bank."""
_KEY_OF_PERSON: Final = re.compile(r"(?i)mail|user_?name|login|phone")


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


_FORMS: Final = frozenset({"fullmatch", "match", "search", "validate_email", "is_email", "is_valid_email"})


def is_said_of_the_form(facts: SourceFacts, span: Span) -> bool:
    """``if ADDRESS.fullmatch(typed) is None: return "Invalid e-mail"``: how it is written, whoever has it."""
    around = [one for one in facts.conditions_around(span) if one.body is not None]
    inner = min(around, key=lambda one: one.body.end_line - one.body.line if one.body is not None else 0, default=None)
    return inner is not None and any(isinstance(part, Call) and _asks_form(part) for part in walk(inner.value, 5))


def _asks_form(call: Call) -> bool:
    """``directory.search(address)`` looks somebody up."""
    if call.method not in ("match", "search"):
        return call.method in _FORMS
    by = call.receiver
    return call.callee.startswith(("re.", "regex.")) or (isinstance(by, Call) and by.callee.endswith(".compile"))


def takes_account(facts: SourceFacts, name: str) -> bool:
    """That the function reads whom an account is of out of the request, checks a password, or is given either."""
    return (
        any(
            one.function == name and (is_password_name(one.key) or _SAYS_WHO.search(one.key))
            for one in facts.readings()
        )
        or any(checks_password_hash(call) or _asks_for_account(facts, call) for call in facts.calls_in(name))
        or is_given_account(facts, name)
    )


def _asks_for_account(facts: SourceFacts, call: Call) -> bool:
    """``where(User.email == data["email"])``, where a schema has made ``data`` of the body; ``data.email`` of a model of pydantic, or of what a
    function of the project makes of the body."""
    return any(
        _KEY_OF_PERSON.search(_read_of_body(part))
        or (
            isinstance(part, (Member, Item))
            and isinstance(part.owner, Call)
            and _KEY_OF_PERSON.search(part.attribute if isinstance(part, Member) else text_of(part.key) or "")
            and facts.function(part.owner.callee) is not None
            and facts.derives(part.owner, "request-data", by_name=False)
        )
        for part in walk(call, 5)
    )


def _read_of_body(part: Value) -> str:
    match part:
        case Item(owner=Parameter() | Call(method="parse_args"), key=key):
            return text_of(key) or ""
        case Member(owner=Call(method="model_validate" | "parse_obj" | "model_validate_json"), attribute=name):
            return name
        case Member(attribute="data", owner=Call(args=(Constant(value=str(label)), *_))):  # the field of a form
            return label
        case Member(attribute="data", owner=Call(callee=kind)) if kind.endswith("Field"):
            return kind
        case _:
            return ""
