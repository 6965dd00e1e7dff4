"""Documents of XML whose one entity stands for a file of the server."""

from typing import Final

from stopper.core.exchange import Response
from stopper.core.probe_baseline import same, says_nothing

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
