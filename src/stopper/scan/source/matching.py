"""``match`` statements: what each case asks, compares and gives names to."""

import ast
from collections.abc import Iterator

from stopper.core.values import Sequence, Value
from stopper.scan.source.blocks import Body, block
from stopper.scan.source.branches import around, joined, snapshot
from stopper.scan.source.drafts import (
    new_call,
    new_choice,
    new_comparison,
    new_condition,
    new_constant,
    new_item,
    new_member,
    new_sequence,
    new_truth,
    new_unknown,
)
from stopper.scan.source.reader import Reader, set_scope
from stopper.scan.source.settled import chosen


def read_match(reader: Reader, node: ast.Match) -> None:
    subject = reader.value(node.subject)
    before = snapshot(reader)
    merged, only = before, chosen(reader, node)
    going_on: list[ast.pattern] = []
    for case in node.cases:
        set_scope(reader, dict(before))
        _compare(reader, subject, case.pattern)
        for child in ast.walk(case.pattern):
            name = getattr(child, "name", None)
            if isinstance(name, str):
                reader.scope[name] = new_unknown((subject,))
        _capture_members(reader, subject, case.pattern)
        guard = None if case.guard is None else reader.value(case.guard)
        if case.guard is not None:
            reader.project.asides.append(reader.span(case.guard))
        outer, asked = reader.under, _asked_plainly(reader, subject, case, guard)
        reader.under = outer if asked is None else (*outer, (asked, False))
        body = block(reader, case.body)
        reader.under = outer
        if asked is not None:
            place, within = reader.span(case.pattern), around(reader, case.body)
            reader.project.conditions.append(
                new_condition(asked, False, body.stops, body.refuses, place, reader.function, within)
            )
        if not body.stops:
            going_on.append(case.pattern)
        elif case.guard is None and isinstance(case.pattern, ast.MatchAs) and case.pattern.pattern is None:
            _none_of(reader, subject, going_on, case, body)
        if case is only:
            merged = snapshot(reader)
        elif not body.stops and only is None:
            merged = joined(merged, snapshot(reader))
    set_scope(reader, merged)


def _none_of(reader: Reader, subject: Value, going_on: list[ast.pattern], last: ast.match_case, body: Body) -> None:
    """``case _: abort(400)`` behind cases that are literals says what ``if subject not in (…): abort(400)`` says."""
    nodes = [one for pattern in going_on for one in _literals(pattern)]
    if not nodes or any(not list(_literals(pattern)) for pattern in going_on):
        return
    place, known = reader.span(last.pattern), new_sequence(tuple(map(reader.value, nodes)), "tuple")
    asked = new_truth((subject, known), differs=True)
    reader.project.comparisons.append(new_comparison("not in", subject, known, place, reader.function))
    within = around(reader, last.body)
    reader.project.conditions.append(new_condition(asked, False, True, body.refuses, place, reader.function, within))


def _literals(pattern: ast.pattern | None) -> Iterator[ast.expr]:
    """The literals one of which a subject is that fits; none where it may be something else."""
    match pattern:
        case ast.MatchValue(value=ast.Constant() as said):
            yield said
        case ast.MatchOr(patterns=several):
            found = [list(_literals(one)) for one in several]
            yield from (said for one in found for said in one if all(found))
        case ast.MatchAs(pattern=inner) if inner is not None:
            yield from _literals(inner)
        case _:
            return


def _asked_plainly(reader: Reader, subject: Value, case: ast.match_case, guard: Value | None) -> Value | None:
    """The test that ``case None:``, ``case "admin":`` and ``case ValueError():`` make, as an ``if`` would; ``case key if known(key):`` asks what
    stands behind its ``if``."""
    if guard is not None and isinstance(case.pattern, ast.MatchAs) and case.pattern.pattern is None:
        return guard
    return None if guard is not None else _asked_by(reader, subject, case.pattern)


def _asked_by(reader: Reader, subject: Value, pattern: ast.pattern) -> Value | None:
    if isinstance(pattern, ast.MatchOr):  # ``case None | "":``
        several = [_asked_by(reader, subject, one) for one in pattern.patterns]
        asked = tuple(one for one in several if one is not None)
        return new_choice(asked) if len(asked) == len(several) else None
    if isinstance(pattern, ast.MatchSingleton):
        return new_truth((subject, new_constant(pattern.value, reader.span(pattern))))
    if isinstance(pattern, ast.MatchValue):
        return new_truth((subject, reader.value(pattern.value)))
    if isinstance(pattern, ast.MatchClass) and not pattern.patterns and not pattern.kwd_patterns:
        kind = reader.value(pattern.cls)
        return new_call("isinstance", (subject, kind), (), False, None, reader.function, reader.span(pattern))
    return None


def _capture_members(reader: Reader, subject: Value, pattern: ast.pattern | None) -> None:
    """``case {"kid": str(kid)}:`` gives a name to the subject's member, as ``kid = subject["kid"]`` does."""
    match pattern:
        case ast.MatchAs(name=name, pattern=inner):
            if name is not None:
                reader.scope[name] = subject
            _capture_members(reader, subject, inner)
        case ast.MatchMapping(keys=keys, patterns=patterns):
            for key, one in zip(keys, patterns, strict=True):
                _capture_members(reader, new_item(subject, reader.value(key), None, reader.span(key)), one)
        case ast.MatchSequence(patterns=patterns):
            for index, one in enumerate(patterns):
                if isinstance(one, ast.MatchStar) and one.name is not None:
                    reader.scope[one.name] = subject
                _capture_members(reader, _at(reader, subject, index, one), one)
        case ast.MatchClass(patterns=patterns, kwd_attrs=names, kwd_patterns=named):
            for one in patterns[:1]:  # ``str(kid)`` is the thing itself
                _capture_members(reader, subject, one)
            for name, one in zip(names, named, strict=True):
                _capture_members(reader, new_member(subject, name, reader.span(one)), one)
        case ast.MatchOr(patterns=patterns):
            for one in patterns:
                _capture_members(reader, subject, one)
        case _:
            pass


def _at(reader: Reader, subject: Value, index: int, pattern: ast.pattern) -> Value:
    """What stands at that place of the subject, itself where the subject is written out: ``match (name, password):``."""
    if type(subject) is Sequence and not subject.open and index < len(subject.items):
        return subject.items[index]
    return new_item(subject, new_constant(index), None, reader.span(pattern))


def _compare(reader: Reader, subject: Value, pattern: ast.pattern) -> None:
    """``case "admin":`` compares, as ``==`` does; so does each of ``case "admin" | "boss":``, and each literal inside of
    ``case ("admin", "…"):``, ``case {"role": "admin"}:`` and ``case User(role="admin"):``."""
    match pattern:
        case ast.MatchValue(value=literal):
            side = reader.value(literal)
            compared = new_comparison("==", subject, side, reader.span(pattern), reader.function)
            reader.project.comparisons.append(compared)
        case ast.MatchOr(patterns=patterns):
            for one in patterns:
                _compare(reader, subject, one)
        case ast.MatchAs(pattern=inner) if inner is not None:
            _compare(reader, subject, inner)
        case ast.MatchSequence(patterns=patterns):
            for index, one in enumerate(patterns):
                if isinstance(one, ast.MatchStar):
                    break  # where what follows stands cannot be told
                _compare(reader, _at(reader, subject, index, one), one)
        case ast.MatchMapping(keys=keys, patterns=patterns):
            for key, one in zip(keys, patterns, strict=True):
                _compare(reader, new_item(subject, reader.value(key), None, reader.span(key)), one)
        case ast.MatchClass(kwd_attrs=names, kwd_patterns=named):
            for name, one in zip(names, named, strict=True):
                _compare(reader, new_member(subject, name, reader.span(one)), one)
        case _:
            pass
