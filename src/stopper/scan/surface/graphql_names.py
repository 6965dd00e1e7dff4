"""Where a field of GraphQL stands among the routes of an API: what makes, reads, changes and deletes one kind of thing stands together."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from stopper.core.login_names import LOGIN, PASSWORD, SUBJECT
from stopper.core.naming import as_parameter
from stopper.scan.surface.graphql_schema import Field, Given, Schema

_MAKES: Final = frozenset({"create", "add", "new", "insert", "make", "post", "submit", "write", "place"})
_CHANGES: Final = frozenset({"update", "edit", "modify", "change", "set", "patch", "rename"})
_DELETES: Final = frozenset({"delete", "remove", "destroy", "erase", "burn"})
_ASKS: Final = frozenset({"get", "fetch", "find", "list", "all", "read", "load", "query"})
_DEEDS: Final = frozenset({
    *_MAKES, *_CHANGES, *_DELETES, "clear", "reset", "purge", "wipe", "drop", "truncate", "flush", "expire", "cancel", "revoke", "disable", "deactivate",
    "unsubscribe", "logout", "signout", "upsert", "send", "save", "register", "transfer", "pay", "shutdown", "restart", "reboot", "import", "upload",
    "seed", "migrate", "upgrade",
}) - {"new", "post", "place"}  # fmt: skip
"""Deeds in the name of a field that stands among what is only asked."""
_TAKES_AWAY: Final = frozenset({"pop", "drain", "consume", "dequeue", "take", "flush", "purge"})
"""Deeds that begin the name of a query which hands out what is gone thereafter."""
_JOINED: Final = re.compile(r"(delete|remove|destroy|clear|reset|purge)(all|every)?[a-z]+")
_SUFFIX: Final = re.compile(r"(?<=[a-z])_(type|object|node|schema|model|obj|gql|dto|payload|result|response|output)$")
_REGISTERS: Final = re.compile(r"(user_)?(register|registration|sign_?up|enroll?)(_(user|account|customer|member))?")
_OWN: Final = frozenset({"me", "profile", "my_profile", "account", "my_account", "user", "current_user", "settings"})
_BY_ID: Final = re.compile(r"(\w+_)?(id|uuid|pk|slug)|_id|uid|user_?name|email|handle|code|number|key|name")


@dataclass(frozen=True, slots=True)
class Spot:
    """Method and path of one field, and the argument that stands in the path."""

    method: str
    path: str
    by: Given | None = None


class Placing:
    """Gives each field of one schema its place; no two get the same."""

    def __init__(self, door: str, schema: Schema) -> None:
        self._door, self._schema = door.rstrip("/"), schema
        self._taken: set[tuple[str, str]] = {("GET", "/__schema")}
        self._things = {kind: plural(_bare(kind)) for kind in schema.objects}

    def query(self, field: Field) -> Spot | None:
        """Where a field is asked; None for a deed of which nothing can be told beforehand."""
        words = as_parameter(field.name).split("_")
        if words[0] in _TAKES_AWAY or (words[0] == "mark" and "read" in words):
            return None
        if any(PASSWORD.search(one.name) for one in field.given):
            return self._spot("POST", self._called(field, field.given))
        if _DEEDS & {*words, *(found.group(1) for one in words if (found := _JOINED.fullmatch(one)))}:
            return self._spot("POST", _kebab(field.name)) if field.given else None
        thing, many = self._schema.thing(field.kind)
        noun = self._things.get(thing, "") if not field.kind.leaf else ""
        needed = [one for one in field.given if one.needed]
        by = None if many else self._by(field.given, needed)
        if noun and by is not None:
            return self._spot("GET", f"{noun}/{{{by.name}}}", by) or self._spot(
                "GET", f"{_kebab(field.name)}/{{{by.name}}}", by
            )
        bare = _without(words, _ASKS)
        if noun and many and not needed and bare == noun.replace("-", "_"):
            return self._spot("GET", noun) or self._spot("GET", _kebab(field.name))
        return self._spot("GET", _kebab(field.name))

    def lists_first(self, fields: Sequence[Field]) -> list[Field]:
        """*fields*, those first that list all of a kind under its own name, so that no other takes that place. A kind of which there is one list
        alone is listed there whatever it is called."""
        lists: dict[str, list[Field]] = {}
        for one in fields:
            thing, many = self._schema.thing(one.kind)
            if many and thing in self._things and not any(given.needed for given in one.given):
                lists.setdefault(thing, []).append(one)
        for thing, found in lists.items():
            names = [_without(as_parameter(one.name).split("_"), _ASKS) for one in found]
            if self._things[thing].replace("-", "_") not in names:
                own = min(
                    zip(names, found, strict=True), key=lambda pair: (pair[0].startswith("search"), len(pair[0]))
                )[0]
                self._things[thing] = own.replace("_", "-")
        plain = {id(one) for found in lists.values() for one in found}
        return sorted(fields, key=lambda one: id(one) not in plain)

    def mutation(self, field: Field, given: Sequence[Given]) -> Spot:
        """Where a field that changes something is sent; *given* is what it takes, an input taken apart."""
        words = as_parameter(field.name).split("_")
        deed, noun = _deed(words)
        if any(PASSWORD.search(one.name) for one in given) and (called := self._called(field, given)) in (
            "login",
            "register",
        ):
            return self._sure("POST", called, field)
        if noun in _OWN and deed in _CHANGES and self._own_id(noun, given) is None:
            return self._sure("PUT", noun.replace("_", "-"), field)
        things = self._collection(field, noun)
        if deed in _MAKES and noun:
            return self._sure("POST", things, field)
        by = self._own_id(noun, given)
        if deed in _CHANGES and by is not None:
            return self._sure("PUT", f"{things}/{{{by.name}}}", field, by)
        if deed in _DELETES and by is not None:
            return self._sure("DELETE", f"{things}/{{{by.name}}}", field, by)
        if by is not None and noun and things in self._things.values():
            return self._sure("POST", f"{things}/{{{by.name}}}/{deed}", field, by)
        return self._sure("POST", _kebab(field.name), field)

    def _called(self, field: Field, given: Sequence[Given]) -> str:
        """A log-in and a registration by their usual names, anything else by its own."""
        name = as_parameter(field.name)
        made = re.match(r"new_.*(log|sign)_?in", name) is not None
        if not made and LOGIN.search(name.replace("_", "-")) and any(SUBJECT.search(one.name) for one in given):
            return "login"
        return "register" if _REGISTERS.fullmatch(name) else _kebab(field.name)

    def _collection(self, field: Field, noun: str) -> str:
        known = plural(noun)
        if known in self._things.values() or not noun:
            return known
        for one in (
            field.kind.name,
            *(inner.kind.name for inner in self._schema.objects.get(field.kind.name, ()) if not inner.kind.leaf),
        ):
            things = self._things.get(one, "")
            if things and noun in _bare(one).replace("-", "_"):
                return things
        return known

    def _by(self, given: Sequence[Given], needed: Sequence[Given]) -> Given | None:
        """The one thing that a field is asked by, where that is one."""
        plain = [one for one in given if one.kind.leaf and not one.kind.listed]
        if len(needed) == 1 and needed[0] in plain and _BY_ID.fullmatch(as_parameter(needed[0].name)):
            return needed[0]
        optional = [one for one in plain if re.fullmatch(r"(\w+_)?(id|uuid|pk)", as_parameter(one.name))]
        return optional[0] if not needed and len(optional) == 1 else None

    def _own_id(self, noun: str, given: Sequence[Given]) -> Given | None:
        """The id of the thing itself among what a change is given."""
        plain = [one for one in given if one.kind.leaf and not one.kind.listed]
        last = noun.rpartition("_")[2]
        wanted = ("id", "_id", "uuid", "pk", f"{noun}_id", f"{last}_id", f"{noun}_uuid", "slug")
        return next((one for name in wanted for one in plain if as_parameter(one.name) == name), None)

    def _spot(self, method: str, path: str, by: Given | None = None) -> Spot | None:
        shape = re.sub(r"\{[^{}]*\}", "{}", path)
        if (method, shape) in self._taken:
            return None
        self._taken.add((method, shape))
        return Spot(method, f"{self._door}/{path}", by)

    def _sure(self, method: str, path: str, field: Field, by: Given | None = None) -> Spot:
        own = self._spot(method, path, by) or self._spot("POST", _kebab(field.name))
        return own or Spot("POST", f"{self._door}/{field.name}")


def plural(noun: str) -> str:
    """What a collection of such things is called in a path."""
    name = noun.replace("_", "-")
    if name.endswith("y") and not name.endswith(("ay", "ey", "oy")):
        return f"{name[:-1]}ies"
    return name if not name or name.endswith("s") else f"{name}s"


def _bare(kind: str) -> str:
    """What things of a type are called: ``note`` of ``NoteType`` and ``NoteObject``."""
    return _SUFFIX.sub("", as_parameter(kind)).replace("_", "-")


def _kebab(name: str) -> str:
    return as_parameter(name).replace("_", "-").strip("-")


def _deed(words: Sequence[str]) -> tuple[str, str]:
    """The deed that a name tells, first or last in it, and to what it is done."""
    known = _MAKES | _CHANGES | _DELETES
    if words[0] not in known and words[-1] in known:
        return words[-1], "_".join(words[:-1])
    return words[0], "_".join(words[1:])


def _without(words: Sequence[str], some: frozenset[str]) -> str:
    kept = list(words)
    while len(kept) > 1 and kept[0] in some:
        kept.pop(0)
    return "_".join(kept)
