"""Methods that a protocol or an abstract class only declares: a call of one runs that of the one class which has it."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.fact import Function
from stopper.core.values import Name
from stopper.scan.source.picking import heirs_of
from stopper.scan.source.project import ClassState, Project
from stopper.scan.source.renaming import rename, rename_in_functions

PROTOCOLS: Final = frozenset({"typing.Protocol", "typing_extensions.Protocol"})
_ANSWERING: Final = re.compile(r"(?:View|Resource|Blueprint|Schema|Model)$")
"""Bases of classes that are no service which somebody is handed."""
_STANDS_IN: Final = re.compile(r"(?i)^(?:fake|stub|mock|dummy|null|no_?op|in_?memory|memory)")
"""How projects call classes that stand in for the real one in their tests and at a desk: where one other class is left, that one serves."""


def only_declares(project: Project, function: Function) -> bool:
    """That the method is there to be written by other classes."""
    if any(one.name.rpartition(".")[2] == "abstractmethod" for one in function.decorators):
        return True
    owner = project.classes.get(function.owner) if function.owner else None
    return owner is not None and not PROTOCOLS.isdisjoint(owner.bases)


def name_implementations(project: Project, tests: frozenset[str]) -> None:
    """Give calls of such methods the name of what they run, where one class outside tests has it."""
    declared: dict[str, list[Function]] = {}
    for function in project.functions.values():
        if function.owner and only_declares(project, function):
            declared.setdefault(function.owner, []).append(function)
    if not declared:
        return
    found: dict[str, str] = {}
    for owner, methods in declared.items():
        for one in methods:
            meant = _meant(project, project.classes[owner], methods, one, tests)
            if meant:
                found[one.name] = meant
    if not found:
        return
    for call in project.calls:
        named = found.get(call.callee)
        if named is not None:
            rename(call, named)
    rename_in_functions(project, found)


def _meant(
    project: Project, owner: ClassState, methods: list[Function], method: Function, tests: frozenset[str]
) -> str:
    """The one method that stands in place of that one; ``""`` where several do, or none."""
    word = method.name.rpartition(".")[2]
    classes = dict.fromkeys(heirs_of(project, owner.name))
    if not PROTOCOLS.isdisjoint(owner.bases):
        classes.update(dict.fromkeys(_of_the_same_shape(project, methods)))
    real: dict[str, str] = {}
    for name in classes:
        held = project.attribute(name, word)
        written = project.functions.get(held.dotted) if type(held) is Name else None
        if written is not None and written.span.path not in tests and not only_declares(project, written):
            real[written.name] = name
    serving = [one for one, name in real.items() if not _STANDS_IN.search(name.rpartition(".")[2])]
    several = serving or list(real)
    return several[0] if len(several) == 1 else ""


def _of_the_same_shape(project: Project, methods: list[Function]) -> Iterator[str]:
    """The classes that have all methods of a protocol with the same parameters, and need not say that they do."""
    wanted = {one.name.rpartition(".")[2]: one.parameters for one in methods}
    for name, state in project.classes.items():
        if wanted.keys().isdisjoint(state.methods) or any(_ANSWERING.search(base) for base in state.bases):
            continue
        held = {word: project.attribute(name, word) for word in wanted}
        written = {word: project.functions.get(one.dotted) if type(one) is Name else None for word, one in held.items()}
        if all(one is not None and one.parameters == wanted[word] for word, one in written.items()):
            yield name
