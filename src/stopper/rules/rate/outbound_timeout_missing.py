"""One slow partner holds every worker, and the whole API stands still."""

from collections.abc import Iterator
from typing import Final

from stopper.core.app import App
from stopper.core.deployment.desk_files import is_of_a_script
from stopper.core.deployment.unset_variables import is_none_unless_set
from stopper.core.edits.call_edits import calls_at, passing
from stopper.core.facts import SourceFacts, source_of
from stopper.core.flow.left_over import is_left_over
from stopper.core.flow.passing import callers
from stopper.core.flow.passing import given as given_for
from stopper.core.flow.unpacked_calls import unpacked
from stopper.core.outgoing.outbound_names import ENDS_BY_ITSELF, SESSION, VERBS, WAITS_FOR_EVER
from stopper.core.rule import Edit, Hit, Rule
from stopper.core.text_words import mentions
from stopper.core.values import Call, Name, Parameter, Value, is_constant, options, text_of, walk

_MODELS: Final = (
    *(f"openai.{client}" for client in ("OpenAI", "AsyncOpenAI", "AzureOpenAI", "AsyncAzureOpenAI")),
    "anthropic.Anthropic",
    "anthropic.AsyncAnthropic",
)
"""Clients of models, which have a time-out of their own as well."""


_OPENERS: Final = ("urllib.request.build_opener", "urllib.request.OpenerDirector")
_CALL_LATER: Final = (
    "*.map", "*.imap", "*.imap_unordered", "*.submit", "*.run_in_executor", "*.to_thread", "threading.Thread",
)  # fmt: skip


def detect(app: App) -> Iterator[Hit]:
    """Calls to other hosts that pass no time-out, or None for one."""
    facts = source_of(app)
    adapted = any(
        any("timeout" in name or mentions(held, "timeout") for name, held in one.attributes.items())
        or _says_how_long(facts, one.name)
        for one in facts.classes(*_ADAPTERS)
    )
    yield from _of_modules(facts, adapted)
    yield from _of_sessions(facts, adapted)
    yield from _handed_on(facts)
    yield from _told_to_wait(facts)


def _of_modules(facts: SourceFacts, adapted: bool) -> Iterator[Hit]:
    """``requests.get(url)``; one call is told once, also where ``decrypted(urlopen(url).read()) if key else urlopen(url).read()`` has it twice."""
    by_default = any(True for _ in facts.calls("socket.setdefaulttimeout"))
    told = set[tuple[str, int, str]]()
    for call in facts.calls(*WAITS_FOR_EVER):
        place = (call.span.path, call.span.line, call.callee) if call.span is not None else None
        if place in told:
            continue
        if not _waits(facts, call, WAITS_FOR_EVER[call.callee]) or is_of_a_script(facts, call):
            continue
        if (by_default and not call.callee.startswith("requests.")) or (adapted and SESSION.match(call.callee)):
            continue
        told |= {place} if place is not None else set()
        if is_left_over(facts, call):
            message = f"{call.callee} waits as long as the other side likes: look whether anything runs this"
            yield Hit(message, call.span, certainty="possible", severity="low")
        else:
            yield Hit(f"{call.callee} waits as long as the other side likes", call.span)


def _of_sessions(facts: SourceFacts, adapted: bool) -> Iterator[Hit]:
    """``requests.Session().get(url)``, and a method that is chosen by its name."""
    for call in facts.calls(*[f"*.{verb}" for verb in (*VERBS, "send")]) if not adapted else ():
        made = call.receiver
        if call.callee in WAITS_FOR_EVER or not isinstance(made, Call) or not SESSION.fullmatch(made.callee):
            continue
        if _waits(facts, call, None):
            yield Hit(f"{made.callee}.{call.method} waits as long as the other side likes", call.span)
    for call in facts.calls("*.open"):
        made = call.receiver
        if isinstance(made, Call) and made.callee in _OPENERS and _waits(facts, call, 2):
            yield Hit(f"what {made.callee} makes waits as long as the other side likes", call.span)
    for call in facts.calls("getattr.__call__"):
        if _by_its_name(call) and not (adapted and _of_session(call)) and _waits(facts, call, None):
            yield Hit("a method that is chosen by its name waits as long as the other side likes", call.span)
    if not adapted:
        yield from _own_sessions(facts)


def _handed_on(facts: SourceFacts) -> Iterator[Hit]:
    """``pool.map(requests.get, urls)``"""
    for call in facts.calls(*_CALL_LATER):
        given = (*call.args, *(value for _, value in call.keywords))
        asks = next((one.dotted for one in given if isinstance(one, Name) and one.dotted in WAITS_FOR_EVER), "")
        if asks and not any(name == "timeout" or mentions(value, "timeout") for name, value in call.keywords):
            yield Hit(f"{asks}, which is handed on here, waits as long as the other side likes", call.span)


def _told_to_wait(facts: SourceFacts) -> Iterator[Hit]:
    """None for a time, where a client has one of its own."""
    for call in facts.calls(*ENDS_BY_ITSELF, *_MODELS):
        if _is_none(facts, call.keyword("timeout")):
            yield Hit(f"{call.callee} is told to wait as long as the other side likes", call.span)
    for call in facts.calls("aiohttp.ClientTimeout", "aiohttp.client.ClientTimeout", "httpx.Timeout"):
        given = (*call.args, *(value for _, value in call.keywords))
        read = (call.keyword("read") or call.argument(0, "timeout")) if call.callee == "httpx.Timeout" else None
        if is_constant(read, None) or (given and all(is_constant(one, None) for one in given)):
            yield Hit(f"{call.callee} is told to wait as long as the other side likes", call.span)


def _by_its_name(call: Call) -> bool:
    """``getattr(requests, verb)(url, **options)``, of the module or of a session."""
    made = call.receiver
    owner = made.args[0] if isinstance(made, Call) and made.callee == "getattr" and len(made.args) > 1 else None
    return (isinstance(owner, Name) and owner.dotted in ("requests", "requests.api")) or _of_session(call)


def _of_session(call: Call) -> bool:
    owner = call.receiver.args[0] if isinstance(call.receiver, Call) and call.receiver.args else None
    return isinstance(owner, Call) and SESSION.fullmatch(owner.callee) is not None


def _own_sessions(facts: SourceFacts) -> Iterator[Hit]:
    """Calls through a class of the project that is a session of Requests: where it hands them on itself, else where they are made."""
    for one in facts.classes("requests.Session", "requests.sessions.Session"):
        if one.name in _ADAPTERS:
            continue
        made = [call for call in facts.calls(*[f"{one.name}.{verb}" for verb in VERBS]) if _waits(facts, call, None)]
        handed = [
            call
            for call in facts.calls_in(f"{one.name}.request")
            if call.method == "request" and isinstance(call.receiver, Call) and call.receiver.callee == "super"
        ]
        for call in handed[:1] if made and handed else made:
            yield Hit(f"{one.name.rpartition('.')[2]} waits as long as the other side likes", call.span)


_ADAPTERS: Final = ("requests.adapters.HTTPAdapter", "requests.Session", "requests.sessions.Session")


def _says_how_long(facts: SourceFacts, owner: str) -> bool:
    """The project's own adapter or session has a word about the time in what it does with each request."""
    for name in (f"{owner}.send", f"{owner}.request"):
        function = facts.function(name)
        if function is None:
            continue
        given = [value for call in facts.calls_in(name) for value in call.args]
        if (
            any("timeout" in word for word in function.parameters)
            or any(word == "timeout" for call in facts.calls_in(name) for word, _ in call.keywords)
            or any("timeout" in one.target for one in facts.assignments_in(name))
            or any(text_of(part) == "timeout" for value in given for part in walk(value, 3))
        ):
            return True
    return False


def _waits(facts: SourceFacts, call: Call, position: int | None) -> bool:
    """That no time is given, in one of the ways that ``**`` is filled where it stands in the call."""
    if call.open and call.keyword("**") is not None:
        if _is_told_by_decorator(facts, call.function):
            return False
        return any(_waits_so(facts, one, position) for one in unpacked(facts, call))
    return _waits_so(facts, call, position)


def _is_told_by_decorator(facts: SourceFacts, name: str) -> bool:
    """``kwargs.setdefault("timeout", 60)`` of what stands around the function, which hands its keywords on."""
    function = facts.function(name)
    around = tuple(f"{one.name}." for one in function.decorators if one.name) if function is not None else ()
    return bool(around) and any(
        text_of(call.argument(0)) == "timeout" and call.function.startswith(around)
        for call in facts.calls("*.setdefault")
    )


def _waits_so(facts: SourceFacts, call: Call, position: int | None) -> bool:
    if call.lacks(position, "timeout"):
        pool = call.receiver if call.callee.startswith("urllib3.") else None
        kept = pool.keyword("timeout") if isinstance(pool, Call) else None
        return kept is None or _is_none(facts, kept)  # a pool of urllib3 has a time for all that it asks
    said = call.argument(position, "timeout")
    return said is not None and (is_none_unless_set(said) or all(_is_none(facts, option) for option in options(said)))


def _is_none(facts: SourceFacts, said: Value | None) -> bool:
    """That ``None`` stands there, or a parameter that is ``None`` by its default and in each call, of which some are seen."""
    if isinstance(said, Parameter):
        called = any(True for _ in callers(facts, said.function))
        return called and all(is_constant(one, None) for one in given_for(facts, said))
    return is_constant(said, None) or is_none_unless_set(said)


def fix(app: App, hit: Hit) -> Edit | None:
    """``timeout=10`` by name, where no ``None`` stands at its position; whoever waits longer on purpose must say so."""
    for call in calls_at(source_of(app), hit.span):
        if call.method in ("Timeout", "ClientTimeout"):
            continue  # it has a time for each thing that is waited for
        position = WAITS_FOR_EVER.get(call.callee)
        if position is None or position >= len(call.args):
            return passing(call, ("timeout", "10"), safe=False)
    return None


RULE = Rule(
    slug="outbound-timeout-missing",
    family="rate",
    title="An outbound call has no time-out",
    harm=__doc__ or "",
    severity="medium",
    check="unsafe-consumption",
    cwe=(400,),
    owasp="API10:2023",
    asvs=("V13.2.6",),
    surfaces=("source",),
    ends="`stopper.outbound.Client` ends every call after `STOPPER_OUTBOUND_TIMEOUT` seconds.",
    repeats=("jwks-handling-insecure",),
    detect=detect,
    fix=fix,
)
