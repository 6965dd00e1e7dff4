"""Pages of other websites can read the credential out of the answer, or send any header they like."""

import json
import re
from collections.abc import Iterator
from typing import Final

from stopper.core.answers.cors_facts import sayings, words
from stopper.core.answers.reflected_origins import is_sent_back_unasked
from stopper.core.answers.response_headers import SetHeader, headers_set
from stopper.core.app import App
from stopper.core.deployment.behind_settings import is_switched_by_environment
from stopper.core.facts import SourceFacts, source_of
from stopper.core.finding import Evidence, Verdict
from stopper.core.probe import Steps, Target, failed, not_applicable, passed, send
from stopper.core.probing.baseline import attempt
from stopper.core.probing.origins import crossings, stranger
from stopper.core.rule import Edit, Hit, Rule, Severity
from stopper.core.values import Constant, Sequence, Value, options, text_of

EXPOSE: Final = "Access-Control-Expose-Headers"
ALLOW: Final = "Access-Control-Allow-Headers"
ORIGIN: Final = "Access-Control-Allow-Origin"
CREDENTIALS: Final = "Access-Control-Allow-Credentials"
_ANY: Final = "other origins may send any header they like"
_ASKED: Final = "access-control-request-headers"
_SENSITIVE: Final = re.compile(
    r"(?i)^(\*|(proxy-)?authorization|set-cookie|(x-)?(auth|access|refresh|session|id|api|jwt|new|user)[-_]?(access-?)?token|(x-)?api-?key|x-(jwt|session(-id)?|"
    r"secret)|token)$"
)


def detect(app: App) -> Iterator[Hit]:
    """Credential headers among the exposed ones, or every request header allowed in so many words."""
    facts = source_of(app)
    spans: dict[object, Hit] = {}
    with_cookies = any(said.with_credentials for said in sayings(facts)) or any(headers_set(facts, CREDENTIALS))
    # without the visitor's cookies a page of elsewhere sends what any program may send as well
    weight: Severity | None = None if with_cookies else "low"
    for said in sayings(facts):
        for name in words(said.expose_headers):
            if _SENSITIVE.match(name):
                spans.setdefault(said.span, Hit(f"other origins may read the header {name} of every answer", said.span))
        if "*" in words(said.allow_headers):
            spans.setdefault(said.span, Hit(_ANY, said.span, severity=weight))
    for one in headers_set(facts, EXPOSE):
        for name in words(one.value):
            if _SENSITIVE.match(name):
                spans.setdefault(one.span, Hit(f"other origins may read the header {name} of every answer", one.span))
    reflecting = {
        one.span.path
        for one in headers_set(facts, ORIGIN)
        if _is_own_origin(facts, one.value) and is_sent_back_unasked(facts, one)
    }
    for one in headers_set(facts, ALLOW):
        if one.span.path in reflecting or is_switched_by_environment(facts, one.span):
            continue  # whoever lets every origin in, line by line, has that to mend first: ``cors-origin-reflected`` tells of it
        if "*" in words(one.value) or (_is_what_was_asked(facts, one.value) and not _is_chosen(facts, one)):
            spans.setdefault(one.span, Hit(_ANY, one.span, severity=weight))
    yield from spans.values()


def _is_chosen(facts: SourceFacts, one: SetHeader) -> bool:
    """``[name for name in asked if name in ALLOWED]``"""
    return any(one.span.holds(asked.span) for asked in facts.comparisons("in", "not in"))


def _is_own_origin(facts: SourceFacts, value: Value) -> bool:
    return any(label.kind == "request-header" and label.source.lower() == "origin" for label in facts.labels(value))


def _is_what_was_asked(facts: SourceFacts, value: Value) -> bool:
    """That the question of the preflight is its own answer: whatever it asks for is allowed."""
    return any(
        label.kind == "request-header" and label.source.lower() == _ASKED
        for option in options(value)
        for label in facts.labels(option)
    )


def fix(app: App, hit: Hit) -> Edit | None:
    """The headers that are exposed, without those that hold credentials, where they are written at the place itself."""
    facts = source_of(app)
    said = [one.expose_headers for one in sayings(facts) if one.span == hit.span]
    said += [one.value for one in headers_set(facts, EXPOSE) if one.span == hit.span]
    for value in said:
        span = getattr(value, "span", None)
        if span is None or hit.span is None or span.path != hit.span.path:
            continue
        left = [name for name in words(value) if not _SENSITIVE.match(name)]
        if isinstance(value, Constant):
            return Edit(span, json.dumps(", ".join(left)), safe=False)
        if isinstance(value, Sequence) and all(text_of(item) is not None for item in value.items):
            return Edit(span, json.dumps(left), safe=False)
    return None


def probe(target: Target) -> Steps[Verdict]:
    """Which headers of the answer a page of another origin may read, and what a preflight allows it to send."""
    seen = yield from crossings(target, stranger(target))
    if not seen:
        return not_applicable("no route can be read")
    for one in seen:
        named = [word.strip() for header in one.crossed.response.all_headers(EXPOSE) for word in header.split(",")]
        bad = [word for word in named if _SENSITIVE.match(word)]
        if bad:
            evidence = [
                Evidence("exchange", "control: the same request from no other website", one.honest),
                Evidence("exchange", f"a page of another origin may read {', '.join(bad)}", one.crossed),
            ]
            return failed(f"{one.ref} exposes {', '.join(bad)} to other origins", [one.ref], evidence)
    asked = seen[0].crossed.request
    pairs = (("Access-Control-Request-Method", "GET"), ("Access-Control-Request-Headers", "x-stopper"))
    preflight = yield from attempt(send(type(asked)("OPTIONS", asked.target, (*asked.headers, *pairs))))
    if preflight is not None and (preflight.response.header(ALLOW) or "").strip() == "*":
        evidence = [
            Evidence("exchange", "control: the request that a page wants to send", seen[0].crossed),
            Evidence("exchange", "the question before it is answered: any header may be sent", preflight),
        ]
        return failed(f"{seen[0].ref} allows every request header to other origins", [seen[0].ref], evidence)
    return passed(f"{len(seen)} routes expose no credential to other origins")


RULE = Rule(
    slug="cors-sensitive-headers-exposed",
    family="cors",
    title="CORS: headers with credentials are exposed to other origins",
    harm=__doc__ or "",
    severity="medium",
    check="input-validation",
    cwe=(942,),
    owasp="API8:2023",
    asvs=("V3.4.2",),
    surfaces=("source", "wsgi", "http"),
    ends="`Stopper(app)` exposes none of these headers; `STOPPER_CORS_ORIGINS` names who may call.",
    detect=detect,
    probe=probe,
    fix=fix,
)
