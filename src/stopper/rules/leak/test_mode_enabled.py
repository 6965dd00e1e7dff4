"""What was opened for the tests is open for everybody."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from stopper.core.account_names import is_password_name
from stopper.core.app import App, Route
from stopper.core.deployment.served_for_tests import served_for_tests
from stopper.core.deployment.switched_on import asked_for, switched_on
from stopper.core.exchange import Exchange, Response
from stopper.core.facts import SourceFacts, source_of
from stopper.core.finding import Evidence, Verdict
from stopper.core.flow.passing import given
from stopper.core.guards.desk_doors import refused_at_large
from stopper.core.guards.switched_off_guards import switched_off
from stopper.core.keys.api_key_names import SHOWN
from stopper.core.place import RouteRef
from stopper.core.probe import Steps, Target, failed, not_applicable, passed, send
from stopper.core.probing.accounts.login import token_in
from stopper.core.probing.baseline import attempt
from stopper.core.rule import Edit, Hit, Rule
from stopper.core.values import (
    Call,
    Constant,
    EnvironmentValue,
    Item,
    Mapping,
    Name,
    Parameter,
    Sequence,
    Truth,
    Value,
    text_of,
    walk,
)

KEYS: Final = ("TESTING", "LOGIN_DISABLED")
PATH: Final = re.compile(
    r"(?i)(?:^|[/_-])(?:tests?|testing|debug|dev|fixtures?|e2e|cypress|playwright|selenium|puppeteer|mock|fake|backdoor|bypass|impersonate)(?=[/_-]|$)|login[/_-]?as(?=[/_-]|$)|switch[_-]?user(?=[/_-]|$)"
)
OPENS: Final = re.compile(r"(?i)log-?in|login|sign-?in|token|session|auth|impersonate|as[_-]|user")
_LOGINS: Final = (
    "flask_login.login_user",
    "flask_jwt_extended.create_access_token",
    "jwt.encode",
    "jose.jwt.encode",
    "flask_security.login_user",
    "flask_principal.identity_changed.send",
)
_SUBJECT: Final = re.compile(
    r"(?i)^(?:_?user_?(?:id|name)?|uid|logged_?in|username|email|role|is_admin|account(?:_id)?|auth\w*)$"
)
_CHECKS: Final = re.compile(
    r"(?i)check_password|verify|authenticate|compare_digest|checkpw|validate|login_?required|jwt_required|admin_?(?:required|only)|(?:require|only)s?_?admin|roles?_?required"
)
_ROUTES_MOST: Final = 6
_PAIR: Final = 2
_SHORTEST: Final = 8


def detect(app: App) -> Iterator[Hit]:
    """A switch for tests that is on, a route for tests that logs in whoever asks, or a token for tests that is taken."""
    facts = source_of(app)
    seen: set[str] = set()
    for found in switched_on(app, *KEYS):
        seen.add(found.key)
        sure = "likely" if found.key == "TESTING" and found.certainty == "certain" else found.certainty
        yield Hit(f"{found.key} is on wherever this runs", found.span, certainty=sure)
    for span in served_for_tests(facts, *KEYS):
        yield Hit("the application that is served has the settings of the tests", span, certainty="likely")
    yield from _doors(facts)
    yield from _fixture_tokens(facts)
    yield from _fixture_tables(facts)
    yield from _fixture_headers(facts)
    yield from _robots(facts)
    for span in dict.fromkeys(switched_off(facts)):
        message = "nobody is asked who it is wherever nobody switches that on"
        yield Hit(message, span, certainty="likely", severity="high")
    for key in KEYS:
        running = app.config.get(key)
        if key not in seen and running is not None and running.reader == "running" and running.value is True:
            yield Hit(f"{key} is on in the running application", reader="running")


_FIXTURE: Final = re.compile(
    r"(?i)(?:^|_)(?:test|testing|e2e|fixture|debug|dev|backdoor|bypass|master|cypress|qa)_?(?:\w*_)?(?:token|key|secret|jwt|bearer)$"
)
_FIXTURE_TEXT: Final = re.compile(
    r"(?i)^(?:bearer |token |basic )?(?:test|e2e|fixture|debug|dev|backdoor|bypass|cypress)[-_.]?[\w.-]*(?:token|key|secret|user|admin|e2e|pass(?:word|wd)?)"
)


def _fixture_tokens(facts: SourceFacts) -> Iterator[Hit]:
    """``if token == TEST_TOKEN: let in``: a literal that is for tests by its name or text lets in whoever knows it."""
    pairs = [(one.left, one.right, one.span) for one in facts.comparisons("==", "!=")]
    pairs += [
        (call.args[0], call.args[1], call.span)
        for call in facts.calls("*.compare_digest")
        if len(call.args) == 2 and call.span
    ]
    for left, right, span in pairs:
        for shown, wanted in ((left, right), (right, left)):
            if isinstance(wanted, Call) and wanted.method == "encode" and wanted.receiver is not None:
                wanted = wanted.receiver
            variable = wanted.variable if isinstance(wanted, EnvironmentValue) else ""
            if isinstance(wanted, EnvironmentValue) and wanted.default is not None:
                wanted = wanted.default
            if not isinstance(wanted, Constant) or not isinstance(wanted.value, str) or len(wanted.value) < _SHORTEST:
                continue
            if not (
                _FIXTURE.search(wanted.name) or _FIXTURE.search(variable) or _FIXTURE_TEXT.search(wanted.value)
            ) or asked_for(facts, span):
                continue
            if any(label.kind in SHOWN for label in facts.labels(shown)):
                yield Hit("a token for tests is taken wherever this runs", span, certainty="likely")


_OF_TESTS: Final = re.compile(
    r"(?i)(?:(?:integration|acceptance|browser|smoke|load|unit|ui)[-_.])?(?:test|e2e|fixture|debug|dev|backdoor|bypass|cypress|playwright)[-_.]"
)


def _fixture_tables(facts: SourceFacts) -> Iterator[Hit]:
    """``if token in FIXTURES: return FIXTURES[token]``: the keys of a table of literals are tokens of the tests."""
    for one in facts.comparisons("in"):
        tables = given(facts, one.right) if isinstance(one.right, Parameter) else (one.right,)
        if not any(_is_of_tests(table) for table in tables) or asked_for(facts, one.span):
            continue
        refused = any(found.refuses and found.span.holds(one.span) for found in facts.conditions_in(one.function))
        if not refused and any(label.kind in SHOWN for label in facts.labels(one.left)):
            yield Hit("tokens of the tests are taken wherever this runs", one.span, certainty="likely")


def _is_of_tests(table: Value) -> bool:
    """That each text in it says to be of the tests."""
    held = [key for key, _ in table.items] if isinstance(table, Mapping) else []
    held = [*table.items] if isinstance(table, Sequence) else held
    said = [text_of(one) or "" for one in held]
    return bool(said) and all(len(text) >= _SHORTEST and _OF_TESTS.match(text) for text in said)


_FIXTURE_HEADER: Final = re.compile(
    r"(?i)(?:^|[-_])(?:test|e2e|debug|dev|cypress|playwright|bypass|backdoor|skip)[-_](?:auth\w*|login|user|token|key|mode|bypass)$"
)
_MASTER: Final = re.compile(r"(?i)test|e2e|letmein|master|backdoor|bypass|debug|(?:^|\W)dev")
_EVERY_CODE: Final = re.compile(r"(\d)\1{3,7}|1234(?:5678?)?|123456")
_CODE: Final = re.compile(r"(?i)(?:^|_)(?:otp|totp|code|pin|mfa|token)(?:_code)?$")


def _fixture_headers(facts: SourceFacts) -> Iterator[Hit]:
    """``if request.headers.get("X-Test-Auth") == "…": return``, and a code that always opens: ``code == "000000" or …``."""
    hooks = frozenset(hook for route in facts.routes for hook in route.hooks)
    for test in facts.conditions():
        lets_in = test.stops and not test.refuses and not test.negated and test.function in hooks
        if lets_in and _shows_fixture(test.value) and not asked_for(facts, test.span, by_name=True):
            yield Hit("whoever says to be a test is not asked who it is", test.span, certainty="likely")
    for one in facts.comparisons("==", "!="):
        for shown, wanted in ((one.left, one.right), (one.right, one.left)):
            said = text_of(wanted)
            name = text_of(shown.key) if isinstance(shown, Item) else ""
            if not said or not name or asked_for(facts, one.span):
                continue
            sent = (
                isinstance(shown, Item)
                and isinstance(shown.owner, Name)
                and shown.owner.dotted.startswith("flask.request.")
            )
            always = _CODE.search(name) is not None and _EVERY_CODE.fullmatch(said) is not None
            known = is_password_name(name) and _MASTER.search(said) is not None
            if sent and (always or known or _FIXTURE_HEADER.search(name)):
                yield Hit("what only tests should know opens this wherever it runs", one.span, certainty="likely")


def _shows_fixture(value: Value) -> bool:
    """``"X-Test-User" in request.headers``, ``request.headers.get("X-Test-User")``: it is enough that it is there."""
    owner: Value | None = None
    if isinstance(value, Truth) and len(value.parts) == _PAIR and not value.differs:
        name, owner = text_of(value.parts[0]), value.parts[1]
    else:
        held = value.parts[0] if isinstance(value, Truth) and len(value.parts) == 1 else value
        name = text_of(held.key) if isinstance(held, Item) else ""
        owner = held.owner if isinstance(held, Item) else None
    sent = isinstance(owner, Name) and owner.dotted.startswith("flask.request.")
    return sent and _FIXTURE_HEADER.search(name or "") is not None


def _is_left_out(facts: SourceFacts, blueprint: str) -> bool:
    """That the blueprint is registered only where somebody asks for it."""
    added = [
        call
        for call in facts.calls("*.register_blueprint")
        if blueprint and any(text_of(part) == blueprint for one in call.args[:1] for part in walk(one, 2))
    ]
    return bool(added) and all(asked_for(facts, call.span) for call in added)


_ROBOTS: Final = re.compile(r"(?i)cypress|playwright|selenium|puppeteer|pytest|e2e|test")


def _robots(facts: SourceFacts) -> Iterator[Hit]:
    """``if request.user_agent.string.startswith("cypress"): return`` in what should ask who is calling."""
    hooks = frozenset(hook for route in facts.routes for hook in route.hooks)
    for one in facts.conditions():
        if not one.stops or one.refuses or one.negated or one.function not in hooks:
            continue
        agent = any(
            (isinstance(part, Name) and part.dotted.startswith("flask.request.user_agent"))
            or (isinstance(part, Call) and part.callee.startswith("flask.request.user_agent"))
            or (isinstance(part, Item) and (text_of(part.key) or "").lower() == "user-agent")
            for part in walk(one.value, 5)
        )
        if agent and any(_ROBOTS.search(text_of(part) or "") for part in walk(one.value, 4)):
            yield Hit("whoever says to be a test is not asked who it is", one.span, certainty="likely")


_FOR_TESTS: Final = re.compile(
    r"(?i)\b(?:(?:e2e|browser|ui|integration|smoke|load|acceptance)[ -]tests?|for (?:the )?tests?(?:ing)?|test(?:ing)? only|only (?:for|in) (?:tests?|dev\w*|debug\w*)|cypress|playwright|selenium)\b"
)
"""What is said of a view that helps to test."""


_OF_A_TOOL: Final = re.compile(
    r"(?i)(?:^|[/_-])(?:e2e|cypress|playwright|selenium|puppeteer|backdoor|bypass|fixtures?)(?=[/_-]|$)"
)
"""Whom such a path helps is clear, whatever the rest of it says."""


def _doors(facts: SourceFacts) -> Iterator[Hit]:
    for route in facts.routes:
        view = facts.function(route.view)
        named = PATH.search(route.path) or (view is not None and _FOR_TESTS.search(view.docstring))
        if not named or facts.is_test(route.span) or not (OPENS.search(route.path) or _OF_A_TOOL.search(route.path)):
            continue
        if _is_left_out(facts, route.blueprint):
            continue
        if view is None or asked_for(facts, view.span) or any(_CHECKS.search(name) for name in view.calls):
            continue
        if any(_CHECKS.search(one.name) for one in view.decorators) or refused_at_large(facts, view.name):
            continue
        for call in facts.calls_in(route.view):
            if call.callee in _LOGINS and not asked_for(facts, call.span):
                yield Hit(f"{route.path} logs in whoever asks", call.span, certainty="likely")
        for flow in facts.flows("session"):
            if flow.function == route.view and _SUBJECT.match(flow.detail) and not asked_for(facts, flow.span):
                yield Hit(f"{route.path} logs in whoever asks", flow.span, certainty="likely")
        for assignment in facts.assignments():
            said = assignment.function == route.view and assignment.target.startswith("session[")
            if said and _SUBJECT.match(assignment.attribute) and not asked_for(facts, assignment.span):
                yield Hit(f"{route.path} logs in whoever asks", assignment.span, certainty="likely")


def probe(target: Target) -> Steps[Verdict]:
    """Ask the routes whose path says that they are for tests, as nobody, and see whether one of them gives a credential."""
    asked = 0
    for route, method in list(_for_tests(target))[:_ROUTES_MOST]:
        request = replace(target.request_for(route, method), effect="login")
        answer = yield from attempt(send(request))
        if answer is None:
            continue
        asked += 1
        if answer.response.succeeded and (what := _given(answer.response)):
            control = yield from attempt(_control(target))
            evidence = [Evidence("exchange", f"nobody asked and was given {what}", answer)]
            if control is not None and _given(control.response):
                continue  # every visitor gets one
            if control is not None:
                evidence.insert(0, Evidence("exchange", "control: another address gives nothing", control))
            ref = RouteRef(method, route.path)
            return failed(f"{ref} is for tests and gives {what} to whoever asks", [ref], evidence)
    if not asked:
        return not_applicable("no route says that it is for tests")
    return passed(f"{asked} routes for tests give nobody a credential")


def _control(target: Target) -> Steps[Exchange]:
    from stopper.core.exchange import Request

    return (yield from send(Request("GET", f"/stopper-{target.canary}")))


def _for_tests(target: Target) -> Iterator[tuple[Route, str]]:
    for route in target.app.routes:
        if PATH.search(route.path) and OPENS.search(route.path):
            for method in ("GET", "POST"):
                if method in route.methods:
                    yield route, method


def _given(response: Response) -> str:
    if token_in(response):
        return "a token"
    cookies = response.all_headers("Set-Cookie")
    if any(re.match(r"(?i)[\w-]*(?:session|auth|token|remember)[\w-]*=[^;]{12,}", cookie) for cookie in cookies):
        return "a session"
    return ""


def fix(app: App, hit: Hit) -> Edit | None:
    """``False``, where the literal stands in the setting itself."""
    for write in (write for key in KEYS for write in source_of(app).config_writes(key)):
        value = write.value
        if write.span == hit.span and isinstance(value, Constant) and value.value is True and value.span is not None:
            return Edit(value.span, "False", safe=False) if value.span.path == write.span.path else None
    return None


RULE = Rule(
    slug="test-mode-enabled",
    family="leak",
    title="Test mode in the running application",
    harm="What was opened for the tests is open for everybody.",
    severity="critical",
    check="authentication",
    cwe=(489,),
    owasp="API8:2023",
    asvs=("V15.2.3",),
    surfaces=("source", "wsgi", "http"),
    ends="`Stopper(app)` asks every route for its policy, whatever `TESTING` says.",
    detect=detect,
    fix=fix,
    probe=probe,
)
