"""What a schema or form of the project asks of a password: how long it must be, and whether anything else looks at it."""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from stopper.core.account_names import is_password_name
from stopper.core.fact import ClassFact, Comparison, Decorator
from stopper.core.facts import SourceFacts
from stopper.core.flow.body_models import is_model
from stopper.core.flow.whole_numbers import least_number
from stopper.core.values import Call, Constant, Name, Parameter, Value, text_of, walk

LEAST: Final = 8
"""The least length of a password (NIST SP 800-63B-4 §3.1.1.2)."""
MOST: Final = 64
"""So long a password may be everywhere (the same place): a number from here on is no least length."""
_PLAIN: Final = re.compile(
    r"(?:.*\.)?(?:Length|DataRequired|InputRequired|Required|Optional|EqualTo|String|Str|Raw|Marshmallow|PasswordField|StringField|TextField|Field|"
    r"constr|SecretStr|get_default|__name__|str|lower|strip|gettext|lazy_gettext|_|_l)"
)
_PATTERN: Final = re.compile(r"(?:.*\.)?(?:Regexp|Regex|RegexpValidator)")
_REPEATS: Final = re.compile(r"\{(\d+)(?:,\d*)?\}")
_TEXTS: Final = frozenset({"str", "pydantic.SecretStr", "pydantic.StrictStr"})
_OTHER: Final = re.compile(r"(?i)^(?:has|is|needs|uses?)_|old|current|existing|previous|confirm|repeat|again|2$")
_LOOKS: Final = re.compile(
    r"(?i)(?:^|\.)(?:validates|validates_schema|field_validator|model_validator|validator|root_validator|pre_load|post_load|before)$"
)


def takes_any_password(facts: SourceFacts, names: Iterable[str]) -> bool:
    """That a schema or form which one of these functions uses, or has in a decorator, has a field for a new password, and asks of it
    neither a length that is worth something nor anything else. Fields without a value that can be read say nothing."""
    used = frozenset(mentioned(facts, names))
    schemas = [one for one in facts.classes() if one.name in used]
    if any(_is_lax(facts, one) for one in schemas):
        return True
    asking = any(
        _is_strict(facts, value) for one in schemas for name, value in one.attributes.items() if _is_new(name, one)
    )
    return not asking and any(_is_bare(facts, one) for one in schemas)


def least_asked(facts: SourceFacts, names: Iterable[str]) -> int:
    """The least length that these functions, or the schemas which they use, ask of a new password; 0 where they ask for none."""
    names = list(names)
    used = frozenset(mentioned(facts, names))
    said = (
        least_number(
            facts, part.keyword("min", "min_length") or (part.argument(0) if part.method == "Length" else None)
        )
        for one in facts.classes()
        if one.name in used
        for name, value in one.attributes.items()
        if _is_new(name, one)
        for part in walk(value, 6)
        if isinstance(part, Call)
    )
    asked = [one for one in said if one is not None]
    asked += [bound for name in names for bound in length_bounds(facts, name)]
    validators = {
        part.dotted
        for one in facts.classes()
        if one.name in used
        for name, value in one.attributes.items()
        if _is_new(name, one)
        for part in walk(value, 6)
        if isinstance(part, Name)
    }
    asked += [bound for name in validators for one in facts.comparisons_in(name) for bound in _least_of(facts, one)]
    return max(asked, default=0)


def length_bounds(facts: SourceFacts, function: str) -> Iterator[int]:
    """The numbers that the length of a password is held against in that function."""
    asked = list(facts.comparisons_in(function))
    for caller in {call.function for call in facts.calls(function)} - {
        function,
        "",
    }:  # a step of its one caller is read there
        asked += [one for one in facts.comparisons_in(caller) if facts.function_around(one.span) == function]
    for one in asked:
        for side, other in ((one.left, one.right), (one.right, one.left)):
            if is_password_length(facts, other) and (bound := least_number(facts, side)) is not None:
                yield from (bound,) if bound < MOST else ()


def measures(facts: SourceFacts, names: Iterable[str]) -> bool:
    """That behind the schema the password's length is held against a least one, or the password against a list."""
    names = list(names)
    return any(max(length_bounds(facts, name), default=0) >= LEAST for name in names) or any(
        one.operator in ("in", "not in") and facts.derives(one.left, "password")
        for name in names
        for one in facts.comparisons_in(name)
    )


def is_password_length(facts: SourceFacts, value: Value) -> bool:
    """``len(password)``"""
    return any(
        isinstance(part, Call) and part.callee == "len" and any(facts.derives(given, "password") for given in part.args)
        for part in walk(value, 4)
    )


def mentioned(facts: SourceFacts, names: Iterable[str]) -> Iterator[str]:
    """The classes and functions that these functions call, or have in a decorator: schemas and forms among them."""
    for name in names:
        for call in facts.calls_in(name):
            yield from (call.callee, call.callee.rpartition(".")[0])
            yield from (part.typed for value in _passed(call) for part in walk(value, 4) if isinstance(part, Parameter))
        function = facts.function(name)
        for decorator in function.decorators if function is not None else ():
            for part in walk(decorator.call, 4):
                if isinstance(part, (Name, Call)):
                    yield part.dotted if isinstance(part, Name) else part.callee


def _passed(call: Call) -> Iterator[Value]:
    """What it is made of: ``hash(body.password)``, ``body.password.get_secret_value()``."""
    yield from (call.receiver,) if call.receiver is not None else ()
    yield from call.args
    yield from (value for _, value in call.keywords)


def _is_lax(facts: SourceFacts, schema: ClassFact) -> bool:
    fields = [value for name, value in schema.attributes.items() if isinstance(value, Call) and _is_new(name, schema)]
    return bool(fields) and not _looks_itself(facts, schema) and not any(_is_strict(facts, value) for value in fields)


def _is_bare(facts: SourceFacts, schema: ClassFact) -> bool:
    """A model of pydantic that wants a text and nothing more: ``password: str``."""
    bare = [
        name
        for name, kind in schema.fields.items()
        if name not in schema.attributes and isinstance(kind, Name) and kind.dotted in _TEXTS and _is_new(name, schema)
    ]
    return bool(bare) and is_model(facts, schema.name) and not _looks_itself(facts, schema)


def _is_new(name: str, schema: ClassFact) -> bool:
    """A field for a new password; also ``new`` beside ``old``."""
    if name == "new":
        return any(beside in schema.attributes for beside in ("old", "current", "previous"))
    return is_password_name(name) and not _OTHER.search(name)


def _looks_itself(facts: SourceFacts, schema: ClassFact) -> bool:
    for method in schema.methods:
        name = method if "." in method else f"{schema.name}.{method}"
        function = facts.function(name)
        decorators = function.decorators if function is not None else ()
        about = "password" in method.rpartition(".")[2].lower() or any(map(_is_about_passwords, decorators))
        if about and not asks_nothing(facts, name):
            return True
    return False


def _is_about_passwords(one: Decorator) -> bool:
    """``@validates("password")``, ``@validates_schema``; not ``@validates("username")``."""
    named = [said for value in (one.call.args if one.call is not None else ()) if (said := text_of(value))]
    return _LOOKS.search(one.name) is not None and (not named or any(_is_any(name) for name in named))


def _is_any(name: str) -> bool:
    return is_password_name(name) or name in ("*", "new") or "pass" in name.lower()


def _is_strict(facts: SourceFacts, field: Value) -> bool:
    """A least length of eight, or a validator of which it is not known what it asks."""
    for part in walk(field, 6):
        if isinstance(part, Call) and _PATTERN.fullmatch(part.callee) and (said := text_of(part.argument(0, "regex"))):
            if any(int(least) >= LEAST for least in _REPEATS.findall(said)) or (
                "(?=" in said and not _REPEATS.search(said)
            ):
                return True  # a pattern that cannot be weighed by its one number
        elif isinstance(part, Call):
            least = part.keyword("min", "min_length") or (part.argument(0) if part.method == "Length" else None)
            number = least_number(facts, least)
            if number is not None or isinstance(least, Constant):
                if number is not None and number >= LEAST:
                    return True
            elif least is not None or not (_PLAIN.fullmatch(part.callee) or asks_nothing(facts, part.callee)):
                return True
        elif isinstance(part, Name) and not (_PLAIN.fullmatch(part.dotted) or asks_nothing(facts, part.dotted)):
            return True
    return False


def asks_nothing(facts: SourceFacts, name: str, depth: int = 3) -> bool:
    """A validator of the project that only wants something to be there, ``if not value.strip(): raise``, or a few signs of it, or that it is
    the same twice; or that asks another one which does no more."""
    if facts.function(name) is None or not depth:
        return False
    return all(_asks_little(facts, one, name) for one in facts.comparisons_in(name)) and all(
        call.method in _ASKING_LITTLE or asks_nothing(facts, call.callee, depth - 1) for call in facts.calls_in(name)
    )


def is_of_a_model(facts: SourceFacts, names: Iterable[str]) -> bool:
    """That one of these functions makes a model of the body which has a field for a new password: ``Registration(**request.get_json())``."""
    used = frozenset(mentioned(facts, names))
    return any(
        is_model(facts, one.name) and any(_is_new(name, one) for name in (*one.attributes, *one.fields))
        for one in facts.classes()
        if one.name in used
    )


_ASKING_LITTLE: Final = frozenset(
    {"strip", "bool", "str", "ValidationError", "ValueError", "isspace", "len", "get", "StopValidation"}
)


def _least_of(facts: SourceFacts, one: Comparison) -> Iterator[int]:
    """The number in ``len(value) < 6``."""
    for side, other, operators in ((one.left, one.right, ("<", "<=")), (one.right, one.left, (">", ">="))):
        if isinstance(side, Call) and side.callee == "len" and one.operator in operators:
            bound = least_number(facts, other)
            yield from () if bound is None or bound >= MOST else (bound,)


def _asks_little(facts: SourceFacts, one: Comparison, function: str) -> bool:
    """``len(value) < 6``, an upper bound, ``data["password"] != data["confirm"]``."""
    for side, other, too_long in ((one.left, one.right, (">", ">=")), (one.right, one.left, ("<", "<="))):
        if isinstance(side, Call) and side.callee == "len":
            bound = least_number(facts, other)
            return bound is not None and (bound < LEAST or bound >= MOST or one.operator in too_long)
    return one.operator in ("==", "!=") and not any(
        isinstance(side, Constant) or not _is_handed(side, function) for side in (one.left, one.right)
    )


def _is_handed(value: Value, function: str) -> bool:
    return any(isinstance(part, Parameter) and part.function == function for part in walk(value, 4))


def is_no_least(value: object) -> bool:
    """A number too small for a least length, or one that so long a password may have everywhere."""
    return is_too_short(value) or (isinstance(value, int) and not isinstance(value, bool) and value >= MOST)


def is_too_short(value: object) -> bool:
    """A number that no least length of a password may be (NIST SP 800-63B-4 §3.1.1.2)."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < LEAST
