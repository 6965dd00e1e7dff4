"""What reading has gathered so far: modules, classes, functions and facts, shared by every file of one run."""

import ast
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from stopper.core.fact import (
    Assignment,
    ClassFact,
    Comparison,
    Condition,
    ConfigWrite,
    Decorator,
    Flow,
    Function,
    Handler,
    Raise,
    Reading,
    Return,
    Suppression,
    Text,
    TextFile,
)
from stopper.core.origins import FORMS
from stopper.core.place import Span
from stopper.core.values import Call, Item, Parameter, Value
from stopper.scan.report import ReadError
from stopper.scan.source.drafts import new_name
from stopper.scan.source.names import API_OBJECTS, APPS, BLUEPRINTS, INHERITED

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef
Scope = dict[str, Value]


@dataclass(slots=True)
class Module:
    """One module while it is read. ``bindings`` is what its names are bound to; ``path`` is the shown path."""

    name: str
    path: str
    package: bool
    folder: str
    bindings: Scope = field(default_factory=dict[str, Value])
    done: bool = False
    sends: bool | None = None
    """That it speaks to others over HTTP, and to nobody who calls; None until somebody asks."""
    shared: frozenset[str] = frozenset()
    """Names that a function writes which are not its own: by ``global`` or ``nonlocal``."""
    wide: dict[int, bytes] | None = None
    """The lines that are not plain ASCII, as bytes, by their number: in them columns must be counted in characters."""


@dataclass(slots=True)
class Pending:
    """A function whose body has not been read yet."""

    node: FunctionNode | ast.Lambda
    module: Module
    name: str
    closure: Scope
    owner: str
    decorators: tuple[Decorator, ...] = ()


@dataclass(slots=True)
class ClassState:
    """One class while it is read; ``attributes`` grows with ``self.x = …`` of its methods."""

    name: str
    bases: tuple[str, ...]
    attributes: Scope
    methods: list[str]
    span: Span
    decorators: tuple[Decorator, ...] = ()
    fields: Scope = field(default_factory=dict[str, Value])
    unshown: set[str] = field(default_factory=set[str])


@dataclass(slots=True)
class Registration:
    """A decorator or call that ties a function or class to an app, blueprint or API object: the raw matter of routes and hooks."""

    verb: str
    owner: Value | None
    call: Call | None
    target: str
    span: Span
    index: int = 0
    """The decorator's place among the decorators of its function, from above."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A place where a function turns the caller away. ``under`` are the tests around it, from outside, each with whether it is
    negated. ``plain`` when it says 401 or a name of that meaning; 403, a redirect or any other raise may mean something else."""

    function: str
    under: tuple[tuple[Value, bool], ...]
    plain: bool
    span: Span
    to_login: bool = False
    """A redirect to a page that is named for logging in."""


@dataclass(frozen=True, slots=True)
class Register:
    """A function that fills a table under a name that it is given, or takes something out of it. ``kind`` is ``fills``, ``decorates``,
    ``gives`` or ``runs``; ``owner`` the class whose objects have the table, else it is the module's."""

    table: str
    owner: str
    module: Module
    parameters: tuple[str, ...]
    key: str
    value: str
    kind: str


_SENDS: Final = frozenset({"request", "send", "mount", "get_adapter"})
"""Methods by which a client of the project does for all that it sends what the library's does not."""


@dataclass(slots=True)
class Project:
    """Everything that the files of one run share."""

    load: Callable[[Module, str], Module | None]
    """Find, read and give the module that *importer* names; None when it is not of the project."""
    classes: dict[str, ClassState] = field(default_factory=dict[str, ClassState])
    functions: dict[str, Function] = field(default_factory=dict[str, Function])
    pending: dict[str, Pending] = field(default_factory=dict[str, Pending])
    returned: dict[str, list[Value]] = field(default_factory=dict[str, "list[Value]"])
    through: set[str] = field(default_factory=set[str])
    """Functions that run from their first line to the ``return`` in their last."""
    bodies: dict[str, Pending] = field(default_factory=dict[str, Pending])
    """Small functions that may be read again with what a call passes, by their name."""
    nested: int = 0
    """How many modules are being read, one because the other imports it."""
    unfinished: list[Module] = field(default_factory=list[Module])
    """Modules whose functions wait until what imports the modules has been read: it may derive classes from theirs."""
    too_deep: list[Module] = field(default_factory=list[Module])
    """Modules whose functions could not be read to their end."""
    evaluating: int = 0
    """How many such readings are under way, one within the other."""
    straight: set[str] = field(default_factory=set[str])
    """Those of them whose call gives what they return, and is read as that: nothing wraps them."""
    registers: dict[str, Register] = field(default_factory=dict[str, Register])
    """Functions that fill a table by name, and those that read it."""
    hands_on: dict[str, Call] = field(default_factory=dict[str, Call])
    """Functions that do nothing but hand on what they are given, with the call that takes it."""
    handed_through: Counter[str] = field(default_factory=Counter[str])
    """Those of them, and of the functions that run what stands in a table, of which calls were read as calls of what they run."""
    sole: dict[str, str] = field(default_factory=dict[str, str])
    """Functions that one function alone calls and that are no part of it, with that function."""
    imported: set[str] = field(default_factory=set[str])
    calls: list[Call] = field(default_factory=list[Call])
    config: list[ConfigWrite] = field(default_factory=list[ConfigWrite])
    given_settings: list[str] = field(default_factory=list[str])
    """What is called for a mapping of settings: ``load`` of ``app.config.from_mapping(load())``."""
    handed_settings: list[Parameter] = field(default_factory=list[Parameter])
    """Parameters that are, or fill, a mapping of settings: ``settings`` of ``app.config.update(settings)``."""
    assignments: list[Assignment] = field(default_factory=list[Assignment])
    comparisons: list[Comparison] = field(default_factory=list[Comparison])
    conditions: list[Condition] = field(default_factory=list[Condition])
    returns: list[Return] = field(default_factory=list[Return])
    raises: list[Raise] = field(default_factory=list[Raise])
    handlers: list[Handler] = field(default_factory=list[Handler])
    flows: list[Flow] = field(default_factory=list[Flow])
    yielded: dict[str, list[tuple[Value, Span]]] = field(default_factory=dict[str, "list[tuple[Value, Span]]"])
    """What each generator gives, piece by piece."""
    texts: list[Text] = field(default_factory=list[Text])
    readings: list[Reading] = field(default_factory=list[Reading])
    suppressions: list[Suppression] = field(default_factory=list[Suppression])
    under: dict[int, tuple[tuple[Value, bool], ...]] = field(
        default_factory=dict["int", "tuple[tuple[Value, bool], ...]"]
    )
    """Identity of a call → the tests around it, where there are any."""
    put_later: set[tuple[int, str]] = field(default_factory=set[tuple[int, str]])
    """Identity of a call that makes an object → an attribute that the function sets on it afterwards."""
    words: set[str] = field(default_factory=set[str])
    """Every attribute's and keyword's name, and every literal text."""
    lookups: list[Item] = field(default_factory=list[Item])
    asides: list[Span] = field(default_factory=list[Span])
    """What is looked up in a mapping or a setting under a key that is no literal."""
    heirs: dict[str, list[str]] = field(default_factory=dict[str, "list[str]"])
    """Class → the classes that name it as a base."""
    super_calls: dict[str, list[Call]] = field(default_factory=dict[str, "list[Call]"])
    """``__init__`` of a base → the calls ``super().__init__(…)`` that run it."""
    refusals: list[Refusal] = field(default_factory=list[Refusal])
    beside: list[Refusal] = field(default_factory=list[Refusal])
    """What checks give back beside ``False``, which turns nobody away until somebody leaves with it."""
    registrations: list[Registration] = field(default_factory=list[Registration])
    settings_texts: dict[str, TextFile] = field(default_factory=dict[str, TextFile])
    """The files of settings beside the code, by their path; those of tests left out."""
    parsed: dict[str, Value | None] = field(default_factory=dict[str, "Value | None"])
    """What a parser makes of such a file, once some code has it parsed."""
    unread_documents: list[ReadError] = field(default_factory=list[ReadError])
    """The documents that the application serves its routes by and that could not be read."""

    def has_function(self, name: str) -> bool:
        """That the project has a function of that qualified name, which may not have been read yet."""
        return name in self.functions or name in self.pending

    def attribute(self, owner: str, name: str, depth: int = 6) -> Value | None:
        """What that class (or a base of it) has under that name; methods come as their qualified Name."""
        found = self.classes.get(owner)
        if found is None or depth < 0:
            return None
        if name in found.attributes:
            return found.attributes[name]
        if name in found.methods:
            return new_name(f"{owner}.{name}")
        for base in found.bases:
            value = self.attribute(base, name, depth - 1)
            if value is not None:
                return value
        return None

    def reads_environment(self, name: str, depth: int = 6) -> bool:
        """That the class is one of pydantic settings, whose fields come from the environment."""
        found = self.classes.get(name)
        if found is None or depth < 0:
            return name in (
                "pydantic_settings.BaseSettings",
                "pydantic.BaseSettings",
                "pydantic_settings.main.BaseSettings",
            )
        return any(self.reads_environment(base, depth - 1) for base in found.bases)

    def declares(self, owner: str, name: str, depth: int = 6) -> bool:
        """That the class, or a base of it, declares a field of that name by an annotation."""
        found = self.classes.get(owner)
        if found is None or depth < 0:
            return False
        return name in found.fields or any(self.declares(base, name, depth - 1) for base in found.bases)

    def is_app(self, name: str) -> bool:
        """That the name is Flask, or a class of the project derived from it."""
        return self.is_one_of(name, APPS)

    def is_form(self, name: str) -> bool:
        """That the name is a class of the project whose objects are forms of WTForms."""
        return name in self.classes and self.is_one_of(name, FORMS)

    def is_blueprint(self, name: str) -> bool:
        """That the name is a class of blueprints, or one of the project derived from it."""
        return self.is_one_of(name, BLUEPRINTS)

    def api_of(self, name: str, depth: int = 6) -> str | None:
        """The class of API objects that the name is, or that a class of the project of that name is derived from."""
        found = self.classes.get(name)
        if found is None or depth < 0:
            return name if name in API_OBJECTS else None
        return next(filter(None, (self.api_of(base, depth - 1) for base in found.bases)), None)

    def library_of(self, name: str, depth: int = 6) -> str | None:
        """The class of a library whose methods an object of that class of the project has, where rules know it by them."""
        found = self.classes.get(name)
        if found is None or depth < 0:
            return INHERITED.get(name) or (name if name in API_OBJECTS else None)
        return next(filter(None, (self.library_of(base, depth - 1) for base in found.bases)), None)

    def inherited(self, owner: str, name: str) -> str:
        """The dotted name of what stands under *name* in an object of that class, where no class of the project gives it."""
        found = self.classes.get(owner)
        library = self.library_of(owner) if found is not None and _SENDS.isdisjoint(found.methods) else None
        return f"{library or owner}.{name}"

    def is_one_of(self, name: str, known: frozenset[str], depth: int = 6) -> bool:
        """That the class is one of *known*, or descends from one."""
        found = self.classes.get(name)
        if found is None or depth < 0:
            return name in known
        return any(self.is_one_of(base, known, depth - 1) for base in found.bases)

    def class_fact(self, state: ClassState) -> ClassFact:
        """The finished class."""
        return ClassFact(
            state.name,
            state.bases,
            dict(state.attributes),
            tuple(state.methods),
            state.span,
            state.decorators,
            dict(state.fields),
            frozenset(state.unshown),
        )
