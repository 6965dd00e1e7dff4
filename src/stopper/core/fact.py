"""The single facts that one pass over the source collects. Rules get them from :class:`stopper.core.facts.SourceFacts`."""

from collections.abc import Iterator
from collections.abc import Mapping as MappingType
from dataclasses import dataclass, field
from typing import Final, Literal

from stopper.core.labels import Label, LabelKind
from stopper.core.place import Span
from stopper.core.values import Call, Item, Value

SinkKind = Literal[
    "log", "print", "response", "exception-message", "session", "cookie", "url", "redirect", "outbound-headers", "outbound-url",
    "outbound-body", "template", "html", "sql", "file-path", "subprocess", "deserialisation", "code", "claims", "response-header",
]  # fmt: skip
FileKind = Literal[
    "env", "dockerfile", "compose", "workflow", "build", "shell", "requirements", "docs", "procfile", "openapi", "template", "script",
    "key", "config", "deployment", "sql",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Decorator:
    """One decorator, resolved. ``call`` is None when it is written without parentheses. ``above_route``: it stands above a route
    decorator of the same function, so what it wraps is not what the route runs."""

    name: str
    call: Call | None
    span: Span
    above_route: bool = False


@dataclass(frozen=True, slots=True)
class Function:
    """One function or method. ``name`` is qualified (``shop.views.show``, ``shop.views.Notes.get``, ``a.outer.inner``).

    ``parameters`` leave out what a method is bound to. ``returns`` are the values of its return statements, ``calls`` the callees in its
    body in order. ``owner`` is the qualified class name or ``""``.
    """

    name: str
    span: Span
    parameters: tuple[str, ...] = ()
    decorators: tuple[Decorator, ...] = ()
    owner: str = ""
    calls: tuple[str, ...] = ()
    returns: tuple[Value, ...] = ()
    docstring: str = ""
    generates: bool = False
    """It gives back one value after the other: it has a ``yield`` with something behind it."""
    yields: tuple[Value, ...] = ()
    """What it gives in that way."""
    gives: str = ""
    """The class that its annotation says it gives back, or gives several of: ``-> list[Account]``."""


@dataclass(frozen=True, slots=True)
class ClassFact:
    """One class: resolved bases, and its attributes with the value last assigned in the body. ``fields`` are the types that it
    declares by annotations, each as the value of the annotation."""

    name: str
    bases: tuple[str, ...]
    attributes: MappingType[str, Value]
    methods: tuple[str, ...]
    span: Span
    decorators: tuple[Decorator, ...] = ()
    fields: MappingType[str, Value] = field(default_factory=dict[str, Value])
    unshown: frozenset[str] = frozenset()
    """The fields that are kept out of the text of its objects: ``key: str = field(repr=False)``."""


@dataclass(frozen=True, slots=True)
class ConfigWrite:
    """One setting written, however it is spelled. ``how``: ``item`` (also ``update``, ``from_mapping``, ``setdefault``),
    ``attribute`` (``app.secret_key =``, ``app.debug =``), ``class`` (a config class). ``loaded`` is False for a class that is seen
    not to be loaded, None where that cannot be told. ``owner`` is the class's qualified name for ``class``.
    """

    key: str
    value: Value
    span: Span
    how: Literal["item", "attribute", "class"]
    function: str = ""
    owner: str = ""
    loaded: bool | None = True


@dataclass(frozen=True, slots=True)
class Assignment:
    """A value given to a name. ``target`` is qualified at module and class level (``shop.settings.KEY``), else the bare local name
    or ``obj.attribute`` as written, or ``[key]``; ``attribute`` is its last word (``""`` for a key that is no literal). ``into`` is what an
    attribute or item was put into."""

    target: str
    attribute: str
    value: Value
    span: Span
    function: str = ""
    into: Value | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """``left operator right``; chains are split. ``operator``: ``== != in not in is is not < <= > >=``.

    ``texts`` are both sides as source text where ``==`` or ``!=`` compares two things that are no literals, for a fix to use; a
    part of a chain has none.
    """

    operator: str
    left: Value
    right: Value
    span: Span
    function: str = ""
    texts: tuple[str, str] | None = None
    asserted: bool = False
    """It is what an ``assert`` asks, which python -O leaves out."""


@dataclass(frozen=True, slots=True)
class Condition:
    """An ``if``, or a conditional expression that asks a function, or where it holds if it asks a flag for debugging. ``stops``: its
    body surely leaves the function (return, raise, abort); ``refuses``: with 401, 403, abort or raise. An ``else`` is a condition of its own, with ``negated`` turned round. ``negated``: the test is ``not value`` (``value`` is then what stands behind ``not``). ``span`` is the test, ``body`` what
    runs where it holds."""

    value: Value
    negated: bool
    stops: bool
    refuses: bool
    span: Span
    function: str = ""
    body: Span | None = None
    skips: bool = False
    """Its body goes on with the next round of a loop, and does nothing else."""
    tells: bool = False
    """Its body says something or sets a flag that nobody asks, and goes on: whatever is tested, what follows runs."""


@dataclass(frozen=True, slots=True)
class Return:
    """One return statement (or expression body) with its value."""

    value: Value
    span: Span
    function: str


@dataclass(frozen=True, slots=True)
class Raise:
    """One raise. ``exception`` is the resolved class; ``value`` the whole raised value."""

    exception: str
    value: Value | None
    span: Span
    function: str = ""


@dataclass(frozen=True, slots=True)
class Handler:
    """One ``except``. ``action``: ``pass`` (also ``continue``), ``return`` (a value that is no refusal), ``refuse`` (401, 403, abort),
    ``raise``, ``go-on`` (does something and falls through). ``tried`` are the callees in the ``try`` body."""

    catches: tuple[str, ...]
    name: str
    action: Literal["pass", "return", "refuse", "raise", "go-on"]
    tried: tuple[str, ...]
    span: Span
    function: str = ""


@dataclass(frozen=True, slots=True)
class ErrorHandler:
    """A registered error handler. ``what`` is a status (``"404"``) or a resolved exception; ``blueprint`` is ``""`` for the app."""

    what: str
    function: str
    blueprint: str
    span: Span


@dataclass(frozen=True, slots=True)
class Flow:
    """A value that reaches a sink, with what it derives from (also through functions of the project).

    ``detail`` is the callee for calls, the key for ``session`` and ``cookie``, the header's name for ``response-header``.
    """

    sink: SinkKind
    value: Value
    labels: frozenset[Label]
    span: Span
    function: str = ""
    detail: str = ""

    def has(self, *kinds: LabelKind, by_name: bool = True) -> bool:
        """That one of these labels is on it; with ``by_name=False`` a name alone does not count."""
        return any(label.kind in kinds and (by_name or not label.by_name) for label in self.labels)

    def by_name_only(self, *kinds: LabelKind) -> bool:
        """That these labels are on it only because of names."""
        return self.has(*kinds) and not self.has(*kinds, by_name=False)


@dataclass(frozen=True, slots=True)
class SourceRoute:
    """What the source says of one route beside ``App.routes``: the view, its decorators in order, the object it is registered on."""

    path: str
    methods: tuple[str, ...]
    view: str
    blueprint: str
    span: Span
    registered_at: Span
    decorators: tuple[Decorator, ...] = ()
    parameters: tuple[tuple[str, str], ...] = ()
    """Path parameters with their type, as in :class:`stopper.core.app.Route`."""
    says_options: bool = False
    """The view answers OPTIONS itself; otherwise Flask does, and the view is not run."""
    hooks: tuple[str, ...] = ()
    """Qualified names of the ``before_request`` functions that run before it."""
    endpoint: str = ""
    """What it is called where that is said, or made of the name of a class; ``""`` where the view's own name is."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One look-up in what a request carries: ``request.args["q"]``, ``request.get_json().get("email")``, ``data["email"]`` of a body
    kept under a name. ``source`` is the resolved name it begins with (``flask.request.args``), ``key`` the literal key."""

    source: str
    key: str
    value: Item
    span: Span
    function: str = ""


@dataclass(frozen=True, slots=True)
class Text:
    """A literal text of the source of 16 characters or more without white space (tokens, keys), or one with a private key in PEM form,
    with the name it is given to."""

    value: str
    span: Span
    name: str = ""


@dataclass(frozen=True, slots=True)
class TextFile:
    """A file beside the code that matters. ``path`` is relative to the root; ``lines`` have no line ends."""

    path: str
    kind: FileKind
    lines: tuple[str, ...]

    _small: list[bytes] = field(default_factory=list[bytes], init=False, repr=False, compare=False)
    """The whole text in small letters, once somebody asked for words in it."""

    def _in_small(self) -> bytes:
        """As bytes, whose letters become small in a tenth of the time that a text takes with one sign beyond ASCII in it."""
        data = b"\n".join([line.encode() if line.isascii() else _like_ascii(line) for line in self.lines]).lower()
        self._small.append(data)
        return data

    def lines_with(self, *words: str) -> Iterator[tuple[int, str]]:
        """The lines with one of these words (small letters, in any letter case here), each with its number: most lines of most
        files have none, and asking all at once costs a tenth of asking each."""
        if not "".join(words).isascii():
            return ((number, line) for number, line in enumerate(self.lines, 1) if any(map(line.lower().count, words)))
        data = self._small[0] if self._small else self._in_small()
        numbers: set[int] = set()
        for word in words:
            wanted = word.encode()
            number, begin = 1, 0
            while (at := data.find(wanted, begin)) >= 0:
                number += data.count(b"\n", begin, at)
                numbers.add(number)
                begin = data.find(b"\n", at)
                if begin < 0:
                    break
        return ((number, self.lines[number - 1]) for number in sorted(numbers))


_LIKE_ASCII: Final = tuple(zip("\u017f\u0131\u212a\u0130", "siki", strict=True))
"""Signs that patterns take for a letter of ASCII where case does not count."""


def _like_ascii(line: str) -> bytes:
    for sign, small in _LIKE_ASCII:
        if sign in line:
            line = line.replace(sign, small)
    return line.encode("utf-8", "surrogatepass")


@dataclass(frozen=True, slots=True)
class Suppression:
    """``# stopper: ignore[slug] reason until=2027-01-31``. ``slug`` and ``reason`` may be ``""`` (then it is itself a finding).
    ``line`` is the line it speaks of: its own, or the next line of code when it stands alone on its line."""

    span: Span
    line: int
    slug: str
    reason: str
    until: str | None = None
