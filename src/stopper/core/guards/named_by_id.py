"""What a view looks up by an id that the caller names, and by nothing that says whose it is."""

import re
from typing import Final

from stopper.core.fact import SourceRoute
from stopper.core.flow.body_models import is_record
from stopper.core.flow.view_functions import FunctionIndex
from stopper.core.guards.who_calls import is_who
from stopper.core.stores.sql_conditions import compared, statement_of
from stopper.core.stores.sql_tables import table_of
from stopper.core.values import Call, Constant, Item, Member, Name, Parameter, Value, walk

_LOADS: Final = frozenset(
    {"load", "loads", "model_validate", "model_validate_json", "parse_obj", "parse_raw", "deserialize"}
)
"""What a library of schemas makes of a body."""
_SQL: Final = re.compile(r"(?is)^\s*(select|update|delete)\b.*\bwhere\b")
_OWNER: Final = r"(?:user|owner|author|account|customer|tenant|org|team|created_by|member|company|merchant|client|patient|student|seller|buyer|employee|workspace)\w*"
_SQL_OWNER: Final = re.compile(rf"(?i)\b{_OWNER}\s*=")
_SHARED: Final = re.compile(r"(?i)\b(?:is_)?(?:shared|public|published)\s*=\s*(?:true|1)\b")
_OWNERS: Final = re.compile(rf"(?i){_OWNER}")
_NUMBER: Final = re.compile(r"(?:^|_)(?:id|uid|uuid|by)$")
_PEOPLE: Final = re.compile(r"(?i)users?|people|persons?|members?|authors?|owners?")
_WHO: Final = re.compile(r"(?i)(?:user|author|member|owner)\w*")
PAYS: Final = re.compile(
    r"(?i)(?:from|source|src|sender|debit|payer|origin)_?(?:account|wallet|card|iban)(?:_?(?:id|number|no))?|(?:account|wallet|card)_?from"
)
"""A member that names whose money goes."""
ACCOUNT_NUMBER: Final = re.compile(r"(?i)(?:account|wallet|card)_?(?:number|no)|iban")
"""A member that names an account, and so whose money is shown."""


def is_id(index: FunctionIndex, value: Value) -> bool:
    """A parameter of the view, or a member of what the caller sends, under the name of an id; a number of the path of any name."""
    for part in walk(value, 4):
        if isinstance(part, Parameter) and any(
            name == part.parameter and kind in ("int", "uuid")
            for route in index.facts.routes_of_view(part.function)
            for name, kind in route.parameters
        ):
            return True
        if isinstance(part, Parameter) and re.search(
            r"(?i)id$|^ident(?:ifier)?$|uuid|number|slug|key|^pk$|(?:name|title)$|ref$|reference$|code$", part.parameter
        ):
            return True
        if isinstance(part, Item) and isinstance(part.key, Constant) and _is_id_name(str(part.key.value)):
            if isinstance(part.owner, Parameter) and part.owner.parameter in ("values", "view_args", "kwargs"):
                return True
            if isinstance(part.owner, (Name, Call)) and "request" in str(
                getattr(part.owner, "dotted", getattr(part.owner, "callee", ""))
            ):
                return True
        if _is_of_loaded(index, part):
            return True
    return False


def _is_of_loaded(index: FunctionIndex, part: Value) -> bool:
    """``body.order_id`` of what a class of declared fields made of the request, ``data["order_id"]`` of what a schema did."""
    match part:
        case Item(owner=owner, key=Constant(value=str(name))) | Member(owner=owner, attribute=name):
            pass
        case _:
            return False
    if not _is_id_name(name):
        return False
    loaded = isinstance(owner, Call) and (owner.method in _LOADS or is_record(index.facts, owner.callee))
    in_path = {one for route in _routes_of(index, owner) for one, _ in route.parameters}
    handed = isinstance(owner, Parameter) and owner.parameter not in in_path and bool(_routes_of(index, owner))
    return (loaded or handed) and index.facts.derives(owner, "request-data", by_name=False)


def _routes_of(index: FunctionIndex, owner: Value) -> tuple[SourceRoute, ...]:
    return tuple(index.facts.routes_of_view(owner.function)) if isinstance(owner, Parameter) else ()


def _is_id_name(key: str) -> bool:
    named = re.search(r"(?i)ids?$|uuid", key) or PAYS.fullmatch(key) or ACCOUNT_NUMBER.fullmatch(key)
    return named is not None


def is_statement_by_id(index: FunctionIndex, call: Call) -> bool | None:
    """That a statement finds rows by what the caller names alone; None where no statement is written out."""
    said = statement_of(call.args[0])
    if " " not in said:
        return None
    if not _SQL.match(said) or _SHARED.search(said):
        return False
    asked = list(compared(call))
    if any(_NUMBER.search(column) and _is_of_caller(index, value) for column, value in asked):
        return False
    if says_who_in_where(index, call):
        return False
    if not _SQL_OWNER.search(said):
        return True
    owners = [(column, value) for column, value in asked if _OWNERS.fullmatch(column)]
    return bool(owners) and all(_is_told(index, call, column, value) for column, value in owners)


def _is_of_caller(index: FunctionIndex, value: Value) -> bool:
    """``AND merchant_id = ?`` with a member of what a decorator hands in: no number that the address or the request names."""
    return isinstance(value, (Item, Member)) and not is_id(index, value) and not _is_sent(value)


def says_who_in_where(index: FunctionIndex, call: Call) -> bool:
    """``WHERE id = ? AND resident = ?`` with who is calling, whatever the column is called; what a statement sets asks nothing."""
    where = re.split(r"(?i)\bwhere\b", statement_of(call.args[0]))[-1]
    return any(
        _says_who(index, value) and re.search(rf"\b{re.escape(column)}\W*=", where) is not None
        for column, value in compared(call)
    )


def _says_who(index: FunctionIndex, value: Value) -> bool:
    """``g.user["id"]``, ``current_user.id``, and no number that the request names."""
    return any(map(is_who, walk(value, 3))) and not is_id(index, value) and not _is_sent(value)


def _is_sent(value: Value) -> bool:
    return any("flask.request" in str(getattr(part, "dotted", getattr(part, "callee", ""))) for part in walk(value, 5))


def _is_told(index: FunctionIndex, call: Call, column: str, value: Value) -> bool:
    """``FROM secrets WHERE user_id = ?`` with the number of the address: the caller says whose they are. Who somebody is, as in ``FROM users
    WHERE username = ?``, is asked by pages that are for all."""
    if _PEOPLE.fullmatch(table_of(call)) and _WHO.fullmatch(column):
        return False
    of_path = isinstance(value, Parameter) and any(
        value.parameter == name for route in index.facts.routes_of_view(value.function) for name, _ in route.parameters
    )
    return of_path or (isinstance(value, Item) and is_id(index, value))
