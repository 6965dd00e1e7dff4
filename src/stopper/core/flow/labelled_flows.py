"""The flows of source facts with what they carry, sink by sink: one that nobody asks for is never labelled."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from stopper.core.drafts import drafted
from stopper.core.fact import Flow, SinkKind
from stopper.core.facts_memory import Memory
from stopper.core.flow.equal_to_literals import is_literal_there
from stopper.core.flow.held_attributes import held_under
from stopper.core.flow.labelling import labels_of
from stopper.core.flow.passing import given
from stopper.core.labels import UNTRUSTED
from stopper.core.origins import NONE, PASSING, TEXT_METHODS, Labels
from stopper.core.values import Call, Choice, Format, Member, Parameter, Sequence, Unknown, Value, is_constant, parts

if TYPE_CHECKING:
    from stopper.core.facts import SourceFacts

NUMBER_SAFE: Final = frozenset(
    {"sql", "file-path", "subprocess", "code", "html", "redirect", "outbound-url", "deserialisation"}
)
"""Sinks that a number cannot harm."""
_NO_PAGES: Final = frozenset({"subprocess", "code", "outbound-url"})
"""Sinks that the signs of tags are nothing to."""
_NO_FOLDERS: Final = frozenset({"subprocess", "code", "sql", "html"})
"""Sinks that a slash is nothing to."""
_ESCAPES: Final = frozenset({
    "html.escape", "cgi.escape", "markupsafe.escape", "flask.escape", "jinja2.escape", "werkzeug.utils.escape", "bleach.clean",
    "xml.sax.saxutils.escape",
})  # fmt: skip
_LAST_PART: Final = frozenset({"os.path.basename", "posixpath.basename", "ntpath.basename"})
_HANDED: Final = 2
"""Steps that have to be left where it is looked at what callers pass."""
_new_flow: Final = drafted(Flow)


def labelled_flows(facts: "SourceFacts", memory: Memory, sinks: tuple[SinkKind, ...]) -> Iterator[Flow]:
    """The flows into these sinks (every one, when none is named) in order, with their labels."""
    flows = memory.flows
    if not flows:
        for flow in facts.all_flows:
            flows.setdefault(flow.sink, []).append(flow)
    together = "+".join(sinks) if len(sinks) > 1 else ""
    if together in memory.labelled:
        return iter(memory.labelled[together])
    wanted = [
        _of_sink(facts, memory, sink) for sink in (dict.fromkeys(sinks) if sinks else tuple(flows)) if sink in flows
    ]
    if len(wanted) == 1:
        return iter(wanted[0])
    found = sorted((flow for found in wanted for flow in found), key=_in_order)
    if together:
        memory.labelled[together] = found
    return iter(found)


def _of_sink(facts: "SourceFacts", memory: Memory, sink: str) -> list[Flow]:
    if sink not in memory.labelled:
        numbers = sink in NUMBER_SAFE
        memory.labelled[sink] = [
            _new_flow(flow.sink, flow.value, _carried(facts, flow, numbers), flow.span, flow.function, flow.detail)
            for flow in memory.flows[sink]
        ]
    return memory.labelled[sink]


def _carried(facts: "SourceFacts", flow: Flow, numbers: bool) -> Labels:
    """What a flow carries; what is one of a few literals where it comes to its sink (``if name == "a": …``) says nothing of the caller."""
    found = labels_of(facts, flow.value, numbers=numbers) or _of_escaped(facts, flow)
    sent = frozenset(one for one in found if one.kind in UNTRUSTED) if numbers or flow.sink == "response" else NONE
    return found - sent if sent and is_literal_there(facts, flow.value, flow.function, flow.span) else found


def _of_escaped(facts: "SourceFacts", flow: Flow) -> Labels:
    """``os.system("ping " + html.escape(host))``: what escapes the signs of tags leaves those of a shell and of templates as they are, and
    ``os.path.basename(name)`` leaves whatever is no slash."""
    vain = _escapes_in_vain(flow.sink)
    found = NONE
    for call in _escaped(facts, flow.value, vain) if vain else ():
        if flow.sink != "sql" or call.callee in _LAST_PART or is_constant(call.argument(1, "quote"), False):
            found |= labels_of(facts, call.args[0], numbers=True)
    return found


def _escapes_in_vain(sink: str) -> frozenset[str]:
    """What changes a text and leaves it as harmful as it was, for that sink. In a statement what is quoted is another matter."""
    pages = (
        _ESCAPES
        if sink in _NO_PAGES
        else frozenset({"html.escape", "cgi.escape"})
        if sink == "sql"
        else frozenset[str]()
    )
    return pages | (_LAST_PART if sink in _NO_FOLDERS else frozenset[str]())


def _escaped(facts: "SourceFacts", value: Value, vain: frozenset[str], depth: int = 8) -> Iterator[Call]:
    """The calls that escape for another place, of which the value is put together; what another call makes of that is its own."""
    if isinstance(value, Call) and value.callee in vain and value.args:
        yield value
        return
    joined = isinstance(value, (Format, Unknown, Choice, Sequence)) or (
        isinstance(value, Call) and (value.callee in PASSING or value.method in TEXT_METHODS)
    )
    inner = parts(value) if joined else _elsewhere(facts, value) if depth > _HANDED else ()
    for one in inner if depth else ():
        if one is not value:
            yield from _escaped(facts, one, vain, depth - 1)


def _elsewhere(facts: "SourceFacts", value: Value) -> tuple[Value, ...]:
    """What callers pass for a parameter, and what an object was made with under a name."""
    if isinstance(value, Parameter):
        return given(facts, value)
    if isinstance(value, Member):
        return tuple(one for one, _ in held_under(facts, value.owner, value.attribute))
    return ()


def _in_order(flow: Flow) -> tuple[str, int, int]:
    return (flow.span.path, flow.span.line, flow.span.column)
