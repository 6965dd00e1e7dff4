"""A token in the query: under all names at once first, and under each alone only where that opens."""

from collections.abc import Sequence
from typing import Final

from stopper.core.exchange import Exchange
from stopper.core.probe import Identity, Steps, send
from stopper.core.probing.baseline import NONSENSE, Baseline, judge
from stopper.core.probing.query import with_query, without_query

LONGEST: Final = 5_000
"""Letters of a query that holds the token under all names at once; servers take eight thousand and more."""
_STRICT: Final = (400, 414, 422, 431)
"""How a server says that a query has too much in it."""


def by_query(
    baseline: Baseline, person: Identity, names: Sequence[str]
) -> Steps[tuple[str, Exchange, Exchange] | None]:
    """The name in the query, and the exchanges with nonsense and with the good token under it, where only the good one is let in."""
    if person.token is None:
        return None
    bare = without_query(baseline.request, *names)
    every = bare
    for name in names if len(person.token.reveal()) * len(names) <= LONGEST else ():
        every = with_query(every, name, person.token.reveal())
    if every != bare:
        answer = yield from send(every)
        if judge(baseline, answer.response) != "let-in" and answer.response.status not in _STRICT:
            return None  # under none of the names
    for name in names:
        good = yield from send(with_query(bare, name, person.token.reveal()))
        if judge(baseline, good.response) != "let-in":
            continue
        wrong = yield from send(with_query(bare, name, NONSENSE))
        if judge(baseline, wrong.response) == "kept-out":
            return name, wrong, good
    return None
