"""Passwords that a view writes into a file as they were typed."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from stopper.core.account_names import is_password_name, said_name
from stopper.core.values import Call, Format, Mapping, Sequence, Unknown, Value, text_of, walk

if TYPE_CHECKING:
    from stopper.core.facts import SourceFacts

_WRITES: Final = ("write", "writelines", "writerow", "writerows", "write_text", "write_bytes")
_KEEPS: Final = frozenset({"encode", "format", "join", "dumps", "strip"})
"""Calls that a password comes out of as it went in, or put into a text."""
_OPENS: Final = frozenset({"open", "io.open", "codecs.open"})


def written_to_files(facts: "SourceFacts") -> Iterator[Call]:
    """``file.write(f"{name}:{password}")``, ``Path("users.txt").write_text(password)``, ``json.dump({"password": password}, file)``."""
    for call in facts.calls(*(f"*.{word}" for word in _WRITES), *(f"?.{word}" for word in _WRITES)):
        if _is_of_file(call.receiver) and any(_holds_typed(facts, value) for value in call.args[:1]):
            yield call
    for call in facts.calls("json.dump", "yaml.dump", "yaml.safe_dump", "pickle.dump"):
        if len(call.args) > 1 and _is_of_file(call.args[1]) and _holds_typed(facts, call.args[0]):
            yield call


def _is_of_file(receiver: Value | None) -> bool:
    """An open file, a path, or a writer of lines into one."""
    return receiver is not None and any(
        isinstance(part, Call)
        and (part.callee in ("pathlib.Path", "csv.writer", "csv.DictWriter") or _is_opened_to_write(part))
        for part in walk(receiver, 4)
    )


def _is_opened_to_write(call: Call) -> bool:
    mode = text_of(call.argument(0 if call.method == "open" and call.callee not in _OPENS else 1, "mode")) or "r"
    return (call.callee in _OPENS or call.method == "open") and mode[:1] in "wax"


def _holds_typed(facts: "SourceFacts", value: Value, depth: int = 4) -> bool:
    if is_password_name(said_name(value)) and facts.derives(value, "request-data"):
        return not isinstance(value, Call) or value.method in ("get", "strip", "encode")
    if not depth:
        return False
    match value:
        case Format(parts=inside) | Unknown(parts=inside) | Sequence(items=inside):
            return any(_holds_typed(facts, one, depth - 1) for one in inside)
        case Mapping(items=pairs):
            return any(_holds_typed(facts, one, depth - 1) for _, one in pairs)
        case Call(receiver=receiver, args=args) if value.method in _KEEPS:
            return any(_holds_typed(facts, one, depth - 1) for one in (receiver, *args) if one is not None)
        case _:
            return False
