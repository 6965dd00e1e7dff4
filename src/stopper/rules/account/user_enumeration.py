"""A stranger learns who has an account, and aims the guessing of passwords and the phishing at those."""

import json
import re
from collections.abc import Iterator
from typing import Final

from stopper.core.account_names import LOGS_IN, REGISTERS, RESETS
from stopper.core.answers.answer_texts import answers_of, texts_in
from stopper.core.app import App, Route
from stopper.core.exchange import Exchange, Request
from stopper.core.fact import SourceRoute
from stopper.core.facts import SourceFacts, source_of
from stopper.core.finding import Evidence, Verdict
from stopper.core.flow.view_functions import index_of
from stopper.core.keys.random_words import token_hex
from stopper.core.login_names import PASSWORD
from stopper.core.people.given_accounts import is_caught_on_the_way, is_said_of_both, is_said_of_the_form, takes_account
from stopper.core.people.hash_timing import BY_TIME, hashed_for_known_alone
from stopper.core.people.password_schemas import mentioned
from stopper.core.people.refused_apart import refused_apart
from stopper.core.people.registering_views import registers_somebody
from stopper.core.people.taken_accounts import answered_apart, refused_as_taken
from stopper.core.people.told_by_answers import told_by_error, told_by_flag
from stopper.core.people.unknown_people import says_nobody, says_which
from stopper.core.place import RouteRef, Span
from stopper.core.probe import Identity, Steps, Target, failed, not_applicable, passed, send, unsure
from stopper.core.probing.accounts.accounts import registered_address
from stopper.core.probing.accounts.guessed_person import known_person, own_person
from stopper.core.probing.accounts.login import entered, lets_in, login_requests, login_routes, retyped
from stopper.core.probing.accounts.reset import mail_of
from stopper.core.probing.accounts.taken_address import taken_address
from stopper.core.probing.accounts.unknown_people import is_told_alike, said_beside, sends_reset, told_to_nobody
from stopper.core.probing.baseline import attempt, says_nothing
from stopper.core.probing.inputs import members
from stopper.core.rule import Hit, Rule
from stopper.core.values import Call, Constant, Item, Sequence, Value, is_constant, text_of, walk

_TAKEN: Final = re.compile(
    r"(?i)e-?mail(?:\b|_).{0,30}(?:\b|_)(already|in use|taken|registered|exists)|(?:that|this|your|the) address .{0,20}(?:already|in use|taken|registered)|already (been )?registered|account .{0,20}already exists|account (with|for|under) (this|that|your|the) (e-?mail|address)\b.{0,20}already|user already exists|user_(already_)?exists|already (has|have) an account|already (?:a|an) (?:\w+ )?(?:member|user|customer|account|profile) (?:with|for|under|by|of|at) (?:this|that|your|the) (?:e-?mail|address)|account (?:with|for|under) (?:this|that|your|the) (?:e-?mail|address)(?: address)? exists|(has|have) an account already"
)
"""What a registration says of an address that somebody has. Names that everybody sees are told by the site itself."""
_INVITES: Final = re.compile(r"(?i)invit")
"""A GET that reads an invitation lets nobody in."""
_ONCE_MORE: Final = re.compile(
    r"(?i)(?:re-?send|send_?-?again|request)[-_/]?(?:\w+[-_])?(?:verif|confirm|activation|code|mail|otp|link)"
)
"""Where somebody has the mail sent once more that opens an account."""
_SECOND: Final = re.compile(r"(?i)(?:^|[/_.-])(?:otp|totp|2fa|mfa|fido2?|webauthn|passkeys?)(?:[/_.-]|$)")
"""Where somebody who is no further than a name asks for a code or a challenge."""
_ADDRESS: Final = re.compile(r"(?i)mail|user|login|phone|account|^name$")


def detect(app: App) -> Iterator[Hit]:
    """In log-ins and resets: an answer that speaks of the account alone."""
    facts = source_of(app)
    served = [route for route in facts.routes if not facts.is_test(route.span)]
    posted = [route for route in served if "POST" in route.methods]
    named = [(route, made, "POST") for route in posted if (made := _registers(facts, route)) or _lets_in(route)]
    asked = [one for one in served if "GET" in one.methods and _lets_in(one) and not _INVITES.search(one.path)]
    named += [(one, False, "GET") for one in asked if "POST" not in one.methods or facts.function(one.view) is None]
    yield from _asked_beforehand(app, facts)
    if not named:
        return
    index = index_of(facts)
    seen: set[str] = set()
    for route, registers, method in named:
        if any(
            re.search(r"token|code|key|hash|nonce|signature", name) for name, _ in route.parameters
        ) or _is_logged_in(app, route, method):
            continue
        ref = RouteRef(method, route.path)
        views = list(index.of_view(route.view, method=ref.method))
        for span in _of_schemas(facts, index.calling([view.name for view in views], 1), registers=registers):
            if f"{span.path}:{span.line}" not in seen:
                seen.add(f"{span.path}:{span.line}")
                yield Hit("the answer tells whether the account exists", span, ref)
        for function in views:
            told = False  # what two functions behind one view answer tells one thing by its difference too
            for name in index.calling([function.name], 2):
                if told or not takes_account(facts, name):
                    continue
                for span, text in answers_of(facts, name):
                    if is_said_of_the_form(facts, span):
                        continue
                    if is_caught_on_the_way(facts, name, span) or (says_nobody(text) and is_said_of_both(facts, span)):
                        continue
                    if name not in seen and (_TAKEN.search(text) if registers else says_which(text)):
                        seen.add(name)  # two answers of one function tell one thing by their difference
                        told = True
                        yield Hit("the answer tells whether the account exists", span, ref)
                for span in refused_as_taken(facts, name) if registers and name not in seen else ():
                    seen.add(name)
                    yield Hit("the answer tells whether the account exists", span, ref)
                apart = refused_apart(facts, name) if not registers and name not in seen else None
                if apart is None and name not in seen and RESETS.search(f"{route.path} {name.rpartition('.')[2]}"):
                    apart = answered_apart(facts, name)
                if apart is None and name not in seen and not registers:
                    resets = RESETS.search(f"{route.path} {name.rpartition('.')[2]}") is not None
                    apart = told_by_flag(facts, name, of_reset=resets) or told_by_error(facts, name)
                if apart is not None:
                    seen.add(name)
                    told = True
                    yield Hit("the answer tells whether the account exists", apart, ref)
                for span in _not_found(facts, name) if not registers else ():
                    if name not in seen and not is_said_of_both(facts, span):
                        seen.add(name)
                        told = True
                        yield Hit("404 tells that the account does not exist", span, ref)
                for span in hashed_for_known_alone(index, name) if not registers and name not in seen else ():
                    seen.add(name)
                    yield Hit(BY_TIME, span, ref, certainty="likely", severity="low")


def _lets_in(route: SourceRoute) -> bool:
    """That its name speaks of a log-in or of a new password."""
    return any(
        any(one.search(name) for one in (LOGS_IN, RESETS, _ONCE_MORE, _SECOND))
        for name in (route.path, route.view.rpartition(".")[2])
    )


def _registers(facts: SourceFacts, route: SourceRoute) -> bool:
    """By its name, else by what it does."""
    if REGISTERS.search(route.path) or REGISTERS.search(route.view.rpartition(".")[2]):
        return True
    return not _lets_in(route) and registers_somebody(index_of(facts), route.view)


_MAIL: Final = re.compile(r"(?i)(?:user_?)?e?-?mail(?:_?address)?")
_BEFOREHAND: Final = re.compile(
    r"(?i)(?:check|exists?|available|availability|taken|lookup)[-_/]?(?:user[-_]?)?e?-?mails?|e?mails?[-_/]?(?:check|exists?|available|availability|taken|lookup)"
)


_ANYTHING_TAKEN: Final = re.compile(r"(?i)(?:^|[/_-])(?:check|exists?|available|availability|taken)(?:$|[/_-])")
_LOOKS_UP: Final = frozenset({"first", "scalar", "scalars", "one_or_none", "count", "exists", "find_one", "fetchone", "execute", "count_documents", "get_or_none"})  # fmt: skip


def _looks_somebody_up(facts: SourceFacts, view: str) -> bool:
    """That the view asks the database for the address that it is given."""
    return any(
        call.method in _LOOKS_UP
        and any(isinstance(part, Item) and _MAIL.fullmatch(text_of(part.key) or "") for part in walk(call, 8))
        for call in facts.calls_in(view)
    )


def _asked_beforehand(app: App, facts: SourceFacts) -> Iterator[Hit]:
    """``/check-email``, and ``/available`` which looks an address up: a route that says to anybody whether it is known."""
    for route in facts.routes:
        named = _BEFOREHAND.search(route.path) is not None
        if facts.is_test(route.span) or not (named or _ANYTHING_TAKEN.search(route.path)) or _is_logged_in(app, route):
            continue
        if not named and not _looks_somebody_up(facts, route.view):
            continue
        reads = [one.span for one in facts.readings() if one.function == route.view and _MAIL.fullmatch(one.key)]
        asked = any("mail" in name.lower() for name, _ in route.parameters) or bool(reads)
        answers = [
            one
            for one in facts.returns_of(route.view)
            if not isinstance(one.value, Constant) and not _is_page(one.value)
        ]
        if asked and answers:
            yield Hit(
                "the answer tells whether the account exists",
                answers[0].span,
                RouteRef(route.methods[0], route.path),
                certainty="likely",
            )


def _is_page(value: Value) -> bool:
    return isinstance(value, Call) and value.method.startswith("render_template")


_VALIDATES: Final = re.compile(r"(?i)(?<!in)valid")
"""``ValidationError``, ``validate_email``; an ``InvalidName`` is raised by whoever likes."""


def _of_schemas(facts: SourceFacts, names: list[str], *, registers: bool) -> Iterator[Span]:
    """``raise ValidationError("This e-mail is taken")`` in a validator of the schema or form that a registration uses; in that of a reset or a
    log-in, that nobody has it."""
    used = set(mentioned(facts, names))
    for one in facts.raises():
        home, _, word = one.function.rpartition(".")
        if home not in used or not _VALIDATES.search(f"{one.exception} {word}") or not isinstance(one.value, Call):
            continue
        said = [text for value in one.value.args for text in texts_in(value)]
        if any(map(_TAKEN.search if registers else says_nobody, said)):
            yield one.span


def _not_found(facts: SourceFacts, name: str) -> Iterator[Span]:
    """A look-up of the account, by what the caller wrote, that ends in 404 where there is none."""
    for one in facts.returns_of(name):
        parts = one.value.items if isinstance(one.value, Sequence) else ()
        if (
            len(parts) > 1
            and is_constant(parts[1], 404)
            and any(_asks_for_somebody(facts, asked.value) for asked in facts.conditions_around(one.span))
        ):
            yield one.span
    for call in facts.calls_in(name):
        given = [*call.args, *(value for _, value in call.keywords), call.receiver]
        if (
            call.span is not None
            and call.method == "abort"
            and any(is_constant(one, 404) for one in call.args[:1])
            and any(_asks_for_somebody(facts, one.value) for one in facts.conditions_around(call.span))
        ):
            yield call.span
        if (
            call.span is not None
            and call.method in ("first_or_404", "one_or_404", "get_or_404", "find_one_or_404")
            and any(
                _ADDRESS.search(text_of(part.key) or "")
                for one in given
                for part in walk(one, 6)
                if isinstance(part, Item)
            )
        ):
            yield call.span


def _asks_for_somebody(facts: SourceFacts, value: Value) -> bool:
    """That a test is about something that was looked up by what the caller wrote."""
    asked = [
        given
        for made in walk(value, 2)
        if isinstance(made, (Call, Item))
        for given in ((*made.args, *(said for _, said in made.keywords)) if isinstance(made, Call) else (made.key,))
    ]
    return any(
        isinstance(part, Item) and _ADDRESS.search(text_of(part.key) or "") and facts.derives(part, "request-data")
        for given in asked
        for part in walk(given, 3)
    )


def _is_logged_in(app: App, route: SourceRoute, method: str = "POST") -> bool:
    """Whoever asks has shown a credential already: a change of the own password tells about nobody else."""
    return not LOGS_IN.search(route.path) and any(
        (access := known.access.get(method)) is not None
        and access.state == "guarded"
        and any(guard.kind != "view-body" for guard in access.guards)
        for known in app.routes
        if known.path == route.path and known.view == route.view
    )


def probe(target: Target) -> Steps[Verdict]:
    """A wrong password for somebody who exists, and for somebody who does not: the refusals must be alike."""
    person = known_person(target)
    routes = login_routes(target)
    if person is None or person.subject is None or not routes:
        told = yield from told_to_nobody(target)
        return told or not_applicable("no log-in, or no account with a known password")
    judged = False
    came = yield from attempt(entered(target, person))
    for route in routes[:2]:
        varied = (yield from _varied(target, person, came)) if came is not None and came[0].path == route.path else None
        verdict = varied or (yield from _tried(target, route, person))
        if verdict is not None and verdict.outcome == "fail":
            return verdict
        judged = judged or verdict is not None
    verdict = (yield from _forgotten(target, person)) or (yield from taken_address(target, person))
    if verdict is not None:
        return verdict
    if judged:
        return passed("known and unknown people are refused alike")
    return (yield from told_to_nobody(target)) or unsure("no log-in understood an account")


def _varied(target: Target, person: Identity, came: tuple[Route, Exchange]) -> Steps[Verdict | None]:
    """The verdict by the very request that let *person* in, with another password and another name in it."""
    assert person.subject is not None
    nobody, wrong = _nobody(target, person.subject), token_hex(8)
    known, unknown = retyped(came[1].request, person, wrong), retyped(came[1].request, person, wrong, nobody)
    if known is None or unknown is None:
        return None
    return (yield from _compared(came[0], person.subject, nobody, came[1], known, unknown))


def _tried(target: Target, route: Route, person: Identity) -> Steps[Verdict | None]:
    assert person.subject is not None
    assert person.password is not None
    nobody = _nobody(target, person.subject)
    rights = login_requests(target, route, person.subject, person.password.reveal())
    wrong_password = token_hex(8)
    knowns = login_requests(target, route, person.subject, wrong_password)
    unknowns = login_requests(target, route, nobody, wrong_password)
    for right, known, unknown in zip(rights, knowns, unknowns, strict=True):
        control = yield from send(right)
        if not lets_in(control.response):
            continue
        return (yield from _compared(route, person.subject, nobody, control, known, unknown))
    return None


def _compared(
    route: Route, subject: str, nobody: str, control: Exchange, known: Request, unknown: Request
) -> Steps[Verdict | None]:
    """The refusal of somebody who exists, held against that of somebody who does not."""
    first = yield from send(known)
    second = yield from send(unknown)
    if lets_in(first.response) or lets_in(second.response):
        return None
    if says_nothing(first.response) or says_nothing(second.response):
        return None
    if is_told_alike(first.response, second.response, subject, nobody):
        return passed(f"POST {route.path} refuses known and unknown people alike")
    again = yield from send(unknown)
    if not is_told_alike(again.response, second.response, "", ""):
        return None
    ref = RouteRef("POST", route.path)
    evidence = [
        Evidence("exchange", "control: the right password is let in", control),
        Evidence("exchange", "a wrong password of somebody who exists", first),
        Evidence("exchange", "the same for somebody who does not", second),
    ]
    return failed(f"{ref} answers otherwise for people who do not exist", [ref], evidence)


def _forgotten(target: Target, person: Identity) -> Steps[Verdict | None]:
    """The same with a request for a reset: one for an account of the scan's own, for *person* where it has none, and one for nobody."""
    for route in target.app.routes:
        if not sends_reset(target, route):
            continue
        own = yield from own_person(target, "who asks for a reset")
        known, unknown = _reset(target, route, own or person, own is not None), _reset(target, route, None)
        first = yield from send(known)
        second = yield from send(unknown)
        refused = first.response.succeeded and second.response.status in (400, 404, 409, 422, 401, 403)
        if refused or (yield from _told_apart(known, unknown, first, second)):
            ref = RouteRef("POST", route.path)
            evidence = [
                Evidence("exchange", "a reset for somebody who exists", first),
                Evidence("exchange", "a reset for somebody who does not", second),
            ]
            return failed(f"{ref} answers otherwise for people who do not exist", [ref], evidence)
        return None
    return None


def _told_apart(known: Request, unknown: Request, first: Exchange, second: Exchange) -> Steps[bool]:
    """Whether one status says two things: other words for somebody than for nobody, and the same ones each time that either is asked for."""
    if not (first.response.succeeded and second.response.succeeded) or says_nothing(first.response):
        return False
    names = tuple(text for request in (known, unknown) for text in map(str, members(request).values()))
    one, two = said_beside(first.response, *names), said_beside(second.response, *names)
    if one == two or first.response.status != second.response.status:
        return False
    again, still = (yield from send(unknown)), (yield from send(known))
    return said_beside(again.response, *names) == two and said_beside(still.response, *names) == one


def _reset(target: Target, route: Route, person: Identity | None, is_own: bool = False) -> Request:
    """A reset for *person*, or for nobody: the address where one is asked for, else the name."""
    subject = (person.subject if person is not None else None) or f"nobody-{target.canary}"
    mail = subject if "@" in subject else f"{subject}@example.com"
    if person is not None and "@" not in subject:
        mail = registered_address(target, person) or (mail_of(person) if is_own else subject)
    request = next(login_requests(target, route, subject, token_hex(8)))
    body = {
        name: mail if "mail" in name.lower() else value
        for name, value in members(request).items()
        if not PASSWORD.search(name)
    }
    return Request(request.method, request.target, request.headers, json.dumps(body).encode(), "write")


def _nobody(target: Target, subject: str) -> str:
    """A name of the same shape that nobody has."""
    domain = subject.partition("@")[2]
    name = f"nobody-{target.canary}"
    return f"{name}@{domain}" if domain else name


RULE = Rule(
    slug="user-enumeration",
    family="account",
    title="Replies tell whether a user exists",
    harm=__doc__ or "",
    severity="medium",
    check="authentication",
    cwe=(204,),
    owasp="API2:2023",
    asvs=("V6.3.8",),
    surfaces=("source", "wsgi", "http"),
    ends="Stopper's service answers known and unknown people alike and takes the same time for both.",
    certainty="likely",
    detect=detect,
    probe=probe,
    depth="standard",
)
