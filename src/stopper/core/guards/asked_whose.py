"""Whether a view asks whose a thing is: by what it compares, by what its queries hold, or by a function that it hands both to. That somebody
is logged in, or who it was in a line of the log, says nothing of the thing."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from stopper.core.app import Route
from stopper.core.fact import Comparison, Condition, Decorator, Function
from stopper.core.flow.nested_functions import inside
from stopper.core.flow.passing import handed, unread
from stopper.core.flow.raising import raised_in
from stopper.core.flow.view_functions import FunctionIndex
from stopper.core.guards.asked_of_found import is_asked_of_caller, is_callers_parameter, not_of_found
from stopper.core.guards.caller_askers import askers
from stopper.core.guards.idle_questions import is_only_noted, is_switched_off, is_with_itself, on_another_way
from stopper.core.guards.named_by_id import says_who_in_where
from stopper.core.guards.reached_by_admins import lets_all_in
from stopper.core.guards.who_calls import (
    BARE,
    QUERIES,
    asks_for_the_caller,
    is_of_people,
    is_own_column,
    is_own_record,
    is_who,
)
from stopper.core.owner_names import ADMIN_GUARD, OWNER, WHO, is_for_a_role, is_for_customers, only_describes
from stopper.core.people.kinds_of_staff import is_mark_of_admins
from stopper.core.place import Span
from stopper.core.stores.sql_conditions import statement_of
from stopper.core.text_words import mentions
from stopper.core.values import (
    Call,
    Constant,
    Item,
    Member,
    Name,
    Parameter,
    Truth,
    Value,
    options,
    parts,
    text_of,
    walk,
)

_ACCESS: Final = re.compile(
    r"(?i)(?:^|_)(?:owns?|owner|belongs|access|can_(?:access|view|read|edit|see)|may_(?:access|view|read|edit|see))(?:_|$)"
)
"""What a decorator asks for the thing that the address names: ``get_case_access``, ``user_has_client_access``."""
_ASKS: Final = re.compile(
    r"(?i)own(er|s|ed)|permission|allowed|authori[sz]e|can_|belongs|access(?!_?(?:tokens?|keys?|log))|permit|^(?:can|may)$"
)
_FETCHES: Final = re.compile(
    r"(?i)_?(?:get|find|load|fetch|current|create|add|list|new|register|update|save|resolve|look_?up|read|the|my|authed|authenticated|logged_in|calling)"
    r"(?:_\w+)?_?owners?(?:_(?:by|from|for|of|or)_\w+)?|owners?_(?:by|from|of|for)_\w+"
)
"""What gives somebody who is called an owner, as others are called users: ``current_owner()``."""
_DEMANDS: Final = re.compile(r"(?i)require|need|allow|grant")
"""What a decorator is called that is told a right, which an enumeration may hold as a number."""
_ASKS_UNSEEN: Final = re.compile(
    r"(?i)(?:^|_)(?:ensure|assert|enforce|policy|guard|acl|must|forbid|visible|check)(?:_|$)"
)
SQL_OWNER: Final = re.compile(
    r"(?i)\b(?:user|owner|author|account|customer|tenant|org|team|created_by|member|company)\w*\s*="
)
"""A column of a statement that says whose a row is."""
_WHERE: Final = re.compile(r"(?is)\s*(?:select|update|delete)\b.*\bwhere\b")
_SAYS: Final = re.compile(
    r"(?:.*\.)?(?:debug|info|warning|warn|error|exception|critical|log|print|flash|jsonify|make_response|render_template|render_template_string|dumps|dump|"
    r"redirect|url_for|add|add_all|commit|flush|refresh|delay|apply_async|send|emit|publish|append|str|int|format|insert_one|len|isinstance)"
)
"""Calls that show, note or store something, and decide nothing."""
_LOGGED_IN: Final = re.compile(
    r"(?i)_?(?:user|uid|account|member|customer|username|user_?name|email|login|logged_?in|authenticated|auth|token|identity|sub|profile|patient|client|person|staff|employee)(?:_?id)?"
)
"""A member of the session whose presence says that somebody is logged in."""
_FOR_ADMINS: Final = re.compile(
    r"(?i)(?:check|require|ensure|assert|verify|must|only)_(?:\w+_)?(?:admin|superuser|staff|manager)"
)
_ASKED_OF_PERSON: Final = re.compile(r"(?:has|can|may|owns)_|is_(?!authenticated|active|anonymous|confirmed|verified)")
_STATE: Final = re.compile(
    r"(?i)(?:email_?)?verified|is_active|active|confirmed|enabled|mfa\w*|two_factor\w*|amr|typ|type|exp|iat|jti"
)
"""Claims that say in which state somebody is, and not what belongs to whom."""
_CHANGES: Final = frozenset({"update_one", "update_many", "replace_one", "find_one_and_update", "find_one_and_replace"})
"""Changes of a document: the first argument says of which, the second how it is to be."""
_CHANGES_ROWS: Final = re.compile(r"(?is)\s*update\s.*\bset\b.*\bwhere\b")
_CASTS: Final = frozenset({"UUID", "ObjectId", "Decimal"})
"""Classes that give what they are handed another type."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What asks about the caller: everything that stands in the question, and where."""

    values: tuple[Value, ...]
    span: Span | None


def asks_whose(index: FunctionIndex, route: Route, own: list[Function], look: Call | Item | None = None) -> bool:
    """The view, what it calls, or a decorator below the route asks whose a thing is; of that *look*, where one is given: who may see a
    project was asked says nothing of a task that is looked up by its own number."""
    facts = index.facts
    if any(_asks_role(one) and not lets_all_in(facts, [route], one) for function in own for one in function.decorators):
        return True
    if any(_ACCESS.search(call.method) for name in _of_decorators(index, own) for call in facts.calls_in(name)):
        return True
    about = _of_path(route, (look,)) if look is not None else frozenset[str]()
    for asked in _asked(index, route, own):
        seen = _of_path(route, asked.values)
        if (not seen or not about or seen & about) and not _is_beside(index, look, asked):
            return True
    return False


def asks_on_another_way(index: FunctionIndex, route: Route, own: list[Function], look: Call | Item) -> bool:
    """That the view asks whose the thing is where it does not come by that *look*: so it is somebody's."""
    if look.span is None or next(index.facts.conditions_around(look.span), None) is None:
        return False  # there is one way alone
    return any(_is_beside(index, look, asked) for asked in _asked(index, route, own))


def _is_beside(index: FunctionIndex, look: Call | Item | None, asked: Asked) -> bool:
    if look is None or look.span is None or asked.span is None:
        return False
    return on_another_way(index.facts, look.span, asked.span)


def _asks_role(one: Decorator) -> bool:
    """By its own name, or by what it is told: ``@requires(Permissions.administrator)``."""
    if ADMIN_GUARD.search(one.name.rpartition(".")[2]) and not is_for_customers(one):
        return True
    if one.call is None or "route" in one.name or only_describes(one.name):
        return False
    given = (*one.call.args, *(value for _, value in one.call.keywords))
    if is_for_a_role(one) or any(mentions(value, ADMIN_GUARD, 3) for value in given):
        return True
    flags = any(isinstance(value, Constant) and type(value.value) is int for value in given)
    return flags and _DEMANDS.search(one.name.rpartition(".")[2]) is not None


def _of_path(route: Route, values: tuple[Value, ...]) -> frozenset[str]:
    """The parameters of the path that stand in these."""
    names = {name for name, _ in route.parameters}
    return frozenset(
        part.parameter
        for value in values
        for part in walk(value)
        if isinstance(part, Parameter) and part.parameter in names
    )


def _asked(index: FunctionIndex, route: Route, own: list[Function]) -> Iterator[Asked]:
    names = index.calling([function.name for function in own], 2)
    for name in names:
        for one in index.comparisons.get(name, ()):
            if (
                _compares(index, route, one)
                and not is_with_itself(one)
                and not is_only_noted(index, name, one)
                and not is_switched_off(index, name, one)
            ):
                yield Asked((one.left, one.right), one.span)
        for asked in index.conditions.get(name, ()):
            if _decides(index, asked):
                yield Asked((asked.value,), asked.span)
        for call in index.facts.calls_in(name):
            if _is_asked(index, names, call) or _is_asked_of_handed_in(index, route, call):
                yield Asked((call,), call.span)


def _compares(index: FunctionIndex, route: Route, one: Comparison) -> bool:
    """Something of the caller, or an owner, is held against something that is not just there or not."""
    for side, other in ((one.left, one.right), (one.right, one.left)):
        if isinstance(other, Call) and other.callee in askers(index.facts) and _is_owners(side):
            return True  # ``Booking.member_id == member()``
        if not any(is_who(part) or _is_handed_in(index, route, part) for part in _looked_at(index, side)):
            continue
        if isinstance(other, Constant) and (other.value in (None, True, False, "") or one.operator in ("in", "not in")):
            continue
        if any(is_own_record(each) or is_own_column(index, each) for each in (one.left, one.right)):
            continue
        return True
    return False


def _is_owners(side: Value) -> bool:
    named = side.attribute if isinstance(side, Member) else side.dotted if isinstance(side, Name) else ""
    return OWNER.search(named.rpartition(".")[2]) is not None


def _looked_at(index: FunctionIndex, value: Value) -> Iterator[Value]:
    """What stands in a value, without what a function of the project is told and does not look at."""
    left_out = {
        id(part)
        for call in walk(value)
        if isinstance(call, Call) and call.keywords
        for given in unread(index.facts, call)
        for part in walk(given)
    }
    return (part for part in walk(value) if id(part) not in left_out)


def _decides(index: FunctionIndex, asked: Condition) -> bool:
    """An ``if`` that asks more of the caller than whether there is one. ``if filters.get("owner")`` that goes on asks of nobody."""
    value = asked.value
    if asked.refuses and any(map(is_mark_of_admins, options(value))):
        return True
    if (
        isinstance(value, Item)
        and value.default is not None
        and not asked.stops
        and not any(map(is_who, walk(value.owner)))
    ):
        return False
    return any(not _is_presence(option) and any(map(is_who, _outside_tests(option))) for option in options(asked.value))


def _outside_tests(value: Value, depth: int = 8) -> Iterator[Value]:
    """What stands in a test, without its comparisons and calls, which are asked about by themselves."""
    if isinstance(value, Truth) and len(value.parts) > 1:
        return
    yield value
    for part in parts(value) if depth and not isinstance(value, Call) else ():
        yield from _outside_tests(part, depth - 1)


def _is_presence(value: Value) -> bool:
    """``current_user.is_authenticated``, ``g.user``, ``session.get("user_id")``, ``get_jwt_identity()``"""
    match value:
        case Truth(parts=(only,)):
            return _is_presence(only)
        case Name(dotted=dotted):
            _, told, member = dotted.partition(".current_user.")
            return (dotted.count(".") < 3 and not told) or BARE.fullmatch(
                member or dotted.rpartition(".")[2]
            ) is not None
        case Call():
            return True
        case Member(owner=owner, attribute=attribute):
            return BARE.fullmatch(attribute) is not None and (any(map(is_who, walk(owner))) or isinstance(owner, Call))
        case Item(owner=Name(dotted="flask.session" | "flask.g"), key=key):
            return _LOGGED_IN.fullmatch(text_of(key) or "") is not None
        case Item(key=key):
            return _STATE.fullmatch(text_of(key) or "") is not None
        case _:
            return False


def _is_asked(index: FunctionIndex, names: list[str], call: Call) -> bool:
    known = call.callee in index.by_name
    if known and (held := index.comparisons.get(call.callee)) and all(map(is_with_itself, held)):
        return False
    asks = _ASKS.search(call.method) and not _FETCHES.fullmatch(call.method) and not _is_raised(index, call)
    if (
        known
        and not (call.args or call.keywords or call.receiver)
        and not index.facts.says("view_args", "url_value_preprocessor")
    ):
        if _FOR_ADMINS.match(call.method) and _raises(index, call.callee):
            return True  # ``check_admin_permissions()``
        asks = None  # ``authorize_request()`` knows nothing of the thing; what it compares is read
    if asks or (len(call.args) > 1 and call.method in ("require", "ensure")):
        return True  # ``require(MANAGE, user)``
    if not known and _ASKS_UNSEEN.search(call.method) and not call.callee.startswith(("flask.", "werkzeug.")):
        return True
    if is_asked_of_caller(call):
        return True
    if (known or call.method == "execute") and call.args and _CHANGES_ROWS.match(statement_of(call.args[0])):
        return says_who_in_where(index, call) or _holds_owner(index, call)  # what a statement sets asks nothing
    if known and call.callee in names:  # what it asks stands in what was read, but for a statement that it is handed
        return _is_statement(call) and any(map(is_who, walk(call, 4))) and not is_of_people(call)
    if _SAYS.fullmatch(call.callee) or (call.method[:1].isupper() and call.method not in QUERIES):
        return False
    given = (*call.args, *(value for _, value in call.keywords))
    if call.method in _CHANGES and call.args:
        return any(map(is_who, walk(call.args[0], 6)))
    if call.method in QUERIES and _holds_owner(index, call):
        return True
    inside = not_of_found(call, [part for value in given for part in _outside_makers(value)], QUERIES)
    outside = list(_outside_makers(call.receiver)) if call.receiver is not None else []
    if any(map(is_who, not_of_found(call, outside, QUERIES))) and not asks_for_the_caller(call):
        return True
    if not any(map(is_who, inside)):
        return False
    if call.method in QUERIES:
        return not is_of_people(call) and any(_names_thing(part) for value in given for part in walk(value, 6))
    return any(_names_thing(part) for value in given for part in _outside_makers(value))


def _raises(index: FunctionIndex, name: str) -> bool:
    """By the place: a step may be read as if it stood where its one caller is."""
    place = index.by_name[name].span
    return any(place.holds(one.span) for one in index.facts.raises())


def _is_raised(index: FunctionIndex, call: Call) -> bool:
    """``raise Unauthorized()``: why somebody is turned away stands in the question before."""
    return any(
        one.value is not None and getattr(one.value, "span", None) == call.span
        for one in raised_in(index.facts, call.function)
    )


def _is_statement(call: Call) -> bool:
    """``rows("select … where id = ? and person = ?", claim, current_user.id)``"""
    return bool(call.args) and _WHERE.match(text_of(call.args[0]) or "") is not None


def _holds_owner(index: FunctionIndex, call: Call) -> bool:
    """``WHERE id = :id AND user_id = :user``, with the person as a parameter that somebody else passes, and not the address."""
    if call.method != "execute" or not call.args:
        return False
    said = next((text for part in walk(call.args[0], 3) if (text := text_of(part))), "")
    return SQL_OWNER.search(said) is not None and any(
        isinstance(part, Parameter) and not index.facts.routes_of_view(part.function)
        for one in call.args[1:]
        for part in walk(one, 3)
    )


def _names_thing(part: Value) -> bool:
    """A parameter or a member of what is sent, so that the question is about something; what was looked up holds one."""
    return isinstance(part, Parameter) or (isinstance(part, Item) and isinstance(part.owner, (Name, Call)))


def _outside_makers(value: Value, depth: int = 6) -> Iterator[Value]:
    """What stands in an argument, without what goes into a new object on the way: ``add(Entry(actor=current_user.id))``."""
    if isinstance(value, Call) and value.method[:1].isupper() and value.method not in _CASTS:
        return
    yield value
    for part in parts(value) if depth else ():
        yield from _outside_makers(part, depth - 1)


def _of_decorators(index: FunctionIndex, own: list[Function]) -> list[str]:
    """The functions of the project that decorate a view, with those inside them."""
    names = {decorator.name for function in own for decorator in function.decorators}
    several = [*names, *(one for name in names for one in inside(index.facts, name))]
    return [name for name in several if name in index.by_name]


def _is_handed_in(index: FunctionIndex, route: Route, part: Value) -> bool:
    """``def show(current_user, id)``: a decorator hands in who is calling, and the path does not; or a call of the project does."""
    if not isinstance(part, Parameter) or part.parameter in {name for name, _ in route.parameters}:
        return False
    if WHO.search(part.parameter) or is_callers_parameter(index, route, part):
        return True
    return any(is_who(one) for given in handed(index.facts, part) for one in walk(given, 4))


def _is_asked_of_handed_in(index: FunctionIndex, route: Route, call: Call) -> bool:
    """``user.is_not_admin()`` of the ``user`` that a decorator hands in."""
    asked = _ASKED_OF_PERSON.match(call.method) is not None
    return asked and isinstance(call.receiver, Parameter) and is_callers_parameter(index, route, call.receiver)
