"""A log-in that lets nobody in by a condition, and yet says otherwise: "wrong password" where the condition holds, "no such user" where not."""

import re
from collections.abc import Callable
from typing import Final

from stopper.core.exchange import Exchange, Response
from stopper.core.finding import Evidence
from stopper.core.keys.random_words import token_hex
from stopper.core.probe import Steps, send
from stopper.core.probing.inputs import Input

_HOLDS: Final = "' OR 'a'='a"
_HOLDS_NOT: Final = ("' OR 'a'='b", "' AND 'a'='b")
"""Of the same length and with the same words as the one that holds, so that no filter of words tells them apart."""

_DOOR: Final = re.compile(r"(?i)log-?in|sign-?in|auth")


def obeyed_in_words(
    one: Input, plain: Exchange, stem: str, as_before: Callable[[Response, Response], bool]
) -> Steps[list[Evidence]]:
    """Two names that nobody has are answered alike where it
    holds, and as before where it does not."""
    if not _DOOR.search(one.route.path) or not plain.response.status:
        return []
    first = yield from send(one.given(f"{stem}{_HOLDS}"))
    if first.response.status >= 500 or first.response.status in (0, 429) or as_before(first.response, plain.response):
        return []
    never = first
    for condition in _HOLDS_NOT:
        never = yield from send(one.given(f"{stem}{token_hex(4)}{condition}"))
        if not as_before(never.response, plain.response):
            return []
    again = yield from send(one.given(f"{stem}{token_hex(4)}{_HOLDS}"))
    after = yield from send(one.given(f"{stem}{token_hex(4)}{_HOLDS_NOT[0]}"))
    steady = as_before(again.response, first.response) and as_before(after.response, plain.response)
    if not steady or again.response.status != first.response.status:
        return []
    return [
        Evidence("exchange", "control: a text that nothing in the data has", plain),
        Evidence("exchange", "control: the same with a condition that does not hold", never),
        Evidence("exchange", "a condition that holds is answered otherwise", again),
    ]
