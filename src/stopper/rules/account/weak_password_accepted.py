"""Accounts open with `password` or `12345678`, the first things that anybody tries."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final, cast
from urllib.parse import parse_qsl, urlencode, urlsplit

from stopper.core.account_names import REGISTERS, is_password_name, makes_password_hash
from stopper.core.app import App, Route
from stopper.core.exchange import Exchange, Request
from stopper.core.fact import SourceRoute
from stopper.core.facts import SourceFacts, source_of
from stopper.core.finding import Evidence, Verdict
from stopper.core.flow.body_models import classes_by_name
from stopper.core.flow.expected_bodies import expected_fields
from stopper.core.flow.failed_branch import only_told
from stopper.core.flow.read_parts import origins
from stopper.core.flow.view_functions import FunctionIndex, index_of
from stopper.core.flow.whole_numbers import least_number
from stopper.core.people.held_passwords import is_held_against, only_asks_for_letter
from stopper.core.people.json_schema_passwords import takes_any_by_json
from stopper.core.people.password_schemas import (
    LEAST,
    asks_nothing,
    is_no_least,
    is_of_a_model,
    is_password_length,
    is_too_short,
    least_asked,
    length_bounds,
    measures,
    takes_any_password,
)
from stopper.core.people.registering_views import registers_somebody
from stopper.core.people.written_passwords import changes_password, inserts_password
from stopper.core.place import RouteRef
from stopper.core.probe import Steps, Target, failed, not_applicable, passed, send, unsure
from stopper.core.probing.accounts.accounts import (
    asks_no_password,
    likeliest_first,
    registered_at,
    registration_at,
    takes_accounts,
    with_account,
)
from stopper.core.probing.accounts.login import asks_again
from stopper.core.probing.baseline import alike
from stopper.core.rule import Hit, Rule
from stopper.core.values import Call, Constant, Value, text_of, walk

WEAK: Final = "password"
"""The commonest password there is; eight letters, so that a length alone lets it pass."""
_SETS: Final = re.compile(
    r"(?i)(change|reset|update|set|new)[/_-]?(my_?)?(password|passwd|pwd)|(password|pwd)[/_-](change|reset|update)|/password/?(?: |$)"
)
_OF_PEOPLE: Final = re.compile(r"(?i)/(?:users?|accounts?|customers?|members?|people|patients?|employees?)/?$")
"""Where an account is made by posting to the list of them."""
_STRENGTH: Final = re.compile(
    r"(?i)zxcvbn|pwned|breach|common_?pass|strength|strong|policy|valid|complex|password_?check|check_password_(rules|quality|policy|length|requirements)|fullmatch|\bmatch$|\.search$|weak|cracklib|load$|parse_obj|minimum|min_length|require_good"
)
_HOW_GOOD: Final = re.compile(
    r"(?i)zxcvbn|pwned|cracklib|strength|(?:valid|acceptable|good|strong|weak)_?(?:new_?)?passw|passw(?:or)?d_?(?:is_?)?(?:policy|valid|strong|weak|good|quality|rules)"
)
_PATTERNS: Final = frozenset({"re.match", "re.search", "re.fullmatch"})
_REPEATS: Final = re.compile(r"\{(\d+)(?:,\d*)?\}")
_SCHEMAS: Final = ("marshmallow", "pydantic", "flask_wtf", "wtforms", "password_strength", "zxcvbn", "apiflask", "flask_smorest", "cerberus", "jsonschema", "webargs", "flask_security", "password_validator", "email_and_password")  # fmt: skip
_BY_SCHEMA: Final = re.compile(
    r"(?i)arguments|use_args|use_kwargs|input|expect|validate|schema|spec|body|form|json_schema"
)
_MAKES_FORM: Final = re.compile(
    r"(?i)(?:form|schema)$|(?:form|schema)\.|\.(?:load|loads|validate\w*|parse_obj|model_validate)$"
)


def detect(app: App) -> Iterator[Hit]:
    """A password of the request is hashed or stored in a route that registers or changes, and nothing looks how good it is."""
    facts = source_of(app)
    if not facts.routes:
        return
    schemas = facts.imports(*_SCHEMAS)
    twice = _asking_twice(facts)
    index = index_of(facts)
    named = [
        one for one in facts.routes if not facts.is_test(one.span) and (one.view in twice or _is_about(index, one))
    ]
    told: set[str] = set()
    for route in named:
        if route.view in told:
            continue  # the same page under another address
        verbs = [one for one in route.methods if one in ("POST", "PUT", "PATCH")]
        functions = [function.name for verb in verbs for function in index.of_view(route.view, method=verb)]
        names = index.calling(functions, 2)
        if schemas and not _reads_itself(facts, functions, names):
            lax = functions and (takes_any_password(facts, names) or takes_any_by_json(facts, names))
            deeper = index.calling(functions, 4) if lax else []  # a policy of its own may lie behind service and hash
            deeper += _of_rules(facts, deeper)
            if lax and only_asks_for_letter(facts, route, index.calling(functions, 4)):
                continue
            if lax and not _asks_how_good(facts, deeper) and not measures(facts, deeper):
                told.add(route.view)
                yield _hit(facts, route, verbs[0], names)
            continue
        if functions and _takes(facts, route, names) and not _looks(facts, index.calling(functions, 4)):
            told.add(route.view)
            yield _hit(facts, route, verbs[0], names)


def _hit(facts: SourceFacts, route: SourceRoute, verb: str, names: list[str]) -> Hit:
    least = least_asked(facts, names)
    what = f"passwords of {least} characters" if least > 1 else "any password"
    return Hit(f"{verb} {route.path} takes {what}", route.registered_at, RouteRef(verb, route.path))


_AGAIN: Final = re.compile(
    r"(?i)(?P<before>confirm\w*?|repeat\w*?|again|retype|verify|re_?)_?(?P<which>new_?)?(?P<word>\w*)|(?P<first>\w+?)_?(?:2|confirm\w*|again|repeat\w*)"
)


def _is_again(name: str) -> bool:
    """``confirm_password``, ``repeat``, ``pwd2``, ``confirm_parola``"""
    found = _AGAIN.fullmatch(name)
    if found is None:
        return False
    said = found["word"] if found["before"] else found["first"]
    return not said or is_password_name(said)


def _asking_twice(facts: SourceFacts) -> frozenset[str]:
    """The functions that read a password twice, or use a form that does: that is a new one, whatever the route is called."""
    found = {one.function for one in facts.readings() if _is_again(one.key) and one.function}
    for form in facts.classes():
        if any(map(_is_again, form.attributes)) and any(map(is_password_name, form.attributes)):
            found |= {call.function for call in facts.calls(form.name)}
    return frozenset(found)


def _is_about(index: FunctionIndex, route: SourceRoute) -> bool:
    """By its name, or by what it does."""
    view = route.view.rpartition(".")[2]
    if REGISTERS.search(route.path) or REGISTERS.search(view) or _SETS.search(f"{route.path} {view}"):
        return True
    if "POST" in route.methods and (_OF_PEOPLE.search(route.path) or registers_somebody(index, route.view)):
        return True
    names = index.calling([one.name for one in index.of_view(route.view)], 2)
    return inserts_password(index.facts, names) or changes_password(index.facts, names)


def _reads_itself(facts: SourceFacts, functions: list[str], names: list[str]) -> bool:
    """That the password comes out of the request as it is, although the project has schemas or forms: no decorator, no form and no
    schema stands between."""
    if any(
        _BY_SCHEMA.search(one.name) for name in functions if (own := facts.function(name)) for one in own.decorators
    ):
        return False
    if is_of_a_model(facts, names) or any(
        _MAKES_FORM.search(call.callee) for name in names for call in facts.calls_in(name)
    ):
        return False
    return any(
        is_password_name(one.key) and one.function in names and one.source.startswith("flask.request")
        for one in facts.readings()
    ) or _hashes_sent(facts, names)


def _hashes_sent(facts: SourceFacts, names: list[str]) -> bool:
    """Something of the request, under whatever name, becomes the hash of a password."""
    return any(
        makes_password_hash(call) and any(facts.derives(value, "request-data") for value in call.args[:1])
        for name in names
        for call in facts.calls_in(name)
    )


def _takes(facts: SourceFacts, route: SourceRoute, names: list[str]) -> bool:
    if _hashes_sent(facts, names):
        return True
    reads = any(is_password_name(one.key) and one.function in names for one in facts.readings())
    changes = inserts_password(facts, names) or changes_password(facts, names)
    if not changes and is_held_against(facts, names):
        return False
    return reads and (
        changes
        or REGISTERS.search(route.path) is not None
        or any(
            makes_password_hash(call) or call.method in ("hash", "encrypt")
            for name in names
            for call in facts.calls_in(name)
        )
        or any(REGISTERS.search(name.rpartition(".")[2]) for name in names)
        or any(
            is_password_name(word) and facts.derives(value, "password")
            for name in names
            for call in facts.calls_in(name)
            for word, value in call.keywords
        )
    )


def _looks(facts: SourceFacts, names: list[str]) -> bool:
    """A length, a list, a pattern or a check that is called so."""
    hashed = [
        call.args[0] for name in names for call in facts.calls_in(name) if call.args and makes_password_hash(call)
    ]
    for name in names:
        if (
            _STRENGTH.search(name.rpartition(".")[2])
            and not _only_short(facts, name)
            and not _asks_nothing(facts, name)
        ):
            return True
        if any(_is_strength(facts, call) for call in facts.calls_in(name)):
            return True
        if any(
            is_password_name(field) and said.keyword("min_length") is not None and not is_too_short(_least(said))
            for field, said in expected_fields(facts, name).items()
        ):
            return True
        for one in facts.comparisons_in(name):
            sides = (one.left, one.right)
            if only_told(facts, one.span) or any(
                isinstance(side, Constant) and is_no_least(side.value) for side in sides
            ):
                continue
            if any(is_password_length(facts, side) or _is_length_of(side, hashed) for side in sides):
                if any(is_too_short(least_number(facts, side)) for side in sides):
                    continue  # ``len(password) < policy.least``
                return True
            if one.operator in ("in", "not in") and facts.derives(one.left, "password"):
                return True
    return False


def _of_rules(facts: SourceFacts, names: list[str]) -> list[str]:
    """What the objects ask that a policy is made of, which is handed the password: ``Policy(Length(12), NotBreached(known)).accepts(password)``."""
    asked = [call for name in names for call in facts.calls_in(name) if isinstance(call.receiver, Call)]
    made = {
        part.callee
        for call in asked
        if any(facts.derives(value, "password") for value in call.args)
        for part in walk(call.receiver, 3)
        if isinstance(part, Call)
    }
    known = classes_by_name(facts)
    return [f"{name}.{method}" for name in sorted(made & known.keys()) for method in known[name].methods]


def _is_length_of(value: Value, hashed: list[Value]) -> bool:
    """``len(new)`` of what is hashed later, whatever it is called."""
    return (
        isinstance(value, Call)
        and value.callee == "len"
        and any(given is one or origins(given) & origins(one) for given in value.args for one in hashed)
    )


def _asks_how_good(facts: SourceFacts, names: list[str]) -> bool:
    """That behind the schema a check of the password is called, by its name."""
    return any(_HOW_GOOD.search(call.method) for name in names for call in facts.calls_in(name))


def _is_strength(facts: SourceFacts, call: Call) -> bool:
    """A check that is called so; a pattern only where the password is held against it, and a length is part of it."""
    if not _STRENGTH.search(call.callee) or "email" in call.callee.lower() or _only_short(facts, call.callee):
        return False
    if _asks_nothing(facts, call.callee):
        return False
    if call.callee in _PATTERNS:
        return any(facts.derives(value, "password") for value in call.args) and _asks_length(
            call.argument(0, "pattern")
        )
    made = call.receiver
    return not (isinstance(made, Call) and made.callee == "re.compile") or _asks_length(made.argument(0, "pattern"))


def _asks_length(pattern: Value | None) -> bool:
    """That a pattern asks for eight signs or more somewhere, or cannot be read: ``\\d`` alone is one digit."""
    text = text_of(pattern)
    return text is None or any(int(least) >= LEAST for least in _REPEATS.findall(text))


def _only_short(facts: SourceFacts, name: str) -> bool:
    """That a check of the project is called so, and only holds the length against a number that is too small."""
    bounds = list(length_bounds(facts, name)) if facts.function(name) is not None else []
    return (
        bool(bounds) and max(bounds) < LEAST and not any(_HOW_GOOD.search(call.callee) for call in facts.calls_in(name))
    )


def _asks_nothing(facts: SourceFacts, name: str) -> bool:
    """``def password_complexity(password): return True``; what has no body yet says nothing."""
    return bool(facts.returns_of(name) or facts.conditions_in(name)) and asks_nothing(facts, name)


def _least(field: Call) -> object:
    said = field.keyword("min_length")
    return said.value if isinstance(said, Constant) else None


def probe(target: Target) -> Steps[Verdict]:
    """Register somebody with the commonest password, after somebody with a good one as control."""
    found = (*filter(takes_accounts, target.app.routes), *registered_at(target))
    routes = [one for one in likeliest_first(target, found) if not asks_no_password(one)]
    if not routes:
        return not_applicable("no route registers people")
    for route in routes[:2]:
        before = registration_at(target, route)
        good = yield from send(_request(target, route, "good", f"Qv7-{target.canary}-mire-lantern"))
        if not _taken(good, before):  # some take letters and digits only
            good = yield from send(_request(target, route, "good", f"Qv7{target.canary}mireLantern9"))
        if not _taken(good, before):
            continue
        weak = yield from send(_request(target, route, "weak", WEAK))
        if _taken(weak, before) and _same_shape(good, weak):
            ref = RouteRef("POST", route.path)
            evidence = [
                Evidence("exchange", "control: a long random password is taken", good),
                Evidence("exchange", "the commonest password of all is taken too", weak),
            ]
            return failed(f"{ref} takes the commonest password there is", [ref], evidence)
        return passed(f"POST {route.path} refuses the commonest password")
    return unsure("no route registered a test person")


def _taken(exchange: Exchange, before: Exchange | None) -> bool:
    """A page that asks for a password again took nobody, unless somebody was taken so *before*, and one that sends back to itself neither; one that
    sends on did."""
    response = exchange.response
    if before is not None and asks_again(before.response):
        return alike(response, before.response)
    if response.status in (302, 303):
        here = exchange.request.target.partition("?")[0].rstrip("/")
        return urlsplit(response.header("Location") or "").path.rstrip("/") != here
    return response.succeeded and not asks_again(response)


def _same_shape(good: Exchange, weak: Exchange) -> bool:
    """Both answers have one status: a 200 that tells an error has another shape."""
    one, two = good.response.json(), weak.response.json()
    if good.response.status != weak.response.status or good.response.header("Location") != weak.response.header(
        "Location"
    ):
        return False
    if not (isinstance(one, dict) and isinstance(two, dict)):
        return True
    return set(cast("dict[str, object]", one)) == set(cast("dict[str, object]", two))


def _request(target: Target, route: Route, who: str, password: str) -> Request:
    known = registration_at(target, route)
    sent = known.request if known is not None else None
    if sent is not None and "form" in (sent.header("Content-Type") or ""):
        # A form may have a token of its own: it is sent as somebody of the scan was registered by it.
        fields: dict[str, object] = dict(parse_qsl(sent.body.decode("utf-8", "replace"), keep_blank_values=True))
        again = with_account(fields, f"{who}{target.canary}", password)
        return replace(sent, body=urlencode({name: str(value) for name, value in again.items()}).encode())
    honest = target.request_for(route, "POST")
    try:
        said: object = json.loads(honest.body) if honest.body else {}
    except ValueError:
        said = {}
    body: dict[str, object] = dict(cast("dict[str, object]", said)) if isinstance(said, dict) else {}
    body = with_account(body, f"{who}{target.canary}", password)
    made = replace(honest, body=json.dumps(body).encode(), effect="write")
    headers = tuple(pair for pair in made.headers if pair[0].lower() != "content-type")
    return replace(made, headers=(*headers, ("Content-Type", "application/json")))


RULE = Rule(
    slug="weak-password-accepted",
    family="account",
    title="Weak passwords accepted at registration or change",
    harm=__doc__ or "",
    severity="medium",
    check="authentication",
    cwe=(521,),
    owasp="API2:2023",
    asvs=("V6.2.4",),
    surfaces=("source", "wsgi", "http"),
    ends="Stopper's service refuses short and common passwords at registration and change.",
    certainty="likely",
    detect=detect,
    probe=probe,
    depth="standard",
)
