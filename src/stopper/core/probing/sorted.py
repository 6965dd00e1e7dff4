"""What a list is sorted by may be a part of its statement: a query in place of a name is sorted by, and half of one is not."""

import re
from collections.abc import Callable
from typing import Final

from stopper.core.exchange import Exchange, Response
from stopper.core.finding import Evidence
from stopper.core.probe import Steps, send
from stopper.core.probing.baseline import same, says_nothing
from stopper.core.probing.inputs import Input

_QUERY: Final = "(SELECT 1)"
_SORTS: Final = re.compile(r"(?i)^(\w*[_.-])?(sort|order|ordering|(sort|order|group)[_-]?by|column|col|field|key)$")
"""Names of what says how a list is sorted."""


def as_a_column(one: Input, plain: Exchange, breaks: Callable[[Response], bool]) -> Steps[list[Evidence]]:
    """Where any word breaks the statement, as the answer to *plain* shows; the thing of the number that the query gives need not be there."""
    if plain.response.error or says_nothing(plain.response):
        return []
    whole = yield from send(one.given(_QUERY))
    if not (whole.response.succeeded or whole.response.status == 404) or breaks(whole.response):
        return []
    half = yield from send(one.given(_QUERY[:-1]))
    again = yield from send(one.given(_QUERY))
    if not breaks(half.response) or not same(whole.response, again.response):
        return []
    return _evidence(plain, half, whole)


def sorted_by_a_query(
    one: Input, plain: Exchange, alike: Callable[[Response, Response], bool]
) -> Steps[list[Evidence]]:
    """Where a view hides that: a word that is no column, as in *plain*, is answered with less than a query, and with as much as half a query. A
    view that knows its columns answers all three alike."""
    if not _SORTS.search(one.name) or plain.response.error:
        return []
    whole = yield from send(one.given(_QUERY))
    if not whole.response.succeeded or alike(whole.response, plain.response):
        return []
    half = yield from send(one.given(_QUERY[:-1]))
    again = yield from send(one.given(_QUERY))
    less = len(whole.response.body) > len(half.response.body) + len(_QUERY) + len(one.name)
    if not less or not alike(half.response, plain.response) or not alike(again.response, whole.response):
        return []
    return _evidence(plain, half, whole)


def _evidence(plain: Exchange, half: Exchange, whole: Exchange) -> list[Evidence]:
    return [
        Evidence("exchange", "control: a word that names no column", plain),
        Evidence("exchange", "control: half a query is answered as that is", half),
        Evidence("exchange", "a query in place of a name is run", whole),
    ]
