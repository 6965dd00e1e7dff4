"""Inputs whose check takes ever longer over a text: a pattern that tries every way to split it (CWE-1333).

The text grows by three characters at a time and the probe stops at the first answer that is slow, so one thread of the target is
held up for some seconds at most. What is slow must be slow again, by the median, and grow as only such patterns do.
"""

import re
from statistics import median
from typing import Final

from stopper.core.exchange import Exchange
from stopper.core.finding import Evidence
from stopper.core.probe import Steps, Target, send
from stopper.core.probing.baseline import attempt
from stopper.core.probing.inputs import Input, inputs

CHECKED: Final = re.compile(
    r"(?i)mail|url|uri|link|phone|host|domain|address|zip|post_?code|iban|^ip$|date|pattern|regex"
)
"""Names of inputs that are most often held against a pattern."""
_NAMED: Final = re.compile(r"(?i)name$|^user|code$|slug")
"""Names that are held against a pattern now and then: looked at where there are hardly any others."""
_OF_DIGITS: Final = re.compile(r"(?i)zip|post_?code|phone|iban|^ip$|date|number|(^|_)(no|pin)$")
"""Names whose pattern most often begins with digits."""
INPUTS: Final = {"quick": 1, "standard": 2, "deep": 8}
LENGTHS: Final = range(12, 25, 3)
SLOW: Final = 0.12
"""Seconds from which an answer counts as slow; the growth stops there."""
GROWTH: Final = 2.0
"""How much longer two more characters take at least. Two ways to split each character make it four, and the rest of the answer takes off."""
TIMES: Final = 3


def slow_text(target: Target) -> Steps[tuple[Input, list[Evidence]] | None]:
    """The first input whose check grows out of hand, with what shows it."""
    every = yield from inputs(target)
    found = [one for one in every if CHECKED.search(one.name)]
    found += [one for one in every if one.place == "body" and one not in found and _NAMED.search(one.name)]
    for one in found[: INPUTS[target.depth]]:
        evidence = yield from attempt(_grows(one))
        if evidence:
            return one, evidence
    return None


def _grows(one: Input) -> Steps[list[Evidence]]:
    for length in LENGTHS:
        answer = yield from send(one.given(_text(one, length)))
        if answer.response.error:
            return []
        if answer.response.seconds < SLOW:
            continue
        if (yield from _is_slow_anyway(one, answer.response.seconds)):
            return []
        if found := (yield from _confirmed(one, length)):
            return found  # else something beside it held the server up: a longer text still tells
    return []


def _is_slow_anyway(one: Input, seconds: float) -> Steps[bool]:
    """Whether a short text takes as long each time: a view that sleeps or hashes says nothing of a pattern, and costs the scan its time."""
    for _ in range(2):
        short = yield from send(one.given(_text(one, 4)))
        if short.response.seconds < max(SLOW, seconds / 2):
            return False
    return True


def _confirmed(one: Input, length: int) -> Steps[list[Evidence]]:
    short, shorter, slow = list[Exchange](), list[Exchange](), list[Exchange]()
    for _ in range(TIMES):
        short.append((yield from send(one.given(_text(one, 4)))))
        shorter.append((yield from send(one.given(_text(one, length - 2)))))
        slow.append((yield from send(one.given(_text(one, length)))))
    least, less, most = (median(exchange.response.seconds for exchange in one) for one in (short, shorter, slow))
    if most < SLOW / 2 or most < GROWTH * less or most < 4 * least:
        return []
    return [
        Evidence("exchange", f"control: 4 characters, {least:.3f} s", short[-1]),
        Evidence("exchange", f"control: {length - 2} characters, {less:.3f} s", shorter[-1]),
        Evidence("exchange", f"two more, {most:.3f} s, and so on with each", slow[-1]),
    ]


def _text(one: Input, length: int) -> str:
    return ("1" if _OF_DIGITS.search(one.name) else "a") * length + "!"
