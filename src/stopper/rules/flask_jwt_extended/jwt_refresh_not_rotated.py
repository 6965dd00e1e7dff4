"""Whoever steals a refresh token gets new tokens for as long as it lives, and nobody notices."""

import re
from collections.abc import Iterator
from typing import Final, cast

from stopper.core.app import App, Route
from stopper.core.edits.verify_type_edits import of_one_type
from stopper.core.exchange import Exchange, Request
from stopper.core.facts import source_of
from stopper.core.finding import Evidence, Verdict
from stopper.core.place import RouteRef
from stopper.core.probe import Identity, Steps, Target, failed, not_applicable, passed, send, unsure
from stopper.core.probing.accounts.login import log_in, token_in
from stopper.core.probing.baseline import attempt
from stopper.core.rule import Edit, Hit, Rule
from stopper.core.tokens.jwt_extended import GUARDS, LIBRARY, guarded, revokes, uses
from stopper.core.tokens.refresh_by_hand import kept_refresh_tokens
from stopper.core.values import is_constant, text_of

_REFRESH: Final = re.compile(r"(?i)(^|[/_-])(refresh|renew)([/_-]|$)")
_NEW: Final = re.compile(
    r".*\b(create_refresh_token|set_refresh_cookies|rotate\w*|issue_tokens?|issue_pair|create_tokens?|generate_tokens?|make_tokens?|token_pair)"
)
_OLD: Final = re.compile(r"(?i).*(revoke|blocklist|blacklist|denylist|rotate|invalidate|consume|add_to_|mark_used)\w*")


def detect(app: App) -> Iterator[Hit]:
    """A route that takes refresh tokens and gives no new one, or does not take back the old; ``verify_type=False``."""
    facts = source_of(app)
    for place in kept_refresh_tokens(facts):
        yield Hit(
            "a refresh token makes new access tokens again and again: it is neither ended nor seen to come twice", place
        )
    if not uses(app):
        return
    for one in guarded(facts):
        if one.ends_tokens:
            continue
        if one.call is not None and is_constant(one.call.argument(4, "verify_type"), False):
            if revokes(facts, one):
                continue
            yield Hit(
                "verify_type=False takes refresh tokens as access tokens, and the other way round",
                one.span,
                certainty="certain",
            )
        elif one.refresh and one.methods:
            called = _called(app, one.function)
            if not any(_NEW.fullmatch(name) for name in called):
                yield Hit(
                    "the refresh route gives no new refresh token, so the old one is good for every theft", one.span
                )
            elif not any(_OLD.fullmatch(name) or name.rpartition(".")[2] == "get_jwt" for name in called):
                yield Hit("the refresh route does not take back the refresh token that it replaces", one.span)
    yield from _by_hand(app)


def _by_hand(app: App) -> Iterator[Hit]:
    """``decode_token(…)`` of a refresh token in a view that then makes an access token, and neither a new one nor the old one's end."""
    facts = source_of(app)
    for call in facts.calls(f"{LIBRARY}.decode_token"):
        asks = any(
            text_of(side) == "refresh" for one in facts.comparisons_in(call.function) for side in (one.left, one.right)
        )
        called = _called(app, call.function) if asks and facts.is_view(call.function) else []
        if not any(name.endswith("create_access_token") for name in called):
            continue
        if not any(_NEW.fullmatch(name) or _OLD.fullmatch(name) for name in called):
            yield Hit("the refresh route gives no new refresh token, so the old one is good for every theft", call.span)


def _called(app: App, function: str) -> list[str]:
    """What the function calls, three steps deep in the project."""
    facts = source_of(app)
    found, edge = [function], [function]
    for _ in range(3):
        edge = [call.callee for name in dict.fromkeys(edge) for call in facts.calls_in(name)]
        found.extend(edge)
    return [name for name in found if name not in GUARDS]


def probe(target: Target) -> Steps[Verdict]:
    """Use one refresh token twice, some other request between."""
    routes = [
        route
        for route in target.app.routes
        if "POST" in route.methods and not route.parameters and _REFRESH.search(route.path)
    ]
    people = [one for one in target.identities if one.refresh_token is not None]
    if not routes or not people:
        return not_applicable("no route that refreshes, or no refresh token, is in reach")
    route = min(routes, key=lambda one: len(one.path))
    ref = RouteRef("POST", route.path)
    person = people[0]
    token = yield from _own_token(target, person)
    request = _showing(target, route, token)
    for shape in request:
        first = yield from attempt(send(shape))
        if first is None or not _gives(first):
            continue
        second = yield from send(shape)
        if not _gives(second):
            return passed(f"{ref} takes a refresh token once")
        evidence = (
            Evidence("exchange", "control: the refresh token gives a new access token", first),
            Evidence("exchange", "the same refresh token gives another one", second),
        )
        if _handed(second, first):
            return unsure(f"{ref} gave the same answer twice, as a retry window does")
        return failed(f"{ref} takes the same refresh token again", (ref,), evidence)
    return unsure(f"{ref} does not take the refresh token in a form that the scan knows")


def _own_token(target: Target, person: Identity) -> Steps[str]:
    """A refresh token of a log-in of its own, so that nobody else's is used up."""
    again = yield from attempt(log_in(target, person))
    said = again[1].response.json() if again is not None else None
    fresh = cast("dict[str, object]", said).get("refresh_token") if isinstance(said, dict) else None
    if isinstance(fresh, str):
        return fresh
    return person.refresh_token.reveal() if person.refresh_token is not None else ""


def _showing(target: Target, route: Route, token: str) -> tuple[Request, ...]:
    honest = target.request_for(route, "POST")
    bare = Request("POST", honest.target, (("Accept", "application/json"),), b"", "login")
    body = b'{"refresh_token": "' + token.encode() + b'"}'
    named = Request("POST", honest.target, (("Content-Type", "application/json"),), body, "login")
    return bare.with_headers(("Authorization", f"Bearer {token}")), named


def _gives(exchange: Exchange) -> bool:
    return exchange.response.succeeded and token_in(exchange.response) is not None


def _handed(second: Exchange, first: Exchange) -> bool:
    """Byte for byte the same answer: a server that answers a retry anew signs anew, or keeps what it said."""
    return second.response.body == first.response.body and b"refresh" in first.response.body


def fix(app: App, hit: Hit) -> Edit | None:
    """``verify_type`` as it is by default."""
    return of_one_type(app, hit)


RULE = Rule(
    slug="jwt-refresh-not-rotated",
    family="flask-jwt-extended",
    title="A refresh token can be used again and again",
    harm=__doc__ or "",
    severity="high",
    check="authentication",
    cwe=(613,),
    owasp="API2:2023",
    asvs=("V10.4.5",),
    surfaces=(
        "source",
        "wsgi",
        "http",
    ),
    ends="Stopper rotates refresh tokens and ends the family when one comes twice.",
    certainty="likely",
    detect=detect,
    fix=fix,
    probe=probe,
    disturbs=True,
)
