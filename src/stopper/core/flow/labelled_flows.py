"""The flows of source facts with what they carry, sink by sink: one that nobody asks for is never labelled."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from stopper.core.drafts import drafted
from stopper.core.fact import Flow, SinkKind
from stopper.core.facts_memory import Memory
from stopper.core.flow.labelling import labels_of

if TYPE_CHECKING:
    from stopper.core.facts import SourceFacts

NUMBER_SAFE: Final = frozenset(
    {"sql", "file-path", "subprocess", "code", "html", "redirect", "outbound-url", "deserialisation"}
)
"""Sinks that a number cannot harm."""
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
            _new_flow(
                flow.sink,
                flow.value,
                labels_of(facts, flow.value, numbers=numbers),
                flow.span,
                flow.function,
                flow.detail,
            )
            for flow in memory.flows[sink]
        ]
    return memory.labelled[sink]


def _in_order(flow: Flow) -> tuple[str, int, int]:
    return (flow.span.path, flow.span.line, flow.span.column)
