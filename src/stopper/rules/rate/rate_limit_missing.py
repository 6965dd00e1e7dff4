"""A caller may ask as often as he likes, until the API or its bill gives way."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.app import App
from stopper.core.deployment.limiting_proxies import limited_by_proxy
from stopper.core.deployment.setting_facts import application_made, settings_out_of_sight
from stopper.core.fact import Function, SourceRoute
from stopper.core.facts import SourceFacts, source_of
from stopper.core.finding import Evidence, Verdict
from stopper.core.flow.view_functions import index_of
from stopper.core.people.limiter_facts import (
    LIMITERS,
    LIMITING,
    has_default,
    is_bound_to_nothing,
    is_limited,
    limits_somehow,
    returns_too_many,
    says_too_many,
)
from stopper.core.people.login_throttle import limits_from_outside
from stopper.core.place import RouteRef
from stopper.core.probe import Steps, Target, failed, not_applicable, passed, unsure
from stopper.core.probing.burst import BURST, Burst, burst, pressed
from stopper.core.rule import Certainty, Hit, Rule
from stopper.core.values import Call, Member, Name, walk

_SIGN_OF_LIFE: Final = re.compile(
    r"(?i)/?(?:(?:[\w-]+/)?(?:_*health\w*|ping|status|alive|live(?:ness|z)?|ready(?:z)?|readiness|version|robots\.txt|favicon\.ico))?/?"
)
_SEVERAL: Final = 3
"""So many routes without a limit have one cause: the limiter has no default."""
_DEAR: Final = re.compile(
    r"(?i).*(generate_password_hash|check_password_hash|checkpw|hashpw|send_mail|sendmail|send_message|send_email|subprocess\.\w+|chat\.completions\.create|messages\.create|"
    r"requests\.(get|post)|httpx\.(get|post)|render_pdf|write_pdf|Image\.open|send_sms|pdfkit\.from_\w+|shutil\.make_archive|image_to_string|pandas\.read_(?:sql|excel)\w*|"
    r"generate_content|embeddings\.create|transcriptions\.create|images\.generate)$"
)

_EXCHANGES: Final = re.compile(r"\.(?:authorize_access_token|authorized_response)$")


def detect(app: App) -> Iterator[Hit]:
    """No limiter at all; or one without defaults, and an expensive route that none of its limits stands on."""
    facts = source_of(app)
    if not facts.routes:
        return
    if not limits_somehow(facts):
        made = application_made(app)
        if made is not None and _costs_something(facts) and not limited_by_proxy(facts):
            message = "nothing of this application limits how often a caller may ask"
            if _takes_something(facts):
                yield Hit(message, made)
            else:
                said = f"{message}: it is only read from, so look what a page costs"
                yield Hit(said, made, certainty="possible", severity="low")
        return
    if is_bound_to_nothing(facts):
        where = next((call.span for call in facts.calls(*LIMITERS)), None)
        yield Hit("this limiter is never bound to an application, so that it counts nothing", where)
        return
    if not any(True for _ in facts.calls(*LIMITERS)) or has_default(facts):
        return
    if not _limits_anything(facts) and not limited_by_proxy(facts):
        sure: Certainty = "possible" if settings_out_of_sight(app, "RATELIMIT_DEFAULT") else "likely"
        where = next((call.span for call in facts.calls(*LIMITERS)), None)
        yield Hit("this limiter has no default, and no limit stands on any route", where, certainty=sure)
        return
    dear = _dear_without_limit(facts)
    if len(dear) >= _SEVERAL and (limiter := next(facts.calls(*LIMITERS), None)) is not None:
        named = ", ".join(dict.fromkeys(route.path for route in dear[:_SEVERAL]))
        yield Hit(
            f"this limiter has no default, and {len(dear)} routes that do expensive work have no limit: {named} and so on",
            limiter.span,
        )
        return
    for route in dear:
        method = "POST" if "POST" in route.methods else route.methods[0]
        yield Hit(
            f"{route.path} does expensive work, and no limit stands on it",
            route.registered_at,
            RouteRef(method, route.path),
        )


def _limits_anything(facts: SourceFacts) -> bool:
    """A limit somewhere, by a decorator, by a call, or counted by hand."""
    if returns_too_many(facts) or any(says_too_many(call) for call in facts.calls("*.abort")):
        return True
    if any(map(is_limited, facts.functions())) or any(
        LIMITING.search(name)
        for route in facts.routes
        for name in (*route.hooks, *(one.name for one in route.decorators))
    ):
        return True
    return any(
        call.callee.startswith((*LIMITERS, "limits."))
        or (isinstance(call.receiver, Call) and call.receiver.callee in LIMITERS)
        or LIMITING.search(_of_what(call)) is not None  # ``app.limiter.limit("5/minute")(views)``
        for call in facts.calls("*.limit", "*.shared_limit", "*.hit", "*.test", "*.check")
    )


def _of_what(call: Call) -> str:
    """The word before ``.limit`` or ``.check``."""
    if isinstance(call.receiver, Member):
        return call.receiver.attribute
    return call.callee.rpartition(".")[0].rpartition(".")[2]


def _dear_without_limit(facts: SourceFacts) -> list[SourceRoute]:
    """The routes that do expensive work and on which no limit stands."""
    index = index_of(facts)
    found: list[SourceRoute] = []
    for route in facts.routes:
        own = list(index.of_view(route.view))
        if (
            facts.is_test(route.span)
            or any(is_limited(one) for one in own)
            or any(LIMITING.search(hook) for hook in route.hooks)
        ):
            continue
        if any(LIMITING.search(one.name) for one in route.decorators) or _is_limited_by_class(facts, own):
            continue
        reached = index.calling([function.name for function in own], 1)
        calls = [call.callee for name in reached for call in facts.calls_in(name)]
        if any(_EXCHANGES.search(callee) for callee in calls):
            continue  # whoever comes back from a provider of log-ins shows a state of the session, and a code that is good once
        if any(_DEAR.fullmatch(callee) for callee in calls) and not limits_from_outside(facts, route):
            found.append(route)
    return found


def _is_limited_by_class(facts: SourceFacts, own: list[Function]) -> bool:
    """``decorators = [limiter.limit("4/hour")]`` of a view class."""
    owners = {function.owner for function in own} - {""}
    return bool(owners) and any(
        isinstance(part, (Call, Name)) and LIMITING.search(part.callee if isinstance(part, Call) else part.dotted)
        for one in facts.classes()
        if one.name in owners
        for word in ("decorators", "method_decorators")
        for part in walk(one.attributes.get(word), 3)
    )


def _costs_something(facts: SourceFacts) -> bool:
    """That there is something to ask for besides signs of life: those alone need no limit."""
    return any(not _SIGN_OF_LIFE.fullmatch(route.path) for route in facts.routes if not facts.is_test(route.span))


def _takes_something(facts: SourceFacts) -> bool:
    """That a route takes what a caller sends, or that there may be others which are not seen."""
    routes = [route for route in facts.routes if not facts.is_test(route.span)]
    return not routes or any(set(route.methods) - {"GET", "HEAD", "OPTIONS"} for route in routes)


def probe(target: Target) -> Steps[Verdict]:
    """A burst of reading requests: no 429 and no rate header. Where the source does not say that there is no limiter, the burst goes on
    until all that the scan asked within a minute would have met any usual limit."""
    found = yield from burst(target)
    if found is None:
        return not_applicable("no route can be read")
    if found.reached or found.announced:
        return passed(f"{found.ref} limits its callers or tells them how much is left")
    if not source_of(target.app).routes:
        return (yield from _pressed(target, found))
    if not any(True for _ in detect(target.app)):
        return unsure(
            f"{BURST} requests in a row did not reach a limit, and the source does not say that there is none"
        )
    evidence = [
        Evidence("exchange", "the first request", found.first),
        Evidence("exchange", f"request number {BURST + 1}: no limit and no word of one", found.last),
    ]
    return failed(f"{found.ref} answered {BURST + 1} requests in a row without a limit", [found.ref], evidence)


def _pressed(target: Target, found: Burst) -> Steps[Verdict]:
    """Judged from outside alone."""
    pressed_on = yield from pressed(target, found)
    if pressed_on is None:
        return unsure(f"{BURST} requests in a row did not reach a limit, and the scan asks too little to tell")
    last, load = pressed_on
    if load.limited or last.response.status in (429, 503):
        return passed("answers of the scan met a limit or told of one")
    if not load.enough:
        return unsure(f"{load.of_path} requests did not reach a limit, and more would cost the target too much")
    text = (
        f"{load.of_path} requests of one path and {load.in_all} in all within a minute met no limit and no word of one"
    )
    evidence = [Evidence("exchange", "the first request", found.first), Evidence("exchange", text, last)]
    return failed(f"{found.ref} has no limit: {text}", [found.ref], evidence)


RULE = Rule(
    slug="rate-limit-missing",
    family="rate",
    title="There is no limit on how often a caller may ask",
    harm=__doc__ or "",
    severity="medium",
    check="rate-limiting",
    cwe=(770,),
    owasp="API4:2023",
    asvs=("V2.4.1",),
    surfaces=("source", "wsgi", "http"),
    ends="`STOPPER_RATE_LIMIT` limits every route, and the service slows down guessing by itself.",
    certainty="likely",
    detect=detect,
    probe=probe,
    depth="standard",
    disturbs=True,
)
