"""Joins what detectors saw and probes proved into findings: one root cause is one finding, with everything that speaks for it."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Literal

from stopper.core.app import App
from stopper.core.finding import Confidence, Evidence, Finding, Verdict, counted, order_of
from stopper.core.place import Place, RouteRef, Span
from stopper.core.rule import SEVERITIES, Certainty, Edit, Hit, Rule, Severity
from stopper.scan.detecting import DetectorResult
from stopper.scan.merge import shape

if TYPE_CHECKING:
    from stopper.scan.engine import ProbeResult

PLACES_MOST: Final = 50
"""Routes that are named in one finding; a setting that reaches them all is named alone."""
TOKENS: Final = ("jwt", "flask-jwt-extended")
"""Families whose weakness shows where a token is taken and may be caused where it is made."""
_CERTAINTIES: Final[tuple[Certainty, ...]] = ("possible", "likely", "certain")


@dataclass(slots=True)
class _Draft:
    """A finding while evidence for it is still being gathered."""

    rule: Rule
    hits: list[Hit]
    reach: "Reach"
    proofs: list[tuple[Rule, Verdict, tuple[RouteRef, ...]]] = field(
        default_factory=list["tuple[Rule, Verdict, tuple[RouteRef, ...]]"]
    )


_METHODS: Final = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Reach:
    """The routes that a place of the source has a part in. ``everything`` is true of settings and module level."""

    everything: bool
    routes: tuple[RouteRef, ...] = ()

    def among(self, proven: Iterable[RouteRef]) -> tuple[RouteRef, ...]:
        """Those of *proven* that are reached."""
        shapes = {(ref.method, shape(ref.path)) for ref in self.routes}
        return tuple(ref for ref in proven if self.everything or (ref.method, shape(ref.path)) in shapes)


def correlate(
    app: App, seen: Sequence[DetectorResult], tried: "Sequence[ProbeResult]", issuers: Sequence[RouteRef] = ()
) -> tuple[Finding, ...]:
    """The findings, the worst and surest first. Pure: nothing is sent or read.

    ``issuers`` are the routes that gave out the credentials of this run: what is wrong with a token may have its cause there.
    """
    drafts = [draft for result in seen for draft in _drafts(app, result)]
    loose: list[Finding] = []
    for result in tried:
        if result.verdict.outcome == "fail":
            loose.extend(_placed(app, drafts, result.rule, result.verdict, issuers))
    findings = _joined([*(_finished(app, draft) for draft in drafts), *loose])
    return tuple(sorted(findings, key=order_of))


def _joined(findings: Sequence[Finding]) -> list[Finding]:
    """The findings, where one that the wire alone knows and that shows the effect of another, proven on the same route, is joined with
    it; the name is the cause's, unless nobody knows its line and the effect weighs more."""
    left = list(findings)
    for effect in findings:
        if effect.confidence != "proven" or effect not in left:
            continue
        cause = next((one for one in left if one is not effect and _is_effect(effect, one)), None)
        if cause is None:
            continue
        worse = SEVERITIES.index(effect.weight) > SEVERITIES.index(cause.weight)
        kept, given = (
            (effect, cause) if worse and all(place.span is None for place in cause.places) else (cause, effect)
        )
        left[left.index(kept)] = _taking_in(kept, given)
        left.remove(given)
    return left


def _is_effect(effect: Finding, cause: Finding) -> bool:
    """That *effect* is what *cause* comes to, seen at a route of *cause*."""
    routes = {place.route for place in cause.places}
    if cause.confidence not in ("proven", "confirmed"):
        return False
    return cause.rule.slug in effect.rule.effect_of and any(place.route in routes for place in effect.places)


def _taking_in(kept: Finding, given: Finding) -> Finding:
    said = Evidence("effect", f"also seen as {given.rule.slug}: {given.message}")
    places = tuple(dict.fromkeys((*kept.places, *given.places)))
    return replace(kept, places=places, evidence=(*kept.evidence, said, *given.evidence))


def _drafts(app: App, result: DetectorResult) -> list[_Draft]:
    """One draft for each place of the source, or for each cause that signs name. A sign without a place speaks for the places of its rule,
    when there are any."""
    placed: dict[Span | str, _Draft] = {}
    others: list[Hit] = []
    for hit in result.hits:
        key = hit.cause or hit.span
        if key is None:
            others.append(hit)
        elif key in placed:
            placed[key].hits.append(hit)
            if hit.cause:
                placed[key].reach = _widened(placed[key].reach, reach_of(app, hit))
        else:
            placed[key] = _Draft(result.rule, [hit], reach_of(app, hit))
    drafts = list(placed.values())
    for hit in others:
        home = _home(drafts, hit)
        if home is None:
            drafts.append(_Draft(result.rule, [hit], reach_of(app, hit)))
        else:
            if hit.reader == "spec":
                home.reach = _widened(home.reach, reach_of(app, hit))
            home.hits.append(hit)
    return drafts


def _widened(first: Reach, second: Reach) -> Reach:
    return Reach(first.everything or second.everything, tuple(dict.fromkeys((*first.routes, *second.routes))))


def _home(drafts: Sequence[_Draft], hit: Hit) -> _Draft | None:
    """The draft that a hit without a span belongs to: of the same route, or of any place when it speaks of the whole app. What a
    document alone says, without a line, is one finding: the document is the cause, however many operations it is written at."""
    if hit.reader == "spec":
        alone = next((one for one in drafts if one.hits[0].span is None and one.hits[0].reader == "spec"), None)
        if alone is not None:
            return alone
    if hit.route is None:
        return next((draft for draft in drafts if draft.reach.everything), None)
    return next(
        (draft for draft in drafts if draft.hits[0].route is None and draft.reach.among([hit.route])), None
    ) or next((draft for draft in drafts if hit.route in [known.route for known in draft.hits]), None)


def reach_of(app: App, hit: Hit) -> Reach:
    """The routes that the place of *hit* has a part in: its own, those of its view, those that run its function."""
    own = (hit.route,) if hit.route is not None else ()
    if hit.span is None:
        return Reach(hit.route is None, own)
    function = function_at(app, hit.span)
    answers = _method_of(app, function)
    views = [
        ref
        for route in app.routes
        if route.span is not None
        and route.span.path == hit.span.path
        and route.span.line <= hit.span.line <= route.span.end_line
        for ref in route.refs()
        if answers is None or ref.method == answers
    ]
    if not own and not views and (not function or _sets_up(app, hit.span, function)):
        return Reach(True)
    running = app.source.routes_reaching(function) if app.source is not None and function else ()
    return Reach(False, tuple(dict.fromkeys((*own, *views, *running))))


def _method_of(app: App, function: str) -> str | None:
    """The one method that a function of a view class answers; None for any other function."""
    known = app.source.function(function) if app.source is not None and function else None
    word = function.rpartition(".")[2].upper()
    return word if known is not None and known.owner and word in _METHODS else None


def _sets_up(app: App, span: Span, function: str) -> bool:
    """Whether the place is a setting, or stands in the function that makes the application: both touch every route."""
    if app.source is None:
        return False
    facts = app.source
    written = facts.once("lines of settings", lambda: _by_file(write.span for write in facts.all_config))
    if any(first <= span.line <= last for first, last in written.get(span.path, ())):
        return True
    return any(call.callee == "flask.Flask" for call in app.source.calls_in(function))


def _by_file(spans: Iterable[Span]) -> dict[str, list[tuple[int, int]]]:
    found: dict[str, list[tuple[int, int]]] = {}
    for span in spans:
        found.setdefault(span.path, []).append((span.line, span.end_line))
    return found


def function_at(app: App, span: Span) -> str:
    """The innermost function around *span*; empty at module level."""
    return app.source.function_around(span) if app.source is not None else ""


def _placed(
    app: App, drafts: Sequence[_Draft], rule: Rule, verdict: Verdict, issuers: Sequence[RouteRef]
) -> list[Finding]:
    """Give the proof to the drafts whose place causes it; what no place explains is a finding of the wire alone."""
    left = list(verdict.routes)
    for slug in (rule.slug, *rule.effect_of):
        causes = _causes(
            [draft for draft in drafts if draft.rule.slug == slug], left, issuers if rule.family in TOKENS else ()
        )
        explained: set[RouteRef] = set()
        for draft, refs in causes:
            draft.proofs.append((rule, verdict, refs))
            explained.update(refs)
        left = [ref for ref in left if ref not in explained]
        if causes and not left:
            return []
    return [_of_the_wire(app, rule, verdict, tuple(left))]


def _causes(
    drafts: Sequence[_Draft], proven: Sequence[RouteRef], issuers: Sequence[RouteRef]
) -> list[tuple[_Draft, tuple[RouteRef, ...]]]:
    """The drafts that can cause what was proven, with the routes each explains: the nearest to the routes, else those where the
    credential was issued, else the settings that touch every route."""
    near = [(draft, refs) for draft in drafts if not draft.reach.everything and (refs := draft.reach.among(proven))]
    if near:
        return near
    issued = [draft for draft in drafts if not draft.reach.everything and draft.reach.among(issuers)]
    return [(draft, tuple(proven)) for draft in issued or [draft for draft in drafts if draft.reach.everything]]


def _of_the_wire(app: App, rule: Rule, verdict: Verdict, routes: tuple[RouteRef, ...]) -> Finding:
    """A finding that only the wire knows. Where the application is at hand, its places carry the view's lines."""
    return Finding(
        rule,
        verdict.message,
        tuple(Place(view_span(app, ref), ref) for ref in routes[:PLACES_MOST]),
        "proven",
        verdict.evidence,
        severity=verdict.severity,
    )


def view_span(app: App, ref: RouteRef) -> Span | None:
    """Where the view of that route stands."""
    for route in app.routes:
        if shape(route.path) == shape(ref.path) and ref.method in route.methods and route.span is not None:
            return route.span
    return None


def _finished(app: App, draft: _Draft) -> Finding:
    first = draft.hits[0]
    proven = tuple(dict.fromkeys(ref for _, _, refs in draft.proofs for ref in refs))
    evidence = [_sign(app, hit) for hit in draft.hits]
    for rule, verdict, _ in draft.proofs:
        if rule.slug != draft.rule.slug:
            evidence.append(Evidence("effect", f"proven by {rule.slug}: {verdict.message}"))
        evidence.extend(verdict.evidence)
    certainties: list[Certainty] = [hit.certainty or draft.rule.certainty for hit in draft.hits]
    certainty = max(certainties, key=_CERTAINTIES.index)
    return Finding(
        draft.rule, _message(draft), _places(draft, proven), _confidence(app, draft), tuple(dict.fromkeys(evidence)), certainty, _edit(app, draft.rule, first),
        severity=_least(draft), each_counts=bool(first.cause),
    )  # fmt: skip


def _least(draft: _Draft) -> Severity | None:
    """The most that one of its signs says it weighs; None where something is proven, which weighs what the rule or the probe says."""
    said: list[Severity] = [hit.severity or draft.rule.severity for hit in draft.hits]
    return None if draft.proofs else max(said, key=SEVERITIES.index)


def _message(draft: _Draft) -> str:
    """What the first sign says; where a document or a cause says more of the kind, how much more."""
    first, more = draft.hits[0], len({hit.route for hit in draft.hits}) - 1
    return counted(first.message, more if first.cause or (first.span is None and first.reader == "spec") else 0)


def _confidence(app: App, draft: _Draft) -> Confidence:
    """Proven needs a probe; confirmed also the line. Source and the import of the same source are one reader; the spec is another."""
    if draft.proofs:
        return "confirmed" if draft.hits[0].span is not None else "proven"
    kinds = {"code" if _reader(app, hit) in ("source", "running") else "spec" for hit in draft.hits}
    return "corroborated" if len(kinds) > 1 else "indicated"


def _reader(app: App, hit: Hit) -> Literal["source", "running", "spec"]:
    if hit.reader is not None:
        return hit.reader
    if hit.span is not None:
        return "source"
    return "running" if "running" in app.readers or "spec" not in app.readers else "spec"


def _sign(app: App, hit: Hit) -> Evidence:
    place = str(Place(hit.span, hit.route))
    return Evidence(_reader(app, hit), hit.message if hit.message.startswith(place) else f"{place}: {hit.message}")


def _places(draft: _Draft, proven: tuple[RouteRef, ...]) -> tuple[Place, ...]:
    """The span with the first route it is known to spoil, then the other routes; a setting that reaches all stands alone."""
    span = draft.hits[0].span
    own = tuple(hit.route for hit in draft.hits if hit.route is not None)
    reached = () if draft.reach.everything else draft.reach.routes
    here = draft.reach.among(proven)
    routes = list(dict.fromkeys((*here, *own, *reached, *proven)))[:PLACES_MOST]
    if not routes:
        return (Place(span, None),)
    if draft.hits[0].cause:
        lines = {hit.route: hit.span for hit in reversed(draft.hits)}
        return tuple(Place(lines.get(ref), ref) for ref in routes)
    return (Place(span, routes[0]), *(Place(None, ref) for ref in routes[1:]))


_NOT_EDITED: Final = re.compile(r"\.(?:ipynb|json|toml|cfg)$|^(?!.*compose).*\.ya?ml$")
"""What is read as Python and is something else: an edit would break it. A ``.cfg`` is Python, and is read by others too."""

_OF_LINES: Final = frozenset({"ci", "dependency"})
"""Families whose rules read such files as lines, and edit them as lines."""


def _edit(app: App, rule: Rule, hit: Hit) -> Edit | None:
    if rule.fix is None or hit.span is None:
        return None
    if rule.family not in _OF_LINES and _NOT_EDITED.search(hit.span.path):
        return None
    try:
        return rule.fix(app, hit)
    except Exception:  # noqa: BLE001 - a finding without a mend is better than no finding
        return None
