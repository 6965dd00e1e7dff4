"""``app.before_request_funcs``: the table behind ``before_request``, filled by hand."""

from stopper.core.place import Span
from stopper.core.values import Call, Constant, Item, Mapping, Member, Sequence, Value
from stopper.scan.source.project import Registration
from stopper.scan.source.reader import NONE, Reader

TABLE = "before_request_funcs"


def table_assigned(reader: Reader, owner: Value, value: Value, span: Span) -> None:
    """``app.before_request_funcs = {None: [check], "shop": [check]}``"""
    if isinstance(value, Mapping):
        for key, held in value.items:
            _register(reader, owner, key, held, span)


def row_assigned(reader: Reader, table: Value, key: Value, value: Value, span: Span) -> None:
    """``app.before_request_funcs["shop"] = [check]``"""
    if isinstance(table, Member) and table.attribute == TABLE:
        _register(reader, table.owner, key, value, span)


def row_extended(reader: Reader, row: Value, call: Call) -> None:
    """``app.before_request_funcs.setdefault(None, []).append(check)``, also by ``[None]``"""
    owner: Value | None = None
    key: Value = NONE
    if isinstance(row, Item):
        owner, key = row.owner, row.key
    elif isinstance(row, Call) and row.method == "setdefault" and row.args:
        owner, key = row.receiver, row.args[0]
    if isinstance(owner, Member) and owner.attribute == TABLE and call.span is not None:
        for argument in call.args[-1:]:
            _register(reader, owner.owner, key, argument, call.span)


def _register(reader: Reader, app: Value, key: Value, functions: Value, span: Span) -> None:
    for function in functions.items if isinstance(functions, Sequence) else (functions,):
        call = Call(TABLE, (function,), (("blueprint", key),), False, None, reader.function, span)
        reader.project.registrations.append(Registration(TABLE, app, call, "", span))


def blueprint_of(registration: Registration) -> str | None:
    """The name of the blueprint whose row it is; None for the row of the whole application."""
    key = registration.call.keyword("blueprint") if registration.call is not None else None
    return key.value if isinstance(key, Constant) and isinstance(key.value, str) else None
