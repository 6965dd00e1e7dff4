"""What is kept under one name and read under it elsewhere: on ``g`` or the request, in a context variable or a queue, behind a proxy, and all
that an object holds at once."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from stopper.core.fact import ClassFact
from stopper.core.flow.body_models import classes_by_name
from stopper.core.flow.held_attributes import kept_by_application
from stopper.core.place import Span
from stopper.core.values import Call, Item, Member, Name, Value, text_of, walk

if TYPE_CHECKING:
    from stopper.core.facts import SourceFacts

_HOMES: Final = ("flask.g", "flask.request")
_BEGINNINGS: Final = tuple(f"{home}." for home in _HOMES)
_ALL_HELD: Final = ".__dict__"
_WHOLE: Final = frozenset({"dataclasses.asdict", "dataclasses.astuple", "attrs.asdict", "attr.asdict", "vars"})
_PUT_TOGETHER: Final = frozenset({"urllib.parse.urlunsplit", "urllib.parse.urlunparse"})
_TAKEN_APART: Final = frozenset({"urllib.parse.urlsplit", "urllib.parse.urlparse"})
_PROXIES: Final = frozenset({"werkzeug.local.LocalProxy", "werkzeug.LocalProxy"})
_REQUESTS: Final = ("flask.Request", "flask.wrappers.Request", "werkzeug.wrappers.Request", "werkzeug.Request")
_PUTS: Final = frozenset({"set", "put", "put_nowait"})
_TAKES: Final = frozenset({"get", "get_nowait"})
_MADE_AS_ONE: Final = (
    "contextvars.ContextVar",
    "queue.Queue",
    "queue.SimpleQueue",
    "queue.LifoQueue",
    "multiprocessing.Queue",
)
"""What holds a value for whoever asks the very same object."""


@dataclass(frozen=True, slots=True)
class _Kept:
    """Everything that is put somewhere: by the name it is read under, and by the place where the object was made that holds it."""

    named: dict[str, list[Value]] = field(default_factory=dict[str, list[Value]])
    held: dict[Span, list[Value]] = field(default_factory=dict[Span, list[Value]])
    parts: dict[tuple[int, str], Member] = field(default_factory=dict["tuple[int, str]", Member])
    """Members of such values, each made once: what is known of a value goes by its identity."""


def kept_for(facts: "SourceFacts", value: Value) -> tuple[Value, ...]:
    """What *value* may be because it was kept there before; nothing for any other value."""
    match value:
        case Name(dotted=dotted) if dotted.startswith(_BEGINNINGS):
            return tuple(_under(_all_kept(facts), dotted))
        case Name(dotted=dotted) if dotted.endswith(_ALL_HELD):
            return _all_held(facts, dotted.removesuffix(_ALL_HELD))
        case Name(dotted=dotted) if (known := classes_by_name(facts).get(dotted.rpartition(".")[0])) is not None:
            return _of_field(facts, known, dotted.rpartition(".")[2])
        case Item(owner=Name(dotted="flask.g"), key=key) if (text := text_of(key)) is not None:
            return tuple(_under(_all_kept(facts), f"flask.g.{text}"))
        case Item(owner=Name(dotted=dotted)) if dotted.endswith(".extensions"):
            return kept_by_application(facts, value)
        case Call(callee=callee) if callee.startswith("flask.request."):
            return tuple(_under(_all_kept(facts), callee))
        case Call(callee=callee, args=(Name(dotted=dotted), *_)) if callee in _WHOLE and dotted in classes_by_name(
            facts
        ):
            return _all_held(facts, dotted)
        case Call(callee=callee) if callee in _PUT_TOGETHER:
            taken = [
                part
                for given in value.args
                for part in walk(given, 4)
                if isinstance(part, Call) and part.callee in _TAKEN_APART
            ]
            return (*value.args, *(one for part in taken for one in part.args[:1]))
        case Call(callee=callee) if callee in _PROXIES:
            return tuple(_behind(facts, value))
        case Call(receiver=Call(callee=callee, span=Span() as place)) if (
            callee in _MADE_AS_ONE and value.method in _TAKES
        ):
            return tuple(_all_kept(facts).held.get(place, ()))
        case _:
            return ()


def _under(kept: _Kept, dotted: str) -> Iterator[Value]:
    """What is kept under the longest beginning of the name, and of it what the rest of the name says."""
    name, rest = dotted, list[str]()
    while name.count(".") > 1 and name not in kept.named:
        name, _, last = name.rpartition(".")
        rest.insert(0, last)
    for found in kept.named.get(name, ()):
        for word in rest:
            found = kept.parts.setdefault((id(found), word), Member(found, word))
        yield found


def _behind(facts: "SourceFacts", proxy: Call) -> Iterator[Value]:
    """What the function gives that a proxy asks each time, or what the context variable holds."""
    asked = proxy.argument(0, "local")
    if isinstance(asked, Name):
        yield from (one.value for one in facts.returns_of(asked.dotted))
    elif isinstance(asked, Call) and asked.span is not None and asked.callee in _MADE_AS_ONE:
        yield from _all_kept(facts).held.get(asked.span, ())
    elif asked is not None:
        yield asked  # what a lambda gives


def _all_held(facts: "SourceFacts", name: str) -> tuple[Value, ...]:
    """Every attribute of the objects of a class: ``self.__dict__``, ``asdict(self)``."""
    known = classes_by_name(facts).get(name)
    if known is None:
        return ()
    return (*known.attributes.values(), *(one for field in known.fields for one in _of_field(facts, known, field)))


def _of_field(facts: "SourceFacts", known: ClassFact, name: str) -> tuple[Value, ...]:
    """What objects of a record have in a field that only its annotation declares: ``self.term`` of a data class."""
    if name not in known.fields or "__init__" in known.methods:
        return ()
    place = list(known.fields).index(name)
    found: list[Value] = []
    for made in facts.calls(known.name):
        given = made.argument(place, name)
        found += [given] if given is not None else [held for word, held in made.keywords if word == "**"]
    return tuple(found)


def _all_kept(facts: "SourceFacts") -> _Kept:
    return facts.once("values kept for others", lambda: _collected(facts))


def _collected(facts: "SourceFacts") -> _Kept:
    kept = _Kept()
    for one in facts.assignments():
        home = one.into.dotted if isinstance(one.into, Name) else ""
        if home.startswith(_HOMES) and one.attribute:
            kept.named.setdefault(f"{home}.{one.attribute}", []).append(one.value)
    for call in facts.calls("setattr", "flask.g.setdefault"):
        match (Name("flask.g"), *call.args) if call.callee == "flask.g.setdefault" else call.args:
            case (Name(dotted=home), key, given) if home in _HOMES and (text := text_of(key)):
                kept.named.setdefault(f"{home}.{text}", []).append(given)
            case _:
                continue
    for made in facts.classes(*_REQUESTS):
        for method in made.methods:
            kept.named.setdefault(f"flask.request.{method}", []).extend(
                one.value for one in facts.returns_of(f"{made.name}.{method}")
            )
    for put in facts.calls(*(f"*.{word}" for word in _PUTS)):
        holder = put.receiver
        if isinstance(holder, Call) and holder.callee in _MADE_AS_ONE and holder.span is not None and put.args:
            kept.held.setdefault(holder.span, []).append(put.args[0])
    return kept
