"""The functions that a project hangs before, behind and at the end of its requests."""

from typing import TYPE_CHECKING, Final

from stopper.core.values import Call, Name, Value

if TYPE_CHECKING:
    from stopper.core.facts import SourceFacts

BEFORE: Final = ("before_request", "before_app_request")
AFTER: Final = ("after_request", "after_app_request")
ALWAYS: Final = (*BEFORE, *AFTER, "teardown_request")


def hung(facts: "SourceFacts", *words: str) -> frozenset[str]:
    """The functions that are registered by these methods of an application or blueprint, as decorators or by calls."""

    def by_word() -> dict[str, set[str]]:
        found: dict[str, set[str]] = {word: set() for word in ALWAYS}
        for function in facts.functions():
            for decorator in function.decorators:
                found.get(decorator.name.rpartition(".")[2], set[str]()).add(function.name)
        for word, names in found.items():
            names.update(
                one.dotted for call in facts.calls(f"*.{word}") for one in call.args[:1] if isinstance(one, Name)
            )
        found[BEFORE[0]].update(around(facts))
        return found

    known = facts.once("functions hung on requests", by_word)
    return frozenset(name for word in words for name in known[word])


def around(facts: "SourceFacts") -> set[str]:
    """What stands round the application, and is called by the server in its place: ``app.wsgi_app = Gate(app.wsgi_app)``."""
    found: set[str] = set()
    for one in facts.assignments() if facts.says("wsgi_app") else ():
        if one.attribute == "wsgi_app":
            found |= set(_called_by_server(facts, one.value))
    return found


def _called_by_server(facts: "SourceFacts", value: Value) -> tuple[str, ...]:
    if isinstance(value, Name):
        return (value.dotted,)
    if not isinstance(value, Call):
        return ()
    own = facts.function(value.callee)
    if own is not None:
        return tuple(one.dotted for one in own.returns if isinstance(one, Name))
    return (f"{value.callee}.__call__",) if facts.function(f"{value.callee}.__call__") is not None else ()
