"""The functions that stand inside another one: what a decorator makes, and what that makes."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stopper.core.facts import SourceFacts


def inside(facts: "SourceFacts", outer: str) -> list[str]:
    """The qualified names of all functions below that name, however deep; the methods of a class too."""

    def by_outer() -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for function in facts.functions():
            head = function.name.rpartition(".")[0]
            while head:
                found.setdefault(head, []).append(function.name)
                head = head.rpartition(".")[0]
        return found

    return facts.once("functions inside others", by_outer).get(outer, [])


def around(facts: "SourceFacts", inner: str) -> list[str]:
    """That function, and those in which it is defined, the nearest first: what one of them asked holds for what it defines below."""
    found = [inner]
    head = inner.rpartition(".")[0]
    while head and facts.function(head) is not None:
        found.append(head)
        head = head.rpartition(".")[0]
    return found
