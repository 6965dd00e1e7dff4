"""A cookie that a target gives whoever comes, and without which it answers everything alike, as a browser would keep it from its first visit on."""

from dataclasses import dataclass, replace
from typing import Final

from stopper.core.exchange import Request, Response
from stopper.core.secret import Secret
from stopper.scan.wire.page_tokens import cookies_of
from stopper.scan.wire.transport import READ_METHODS

THERE: Final = frozenset({404, 410})
"""What a target says of a path that is not there, once it takes somebody for a visitor."""


NONE: Final = Secret("")


@dataclass(frozen=True, slots=True)
class FirstVisit:
    """What a target gave at a first visit; nothing where it asks for nothing of that kind."""

    cookies: Secret = NONE
    asked: Request | None = None
    """What it was given for; nobody showed anything then."""

    def dressed(self, request: Request) -> Request:
        """*request* with the cookies of the first visit; what it shows itself stays, and of two of one name the last."""
        kept = self.cookies.reveal()
        if not kept:
            return request
        shown = [text for name, text in request.headers if name.lower() == "cookie"]
        parts = [part.strip() for text in (kept, *shown) for part in text.split(";") if part.strip()]
        jar = {part.partition("=")[0]: part for part in parts}
        own = [name for text in shown for name in (one.partition("=")[0].strip() for one in text.split(";")) if name]
        others = tuple(pair for pair in request.headers if pair[0].lower() != "cookie")
        whole = "; ".join(jar[name] for name in dict.fromkeys((*own, *jar)))
        return replace(request, headers=(*others, ("Cookie", whole)))

    def is_to_be_ones_own(self, request: Request) -> bool:
        """Whether *request* may let somebody in under these cookies: a server that keeps the session of before would know by them who came,
        whoever shows them."""
        shows = any(name.lower() in ("authorization", "cookie") for name, _ in request.headers)
        enters = request.effect == "login" or request.method not in READ_METHODS
        return self.asked is not None and enters and not shows


def given_to(bare: Response, asked: Request | None = None) -> FirstVisit:
    """What an answer to somebody who shows nothing gives along."""
    return FirstVisit(Secret("; ".join(f"{name}={value}" for name, value, _ in cookies_of(bare))), asked)


def is_wanted(bare: Response, kept: Response) -> bool:
    """Whether a path that is not there is told so only to who shows the cookies: everybody else is answered as at the start."""
    return bare.status not in THERE and bare.status < 400 and kept.status in THERE
