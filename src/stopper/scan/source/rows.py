"""Which class of the project an object is of that no call of the class makes here: a row that is looked up, what a parameter is declared to be."""

from typing import Final, cast

from stopper.core.values import Call, Choice, Constant, Name, Parameter, Sequence, Value, options, text_of
from stopper.scan.source.drafts import new_name
from stopper.scan.source.project import ClassState
from stopper.scan.source.reader import NOTHING, Reader

_ONE: Final = frozenset({
    "first", "first_or_404", "one", "one_or_404", "one_or_none", "get", "get_one", "get_or_404", "get_or_none", "scalar", "scalar_one",
    "scalar_one_or_none",
})  # fmt: skip
"""What gives one row of the model that the query is about."""
_DEPTH: Final = 6


def method_of_object(reader: Reader, owner: Value, name: str) -> str | None:
    """The qualified method of the project that ``owner.name`` is, where the class says that it has one."""
    found = _class_of(reader, owner, _DEPTH)
    method = reader.project.attribute(found, name) if found is not None else None
    return method.dotted if type(method) is Name and reader.project.has_function(method.dotted) else None


def method_of_base(reader: Reader, name: str) -> str | None:
    """The method of the project that ``super().name`` is."""
    found = reader.project.classes.get(reader.owner)
    for base in found.bases if found is not None else ():
        method = reader.project.attribute(base, name)
        if type(method) is Name and reader.project.has_function(method.dotted):
            return method.dotted
    return None


def class_of(reader: Reader, made: Call) -> str | None:
    """The class of the project whose object a function of the project gives back, made with nothing: ``Settings.get()``."""
    if not reader.project.has_function(made.callee):
        return None
    results = [option for one in reader.results(made.callee) for option in options(one)]
    objects = [one for one in results if not (type(one) is Constant and one.value is None)]
    if any(type(one) is not Call or one.args or one.keywords or one.open for one in objects):
        return None
    return _same(reader, tuple(objects), _DEPTH)


def method_beside(reader: Reader, owner: Name, name: str) -> str | None:
    """The method that ``self.name`` is where another base of the same heir brings it: ``class Shop(Keys, Builder)``."""
    project = reader.project
    if owner.dotted != reader.owner or owner.dotted not in project.heirs:
        return None
    for heir in project.heirs[owner.dotted]:
        method = project.attribute(heir, name)
        if type(method) is Name and project.has_function(method.dotted):
            return method.dotted
    return None


def _class_of(reader: Reader, value: Value, depth: int) -> str | None:
    kind = type(value)
    if kind is Parameter:
        typed = cast("Parameter", value).typed
        return typed if typed in reader.project.classes else None
    if kind is Choice:
        return _same(reader, value.options, depth) if depth else None  # type: ignore[union-attr]
    if type(value) is not Call or not depth:
        return None
    if value.callee in reader.project.classes:
        return value.callee
    if reader.project.has_function(value.callee):
        return _same(reader, tuple(reader.results(value.callee)), depth)
    return _model_of(reader, value, depth) if value.method in _ONE else None


def _same(reader: Reader, values: tuple[Value, ...], depth: int) -> str | None:
    """The one class that all of these are of, None left out."""
    found = {_class_of(reader, one, depth - 1) for one in values if not (type(one) is Constant and one.value is None)}
    return found.pop() if len(found) == 1 else None


def _model_of(reader: Reader, query: Value, depth: int) -> str | None:
    """``Note.query.filter_by(…)``, ``db.session.get(Note, …)``, ``db.session.scalars(select(Note)…)``: what the query is about."""
    classes = reader.project.classes
    if type(query) is Name:
        return query.dotted if query.dotted in classes else None
    if type(query) is not Call or not depth:
        return None
    home = query.callee
    while home and home not in classes:
        home = home.rpartition(".")[0]
    if home:
        return home
    first = query.args[0] if query.args else None
    found = _model_of(reader, first, depth - 1) if first is not None else None
    return found if found is not None or query.receiver is None else _model_of(reader, query.receiver, depth - 1)


def record_class(reader: Reader, name: str, made: Call) -> Value | None:
    """The class that ``Settings = namedtuple("Settings", "key database")`` makes; None where its fields are not seen."""
    said = made.argument(1, "field_names", "fields")
    if type(said) is Constant and type(said.value) is str:
        fields = said.value.replace(",", " ").split()
    elif type(said) is Sequence and not said.open:
        firsts = [one.items[0] if type(one) is Sequence and one.items else one for one in said.items]
        fields = [text for one in firsts if (text := text_of(one)) is not None]
        if len(fields) != len(firsts):
            return None
    else:
        return None
    qualified = f"{reader.function or reader.owner or reader.module.name}.{name}"
    if made.span is None or qualified in reader.project.classes:
        return None
    last = made.keyword("defaults")
    defaults = last.items if type(last) is Sequence and not last.open else ()
    attributes = dict(zip(fields[len(fields) - len(defaults) :], defaults, strict=False)) if defaults else {}
    state = ClassState(qualified, ("typing.NamedTuple",), attributes, [], made.span, (), dict.fromkeys(fields, NOTHING))
    reader.project.classes[qualified] = state
    return new_name(qualified)
