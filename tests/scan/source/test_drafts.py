"""A value made from a draft is the value: equal, frozen, of its class, with every field where it belongs."""

from dataclasses import FrozenInstanceError, fields, replace
from types import SimpleNamespace

import pytest

from stopper.core.drafts import changed, drafted
from stopper.core.fact import Condition
from stopper.core.place import Span
from stopper.core.values import Call, Constant, Item, Name
from stopper.scan.source.drafts import new_call, new_constant, new_item, new_name
from stopper.scan.source.project import Module, Project
from stopper.scan.source.reader import Reader

SPAN = Span("a.py", 1, 2, 3, 4)
CALL = Call("a.b", (Name("x"),), (("k", Name("y")),), True, Name("r"), "f", SPAN)


def span(line: int, end_line: int) -> Span:
    """The place of a node as a reader tells it."""
    reader = Reader(Project(lambda _importer, _name: None), Module("a", "a.py", False, ""), "", {})
    return reader.span(SimpleNamespace(lineno=line, end_lineno=end_line, col_offset=2, end_col_offset=3))


@pytest.mark.parametrize(
    ("made", "plain"),
    [
        (span(1, 2), SPAN),
        (span(16_383, 16_384), Span("a.py", 16_383, 16_384, 3, 4)),
        (span(99_999, 100_000), Span("a.py", 99_999, 100_000, 3, 4)),
        (new_constant("t", SPAN, "n"), Constant("t", SPAN, "n")),
        (new_constant(None), Constant(None)),
        (new_name("a.b", SPAN, "n"), Name("a.b", SPAN, "n")),
        (new_item(Name("a"), key=Constant("k"), name="n"), Item(Name("a"), Constant("k"), None, None, "n")),
        (drafted(Condition)(Name("a"), False, True, True, SPAN), Condition(Name("a"), False, True, True, SPAN)),
        (changed(Constant("t", SPAN), value=None, name="n"), Constant(None, SPAN, "n")),
        (
            changed(Item(Name("a"), Constant("k"), None, SPAN), default=Name("d")),
            replace(Item(Name("a"), Constant("k"), None, SPAN), default=Name("d")),
        ),
        (changed(CALL), CALL),
        (new_call("a.b", CALL.args, CALL.keywords, True, CALL.receiver, "f", SPAN), CALL),
    ],
)
def test_a_draft_becomes_the_value(made, plain):
    assert type(made) is type(plain)
    assert [getattr(made, one.name) for one in fields(made)] == [getattr(plain, one.name) for one in fields(plain)]
    assert repr(made) == repr(plain)
    if type(plain) is not Call:  # calls are told apart by identity
        assert made == plain
        assert hash(made) == hash(plain)
    with pytest.raises(FrozenInstanceError):
        setattr(made, fields(made)[0].name, "other")


def test_a_draft_takes_the_arguments_of_the_class_alone():
    with pytest.raises(TypeError):
        new_item(Name("a"))
    with pytest.raises(TypeError):
        changed(CALL, unknown=1)
    assert changed(CALL) is not CALL


def test_the_method_of_a_call_is_the_last_part_of_its_callee_however_it_was_made():
    made = (CALL, new_call("a.b"), changed(new_call("x"), callee="c.b"), replace(CALL, callee="d.e.b"), new_call("b"))
    assert [one.method for one in made] == ["b"] * 5
    assert [changed(one, callee="t.u").method for one in made] == ["u"] * 5
    assert "method" not in repr(CALL)
