"""What callers say of themselves: under which key a value stands in what they send, by whatever way it came to where it is used."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from stopper.core.fact import Assignment
from stopper.core.facts import SourceFacts
from stopper.core.flow.body_models import admitted_words, class_of, classes_by_name
from stopper.core.flow.passing import passed
from stopper.core.labels import LabelKind
from stopper.core.owner_names import ROLE, WHOSE, WHOSE_ID
from stopper.core.place import Span
from stopper.core.values import (
    Call,
    Choice,
    Constant,
    Item,
    Mapping,
    Member,
    Name,
    Parameter,
    Sequence,
    Value,
    options,
    text_of,
    walk,
)

GUARDS: Final = ("admin", "staff", "superuser", "root", "superadmin", "manager", "moderator", "owner", "administrator")
"""Roles that may do more than others, as they are usually called."""
CASTS: Final = frozenset({"int", "bool", "str", "uuid.UUID", "bson.ObjectId"})
_SOMEBODY: Final = re.compile(r"(?:user|account|customer|member|student|employee|person|group)_id")
_SERVICE: Final = re.compile(r"(?i)internal|machine|service_(?:key|token|auth)")
_PREFERENCE: Final = re.compile(
    r"(?i)lang|locale|theme|zone|currency|format|view|page|limit|sort|order|country|region|display|nick"
    r"|request_?id|trace|correlation|version|user_?agent"
)
"""What a token may say of somebody's tastes, and what tells one request from another; another word of the caller's harms nobody."""
SENT: Final[tuple[LabelKind, ...]] = ("request-data", "query-string", "request-header", "unverified-claims", "cookie")
_SENT: Final = frozenset(SENT)
_SHOWN: Final = frozenset({"authorization-header", "token", *_SENT})
_CHECKS: Final = re.compile(r"(?i)^hmac\.|verif|signature|compare_digest|\.(?:unsign|loads_unsafe)$")


def said_under(facts: SourceFacts, value: Value) -> str | None:
    """The literal key of a role or an owner under which the value stands in what a caller writes, or in claims that nobody verified."""
    for option in options(value):
        inner = option
        while not isinstance(inner, Item) and getattr(inner, "receiver", None) is not None:
            inner = getattr(inner, "receiver")  # noqa: B009
        if isinstance(inner, Call) and inner.callee in CASTS and inner.args:
            inner = inner.args[0]
        key = text_of(inner.key) if isinstance(inner, Item) else inner.attribute if isinstance(inner, Member) else None
        named = key is not None and (ROLE.search(key) or WHOSE.search(key) or WHOSE_ID.fullmatch(key))
        if not isinstance(inner, (Item, Member)) or key is None or not named:
            continue
        if isinstance(inner, Member) and class_of(facts, inner.owner) is None:
            continue
        words = admitted_words(facts, inner.owner, key)
        if words is not None and not any(word.lower() in GUARDS for word in words):
            continue
        # What counts where nothing was sent is another question; a field that the object was made with holds what was passed for it.
        sent = replace(inner, default=None) if isinstance(inner, Item) else _passed_for(inner) or inner
        labels = {label.kind for label in facts.labels(sent) if not label.by_name}
        if labels & _SENT and "claims" not in labels:
            return key
        if isinstance(inner, Item) and is_taken_apart(facts, inner.owner):
            return key
    return None


def _passed_for(field: Member) -> Value | None:
    """``user["id"]`` of ``Pin(user_id=user["id"], text=body["text"]).user_id``."""
    return field.owner.keyword(field.attribute) if isinstance(field.owner, Call) else None


def is_taken_apart(facts: SourceFacts, value: Value) -> bool:
    """``json.loads(b64decode(token.split(".")[1]))``: what somebody shows, read by hand, and no signature is looked at."""
    if not isinstance(value, Call):
        return False
    function = facts.function(value.callee)
    given = (value,) if function is None else function.returns
    for part in (part for one in given for part in walk(one, 5)):
        if not isinstance(part, Call) or not part.method.endswith("b64decode"):
            continue
        shown = {label.kind for one in walk(part, 8) for label in facts.labels(one)}
        homes = {part.function, value.function, value.callee}
        called = {call.callee for home in homes if home for call in facts.calls_in(home)}
        if shown & _SHOWN and not any(_CHECKS.search(name) for name in called):
            return True
    return False


_LEADS_BACK: Final = frozenset({Choice, Name, Call, Item})


def ways_back(facts: SourceFacts, value: Value) -> list[Value]:
    """The value, what was kept in ``g`` under its name, what a small function of the project gives for it, and the key by which a rank is
    looked up: ``Role[sent]``, ``LEVELS.get(sent)``."""
    found = [value]
    if type(value) not in _LEADS_BACK:
        return found
    for option in options(value):
        if isinstance(option, Name) and option.dotted.startswith("flask.g."):
            found += [one.value for one in kept_in_g(facts, option.dotted)]
        elif isinstance(option, Call) and (made := facts.function(option.callee)) is not None and len(made.returns) < 4:
            found += made.returns
    found += [rank for one in tuple(found) for rank in _ranked(facts, one)]
    return found


def _ranked(facts: SourceFacts, value: Value) -> list[Value]:
    match value:
        case Item(owner=Mapping(), key=key) if not isinstance(key, Constant):
            return [key]
        case Item(owner=Name(dotted=dotted), key=key) if dotted in classes_by_name(facts):
            return [key]
        case Call(callee=callee, args=(only,)) if callee in classes_by_name(facts):
            return [only]
        case _:
            return []


def kept_in_g(facts: SourceFacts, dotted: str) -> list[Assignment]:
    """What functions put into ``g`` under that name, or into that field of an object of the project which is kept there."""
    index = facts.once("what is kept in g", lambda: _all_in_g(facts))
    name = dotted.removeprefix("flask.")
    home, _, field = name.rpartition(".")
    if name in index or home == "g":
        return index.get(name, [])
    return [
        replace(one, attribute=field, value=value)
        for one in index.get(home, ())
        for said, value in _fields_given(facts, one.value)
        if said == field
    ]


def _fields_given(facts: SourceFacts, made: Value) -> list[tuple[str, Value]]:
    """What a class of the project is called with, by the names of its fields."""
    known = classes_by_name(facts).get(made.callee) if isinstance(made, Call) else None
    return (
        []
        if known is None or not isinstance(made, Call)
        else [*zip(known.fields, made.args, strict=False), *made.keywords]
    )


def _all_in_g(facts: SourceFacts) -> dict[str, list[Assignment]]:
    found: dict[str, list[Assignment]] = {}
    for one in facts.assignments():
        if one.function and one.target.startswith("g."):
            found.setdefault(one.target, []).append(one)
    return found


def overruled(facts: SourceFacts) -> Iterator[tuple[Span, str]]:
    """``g.ctx = Context(tenant=request.args.get("company", claims["company"]))``: what a verified credential says of a role or an owner holds
    only where the caller sends nothing else; each with the key under which it is sent."""
    for one in facts.assignments():
        if not one.function or not one.target.startswith(("g.", "flask.g.")):
            continue
        kept = [(one.attribute, one.value, one.span)]
        kept += [(name, value, value.span or one.span) for name, value in _fields_given(facts, one.value)]
        if isinstance(one.value, Call):
            # ``g.context = Context(claims, request.headers)``, and the class picks from the two.
            made = facts.assignments_in(f"{one.value.callee}.__init__")
            kept += [(said.attribute, said.value, said.span) for said in made if said.target.startswith("self.")]
        for name, value, span in kept:
            key = _sent_first(facts, value)
            if key is not None and (ROLE.search(name) or WHOSE.search(name) or not _PREFERENCE.search(name)):
                yield span, key


def _sent_first(facts: SourceFacts, value: Value) -> str | None:
    first, *others = options(value)
    if not isinstance(first, Item) or not facts.labels(first.owner):
        return None
    said = {label.kind for label in facts.labels(replace(first, default=None)) if not label.by_name}
    otherwise = [*others, *([first.default] if first.default is not None else [])]
    if said & _SENT and "claims" not in said and any(facts.derives(one, "claims") for one in otherwise):
        return text_of(first.key)
    return None


def is_held_to_a_list(facts: SourceFacts, value: Value, function: str) -> bool:
    """That the function holds it against a list of roles that anybody may have."""
    wanted = list(options(value))
    return any(
        one.operator in ("in", "not in")
        and isinstance(one.right, Sequence)
        and one.right.items
        and not one.right.open
        and not any(str(word).lower() in GUARDS for word in one.right.plain())
        and any(_is_same(side, brought) for side in options(one.left) for brought in wanted)
        for one in facts.comparisons_in(function)
    )


def _is_same(one: Value, other: Value) -> bool:
    """The same value, or the same member of the same body read once more: ``if body["role"] not in ROLES``, ``role=body["role"]``."""
    if isinstance(one, Item) and isinstance(other, Item):
        return one.owner == other.owner and text_of(one.key) == text_of(other.key) is not None
    return one == other


def is_grant(facts: SourceFacts, assigned: Assignment) -> bool:
    """``entry.user_id = number; entry.access_level = level``: what is written says what somebody may do with one thing; who may share it
    is another question."""
    home = assigned.target.partition(".")[0]
    return not facts.is_view(assigned.function) and any(
        one.target.partition(".")[0] == home and _SOMEBODY.fullmatch(one.attribute) is not None
        for one in facts.assignments_in(assigned.function)
    )


def as_brought(facts: SourceFacts, value: Value, function: str, depth: int = 3) -> Iterator[tuple[Value, str]]:
    """The value and the function it stands in; where it is a parameter, also what each call of the project passes for it, with the function
    of that call."""
    yield value, function
    if depth and isinstance(value, Parameter) and value.function == function and not facts.is_view(function):
        for call in facts.calls(function):
            for one in passed(facts, value, call):
                yield from as_brought(facts, one, call.function, depth - 1)


def is_for_services(facts: SourceFacts, view: str) -> bool:
    """``verify_internal_key`` runs before: what calls is another service of the same people, and says for whom."""
    return any(_SERVICE.search(hook) for route in facts.routes_of_view(view) for hook in route.hooks)
