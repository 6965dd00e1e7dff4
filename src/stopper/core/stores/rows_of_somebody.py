"""Tables whose rows belong to people by a foreign key, whatever the column is called: ``driver_id = Column(ForeignKey("driver.id"))``."""

from typing import Final

from stopper.core.fact import ClassFact
from stopper.core.facts import SourceFacts
from stopper.core.people.literal_accounts import holds_password
from stopper.core.people.password_columns import is_table_class
from stopper.core.values import Call, Name, Value, text_of, walk

_KEYS: Final = frozenset({"ForeignKey", "ForeignKeyField", "ReferenceField"})


def is_of_people(facts: SourceFacts, model: ClassFact) -> bool:
    """That a column of the model refers to a table of those who log in, which is one with a password."""
    people = facts.once("tables of people", lambda: _people(facts))
    return model.name not in people and any(
        _referred(part) in people for value in model.attributes.values() for part in walk(value, 3)
    )


def _people(facts: SourceFacts) -> frozenset[str]:
    """Their classes and tables, by every name that a foreign key may say."""
    names: set[str] = set()
    for one in facts.classes():
        if is_table_class(one) and any(map(holds_password, (*one.attributes, *one.fields))):
            word = one.name.rpartition(".")[2]
            names |= {one.name, word, word.lower(), text_of(one.attributes.get("__tablename__")) or ""}
    return frozenset(names - {""})


def _referred(part: Value) -> str:
    if not isinstance(part, Call) or part.method not in _KEYS or not part.args:
        return ""
    said = part.args[0]
    return said.dotted if isinstance(said, Name) else (text_of(said) or "").partition(".")[0]
