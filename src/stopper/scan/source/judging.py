"""What a function of the project does to a request without a credential: lets it pass, turns it away, or who knows."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, TypeVar

from stopper.core.fact import Comparison, Condition, Raise, Return
from stopper.core.facts import SourceFacts
from stopper.core.values import (
    Call,
    Choice,
    Constant,
    Member,
    Name,
    Sequence,
    Truth,
    Value,
    is_constant,
    walk,
)
from stopper.scan.source import guard_names
from stopper.scan.source.project import Project, Refusal
from stopper.scan.source.sealed import opens_header
from stopper.scan.source.shown import Shown
from stopper.scan.source.unseen_people import asks_unseen

Placed = TypeVar("Placed", Condition, Comparison, Return, Raise)


PASSED: Final = 1
SURE: Final = 2
"""How sure a sign is: what a parameter brings is a credential only where one is passed."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a function of the project does to a request without a credential. ``stops`` None: it could not be told."""

    stops: bool | None
    reads: bool
    passed: bool = False
    """Only what it is given can be the credential: whether it is one, the call says."""


class Judges:
    """Judges the functions of one project: what each does to a request without a credential."""

    def __init__(self, project: Project, facts: SourceFacts) -> None:
        self.project = project
        self.facts = facts
        self.nested: dict[str, list[str]] = {}
        for name in project.functions:
            outer = name.rpartition(".")[0]
            if outer in project.functions:
                self.nested.setdefault(outer, []).append(name)
        self.conditions = _by_function(facts.all_conditions)
        self.comparisons = _by_function(facts.all_comparisons)
        self._returns = _by_function(facts.all_returns)
        self._raises = _by_function(facts.all_raises)
        self.refusals: dict[str, list[Refusal]] = {}
        for refusal in project.refusals:
            self.refusals.setdefault(refusal.function, []).append(refusal)
        self._judged: dict[str, Judgement] = {}
        self._open = 0
        """How many functions are being judged just now, one inside the other."""
        self.shown = Shown(facts)
        self._asking: dict[int, int] = {}
        """By identity of the value; the facts keep every value alive."""
        self._by_sides: dict[tuple[int, int], list[Comparison]] = {}
        for found in facts.all_comparisons:
            self._by_sides.setdefault((id(found.left), id(found.right)), []).append(found)

    def decorator(self, name: str, call: Call | None) -> Judgement | None:
        """What a decorator of that name does; None when it has nothing to do with access."""
        if name == "stopper.public":
            return Judgement(False, False)
        if guard_names.OPTIONAL.fullmatch(name):
            return Judgement(False, True)
        if guard_names.GUARDS.fullmatch(name):
            if call is not None and (is_constant(call.keyword("optional"), True, "True") or _optional_flags(call)):
                return Judgement(False, True)
            return Judgement(True, True)
        if name in self.project.functions:
            found = self.judge(name)
            return found if found.reads or found.stops is not False else None
        if name in self.project.classes:
            found = self.judge(f"{name}.__call__")
            return found if found.reads or found.stops is not False else None
        if guard_names.NOT_GUARDS.fullmatch(name):
            return None
        if name == "?" or (name.startswith("?.") and guard_names.SUGGESTS_AUTH.search(name)):
            return Judgement(None, False)
        return Judgement(None, False) if guard_names.SUGGESTS_AUTH.search(name.rpartition(".")[2]) else None

    def judge(self, name: str, depth: int = 5) -> Judgement:
        """What that function (with the functions inside it) does to a request without a credential."""
        known = self._judged.get(name)
        if known is not None:
            return known
        self._judged[name] = Judgement(None, False)
        self._open += 1
        self._judged[name] = made = self._judge(name, depth)
        self._open -= 1
        return made

    def _judge(self, name: str, depth: int) -> Judgement:
        family = list(self.family(name))
        reads, guard, stops = 0, 0, 0
        unseen, doubt = False, False
        for member in family:
            function = self.project.functions.get(member)
            if function is None:
                continue
            for decorator in function.decorators:
                judged = self.decorator(decorator.name, decorator.call)
                guard = SURE if judged is not None and judged.stops is True else guard
                doubt = doubt or (
                    member != name and decorator.name != "?" and judged is not None and judged.stops is None
                )
            for call in self.facts.calls_in(member):
                if _of_library(call):
                    guard = SURE
                elif call.callee in self.project.functions and depth > 0 and call.callee not in family:
                    inner = self.judge(call.callee, depth - 1)
                    read = self._read_by(call, inner)
                    if inner.stops is True and self.reached_by_nobody(self.project.under.get(id(call), ())):
                        guard = max(guard, read)
                    reads = max(reads, read)
                    unseen = unseen or (
                        not inner.reads and guard_names.ASKS_WHO.search(call.callee.rpartition(".")[2]) is not None
                    )
                elif call.callee.startswith("?") or call.callee not in self.project.functions:
                    unseen = unseen or guard_names.VERIFIES.search(call.callee.rpartition(".")[2]) is not None
                if max(reads, guard) < SURE:  # whoever calls a guard needs no other sign
                    reads = max(reads, self._call_reads(call))
            reads = max(reads, 0 if guard == SURE else self._reads(member))
            stops = max(stops, self._stops(member))
            guard = SURE if any(map(self.by_unseen, self.refusals.get(member, ()))) else guard
        sure = max(guard, min(reads, stops))
        if sure:
            return Judgement(True, True, passed=sure < SURE)
        if stops:
            return Judgement(None if unseen or doubt else False, False)
        doubt = doubt or (reads > 0 and unseen) or self._hands_on_a_guard(name)
        return Judgement(None if doubt else False, reads > 0, passed=0 < reads < SURE)

    def _read_by(self, call: Call, judged: Judgement) -> int:
        """How sure it is that a credential is read where a function of the project is called that is judged so."""
        if not judged.reads or not judged.passed:
            return SURE if judged.reads else 0
        return self._grade(*_given(call))

    def _grade(self, *values: Value | None) -> int:
        """SURE where one of them shows who is calling, PASSED where it may, by what a parameter brings, and 0 where none does."""
        if any(map(self.shown.itself, values)):
            return SURE
        return PASSED if any(map(self.shown.shows, values)) else 0

    def _hands_on_a_guard(self, name: str) -> bool:
        """That the function gives what an unseen function makes whose name is that of a guard: ``return their_require_auth(*args)``."""
        function = self.project.functions.get(name)
        return function is not None and any(
            isinstance(value, Call)
            and value.callee not in self.project.functions
            and not guard_names.NOT_GUARDS.fullmatch(value.callee)
            and guard_names.HANDED_GUARD.search(value.callee.rpartition(".")[2]) is not None
            for value in function.returns
        )

    def is_guard_call(self, call: Call) -> bool:
        """That a call lets nobody on who shows nothing."""
        if call.callee in self.project.functions:
            judged = self.judge(call.callee)
            return judged.stops is True and self._read_by(call, judged) > 0
        return _of_library(call)

    def family(self, name: str, depth: int = 4) -> Iterator[str]:
        """The function, and those that stand inside it."""
        yield name
        if depth:
            for inner in self.nested.get(name, ()):
                yield from self.family(inner, depth - 1)

    def _call_reads(self, call: Call) -> int:
        if guard_names.CREDENTIAL_READS.match(call.callee) is not None or opens_header(self.facts, call):
            return SURE
        return self._grade(*_given(call))

    def _reads(self, name: str) -> int:
        asked = [condition.value for condition in self.conditions.get(name, ())]
        asked += [side for one in self.comparisons.get(name, ()) for side in (one.left, one.right)]
        function = self.project.functions.get(name)
        return self._grade(*asked, *(function.returns if function is not None else ()))

    def _stops(self, name: str) -> int:
        """How sure it is that the function turns away somebody who shows nothing."""
        return max(
            (
                SURE
                if refusal.plain or (not refusal.under and self.lets_through(name))
                else max((self._asked(value) for value, _ in refusal.under), default=0)
                for refusal in self.refusals.get(name, ())
                if self.reached_by_nobody(refusal.under)
            ),
            default=0,
        )

    def reached_by_nobody(self, under: tuple[tuple[Value, bool], ...]) -> bool:
        """That none of these tests asks for a credential that is there."""
        return not any(
            (not self.absence(value, negated) and self.credential_test(value))
            or (negated and self._is_never_false(value))
            or (not negated and _is_never_true(value))
            for value, negated in under
        )

    def _is_never_false(self, value: Value) -> bool:
        """``check()`` that gives ``(False, "no token")`` or ``Outcome(False)``: several things together, and objects, are true, whatever they are."""
        function = self.project.functions.get(value.callee) if isinstance(value, Call) else None
        given = function.returns if function is not None else value.options if isinstance(value, Choice) else ()
        return bool(given) and all(_is_several(one) or self._is_object(one) for one in given)

    def _is_object(self, value: Value) -> bool:
        if not isinstance(value, Call) or value.callee not in self.project.classes:
            return False
        known = (self.project.attribute(value.callee, word) for word in ("__bool__", "__len__"))
        return not any(known) and self.project.classes[value.callee].bases == ()

    def by_unseen(self, refusal: Refusal) -> bool:
        """``if not is_admin(): abort(403)``, where what says so is of a module that was not read."""
        asked = (self.absence(value, negated) for value, negated in refusal.under if asks_unseen(self.project, value))
        return any(asked) and self.reached_by_nobody(refusal.under)

    def about_credential(self, refusal: Refusal) -> bool:
        return any(self.credential_test(value) for value, _ in refusal.under)

    def absence(self, value: Value, negated: bool, depth: int = 6) -> bool:
        """That the test can hold when no credential is shown: ``if not user``, ``if user is None``, ``if key != expected``; but not
        ``if user`` (which turns away those who are logged in)."""
        if depth and isinstance(value, Choice) and value.every and not negated:
            return all(
                self.absence(option, negated, depth - 1) or not self.credential_test(option) for option in value.options
            )
        if depth and isinstance(value, Choice):
            return any(self.absence(option, negated, depth - 1) for option in value.options)
        if depth and isinstance(value, Truth) and len(value.parts) == 1:
            return self.absence(value.parts[0], not negated, depth - 1)
        for comparison in self.comparisons_of(value):
            nothing = is_constant(comparison.right, None) or is_constant(comparison.left, None)
            if comparison.operator in ("in", "not in") or nothing:
                return (comparison.operator in ("not in", "is", "==")) is not negated
            return True
        if isinstance(value, Truth):
            return True
        last = value.dotted if isinstance(value, Name) else value.attribute if isinstance(value, Member) else ""
        return negated is not last.endswith("is_anonymous")

    def comparisons_of(self, value: Value) -> Iterator[Comparison]:
        if isinstance(value, Truth) and len(value.parts) == 2:
            yield from self._by_sides.get((id(value.parts[0]), id(value.parts[1])), ())

    def lets_through(self, view: str) -> bool:
        """That the view answers those who show something before it refuses the rest."""
        return any(
            condition.stops and not condition.refuses and self.credential_test(condition.value)
            for condition in self.conditions.get(view, ())
        )

    def credential_test(self, value: Value) -> bool:
        """That a test asks for a credential, itself or through a function of the project."""
        return self._asked(value) > 0

    def _asked(self, value: Value) -> int:
        """How sure that is."""
        known = self._asking.get(id(value))
        if known is None:
            known = 0
            if not self._is_same_browser(value):
                inside = (
                    one for one in walk(value, 5) if isinstance(one, Call) and one.callee in self.project.functions
                )
                known = max(self._grade(value), *(self._read_by(one, self.judge(one.callee)) for one in inside), 0)
            if not self._open:  # while a function is judged, what it calls in a circle is not known yet
                self._asking[id(value)] = known
        return known

    def _is_same_browser(self, value: Value) -> bool:
        """What the caller sent is held against the caller's own session: it asks where a request comes from (CSRF, the state of an
        OAuth dance), and anybody has a session."""
        if not isinstance(value, Truth) or len(value.parts) != 2:
            return False
        held = [self.facts.derives(part, "session") for part in value.parts]
        sent = [self.facts.derives(part, "request-data", "query-string") for part in value.parts]
        return (held[0] and sent[1] and not held[1]) or (held[1] and sent[0] and not held[0])

    def lets_others_go(self, view: str, before: int) -> bool:
        """That an ``if`` which asks nothing about the caller answers, with no error, above that line: whoever fits it needs no
        credential."""
        return any(
            condition.stops
            and not condition.refuses
            and condition.span.line < before
            and not self.credential_test(condition.value)
            and self._answers_well(condition)
            for condition in self.conditions.get(view, ())
        )

    def _answers_well(self, condition: Condition) -> bool:
        body = condition.body
        if body is None:
            return False
        if any(body.line <= raised.span.line <= body.end_line for raised in self._raises.get(condition.function, ())):
            return False
        inside = [
            one for one in self._returns.get(condition.function, ()) if body.line <= one.span.line <= body.end_line
        ]
        return any(not _is_error(one.value) for one in inside)


def _is_never_true(value: Value) -> bool:
    """``self.required and …`` where ``required`` is False, and nothing else."""
    if isinstance(value, Choice) and value.every:
        return any(map(_is_never_true, value.options))
    return isinstance(value, Constant) and not value.value


def _is_several(value: Value) -> bool:
    return isinstance(value, Sequence) and value.kind == "tuple" and bool(value.items)


def _is_error(value: Value) -> bool:
    """That an answer says by its status that something is wrong."""
    given = value.items[1:] if isinstance(value, Sequence) and value.kind == "tuple" else ()
    if isinstance(value, Call):
        given = (*value.args, *(held for _, held in value.keywords))
        if value.method.lower().endswith(("error", "abort", "badrequest", "notfound", "not_found", "bad_request")):
            return True
    return any(isinstance(part, Constant) and type(part.value) is int and 400 <= part.value < 600 for part in given)


def _by_function(found: "tuple[Placed, ...]") -> "dict[str, list[Placed]]":
    made: dict[str, list[Placed]] = {}
    for one in found:
        made.setdefault(one.function, []).append(one)
    return made


def _optional_flags(call: Call) -> bool:
    return any(is_constant(call.keyword(name), True) for name in ("optional",))


def _of_library(call: Call) -> bool:
    return _is_guard(call.callee) and not is_constant(call.keyword("optional"), True)


@lru_cache(maxsize=16384)
def _is_guard(callee: str) -> bool:
    return guard_names.GUARD_CALLS.fullmatch(callee) is not None or guard_names.GUARDS.fullmatch(callee) is not None


def _given(call: Call) -> tuple[Value | None, ...]:
    return (call.receiver, *call.args, *(held for _, held in call.keywords))
