"""Somebody who tries keys learns which ones exist, are revoked, or lack a right."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.app import App
from stopper.core.exchange import Exchange
from stopper.core.facts import SourceFacts, source_of
from stopper.core.finding import Evidence, Verdict
from stopper.core.keys.api_key_names import reads_keys
from stopper.core.place import Span
from stopper.core.probe import Identity, Skipped, Steps, Target, failed, not_applicable, passed, send
from stopper.core.probing.api_key import key_holders, with_header
from stopper.core.probing.baseline import NONSENSE, candidates, establish, same
from stopper.core.rule import Hit, Rule
from stopper.core.values import Constant, Sequence, Value, walk

_TELLS: Final = re.compile(
    r"(?i)\b(?:api[ _-]?)?key\b.{0,20}\b(?:revoked|expired|disabled|inactive|deactivated|suspended)|(?:revoked|expired|disabled|inactive|suspended) (?:api[ _-]?)?key"
)
_UNKNOWN: Final = re.compile(
    r"(?i)(?:unknown|invalid|no such|wrong|bad) (?:api[ _-]?)?key|(?:api[ _-]?)?key (?:is )?(?:unknown|not found|invalid|does not exist|wrong)|unauthori[sz]ed"
)


def detect(app: App) -> Iterator[Hit]:
    """One function that says "unknown key" here and "revoked key" there."""
    facts = source_of(app)
    if not reads_keys(facts) or not facts.says_like("key", _TELLS):
        return
    told: dict[str, dict[str, Span]] = {}
    for function, value, span in _said(facts):
        for kind in _kinds(value):
            told.setdefault(function, {}).setdefault(kind, span)
    for kinds in told.values():
        if len(kinds) == 2:
            yield Hit("a key that exists is answered in other words than one that does not", kinds["revoked"])


def _said(facts: SourceFacts) -> Iterator[tuple[str, Value, Span]]:
    """Everything that a function answers with: function, value and place."""
    for returned in facts.returns():
        yield returned.function, returned.value, returned.span
    for call in facts.calls("*.abort", "flask.jsonify", "flask.make_response"):
        if call.span is not None:
            yield call.function, Sequence((*call.args, *(value for _, value in call.keywords))), call.span
    for raised in facts.raises():
        if raised.value is not None:
            yield raised.function, raised.value, raised.span


def _kinds(value: Value) -> Iterator[str]:
    for one in walk(value, 6):
        if isinstance(one, Constant) and isinstance(one.value, str):
            if _TELLS.search(one.value):
                yield "revoked"
            elif _UNKNOWN.search(one.value):
                yield "unknown"


def probe(target: Target) -> Steps[Verdict]:
    """A key of another form, and the good key with another end: both are wrong, so both get one answer."""
    people = key_holders(target)
    if not people:
        return not_applicable("no identity with an API key is known; give one with --identity")
    for route, method in candidates(target):
        try:
            baseline = yield from establish(target, route, method, people[0])
            if baseline.kind != "protected" or baseline.nonsense is None:
                continue
            near = yield from send(with_header(baseline.request, people[0].headers[0][0], _near(people[0])))
            far = yield from send(with_header(baseline.request, people[0].headers[0][0], NONSENSE))
        except Skipped:
            continue
        if near.response.succeeded or same(near.response, far.response):
            return passed(f"{baseline.ref} answers every wrong key alike")
        return failed(f"{baseline.ref} tells wrong keys apart", [baseline.ref], _shown(far, near))
    return not_applicable("no route that can be read is closed without a key and open with one")


def _near(person: Identity) -> str:
    """The good key with its end turned round."""
    key = person.headers[0][1].reveal()
    end = key[-6:][::-1]
    return key[:-6] + (end if end != key[-6:] else "stoppr")


def _shown(far: Exchange, near: Exchange) -> list[Evidence]:
    return [
        Evidence("exchange", "control: a key that nobody issued", far),
        Evidence("exchange", "a key that begins as a good one does", near),
    ]


RULE = Rule(
    slug="api-key-error-oracle",
    family="api-key",
    title="Answers tell how near a wrong API key was",
    harm=__doc__ or "",
    severity="low",
    check="authentication",
    cwe=(204,),
    owasp="API2:2023",
    asvs=("V6.3.1",),
    surfaces=(
        "source",
        "wsgi",
        "http",
    ),
    ends="Stopper's `@api_key` answers every bad key with the same 401.",
    certainty="likely",
    detect=detect,
    probe=probe,
)
