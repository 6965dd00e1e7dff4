"""What comes to functions that no route calls, and a caller wrote all the same: arguments of a GraphQL query, events of a socket,
parameters of a remote procedure; and what a library reads out of the request for a view."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from stopper.core.fact import ClassFact, Function
from stopper.core.origins import NONE, Labels, labelled
from stopper.core.values import Call, Constant, Parameter, walk

if TYPE_CHECKING:
    from stopper.core.facts import SourceFacts

_GRAPHENE: Final = (
    "graphene.ObjectType", "graphene.types.objecttype.ObjectType", "graphene.Mutation", "graphene.types.mutation.Mutation", "graphene.Interface",
    "graphene.relay.ClientIDMutation", "graphene.relay.mutation.ClientIDMutation", "graphene_sqlalchemy.SQLAlchemyObjectType",
    "graphene_sqlalchemy.types.SQLAlchemyObjectType", "graphene_mongo.MongoengineObjectType",
)  # fmt: skip
_FIELDS: Final = frozenset({"field", "mutation", "subscription", "source"})
SOCKETS: Final = frozenset(
    {"flask_socketio.SocketIO.on", "flask_socketio.SocketIO.event", "flask_socketio.SocketIO.on_event"}
)
_WIRES: Final = frozenset({"flask_sock.Sock.route", "flask_sockets.Sockets.route"})
"""Their functions are handed the WebSocket, which the caller's messages come out of."""
NAMESPACES: Final = frozenset({"flask_socketio.Namespace", "flask_socketio.namespace.Namespace"})
_NO_MESSAGE: Final = frozenset({"connect", "disconnect", "default_error_handler"})
_INFO: Final = re.compile(r"_*info_*")
_NUMBERS: Final = frozenset(
    {"int", "float", "bool", "uuid.UUID", "datetime.date", "datetime.datetime", "decimal.Decimal"}
)
_SCALARS: Final = frozenset({"Int", "Float", "Boolean", "Decimal", "UUID", "Date", "DateTime", "BigInt"})


_LIBRARIES: Final = (
    "graphene", "graphql", "ariadne", "strawberry", "flask_socketio", "flask_sock", "flask_sockets", "flask_jsonrpc", "flask_parameter_validation",
)  # fmt: skip
_PROCEDURES: Final = re.compile(r"flask_jsonrpc(?:\.\w+)*\.JSONRPC\w*\.method")
_READ: Final = re.compile(r"flask_parameter_validation(?:\.\w+)*\.(?:Json|Query|Form|Route|MultiSource)")


def of_message(facts: "SourceFacts", value: Parameter, numbers: bool) -> Labels:
    """``request-data`` for an argument of a resolver of Graphene, Ariadne or Strawberry, for what an event of Flask-SocketIO or a WebSocket
    brings, for a procedure of Flask-JSONRPC and for what Flask-Parameter-Validation reads; with *numbers*, what the schema makes a number is
    nothing."""
    if not facts.imports(*_LIBRARIES):
        return NONE
    function = facts.function(value.function)
    if function is None:
        return NONE
    if value.index == 0 and any(one.name in _WIRES for one in function.decorators):
        return labelled("request-data", source=value.parameter)
    if not (_resolved(facts, function, value) or _emitted(facts, function, value) or _procedure(function, value)):
        return NONE
    if numbers and (value.typed in _NUMBERS or _declared_number(facts, function, value.parameter)):
        return NONE
    return labelled("request-data", source=value.parameter)


def _procedure(function: Function, value: Parameter) -> bool:
    if isinstance(value.default, Call) and _READ.fullmatch(value.default.callee):
        return True
    return any(_PROCEDURES.fullmatch(one.name) for one in function.decorators)


def _resolved(facts: "SourceFacts", function: Function, value: Parameter) -> bool:
    """An argument of a resolver: what stands behind ``info``, or behind the parent where nothing is called so."""
    names = [one.name for one in function.decorators]
    word = function.name.rpartition(".")[2]
    by_strawberry = any(one.startswith("strawberry.") and one.rpartition(".")[2] in _FIELDS for one in names)
    by_ariadne = any(one.startswith("ariadne.") and one.rpartition(".")[2] in _FIELDS for one in names)
    by_graphene = word.startswith(("resolve_", "mutate")) and bool(function.owner) and facts.imports("graphene")
    by_root = bool(function.owner) and function.owner in _roots(facts)
    if not (by_strawberry or by_ariadne or by_root or (by_graphene and _is_graphene(facts, function.owner))):
        return False
    told = next((place for place, name in enumerate(function.parameters) if _INFO.fullmatch(name)), None)
    if value.parameter in ("self", "root", "parent") or (
        told is not None and value.parameter == function.parameters[told]
    ):
        return False
    first = told + 1 if told is not None else 2 if by_ariadne else 1 if by_graphene or by_root else 0
    return value.index < 0 or value.index >= first or (by_strawberry and told is not None)


def _roots(facts: "SourceFacts") -> frozenset[str]:
    """The classes whose object graphql-core resolves from: ``graphql_sync(schema, query, Root())``."""
    if not facts.imports("graphql"):
        return frozenset()

    def find() -> frozenset[str]:
        calls = facts.calls("graphql.graphql_sync", "graphql.graphql", "graphql.execute_sync", "graphql.execute")
        made = (call.argument(2, "root_value") for call in calls)
        return frozenset(one.callee for value in made for one in facts.followed(value) if isinstance(one, Call))

    return facts.once("roots of graphql-core", find)


def _is_graphene(facts: "SourceFacts", owner: str) -> bool:
    made: frozenset[str] = facts.once(
        "classes of Graphene", lambda: frozenset(one.name for one in facts.classes(*_GRAPHENE))
    )
    return owner in made


def _emitted(facts: "SourceFacts", function: Function, value: Parameter) -> bool:
    """What an event brings; that somebody comes or goes brings nothing."""
    if value.parameter in ("self", "cls") or not facts.imports("flask_socketio"):
        return False
    word = function.name.rpartition(".")[2]
    for one in function.decorators:
        if one.name in SOCKETS:
            event = one.call.argument(0, "message") if one.call is not None else None
            return getattr(event, "value", word) not in _NO_MESSAGE
    if not word.startswith("on_") or word.removeprefix("on_") in _NO_MESSAGE or not function.owner:
        return False
    return any(one.name == function.owner for one in facts.classes(*NAMESPACES))


def _declared_number(facts: "SourceFacts", function: Function, name: str) -> bool:
    """That the schema beside a resolver calls that argument a number: ``id=graphene.Int()``, ``class Arguments``, ``name(id: Int!)``."""
    if facts.imports("graphene") and function.owner:
        field = function.name.rpartition(".")[2].removeprefix("resolve_")
        for one in _classes_of(facts, function.owner):
            made = one.attributes.get(name if one.name != function.owner else field)
            scalar = made.keyword(name) if isinstance(made, Call) and one.name == function.owner else made
            if isinstance(scalar, Call) and scalar.callee.rpartition(".")[2] in _SCALARS:
                return True
    return facts.imports("ariadne", "graphql") and _in_document(facts, name)


def _in_document(facts: "SourceFacts", name: str) -> bool:
    """The same in the text of an Ariadne schema, where no field has an argument of that name that is a text."""
    said: str = facts.once("texts of Ariadne schemas", lambda: "\n".join(_documents(facts)))
    scalars = set(re.findall(rf"\b{re.escape(name)}\s*:\s*\[?(\w+)", said))
    return bool(scalars) and scalars <= _SCALARS


def _documents(facts: "SourceFacts") -> Iterator[str]:
    for call in facts.calls("ariadne.gql", "ariadne.make_executable_schema", "graphql.build_schema"):
        for one in facts.followed(call.argument(0, "type_defs", "value", "source")):
            for part in walk(one, 3):
                if isinstance(part, Constant) and isinstance(part.value, str):
                    yield part.value


def _classes_of(facts: "SourceFacts", owner: str) -> tuple[ClassFact, ...]:
    names = {owner, f"{owner}.Arguments", f"{owner}.Input"}
    return tuple(one for one in facts.classes() if one.name in names)
