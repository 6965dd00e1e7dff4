"""What a guard reads of a caller's header, where that is a text of its own and no signed token: it is looked up somewhere."""

from collections.abc import Iterator

from stopper.core.app import Route
from stopper.core.exchange import Exchange
from stopper.core.probe import Steps, Target, send
from stopper.core.probing.baseline import attempt, candidates
from stopper.core.probing.inputs import Input

ROUTES_MOST = 3


def looked_up_headers(target: Target) -> Steps[list[Input]]:
    """The headers in which a key or a token of the server's own is shown, at the first route that turns an invented one away."""
    found: list[Input] = []
    for name, word in dict(_shown(target)).items():
        for route, method in list(_first(target)):
            asked = target.request_for(route, method).with_headers((name, f"{word}{target.canary}".strip()))
            honest: Exchange | None = yield from attempt(send(asked))
            if honest is not None and honest.response.status in (401, 403):
                found.append(Input(route, asked, name, "header", honest))
                break
    return found


def _first(target: Target) -> Iterator[tuple[Route, str]]:
    for number, pair in enumerate(candidates(target)):
        if number >= ROUTES_MOST:
            return
        yield pair


def _shown(target: Target) -> Iterator[tuple[str, str]]:
    """Header and the word before what is shown: of the scan's people, and of the document where nobody is known."""
    for person in target.identities:
        for name, value in person.headers:
            word, space, text = value.reveal().rpartition(" ")
            if name.lower() != "cookie" and word.lower() != "basic" and not target.forge.claims(text):
                yield name, word + space
    schemes = target.app.spec.schemes.values() if target.app.spec is not None and not target.identities else ()
    for scheme in schemes:
        if scheme.where == "header" and scheme.parameter:
            yield scheme.parameter, ""
