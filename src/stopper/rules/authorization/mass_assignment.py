"""Whoever adds a field to the request gives himself a role, a balance or another owner."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final, cast

from stopper.core.account_body import beside_the_password
from stopper.core.app import App, Route
from stopper.core.exchange import Exchange, Request
from stopper.core.facts import SourceFacts, source_of
from stopper.core.finding import Evidence, Verdict
from stopper.core.place import RouteRef
from stopper.core.probe import Identity, Steps, Target, failed, not_applicable, passed, send, undo, unsure
from stopper.core.probe_baseline import attempt, candidates, is_door
from stopper.core.probe_entitled import entitled, holds, taken_up
from stopper.core.probe_inputs import members
from stopper.core.probe_login import log_in
from stopper.core.probe_objects import entries, ids
from stopper.core.probe_registration import holding, new_account, registers
from stopper.core.rule import Hit, Rule
from stopper.core.values import Call, Constant, Item, Mapping, Member, Name, Parameter, Unknown, Value, parts, walk
from stopper.core.whole_body import is_whole, is_whole_of

_UPDATES: Final = (
    "*.update",
    "*.update_one",
    "*.insert_one",
    "*.find_one_and_update",
    "*.update_many",
    "*.values",
    "*.insert",
    "*.replace_one",
    "*.bulk_insert_mappings",
)
_KEEPS: Final = frozenset({"load", "validate", "model_validate", "parse_obj", "deserialize", "validated"})
_SCHEMAS: Final = (
    "schema",
    "form",
    "serializer",
    "model_validate",
    "parse_obj",
    "validate",
    "dto",
    "input",
    "request",
    "payload",
    "args",
    "params",
    "command",
    "settings",
    "parser",
    "body",
)


_PICKY: Final = ("pydantic.BaseModel", "marshmallow.Schema")
"""Bases of classes that say which members they take."""
_SAYS_SO: Final = re.compile(r"(?i)^validate_?\w*(?:schema|body|json|input)|^(?:schema|body|json)_?\w*validat")
_LOOKS: Final = frozenset({"validate", "load", "validate_json"})


def detect(app: App) -> Iterator[Hit]:
    """A model made or changed with every member that the caller sent."""
    facts = source_of(app)
    seen: set[object] = set()
    for call in (*_by_setattr(facts), *_by_keywords(facts), *_by_update(facts)):
        if call.span not in seen and call.span is not None and not _looked_at_before(facts, call):
            seen.add(call.span)
            yield Hit("every field that the caller sends is written to the object", call.span)


def _looked_at_before(facts: SourceFacts, call: Call) -> bool:
    """A decorator of the project holds the whole body against a schema of Marshmallow, which refuses members that it does not know."""
    if not facts.imports("marshmallow", "marshmallow_sqlalchemy", "flask_marshmallow") or facts.imports(
        "marshmallow.EXCLUDE", "marshmallow.INCLUDE"
    ):
        return False
    ways = {call.function, *(one.function for one in facts.calls(call.function))} if call.function else set[str]()
    decorated = [own for name in ways if (own := facts.function(name)) is not None and own.decorators]
    views = [own for own in decorated if facts.is_view(own.name)]
    return bool(views) and all(any(_validates(facts, one.name) for one in own.decorators) for own in views)


def _validates(facts: SourceFacts, decorator: str) -> bool:
    if facts.function(decorator) is None:
        return _SAYS_SO.search(decorator.rpartition(".")[2]) is not None  # it lies out of sight
    inner = [one.name for one in facts.functions() if one.name.startswith(f"{decorator}.")]
    return any(
        call.method in _LOOKS and any(is_whole(given) for given in call.args)
        for name in inner
        for call in facts.calls_in(name)
    )


def _by_setattr(facts: SourceFacts) -> Iterator[Call]:
    for call in facts.calls("setattr"):
        if len(call.args) != 3 or not isinstance(call.args[1], Item):
            continue
        whole = _is_inside(facts, call.args[1])
        if whole and not _kept_to_a_list(facts, call):
            yield call


def _kept_to_a_list(facts: SourceFacts, call: Call) -> bool:
    """The name is asked about before: ``if key in ALLOWED``, ``if key not in ALLOWED: continue``, ``if body.keys() - ALLOWED: raise``."""
    if any(
        one.stops and isinstance(part, Unknown) and len(part.parts) > 1 and any(map(_are_names, part.parts))
        for one in facts.conditions_in(call.function)
        for part in walk(one.value, 3)
    ):
        return True
    return any(
        one.function == call.function and one.left == call.args[1] and not isinstance(one.right, Call)
        for one in facts.comparisons("in", "not in")
    ) or any(
        one.function == call.function
        and isinstance(one.left, Item)
        and one.span.line <= (call.span.line if call.span else 0)
        and one.left.owner == cast("Item", call.args[1]).owner
        for one in facts.comparisons("in", "not in")
    )


def _is_inside(facts: SourceFacts, value: Value, depth: int = 4) -> bool:
    """That all of the body is in the value, and no schema has kept the members that it knows."""
    if is_whole(value) or (isinstance(value, Parameter) and is_whole_of(facts, value)):
        return True
    if depth == 0 or (isinstance(value, Call) and (value.method in _KEEPS or _is_made_by_hand(facts, value))):
        return False
    return any(_is_inside(facts, part, depth - 1) for part in parts(value))


def _is_made_by_hand(facts: SourceFacts, call: Call) -> bool:
    """``Changes.of(body)``: a method of a class of the project makes the object of single members."""
    made = facts.function(call.callee)
    return made is not None and bool(made.owner) and not any(is_whole_of(facts, one) for one in made.returns)


def _are_names(value: Value) -> bool:
    """``body.keys()`` or ``set(body)``."""
    if not isinstance(value, Call):
        return False
    whole = (
        value.receiver if value.method == "keys" else value.args[0] if value.callee == "set" and value.args else None
    )
    return whole is not None and is_whole(whole)


def _by_keywords(facts: SourceFacts) -> Iterator[Call]:
    """``User(**request.json)``: of a class that is a model, or of one whose name is no schema's."""
    for call in facts.calls():
        if not call.keywords:
            continue
        word = call.method
        if any(name == "**" and is_whole_of(facts, value) for name, value in call.keywords) and _is_model(
            facts, call, word
        ):
            yield call


def _is_model(facts: SourceFacts, call: Call, word: str) -> bool:
    if any(part in word.lower() for part in _SCHEMAS):
        return False
    if facts.function(call.callee) is not None or any(one.name == call.callee for one in facts.classes(*_PICKY)):
        return False
    known = next((one for one in facts.classes() if one.name == call.callee), None)
    if known is not None:
        return any(base.endswith(("Model", "Base", "Document")) or "Model" in base for base in known.bases) and not any(
            "pydantic" in base or "BaseModel" in base or "Schema" in base for base in known.bases
        )
    return word[:1].isupper() or word in ("create", "update", "filter_by_update", "values", "insert")


def _by_update(facts: SourceFacts) -> Iterator[Call]:
    """``user.__dict__.update(data)``, ``query.update(data)``, ``update_one({…}, {"$set": data})``, ``insert().values(data)``."""
    for call in facts.calls(*_UPDATES):
        given = [
            *call.args,
            *(value for name, value in call.keywords if name in ("**", "values", "document", "update")),
        ]
        if call.method in ("update_one", "update_many", "find_one_and_update"):
            given = [
                said for value in call.args[1:] if isinstance(value, Mapping) for said in [value.get("$set")] if said
            ]
        if not any(is_whole_of(facts, value) for value in given):
            continue
        if call.method != "update" or (_is_stored(call) and not _says_how(facts, call)):
            yield call


def _says_how(facts: SourceFacts, call: Call) -> bool:
    """Rows of the project's models have an ``update`` of the project's own, which is judged by what it does."""
    made = call.receiver
    one_row = isinstance(made, Call) and made.method in ("get", "get_or_404", "first", "first_or_404", "one")
    return one_row and any(one.name.endswith(".update") and one.owner for one in facts.functions())


def _is_stored(call: Call) -> bool:
    """Of a query, of an object's ``__dict__`` or of a row that was looked up; a plain dictionary in the function is none."""
    made = call.receiver
    if made is None:
        return call.callee.count(".") > 1 and ".query" in call.callee
    if isinstance(made, Member) and made.attribute == "__dict__":
        return True
    if isinstance(made, Call):
        return (
            made.method
            in ("filter_by", "filter", "where", "query", "get", "get_or_404", "first", "first_or_404", "vars", "one")
            or made.callee == "vars"
        )
    return isinstance(made, Item) and isinstance(made.owner, (Name, Mapping)) and not isinstance(made.key, Constant)


# -- on the wire -----------------------------------------------------------------------------------------------------------------

_WISHES: Final[dict[str, object]] = {
    "is_admin": True,
    "role": "admin",
    "admin": True,
    "is_staff": True,
    "balance": 424242,
    "verified": True,
}
_RIGHTS: Final = ("is_admin", "role", "admin")
"""What nobody gives himself, also where the document names it. Tried alone where all wishes together are refused: a column that is not
there spoils a statement."""
_ROUTES: Final = {"quick": 4, "standard": 8, "deep": 20}


def probe(target: Target) -> Steps[Verdict]:
    """Members that nobody asked for are added to an accepted body; one that is read back afterwards was written."""
    if target.mode != "active" or not target.identities:
        return not_applicable("only mode active writes, and as somebody")
    who, tried = target.identities[0], 0
    for route, method in list(candidates(target, ("POST", "PUT", "PATCH")))[: _ROUTES[target.depth]]:
        if is_door(route):
            continue
        verdict = yield from attempt(_tried(target, route, method, who))
        if verdict is not None and verdict.outcome == "fail":
            return verdict
        tried += verdict is not None
    for route in [one for one in target.app.routes if registers(one)][:2]:
        verdict = yield from attempt(_at_registration(target, route, who))
        if verdict is not None and verdict.outcome == "fail":
            return verdict
        tried += verdict is not None
    if not tried:
        return unsure("no body was accepted whose object can be read back")
    return passed("members that nobody asked for are not written")


def _tried(target: Target, route: Route, method: str, who: Identity) -> Steps[Verdict | None]:
    request = who.on(target.request_for(route, method))
    body = members(request)
    honest = yield from send(request)
    if not honest.response.succeeded or not body:
        return None
    wishes = {name: value for name, value in _WISHES.items() if name not in body}
    changed = yield from send(replace(request, body=json.dumps({**body, **wishes}).encode()))
    if not changed.response.succeeded:
        return passed(f"{method} {route.path} refuses members that it does not know")
    read = _reading(target, route, method, changed, who)
    if read is None:
        return None
    after = yield from send(read)
    taken = [name for name, value in wishes.items() if holds(after.response.json(), name, value)]
    before = [name for name in taken if holds(honest.response.json(), name, wishes[name])]
    if route.parameters == () and method == "POST":
        yield from undo(replace(read, method="DELETE", effect="write"))
    if not after.response.succeeded or not (taken := [name for name in taken if name not in before]):
        return passed(f"{method} {route.path} keeps to the members that it knows")
    ref = RouteRef(method, route.path)
    evidence = [
        Evidence("exchange", "control: the honest body is accepted", honest),
        Evidence("exchange", "the same body with members that nobody asked for", changed),
        Evidence("exchange", f"read back, the object has {', '.join(taken)} as it was sent", after),
    ]
    return failed(f"{ref} writes {', '.join(taken)}, which no caller should set", [ref], evidence)


def _reading(target: Target, route: Route, method: str, changed: Exchange, who: Identity) -> Request | None:
    """How the written object is read: its own route, or for a POST the one with the new id."""
    known = {one.path.rstrip("/"): one for one in target.app.routes if "GET" in one.methods}
    if method != "POST":
        if route.path.rstrip("/") not in known:
            return None
        honest = who.on(target.request_for(route, "GET"))
        return replace(honest, target=changed.request.target, body=b"")
    for path, one in known.items():
        if path.rpartition("/")[0] == route.path.rstrip("/") and len(one.parameters) == 1 and path.endswith("}"):
            number = next(ids(changed.response.json(), one.parameters[0][0]), None)
            if number is not None:
                honest = who.on(target.request_for(route, "GET"))
                return replace(
                    honest,
                    method="GET",
                    effect="read",
                    body=b"",
                    target=f"{changed.request.target.rstrip('/')}/{number}",
                )
    return None


# -- at registration -------------------------------------------------------------------------------------------------------------


def _at_registration(target: Target, route: Route, who: Identity) -> Steps[Verdict | None]:
    """Two new accounts, one honest and one with members that nobody asked for; what only the second one then has was written."""
    honest = target.request_for(route, "POST")
    plain, plain_body = new_account(members(honest))
    asked = members(honest)
    wishes = {name: value for name, value in _WISHES.items() if name not in asked or name in _RIGHTS}
    first = yield from send(replace(honest, body=json.dumps(plain_body).encode()))
    if not first.response.succeeded or plain.subject is None:
        return None
    eagerly = yield from _eagerly(honest, wishes)
    if eagerly is None:
        return passed(f"POST {route.path} refuses members that it does not know")
    eager, second, wishes = eagerly
    read = False
    for before, after, left, right in (yield from _shown(target, who, plain, eager, wishes)):
        read = True
        if taken := taken_up(wishes, left, right):
            ref = RouteRef("POST", route.path)
            evidence = [
                Evidence("exchange", "control: an honest registration", first),
                Evidence("exchange", "another one with members that nobody asked for", second),
                Evidence("exchange", "control: the first account has none of them", before),
                Evidence("exchange", f"the second account has {', '.join(taken)} as it was sent", after),
            ]
            return failed(f"{ref} writes {', '.join(taken)}, which no caller should set", [ref], evidence)
    return passed(f"POST {route.path} keeps to the members that it knows") if read else None


def _eagerly(honest: Request, wishes: dict[str, object]) -> Steps[tuple[Identity, Exchange, dict[str, object]] | None]:
    """Another account with members that nobody asked for: all of them, and one alone where a stranger among them spoils the rest."""
    alone: list[dict[str, object]] = [{name: wishes[name]} for name in _RIGHTS if name in wishes]
    for some in (wishes, *alone):
        person, body = new_account(members(honest))
        answer = yield from send(replace(honest, body=json.dumps(beside_the_password(body, some)).encode()))
        if answer.response.succeeded:
            return person, answer, some
    return None


Shown = tuple[Exchange, Exchange, object, object]
"""What shows the honest account and the other one, and what is said about each."""


def _shown(
    target: Target, who: Identity, plain: Identity, eager: Identity, wishes: dict[str, object]
) -> Steps[list[Shown]]:
    """Where both accounts can be read: in the answers to their log-ins, by themselves after it, and in a list that names both."""
    found: list[Shown] = []
    pages = [each for each in target.app.routes if "GET" in each.methods and not each.parameters and not is_door(each)]
    pages = pages[: 2 * _ROUTES[target.depth]]
    came_in = (yield from attempt(log_in(target, plain))), (yield from attempt(log_in(target, eager)))
    if came_in[0] is not None and came_in[1] is not None:
        answers = came_in[0][1], came_in[1][1]
        found.append((*answers, entitled(target, answers[0]), entitled(target, answers[1])))
        if taken_up(wishes, *found[0][2:]):
            return found
    one, other = (holding(person, entry) for person, entry in zip((plain, eager), came_in, strict=True))
    for route in pages:
        request = target.request_for(route, "GET")
        listed = yield from attempt(send(who.on(request)))
        rows = entries(listed.response.json()) if listed is not None and listed.response.succeeded else []
        left, right = _row(rows, plain), _row(rows, eager)
        if listed is not None and left is not None and right is not None:
            found.append((listed, listed, left, right))
        elif one is not None and other is not None:
            first = yield from attempt(send(one.on(request)))
            second = yield from attempt(send(other.on(request)))
            if first and second and plain.name in first.response.text and eager.name in second.response.text:
                found.append((first, second, first.response.json(), second.response.json()))
    return found


def _row(rows: list[dict[str, object]], person: Identity) -> dict[str, object] | None:
    return next((one for one in reversed(rows) if person.name in json.dumps(one)), None)


RULE = Rule(
    slug="mass-assignment",
    family="authorization",
    title="Request fields are assigned to a model without a list of allowed ones",
    harm=__doc__ or "",
    severity="high",
    check="property-authorization",
    cwe=(915,),
    owasp="API3:2023",
    asvs=("V15.3.3",),
    surfaces=("source", "wsgi", "http"),
    ends="`stopper serve` reads every body by a schema that refuses members it does not know.",
    certainty="likely",
    detect=detect,
    probe=probe,
)
