"""Keeps what log-ins hand out known to the redactor, whatever the answer calls it."""

import re
from typing import Final

from stopper.core.exchange import Request, Response
from stopper.core.login_names import DEEDS, LOGIN, OPAQUE, pairs
from stopper.core.secret import Secret
from stopper.scan.wire.things_made import path_of

MOST: Final = 2_000
"""Values that are kept: a scan logs in far less often, and the oldest belong to reports that are written."""
_HINTS: Final = (b"ogin", b"og_in", b"ogIn", b"ign", b"uth")
_WHO: Final = re.compile(r"(?i)(^|_)(u?u?id|guid)$|user_?id$|user_?name|email|public")
"""Says who somebody is, which a report may show."""
_held: Final[dict[str, Secret]] = {}
"""Exchanges hold them as plain text, and the redactor forgets a secret that nobody keeps."""


def keep_what_is_handed_out(request: Request, response: Response) -> None:
    """Keep the texts of an answer that are made at random, where it is a log-in's, or where they stand under a log-in's name."""
    if not response.succeeded:
        return
    lets_in = request.effect == "login" or (
        request.method == "POST" and LOGIN.search(path_of(request.target)) is not None
    )
    if not lets_in and not any(hint in response.body for hint in _HINTS):
        return
    for name, text in pairs(response.json()):
        handed_out = DEEDS.fullmatch(name) or (lets_in and not _WHO.search(name) and text.encode() not in request.body)
        if handed_out and OPAQUE.fullmatch(text) and text not in _held:
            while len(_held) >= MOST:
                _held.pop(next(iter(_held)), None)
            _held[text] = Secret(text)
