"""Schemas that take every column of their model, and where they make an answer of it."""

import re
from collections.abc import Callable, Iterator
from typing import Final

from stopper.core.fact import ClassFact
from stopper.core.facts import SourceFacts
from stopper.core.flow.body_models import classes_by_name
from stopper.core.place import Span
from stopper.core.stores.whole_rows import PEOPLE, SECRET
from stopper.core.values import Call, Name, Sequence, Value, is_constant, text_of

_SCHEMAS: Final = re.compile(r"(?:.*\.)?(?:SQLAlchemyAutoSchema|ModelSchema)")
"""Schemas that take every column by themselves; ``SQLAlchemySchema`` takes those that it names."""
_CHOOSES_NOTHING: Final = frozenset({"many", "session", "instance", "partial", "unknown", "transient"})
_LINKS: Final = frozenset({"relationship", "backref", "dynamic_loader", "association_proxy"})
"""What leads to other rows, which no such schema shows by itself."""
_DUMPING: Final = frozenset({"response", "alt_response", "output", "marshal_with"})
"""Decorators that dump what a view gives back."""


def dumped_whole(facts: SourceFacts, value: Value, shows: Callable[[SourceFacts, str, Call | None], bool]) -> bool:
    """``AccountSchema(many=True).dump(rows)`` of a schema that *shows* too much."""
    if not isinstance(value, Call) or value.method not in ("dump", "dumps", "jsonify"):
        return False
    made = value.receiver
    return isinstance(made, Call) and shows(facts, made.callee, made)


def answered_whole(facts: SourceFacts, shows: Callable[[SourceFacts, str, Call | None], bool]) -> Iterator[Span]:
    """``@blp.response(200, AccountSchema(many=True))``, ``@app.output(AccountSchema)``: the decorators that dump a schema which *shows* too much."""
    for function in facts.functions():
        for one in function.decorators:
            if one.call is None or one.call.method not in _DUMPING:
                continue
            for given in (*one.call.args, *(value for _, value in one.call.keywords)):
                name = given.dotted if isinstance(given, Name) else given.callee if isinstance(given, Call) else ""
                if name and shows(facts, name, given if isinstance(given, Call) else None):
                    yield one.span


def takes_all_columns(facts: SourceFacts, name: str, made: Call | None) -> bool:
    """That a schema takes every column of a model with something secret in it."""
    known = classes_by_name(facts).get(name)
    if known is None or not _is_schema(facts, known):
        return False
    if "__init__" in known.methods or (
        made is not None and any(word not in _CHOOSES_NOTHING for word, _ in made.keywords)
    ):
        return False
    meta = classes_by_name(facts).get(f"{name}.Meta")
    if meta is None or any(word in one.attributes for one in with_bases(facts, meta) for word in ("fields", "exclude")):
        return False
    model = meta.attributes.get("model")
    columns = classes_by_name(facts).get(model.dotted) if isinstance(model, Name) else None
    hidden = {
        field
        for field, said in known.attributes.items()
        if isinstance(said, Call) and is_constant(said.keyword("load_only"), True)
    }
    for one in with_bases(facts, meta):
        said = one.attributes.get("load_only")
        hidden |= {text_of(word) or "" for word in said.items} if isinstance(said, Sequence) else set()
    if columns is None:
        return isinstance(model, Name) and PEOPLE.fullmatch(model.dotted.rpartition(".")[2]) is not None
    linked = {name for name, said in columns.attributes.items() if isinstance(said, Call) and said.method in _LINKS}
    return any(SECRET.search(column) for column in {*columns.attributes, *columns.fields} - hidden - linked)


def _is_schema(facts: SourceFacts, known: ClassFact) -> bool:
    return any(_SCHEMAS.fullmatch(base) for one in with_bases(facts, known) for base in one.bases)


def with_bases(facts: SourceFacts, known: ClassFact, depth: int = 4) -> Iterator[ClassFact]:
    """The class and those of the project that it is derived from."""
    yield known
    for base in known.bases if depth else ():
        above = classes_by_name(facts).get(base)
        if above is not None:
            yield from with_bases(facts, above, depth - 1)
