"""A cookie that a target gives whoever comes, and without which it answers everything alike, as a browser would keep it from its first visit on."""

from dataclasses import dataclass, replace
from typing import Final

from stopper.core.exchange import Request, Response
from stopper.core.secret import Secret
from stopper.scan.wire.page_tokens import cookies_of

THERE: Final = frozenset({404, 410})
"""What a target says of a path that is not there, once it takes somebody for a visitor."""


NONE: Final = Secret("")


@dataclass(frozen=True, slots=True)
class FirstVisit:
    """What a target gave at a first visit; nothing where it asks for nothing of that kind."""

    cookies: Secret = NONE

    def dressed(self, request: Request) -> Request:
        """*request* with the cookies of the first visit; what it shows itself stays."""
        kept = self.cookies.reveal()
        if not kept:
            return request
        shown = request.header("Cookie") or ""
        names = {part.partition("=")[0].strip() for part in shown.split(";")}
        added = [part for part in kept.split("; ") if part.partition("=")[0] not in names]
        others = tuple(pair for pair in request.headers if pair[0].lower() != "cookie")
        whole = "; ".join((*([shown] if shown else []), *added))
        return replace(request, headers=(*others, ("Cookie", whole))) if whole else request


def given_to(bare: Response) -> FirstVisit:
    """What an answer to somebody who shows nothing gives along."""
    return FirstVisit(Secret("; ".join(f"{name}={value}" for name, value, _ in cookies_of(bare))))


def is_wanted(bare: Response, kept: Response) -> bool:
    """Whether a path that is not there is told so only to who shows the cookies: everybody else is answered as at the start."""
    return bare.status not in THERE and bare.status < 400 and kept.status in THERE
