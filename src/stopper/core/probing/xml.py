"""Documents of XML whose one entity stands for a file of the server."""

import re
from collections.abc import Callable
from typing import Final

from stopper.core.exchange import Exchange, Request, Response
from stopper.core.finding import Evidence
from stopper.core.probe import Steps, Target, send
from stopper.core.probing.baseline import same, says_nothing

KERNEL: Final = re.compile(r"Linux version \d+\.\d+[^\n]{0,200}#\d+")
"""proc_version(5)."""
_NAMES: Final = (
    "name", "id", "user", "username", "email", "title", "value", "data", "item", "content", "message", "text", "description", "product", "quantity", "price",
    "amount", "comment", "note", "body",
)  # fmt: skip
"""Elements that a view may look for."""


def _elements(said: str) -> str:
    """*said* as the text of the root, of what stands two and three levels below it, and of elements with usual names."""
    return f"<r>{said}<i>{said}<i>{said}</i></i>{''.join(f'<{name}>{said}</{name}>' for name in _NAMES)}</r>"


def document(path: str = "") -> str:
    """A document whose every text is the file at *path*, or without one a word of its own."""
    if not path:
        return f'<?xml version="1.0"?>{_elements("stopper")}'
    return f'<?xml version="1.0"?><!DOCTYPE r [<!ELEMENT r ANY><!ENTITY e SYSTEM "file://{path}">]>{_elements("&e;")}'


def fetching(url: str) -> str:
    """A document whose only text is what lies at *url*."""
    return f'<?xml version="1.0"?><!DOCTYPE r [<!ELEMENT r ANY><!ENTITY e SYSTEM "{url}">]><r>&e;</r>'


def opened(there: Response, missing: Response, plain: Response) -> bool:
    """Whether the parser opened the file, though nobody is shown it: one that is there does no harm, one that is not breaks the document."""
    if any(says_nothing(one) for one in (there, missing, plain)):
        return False
    return not same(there, missing) and same(there, plain)


def by_entity(target: Target, given: Callable[[object], Request]) -> Steps[list[Evidence]]:
    """The evidence that entities are followed to files. Only what lies below ``/proc`` is named."""
    there = yield from send(given(document("/proc/version")))
    said = there.response
    if said.error or said.status in (401, 403, 405, 415, 429) or (said.status == 404 and "<title>404" in said.text):
        return []  # a search that finds nobody of that name says 404 too, in its own words
    absent = f"/proc/{target.canary[-7:]:x>7}"  # as long as the other, so that a decoder before the parser sees no difference
    missing = yield from send(given(document(absent)))
    if KERNEL.search(there.response.text) and not KERNEL.search(missing.response.text):
        return [
            Evidence("exchange", "control: an entity for a file that is not there", missing),
            Evidence("exchange", "an entity for a file of the operating system is read", there),
        ]
    plain = yield from send(given(document()))
    if same(there.response, missing.response):
        return (yield from _by_what_breaks(given, missing, plain))
    other = yield from send(given(document("/proc/meminfo")))
    if not same(there.response, other.response) or not opened(there.response, missing.response, plain.response):
        return []
    return [
        Evidence("exchange", "control: a document without an entity", plain),
        Evidence("exchange", "an entity for a file of the operating system does no harm", there),
        Evidence(
            "exchange", "the same for a file that is not there breaks the document, so it was looked for", missing
        ),
    ]


def _by_what_breaks(given: Callable[[object], Request], missing: Exchange, plain: Exchange) -> Steps[list[Evidence]]:
    """Where a file that is not there does no harm, one that holds no text does: the parser meets a zero in it."""
    if not same(missing.response, plain.response):
        return []
    broken = yield from send(given(document("/proc/self/cmdline")))
    control = yield from send(given(document("/proc/self/cmdlinx")))
    if same(broken.response, control.response) or not same(control.response, plain.response) or broken.response.error:
        return []
    return [
        Evidence("exchange", "control: an entity for a file that is not there does no harm", control),
        Evidence("exchange", "one for a file that holds zeros breaks the document, so it was opened", broken),
    ]
