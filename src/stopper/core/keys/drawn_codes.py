"""What is put together of what was drawn: a code with a fixed count of digits, letters one by one, the password of somebody."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from stopper.core.account_names import makes_password_hash
from stopper.core.values import Call, ConfigValue, Constant, Format, Value, walk

if TYPE_CHECKING:
    from stopper.core.facts import SourceFacts

_CODE_ENDS: Final = frozenset({9999, 99999, 999999, 9999999, 10000, 100000, 1000000})
_KEY: Final = re.compile(r"(?i)(?:^|_)(?:key|secret|password|passwd|pwd)(?:_?key)?$")
_PICKS: Final = frozenset({"choice", "choices", "sample"})


def is_key_part(one: Value) -> bool:
    """What is made with a key cannot be worked out without it, whatever time goes into it: ``md5(password + str(time()))``."""
    said = one.key if isinstance(one, ConfigValue) else getattr(one, "attribute", "") or getattr(one, "parameter", "")
    return _KEY.search(said or one.name) is not None


def becomes_a_password(facts: "SourceFacts", function: str) -> Iterator[Value]:
    """``person.set_password(temporary)``, ``generate_password_hash(temporary)``: what is handed over is a password, whatever it is called."""
    yield from (call.args[0] for call in facts.calls_in(function) if call.args and makes_password_hash(call))


def is_code(value: Value) -> bool:
    """A number with a fixed count of digits, as codes for one use have."""
    return any(
        (isinstance(one, Constant) and one.value in _CODE_ENDS)
        or (isinstance(one, Call) and one.method == "zfill")
        or (isinstance(one, Format) and any(_is_digit(part) for part in walk(one, 4)))
        for one in walk(value, 5)
    )


def _is_digit(part: Value) -> bool:
    """``str(random.randint(0, 9))``: one digit after the other is put together."""
    drawn = (
        part.args[-1]
        if isinstance(part, Call) and part.method in ("randint", "randrange", "integers") and part.args
        else None
    )
    return isinstance(drawn, Constant) and drawn.value in (9, 10)


def is_spelled(value: Value) -> bool:
    """Letters that are drawn one by one and put together, as codes are that somebody types: ``"".join(random.choice(LETTERS) for …)``."""
    return any(
        isinstance(one, Format) and any(isinstance(part, Call) and part.method in _PICKS for part in walk(one, 4))
        for one in walk(value, 5)
    )
