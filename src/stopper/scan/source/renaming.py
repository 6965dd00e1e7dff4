"""Calls get the name of what they run, and the functions in which they stand say so too."""

from collections.abc import Iterable, Mapping
from typing import Final

from stopper.core.values import Call, walk
from stopper.scan.source.project import Project

_ALL_THE_WAY: Final = 1_000_000


def rename(call: Call, name: str) -> None:
    """The call is one of *name* from now on."""
    object.__setattr__(call, "callee", name)


def hand(call: Call, made: Call) -> None:
    """The object whose method is called is what *made* makes, unless that is made of the call itself: values hold no circle."""
    if all(part is not call for part in walk(made, _ALL_THE_WAY)):
        object.__setattr__(call, "receiver", made)


def rename_in_functions(project: Project, names: Mapping[str, str]) -> None:
    """What functions say that they call, by the new names of those that have one."""
    for function in project.functions.values():
        if not names.keys().isdisjoint(function.calls):
            object.__setattr__(function, "calls", tuple([names.get(one, one) for one in function.calls]))


def note_called(project: Project, called: Mapping[str, Iterable[str]]) -> None:
    """What functions call beside what they say, by the name of each function."""
    for home, names in called.items():
        function = project.functions.get(home)
        if function is not None:
            object.__setattr__(function, "calls", tuple(dict.fromkeys((*function.calls, *names))))
