"""Text that somebody has sent and a column of a model keeps: a source of its own, weaker than the request itself. Which columns a request fills,
and where one of a row is read again."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, NamedTuple

from stopper.core.fact import ClassFact
from stopper.core.flow.body_models import class_of, classes_by_name, declared_as
from stopper.core.flow.checked_input import is_each_checked
from stopper.core.flow.followed_values import through
from stopper.core.flow.kept_values import kept_for
from stopper.core.flow.labelling import labels_of
from stopper.core.flow.passing import handed
from stopper.core.guards.reached_by_admins import is_brought_by_admins
from stopper.core.labels import UNTRUSTED
from stopper.core.origins import FREE_FIELD
from stopper.core.people.password_columns import is_table_class
from stopper.core.place import Span
from stopper.core.stores.kept_rows import LOOP, as_written, handed_to, marked, pages_with
from stopper.core.stores.named_columns import names_of_columns
from stopper.core.values import Call, Choice, Constant, Item, Member, Name, Parameter, Value, options, text_of

if TYPE_CHECKING:
    from stopper.core.facts import SourceFacts

_ASKS: Final = frozenset(
    {"get", "get_or_404", "get_one", "query", "select", "select_from", "scalars", "scalar", "execute", "find_one"}
)
"""What is told the model whose rows it gives."""
_GIVES_OTHER: Final = frozenset({"count", "exists", "delete", "update", "values", "rowcount", "with_entities"})
_ESCAPES: Final = re.compile(
    r"(?i)(?:.*\.)?_*(?:html_?)?(?:escape\w*|clean\w*|saniti[sz]e\w*|strip_?tags|striptags|bleach\w*)"
)
_NUMBERS: Final = re.compile(
    r"(?:.*\.)?(?:int|float|bool|(?:Big|Small)?Integer(?:Field)?|Float(?:Field)?|Numeric|Double|Decimal(?:Field)?|Boolean(?:Field)?|DateTime|Date|Time|date(?:time)?)"
)
"""Types of columns that are no text."""
_KINDS: Final = tuple(sorted(UNTRUSTED))
_STEPS: Final = 6


class Column(NamedTuple):
    """A column of a model."""

    model: str
    name: str


class Filling(NamedTuple):
    """What is put into a column, and the function that does it."""

    value: Value
    function: str


def filled_columns(facts: "SourceFacts") -> dict[Column, Filling]:
    """The columns that somebody who is no administrator may fill with any text."""
    return facts.once(
        "columns of models that callers fill",
        lambda: {
            column: made
            for column, made in written_columns(facts)
            if not _is_of_numbers(facts, column) and _is_sent(facts, made)
        },
    )


def _is_of_numbers(facts: "SourceFacts", column: Column) -> bool:
    """``stars = Column(Integer)``, ``made_at: Mapped[datetime]``: no text lies there."""
    declared = declared_as(facts, column.model, column.name)
    return any(_NUMBERS.fullmatch(_type_of(one)) for one in (declared, *_beside(declared)))


def _beside(declared: Value | None) -> tuple[Value, ...]:
    """The type of ``Column("stars", Integer)``, and the one in ``Mapped[int]``."""
    return declared.args[:2] if isinstance(declared, Call) else (declared.key,) if isinstance(declared, Item) else ()


def _type_of(value: Value | None) -> str:
    match value:
        case Name(dotted=name) | Member(attribute=name) | Call(callee=name):
            return name
        case _:
            return ""


def written_columns(facts: "SourceFacts") -> tuple[tuple[Column, Filling], ...]:
    """Whatever the project puts into columns of its models."""
    return facts.once("what is put into columns of models", lambda: tuple(_written(facts)))


def _written(facts: "SourceFacts") -> Iterator[tuple[Column, Filling]]:
    models = sorted(one.name for one in facts.classes() if is_table_class(one) and not _keeps_settings(one))
    for name in models:
        for made in facts.calls(name):
            yield from ((Column(name, word), Filling(value, made.function)) for word, value in made.keywords)
            yield from _poured(facts, name, made)
    yield from _of_forms(facts, models)
    for one in facts.assignments() if models else ():
        if not one.attribute or "." not in one.target:
            continue
        own = one.target == f"self.{one.attribute}"
        model = one.function.rpartition(".")[0] if own else row_of(facts, one.into)
        if model in models:
            yield Column(model, one.attribute), Filling(one.value, one.function)


_OF_SETTINGS: Final = re.compile(
    r"(?i)(?:(?:app(?:lication)?|site|system|server|global)_?)?(?:config(?:uration)?|setting|option)s?"
)


def _keeps_settings(model: ClassFact) -> bool:
    """``Configs`` with a key and a value: what the application is set to, which its administrators say."""
    named = _OF_SETTINGS.fullmatch(model.name.rpartition(".")[2]) is not None
    return named and "value" in model.attributes and not {"key", "name"}.isdisjoint(model.attributes)


def _poured(facts: "SourceFacts", model: str, made: Call) -> Iterator[tuple[Column, Filling]]:
    """``Note(user_id=me, **NoteIn().load(body))``: the columns of the model that the class of declared fields has as well."""
    for word, value in made.keywords:
        loaded = class_of(facts, value) if word == "**" else None
        if loaded is not None:
            for column in classes_by_name(facts)[model].attributes:
                if declared_as(facts, loaded, column) is not None:
                    yield Column(model, column), Filling(Item(value, Constant(column)), made.function)


def _of_forms(facts: "SourceFacts", models: list[str]) -> Iterator[tuple[Column, Filling]]:
    """``form.populate_obj(note)``: the columns of the row of which the form has a field for words."""
    for call in facts.calls("*.populate_obj") if models else ():
        form = classes_by_name(facts).get(call.receiver.callee) if isinstance(call.receiver, Call) else None
        model = row_of(facts, call.argument(0, "obj"))
        if form is None or model not in models:
            continue
        for word, field in form.attributes.items():
            if isinstance(field, Call) and FREE_FIELD.fullmatch(field.callee):
                yield Column(model, word), Filling(Member(field, "data"), call.function)


def _is_sent(facts: "SourceFacts", made: Filling) -> bool:
    sent = any(one.kind in UNTRUSTED and not one.by_name for one in labels_of(facts, made.value, numbers=True))
    return (
        sent
        and not is_each_checked(facts, made.value, made.function, *_KINDS)
        and not is_brought_by_admins(facts, made.value, made.function, _KINDS)
    )


def is_escaped_column(facts: "SourceFacts", column: Column) -> bool:
    """That all that the project puts there goes through what escapes or cleans it."""
    several = [made.value for one, made in written_columns(facts) if one == column]
    return bool(several) and all(isinstance(one, Call) and _ESCAPES.fullmatch(one.callee) for one in several)


def row_of(facts: "SourceFacts", value: Value | None, steps: int = _STEPS) -> str:
    """The model of which the value is a row, or several; empty where that is not seen."""
    if value is None or steps < 0:
        return ""
    match value:
        case Choice(options=several):
            return _first(facts, several, steps - 1)
        case Item(owner=owner):
            return "" if text_of(value.key) is not None else row_of(facts, owner, steps - 1)
        case Member(owner=owner, attribute=attribute):
            return _related(facts, row_of(facts, owner, steps - 1), attribute)
        case Parameter():
            return value.typed if _is_model(facts, value.typed) else _first(facts, handed(facts, value), steps - 3)
        case Name(dotted=dotted):
            return _in_name(facts, dotted) or _first(facts, kept_for(facts, value), steps - 2)
        case Call():
            return _of_call(facts, value, steps)
        case _:
            return ""


def _first(facts: "SourceFacts", several: "Iterator[Value] | tuple[Value, ...]", steps: int) -> str:
    return next((found for one in several if (found := row_of(facts, one, steps))), "")


def _of_call(facts: "SourceFacts", call: Call, steps: int) -> str:
    if _is_model(facts, call.callee):
        return call.callee
    if call.method in _GIVES_OTHER:
        return ""
    if facts.function(call.callee) is not None:
        return _first(facts, (one.value for one in facts.returns_of(call.callee)), steps - 1)
    for given in call.args[:1] if call.method in _ASKS else ():
        if isinstance(given, Name) and _is_model(facts, given.dotted):
            return given.dotted
        if isinstance(given, Call) and (found := _of_call(facts, given, steps - 1)):
            return found
    return _in_name(facts, call.callee.rpartition(".")[0]) or row_of(facts, call.receiver, steps - 1)


def _related(facts: "SourceFacts", model: str, attribute: str) -> str:
    """The model behind ``comments = relationship("Comment")`` of another."""
    known = classes_by_name(facts).get(model)
    declared = known.attributes.get(attribute) if known is not None else None
    if not isinstance(declared, Call) or declared.method != "relationship":
        return ""
    said = declared.argument(0, "argument")
    word = said.dotted if isinstance(said, Name) else text_of(said) or ""
    if _is_model(facts, word):
        return word
    named = [one for one in classes_by_name(facts) if word and f".{one}".endswith(f".{word}") and _is_model(facts, one)]
    return named[0] if len(named) == 1 else ""


def _in_name(facts: "SourceFacts", dotted: str) -> str:
    """``shop.Note`` of ``shop.Note.query``."""
    while dotted and not _is_model(facts, dotted):
        dotted = dotted.rpartition(".")[0]
    return dotted


def _is_model(facts: "SourceFacts", name: str) -> bool:
    known = classes_by_name(facts).get(name) if name else None
    return known is not None and is_table_class(known)


def column_read(facts: "SourceFacts", value: Value) -> Column | None:
    """The column that the value is, of a row that was found: ``note.text``, and ``self.text`` in a method of the model."""
    match value:
        case Member(owner=owner, attribute=attribute) if attribute in _names(facts):
            model = row_of(facts, owner)
            return Column(model, attribute) if model else None
        case Call():
            model, name = names_of_columns(facts).get(id(value), ("", ""))
            return Column(model, name) if model else None
        case _:
            return None


def _names(facts: "SourceFacts") -> frozenset[str]:
    return facts.once(
        "names of columns that callers fill", lambda: frozenset(one.name for one in filled_columns(facts))
    )


def stored_in(facts: "SourceFacts", value: Value) -> tuple[Column, Filling] | None:
    """The first column which callers fill that the value is made of, also where a function of the project hands it on."""
    filled = filled_columns(facts)
    for part in through(facts, value, 2) if filled else ():
        column = column_read(facts, part)
        if column is not None and column in filled:
            return column, filled[column]
    return None


def columns_in_pages(facts: "SourceFacts") -> Iterator[Span]:
    """Where a view puts a column of a row into a page as text: ``f"<h1>{note.title}</h1>"``."""
    filled = filled_columns(facts)
    if filled:
        yield from pages_with(
            facts, lambda facts, value: not _is_of_a_new_row(facts, value) and column_read(facts, value) in filled
        )


def _is_of_a_new_row(facts: "SourceFacts", value: Value) -> bool:
    """``note.title`` of ``note = Note()``, which holds what was just put there."""
    return isinstance(value, Member) and any(
        isinstance(one, Call) and _is_model(facts, one.callee) for one in options(value.owner)
    )


_CONVERTS: Final = re.compile(
    r"markdown2?\.(?:markdown|Markdown(?:\.convert)?)|mistune\.(?:html|markdown)|commonmark\.commonmark|textile\.textile"
)
"""What makes a page of a text, and leaves the tags in it that stand there already."""


def columns_said_safe(facts: "SourceFacts") -> Iterator[Span]:
    """``Markup(note.text)``, ``Markup(markdown(self.body))``: a column of a row, said to be markup."""
    filled = filled_columns(facts)
    for flow in facts.flows("html") if filled else ():
        if flow.detail != "markupsafe.Markup":
            continue
        for cell in options(_as_kept(flow.value)):
            column = column_read(facts, cell)
            if column is None or column not in filled or _is_of_a_new_row(facts, cell):
                continue
            if not is_escaped_column(facts, column):
                yield flow.span


def _as_kept(value: Value) -> Value:
    """What was kept, before it became a page by a library that leaves tags in it."""
    inner = as_written(value)
    while (
        isinstance(inner, Call)
        and _CONVERTS.fullmatch(inner.callee)
        and inner.args
        and inner.lacks(None, "safe_mode", "escape")
    ):
        inner = as_written(inner.args[0])
    return inner


def shown_as_markup(facts: "SourceFacts") -> Iterator[tuple[Span, Column]]:
    """Where a template takes a column of a row for markup that a view hands to it: ``{% for note in notes %}{{ note.text|safe }}``."""
    if not written_columns(facts):
        return
    for file in facts.files_of("template"):
        places = [*marked(file.lines)]
        given = handed_to(facts, file.path) if places else {}
        loops = {found[1]: found[2] for line in file.lines for found in LOOP.finditer(line)} if given else {}
        for number, found in places if given else ():
            named = found[2] or found[3]
            several = given.get(loops.get(found[1], found[1]), ()) if named else ()
            model = next((one for value in several if (one := row_of(facts, value))), "")
            if model:
                yield Span(file.path, number, number, found.start() + 1, found.end() + 1), Column(model, named)
