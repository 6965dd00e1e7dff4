"""Doors beside the first one that was found: an API that reads its tokens in several places may read them badly in one of them, and a door
that an ordinary token may not enter is opened by a better right that somebody wrote into it."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final, cast

from stopper.core.app import Route
from stopper.core.exchange import Request, Response
from stopper.core.finding import Evidence, Verdict
from stopper.core.probe import Identity, Steps, Target, failed, send
from stopper.core.probing.accounts.login import entered, lets_in, login_routes, token_in
from stopper.core.probing.baseline import (
    NONSENSE,
    Baseline,
    attempt,
    bearers,
    beyond,
    candidates,
    controls,
    establish,
    every,
    is_door,
    judge,
    protected,
    same,
    with_token,
)
from stopper.core.probing.shared import found_once

RIGHTS: Final = re.compile(r"(?i)role|admin|group|scope|permission|privilege|staff|level")
"""Claims that say what somebody may do."""
_NAMES: Final = re.compile(r"(?i)(user|login|user_?name|name|sub|subject|identity)")
"""Claims that say who somebody is."""
_GUARDS: Final = re.compile(
    r"(?i)(?<![a-z])(none|no-?alg|unsigned|alg\w*|weak\w*|kid|jwks?|jku|x5u|confus\w*|vuln\w*|insecure|unsafe|legacy|unverified|no-?verif\w*|secret|hs256|rs256)(?![a-z])"
)
"""Words of a path that speak of the check itself, as where a lesson shows several."""
MOST: Final = 4
"""Other doors, where one is known that a good token opens."""
ALONE_MOST: Final = 10
"""Doors that are asked where none opens to a good token."""
ASKED_MOST: Final = 12
LOG_INS_MOST: Final = 5
"""Other log-ins at which somebody of the scan is given another token."""
Rights = Mapping[str, object]
Forging = Callable[[str, Rights], Iterable[tuple[str, str]]]
"""Makes forged tokens of a good one with better rights, each with what was done to it."""


@dataclass(frozen=True, slots=True)
class TokenDoor:
    """A door with the controls; ``rights`` are the claims that would open it, where the good token may not enter."""

    baseline: Baseline
    rights: Mapping[str, object]

    @property
    def token(self) -> str:
        """The good token of the person who asks."""
        return self.baseline.identity.token.reveal() if self.baseline.identity.token is not None else ""

    def shown(self, token: str) -> Request:
        """The request with *token* in place of the good one."""
        return with_token(self.baseline.identity, token).on(self.baseline.request)

    def lets(self, response: Response) -> bool:
        """Whether *response* is the answer of somebody who was let in."""
        if not self.rights:
            return judge(self.baseline, response) == "let-in"
        nonsense = self.baseline.nonsense
        return response.succeeded and not response.error and (nonsense is None or not same(response, nonsense.response))

    def evidence(self) -> tuple[Evidence, ...]:
        """The controls."""
        if not self.rights:
            return controls(self.baseline)
        nonsense = self.baseline.nonsense or self.baseline.anonymous
        return (
            Evidence(
                "exchange",
                f"control: {self.baseline.identity.name}'s own token may not enter",
                self.baseline.accepted,
            ),
            Evidence("exchange", "control: nonsense as a credential is not let in", nonsense),
        )


def elsewhere(target: Target, verdict: Verdict, forging: Forging, *, by_stranger: bool = False) -> Steps[Verdict]:
    """*verdict* of the first door, or the failure of another one that lets a forged token in. What any signature opens says nothing of a finer
    forgery; *by_stranger* says that any signature is what is asked."""
    if verdict.outcome == "fail":
        return verdict
    found = yield from beyond(_forged(target, forging, by_stranger=by_stranger), verdict)
    return found or verdict


def _forged(target: Target, forging: Forging, *, by_stranger: bool) -> Steps[Verdict | None]:
    for door in (yield from token_doors(target)):
        if not by_stranger and (yield from _any_signature(target, door)):
            continue
        for what, token in forging(door.token, door.rights):
            exchange = yield from attempt(send(door.shown(token)))
            if exchange is None or not door.lets(exchange.response):
                continue
            more = "a better right in the token" if door.rights else "the same claims"
            whom = "an administrator" if door.rights else "anybody"
            seen = Evidence(
                "exchange", f"{more}, {what}, is accepted" if door.rights else f"{more}, {what}, are accepted", exchange
            )
            ref = door.baseline.ref
            return failed(f"{ref} accepts a token {what}, so anybody can be {whom}", (ref,), (*door.evidence(), seen))
    return None


def _any_signature(target: Target, door: TokenDoor) -> Steps[bool]:
    known = cast("dict[str, bool]", target.notes.setdefault("any-signature", {}))
    ref = str(door.baseline.ref)
    if ref not in known:
        forged = yield from attempt(send(door.shown(target.forge.foreign(door.token, **door.rights))))
        known[ref] = forged is not None and door.lets(forged.response)
    return known[ref]


def token_doors(target: Target) -> Steps[list[TokenDoor]]:
    """Doors that may read tokens in another way than the first one, at most one of each folder of paths; looked for once a scan."""
    return (yield from found_once(target, "token-doors", lambda: _doors(target)))


def _doors(target: Target) -> Steps[list[TokenDoor]]:
    first = yield from protected(target, ("protected", "presence-only"))
    person = next(iter(bearers(target)), None) if first is None else first.identity
    if person is None or person.token is None or not target.forge.claims(person.token.reveal()):
        return []
    folders = {_folder(first.route)} if first is not None else set[str]()
    asked = [route for route, _ in (every(target) if first is not None else candidates(target))]
    asked = [route for route in asked if not is_door(route) and len(route.parameters) < 2]
    tokens = (yield from _tokens(target, person)) if asked else []
    found: list[TokenDoor] = []
    tried = 0
    for route in asked:
        folder = _folder(route)
        if tried >= ASKED_MOST or len(found) == (ALONE_MOST if first is None else MOST):
            break
        if first is not None and folder in folders:
            continue
        tried += 1
        door = yield from attempt(_door(target, route, _nearest(person, tokens, route)))
        if door is not None:
            folders.add(folder)
            found.append(door)
    return found


def _folder(route: Route) -> str:
    """Where a guard is written for all below it: the path before its last part, with a word that speaks of the check itself."""
    plain = route.path.partition("/{")[0]
    said = _GUARDS.search(plain)
    return f"{plain.rpartition('/')[0]} {said.group(0).lower() if said is not None else ''}"


def _door(target: Target, route: Route, person: Identity) -> Steps[TokenDoor | None]:
    request = target.request_for(route, "GET")
    own = yield from send(person.on(request))
    if own.response.succeeded:
        known = yield from establish(target, route, "GET", person)
        return TokenDoor(known, {}) if known.kind == "protected" else None
    if own.response.status not in (401, 403) or person.token is None:
        return None
    rights = raised(target.forge.claims(person.token.reveal()))
    nobody = yield from send(request)
    nonsense = yield from send(with_token(person, NONSENSE).on(request))
    if not rights or nobody.response.succeeded or nonsense.response.succeeded:
        return None
    return TokenDoor(Baseline(route, person, request, own, nobody, nonsense), rights)


def raised(claims: Mapping[str, object]) -> dict[str, object]:
    """The claims that say what somebody may do, each as the most of it; where there are none, the name of an administrator."""
    rights = {name: _most(value) for name, value in claims.items() if RIGHTS.search(name)}
    return rights or {
        name: "admin"
        for name, value in claims.items()
        if _NAMES.fullmatch(name) and isinstance(value, str) and not value.isdigit()
    }


def _most(value: object) -> object:
    """The greatest right in the form that the token has it."""
    if isinstance(value, bool):
        return True
    return ["admin"] if isinstance(value, list) else "admin"


def _tokens(target: Target, person: Identity) -> Steps[list[tuple[str, str]]]:
    """The tokens that other log-ins give *person* for the account by which it came in, each with the path of the log-in."""
    came = None if person.minted else (yield from attempt(entered(target, person)))
    if came is None:
        return []
    found = [(came[0].path, token)] if (token := token_in(came[1].response)) else []
    others = [route for route in login_routes(target) if route.path != came[0].path]
    for route in others[:LOG_INS_MOST]:
        address = target.request_for(route, "POST").target
        given = yield from attempt(send(replace(came[1].request, target=address)))
        token = token_in(given.response) if given is not None and lets_in(given.response) else None
        if token is not None and target.forge.claims(token):
            found.append((route.path, token))
    return found


def _nearest(person: Identity, tokens: list[tuple[str, str]], route: Route) -> Identity:
    """*person* with the token of the log-in that stands nearest to *route*."""
    parts = route.path.split("/")

    def shared(path: str) -> int:
        return next((n for n, (one, two) in enumerate(zip(parts, path.split("/"), strict=False)) if one != two), 0)

    best = max(tokens, key=lambda one: shared(one[0]), default=None)
    return person if best is None or shared(best[0]) < 2 else with_token(person, best[1])
