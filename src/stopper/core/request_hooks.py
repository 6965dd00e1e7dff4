"""The functions that a project hangs before, behind and at the end of its requests."""

from typing import TYPE_CHECKING, Final

from stopper.core.values import Name

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
        return found

    known = facts.once("functions hung on requests", by_word)
    return frozenset(name for word in words for name in known[word])
