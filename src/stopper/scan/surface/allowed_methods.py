"""What methods a live path takes, as the server says it."""

from stopper.core.exchange import Request, Response
from stopper.core.probe import Identity
from stopper.scan.surface.nothing_there import as_person
from stopper.scan.wire.courier import Courier


def methods_at(courier: Courier, path: str, response: Response, who: Identity | None = None) -> tuple[str, ...]:
    """The methods of *path*, which a GET answered with *response*, by its Allow header; GET alone where it does not say."""
    said = response.header("Allow") if response.status == 405 else None
    named = (
        allowed_at(courier, path, who) if said is None else _words(said)
    )  # an error page of its own may leave it out
    if response.status != 405 and not (response.status == 404 and named):
        named.add("GET")
    return tuple(sorted(named))


def allowed_at(courier: Courier, path: str, who: Identity | None = None) -> set[str]:
    """What is taken at *path*, by what the server answers when it is asked for its options."""
    return _words(courier.carry(as_person(who, Request("OPTIONS", path))).response.header("Allow") or "")


def _words(said: str) -> set[str]:
    return {word.strip().upper() for word in said.split(",") if word.strip().isalpha()}
