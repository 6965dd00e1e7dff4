"""Every website can read and change what a visitor of it may see here."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.app import App
from stopper.core.exchange import Response
from stopper.core.facts import SourceFacts, source_of
from stopper.core.finding import Evidence, Verdict
from stopper.core.place import RouteRef
from stopper.core.probe import Skipped, Steps, Target, failed, not_applicable, passed, send
from stopper.core.probe_baseline import candidates
from stopper.core.rule import Hit, Rule
from stopper.core.values import Call, Constant, Mapping, Sequence, Value, options

CORS: Final = ("flask_cors.CORS", "flask_cors.extension.CORS")
ATTACH: Final = tuple(f"{name}.init_app" for name in CORS)
DECORATE: Final = ("flask_cors.cross_origin", "flask_cors.decorator.cross_origin")
ENOUGH: Final = 10
"""Routes that are asked; Flask-CORS is set for an application or for a prefix, seldom for one route."""
_ANYTHING: Final = re.compile(r"\^?(?:\*|\.[*+]|\(\.[*+]\)|https?\??://\.[*+]|https?\??:\\?/\\?/\.[*+])\$?")


def detect(app: App) -> Iterator[Hit]:
    """Flask-CORS with credentials on and no origin named."""
    facts = source_of(app)
    attached = list(_attached(facts))
    for call in (*facts.calls(*CORS, *DECORATE), *attached):
        unattached = call.callee in CORS and call.lacks(0, "app")
        if unattached and attached:
            continue  # what was said there is judged where it is attached
        if _Said(facts, call).open_to_all():
            yield Hit("any website may call with the visitor's cookies and read the answer", call.span)


def _attached(facts: SourceFacts) -> Iterator[Call]:
    """The ``init_app`` calls of objects that Flask-CORS made."""
    for call in facts.calls("*.init_app"):
        if call.callee in ATTACH or (isinstance(call.receiver, Call) and call.receiver.callee in CORS):
            yield call


class _Said:
    """What one call says, with what the object's making and the settings said before it."""

    def __init__(self, facts: SourceFacts, call: Call) -> None:
        self._facts = facts
        self._calls = (call, call.receiver) if isinstance(call.receiver, Call) else (call,)

    def open_to_all(self) -> bool:
        """That some path gets any origin together with credentials."""
        if any(call.open for call in self._calls):
            return False
        return any(_is_any(origins) and _is_on(credentials) for origins, credentials in self._pairs())

    def _pairs(self) -> Iterator[tuple[Value | None, Value | None]]:
        origins, credentials = self._option("origins"), self._option("supports_credentials")
        resources = self._option("resources")
        if isinstance(resources, Mapping):
            for _, one in resources.items:
                if isinstance(one, Mapping):
                    yield one.get("origins") or origins, one.get("supports_credentials") or credentials
            return
        yield origins, credentials

    def _option(self, name: str) -> Value | None:
        for call in self._calls:
            if (passed_here := call.keyword(name)) is not None:
                return passed_here
        written = self._facts.config_values(f"CORS_{name.upper()}")
        return written[-1] if written else None


def _is_on(credentials: Value | None) -> bool:
    """Flask-CORS takes anything that is true, also the text ``"false"``."""
    return isinstance(credentials, Constant) and bool(credentials.value)


def _is_any(origins: Value | None) -> bool:
    """That the origins are not named, or that what is named fits every origin. None is Flask-CORS's default, ``*``."""
    if origins is None:
        return True
    return any(_fits_all(option) for option in options(origins))


def _fits_all(origin: Value) -> bool:
    match origin:
        case Constant(value=str(text)):
            return _ANYTHING.fullmatch(text) is not None
        case Sequence(items=items):
            return any(_fits_all(item) for item in items)
        case Call(callee="re.compile", args=(Constant(value=str(text)), *_)):
            return _ANYTHING.fullmatch(text) is not None
        case _:
            return False


def probe(target: Target) -> Steps[Verdict]:
    """Name an origin that nobody has heard of and see whether the answer lets it in with credentials."""
    stranger = f"https://stopper-{target.canary}.example"
    asked = 0
    places: list[RouteRef] = []
    evidence: list[Evidence] = []
    for route, method in candidates(target):
        if asked >= ENOUGH:
            break
        request = target.request_for(route, method)
        try:
            honest = yield from send(request)
            crossed = yield from send(request.with_headers(("Origin", stranger)))
        except Skipped:
            continue
        if honest.response.error or crossed.response.error:
            continue
        asked += 1
        if not lets_in(crossed.response, stranger) or lets_in(honest.response, stranger):
            continue
        places.append(RouteRef(method, route.path))
        if not evidence:
            evidence = [
                Evidence("exchange", "control: the same request from no other website", honest),
                Evidence("exchange", "an origin that was just invented is allowed, with credentials", crossed),
            ]
    if places:
        return failed(f"{places[0]} lets any website read its answer with the visitor's cookies", places, evidence)
    if not asked:
        return not_applicable("no route can be read")
    return passed(f"{asked} routes do not let an invented origin in with credentials")


def lets_in(response: Response, origin: str) -> bool:
    """That a browser would give this answer to a page of *origin* that sent its visitor's cookies (Fetch standard, CORS check)."""
    allowed = response.all_headers("Access-Control-Allow-Origin")
    credentials = response.all_headers("Access-Control-Allow-Credentials")
    return [value.strip() for value in allowed] == [origin] and [value.strip() for value in credentials] == ["true"]


RULE = Rule(
    slug="cors-any-origin-with-credentials",
    family="cors",
    title="CORS: any origin with credentials",
    harm="Every website can read and change what a visitor of it may see here.",
    severity="critical",
    check="input-validation",
    cwe=(942,),
    owasp="API8:2023",
    asvs=("V3.4.2",),
    surfaces=("source", "wsgi", "http"),
    ends="`Stopper(app)` allows no other origin until `STOPPER_CORS_ORIGINS` names it.",
    detect=detect,
    probe=probe,
)
