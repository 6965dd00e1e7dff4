"""What a view loads out of a file that it has just kept of what was uploaded: the bytes are the caller's, whatever the file is called."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from stopper.core.flow.written_alike import written_alike
from stopper.core.values import Call, Value, is_constant, walk

if TYPE_CHECKING:
    from stopper.core.facts import SourceFacts

_LOADS: Final = re.compile(
    r"(?:_?pickle|cPickle|dill|cloudpickle|marshal|joblib|torch|shelve)\.(?:loads?|open|Unpickler)|pandas\.read_pickle|yaml\.(?:load|load_all|unsafe_load|full_load)|numpy\.load"
)
_OPENS: Final = frozenset({"open", "io.open", "pathlib.Path", "gzip.open", "bz2.open", "zipfile.ZipFile"})


def loaded_uploads(facts: "SourceFacts") -> "Iterator[Call]":
    """Each call that makes objects of such a file."""
    kept: dict[str, list[Value]] = {}
    for call in facts.calls("*.save"):
        if call.receiver is not None and call.args and "flask.request.files" in _roots(call.receiver):
            kept.setdefault(call.function, []).append(call.args[0])
    for call in facts.calls_matching(_LOADS.pattern) if kept else ():
        if call.callee == "numpy.load" and not is_constant(call.keyword("allow_pickle"), True):
            continue
        several = kept.get(call.function, [])
        if any(written_alike(path, one) for path in _read(call) for one in several):
            yield call


def _read(call: Call) -> Iterator[Value]:
    """The paths that what is loaded is read from."""
    for value in call.args[:1]:
        yield value
        for part in walk(value, 4):
            if isinstance(part, Call) and part.callee in _OPENS and part.args:
                yield part.args[0]


def _roots(value: Value) -> set[str]:
    return {str(getattr(part, "dotted", "")) for part in walk(value, 4)}
