"""Which policy stands before which endpoint and method. It follows the endpoint that matched, never the path or a wrapper."""

import fnmatch
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from flask import Blueprint, Flask
from werkzeug.routing import Rule

from stopper.auth.policy import ATTRIBUTE, Credential, Policy, policy_of
from stopper.core.errors import PolicyError
from stopper.extension.limits import LimitRules, Measured

_VIEW_METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")


@dataclass(frozen=True, slots=True)
class Cover:
    """A policy for endpoints of other packages, by a glob on the endpoint's name or by blueprint."""

    target: str | Blueprint
    policy: Policy

    def matches(self, flask: Flask, endpoint: str) -> bool:
        """Whether *endpoint* is meant."""
        if isinstance(self.target, str):
            return fnmatch.fnmatchcase(endpoint, self.target)
        # By object, not by name: two blueprints may share a name under different parents.
        return any(
            endpoint.startswith(name + ".") for name, blueprint in flask.blueprints.items() if blueprint is self.target
        )


def cover_of(target: str | Blueprint, rule: Policy | Credential) -> Cover:
    """A cover. Raises PolicyError for what cannot be one."""
    if not (isinstance(target, Blueprint) or (isinstance(target, str) and target)):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise PolicyError('cover() takes an endpoint glob or a blueprint first, as in cover("restx_doc.*", public)')
    return Cover(target, policy_of(rule))


State = Literal["declared", "covered", "closed", "undeclared"]


@dataclass(frozen=True, slots=True)
class Door:
    """One endpoint and method. ``policy`` is None where nobody may pass; ``state`` says why it is so."""

    endpoint: str
    method: str
    policy: Policy | None
    state: State
    limits: tuple[Measured, ...] = ()


class Doors:
    """The policies of one application, found when first asked and held to the very view that they were found for."""

    def __init__(self, flask: Flask, covers: Sequence[Cover], limits: LimitRules | None = None) -> None:
        """*covers* may grow while the application is set up; call :meth:`forget` then."""
        self._flask = flask
        self._covers = covers
        self._limits = limits or LimitRules(flask)
        self._found: dict[tuple[str, str], tuple[object, Door]] = {}

    def forget(self) -> None:
        """Judge every endpoint anew."""
        self._found.clear()

    def find(self, endpoint: str, method: str) -> Door:
        """The door for *endpoint* and *method*. A view that was replaced since is judged anew."""
        view = self._flask.view_functions.get(endpoint)
        known = self._found.get((endpoint, method))
        if known is not None and known[0] is view:
            return known[1]
        door = self._judge(endpoint, method, view)
        if door.policy is not None and (limits := self._limits.before(endpoint, view, method)):
            door = replace(door, limits=limits)
        if method in _VIEW_METHODS:
            self._found[endpoint, method] = (view, door)
        return door

    def _judge(self, endpoint: str, method: str, view: Callable[..., Any] | None) -> Door:
        own = carried(view, method)
        if own is not None:
            return Door(endpoint, method, own, "declared")
        covers = [cover for cover in self._covers if cover.matches(self._flask, endpoint)]
        if not all(cover.policy.same_as(covers[0].policy) for cover in covers[1:]):
            different = " and by ".join(sorted(cover.policy.text for cover in covers))
            raise PolicyError(f"the endpoint {endpoint} is covered twice, by {different}; name it once")
        if covers:
            return Door(endpoint, method, covers[0].policy, "covered")
        if endpoint == "static" or endpoint.endswith(".static"):
            return Door(endpoint, method, None, "closed")
        return Door(endpoint, method, None, "undeclared")

    def every(self) -> Iterable[tuple[Rule, Door]]:
        """Every rule with the door of each of its methods; HEAD and OPTIONS only where the rule lists nothing else."""
        for rule in self._flask.url_map.iter_rules():
            for method in shown_methods(rule):
                yield rule, self.find(rule.endpoint, method)


def carried(view: Callable[..., Any] | None, method: str) -> Policy | None:
    """The policy that *view* itself carries for *method*: its handler's, else its own, else its class's."""
    view_class = getattr(view, "view_class", None)
    if view_class is not None and (handler := _handler(view_class, method)) is not None:
        own = getattr(handler, ATTRIBUTE, None)
        if isinstance(own, Policy):
            return own
    found = [own for holder in (view, view_class) if isinstance(own := getattr(holder, ATTRIBUTE, None), Policy)]
    if len(found) == 2 and not found[0].same_as(found[1]):
        raise PolicyError(
            f"{getattr(view_class, '__qualname__', '')} has two policies, {found[0]} in its `decorators` and {found[1]} on the class;"
            " join them with &"
        )
    return found[0] if found else None


def _handler(view_class: type, method: str) -> object | None:
    # Flask answers HEAD with `get` where there is no `head`.
    names = (method.lower(), "get") if method == "HEAD" else (method.lower(),)
    return next((found for name in names if (found := getattr(view_class, name, None)) is not None), None)


def shown_methods(rule: Rule) -> tuple[str, ...]:
    """The methods of *rule* that have a door of their own: HEAD goes with GET, automatic OPTIONS never reaches a view."""
    methods = set(rule.methods or ("GET",))
    if "GET" in methods:
        methods.discard("HEAD")
    if automatic_options(rule):
        methods.discard("OPTIONS")
    return tuple(sorted(methods))


def automatic_options(rule: Rule) -> bool:
    """Whether Flask itself answers OPTIONS for *rule*."""
    return getattr(rule, "provide_automatic_options", False) is True


def policies_of(doors: Doors) -> Mapping[str, Mapping[str, str]]:
    """For readers outside: endpoint → method → the policy as text; ``closed`` where nobody may pass."""
    found: dict[str, dict[str, str]] = {}
    for _, door in doors.every():
        found.setdefault(door.endpoint, {})[door.method] = "closed" if door.policy is None else door.policy.text
    return found
