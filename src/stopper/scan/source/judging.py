"""What a function of the project does to a request without a credential: lets it pass, turns it away, or who knows."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, TypeVar

from stopper.core.api_key_names import READ_FROM, is_key_reading
from stopper.core.fact import Comparison, Condition, Raise, Return
from stopper.core.facts import SourceFacts
from stopper.core.labels import LabelKind
from stopper.core.naming import brings_credential
from stopper.core.owner_names import OF_ANYBODY
from stopper.core.values import (
    Call,
    Choice,
    Constant,
    Item,
    Member,
    Name,
    Sequence,
    Truth,
    Value,
    is_constant,
    parts,
    text_of,
    walk,
)
from stopper.scan.source import names
from stopper.scan.source.project import Project, Refusal
from stopper.scan.source.sealed import opens_header
from stopper.scan.source.unseen_people import asks_unseen

CREDENTIAL_LABELS: Final[tuple[LabelKind, ...]] = (
    "authorization-header",
    "cookie",
    "session",
    "claims",
    "unverified-claims",
)
SHOWN: Final = (
    "flask_login.current_user", "flask_security.current_user", "flask_jwt_extended.current_user", "flask.session", "flask.g.",
    "flask.request.authorization",
)  # fmt: skip
"""Names that stand for whoever is making the request."""
Placed = TypeVar("Placed", Condition, Comparison, Return, Raise)


_SENT_IN: Final = READ_FROM | {"flask.request.json"}
"""Where a caller puts what is looked up by name."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a function of the project does to a request without a credential. ``stops`` None: it could not be told."""

    stops: bool | None
    reads: bool


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
        self._shown: dict[int, bool] = {}
        self._asking: dict[int, bool] = {}
        """Both by identity of the value; the facts keep every value alive."""
        self._by_sides: dict[tuple[int, int], list[Comparison]] = {}
        for found in facts.all_comparisons:
            self._by_sides.setdefault((id(found.left), id(found.right)), []).append(found)

    def decorator(self, name: str, call: Call | None) -> Judgement | None:
        """What a decorator of that name does; None when it has nothing to do with access."""
        if name == "stopper.public":
            return Judgement(False, False)
        if names.OPTIONAL.fullmatch(name):
            return Judgement(False, True)
        if names.GUARDS.fullmatch(name):
            if call is not None and (is_constant(call.keyword("optional"), True, "True") or _optional_flags(call)):
                return Judgement(False, True)
            return Judgement(True, True)
        if name in self.project.functions:
            found = self.judge(name)
            return found if found.reads or found.stops is not False else None
        if name in self.project.classes:
            found = self.judge(f"{name}.__call__")
            return found if found.reads or found.stops is not False else None
        if names.NOT_GUARDS.fullmatch(name):
            return None
        if name == "?" or (name.startswith("?.") and names.SUGGESTS_AUTH.search(name)):
            return Judgement(None, False)
        return Judgement(None, False) if names.SUGGESTS_AUTH.search(name.rpartition(".")[2]) else None

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
        reads, calls_guard, stops, unseen, doubt = False, False, False, False, False
        for member in family:
            function = self.project.functions.get(member)
            if function is None:
                continue
            for decorator in function.decorators:
                judged = self.decorator(decorator.name, decorator.call)
                calls_guard = calls_guard or (judged is not None and judged.stops is True)
                doubt = doubt or (
                    member != name and decorator.name != "?" and judged is not None and judged.stops is None
                )
            for call in self.facts.calls_in(member):
                if _of_library(call):
                    calls_guard = True
                elif call.callee in self.project.functions and depth > 0 and call.callee not in family:
                    inner = self.judge(call.callee, depth - 1)
                    calls_guard = calls_guard or (
                        inner.reads
                        and inner.stops is True
                        and self.reached_by_nobody(self.project.under.get(id(call), ()))
                    )
                    reads = reads or inner.reads
                    unseen = unseen or (
                        not inner.reads and names.ASKS_WHO.search(call.callee.rpartition(".")[2]) is not None
                    )
                elif call.callee.startswith("?") or call.callee not in self.project.functions:
                    unseen = unseen or names.VERIFIES.search(call.callee.rpartition(".")[2]) is not None
                if not (reads or calls_guard):  # whoever calls a guard needs no other sign
                    reads = names.CREDENTIAL_READS.match(call.callee) is not None or self._call_reads(call)
            reads = reads or (not calls_guard and self._reads(member))
            stops = stops or self._stops(member)
            calls_guard = calls_guard or any(map(self.by_unseen, self.refusals.get(member, ())))
        if calls_guard:
            return Judgement(True, True)
        if reads and stops:
            return Judgement(True, True)
        if stops:
            return Judgement(None if unseen or doubt else False, False)
        return Judgement(None if doubt or (reads and unseen) or self._hands_on_a_guard(name) else False, reads)

    def _hands_on_a_guard(self, name: str) -> bool:
        """That the function gives what an unseen function makes whose name is that of a guard: ``return their_require_auth(*args)``."""
        function = self.project.functions.get(name)
        return function is not None and any(
            isinstance(value, Call)
            and value.callee not in self.project.functions
            and not names.NOT_GUARDS.fullmatch(value.callee)
            and names.HANDED_GUARD.search(value.callee.rpartition(".")[2]) is not None
            for value in function.returns
        )

    def is_guard_call(self, call: Call) -> bool:
        """That a call lets nobody on who shows nothing."""
        if call.callee in self.project.functions:
            judged = self.judge(call.callee)
            return judged.reads and judged.stops is True
        return _of_library(call)

    def family(self, name: str, depth: int = 4) -> Iterator[str]:
        """The function, and those that stand inside it."""
        yield name
        if depth:
            for inner in self.nested.get(name, ()):
                yield from self.family(inner, depth - 1)

    def _call_reads(self, call: Call) -> bool:
        return (
            self._shows(call.receiver)
            or any(map(self._shows, call.args))
            or any(self._shows(held) for _, held in call.keywords)
            or opens_header(self.facts, call)
        )

    def _reads(self, name: str) -> bool:
        for condition in self.conditions.get(name, ()):
            if self._shows(condition.value):
                return True
        for comparison in self.comparisons.get(name, ()):
            if self._shows(comparison.left) or self._shows(comparison.right):
                return True
        function = self.project.functions.get(name)
        return function is not None and any(self._shows(value) for value in function.returns)

    def _shows(self, value: Value | None) -> bool:
        """That a value is made of what a caller shows to prove who they are."""
        if value is None or isinstance(value, Constant):
            return False
        known = self._shown.get(id(value))
        if known is None and isinstance(value, Item) and _says_nobody(value):
            known = self._shown[id(value)] = False
        if known is None:
            named = isinstance(value, Name) and (
                value.dotted.startswith(SHOWN) or names.KEPT_ON_REQUEST.match(value.dotted) is not None
            )
            named = named or (isinstance(value, Call) and names.ASKS_PERSON.match(value.callee) is not None)
            known = (
                named or is_key_reading(value, _SENT_IN) or self._labelled(value) or any(map(self._shows, parts(value)))
            )
            self._shown[id(value)] = known
        return known

    def _labelled(self, value: Value) -> bool:
        labels = self.facts.labels(value)
        return bool(labels) and any(
            label.kind in CREDENTIAL_LABELS
            or (label.kind in ("api-key", "token") and not label.by_name)
            or (label.kind == "request-header" and brings_credential(label.source))
            for label in labels
        )

    def _stops(self, name: str) -> bool:
        """That the function turns away somebody who shows nothing."""
        return any(
            self.reached_by_nobody(refusal.under)
            and (refusal.plain or self.about_credential(refusal) or (not refusal.under and self.lets_through(name)))
            for refusal in self.refusals.get(name, ())
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
        known = self._asking.get(id(value))
        if known is None:
            known = not self._is_same_browser(value) and (
                self._shows(value)
                or any(
                    isinstance(inner, Call)
                    and inner.callee in self.project.functions
                    and self.judge(inner.callee).reads
                    for inner in walk(value, 5)
                )
            )
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


def _says_nobody(value: Item) -> bool:
    """``session.get("csrf_token")``: what every visitor's session has, whoever that is."""
    return (
        isinstance(value.owner, Name)
        and value.owner.dotted == "flask.session"
        and OF_ANYBODY.search(text_of(value.key) or "") is not None
    )


def _optional_flags(call: Call) -> bool:
    return any(is_constant(call.keyword(name), True) for name in ("optional",))


def _of_library(call: Call) -> bool:
    return _is_guard(call.callee) and not is_constant(call.keyword("optional"), True)


@lru_cache(maxsize=16384)
def _is_guard(callee: str) -> bool:
    return names.GUARD_CALLS.fullmatch(callee) is not None or names.GUARDS.fullmatch(callee) is not None
