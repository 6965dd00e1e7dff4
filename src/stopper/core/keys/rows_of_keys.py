"""Keys that are called plainly, ``record.key``, where the class of the row says that it is a key of an API."""

import re
from typing import Final

from stopper.core.facts import SourceFacts
from stopper.core.flow.body_models import classes_by_name
from stopper.core.keys.looked_up_keys import looked_up_keys
from stopper.core.values import Call, Item, Mapping, Member, Name, Value, walk

KEY_ITSELF: Final = frozenset({"key", "secret", "value", "token", "raw_key", "plain_key", "key_value", "secret_key"})
_KEY_MODEL: Final = re.compile(
    r"(?i)_?(?:\w*_)?(?:(?:api|access|client|service)_?(?:key|credential)|(?:api|personal_?access)_?token)s?(?:models?|records?|rows?)?"
)
"""An API token is a key by another name; an access token is none."""
_PLAINLY: Final = frozenset({"secret", "raw_key", "plain_key", "secret_key"})
_HASHED: Final = re.compile(r"(?i)hash|digest")
_MAKES: Final = re.compile(r"(?i)create|issue|generate|new|rotate|make|mint|add")


def is_shown_by_key_model(facts: SourceFacts, function: str, value: Value) -> bool:
    """``{"secret": self.secret}`` in what a model of keys makes of itself: the column says by its class what it holds."""
    owner = function.rpartition(".")[0]
    known = classes_by_name(facts).get(owner)
    if known is None or not isinstance(value, Mapping) or not _KEY_MODEL.fullmatch(owner.rpartition(".")[2]):
        return False
    is_hashed = any(_HASHED.search(column) for column in (*known.attributes, *known.fields))
    words = _PLAINLY if is_hashed else KEY_ITSELF  # what is called a key may be its name then
    columns = [known.attributes.get(name) for name in words]
    return any(
        any(held is one for one in columns)
        or (isinstance(held, Name) and held.dotted in {f"{owner}.{name}" for name in words & known.fields.keys()})
        for _, held in value.items
    )


def is_key_of_row(facts: SourceFacts, value: Member) -> bool:
    """``k.key`` for each of ``ApiKey.query``, or of the one that was found: the column says by its class what it holds."""
    owner = value.owner
    looked_up = {model for model, column in looked_up_keys(facts) if column == value.attribute}
    if not (looked_up or value.attribute in KEY_ITSELF) or not isinstance(owner, (Item, Call)):
        return False
    if isinstance(owner, Call) and (owner.callee in classes_by_name(facts) or _MAKES.search(owner.method)):
        return False  # it was made in the same breath
    for one in walk(owner, 5):
        said = one.callee if isinstance(one, Call) else one.dotted if isinstance(one, Name) else ""
        for place, word in enumerate(parts_of := said.split(".")):
            if looked_up and ".".join(parts_of[: place + 1]) in looked_up:
                return True
            if value.attribute in KEY_ITSELF and word[:1].isupper() and _KEY_MODEL.fullmatch(word):
                return _holds_clear_keys(facts, ".".join(parts_of[: place + 1]))
    return False


def is_kept_key(facts: SourceFacts, dotted: str) -> bool:
    """``g.api_key.key`` where a class of the project that is called so has that column, and no hash of it."""
    owner, _, last = dotted.rpartition(".")
    if last not in KEY_ITSELF or not owner.startswith("flask.g.") or not _KEY_MODEL.fullmatch(owner[8:]):
        return False
    wanted = owner[8:].replace("_", "").lower()
    return any(
        name.rpartition(".")[2].replace("_", "").lower().removesuffix("model") == wanted
        and (last in known.attributes or last in known.fields)
        and _holds_clear_keys(facts, name)
        for name, known in classes_by_name(facts).items()
    )


def _holds_clear_keys(facts: SourceFacts, name: str) -> bool:
    known = classes_by_name(facts).get(name)
    columns = (*known.attributes, *known.fields) if known is not None else ()
    return not any(_HASHED.search(column) for column in columns)
