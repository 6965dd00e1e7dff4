"""Options of commands: which one a parameter or a field of ``parse_args()`` is, and what it is until somebody types it."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from stopper.core.values import Call, Constant, Parameter, Value, text_of

if TYPE_CHECKING:
    from stopper.core.facts import SourceFacts


def options_of_command(facts: "SourceFacts", value: Parameter) -> Iterator[Call]:
    """The ``@click.option("--debug")`` by which a parameter of a command is filled."""
    found = facts.function(value.function)
    for one in found.decorators if found is not None else ():
        if one.call is not None and one.name.rpartition(".")[2] == "option" and _names(one.call, value.parameter):
            yield one.call


def _names(call: Call, parameter: str) -> bool:
    said = (text for one in call.args if (text := text_of(one)) is not None)
    return any(
        part.lstrip("-").replace("-", "_") == parameter for text in said for part in text.split("/") if part[:1] == "-"
    )


def untyped(facts: "SourceFacts", name: str, parser: Value) -> Value | None:
    """What an option of argparse is until somebody types it: its default, true for a ``--no-debug`` that stores false."""
    for call in facts.calls("*.add_argument"):
        said = [text.lstrip("-").replace("-", "_") for one in call.args if (text := text_of(one)) is not None]
        meant = text_of(call.keyword("dest")) or next(iter(said), "")
        if meant == name and call.receiver is not None and _is_same(call.receiver, parser):
            default = call.keyword("default")
            return default if default is not None else Constant(text_of(call.keyword("action")) == "store_false")
    return None


def _is_same(one: Value, other: Value) -> bool:
    return one is other or (isinstance(one, Call) and isinstance(other, Call) and one.span == other.span)
