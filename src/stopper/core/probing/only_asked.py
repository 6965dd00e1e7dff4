"""Forms that may only ask: what is sent changes the answer to it, and nothing that anybody sees afterwards."""

from typing import Final

from stopper.core.app import Route
from stopper.core.finding import Verdict
from stopper.core.probe import Identity, Steps, Target, send
from stopper.core.probing.things.objects import marked

_PAGES: Final = ("text/html", "application/xhtml+xml")


def may_only_ask(target: Target, route: Route, method: str, person: Identity, seen: Verdict) -> Steps[bool]:
    """Whether what was *seen* is a page that answers the form on it, and the texts that *person* sends there stand on the page no more when it is
    opened again: a report for a month is asked by POST too."""
    page = next((one for one in target.app.routes if one.path == route.path and "GET" in one.methods), None)
    answers = [one.exchange.response for one in seen.evidence if one.exchange is not None]
    if page is None or not answers or not answers[-1].succeeded or answers[-1].content_type not in _PAGES:
        return False
    request, marks = marked(target.request_for(route, method), target.canary)
    if not marks:
        return True
    yield from send(person.on(request).with_headers(("Origin", target.base_url)))
    after = yield from send(person.on(target.request_for(page, "GET")))
    return not any(mark in after.response.text for mark in marks.values())
