"""What every line of a log is given by the way: formatters, filters, adapters and processors of the project. Each such value is a flow."""

from collections.abc import Iterator
from typing import Final

from stopper.core.fact import Assignment, Flow, Function, Return
from stopper.core.facts import SourceFacts
from stopper.core.values import Call, Mapping, Name, Parameter, Sequence, Value, options, text_of, walk

_MAKERS: Final = (
    "logging.Formatter", "logging.Filter", "logging.Handler", "logging.StreamHandler", "logging.LoggerAdapter",
    "pythonjsonlogger.jsonlogger.JsonFormatter", "pythonjsonlogger.json.JsonFormatter",
)  # fmt: skip
_ADAPTER: Final = "logging.LoggerAdapter"
_TEXT_OF: Final = ("format", "formatMessage", "process", "process_log_record")
"""Methods whose result becomes the line, or a part of it."""
_CHAINS: Final = ("processors", "foreign_pre_chain", "processor", "patcher")
_CONFIGURES: Final = (
    "structlog.configure",
    "structlog.wrap_logger",
    "structlog.stdlib.ProcessorFormatter",
    "loguru.logger.configure",
)


def log_hooks(facts: SourceFacts) -> Iterator[Flow]:
    """The flows into the log that no call of a logger says."""
    if not facts.imports("logging", "structlog", "loguru"):
        return
    for name in _hooks(facts):
        function = facts.function(name)
        if function is None:
            continue
        for one in facts.assignments_in(name):
            if _fills(one, function):
                yield Flow("log", one.value, frozenset(), one.span, name, "record")
        for call in facts.calls_in(name):
            if (
                call.callee == "setattr"
                and len(call.args) == 3
                and call.span is not None
                and _is_handed(call.args[0], name)
            ):
                yield Flow("log", call.args[2], frozenset(), call.span, name, "record")
        if name.rpartition(".")[2] in _TEXT_OF or not function.owner:
            for given in facts.returns_of(name):
                yield from _told(given)
    yield from _adapted(facts)


def _told(given: Return) -> Iterator[Flow]:
    value = given.value
    for option in options(value.items[0] if isinstance(value, Sequence) and value.items else value):
        if not isinstance(option, Parameter):
            yield Flow("log", option, frozenset(), given.span, given.function, "record")


def _hooks(facts: SourceFacts) -> Iterator[str]:
    """The methods of such classes, and the functions that stand in a chain of processors."""
    for made in facts.classes(*_MAKERS):
        yield from (f"{made.name}.{method}" for method in made.methods)
    for call in facts.calls(*_CONFIGURES):
        for _, chain in (pair for pair in call.keywords if pair[0] in _CHAINS):
            yield from (
                part.dotted
                for part in walk(chain, 3)
                if isinstance(part, Name) and facts.function(part.dotted) is not None
            )
    for call in facts.calls("logging.setLogRecordFactory"):
        yield from (one.dotted for one in call.args if isinstance(one, Name))


def _fills(one: Assignment, function: Function) -> bool:
    """``record.token = …``, ``event["token"] = …`` of what the hook is handed."""
    if one.target.startswith("record."):
        return True
    return one.target.startswith("[") and _is_handed(one.into, function.name)


def _is_handed(value: Value | None, function: str) -> bool:
    if isinstance(value, Mapping):  # the event, in which something was put before
        return any(_is_handed(held, function) for key, held in value.items if text_of(key) is None)
    return isinstance(value, Parameter) and value.function == function


def _adapted(facts: SourceFacts) -> Iterator[Flow]:
    """What an adapter of the project was made with, where it writes that on every line: ``Adapter(log, {"key": key})``."""
    for made in facts.classes(_ADAPTER):
        texts = [one.value for one in facts.returns_of(f"{made.name}.process")]
        if not any(
            isinstance(part, Name) and part.dotted.endswith(".extra") for text in texts for part in walk(text, 8)
        ):
            continue
        for call in facts.calls(made.name):
            extra = call.argument(1, "extra")
            if extra is not None and call.span is not None and not isinstance(extra, Call):
                yield Flow("log", extra, frozenset(), call.span, call.function, "extra")
