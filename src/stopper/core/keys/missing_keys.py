"""What a key is where nothing was sent or nothing was set, and whether the two come out equal."""

import re
from collections.abc import Callable
from typing import Final

from stopper.core.facts import SourceFacts
from stopper.core.flow.held_attributes import held_under
from stopper.core.guards.asked_before import bare_of
from stopper.core.naming import sensitive
from stopper.core.values import (
    Call,
    Choice,
    ConfigValue,
    Constant,
    EnvironmentValue,
    Format,
    Item,
    Mapping,
    Member,
    Name,
    Sequence,
    Truth,
    Value,
    is_constant,
    options,
    walk,
)

SHOWN_IN: Final = frozenset(f"flask.request.{where}" for where in ("headers", "args", "values", "cookies"))
Missing = frozenset[str | None]
"""What a value is when nothing was sent or set: None, an empty text, both or (empty) neither."""
NONE: Final[Missing] = frozenset({None})
_LOADS: Final = frozenset({
    "json.load", "json.loads", "yaml.safe_load", "yaml.load", "tomllib.load", "tomllib.loads", "toml.load", "tomli.load",
})  # fmt: skip
"""What reads a file of settings; ``.get`` of what it gave is None where the file lacks the key."""
_KEY_WORDS: Final = re.compile(r"(?i)(?:key|token|secret|password)s?$")


def meant(facts: SourceFacts, value: Value) -> Value:
    """What an object of the project has under an attribute, where its class was made with it: ``config.api_key``."""
    if not isinstance(value, Member) or not (sensitive(value.attribute) or _KEY_WORDS.search(value.attribute)):
        return value
    held = [one for one, _ in held_under(facts, value.owner, value.attribute)]
    return held[0] if len(held) == 1 else value


def listed(value: Value) -> Value:
    """The setting that a list was made of, ``KEYS = os.environ.get("KEYS", "").split(",")``; else the value itself."""
    splits = isinstance(value, Call) and value.method in ("split", "splitlines", "set", "frozenset", "list")
    if splits or isinstance(value, Sequence):
        made_of = [part for part in walk(value, 6) if isinstance(part, (EnvironmentValue, ConfigValue))]
        if len(made_of) == 1:
            return made_of[0]
    return value


def written_none(facts: SourceFacts, left: Value, right: Value) -> Value | None:
    """The setting in ``f"Bearer {os.environ.get('TOKEN')}"`` that a header is held against: as long as nobody sets it, whoever sends the
    word None comes out equal."""
    for shown, made in ((left, right), (right, left)):
        sent, text = bare_of(shown)[0], bare_of(made)[0]
        of_header = isinstance(sent, Item) and isinstance(sent.owner, Name) and sent.owner.dotted in SHOWN_IN
        if of_header and isinstance(text, Format) and isinstance(text.parts[0], Constant):
            wanted = text.parts[-1]
            if says_key(wanted) and not NONE.isdisjoint(when_not_set(facts, wanted)):
                return wanted
    return None


def present(value: Value) -> Value:
    """What is asked for being there: ``key`` of ``key is not None``, ``key != ""``, ``bool(key)``; else the value itself."""
    if isinstance(value, Call) and value.callee == "bool" and len(value.args) == 1:
        return present(value.args[0])
    asked = isinstance(value, Truth) and value.differs and len(value.parts) == len(("key", "nothing"))
    return value.parts[0] if isinstance(value, Truth) and asked and is_constant(value.parts[1], None, "") else value


def unhashed(facts: SourceFacts, value: Value) -> Value | None:
    """What a function of the project was given to hash, where it takes nothing like an empty text; None for anything else."""
    function = facts.function(value.callee) if isinstance(value, Call) and len(value.args) == 1 else None
    if function is None or not isinstance(value, Call):
        return None
    empties = (
        option
        for returned in function.returns
        for part in walk(returned, 6)
        if isinstance(part, Choice)
        for option in part.options
    )
    return value.args[0] if any(is_constant(option, "", b"") for option in empties) else None


def meeting(facts: SourceFacts, left: Value, right: Value) -> Missing:
    """What both sides of a comparison are where nothing was sent and nothing was set."""
    met: Missing = frozenset()
    for shown, wanted in ((left, right), (right, left)):
        met |= _missing(shown, when_not_sent) & _missing(wanted, lambda value: when_not_set(facts, value))
    return met


def says_key(value: Value) -> bool:
    """That the header or the setting is called like a key; two ordinary settings may be missing together."""
    for inner in walk(value):
        match inner:
            case EnvironmentValue(variable=name) | ConfigValue(key=name):
                if sensitive(name) is not None or _KEY_WORDS.search(name):
                    return True
            case Item(owner=Name(), key=Constant(value=str(name))):
                if sensitive(name) is not None or name.lower() == "authorization":
                    return True
            case (
                Call(method="get", receiver=Call(callee=callee), args=(Constant(value=str(name)), *_))
                | Item(owner=Call(callee=callee), key=Constant(value=str(name)))
            ) if callee in _LOADS:
                if sensitive(name) is not None or _KEY_WORDS.search(name):
                    return True
            case _:
                pass
    return False


def _missing(value: Value, of: Callable[[Value], Missing]) -> Missing:
    found: Missing = frozenset()
    for option in options(value):
        if isinstance(option, Call) and option.callee == "str" and option.args:
            found |= {"None" if missing is None else missing for missing in _missing(option.args[0], of)}
            continue
        inner, encoded = bare_of(option)
        found |= of(inner) - (NONE if encoded else frozenset())
    return found


def when_not_sent(value: Value) -> Missing:
    """What a part of the request is where the caller leaves it out."""
    if isinstance(value, Item) and isinstance(value.owner, Name) and value.owner.dotted in SHOWN_IN:
        missing = _missing(value.default, when_not_sent) if isinstance(value.default, Item) else _empty(value.default)
        return missing | {""}  # whoever sends nothing may as well send an empty text
    return frozenset()


def when_not_set(facts: SourceFacts, value: Value) -> Missing:
    """What a setting is where nobody has set it."""
    if isinstance(value, EnvironmentValue):
        return _empty(value.default)
    if isinstance(value, Item) and isinstance(value.owner, Name) and value.owner.dotted == "os.environ":
        return _empty(value.default)  # a variable whose name is handed in
    if isinstance(value, Item) and isinstance(value.owner, Call) and value.owner.callee in _LOADS:
        return _empty(value.default) if value.default is not None else frozenset()  # a file of settings lacks it
    if isinstance(value, Call) and value.method == "get" and isinstance(value.receiver, Call):
        said = value.argument(1, "default") or Constant(None)
        return _empty(said) if value.receiver.callee in _LOADS else frozenset()
    found: Missing = frozenset()
    if isinstance(value, ConfigValue):
        for written in facts.followed(value):
            found |= _empty(written.default if isinstance(written, EnvironmentValue) else written)
    return found


def _empty(default: Value | None) -> Missing:
    """None or an empty text that stands for "missing"; nothing where a missing one raises or has another value."""
    found: Missing = frozenset()
    for option in options(default):
        if is_constant(option, None):
            found |= NONE
        elif is_constant(option, "", b"") or (
            isinstance(option, (Sequence, Mapping)) and not option.items and not option.open
        ):
            found |= {""}
    return found
