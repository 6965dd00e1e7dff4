"""Who is calling, as values say it, and questions that only fetch the caller's own record."""

import re
from typing import Final

from stopper.core.flow.view_functions import FunctionIndex
from stopper.core.owner_names import OWNER, WHO
from stopper.core.values import Call, Constant, Item, Member, Name, Truth, Value, text_of, walk

_TOOL: Final = re.compile(
    r"(?i)^flask\.g\._?\w*(?:db|database|conn|connection|cursor|cur|store|engine|redis|mongo|sqlite\w*|db_session|start\w*|request_id|trace_id|locale|lang|language)$"
)
"""What is kept in ``g`` for the request and says nothing of who is calling."""
_ON_REQUEST: Final = re.compile(
    r"(?i)flask\.request\.(?!user_agent|remote_user)(?:\w*_)?(?:user|account|member|uid|username|identity|subject|claims|principal)(?:_?id)?(?:\.\w+)*"
)
"""What a decorator of the project puts on the request: ``request.user_id = claims["sub"]``."""
BARE: Final = re.compile(
    r"is_authenticated|is_active|is_anonymous|is_confirmed|is_verified|id|uid|uuid|public_id|external_id|username|login|email|phone|name|sub|subject"
)
_PEOPLE_WORDS: Final = r"(?:user|account|member|customer|patient|person|people|profile|employee|student|client|teacher|principal|identity)s?"
_PEOPLE: Final = re.compile(rf"(?i){_PEOPLE_WORDS}")
_FROM_PEOPLE: Final = re.compile(rf"(?i)\b(?:from|update)\s+\W?{_PEOPLE_WORDS}\b")
QUERIES: Final = frozenset(
    {
        "get", "get_or_404", "get_or_none", "get_by_id", "find_one", "filter", "filter_by", "where", "execute", "select", "query", "scalar", "scalars", "find", "first",
        "one", "get_item", "fetch_one", "find_by_id", "one_or_404", "first_or_404", "one_or_none", "all", "fetchone", "fetchall", "scalar_one_or_none", "limit", "count",
        "find_one_or_404", "delete_one", "delete_many", "find_one_and_delete",
    }
)  # fmt: skip


def is_who(part: Value) -> bool:
    """Who is calling, or a member of something that says whose it is."""
    match part:
        case Name(dotted=dotted):
            kept = dotted.startswith("flask.g.") and _TOOL.search(dotted) is None
            put_there = _ON_REQUEST.fullmatch(dotted) is not None
            return bool(WHO.search(dotted)) or kept or put_there or dotted.startswith("flask.session")
        case Call(callee=callee):
            return bool(WHO.search(callee))
        case Member(attribute=attribute):  # APIFlask has ``auth.current_user``
            return attribute == "current_user" or bool(OWNER.search(attribute))
        case Item(owner=Name(dotted="flask.session" | "flask.g")):
            return True
        case Item(key=Constant(value=str(key))):
            return bool(OWNER.search(key))
        case _:
            return False


def is_own_record(value: Value) -> bool:
    """``User.id`` in ``select(User).where(User.id == get_jwt_identity())``: the caller's own record is fetched."""
    if not isinstance(value, Name) or is_who(value):
        return False
    model, _, column = value.dotted.rpartition(".")
    return _PEOPLE.fullmatch(model.rpartition(".")[2]) is not None and BARE.fullmatch(column) is not None


def is_own_column(index: FunctionIndex, value: Value) -> bool:
    """The same beside its class, where ``Account.subject`` is read as the ``mapped_column(String(80))`` that stands there."""
    if not isinstance(value, Call) or value.span is None or not value.method[-6:].lower().endswith(("column", "field")):
        return False
    return any(
        one.span.holds(value.span) and is_own_record(Name(f"{one.name}.{word}"))
        for one in index.facts.all_classes
        for word, held in one.attributes.items()
        if held == value
    )


def asks_for_the_caller(call: Call) -> bool:
    """``session.scalars(select(Account).where(Account.subject == g.claims["sub"])).one()``: the caller's own record, by what it is known by."""
    links: list[Call] = []
    link: Value | None = call
    while isinstance(link, Call) and link.method in QUERIES:
        links.append(link)
        statement = link.args[0] if link.args and isinstance(link.args[0], Call) else link.receiver
        link = statement if statement is not None else next(iter(link.args), None)
    told = [(name, one) for each in links for name, one in each.keywords if any(map(is_who, walk(one, 3)))]
    compared = [part for each in links for one in each.args for part in walk(one, 3) if isinstance(part, Truth)]
    by_column = any(len(one.parts) == 2 and any(map(is_own_record, one.parts)) for one in compared)
    if not (link is None or isinstance(link, Name)) or not all(BARE.fullmatch(name) for name, _ in told):
        return False  # what hangs on somebody: ``me.invoices.filter_by(id=number)``
    return (by_column or bool(told)) and is_of_people(call)


def is_of_people(call: Call) -> bool:
    """``User.query.get(session["user_id"])``, ``db.session.get(User, get_jwt_identity())``, ``SELECT … FROM users WHERE id = ?``"""
    for part in walk(call, 6):
        if isinstance(part, Name) and _PEOPLE.fullmatch(part.dotted.rpartition(".")[2]):
            return True
        if isinstance(part, Call) and any(_PEOPLE.fullmatch(word) for word in part.callee.split(".")[:-1]):
            return True
        said = text_of(part)
        if said and _FROM_PEOPLE.search(said):
            return True
    return False
