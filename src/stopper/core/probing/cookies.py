"""Where an application sets cookies: its readable routes and its log-in, asked once a scan."""

from collections.abc import Iterator
from dataclasses import replace

from stopper.core.answers.cookie_flags import CookieSet, cookies_of, set_cookies, sets_credential
from stopper.core.exchange import Exchange
from stopper.core.place import RouteRef
from stopper.core.probe import Identity, Steps, Target, send
from stopper.core.probing.accounts.login import entered, known_log_in
from stopper.core.probing.baseline import attempt, candidates
from stopper.core.probing.shared import found_once
from stopper.core.secret import Secret
from stopper.core.tokens.flask_cookie import session_cookie_name

Answer = tuple[RouteRef, Exchange]


def answers_with_cookies(target: Target) -> Steps[list[Answer]]:
    """The answers that set a cookie: to a log-in with an account that the scan knows, and of the routes that can be read."""
    return (yield from found_once(target, "answers-with-cookies", lambda: _answers_with_cookies(target)))


def _answers_with_cookies(target: Target) -> Steps[list[Answer]]:
    found: list[Answer] = []
    for person in target.identities:
        if person.subject and person.password is not None:
            logged_in = yield from attempt(entered(target, person))
            if logged_in is not None:
                found.append((RouteRef("POST", logged_in[0].path), logged_in[1]))
            break
    for route, method in candidates(target):
        exchange = yield from attempt(send(target.request_for(route, method)))
        if exchange is not None:
            found.append((RouteRef(method, route.path), exchange))
    return [one for one in found if one[1].response.all_headers("Set-Cookie")]


def session_cookies(target: Target) -> Steps[list[tuple[RouteRef, Exchange, CookieSet]]]:
    """The session and remember-me cookies that answers set, and do not end."""
    names = {session_cookie_name(target.app), "remember_token"}
    answers = yield from answers_with_cookies(target)
    return [
        (ref, exchange, cookie)
        for ref, exchange in answers
        for cookie in set_cookies(exchange.response)
        if cookie.name in names and not cookie.ends
    ]


def keeps_by_cookie(target: Target) -> Steps[bool]:
    """Whether a browser holds something of this target that it sends by itself: a cookie, or an account of Basic authentication. Where the
    scan is nobody it cannot tell, and takes it that there is."""
    if not target.identities:
        return True
    for person in target.identities:
        if any(
            name.lower() == "cookie" or value.reveal().lower().startswith("basic ") for name, value in person.headers
        ):
            return True
    return any(
        not one.ends for _, answer in (yield from answers_with_cookies(target)) for one in set_cookies(answer.response)
    )


def also_by_cookie(target: Target) -> Iterator[Identity]:
    """Who shows a token, as a browser knows them where the log-in has set a cookie as well: it may let in by itself."""
    for one in target.identities:
        came = known_log_in(target, one) if one.token is not None else None
        if came is not None and sets_credential(came.response):
            yield replace(one, headers=(("Cookie", Secret(cookies_of(came.response))),), token=None)
