"""The password ends up in server logs, browser histories and other sites' logs, as URLs do."""

import itertools
import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlencode

from stopper.core.account_names import is_password_name
from stopper.core.app import App, Route
from stopper.core.exchange import Request
from stopper.core.fact import TextFile
from stopper.core.facts import SourceFacts, source_of
from stopper.core.finding import Evidence, Verdict
from stopper.core.flow.body_models import classes_by_name
from stopper.core.flow.declared_queries import declared_queries
from stopper.core.place import RouteRef, Span
from stopper.core.probe import Identity, Steps, Target, failed, not_applicable, passed, send
from stopper.core.probing.accounts.log_in_by_get import log_in_by_get
from stopper.core.probing.accounts.login import lets_in, may_let_in
from stopper.core.rule import Hit, Rule
from stopper.core.spec_document import items, mapping
from stopper.core.values import Call, Constant, Format, Mapping, Name, Sequence, Value, text_of, walk

MESSAGE: Final = "a password is read from the query string"
_LOGIN: Final = re.compile(r"(?i)(^|[/_-])(log-?in|sign-?in|authenticate|auth|tokens?|sessions?)(/|$)")
_FORM: Final = re.compile(r"(?i)<form\b(?![^>]*method\s*=\s*[\"']?(post|dialog))[^>]*>")
_OPENS: Final = re.compile(r"(?i)<form\b")
_PASSWORD_FIELD: Final = re.compile(r"(?i)<input\b(?:(?!<input\b)[^>])*type\s*=\s*[\"']?password")
_UNSENT: Final = re.compile(r"(?i)<input\b(?:(?!\sname\s*=)[^>])*>")
"""A field without a name: no browser sends it."""
_LONGEST_FIELD: Final = 12
"""Lines of one field."""
_SCRIPTED: Final = re.compile(
    r"(?i)<form\b[^>]*(onsubmit|hx-post|data-\w+|@submit|v-on|ng-|\(submit\)|\(ngSubmit\)|\[formGroup\]|on:submit|id\s*=|novalidate)"
)
_CODES: Final = frozenset({"otp", "totp", "otp_code", "pin", "client_secret"})


def _is_credential(name: str) -> bool:
    return is_password_name(name) or name.lower() in _CODES


def detect(app: App) -> Iterator[Hit]:
    """Passwords among the readings of the query, in a path, in the arguments of a parser or decorator, in a URL that the application
    itself calls, in a form by GET, in the OpenAPI document."""
    facts = source_of(app)
    for reading in facts.readings("flask.request.args"):
        if _is_credential(reading.key):
            yield Hit(MESSAGE, reading.span)
    for reading in facts.readings("flask.request.values"):
        if _is_credential(reading.key):
            only_get = all(
                route.methods and not {"POST", "PUT", "PATCH"} & set(route.methods)
                for route in facts.routes_of_view(reading.function)
            )
            yield Hit(MESSAGE, reading.span, certainty="certain" if only_get else "likely")
    for route in facts.routes:
        if not facts.is_test(route.span) and any(is_password_name(name) for name, _ in route.parameters):
            yield Hit("a password is part of the path", route.registered_at, RouteRef(route.methods[0], route.path))
    yield from _parsed(facts)
    yield from _declared(facts)
    yield from _filled(facts)
    yield from _sent(facts)
    yield from _forms(facts)
    yield from _documented(app)


def _filled(facts: SourceFacts) -> Iterator[Hit]:
    """``Login(**request.args)``, ``LoginForm(request.args)``, ``LoginSchema().load(request.args)``: a class with a password, filled from the query."""
    classes = classes_by_name(facts) if facts.says("args") else {}
    wanted = {name for name, one in classes.items() if any(map(_is_credential, (*one.fields, *one.attributes)))}
    for call in facts.calls() if wanted else ():
        made = call.receiver.callee if isinstance(call.receiver, Call) else call.callee.rpartition(".")[0]
        if call.span is None or (call.callee if call.callee in classes else made) not in wanted:
            continue
        given = [*call.args, *(value for name, value in call.keywords if name in ("**", "formdata", "data", "obj"))]
        if any(map(_is_query, given)):
            yield Hit(MESSAGE, call.span)


def _is_query(value: Value) -> bool:
    if isinstance(value, Call):
        return value.callee in ("flask.request.args.to_dict", "flask.request.args.copy") or (
            value.callee == "dict" and any(map(_is_query, value.args))
        )
    return isinstance(value, Name) and value.dotted == "flask.request.args"


def _sent(facts: SourceFacts) -> Iterator[Hit]:
    """``requests.get(url, params={"password": …})``: the application itself sends one so; ``redirect(url_for("login", password=…))``."""
    for call in facts.calls("flask.url_for", "*.url_for"):
        named_so = any(is_password_name(name) and not isinstance(value, Constant) for name, value in call.keywords)
        if call.span is not None and named_so:
            yield Hit("a password is put into the query string", call.span)
    if not facts.imports("requests", "httpx", "aiohttp"):
        return
    for call in facts.calls("*.get", "*.post", "*.request", "*.put", "*.delete"):
        query = call.keyword("params")
        named = isinstance(query, Mapping) and any(map(is_password_name, query.keys()))
        if call.span is not None and (named or any(map(_writes_password, call.args[:1]))):
            yield Hit("a password is sent in the query string", call.span)


_BEFORE_PASSWORD: Final = re.compile(r"(?i)[?&](?:password|passwd|pwd|pass|client_secret)=$")


def _writes_password(url: Value) -> bool:
    """``f"https://…?user={name}&password={word}"``."""
    return any(
        _BEFORE_PASSWORD.search(text_of(before) or "") is not None and not isinstance(after, Constant)
        for whole in walk(url, 2)
        if isinstance(whole, Format)
        for before, after in itertools.pairwise(whole.parts)
    )


def _declared(facts: SourceFacts) -> Iterator[Hit]:
    for span, _, fields in declared_queries(facts):
        if any(map(_is_credential, fields)):
            yield Hit(MESSAGE, span)


def _parsed(facts: SourceFacts) -> Iterator[Hit]:
    """``reqparse`` and webargs: an argument of the query."""
    if facts.imports("flask_restful", "flask_restx", "flask_restplus"):
        for call in facts.calls("*.add_argument"):
            where = call.keyword("location")
            places = [text_of(one) for one in where.items] if isinstance(where, Sequence) else [text_of(where)]
            if (
                call.args
                and _is_credential(text_of(call.args[0]) or "")
                and any(one in ("args", "values", "query") for one in places)
            ):
                yield Hit(MESSAGE, call.span)


def _forms(facts: SourceFacts) -> Iterator[Hit]:
    """A form with a password field that a browser sends by GET, in a template."""
    for file in facts.files_of("template"):
        if any(True for _ in file.lines_with("ng-model", "v-model")):
            continue  # a script of the page reads the fields and sends them
        opened: tuple[int, str] | None = None
        for number, line in file.lines_with("<form", "<input", "</form"):
            if line.count("<") < 40 and (found := _FORM.search(line)) and not _SCRIPTED.search(line):
                opened = (number, found[0])
            elif _OPENS.search(line):
                opened = None
            if opened and _sends_password(_whole_field(file, number)):
                yield Hit(
                    "a form sends a password by GET",
                    Span(file.path, opened[0], opened[0], 1, len(file.lines[opened[0] - 1]) + 1),
                    certainty="likely",
                )
                opened = None
            if "</form" in line.lower():
                opened = None


def _whole_field(file: TextFile, number: int) -> str:
    """The line, with those after it up to the end of a field that begins in it."""
    text = file.lines[number - 1]
    for line in file.lines[number : number + _LONGEST_FIELD]:
        if text.count("<") <= text.count(">"):
            break
        text = f"{text} {line.strip()}"
    return text


def _sends_password(line: str) -> bool:
    """That a password field stands in the line which has a name, or whose end is in another line."""
    found = _PASSWORD_FIELD.search(line)
    return found is not None and _UNSENT.match(line, found.start()) is None


def _documented(app: App) -> Iterator[Hit]:
    """Parameters ``in: query`` of the document's operations."""
    if app.spec is None:
        return
    prefix = app.spec.prefix
    for path, operations in mapping(app.spec.document.get("paths")).items():
        for method, operation in mapping(operations).items():
            parameters = mapping(operation).get("parameters")
            for one in map(mapping, items(parameters)):
                if one.get("in") == "query" and _is_credential(str(one.get("name"))):
                    yield Hit(
                        f"the OpenAPI document puts {one.get('name')} into the query of {path}",
                        route=RouteRef(str(method).upper(), f"{prefix}{path}"),
                        reader="spec",
                    )


def probe(target: Target) -> Steps[Verdict]:
    """Log in by GET with the account in the query, and with a wrong password as control."""
    by_get = yield from log_in_by_get(target)
    if by_get is not None:
        evidence = (
            Evidence("exchange", "control: without an account the answer is another one", by_get.empty),
            Evidence("exchange", "an account in the query is judged, and this one refused", by_get.first),
        )
        return failed(f"{by_get.ref} takes the password from the query string", [by_get.ref], evidence)
    person = next((one for one in reversed(target.identities) if one.subject and one.password and not one.minted), None)
    if person is None:
        return not_applicable("no account with a known password")
    routes = [one for one in target.app.routes if _LOGIN.search(one.path) and may_let_in(one) and not one.parameters][
        :4
    ]
    if not routes:
        return not_applicable("no route takes a log-in")
    for route in routes:
        for method in [one for one in ("GET", "POST") if one in route.methods]:
            verdict = yield from _tried(target, route, method, person)
            if verdict is not None:
                return verdict
    return passed("no log-in takes a password from the query string")


def _tried(target: Target, route: Route, method: str, person: Identity) -> Steps[Verdict | None]:
    assert person.password is not None
    good = yield from send(_request(target, route, method, person, person.password.reveal()))
    if not lets_in(good.response):
        return None
    wrong = yield from send(_request(target, route, method, person, f"not-{target.canary}"))
    if lets_in(wrong.response):
        return None
    ref = RouteRef(method, route.path)
    evidence = [
        Evidence("exchange", "control: a wrong password in the query is refused", wrong),
        Evidence("exchange", "the right one in the query is let in", good),
    ]
    return failed(f"{ref} takes the password from the query string", [ref], evidence)


def _request(target: Target, route: Route, method: str, person: Identity, password: str) -> Request:
    address = target.request_for(route, method).target.partition("?")[0]
    query = urlencode({"email": person.subject, "username": person.subject, "password": password})
    return Request(method, f"{address}?{query}", (("Accept", "application/json"),), b"", "login")


RULE = Rule(
    slug="credentials-in-query-string",
    family="account",
    title="Credentials sent by GET or in the query string",
    harm=__doc__ or "",
    severity="high",
    check="authentication",
    cwe=(598,),
    owasp="API2:2023",
    asvs=("V14.2.1",),
    surfaces=("source", "wsgi", "http"),
    ends="Stopper's service takes a password from the body of a POST and from nowhere else.",
    detect=detect,
    probe=probe,
)
