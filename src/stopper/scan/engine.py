"""Runs detectors over the model and probes over the wire. A rule that fails says so in one line and stops nothing else."""

import re
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from stopper.core.exchange import Exchange, Request
from stopper.core.finding import Verdict
from stopper.core.probe import (
    LITTLE,
    Compute,
    Depth,
    Listen,
    LookAtTls,
    Own,
    Question,
    Send,
    Skipped,
    Step,
    Target,
    Together,
    Undo,
)
from stopper.core.probing.burst import LOAD
from stopper.core.probing.errors_seen import ERRORS, LIMITED, SHOWN
from stopper.core.rule import Rule, Surface
from stopper.scan.detecting import DetectorResult, one_line, outcome_of, run_detectors
from stopper.scan.options import Progress, silent
from stopper.scan.order_of_probes import by_kind, by_turns, by_weight, readers_first, run_beside
from stopper.scan.people.renewal import Renewals
from stopper.scan.room import is_little
from stopper.scan.turns import Turn
from stopper.scan.wire.courier import USED_UP, Courier
from stopper.scan.wire.listener import LoopbackListener
from stopper.scan.wire.shared import shows_nothing
from stopper.scan.wire.transport import READ_METHODS

__all__ = ["DetectorResult", "ProbeResult", "not_for", "outcome_of", "run_detectors", "run_probe", "run_probes"]

KEPT: Final = 72
"""Requests that are kept for the probes that run last, an eighth of a small budget at most: they look at log-ins and limits."""
SURVEYED: Final = 60
"""Requests that are kept for routes which no probe has asked."""
STEPS_MOST: Final = 2000
"""Steps of one probe; a probe that goes on longer has lost its way."""
_ENDING: Final = re.compile(
    r"(?i)log-?out|sign-?out|revoke|password|passwd|(?<![a-z])(ch|change|new|set|update)[/_-]?(pwd|pass)(?![a-z])|deactivate|keys?[/_-](rotate|regenerate|renew|reset)|(rotate|regenerate)[/_-]?(\w+[/_-])?keys?|(?<![a-z])sessions?/?$"
)
"""Paths where a person of the scan could lose the credential that every probe needs."""
_ACCOUNT: Final = re.compile(r"(?i)(?<![a-z])account/?$")
"""The same where it is no change of members, from which a password is taken out."""
_LOOKING: Final = ("data-exposure", "inventory", "transport")
"""Those that look at how an answer is made, for whom one will do that was read before something was written."""
_READING: Final = ("authentication", "function-authorization")
"""Those that ask whether a door is open to nobody: what is written does not change that."""
_NEEDING: Final = frozenset(
    {"authentication", "object-authorization", "function-authorization", "property-authorization", "rate-limiting"}
)
"""The checks whose probes register people and log in because they must; the others only vary what they send to such a door too."""
_DEPTHS: Final[tuple[Depth, ...]] = ("quick", "standard", "deep")


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """What one rule's probe came to."""

    rule: Rule
    verdict: Verdict
    seconds: float = 0.0
    cut: bool = False
    """Whether the budget did not allow something that it asked."""


def run_probes(
    target: Target,
    rules: Sequence[Rule],
    courier: Courier,
    *,
    workers: int = 8,
    progress: Progress = silent,
    renewals: Renewals | None = None,
) -> tuple[ProbeResult, ...]:
    """Run every probe side by side, in the order of *rules*. On Ctrl-C what was done is taken back before it goes on up.

    With ``renewals`` a person whose credential ended logs in again before the next probe.
    """
    asked = [rule for rule in rules if rule.probe is not None]
    results: dict[str, ProbeResult] = {}
    fit: list[Rule] = []
    for rule in asked:
        reason = not_for(rule, target.surface, target.depth)
        if reason:
            results[rule.slug] = ProbeResult(rule, Verdict("not-applicable", reason))
        else:
            fit.append(rule)

    target.notes.setdefault(LOAD, courier.load.so_far)
    target.notes.setdefault(ERRORS, lambda: tuple(courier.errors))
    target.notes.setdefault(SHOWN, lambda: tuple(courier.shown))
    target.notes.setdefault(LIMITED, lambda: tuple(courier.limited))
    lock = threading.Lock()

    def done(result: ProbeResult) -> None:
        with lock:
            results[result.rule.slug] = result
            progress("probing", len(results), len(asked))

    def run(rule: Rule, turn: Turn | None = None) -> None:
        done(run_probe(rule, target, courier, renewals, turn))

    beside = readers_first(rule for rule in fit if not rule.disturbs)
    for_survey = min(sum(len(route.refs()) for route in target.app.routes), SURVEYED, courier.max_requests // 5)
    last = sorted((rule for rule in fit if rule.disturbs), key=by_weight)
    for_last = min(KEPT, courier.max_requests // 8) if last else 0
    courier.kept_back = for_survey + for_last
    # What is asked wrongly may be kept, and whoever reads it later fails: errors are provoked when inputs have been tried.
    provoking = sorted((rule for rule in beside if rule.provokes), key=by_weight)
    calm = [rule for rule in beside if not rule.provokes]
    if workers > 1 and is_little(courier, target.app.routes):
        target.notes[LITTLE] = True
        by_turns(calm, provoking, courier, run)
    else:
        by_kind(calm, provoking, courier, workers, run, results)
    courier.kept_back = for_survey
    run_beside(last, courier, 1, run)  # each may end what the others stand on
    courier.kept_back = 0  # what is left asks the routes that no probe has asked
    lost = Verdict("open", "the probe was not run to its end")
    return tuple(results.get(rule.slug) or ProbeResult(rule, lost) for rule in asked)


def not_for(rule: Rule, surface: Surface, depth: Depth) -> str:
    """Why the rule's probe does not run on this surface at this depth, or an empty text."""
    served = {"http", "https"} if surface == "https" else {surface}
    if not served & set(rule.surfaces):
        return f"it looks at {', '.join(rule.surfaces)} and this is {surface}"
    if _DEPTHS.index(rule.depth) > _DEPTHS.index(depth):
        return f"it runs from --depth {rule.depth}"
    return ""


def run_probe(
    rule: Rule, target: Target, courier: Courier, renewals: Renewals | None = None, turn: Turn | None = None
) -> ProbeResult:
    """Run one probe to its verdict. It is ``open`` when a step was forbidden or the probe itself failed.

    A probe whose credential ended under it has seen refusals that mean nothing: it runs once more, with a new one.
    """
    if renewals is None:
        return _run_once(rule, target, courier, turn)
    given = renewals.ready(target, ask=rule.disturbs)
    result = _run_once(rule, given, courier, turn)
    if rule.disturbs or courier.stopping.is_set():
        return result
    again = renewals.ready(target)
    if again.identities == given.identities:
        return result
    return _run_once(rule, again, courier, turn)


def _run_once(rule: Rule, target: Target, courier: Courier, turn: Turn | None) -> ProbeResult:
    began = time.perf_counter()
    rig = _Rig(courier, target, rule, turn)
    try:
        verdict = _drive(rule, target, rig)
    except Skipped as skipped:
        verdict = Verdict("open", str(skipped))
    except Exception as error:  # noqa: BLE001 - one broken probe must not end the scan
        verdict = Verdict("open", f"the probe of {rule.slug} stopped: {one_line(error)}")
    finally:
        rig.close()
    return ProbeResult(rule, _checked(verdict), time.perf_counter() - began, rig.cut)


def _drive(rule: Rule, target: Target, rig: "_Rig") -> Verdict:
    if rule.probe is None:
        return Verdict("not-applicable", "it has no probe")
    running = rule.probe(target)
    try:
        step = next(running)
        for _ in range(STEPS_MOST):
            try:
                answer = rig.perform(step)
            except Skipped as skipped:
                rig.cut = rig.cut or str(skipped).startswith(USED_UP)
                step = running.throw(skipped)
            else:
                step = running.send(answer)
    except StopIteration as ended:
        return cast("Verdict", ended.value)
    finally:
        running.close()
    return Verdict("open", f"the probe did not end within {STEPS_MOST} steps")


def _checked(verdict: object) -> Verdict:
    """A fail without a route or evidence accuses without proof: it counts as open."""
    if not isinstance(verdict, Verdict):
        return Verdict("open", "the probe returned no verdict")
    if verdict.outcome == "fail" and not verdict.evidence:
        return Verdict("open", f"no evidence was kept: {verdict.message}")
    return verdict


class _Rig:
    """Does what the steps of one probe ask for, and takes back at the end what they did."""

    def __init__(self, courier: Courier, target: Target, rule: Rule, turn: Turn | None) -> None:
        self.cut = False
        self._turn = turn
        self._courier = courier
        self._disturbs = rule.disturbs
        self._slug, self._questions = rule.slug, 0
        self._bounded = rule.check not in _NEEDING and not rule.measures
        self._looks = rule.check in _LOOKING and not rule.provokes and not rule.measures
        self._reads = rule.check in _READING and not rule.measures
        self._target = target
        self._since = courier.credentials.generation
        self._undo: list[Request] = []
        self._listeners: list[LoopbackListener] = []

    def perform(self, step: Step) -> Any:
        """The answer to *step*."""
        if self._turn is not None and isinstance(step, Send | Together):
            self._turn.asks()
        match step:
            case Send(request):
                self._keep_people(request)
                return self._carry(self._fresh(request))
            case Together(requests):
                for request in requests:
                    self._keep_people(request)
                return self._courier.carry_together([self._fresh(request) for request in requests])
            case Compute(function):
                return function() if self._turn is None else self._turn.works_out(function)
            case Undo(request):
                self._undo.append(request)
                return None
            case Own(path, made):
                self._courier.made.own(path, made)
                return None
            case Question():
                self._questions += 1
                return None
            case Listen():
                return self._listen()
            case LookAtTls():
                return self._courier.look_at_tls()

    def _carry(self, request: Request) -> Exchange:
        # A probe that disturbs looks at what has changed, so nothing from before may answer it.
        if self._disturbs:
            return self._courier.carry(request)
        return self._courier.carry_for(
            f"{self._slug} {self._questions}",
            request,
            bounded=self._bounded,
            old=self._looks or (self._reads and shows_nothing(request)),
        )

    def _fresh(self, request: Request) -> Request:
        # Probes share what they found: a request that another one kept may show a credential from before the last log-in.
        return self._courier.credentials.fresh(request, self._since)

    def _keep_people(self, request: Request) -> None:
        """A probe that runs beside others must not log out the people whom they all share."""
        if self._disturbs or request.identity is None or request.method in READ_METHODS:
            return
        path = request.target.partition("?")[0]
        if _ENDING.search(path) or (request.method not in ("PUT", "PATCH") and _ACCOUNT.search(path)):
            raise Skipped(
                f"{request.method} {path} could end the session of {request.identity}, whom other probes need"
            )

    def close(self) -> None:
        """Send what takes back, last first, and close the listeners."""
        for request in reversed(self._undo):
            try:
                self._courier.carry(request, last=True)
            except Skipped:
                continue
        for listener in self._listeners:
            listener.close()

    def _listen(self) -> LoopbackListener:
        if self._target.surface != "wsgi" and not is_loopback(self._target.base_url):
            raise Skipped("a target on another machine cannot reach a listener on this one")
        self._listeners.append(LoopbackListener())
        return self._listeners[-1]


def is_loopback(url: str) -> bool:
    """Whether the address is this machine's own."""
    host = url.partition("://")[2].partition("/")[0]
    return host.split(":")[0] == "localhost" or host.startswith(("127.", "[::1]"))
