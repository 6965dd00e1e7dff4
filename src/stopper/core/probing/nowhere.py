"""The page for a path that is not there: what it repeats or runs says nothing of a route whose parameter does not take the text that was sent."""

from typing import Final
from urllib.parse import quote

from stopper.core.exchange import Exchange, Request
from stopper.core.place import RouteRef
from stopper.core.probe import Steps, Target, send
from stopper.core.probing.inputs import Input

NOWHERE: Final = RouteRef("GET", "/{path}")
"""Stands in a report for every path that is not there."""


def nowhere(target: Target, text: str = "") -> Request:
    """A request for a path that is not there, with *text* at its end."""
    return Request("GET", f"/{target.canary}-none{quote(text)}")


def is_nowhere(target: Target, one: Input, sent: str, answer: Exchange, telling: str) -> Steps[bool]:
    """Whether the *answer* to a text *sent* in a path is the page for what is not there: a path that leads nowhere shows what is *telling* too."""
    if one.place != "path" or answer.response.status != 404:
        return False
    other = yield from send(nowhere(target, f"/{sent}"))
    return telling in other.response.text
