"""What a detector asks before it has seen anything, so that one whose questions all come to nothing need not be imported or run.

A detector is a function of the answers that the facts give. It is run once over an application without any facts, and every question
is written down. Where an application answers all of these as the empty one did, nothing at all, the detector would walk the same way
and find the same: nothing. One that asks what cannot be written down, or hears anything but nothing, is always run.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MethodType
from typing import Any, Final, TypeAlias, cast

from stopper.core.app import App
from stopper.core.facts import SourceFacts

Question: TypeAlias = tuple[str, tuple[Any, ...], tuple[tuple[str, Any], ...]]
"""A member of the facts, ``app.…`` or ``source.…``, and what it is called with; ``app.…`` and the fields of the facts are only read."""

_NO_WORD: Final = "\0"


def empty_app() -> App:
    """An application of which the source was read and held nothing. It has words, since facts without any say yes to every word."""
    return App(source=SourceFacts(words=frozenset({_NO_WORD})))


def questions_of(detect: Callable[[App], Iterable[object]]) -> tuple[Question, ...] | None:
    """The questions that the detector asks of the empty application, each once; None where it must always be run."""
    asked: dict[Question, None] = {}
    app = empty_app()
    try:
        found = list(detect(cast("App", _AskedApp(app, asked))))
    except Exception:  # noqa: BLE001 - whatever it is: this one is always run, and tells what is wrong then
        return None
    plain = all(_is_plain(part) for _, given, named in asked for part in (*given, *(value for _, value in named)))
    if found or not plain or any(answered(app, one) for one in asked):
        return None
    return tuple(asked)


def answered(app: App, question: Question) -> bool:
    """That the application answers that question with anything but nothing."""
    name, given, named = question
    owner, _, member = name.partition(".")
    try:
        got = getattr(app if owner == "app" else app.source, member)
        if isinstance(got, MethodType):
            got = got(*given, **dict(named))
        return not _is_nothing(got) and (owner != "app" or got != getattr(_EMPTY, member))
    except Exception:  # noqa: BLE001 - a question that cannot be asked: let the detector ask it, which tells what is wrong
        return True


def all_silent(app: App, questions: Iterable[Question], known: dict[Question, bool]) -> bool:
    """That the application answers none of these; *known* keeps what was asked of it before."""
    for one in questions:
        heard = known.get(one)
        if heard is None:
            heard = known[one] = answered(app, one)
        if heard:
            return False
    return True


def _is_nothing(got: object) -> bool:
    """False, None, no text, or a sequence, a mapping or an iterator without anything in it."""
    if isinstance(got, Iterator):
        return next(cast("Iterator[object]", got), _EMPTY) is _EMPTY
    if isinstance(got, (tuple, list, frozenset, set, Mapping)):
        return not got
    return got is None or got is False or got == ""


def _is_plain(part: object) -> bool:
    if isinstance(part, tuple):
        return all(_is_plain(one) for one in cast("tuple[object, ...]", part))
    return part is None or isinstance(part, (str, bool, int))


class _Asked:
    """Stands for the facts and writes down what it is asked."""

    def __init__(self, facts: SourceFacts, asked: dict[Question, None]) -> None:
        self._facts = facts
        self._asked = asked

    def __getattr__(self, name: str) -> Any:
        if name == "once":
            return _made
        got = getattr(self._facts, name)
        if not isinstance(got, MethodType):
            self._asked.setdefault((f"source.{name}", (), ()))
            return got

        def ask(*given: Any, **named: Any) -> Any:
            self._asked.setdefault((f"source.{name}", given, tuple(sorted(named.items()))))
            return got(*given, **named)

        return ask


def _made(_what: str, make: Callable[[], object]) -> object:
    """What is worked out once: it is made of other questions, and they are written down."""
    return make()


class _AskedApp:
    """Stands for the application in the same way."""

    def __init__(self, app: App, asked: dict[Question, None]) -> None:
        self._app = app
        self._asked = asked
        self.source = _Asked(cast("SourceFacts", app.source), asked)

    def __getattr__(self, name: str) -> Any:
        got = getattr(self._app, name)
        self._asked.setdefault((f"app.{name}", (), ()))
        return got


_EMPTY: Final = empty_app()
