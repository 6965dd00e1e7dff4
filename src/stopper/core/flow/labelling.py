"""From a value to what it derives from. Values keep their structure, so this is a pure question that is asked when a rule asks it."""

from collections.abc import Callable
from collections.abc import Mapping as MappingType
from typing import TYPE_CHECKING, Any, Final

from stopper.core.answers.whole_settings import holds_settings, is_application
from stopper.core.flow.body_models import filled_from, is_form_text, is_narrow
from stopper.core.flow.glimpses import is_glimpse, is_split
from stopper.core.flow.held_attributes import held_under, put_into, surely_held
from stopper.core.flow.kept_values import kept_for
from stopper.core.flow.keys_given import keys_given
from stopper.core.flow.label_bindings import Bindings, Crowd, followed_call
from stopper.core.flow.left_out import is_mask, is_spread, left_out
from stopper.core.flow.overriding import given_back
from stopper.core.flow.parameter_origins import names_said, of_parameter
from stopper.core.flow.parts_returned import asked_member, parts_returned
from stopper.core.flow.passing import handed, named, passed
from stopper.core.flow.substituted import left_by_substitution
from stopper.core.labels import CREDENTIALS
from stopper.core.naming import sensitive
from stopper.core.origins import (
    CURATED,
    HEADERS_READ,
    NONE,
    NUMBERS,
    PASSING,
    REQUEST,
    TEXT_METHODS,
    WRITTEN,
    Labels,
    by_name,
    is_secret,
    labelled,
    of_another_key,
    of_callee,
    of_header,
    of_headers_read,
    of_name,
)
from stopper.core.outgoing.held_headers import credential_kind, headers_of, is_one_name
from stopper.core.text_words import is_word
from stopper.core.values import (
    NAMED,
    Call,
    Caught,
    Choice,
    ConfigValue,
    Constant,
    EnvironmentValue,
    Item,
    Mapping,
    Member,
    Name,
    Parameter,
    Truth,
    Value,
    is_constant,
    parts,
)

if TYPE_CHECKING:
    from stopper.core.facts import SourceFacts


_FILLED: Final = frozenset(
    {"format", "join", "joinpath", "replace", "_replace", "with_query", "update_query", "with_fragment"}
)
"""Methods that put what they are given into what they give back."""
DEEPEST: Final = 40
"""Values nested deeper than this are generated code; their labels are no worse for being cut."""


class _Asking:
    """One question: what the values on the way were, so that neither cycles nor shared parts cost more than once."""

    __slots__ = ("bindings", "cuts", "facts", "known", "numbers", "open", "whole")

    def __init__(self, facts: "SourceFacts", numbers: bool) -> None:
        self.facts = facts
        self.numbers = numbers
        self.known: dict[tuple[int, int], Labels] = {}
        self.bindings = Bindings(facts.once("crowded labels", Crowd))
        self.open: set[object] = set()
        self.cuts = 0
        """How often an answer was cut short, by a cycle or by depth. Answers made without a cut are whole and kept for ever."""
        self.whole = facts.remembered_labels(numbers)

    def of(self, value: Value | None, bound: MappingType[str, Value], depth: int = 0) -> Labels:
        """The labels of *value* where parameters of the function it came from are bound to *bound*."""
        if value is None:
            return NONE
        if depth > DEEPEST:
            self.cuts += 1
            return NONE
        crowd = self.bindings.crowd
        store = self.whole if not bound else crowd.known if bound is crowd.nothing else None
        kept = store.get(id(value)) if store is not None else None
        if kept is not None:
            return kept[1]
        key = (id(value), id(bound) if bound else 0)
        if key in self.known:
            return self.known[key]
        before = self.cuts
        self.bindings.steps += 1
        read = _READ.get(type(value))
        found = read(self, value, bound, depth) if read is not None else self._union(parts(value), bound, depth)
        if value.name and not (value.name == "token" and is_word(value)) and not is_mask(value):
            found |= by_name(value.name, found)
        if store is not None and (self.cuts == before or self.bindings.crowded):
            # The value is kept with its labels, so that its identity cannot pass to another.
            store[id(value)] = (value, found)
        else:
            self.known[key] = found
        return found

    def _union(self, values: tuple[Value, ...], bound: MappingType[str, Value], depth: int) -> Labels:
        found: Labels = NONE
        for value in values:
            if type(value) is Constant and not value.name:
                continue
            more = self.of(value, bound, depth + 1)
            if more:
                found = found | more if found else more
        return found

    def name(self, value: Name, _bound: MappingType[str, Value], depth: int) -> Labels:
        return of_name(value.dotted) or self._kept(value, value.dotted, depth)

    def _kept(self, value: Value, name: str, depth: int) -> Labels:
        """What was kept for whoever reads it here: ``g.token``, a context variable, a queue."""
        kept = kept_for(self.facts, value)
        mark = ("kept", name)
        if not kept or mark in self.open:
            self.cuts += 1 if kept else 0
            return NONE
        self.open.add(mark)
        found = self._union(kept, {}, depth + 2)
        self.open.discard(mark)
        return found

    def nothing(self, _value: Value, _bound: MappingType[str, Value], _depth: int) -> Labels:
        return NONE

    def caught(self, _value: Caught, _bound: MappingType[str, Value], _depth: int) -> Labels:
        return labelled("exception")

    def environment(self, value: EnvironmentValue, _bound: MappingType[str, Value], _depth: int) -> Labels:
        return labelled("environment", source=value.variable)

    def config(self, value: ConfigValue, _bound: MappingType[str, Value], _depth: int) -> Labels:
        return labelled("config-secret" if is_secret(value.key) else "config", source=value.key)

    def mapping(self, value: Mapping, bound: MappingType[str, Value], depth: int) -> Labels:
        found = self._union(parts(value), bound, depth)
        if not found or not value.open or not (gone := left_out(self.facts, value)):
            return found
        if "authorization-header" in gone:
            gone |= {"request-headers"}  # without the credential they are no longer all headers
        whole = len(value.items) == 1
        spread = self._union(tuple(held for key, held in value.items if whole or is_spread(key)), bound, depth)
        said = tuple(held for key, held in value.items if not whole and not is_spread(key))
        return frozenset(label for label in spread if label.kind not in gone) | self._union(said, bound, depth)

    def item(self, value: Item, bound: MappingType[str, Value], depth: int) -> Labels:
        key = value.key.value if isinstance(value.key, Constant) else None
        owner = value.owner
        if isinstance(owner, Name) and owner.dotted == "flask.request.headers" and isinstance(key, str):
            return of_header(key)
        put = headers_of(self.facts, owner.owner) if isinstance(owner, Member) and owner.attribute == "headers" else ()
        if put and isinstance(key, str):
            return NONE.union(
                *(self._put(name, held, bound, depth) for name, held in put if name.lower() == key.lower())
            )
        if isinstance(owner, Name) and owner.dotted == "flask.request.environ" and isinstance(key, str):
            return of_header(key.removeprefix("HTTP_").replace("_", "-"))
        if isinstance(owner, Name) and owner.dotted == "flask.g" and isinstance(key, str):
            found = self._kept(value, f"flask.g.{key}", depth)
            return found | by_name(key, found)
        names = names_said(self.facts, value.key)
        if isinstance(owner, Name) and owner.dotted == "flask.request.headers" and names and not isinstance(key, str):
            return frozenset(label for name in names for label in of_header(name))
        if isinstance(owner, Name) and owner.dotted == "flask.request.headers" and is_one_name(value.key):
            return labelled("request-header")
        if isinstance(owner, Call) and type(key) is int and (placed := parts_returned(self.facts, value)):
            return self._results(owner, placed, bound, depth)
        found = self.of(owner, bound, depth + 1)
        if key == 0 and found and is_split(owner):
            return frozenset(label for label in found if label.kind not in CREDENTIALS)
        if isinstance(key, str) and any(label.kind in CREDENTIALS and not label.by_name for label in found):
            told = self._under(owner, key, bound, depth + 1)
            if told is not None:
                found = told
            elif sensitive(key) is None:
                found = frozenset(label for label in found if label.kind not in CREDENTIALS)
        elif isinstance(key, str) and found & WRITTEN and isinstance(owner, (Mapping, Choice, Parameter, Call)):
            told = self._under(owner, key, bound, depth + 1)
            found = found if told is None else told  # what is sent beside it is something else
        if isinstance(key, str) and found and self.numbers and is_narrow(self.facts, owner, key):
            return NONE
        if isinstance(key, str):
            if any(label.kind == "request-headers" for label in found):
                return of_header(key)
            found = frozenset(
                label for label in found if label.kind != "whole-config" and not of_another_key(label, key)
            )
            found |= by_name(key, found)
        if value.default is not None and not isinstance(value.default, Constant):
            found |= self.of(value.default, bound, depth + 1)
        return frozenset(label for label in found if label.kind not in CREDENTIALS) if is_glimpse(value) else found

    def _under(self, owner: Value, key: str, bound: MappingType[str, Value], depth: int) -> Labels | None:
        """What stands under a key in a mapping that was made elsewhere; None where that cannot be told. A token beside a name does not make
        the name a token."""
        if depth > DEEPEST // 2:
            return None
        match owner:
            case Mapping():
                held = owner.get(key)
                known = NONE if held is None else self.of(held, bound, depth + 1)
                return known.union(*(self._spread_under(one, key, bound, depth + 1) for _, one in owner.after(key)))
            case Choice(options=several):
                return self._all_under([(one, bound) for one in several if not is_constant(one, None)], key, depth)
            case Parameter() if owner.parameter in bound:
                return self._under(bound[owner.parameter], key, {}, depth + 1)
            case Parameter() if owner.index == NAMED and (several := named(self.facts, owner, key)):
                return self._union(several, {}, depth + 1)
            case Parameter():
                return self._all_under([(one, {}) for one in self._handed(owner)], key, depth)
            case Call() if (made := self.facts.function(owner.callee)) is not None:
                told = self.bindings.of(owner, made.parameters, bound)
                return self._all_under([(one, told) for one in made.returns if not is_constant(one, None)], key, depth)
            case Call() | Name():
                return self._all_under([(one, {}) for one in kept_for(self.facts, owner)], key, depth)
            case _:
                return None

    def _spread_under(self, spread: Value, key: str, bound: MappingType[str, Value], depth: int) -> Labels:
        """What a mapping that is poured into another has under the key: ``{**{**body, "password": shown}, "seen": now}["client"]``."""
        if isinstance(spread, Mapping) and depth <= DEEPEST // 2:
            return self._under(spread, key, bound, depth + 1) or NONE
        if isinstance(spread, Choice):
            return NONE.union(*(self._spread_under(one, key, bound, depth + 1) for one in spread.options))
        return self.of(spread, bound, depth)

    def _handed(self, value: Parameter) -> list[Value]:
        if of_parameter(self.facts, value, self.numbers):
            return []
        return list(handed(self.facts, value))

    def _all_under(self, several: list[tuple[Value, MappingType[str, Value]]], key: str, depth: int) -> Labels | None:
        found: Labels = NONE
        for value, bound in several:
            mark = ("under", id(value), key)
            if mark in self.open:
                return None
            self.open.add(mark)
            told = self._under(value, key, bound, depth + 1)
            self.open.discard(mark)
            if told is None:
                return None
            found |= told
        return found if several else None

    def member(self, value: Member, bound: MappingType[str, Value], depth: int) -> Labels:
        if value.attribute == "config" and is_application(value.owner):
            return labelled("whole-config", source="config")
        if value.attribute == "data" and isinstance(value.owner, Call) and is_form_text(self.facts, value.owner):
            return labelled("request-data") | by_name(value.owner.name, NONE)
        put = headers_of(self.facts, value.owner) if value.attribute == "headers" else ()
        if put:
            return frozenset(label for name, held in put for label in self._put(name, held, bound, depth))
        found = self.of(value.owner, bound, depth + 1) | self._union(put_into(self.facts, value), bound, depth)
        if found and self.numbers and is_narrow(self.facts, value.owner, value.attribute):
            return NONE
        if sensitive(value.attribute) is None and any(one.kind in CREDENTIALS and not one.by_name for one in found):
            put_there = [held for held, _ in held_under(self.facts, value.owner, value.attribute)]
            if put_there:  # a name beside a password in one record is no password
                found = frozenset(one for one in found if one.kind not in CREDENTIALS)
                found |= self._union(tuple(put_there), {}, depth + 4)
        elif found & WRITTEN and (alone := surely_held(self.facts, value.owner, value.attribute)) is not None:
            found = self._union(tuple(alone), {}, depth + 4)
        if value.attribute in CURATED or (
            value.attribute == "description" and not self._is_plain_exception(value.owner)
        ):
            found = frozenset(label for label in found if label.kind != "exception")
        return found | by_name(value.attribute, found)

    def _put(self, name: str, held: Value, bound: MappingType[str, Value], depth: int) -> Labels:
        """What a header of a client carries."""
        kind = credential_kind(name) if not isinstance(held, Constant) else None
        return self.of(held, bound, depth + 1) | (labelled(kind, source=name) if kind is not None else NONE)

    def _is_plain_exception(self, value: Value) -> bool:
        return isinstance(value, Caught) and not all(
            "HTTPException" in name or "werkzeug" in name for name in value.catches
        )

    def parameter(self, value: Parameter, bound: MappingType[str, Value], depth: int) -> Labels:
        if value.parameter in bound:
            told = bound[value.parameter]
            return self.of(told, {}, depth + 1) if told is not value else NONE
        if (followed := followed_call(value, bound)) is not None and value.index < 0:
            return self._union(tuple(passed(self.facts, value, followed)), {}, depth + 1)
        if followed is not None and value.default is not None:
            return self.of(value.default, {}, depth + 1)
        mark = (value.function, value.parameter)
        if mark in self.open or depth > 12:
            self.cuts += 1
            return NONE
        self.open.add(mark)
        found = of_parameter(self.facts, value, self.numbers)
        for given in handed(self.facts, value):
            found |= self.of(given, {}, depth + 4)
        self.open.discard(mark)
        return found

    def call(self, value: Call, bound: MappingType[str, Value], depth: int) -> Labels:
        callee = value.callee
        if (known := of_callee(value)) is not None:
            return known
        if callee in HEADERS_READ:
            return of_headers_read(value)
        if self.numbers and callee in NUMBERS:
            return NONE
        if holds_settings(self.facts, value):
            return labelled("whole-config", source=callee)
        if (keys := keys_given(self.facts, value)) is not None:
            return self._union(keys, bound, depth)
        if callee in PASSING:
            return self._union(parts(value), bound, depth)
        if (left := left_by_substitution(value)) is not None:
            return self.of(left, bound, depth + 1)
        if (one := asked_member(self.facts, value)) is not None:
            return self.item(one, bound, depth)
        results = self.facts.function(callee) if callee[:1] != "?" else None
        if results is not None:
            return self._results(value, given_back(self.facts, results), bound, depth)
        found = of_name(callee) or self._kept(value, callee, depth)
        if filled := filled_from(self.facts, value):
            return found | self._union(filled, bound, depth)
        if value.receiver is not None and (value.method in TEXT_METHODS or value.method in REQUEST):
            found |= self._union(parts(value) if value.method in _FILLED else (value.receiver,), bound, depth)
        if value.method == "get_secret_value":  # of Pydantic: whoever declared it says that it is a secret
            found |= self.of(value.receiver, bound, depth + 1) or labelled("config-secret")
        return found

    def _results(self, call: Call, returns: tuple[Value, ...], bound: MappingType[str, Value], depth: int) -> Labels:
        function = self.facts.function(call.callee)
        parameters = function.parameters if function is not None else ()
        mark = ("call", call.callee)
        if mark in self.open or depth > 20:
            self.cuts += 1
            return NONE
        self.open.add(mark)
        told = self.bindings.of(call, parameters, bound)
        found: Labels = NONE
        for value in returns:
            found |= self.of(value, told, depth + 2)
        self.open.discard(mark)
        return found


_READ: Final["dict[type[Any], Callable[[_Asking, Any, MappingType[str, Value], int], Labels]]"] = {
    Constant: _Asking.nothing,
    Truth: _Asking.nothing,
    Name: _Asking.name,
    Call: _Asking.call,
    Mapping: _Asking.mapping,
    Item: _Asking.item,
    Member: _Asking.member,
    Parameter: _Asking.parameter,
    Caught: _Asking.caught,
    EnvironmentValue: _Asking.environment,
    ConfigValue: _Asking.config,
}
"""How each class of value is judged; any other has the labels of its parts."""


def labels_of(facts: "SourceFacts", value: Value | None, *, numbers: bool = False) -> Labels:
    """The labels of *value*, through parameters and results of the project's functions. With *numbers*, what was made a number
    (``int(…)``, a path parameter of type int) carries none: it can inject nothing."""
    if value is None:
        return NONE
    known = facts.remembered_labels(numbers).get(id(value))
    if known is not None:
        return known[1]
    asking = _Asking(facts, numbers)
    found = asking.of(value, {})
    asking.bindings.end()
    return found
