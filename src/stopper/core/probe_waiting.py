"""Commands whose output and end nobody is shown: a shell that is told to wait lets its caller wait."""

import re
from typing import Final

from stopper.core.exchange import Exchange
from stopper.core.finding import Evidence
from stopper.core.probe import Steps, Target, send
from stopper.core.probe_baseline import says_nothing
from stopper.core.probe_inputs import Input

NAMES: Final = re.compile(
    r"(?i)^(\w+\.)*\w*(cmd|command|exec|shell|run|host|hostname|ip|ping|domain|file|filename|path|dir|folder|target|address|archive|backup)$"
)
"""Inputs that are put behind the name of a program."""
SHORT: Final = 0.8
LONG: Final = 1.5
"""Seconds that a shell is told to wait."""
AT_ONCE: Final = 0.5
"""Seconds in which a control has answered; where it has not, the machine is too busy to tell."""


def waits_as_told(target: Target, one: Input) -> Steps[list[Evidence]]:
    """The proof that a shell waits as long as the text says, and not where the text is no command."""
    found: list[Exchange] = []
    for text, seconds in ((";sleep {}", SHORT), (",sleep {}", SHORT), (";sleep {}", LONG), (";sleep {}", 0.0)):
        exchange = yield from send(one.given(f"{target.canary}{text.format(seconds)}"))
        waited, wanted = exchange.response.seconds, seconds if text.startswith(";") else 0.0
        if says_nothing(exchange.response) or not (waited >= wanted if wanted else waited < AT_ONCE):
            return []
        found.append(exchange)
    first, control, longer, none = found
    return [
        Evidence(
            "exchange", "control: without a separator the text is no command, and the answer comes at once", control
        ),
        Evidence("exchange", "control: told to wait for nothing, it comes at once", none),
        Evidence("exchange", f"told to wait for {SHORT} s, it took {first.response.seconds:.1f}", first),
        Evidence("exchange", f"told to wait for {LONG} s, it took {longer.response.seconds:.1f}", longer),
    ]
