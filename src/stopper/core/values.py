"""What an expression of the source is worth, as far as reading it can tell: a small closed union.

Variables, module constants (also of other modules), class attributes, ``dict(…)``, ``.get(…)`` and functions of the project that only
give back a value are already followed, so a rule matches on what is left::

    match value:
        case Constant(value=str(text)):                       # "literal", through however many names
        case EnvironmentValue(default=Constant(value=str())): # os.environ.get("X", "literal")
        case Call(callee="secrets.token_hex"):
        case Sequence(items=items):
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from sys import intern
from typing import Any, Final, Literal, TypeAlias, TypeVar

from stopper.core.place import Span

Plain: TypeAlias = str | bytes | int | float | complex | bool | None


@dataclass(frozen=True, slots=True)
class Constant:
    """A literal. ``span`` is where the literal stands, not where it is used. ``name`` is the variable, attribute or key that it
    was last read through, where that name says something (``API_KEY``), else ``""``."""

    value: Plain
    span: Span | None = None
    name: str = ""


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list, tuple or set display. ``open`` when more items may be in it than ``items`` says."""

    items: "tuple[Value, ...]"
    kind: Literal["list", "tuple", "set"] = "list"
    open: bool = False
    span: Span | None = None
    name: str = ""

    def plain(self) -> tuple[Plain, ...]:
        """The items that are literals."""
        return tuple(item.value for item in self.items if isinstance(item, Constant))


@dataclass(frozen=True, slots=True)
class Mapping:
    """A dict display or ``dict(…)``. ``open`` when more keys may be in it (``**other``, keys that are not literals)."""

    items: "tuple[tuple[Value, Value], ...]"
    open: bool = False
    span: Span | None = None
    name: str = ""

    def get(self, key: str) -> "Value | None":
        """The value under that literal key (the last one wins), None where there is none."""
        found = None
        for said, value in self.items:
            if isinstance(said, Constant) and said.value == key:
                found = value
        return found

    def after(self, key: str) -> "tuple[tuple[Value, Value], ...]":
        """What is put in after that key was given a value and may say otherwise: ``{"order": "id", **sent}``, ``found[name] = value``."""
        named = [at for at, (said, _) in enumerate(self.items) if isinstance(said, Constant) and said.value == key]
        return tuple([pair for pair in self.items[(named or [-1])[-1] + 1 :] if _may_say(pair[0], key)])

    def keys(self) -> tuple[str, ...]:
        """The literal text keys."""
        return tuple(key.value for key, _ in self.items if isinstance(key, Constant) and isinstance(key.value, str))


@dataclass(frozen=True, slots=True)
class Name:
    """Something known only by its resolved dotted name: ``flask.request``, ``jwt.decode``, ``shop.views.show``, ``len``."""

    dotted: str
    span: Span | None = None
    name: str = ""


@dataclass(frozen=True, slots=True)
class Member:
    """An attribute of a value that has no dotted name of its own: ``user.password_hash``, ``jwt.decode(…).sub``."""

    owner: "Value"
    attribute: str
    span: Span | None = None
    name: str = ""


@dataclass(frozen=True, slots=True)
class Item:
    """One element: ``request.headers["X"]``, ``payload.get("role", default)``, a slice (``key`` Unknown of its two bounds, a
    Constant of None where one is left out). ``default`` is what
    ``.get`` gives for a missing key (a Constant of None where none was given); None where a missing key raises."""

    owner: "Value"
    key: "Value"
    default: "Value | None" = None
    span: Span | None = None
    name: str = ""


@dataclass(frozen=True, slots=True)
class EnvironmentValue:
    """An environment variable. ``default`` is None where a missing variable raises (``os.environ["X"]``)."""

    variable: str
    default: "Value | None" = None
    span: Span | None = None
    name: str = ""


@dataclass(frozen=True, slots=True)
class ConfigValue:
    """``app.config["K"]``, ``current_app.config.get("K", default)``. ``facts.config_values(key)`` says what was written there."""

    key: str
    default: "Value | None" = None
    span: Span | None = None
    name: str = ""


@dataclass(frozen=True, slots=True)
class Format:
    """A text put together: f-string, ``%``, ``+``, ``.format()``, ``.join()``. All-literal formats are already Constants."""

    parts: "tuple[Value, ...]"
    span: Span | None = None
    name: str = ""


NAMED: Final = -1
REST: Final = -2


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a function of the project, by the function's qualified name. ``index`` counts from 0 with ``self`` left out;
    NAMED for ``**kwargs``; REST minus the number of parameters before it for ``*args``."""

    function: str
    parameter: str
    index: int
    default: "Value | None" = None
    span: Span | None = None
    name: str = ""
    typed: str = ""
    """The class that its annotation names."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several: ``a or b``, ``a if c else b``, a name that is assigned in two branches. ``every`` for ``a and b``: as a test it
    holds only when all of them do."""

    options: "tuple[Value, ...]"
    span: Span | None = None
    name: str = ""
    every: bool = False


@dataclass(frozen=True, slots=True)
class Caught:
    """The ``e`` of ``except … as e``. ``catches`` are resolved names, ``("*",)`` for a bare except."""

    catches: tuple[str, ...]
    span: Span | None = None
    name: str = ""


@dataclass(frozen=True, slots=True)
class Unknown:
    """Anything else. ``parts`` are the values it was made from (arithmetic, comprehension), so that labels survive."""

    parts: "tuple[Value, ...]" = ()
    span: Span | None = None
    name: str = ""


@dataclass(frozen=True, slots=True)
class Truth:
    """The outcome of a comparison or of ``not``. It says yes or no, so nothing leaks through it: it carries no labels of its own.
    ``parts`` are what was compared (the comparison itself is a fact); ``differs`` says that it was by ``!=``, ``is not`` or ``not in``."""

    parts: "tuple[Value, ...]" = ()
    span: Span | None = None
    name: str = ""
    differs: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """A call, both a fact and the value of its result.

    ``callee`` is the resolved dotted name: ``jwt.decode``; a method of an object whose class is known is named by the class
    (``flask.Flask.run``, ``flask_sqlalchemy.SQLAlchemy.session.commit``); a method of anything else is ``?.method`` and ``receiver``
    says of what. ``open`` when ``*args`` or ``**kwargs`` of unknown content are passed (known ones are already unpacked).
    ``function`` is the qualified name of the function that it is a step of, ``""`` at module level: the one around it, or the only caller of
    that one where it is a part of its caller.
    """

    callee: str
    args: "tuple[Value, ...]" = ()
    keywords: "tuple[tuple[str, Value], ...]" = ()
    open: bool = False
    receiver: "Value | None" = None
    function: str = ""
    span: Span | None = None
    name: str = ""
    method: str = field(init=False, repr=False)
    """The last part of the callee: ``run``."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "method", intern(self.callee.rpartition(".")[2]))

    def keyword(self, *names: str) -> "Value | None":
        """The value passed under the first of these keywords that is passed."""
        for wanted in names:
            for said, value in self.keywords:
                if said == wanted:
                    return value
        return None

    def argument(self, position: int | None, *names: str) -> "Value | None":
        """What is passed by that position (from 0) or by one of these keywords; None where it is not passed visibly."""
        if position is not None and position < len(self.args):
            return self.args[position]
        return self.keyword(*names)

    def lacks(self, position: int | None, *names: str) -> bool:
        """That the argument is surely not passed: not by position, not by keyword, not hidden in ``**kwargs``."""
        return not self.open and self.argument(position, *names) is None


Value: TypeAlias = (
    Constant | Sequence | Mapping | Name | Member | Item | EnvironmentValue | ConfigValue | Format | Parameter | Choice | Caught
    | Unknown | Truth | Call
)  # fmt: skip


Kind = TypeVar("Kind", Item, Call, Mapping, Format)


def options(value: Value | None) -> Iterator[Value]:
    """The values it may have: a Choice opened, and one place of rows to choose from, anything else itself, nothing for None."""
    if isinstance(value, Choice):
        for option in value.options:
            yield from options(option)
    elif type(value) is Item and type(value.owner) is Choice and (placed := _in_each_row(value.owner, value.key)):
        yield from options(placed)
    elif value is not None:
        yield value


def _in_each_row(rows: Choice, key: Value) -> Choice | None:
    """``key, checks = (A, {…}) if … else (B, {…})``: what stands at that place of each; nothing where one of them cannot be told."""
    place = key.value if type(key) is Constant and type(key.value) is int else -1
    told = [one.items for one in rows.options if type(one) is Sequence and not one.open]
    found = [row[place] for row in told if 0 <= place < len(row)]
    return Choice(tuple(found)) if len(found) == len(rows.options) else None


def _may_say(value: Value, key: str) -> bool:
    """That the value may be that text."""
    return any(not isinstance(one, Constant) or one.value == key for one in options(value))


def literals(value: Value | None) -> tuple[Constant, ...]:
    """The literals it may be: itself, a choice's, or the literal fallback of an environment variable, config key or ``.get``."""
    found: list[Constant] = []
    for option in options(value):
        if isinstance(option, Constant):
            found.append(option)
        elif isinstance(option, (EnvironmentValue, ConfigValue, Item)):
            found.extend(literals(option.default))
    return tuple(found)


def text_of(value: Value | None) -> str | None:
    """The text of a literal text, else None."""
    return value.value if isinstance(value, Constant) and isinstance(value.value, str) else None


def is_constant(value: Value | None, *wanted: Plain) -> bool:
    """That it is a literal of one of these values and types: ``is_constant(v, False)`` is not true of ``0``."""
    return isinstance(value, Constant) and any(
        type(value.value) is type(candidate) and value.value == candidate for candidate in wanted
    )


def may_be(value: Value | None, *wanted: Plain) -> bool:
    """That one of the literals it may have is one of these."""
    return any(is_constant(option, *wanted) for option in literals(value))


def parts(value: Value) -> "tuple[Value, ...]":
    """The values directly inside it."""
    inside = _PARTS.get(type(value))
    return inside(value) if inside is not None else ()


def _of_call(call: Call) -> "tuple[Value, ...]":
    if call.receiver is None:
        return call.args if not call.keywords else (*call.args, *[passed for _, passed in call.keywords])
    return (call.receiver, *call.args, *[passed for _, passed in call.keywords])


def _of_item(item: Item) -> "tuple[Value, ...]":
    return (item.owner, item.key) if item.default is None else (item.owner, item.key, item.default)


def _of_default(value: EnvironmentValue | ConfigValue) -> "tuple[Value, ...]":
    return () if value.default is None else (value.default,)


_PARTS: Final["dict[type[Any], Callable[[Any], tuple[Value, ...]]]"] = {
    Sequence: lambda value: value.items,
    Mapping: lambda value: tuple([part for pair in value.items for part in pair]),
    Member: lambda value: (value.owner,),
    Item: _of_item,
    EnvironmentValue: _of_default,
    ConfigValue: _of_default,
    Format: lambda value: value.parts,
    Unknown: lambda value: value.parts,
    Truth: lambda value: value.parts,
    Choice: lambda value: value.options,
    Call: _of_call,
}
"""By class: reading asks this hundreds of thousands of times, and a table answers in a tenth of what a ``match`` costs."""


def walk(value: Value | None, depth: int = 12) -> Iterator[Value]:
    """The value and everything inside it, each once, outermost first, to a bounded depth."""
    if type(value) in _PARTS:
        return chain.from_iterable(_levels(value, depth))
    return iter(()) if value is None else iter((value,))  # most values have nothing inside


def inner_unmet(value: Value, kind: "type[Kind]", met: dict[int, int], depth: int = 12) -> "Iterator[Kind]":
    """Those inside (and itself) that are of one kind which holds others, without what earlier calls with this *met* have looked
    through as deep: of many values that share parts, each part is looked through once. The values must stay alive between the calls."""
    level: list[Value] = [value]
    while level and depth >= 0:
        deeper: list[Value] = []
        for one in level:
            inside = _PARTS.get(type(one))
            if inside is not None and met.get(id(one), -1) < depth:
                met[id(one)] = depth
                if isinstance(one, kind):
                    yield one
                deeper.extend(inside(one))
        level = deeper
        depth -= 1


def holds_unmet(value: Value, wanted: Callable[[Value], bool], met: dict[int, int], depth: int = 12) -> bool:
    """That it or something inside is *wanted*. What earlier calls with this *met* have looked through as deep in vain is not looked through
    again. The values must stay alive between the calls."""
    if type(value) not in _PARTS:
        return wanted(value)
    level: list[Value] = [value]
    here: dict[int, int] = {}
    while level and depth >= 0:
        deeper: list[Value] = []
        for one in level:
            if wanted(one):
                return True
            inside = _PARTS.get(type(one))
            if inside is not None and met.get(id(one), -1) < depth and here.get(id(one), -1) < depth:
                here[id(one)] = depth
                deeper.extend(inside(one))
        level = deeper
        depth -= 1
    met.update(here)
    return False


def _levels(value: Any, depth: int) -> "Iterator[Iterable[Value]]":
    """What :func:`walk` gives, level by level: what stands on one is looked through without coming back here for each."""
    yield (value,)
    level: list[Any] = [value]
    seen = {id(value)}
    while depth > 0 and level:
        depth -= 1
        found: list[Value] = []
        deeper: list[Value] = []
        for one in level:
            for part in _PARTS[type(one)](one):
                if id(part) not in seen:
                    seen.add(id(part))
                    found.append(part)
                    if type(part) in _PARTS:
                        deeper.append(part)
        yield found
        level = deeper
