"""A data class whose methods are made later behaves like the standard library's own."""

import dataclasses
import pickle
import re
import sys
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import pytest

import stopper
from stopper.core.later_methods import MOST_UNCOMPILED, later_methods, methods_later


def _plain() -> Any:
    class Plain:
        """Has every kind of field that the house uses."""

        __module__ = "stopper.of_a_test"
        first: int
        second: str = field(repr=False)
        third: tuple[int, ...] = (1,)
        fourth: list[int] = field(default_factory=list[int], compare=False)
        fifth: int = field(init=False, default=5)
        sixth: int = field(init=False)

        def __post_init__(self) -> None:
            object.__setattr__(self, "sixth", self.first + 1)

    return Plain


@pytest.fixture(params=["of the library", "later"])
def made(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    options = {"frozen": True, "slots": True}
    cls: Any = later_methods(_plain(), **options) if request.param == "later" else dataclass(**options)(_plain())
    cls.__qualname__ = "Plain"
    holder = type(sys)("stopper.of_a_test")
    holder.Plain = cls  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "stopper.of_a_test", holder)
    return cls


def test_values_are_filled_shown_compared_and_hashed(made: Any):
    one = made(1, "b", fourth=[9])
    assert repr(one) == "Plain(first=1, third=(1,), fourth=[9], fifth=5, sixth=2)"
    assert one == made(1, "b")
    assert one != made(2, "b")
    assert one != (1, "b")
    assert hash(one) == hash((1, "b", (1,), 5, 2))
    assert made(1, "b").fourth is not made(1, "b").fourth
    assert not hasattr(one, "__dict__")
    assert made.__match_args__ == ("first", "second", "third", "fourth")
    assert [found.name for found in fields(made)] == ["first", "second", "third", "fourth", "fifth", "sixth"]


def test_nothing_can_be_changed_or_taken_away(made: Any):
    one = made(1, "b")
    with pytest.raises(dataclasses.FrozenInstanceError):
        one.first = 2
    with pytest.raises(dataclasses.FrozenInstanceError):
        del one.first
    with pytest.raises((dataclasses.FrozenInstanceError, TypeError)):  # the library's stumbles over its own slots here
        one.other = 2
    assert replace(one, first=7).sixth == 8


def test_a_value_travels_to_another_process(made: Any):
    one = made(1, "b", (2,), [3])
    back = pickle.loads(pickle.dumps(one))
    assert back == one
    assert back.fourth == [3]


@pytest.mark.parametrize("given", [(), (1,), (1, "b", (), [], 5)])
def test_wrong_arguments_are_refused(made: Any, given: tuple[Any, ...]):
    with pytest.raises(TypeError):
        made(*given)
    with pytest.raises(TypeError):
        made(1, "b", unknown=1)


def test_the_first_values_are_filled_like_those_after_them(made: Any):
    every = [made(1, second="b", fourth=[9]) for _ in range(MOST_UNCOMPILED + 4)]
    assert every == [every[0]] * len(every)
    assert {repr(one) for one in every} == {"Plain(first=1, third=(1,), fourth=[9], fifth=5, sixth=2)"}
    with pytest.raises(TypeError):
        made(1, "b", first=1)


@pytest.mark.parametrize("how", ["of the library", "later"])
@pytest.mark.parametrize("values", [2, MOST_UNCOMPILED + 2])
def test_one_that_can_be_changed_and_one_that_has_an_order(how: str, values: int):
    def kind(**options: bool) -> Any:
        class Pair:
            """Two numbers."""

            one: int
            other: list[int] = field(default_factory=list[int])

        return later_methods(Pair, **options) if how == "later" else dataclass(**options)(Pair)

    open_, sorted_, single = (
        kind(slots=True),
        kind(frozen=True, slots=True, order=True),
        kind(frozen=True, slots=True, eq=False),
    )
    assert single(1) != single(1)
    assert len({single(1), single(1)}) == 2
    for number in range(values):
        changed = open_(number)
        changed.other.append(1)
        changed.one = 7
        assert changed == open_(7, [1])
        assert changed != sorted_(7, [1])
        assert min([sorted_(number, [2]), sorted_(number), sorted_(-1)]) == sorted_(-1)
        assert sorted_(number) <= sorted_(number) < sorted_(number, [0]) >= sorted_(number)
        assert sorted_(1) > sorted_(0)
    with pytest.raises(TypeError):
        hash(open_(1))
    with pytest.raises(TypeError):
        sorted_(1) < open_(1)  # noqa: B015
    assert repr(open_(1)).endswith("Pair(one=1, other=[])")
    with pytest.raises(dataclasses.FrozenInstanceError):
        sorted_(1).one = 2


def test_who_derives_from_it_has_to_be_frozen_and_fills_both(made: Any):
    with pytest.raises(TypeError):
        dataclass(type("Loose", (made,), {"__annotations__": {"more": int}, "more": 0}))
    derived: Any = dataclass(frozen=True)(type("Derived", (made,), {"__annotations__": {"more": int}, "more": 0}))
    one = derived(1, "b")
    assert (one.first, one.more) == (1, 0)
    with pytest.raises(dataclasses.FrozenInstanceError):
        one.first = 2
    assert one != made(1, "b")


def test_only_plain_classes_of_ours_are_made_so():
    def kind(module: str, **options: Any) -> bool:
        with methods_later():
            plain = type("Some", (), {"__module__": module, "__annotations__": {"one": int}})
            cls = dataclasses.dataclass(**options)(plain)
        return (
            "methods_later" in dir(sys.modules[cls.__repr__.__module__])
            if cls.__repr__.__module__ in sys.modules
            else False
        )

    assert kind("stopper.some", frozen=True, slots=True)
    assert not kind("other.some", frozen=True, slots=True)
    assert kind("stopper.some", slots=True)
    assert kind("stopper.some", frozen=True, slots=True, order=True)
    assert not kind("other.some", slots=True)
    assert kind("stopper.some", frozen=True, slots=True, eq=False)
    assert not kind("stopper.some", frozen=True, slots=True, kw_only=True)
    assert dataclasses.dataclass is dataclass


def test_no_class_of_ours_needs_what_is_not_made():
    for path in Path(next(iter(stopper.__path__))).rglob("*.py"):
        if path.name != "later_methods.py":
            assert not re.search(r"\bInitVar\b|\bKW_ONLY\b", path.read_text("utf-8")), path
