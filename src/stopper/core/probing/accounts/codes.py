"""Short codes that a door asks for beside a name: wrong ones are sent for an account of the probe's own until something holds them up."""

import json
import re
import secrets
from dataclasses import replace
from typing import Final

from stopper.core.app import Route
from stopper.core.exchange import Request, Response
from stopper.core.finding import Evidence, Verdict
from stopper.core.login_names import PASSWORD, SUBJECT
from stopper.core.place import RouteRef
from stopper.core.probe import Identity, Steps, Target, failed, send
from stopper.core.probing.accounts.account_body import PHONE, phone_of
from stopper.core.probing.accounts.registration import registered
from stopper.core.probing.accounts.reset import mail_of, name_of, reset_tokens, resets
from stopper.core.probing.baseline import attempt, says_nothing
from stopper.core.probing.burst import announces
from stopper.core.probing.inputs import members

ATTEMPTS: Final = 12
"""Wrong codes: whoever limits them lets five through, or ten."""
DIGITS_MOST: Final = 8
"""Signs of a code that people type; what is longer is a token, which nobody guesses."""
ROUTES_MOST: Final = 2
_CODE: Final = re.compile(
    r"(?i)(\w+_)?(otp|totp|pin|passcode)(_?(code|number|value))?|(sms|verification|verify|security|reset|recovery|confirmation|confirm|two_?factor|2fa|mfa|"
    r"reset_password|password_reset|auth)_?(code|number|digits)"
)
"""Members that hold a code for people."""
_PLAIN: Final = re.compile(r"(?i)code|passcode|digits")
"""Members that do where the path speaks of one."""
_SPEAKS: Final = re.compile(
    r"(?i)otp|pin(?![a-z])|2fa|mfa|two-?factor|verif|reset|forgot|recover|confirm|sms|one-?time"
)
_SETS_UP: Final = re.compile(r"(?i)set-?_?up|enable|disable|enroll?|send|request|resend|generate")
"""Where a code is asked for or begins to be used: a wrong one opens nothing there."""
_REFUSED: Final = re.compile(
    r"(?i)\b(invalid|wrong|incorrect|bad|expired|mismatch\w*|not valid|does(?: not|n't) match|not match)\b.{0,40}\b(\w*otp|\w*pin|\w*code|passcode)\b|"
    r"\b(\w*otp|\w*pin|\w*code|passcode)\b.{0,40}\b(invalid|wrong|incorrect|bad|expired|mismatch\w*|not valid|does(?: not|n't) match|did(?: not|n't) match)\b"
)
"""A refusal that speaks of the code: name and form were understood."""
_FORMAT: Final = re.compile(r"(?i)format|digits|length|characters|must be|required|missing")


def asked_codes(target: Target) -> Steps[list[tuple[RouteRef, list[Evidence]]]]:
    """The routes that took wrong codes without an end for somebody whom the probe registered, each with the proof."""
    doors = [(route, name) for route in target.app.routes if (name := _code_of(target, route))][:ROUTES_MOST]
    person = (yield from attempt(registered(target))) if doors else None
    found: list[tuple[RouteRef, list[Evidence]]] = []
    if person is None:
        return found
    told = yield from resets(target, person)
    if any(len(token) > DIGITS_MOST for one in told for token in reset_tokens(one.exchange.response)):
        return found
    for route, name in doors:
        if (proof := (yield from attempt(_guessed(target, route, name, person)))) is not None:
            found.append((RouteRef("POST", route.path), proof))
    return found


def _code_of(target: Target, route: Route) -> str:
    """The member of the route's body that holds a code beside a name; empty where there is none."""
    if "POST" not in route.methods or route.path.endswith("}") or _SETS_UP.search(route.path):
        return ""
    body = members(target.request_for(route, "POST"))
    if not any(SUBJECT.search(name) and not _CODE.fullmatch(name) for name in body):
        return ""
    plain = _PLAIN if _SPEAKS.search(route.path) else None
    return next(
        (
            name
            for name, value in body.items()
            if (_CODE.fullmatch(name) or (plain is not None and plain.fullmatch(name)))
            and (target.canary in str(value) or len(str(value)) <= DIGITS_MOST)
        ),
        "",
    )


def _guessed(target: Target, route: Route, name: str, person: Identity) -> Steps[list[Evidence] | None]:
    """The first and the last of the wrong codes, where each is refused in the words of the first."""
    first = yield from send(_with_code(target, route, name, person, 0))
    if not _speaks_of_the_code(first.response):
        return None
    last = first
    for number in range(1, ATTEMPTS):
        last = yield from send(_with_code(target, route, name, person, number))
        if not _speaks_of_the_code(last.response) or last.response.status != first.response.status:
            return None
    return [
        Evidence("exchange", "the first wrong code", first),
        Evidence("exchange", f"wrong code number {ATTEMPTS}: nothing has changed", last),
    ]


def _with_code(target: Target, route: Route, name: str, person: Identity, number: int) -> Request:
    honest = target.request_for(route, "POST")
    secret, guess = f"Bb8!{secrets.token_urlsafe(18)}", 1013 + 719 * number
    said = members(honest)
    body: dict[str, object] = {
        member: (guess if isinstance(value, int) else str(guess))
        if member == name
        else secret
        if PASSWORD.search(member)
        else _who(member, person)
        if SUBJECT.search(member)
        else phone_of(person.name, value)
        if PHONE.search(member) and isinstance(value, str)
        else value
        for member, value in said.items()
    }
    return replace(honest, body=json.dumps(body).encode(), effect="login")


def _who(member: str, person: Identity) -> str:
    return mail_of(person) if "mail" in member.lower() else name_of(person)


def _speaks_of_the_code(response: Response) -> bool:
    if announces(response) or not response.text:
        return False
    if not 400 <= response.status < 500 and not isinstance(
        response.json(), dict
    ):  # 200 and 500 only where the API says in words what is wrong
        return False
    if 400 <= response.status < 500 and says_nothing(response):
        return False
    return bool(_REFUSED.search(response.text)) and not _FORMAT.search(response.text)


def joined(verdict: Verdict, found: list[tuple[RouteRef, list[Evidence]]], what: str = "codes") -> Verdict:
    """*verdict* on log-ins with what was *found* of codes, or of *what* else, beside it."""
    if not found:
        return verdict
    refs, evidence = [ref for ref, _ in found], [part for _, parts in found for part in parts]
    told = f"{refs[0]} answered {ATTEMPTS} wrong {what} in a row alike, without a limit or a lock"
    if verdict.outcome != "fail":
        return failed(told, refs, evidence)
    return failed(f"{verdict.message}; {told}", (*verdict.routes, *refs), (*verdict.evidence, *evidence))
