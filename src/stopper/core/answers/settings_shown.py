"""Whether the settings of a process are in a value as a whole, or only some that were chosen by name."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from stopper.core.answers.whole_settings import holds_settings
from stopper.core.fact import Flow, Function
from stopper.core.flow.followed_values import through
from stopper.core.flow.passing import given
from stopper.core.place import Span
from stopper.core.values import (
    Call,
    ConfigValue,
    Constant,
    Format,
    Item,
    Mapping,
    Member,
    Name,
    Parameter,
    Sequence,
    Truth,
    Unknown,
    Value,
    options,
    parts,
    text_of,
    walk,
)

if TYPE_CHECKING:
    from stopper.core.facts import SourceFacts

_CHOOSES: Final = re.compile(r"(?i)visible|public|front_?end|client_?side|safe|filter|redact|mask|scrub|saniti")
_ORDERS: Final = frozenset({"sorted", "list", "tuple", "set", "reversed", "iter"})
_STEPS: Final = 3
_TURNS: Final = frozenset({"int", "float", "bool", "str"})
_SHAPES: Final = frozenset({"split", "splitlines", "strip", "lower", "upper", "removeprefix", "removesuffix"})
_WHOLE: Final = (".items", ".values", ".copy")


def shows_settings_whole(facts: "SourceFacts", flow: Flow) -> bool:
    """That all settings, or all variables of the environment, go out there with their values."""
    return _shows_all(facts, flow.value) and not _picked(facts, flow) and not _for_the_browser(flow.value)


def _for_the_browser(value: Value) -> bool:
    """That the settings went through a function which says that it keeps what may be seen."""
    given = [one for one in walk(value, 6) if isinstance(one, Call) and _CHOOSES.search(one.method)]
    return any(call.args for call in given)


def _shows_all(facts: "SourceFacts", value: Value, depth: int = 12) -> bool:
    """That the settings are in the value as a whole: not one by its name, not the names alone."""
    if depth < 0:
        return False
    match value:
        case Item(owner=owner, key=Item(key=Unknown(parts=())) as name):  # ``config[name]`` for each of its names
            return facts.derives(owner, "whole-config") and _are_names(facts, name.owner)
        case Item(owner=owner, key=key):
            return key == Unknown() and facts.derives(owner, "whole-config")
        case Mapping(items=((Item(key=Unknown(parts=())), held),), open=True):  # its names, and something for each
            return _shows_all(facts, held, depth - 1)
        case Call(callee="bool" | "len" | "type" | "isinstance"):
            return False
        case Call(method="get", args=(Constant() | Format(), *_)) if not facts.function(value.callee):
            return False  # one setting by its name, of ``conf = LocalProxy(lambda: current_app.config)`` too
        case Call(callee="sorted" | "list" | "set" | "tuple", args=(inner, *_)) if not _is_paired(inner):
            return False
        case Truth() | Call(method="keys" | "get_namespace"):
            return False
        case Call() if holds_settings(facts, value):
            return True
        case Sequence(items=(Item(key=Unknown(parts=())),), open=True, span=span):
            return span is not None and any(
                call.span is not None and span.holds(call.span) for call in facts.calls("*.items", "*.values")
            )
        case Member(owner=Call() as owner, attribute=attribute) if attribute != "config":
            return facts.derives(value, "whole-config") and _shows_all(facts, owner, depth - 1)
        case Name() | Member() | Parameter():
            return facts.derives(value, "whole-config")
        case Call(callee=callee) if (made := facts.function(callee)) is not None and made.returns:
            return facts.derives(value, "whole-config") and not all(
                _is_one(one)
                or ((handed := _handed(one, value)) is not None and not _shows_all(facts, handed, depth - 1))
                for one in _ends(facts, made, _STEPS)
            )
        case Call(receiver=None, callee=callee) if facts.function(callee) is not None or callee.endswith(_WHOLE):
            return facts.derives(value, "whole-config")
        case _:
            return any(_shows_all(facts, part, depth - 1) for part in parts(value))


def _are_names(facts: "SourceFacts", value: Value) -> bool:
    """The settings, or all their names, be it in an order: ``sorted(app.config.keys())``."""
    while isinstance(value, Call) and value.callee in _ORDERS and value.args:
        value = value.args[0]
    named = isinstance(value, Call) and value.callee.endswith(("config.keys", "os.environ.keys"))
    return named or facts.derives(value, "whole-config")


def _ends(facts: "SourceFacts", made: Function, steps: int) -> Iterator[Value]:
    """What a function gives back, through those of the project that it hands on."""
    for one in (option for returned in made.returns for option in options(_turned(returned))):
        inner = facts.function(one.callee) if isinstance(one, Call) and one.receiver is None else None
        if inner is not None and inner.returns and steps:
            yield from _ends(facts, inner, steps - 1)
        elif isinstance(one, Parameter) and steps < _STEPS:  # of a function further down
            yield from (passed for each in given(facts, one) for passed in options(_turned(each)))
        elif isinstance(one, Sequence) and not one.open:
            yield from one.items
        else:
            yield one


def _turned(value: Value) -> Value:
    """``int(…)``, ``bool(…)``: what is turned into something that no mapping is."""
    return value.args[0] if isinstance(value, Call) and value.callee in _TURNS and len(value.args) == 1 else value


def _is_one(value: Value) -> bool:
    """A literal, or one setting by a name, which a parameter may give, or a part of it: ``os.environ[f"{prefix}_{name}"]``."""
    if isinstance(value, Item):
        return isinstance(value.key, (Constant, Parameter, Format)) or _is_one(value.owner)
    if isinstance(value, Sequence) and value.open:
        return bool(value.items) and all(map(_is_one, value.items))
    if isinstance(value, Call) and value.receiver is not None and value.method in _SHAPES:
        return _is_one(value.receiver)
    if isinstance(value, Call) and value.callee.endswith("config.get"):
        return isinstance(value.argument(0), (Constant, Parameter, Format))
    return isinstance(value, (Constant, ConfigValue))


def _handed(end: Value, call: Call) -> Value | None:
    """What that call passes, or what holds when it passes nothing, where a function gives back one of its parameters."""
    if not isinstance(end, Parameter) or end.index < 0:
        return None
    return call.argument(end.index, end.parameter) or end.default


def _is_inner(asked: Call) -> bool:
    """``not name.startswith("_")``: no setting begins so, and all are left."""
    return bool(asked.args) and all((text_of(one) or "x").strip("_") == "" for one in asked.args)


_OF_THE_INSIDE: Final = re.compile(
    r"(?i)(?:db|database|postgres(?:ql)?|pg|mysql|mongo(?:db)?|redis|amqp|rabbitmq|celery|broker|aws|azure|gcp|s3|smtp|mail|ldap|secret|jwt|oauth|auth|token|stripe|"
    r"twilio|sendgrid|openai|sqlalchemy|flask)_?"
)


def _lets_secrets_through(asked: Call) -> bool:
    """``name.startswith(("APP_", "DATABASE_"))``: what begins so has the keys of what lies behind."""
    return any(_OF_THE_INSIDE.fullmatch(text_of(part) or "") for one in asked.args for part in walk(one, 2))


def _is_paired(value: Value) -> bool:
    """That names and what stands under them are put in an order, not names alone: ``sorted(config.items())``, ``sorted((k, repr(v)) for …)``."""
    if isinstance(value, Sequence) and value.open and len(value.items) == 1:
        row = value.items[0]
        return isinstance(row, Sequence) and sum(_is_of_a_loop(one) for one in row.items) > 1
    return isinstance(value, Call) and value.method in ("items", "values")


def _is_of_a_loop(value: Value) -> bool:
    return any(isinstance(part, Item) and part.key == Unknown() for part in walk(value, 3))


def _picked(facts: "SourceFacts", flow: Flow) -> bool:
    """That settings are chosen by name on the way."""
    made_at = [value.span for value in walk(flow.value) if value.span is not None]
    for value in through(facts, flow.value, 2):
        made = facts.function(value.callee) if isinstance(value, Call) else None
        if made is not None:
            made_at.append(made.span)
    left_out = [one.value for one in facts.conditions_in(flow.function) if one.negated and not one.skips]
    tests = [found.span for found in facts.comparisons("in", "not in")]
    tests += [
        call.span
        for call in facts.calls("*.startswith")
        if call.span is not None
        and not _is_inner(call)
        and not _lets_secrets_through(call)
        and not any(one is call for one in left_out)  # ``if not name.startswith("PATH")``: the rest is shown
    ]
    others = [found.span for found in facts.comparisons("not in")]
    for one in facts.conditions_in(flow.function):  # ``if not name.startswith("SHOW_"): continue``
        if one.skips and any(one.span.holds(test) for test in (tests if one.negated else others)):
            return True
    filled = [
        one.body
        for one in facts.conditions_in(flow.function)
        if one.body is not None
        and not one.negated
        and (any(one.span.holds(test) for test in tests) or _asks_a_list(one.value))
    ]  # ``for key in config: if key.startswith("SHOW_"): shown[key] = config[key]``
    held = list(_held_at(flow.value))
    put = [one.span for one in facts.assignments_in(flow.function) if one.target[:1] == "["]
    put += [call.span for call in facts.calls_in(flow.function) if call.method == "append" and call.span is not None]
    if put and all(any(body.holds(span) for body in filled) for span in put):
        return True  # ``value = config[key]`` stands before the test, and ``shown[key] = value`` behind it
    return any(span.holds(test) for span in made_at for test in tests) or (
        bool(held) and all(any(body.holds(span) for body in filled) for span in held)
    )


def _asks_a_list(test: Value) -> bool:
    """``name in SHOWN``, under whatever name the test goes."""
    return any(
        isinstance(part, Truth) and len(part.parts) == 2 and isinstance(part.parts[1], (Sequence, Mapping, Name))
        for part in walk(test, 3)
    )


def _held_at(value: Value) -> Iterator[Span]:
    """Where each entry of a mapping was read that was filled one by one, also where it is handed to ``jsonify``."""
    for one in options(value):
        if isinstance(one, Call) and one.callee == "flask.jsonify" and len(one.args) == 1:
            yield from _held_at(one.args[0])
        for _, entry in one.items if isinstance(one, Mapping) else ():
            yield from (entry.span,) if entry.span is not None else ()
