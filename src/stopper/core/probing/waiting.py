"""What runs without showing anybody a result: a shell, or an object that is unpacked, which is told to wait lets its caller wait."""

import re
from collections.abc import Callable
from typing import Final

from stopper.core.exchange import Exchange, Request, Response
from stopper.core.finding import Evidence
from stopper.core.probe import Steps, Target, send
from stopper.core.probing.baseline import says_nothing, steady
from stopper.core.probing.inputs import Input

NAMES: Final = re.compile(
    r"(?i)^(\w+\.)*\w*(cmd|command|exec|shell|run|host|hostname|ip|ping|domain|file|filename|path|dir|folder|target|address|archive|backup)$"
)
"""Inputs that are put behind the name of a program."""
TOOLS: Final = re.compile(
    r"(?i)(^|[/_-])(cmd|commands?|exec|execute|shell|run|system|ping|traceroute|nslookup|dig|lookup|whois|rce|terminal|console|diagnos\w+|un(zip|tar|pack)|convert)([/_-]|$)"
)
"""Routes that run a program, whatever their inputs are called."""
SHORT: Final = 0.6
LONG: Final = 1.2
"""Seconds of waiting that are asked for: both together are less than all probes may wait at one door."""
AT_ONCE: Final = 0.5
"""Seconds in which a control has answered; where it has not, the machine is too busy to tell."""


_PACKED: Final = (("ctime\nsleep\n(F{}\ntR.", "(F{}\nt."), ("!!python/object/apply:time.sleep [{}]", "[{}]"))
"""An object as pickle and as YAML that waits once it is unpacked, and its likeness that holds the number alone."""


UNPACKS: Final = re.compile(r"(?i)pickl|deserial|unserial|yaml|marshal|unpack")
"""Routes that make objects of what they are sent, whatever their inputs are called."""
EVALUATES: Final = re.compile(
    r"(?i)(^|[/_-])(exec|execute|eval|evaluate|calc|calculate|calculator|code|expr|expression|formula|compute|python)([/_-]|$)"
)
"""Routes and inputs that take a text of a language of programs."""


def may_run_a_program(one: Input) -> bool:
    """Whether the name of an input or of its route says that a program is run with it."""
    return bool(NAMES.search(one.name) or TOOLS.search(one.route.path))


def waits_as_told(target: Target, one: Input) -> Steps[list[Evidence]]:
    """The proof that a shell waits as long as the text says, and not where the text is no command."""
    return (
        yield from _waits(
            lambda text: one.given(f"{target.canary}{text}"),
            ";sleep {}",
            ",sleep {}",
            "without a separator the text is no command, and the answer comes at once",
        )
    )


def waits_as_code(one: Input) -> Steps[list[Evidence]]:
    """The proof that an input is run as Python, of which the answer shows nothing."""
    why = "what is no call runs nothing, and the answer comes at once"
    return (yield from _waits(one.given, "__import__('time').sleep({})", "__import__['time'].sleep[{}]", why))


def waits_by_its_name(given: Callable[[str], Request]) -> Steps[list[Evidence]]:
    """The proof that the name of an uploaded file becomes part of a command; *given* makes the request that sends a file of that name."""
    why = "without a separator the name is no command, and the answer comes at once"
    for kind in ("zip", "png"):  # many take pictures and nothing else
        if found := (yield from _waits(given, f"a;sleep {{}};b.{kind}", f"a,sleep {{}},b.{kind}", why)):
            return found
    return []


def waits_unpacked(given: Callable[[str], Request]) -> Steps[list[Evidence]]:
    """The proof that a body or an input is unpacked into objects that run code, of which the answer shows nothing. Each is text that the
    request is *given*."""
    for packed, harmless in _PACKED:
        why = "the number alone runs nothing, and the answer comes at once"
        if found := (yield from _waits(given, packed, harmless, why)):
            return found
    return []


COMMANDS: Final = re.compile(r"(?i)^(\w+\.)*\w*(cmd|command|exec|shell|run|host|hostname|ip|ping|domain)$")
"""Inputs that a shell may be given whose output nobody is shown."""


def ends_as_told(target: Target, one: Input) -> Steps[list[Evidence]]:
    """Where only the end of a command shows: a shell ends as the text says, and a text that is no command changes nothing."""
    answers: list[tuple[str, Exchange]] = []
    for text in (";exit 0", ";exit 7", ";exit 0", ",exit 0", ",exit 7"):
        sent = f"{target.canary}{text}"
        exchange = yield from send(one.given(sent))
        if says_nothing(exchange.response):
            return []
        answers.append((sent, exchange))
    good, bad, again, plain, other = (_without(said, exchange.response) for said, exchange in answers)
    if good == bad or good != again or plain != other:
        return []
    return [
        Evidence("exchange", "control: without a separator the text is no command, whatever it says", answers[4][1]),
        Evidence("exchange", "a shell ends well where the text says so", answers[0][1]),
        Evidence("exchange", "and badly where the text says so", answers[1][1]),
    ]


def _without(sent: str, response: Response) -> tuple[int, str]:
    from html import escape  # of the probe alone, and dear to import

    return response.status, steady(response.text.replace(sent, "").replace(escape(sent), ""))


def _waits(given: Callable[[str], Request], telling: str, harmless: str, why: str) -> Steps[list[Evidence]]:
    found: list[Exchange] = []
    for text, seconds in ((telling, SHORT), (harmless, SHORT), (telling, 0.0), (telling, LONG)):
        exchange = yield from send(given(text.format(seconds)))
        waited, wanted = exchange.response.seconds, seconds if text is telling else 0.0
        if says_nothing(exchange.response) or not (waited >= wanted if wanted else waited < AT_ONCE):
            return []
        found.append(exchange)
    first, control, none, longer = found
    return [
        Evidence("exchange", f"control: {why}", control),
        Evidence("exchange", "control: told to wait for nothing, it comes at once", none),
        Evidence("exchange", f"told to wait for {SHORT} s, it took {first.response.seconds:.1f}", first),
        Evidence("exchange", f"told to wait for {LONG} s, it took {longer.response.seconds:.1f}", longer),
    ]
