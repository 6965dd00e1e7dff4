"""Roles that a registration takes from whoever registers."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.account_names import is_password_name, said_name
from stopper.core.fact import SourceRoute
from stopper.core.facts import SourceFacts
from stopper.core.flow.body_models import classes_by_name
from stopper.core.place import RouteRef, Span
from stopper.core.rule import Hit
from stopper.core.values import Call, Item, Mapping, Member, Parameter, Value, text_of, walk

_ROLE: Final = re.compile(
    r"(?i)^(roles?|role_?ids?|is_?admin|is_?staff|is_?superuser|admin|superuser|user_?type|permissions?|privileges?|access_level|account_type)$"
)
_LOADS: Final = frozenset(
    {"load", "loads", "model_validate", "parse_obj", "model_validate_json", "deserialize", "validated"}
)
_CHECKED: Final = re.compile(
    r"(?i)admin_?(required|only)|roles?_(required|accepted)|require_role|permission|superuser|invite|invitation"
)


def _by_schema(facts: SourceFacts, names: list[str], ref: RouteRef) -> Iterator[Hit]:
    """``User(role=data.role)``, ``insert_one({"role": data.role})``, ``user.role = data.role``, where a schema has made ``data`` of
    the body."""
    for name in names:
        for call in facts.calls_in(name):
            known = classes_by_name(facts).get(call.callee)
            role = next((one for one in known.fields if _ROLE.search(one)), "") if known is not None else ""
            if role and call.span is not None and _is_filled(facts, call) and not _is_held_against(facts, names, role):
                yield Hit(f"{ref} takes `{role}` from whoever registers", call.span, ref)
        for said, place in _handed_on(facts, name):
            if not _is_held_against(facts, names, said):
                yield Hit(f"{ref} takes `{said}` from whoever registers", place, ref)
                return
        for key, value, span in _kept_roles(facts, name):
            said = said_name(value)
            sent = _ROLE.search(key) and _ROLE.search(said) and _is_sent(facts, value)
            if sent and span is not None and not _is_held_against(facts, names, said):
                yield Hit(f"{ref} takes `{said}` from whoever registers", span, ref)


def _handed_on(facts: SourceFacts, name: str) -> Iterator[tuple[str, Span]]:
    """``give_role(user.id, role_id=data["role_id"])``: a role out of what a schema has made of the body, whatever it is given to."""
    for call in facts.calls_in(name):
        for given in (*call.args, *(value for _, value in call.keywords)):
            for part in walk(given, 3):
                said = text_of(part.key) if isinstance(part, Item) and isinstance(part.owner, Parameter) else None
                if said and call.span is not None and _ROLE.search(said) and facts.derives(part, "request-data"):
                    yield said, call.span


def _is_filled(facts: SourceFacts, made: Call) -> bool:
    """``SignUp(**request.get_json())``: every field is what the caller wrote."""
    return any(name == "**" and facts.derives(value, "request-data") for name, value in made.keywords)


def _kept_roles(facts: SourceFacts, name: str) -> Iterator[tuple[str, Value, Span | None]]:
    for call in facts.calls_in(name):
        yield from ((key, value, call.span) for key, value in call.keywords)
        for one in call.args:
            for key, value in one.items if isinstance(one, Mapping) else ():
                yield text_of(key) or "", value, call.span
    yield from ((one.attribute, one.value, one.span) for one in facts.assignments_in(name) if "." in one.target)


def _is_sent(facts: SourceFacts, value: Value) -> bool:
    owner = value.owner if isinstance(value, (Member, Item)) else None
    if isinstance(owner, Call):
        return owner.method in _LOADS and any(facts.derives(given, "request-data") for given in owner.args)
    return isinstance(owner, Parameter) and facts.derives(value, "request-data")


def _is_held_against(facts: SourceFacts, names: list[str], key: str) -> bool:
    return any(_holds(one.left, key) or _holds(one.right, key) for name in names for one in facts.comparisons_in(name))


def roles_taken(facts: SourceFacts, route: SourceRoute, names: list[str], ref: RouteRef) -> Iterator[Hit]:
    """A hit for each role that the functions behind a registration read, where nobody who may give roles is asked for."""
    if any(_CHECKED.search(one.name) for one in route.decorators) or any(
        _CHECKED.search(call.callee) for name in names for call in facts.calls_in(name)
    ):
        return
    yield from _by_schema(facts, names, ref)
    of_people = any(is_password_name(one.key) for one in facts.readings() if one.function in names)
    for reading in facts.readings():
        if reading.key.lower() == "account_type" and not of_people:
            continue  # an account at a bank
        if reading.function in names and _ROLE.search(reading.key) and not reading.source.startswith("flask.session"):
            if _is_held_against(facts, names, reading.key):
                continue
            yield Hit(f"{ref} takes `{reading.key}` from whoever registers", reading.span, ref)


def _holds(value: Value, key: str) -> bool:
    return any(said_name(part) == key or text_of(getattr(part, "key", None)) == key for part in walk(value, 4))
