"""Documents of XML whose one entity stands for a file of the server."""

from stopper.core.exchange import Response
from stopper.core.probe_baseline import same, says_nothing


def document(path: str = "") -> str:
    """A document whose only text is the file at *path*, or without one a word of its own."""
    if not path:
        return '<?xml version="1.0"?><r>stopper</r>'
    return f'<?xml version="1.0"?><!DOCTYPE r [<!ELEMENT r ANY><!ENTITY e SYSTEM "file://{path}">]><r>&e;</r>'


def fetching(url: str) -> str:
    """A document whose only text is what lies at *url*."""
    return f'<?xml version="1.0"?><!DOCTYPE r [<!ELEMENT r ANY><!ENTITY e SYSTEM "{url}">]><r>&e;</r>'


def opened(there: Response, missing: Response, plain: Response) -> bool:
    """Whether the parser opened the file, though nobody is shown it: one that is there does no harm, one that is not breaks the document."""
    if any(says_nothing(one) for one in (there, missing, plain)):
        return False
    return not same(there, missing) and same(there, plain)
