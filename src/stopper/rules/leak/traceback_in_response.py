"""A stranger reads files, lines and values of the program whenever something fails."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from stopper.core.answers.raised_answers import raised_answers
from stopper.core.app import App
from stopper.core.deployment.behind_settings import is_behind_setting
from stopper.core.deployment.switched_on import asked_for
from stopper.core.edits.answer_edits import told_to_the_log
from stopper.core.exchange import Response
from stopper.core.fact import Flow
from stopper.core.facts import SourceFacts, source_of
from stopper.core.finding import Evidence, Verdict
from stopper.core.flow.held_attributes import held_under
from stopper.core.flow.kept_in_mappings import kept_under
from stopper.core.people.mailing import mailers
from stopper.core.place import RouteRef, Span
from stopper.core.probe import Steps, Target, failed, not_applicable, passed
from stopper.core.probing.baseline import beyond
from stopper.core.probing.errors_seen import errors_seen
from stopper.core.probing.provoke import provoked, to_the_end
from stopper.core.rule import Edit, Hit, Rule
from stopper.core.values import Call, Format, Item, Member, Name, Unknown, Value, options, parts, walk

_SINKS: Final = ("response", "response-header", "template", "html")
_MAKERS: Final = frozenset({"traceback.format_exc", "traceback.format_tb", "traceback.format_stack", "traceback.format_exception",
    "traceback.extract_tb", "traceback.format_list", "traceback.extract_stack", "cgitb.html", "cgitb.text",
    "werkzeug.debug.tbtools.get_current_traceback", "werkzeug.debug.tbtools.DebugTraceback", "traceback.TracebackException.from_exception",
    "inspect.trace", "inspect.stack", "flask_restful.utils.traceback", "sentry_sdk.utils.exceptions_from_error_tuple", "logging.Formatter.formatException"})  # fmt: skip
_PRINTERS: Final = ("traceback.print_exc", "traceback.print_exception", "traceback.print_tb", "traceback.print_stack")
_CONSOLE: Final = frozenset({"sys.stderr", "sys.stdout", "sys.__stderr__", "sys.__stdout__"})
_FRAMES: Final = ("__traceback__", "tb_frame", "plaintext_traceback", "traceback", "exc_info")
_WISH: Final = re.compile(r"(?i)stack_?trace|trace_?back")
_OF_TASKS: Final = re.compile(r"AsyncResult$|\bJob\.fetch$|\.fetch_job$")
"""Results of tasks that ran elsewhere, which keep what went wrong there."""
_READS: Final = frozenset({"getvalue", "read"})
_FRAME: Final = re.compile(
    r"Traceback \(most recent call last\)|File (?:\"|&#34;|&quot;|\\\")[^\"&\n]{1,300}?\.py(?:\"|&#34;|&quot;|\\\"), line \d+"
)


def detect(app: App) -> Iterator[Hit]:
    """A formatted traceback that reaches a response, a page or the text of an abort."""
    facts = source_of(app)
    if not facts.imports("traceback", "cgitb", "sys", "werkzeug.debug", "inspect", "celery", "rq"):
        return
    if not facts.says(*_FRAMES) and _MAKERS.union(_PRINTERS).isdisjoint(facts.callees()):
        return
    printers = [
        call
        for call in facts.calls(*_PRINTERS)
        if (into := call.keyword("file")) is not None
        and call.function
        and not (isinstance(into, Name) and into.dotted in _CONSOLE)
    ]
    # Where each is made in debug mode alone, it matters nowhere that it goes; frames that are taken apart by hand are seen where they stand.
    on_demand = all(_is_asked_for(facts, call.span) for call in (*printers, *facts.calls(*_MAKERS)))
    if on_demand and not facts.says(*_FRAMES):
        return
    printing = {call.function for call in printers}
    seen = bool(printing) or facts.says(*_FRAMES) or not _MAKERS.isdisjoint(facts.callees())
    found = [
        flow
        for flow in (*facts.flows(*_SINKS), *raised_answers(facts))
        if (
            _shows(facts, flow, printing, on_demand) or _keeps(facts, flow, printing, on_demand)
            if seen
            else flow.has("traceback") and not on_demand
        )
        and not _is_asked_for(facts, flow.span)
        and not _is_handed_on(facts, flow)
        and not (flow.sink == "template" and flow.function in mailers(facts))  # the page is a mail
    ]
    answering = {flow.function for flow in found}
    told: set[tuple[str, int]] = set()
    wrappers: set[str] = set()
    for flow in found:
        line = (flow.span.path, flow.span.line)
        if line in told or flow.function in wrappers or _is_answered_by(facts, flow.value, answering):
            continue
        told.add(line)
        if flow.function and not facts.is_view(flow.function):
            wrappers.add(flow.function)  # it answers for others, in one way or another
        yield Hit("the traceback of an error goes to the caller", flow.span)


def _is_asked_for(facts: SourceFacts, span: Span | None) -> bool:
    """That it stands behind a flag for debugging, or behind a setting of its own that nothing in sight turns on."""
    return asked_for(facts, span) or is_behind_setting(facts, span, _WISH.search)


def _is_answered_by(facts: SourceFacts, value: Value, answering: set[str]) -> bool:
    """``return make_response(data, error)``: what a function of the project answers with is told there, and not at each who calls it, nor
    at those who call one that ends in it."""
    return all(isinstance(one, Call) and _ends_in(facts, one.callee, answering, 3) for one in options(value))


def _ends_in(facts: SourceFacts, callee: str, answering: set[str], depth: int) -> bool:
    if callee in answering:
        return True
    made = [one for back in facts.returns_of(callee) for one in options(back.value)] if depth else []
    return any(isinstance(one, Call) and _ends_in(facts, one.callee, answering, depth - 1) for one in made)


def _shows(facts: SourceFacts, flow: Flow, printing: set[str], on_demand: bool) -> bool:
    inside = (isinstance(one, Call) and one.callee in _MAKERS for one in walk(flow.value, 12))
    if flow.has("traceback") and not on_demand and not any(inside):
        return True  # made elsewhere; what is made here is looked for in what goes out
    for value in _seen(facts, flow.value):
        match value:
            case Member(attribute="traceback" | "exc_info", owner=Call(callee=callee)) if _OF_TASKS.search(callee):
                return True
            case Call(callee=callee) if callee in _MAKERS and not on_demand:
                return True
            case Call(receiver=receiver) if (
                receiver is not None and value.method in _READS and flow.function in printing
            ):
                return True
            case Call(callee=callee) if callee in printing:
                return True
            case Member(attribute="__traceback__" | "tb_frame" | "plaintext_traceback"):
                return True
            case _:
                continue
    return False


def _keeps(facts: SourceFacts, flow: Flow, printing: set[str], on_demand: bool) -> bool:
    """``jsonify(JOBS[number])``, where another function has put the traceback into what lies there."""
    return flow.sink == "response" and any(
        _shows(facts, replace(flow, value=held, labels=facts.labels(held), function=function), printing, on_demand)
        for part in walk(flow.value, 3)
        if isinstance(part, Item)
        for held, function in kept_under(facts, part)
    )


def _seen(facts: SourceFacts, value: Value, depth: int = 12) -> Iterator[Value]:
    """The value and what is inside it, but for what only went into a digest or was counted."""
    yield value
    if isinstance(value, Member) and isinstance(value.owner, Call) and depth:  # ``report.title``, and not its stack
        held = [one for one, _ in held_under(facts, value.owner, value.attribute)]
        for one in held:
            yield from _seen(facts, one, depth - 1)
        if held:
            return
    counted = isinstance(value, Call) and (
        value.callee.startswith(("hashlib.", "hmac.", "zlib.")) or value.callee in ("len", "hash")
    )
    for part in parts(value) if depth and not counted else ():
        if not _is_bare(part) or _makes_text(value):
            yield from _seen(facts, part, depth - 1)


def _makes_text(value: Value) -> bool:
    if isinstance(value, Call):
        return (
            value.callee in ("str", "repr")
            or value.callee.startswith("traceback.")
            or value.method in ("format", "join")
        )
    return isinstance(value, (Format, Unknown))


def _is_bare(value: Value) -> bool:
    """``error.__traceback__``, of which nobody makes a text: JSON knows no such thing."""
    return isinstance(value, Member) and value.attribute == "__traceback__"


def _is_handed_on(facts: SourceFacts, flow: Flow) -> bool:
    """That the value is returned by a function that answers no route and handles no error: it is judged where it answers."""
    known = facts.function(flow.function) if flow.function else None
    if known is not None and known.parameters[-1:] == ("start_response",):
        return False  # what a layer of WSGI gives back is the answer
    return (
        flow.detail == "return"
        and bool(flow.function)
        and not facts.is_view(flow.function)
        and not facts.error_handlers_of(flow.function)
        and not facts.routes_reaching(flow.function)
    )


def fix(app: App, hit: Hit) -> Edit | None:
    """A fixed text in place of the traceback, which goes to the log."""
    return told_to_the_log(source_of(app), hit.span, _is_traceback) if hit.span is not None else None


def _is_traceback(value: Value) -> bool:
    if isinstance(value, Format) or (
        isinstance(value, Call) and value.method in ("replace", "splitlines", "split", "join")
    ):
        return any(isinstance(one, Call) and one.callee in _MAKERS for one in walk(value))
    return isinstance(value, Call) and value.callee in _MAKERS


def probe(target: Target) -> Steps[Verdict]:
    """Look at how each route answers a few wrong requests for the frames of a traceback."""
    places: list[RouteRef] = []
    evidence: list[Evidence] = []
    for ref, met in errors_seen(target):
        if ref not in places and shows_frames(met.response):
            places.append(ref)
            evidence.append(
                Evidence("exchange", "this answer, which another probe of the scan met, holds a traceback", met)
            )
    asked = (yield from beyond(provoked(target), places)) or []
    for one in asked:
        if one.ref in places:
            continue
        found = next((answer for answer in (*one.wrong, one.honest) if shows_frames(answer.response)), None)
        if found is not None:
            places.append(one.ref)
            evidence.append(Evidence("exchange", f"control: {one.ref.path} asked as it wants to be asked", one.honest))
            evidence.append(Evidence("exchange", "this answer holds a traceback", found))
    if places:
        return failed(f"{places[0]} answers with a traceback", places, evidence)
    if not asked:
        return not_applicable("no route can be asked in this mode")
    yield from to_the_end(target)
    return passed(f"none of {len(asked)} routes answers wrong input with a traceback")


def shows_frames(response: Response) -> bool:
    """That the answer holds the head of a traceback or one of its frames."""
    return _FRAME.search(response.text) is not None


RULE = Rule(
    slug="traceback-in-response",
    family="leak",
    title="Traceback in a response",
    harm="A stranger reads files, lines and values of the program whenever something fails.",
    severity="high",
    check="data-exposure",
    cwe=(209,),
    owasp="API8:2023",
    asvs=("V16.5.1",),
    surfaces=("source", "wsgi", "http"),
    ends="`Stopper(app)` answers an exception with a status and its title, never with its traceback.",
    detect=detect,
    fix=fix,
    provokes=True,
    probe=probe,
    effect_of=("debug-enabled", "debug-enabled-in-config"),
)
