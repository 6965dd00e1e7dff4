"""What functions of the application say of a request: load its object, name its owner, judge by attributes. One that raises refuses."""

import inspect
import logging
from collections.abc import Callable, Mapping
from typing import Final, cast

from stopper.auth.requirement import Bare, Requirement, Situation, call_text, function_name
from stopper.core.errors import ForbiddenError, PolicyError, RefusalError

_log: Final = logging.getLogger("stopper")


def loads(**loaders: Callable[..., object]) -> Requirement:
    """Load what the request is about, before anybody judges it: ``loads(note=find_note)``.

    Each function takes the URL's arguments by name and returns the object, None when there is none: that is refused as an
    object of somebody else is. What is found has its name in :func:`owner` and :func:`where` after it, and the view gets it
    as an argument of that name.
    """
    if not loaders or not all(map(callable, loaders.values())):
        raise PolicyError("loads() takes functions by the name of what they load, as in loads(note=find_note)")
    for load in loaders.values():
        _refuse_coroutine("loads", load)
    text = ", ".join(f"{name}={function_name(load)}" for name, load in loaders.items())

    def judge(situation: Situation) -> RefusalError | None:
        loaded = situation.loaded
        if loaded is None or not loaders.keys().isdisjoint((*situation.arguments, *loaded)):
            return ForbiddenError("loads-twice")  # else the URL could name what is to be loaded
        found: dict[str, object] = {}
        for name, load in loaders.items():
            answer = _asked("loads", load, **situation.arguments)
            if isinstance(answer, RefusalError):
                return answer
            if answer is None:
                return ForbiddenError("not-there")
            found[name] = answer
        loaded.update(found)
        return None

    return Requirement(f"loads({text})", judge, told=False)


def owner(of: str | Callable[..., str | None]) -> Requirement:
    """The principal owns the object that the URL names.

    *of* is the name of the URL's argument that holds the owner's subject; or a member of something that was loaded, as in
    ``loads(note=find_note) & owner("note.owner_id")``; or a function that takes the URL's arguments and what was loaded by
    name and returns the owner's subject, None when there is no such object. A missing object and one of somebody else are
    refused alike.
    """
    if not (callable(of) or (isinstance(of, str) and all(map(str.isidentifier, of.split("."))))):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise PolicyError(
            'owner() takes a URL argument\'s name, a member of what was loaded, or a function, as in owner("user_id")'
        )
    if not isinstance(of, str):
        _refuse_coroutine("owner", of)

    def judge(situation: Situation) -> RefusalError | None:
        found = _member(situation, of) if isinstance(of, str) else _asked("owner", of, **situation.known())
        if isinstance(found, RefusalError):
            return found
        met = isinstance(found, str) and bool(found) and found == situation.principal.subject
        return None if met else ForbiddenError("owner")

    return Requirement(
        call_text("owner", of if isinstance(of, str) else Bare(function_name(of))), judge, told=isinstance(of, str)
    )


def _member(situation: Situation, path: str) -> object:
    name, *members = path.split(".")
    found = situation.known().get(name)
    for member in members:
        if isinstance(found, Mapping):
            found = _asked("owner", cast("Mapping[str, object]", found).get, member)
        else:
            found = _asked("owner", getattr, found, member, None)
    return found


def where(condition: Callable[..., bool], name: str | None = None) -> Requirement:
    """*condition* returns True, and nothing else counts.

    It is given the principal, then the URL's arguments and what :func:`loads` found by name. One that has a parameter
    ``context`` gets the circumstances too (:class:`Context`). One that raises refuses.
    """
    if not callable(condition):
        raise PolicyError(
            "where() takes a function of the principal and the URL's arguments that returns True or False"
        )
    _refuse_coroutine("where", condition)
    wants_context = _has_parameter(condition, "context")

    def judge(situation: Situation) -> RefusalError | None:
        known = situation.known()
        if wants_context:
            if "context" in known:
                return ForbiddenError("context-in-url")  # else the caller would write the circumstances
            known = {**known, "context": situation.context()}
        answer = _asked("where", condition, situation.principal, **known)
        if isinstance(answer, RefusalError):
            return answer
        return None if answer is True else ForbiddenError("where")

    return Requirement(call_text("where", Bare(name or function_name(condition))), judge, told=False)


def _asked(kind: str, function: Callable[..., object], /, *values: object, **named: object) -> object:
    """What *function* of the application answers; a refusal where it raises, for nobody may pass on a guess."""
    try:
        answer = function(*values, **named)
    except RefusalError as refusal:
        return refusal
    except Exception:  # noqa: BLE001  # whatever it is, nobody passes on it
        _log.exception("%s(%s) raised; the request is refused", kind, function_name(function))
        return ForbiddenError(f"{kind}-raised")
    if inspect.isawaitable(answer) or inspect.isasyncgen(answer):
        if inspect.iscoroutine(answer):
            answer.close()
        _log.error(
            "%s(%s) gave a coroutine, which is never awaited here; the request is refused",
            kind,
            function_name(function),
        )
        return ForbiddenError(f"{kind}-coroutine")
    return answer


def _has_parameter(function: Callable[..., object], name: str) -> bool:
    try:
        return name in inspect.signature(function).parameters
    except (TypeError, ValueError):
        return False


def _refuse_coroutine(kind: str, function: Callable[..., object]) -> None:
    if inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(getattr(function, "__call__", None)):  # noqa: B004
        raise PolicyError(
            f"{kind}() takes a plain function; {function_name(function)} is a coroutine, which is never awaited here"
        )
