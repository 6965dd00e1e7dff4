"""Leaves out what one rule repeats of another: a cause that a stronger rule has proven is told once."""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, cast
from urllib.parse import parse_qsl, unquote

from stopper.core.exchange import Exchange, Request
from stopper.core.finding import Evidence, Verdict
from stopper.core.place import RouteRef
from stopper.core.rule import Hit, Rule
from stopper.scan.detecting import DetectorResult
from stopper.scan.reached import NOBODY, Reached

if TYPE_CHECKING:
    from stopper.scan.engine import ProbeResult

_CONTROL = "control:"
"""How the text of an exchange begins that shows the honest case."""


def without_echoes(
    seen: Sequence[DetectorResult], tried: "Sequence[ProbeResult]"
) -> "tuple[tuple[DetectorResult, ...], tuple[ProbeResult, ...]]":
    """What was seen and tried, without what stronger rules tell (``Rule.echo_of``)."""
    proven = {one.rule.slug: one.verdict for one in tried if one.verdict.outcome == "fail"}

    def stronger(slugs: Iterable[str]) -> list[Verdict]:
        return [proven[slug] for slug in slugs if slug in proven]

    left = tuple(
        replace(one, hits=()) if one.rule.slug not in proven and stronger(one.rule.echo_of) else one for one in seen
    )
    return left, tuple(
        replace(one, verdict=_left(one.verdict, told))
        if one.verdict.outcome == "fail" and (told := stronger(one.rule.echo_of))
        else one
        for one in tried
    )


def without_refuted(seen: Sequence[DetectorResult], reached: Iterable[Reached]) -> tuple[DetectorResult, ...]:
    """*seen* without what a document alone says of guards, at routes that have refused nobody's every request. What a rule of the inventory tells of
    the document itself stays, and weighs no more than ``medium``: the server asks for what the document forgot."""
    refusing = {row.ref for row in reached if row.state(NOBODY) == "refused"}
    return tuple(
        replace(one, hits=tuple(_milder(one.rule, hit, refusing) for hit in one.hits))
        if one.rule.family == "inventory"
        else replace(one, hits=tuple(hit for hit in one.hits if hit.reader != "spec" or hit.route not in refusing))
        for one in seen
    )


def _milder(rule: Rule, hit: Hit, refusing: set[RouteRef]) -> Hit:
    """What only the document lacks, where the server has refused nobody's request there, or somewhere where all of it is meant."""
    asked_for = hit.route in refusing if hit.route is not None else bool(refusing)
    mild = hit.reader == "spec" and asked_for and hit.severity is None and rule.severity in ("high", "critical")
    return replace(hit, severity="medium") if mild else hit


def _left(verdict: Verdict, told: Sequence[Verdict]) -> Verdict:
    """*verdict* without the routes at whose inputs *told* have proven more."""
    known = [_quoted(exchange.request) for other in told for exchange in _telling(other.evidence)]
    echoed = [route for route in verdict.routes if _echoes(verdict, route, known)]
    if not echoed:
        return verdict
    routes = tuple(route for route in verdict.routes if route not in echoed)
    if not routes:
        return Verdict(
            "not-applicable", "all of it is the effect of what a stronger rule has proven at the same inputs"
        )
    evidence = tuple(one for one in verdict.evidence if not any(_is_of(route, one.exchange) for route in echoed))
    message = verdict.message.replace(str(verdict.routes[0]), str(routes[0]), 1)
    return Verdict("fail", message, routes, evidence) if evidence else verdict


def _echoes(verdict: Verdict, route: RouteRef, known: Sequence[frozenset[tuple[str, str]]]) -> bool:
    """Whether all that was shown of *route* came from a quote in an input where a quote has proven more."""
    shown = [_quoted(exchange.request) for exchange in _telling(verdict.evidence) if _is_of(route, exchange)]
    return bool(shown) and all(any(mine & theirs for theirs in known) for mine in shown)


def _telling(evidence: Iterable[Evidence]) -> Iterator[Exchange]:
    for one in evidence:
        if one.exchange is not None and not one.text.startswith(_CONTROL):
            yield one.exchange


def _is_of(route: RouteRef, exchange: Exchange | None) -> bool:
    if exchange is None or exchange.request.method != route.method:
        return False
    form = "[^/]*".join(re.escape(part) for part in re.split(r"\{[^{}]*\}", route.path))
    return re.fullmatch(f"(?:/.*)?{form}", exchange.request.target.partition("?")[0]) is not None


def _quoted(request: Request) -> frozenset[tuple[str, str]]:
    """The inputs of *request* that hold a quote: its method and path without them, and where each stands."""
    path, _, query = request.target.partition("?")
    parts = [unquote(part) for part in path.split("/")]
    found = {f"part {number}" for number, part in enumerate(parts) if _has_quote(part)}
    found |= {f"query {name}" for name, value in parse_qsl(query, keep_blank_values=True) if _has_quote(value)}
    found |= {
        f"member {name}" for name, value in _members(request.body) if isinstance(value, str) and _has_quote(value)
    }
    stem = f"{request.method} {'/'.join('' if _has_quote(part) else part for part in parts)}"
    return frozenset((stem, one) for one in found)


def _has_quote(text: str) -> bool:
    return "'" in text or '"' in text


def _members(body: bytes) -> Iterable[tuple[str, object]]:
    try:
        found: object = json.loads(body)
    except (ValueError, RecursionError):
        return ()
    return cast("dict[str, object]", found).items() if isinstance(found, dict) else ()
