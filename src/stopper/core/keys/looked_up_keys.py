"""Columns that are keys by what they are asked for, whatever the model and they are called: a request's key is looked up in them."""

from collections.abc import Iterator

from stopper.core.facts import SourceFacts
from stopper.core.flow.body_models import classes_by_name
from stopper.core.keys.api_key_names import is_shown_key, reads_keys
from stopper.core.keys.new_keys import HASH
from stopper.core.stores.named_columns import column_of


def looked_up_keys(facts: SourceFacts) -> frozenset[tuple[str, str]]:
    """The class and the name of each column of the project's models that a shown key is held against as it was sent."""
    return facts.once(
        "columns in which keys are looked up",
        lambda: (
            frozenset(one for one in _asked(facts) if not HASH.search(one[1])) if reads_keys(facts) else frozenset()
        ),
    )


def _model_of(facts: SourceFacts, callee: str) -> str:
    """The project's class whose rows ``ScannerKey.query.filter_by`` asks for; empty where it is another's."""
    model = callee.partition(".query.")[0] if ".query." in callee else callee.rpartition(".")[0]
    return model if model in classes_by_name(facts) else ""


def _asked(facts: SourceFacts) -> Iterator[tuple[str, str]]:
    for call in facts.calls("*.filter_by", "*.get_or_none", "*.objects", "*.select_by"):
        model = _model_of(facts, call.callee)
        if model:
            yield from ((model, name) for name, value in call.keywords if is_shown_key(facts, value))
    for one in facts.comparisons("=="):
        for column, shown in ((one.left, one.right), (one.right, one.left)):
            named = column_of(facts, column)
            if named[0] in classes_by_name(facts) and is_shown_key(facts, shown):
                yield named
