"""The library that should protect the pages is installed and does not."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from stopper.core.answers.response_headers import headers_set
from stopper.core.app import App
from stopper.core.deployment.setting_facts import plain
from stopper.core.facts import SourceFacts, source_of
from stopper.core.flow.spread_fields import given_as
from stopper.core.place import Span
from stopper.core.rule import Certainty, Edit, Hit, Rule
from stopper.core.values import Call, Constant, Mapping, Sequence, is_constant, options, text_of, walk

_TALISMAN: Final = (
    "flask_talisman.Talisman", "flask_talisman.Talisman.init_app", "flask_talisman.talisman.Talisman",
    "talisman.Talisman", "flask_talisman.Talisman.__call__", "secure.Secure",
)  # fmt: skip
_OPTIONS: Final = (
    "force_https", "strict_transport_security", "content_security_policy", "frame_options", "x_content_type_options", "referrer_policy",
    "session_cookie_secure", "session_cookie_http_only", "x_xss_protection", "permissions_policy", "hsts", "xfo", "csp", "xcto",
)  # fmt: skip
_DOUBTFUL: Final = frozenset({"force_https", "x_xss_protection", "permissions_policy"})
_HEADERS: Final = {
    "strict-transport-security": re.compile(r"(?i)max-age\s*=\s*0\b|^\s*$"),
    "x-frame-options": re.compile(r"(?i)^\s*(allow-?all|allow)\b|^\s*$"),
    "x-content-type-options": re.compile(r"(?i)^(?!\s*nosniff\s*$)"),
    "content-security-policy": re.compile(
        r"(?i)(default|script)-src\s+[^;]*(\*(\s|;|$)|'unsafe-inline'[^;]*'unsafe-eval')|^\s*$"
    ),
    "referrer-policy": re.compile(r"(?i)^\s*unsafe-url\s*$|^\s*$"),
}


def detect(app: App) -> Iterator[Hit]:
    """An option of Talisman that is off, or a header that says the opposite of what it is for."""
    facts = source_of(app)
    calls = list(facts.calls(*_TALISMAN)) if facts.imports("flask_talisman", "talisman", "secure") else []
    for call in calls:
        off = [word for word in _OPTIONS if _is_off(app, call, word)]
        off += _hollow(app, call)
        if off:
            yield _for_one_view(_told(off, call.span)) if _is_of_one_view(facts, call) else _told(off, call.span)
    yield from _switched_later(facts) if calls else ()
    yield from _taken_away(facts)
    if app.extensions.headers is not None:
        chosen = app.extensions.headers.options
        off = [word for word in _OPTIONS if word in chosen and chosen[word] in (False, None, "")]
        if off:
            yield replace(_told(off, next((call.span for call in calls), None)), reader="running")
    said = [(flow.detail, flow.value, flow.span) for flow in facts.flows("response-header")]
    said += [(_spelled(name), one.value, one.span) for name in _HEADERS for one in headers_set(facts, name)]
    told: set[tuple[str, int]] = set()
    for name, held, span in said:
        wrong = _HEADERS.get(name.lower())
        in_vain = wrong is not None and any(isinstance(one, str) and wrong.search(one) for one in plain(facts, held))
        if in_vain and (span.path, span.line) not in told:
            told.add((span.path, span.line))
            yield Hit(f"{name} is set to a value that switches it off", span, certainty="likely")


def _spelled(name: str) -> str:
    return "-".join(word.capitalize() for word in name.split("-"))


def _is_of_one_view(facts: SourceFacts, call: Call) -> bool:
    """``@talisman(force_https=False)`` above a view."""
    return any(
        one.call is not None and one.call.span == call.span for own in facts.functions() for one in own.decorators
    )


def _for_one_view(hit: Hit) -> Hit:
    return replace(hit, message=f"{hit.message} for one view: look what it shows", severity="low")


def _hollow(app: App, call: Call) -> list[str]:
    """Options that are there and say nothing: a policy that lets every script in, a promise of https for no time."""
    facts = source_of(app)
    age = plain(facts, call.keyword("strict_transport_security_max_age"))
    found = ["strict_transport_security"] if age and all(one == 0 for one in age) else []
    policies = given_as(facts, call, "content_security_policy")
    for option in (one for policy in policies for one in options(policy)):
        said = (option.get("script-src") or option.get("default-src")) if isinstance(option, Mapping) else None
        words = [
            str(one)
            for part in (said.items if isinstance(said, Sequence) else (said,))
            if part
            for one in plain(facts, part)
        ]
        sources = {word for text in words for word in text.split()}
        if "*" in sources or {"'unsafe-inline'", "'unsafe-eval'"} <= sources:
            found.append("content_security_policy")
    return found


def _switched_later(facts: SourceFacts) -> Iterator[Hit]:
    """``talisman.frame_options = None`` behind the line that makes it, and behind no test: a hook may choose by the path."""
    off: dict[Span | None, list[tuple[str, Span]]] = {}
    for one in facts.assignments():
        if one.attribute in _OPTIONS and isinstance(one.into, Call) and one.into.callee in _TALISMAN:
            said = plain(facts, one.value)
            sets_off = bool(said) and all(value is False or value is None or value == "" for value in said)
            if sets_off and next(facts.conditions_around(one.span), None) is None:
                off.setdefault(one.into.span, []).append((one.attribute, one.span))
    yield from (_told(list(dict.fromkeys(word for word, _ in several)), several[0][1]) for several in off.values())


def _taken_away(facts: SourceFacts) -> Iterator[Hit]:
    """``response.headers.pop("Strict-Transport-Security")`` in what runs after each request."""
    for call in facts.calls("*.pop", "*.remove", "operator.delitem"):
        function = facts.function(call.function)
        after = function is not None and any(one.name.endswith("after_request") for one in function.decorators)
        names = [text_of(part) or "" for one in call.args for option in options(one) for part in walk(option, 2)]
        if after and call.span is not None and any(name.lower() in _HEADERS for name in names):
            yield Hit("a header that protects pages is taken away again", call.span, certainty="likely")


def _told(off: list[str], place: Span | None) -> Hit:
    sure: Certainty | None = "possible" if set(off) <= _DOUBTFUL else None
    return Hit(f"Talisman is installed with {', '.join(off)} off", place, certainty=sure)


def _is_off(app: App, call: Call, word: str) -> bool:
    facts = source_of(app)
    values = [one for said in given_as(facts, call, word) for one in plain(facts, said)]
    return bool(values) and all(value is False or value is None or value == "" for value in values)


def fix(app: App, hit: Hit) -> Edit | None:
    """A literal False of Talisman switched, where it is all that is off."""
    for call in source_of(app).calls(*_TALISMAN):
        if call.span != hit.span:
            continue
        off = [
            value
            for word in _OPTIONS
            if isinstance(value := call.keyword(word), Constant) and is_constant(value, False)
        ]
        if (
            len(off) == 1
            and off[0].span is not None
            and not is_constant(call.keyword("content_security_policy"), False, None)
            and not any(is_constant(call.keyword(word), None) for word in _OPTIONS)
        ):
            return Edit(off[0].span, "True", safe=False)
    return None


RULE = Rule(
    slug="security-headers-disabled",
    family="headers",
    title="Security headers are switched off one by one",
    harm=__doc__ or "",
    severity="medium",
    check="transport",
    cwe=(693,),
    owasp="API8:2023",
    asvs=("V3.4.1",),
    surfaces=("source", "running"),
    ends="`Stopper(app)` sets these headers on every answer, refusals included.",
    detect=detect,
    fix=fix,
)
