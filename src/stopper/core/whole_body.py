"""Everything that a caller wrote at once: the body as an object, a form, the query."""

from typing import Final

from stopper.core.values import Call, Choice, Mapping, Name, Value, options

_READS: Final = frozenset(
    {"flask.request.get_json", "flask.request.json", "flask.request.form", "flask.request.values", "flask.request.args"}
)
_SAME: Final = frozenset({"to_dict", "copy", "items", "dict", "loads", "as_dict", "cast"})


def is_whole(value: Value | None, depth: int = 5) -> bool:
    """That the value is all of it, with whatever members the caller put in: not one member, not what a schema kept."""
    if value is None or depth == 0:
        return False
    match value:
        case Name(dotted=dotted):
            return dotted in _READS
        case Call(callee=callee) if callee in _READS:
            return True
        case Call() if value.method in _SAME:
            inside = (
                *value.args,
                *([value.receiver] if value.receiver is not None else []),
                *[said for _, said in value.keywords],
            )
            owner = value.callee.rpartition(".")[0]
            return owner in _READS or any(is_whole(one, depth - 1) for one in inside)
        case Choice():
            return any(is_whole(one, depth - 1) for one in options(value))
        case Mapping(items=items):
            return any(
                is_whole(said, depth - 1) and getattr(key, "value", None) in ("**", None, "$set") for key, said in items
            )
        case _:
            return False
