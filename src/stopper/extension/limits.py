"""Limits as an application declares them: one setting for every route, ``@limit(…)`` beside a policy, ``stopper.limit(…)`` for many routes."""

import fnmatch
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any, Final, Literal, TypeVar, cast, get_args

from flask import Blueprint, Flask

from stopper.auth.limit import Limit
from stopper.auth.limit_text import read_limits, text_of
from stopper.core.errors import PolicyError
from stopper.core.settings import Setting, declare, switch

View = TypeVar("View", bound=Callable[..., Any])
By = Literal["principal", "key", "tenant", "address", "route"]
ATTRIBUTE: Final = "__stopper_limits__"
"""Where a view carries its limits. `functools.wraps` copies it, so a decorator on top does not lose them."""


def _parse_limits(value: object) -> tuple[Limit, ...]:
    said = ",".join(map(str, cast("Sequence[object]", value))) if isinstance(value, (list, tuple)) else value
    if not isinstance(said, str):
        raise ValueError("a limit such as 300/minute")
    return read_limits(said) if said.strip() else ()


_NONE: Final[tuple[Limit, ...]] = ()
RATE_LIMIT: Final = declare(
    Setting(
        "RATE_LIMIT",
        _NONE,
        "How often one client may ask, over all routes that carry no limit of their own: `300/minute`, or several with commas."
        " A client is who is known by a credential, else an address.",
        "limit",
        _parse_limits,
    )
)
ALLOW_LIMITS_PER_PROCESS: Final = switch(
    "ALLOW_LIMITS_PER_PROCESS",
    False,
    "Whether several processes may each count for themselves, where no STOPPER_REDIS_URL is set: a client then gets a limit from each.",
)


@dataclass(frozen=True, slots=True)
class RateLimit:
    """Limits and who is counted by them. It is a decorator for a view function or a view class; several may stand on one view."""

    limits: tuple[Limit, ...]
    by: By

    @property
    def text(self) -> str:
        """As the table of routes shows it."""
        said = ", ".join(map(text_of, self.limits))
        return f"{said} by {self.by}"

    def __call__(self, view: View) -> View:
        if not callable(view):
            raise PolicyError(f"{self.text} decorates a view; for a blueprint write stopper.limit(blueprint, limit(…))")
        target: object = view
        present = vars(target).get(ATTRIBUTE, ()) if isinstance(target, type) else getattr(target, ATTRIBUTE, ())
        try:
            setattr(view, ATTRIBUTE, (self, *present))
        except AttributeError:
            raise PolicyError(
                f"{getattr(view, '__qualname__', view)!s} cannot carry a limit; use stopper.limit()"
            ) from None
        return view

    def __str__(self) -> str:
        return self.text


def limit(said: str, *, by: By = "principal") -> RateLimit:
    """How often a route may be asked: ``100/minute``, ``5/15 minutes sliding``, several with commas.

    *by*: whose requests are counted together. ``principal``: who acts. ``key``: an API key. ``tenant``: everybody of a tenant.
    ``address``: an IPv4 address or an IPv6 /64; counts refused credentials too. ``route``: everybody. Who is not known by
    what *by* names is counted by the next best thing, an address in the end: nobody is not counted.
    Raises PolicyError.
    """
    if by not in get_args(By):
        raise PolicyError(f"limit() counts by {', '.join(get_args(By))}, not by {by!r}")
    try:
        return RateLimit(read_limits(said), by)
    except (ValueError, AttributeError, TypeError):
        raise PolicyError(f"limit() takes a limit such as 100/minute, not {said!r}") from None


@dataclass(frozen=True, slots=True)
class Measured:
    """One limit before a door. ``measure``: the counter's name, ``name``: what clients read, ``policy``: the same with the limit."""

    measure: str
    name: str
    limit: Limit
    by: By
    policy: str


def measured(measure: str, name: str, limit: Limit, by: By) -> Measured:
    """One limit before a door, with what clients read of it (draft-ietf-httpapi-ratelimit-headers)."""
    return Measured(measure, name, limit, by, f'"{name}";q={limit.burst};w={ceil(limit.seconds)}')


@dataclass(frozen=True, slots=True)
class Aim:
    """Limits of endpoints that carry none of their own, by a glob on the endpoint's name or by blueprint. All of these are counted together."""

    target: str | Blueprint
    limits: tuple[RateLimit, ...]

    def matches(self, flask: Flask, endpoint: str) -> bool:
        """Whether *endpoint* is meant."""
        if isinstance(self.target, str):
            return fnmatch.fnmatchcase(endpoint, self.target)
        return any(
            endpoint.startswith(name + ".") for name, blueprint in flask.blueprints.items() if blueprint is self.target
        )


def aim_of(target: str | Blueprint, limits: Sequence[RateLimit]) -> Aim:
    """An aim. Raises PolicyError for what cannot be one."""
    if not (isinstance(target, Blueprint) or (isinstance(target, str) and target)):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise PolicyError(
            'limit() of Stopper takes an endpoint glob or a blueprint first: limit("notes.*", limit("100/minute"))'
        )
    if not limits or not all(isinstance(one, RateLimit) for one in limits):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise PolicyError(
            'after the endpoints stand limits: stopper.limit("notes.*", limit("100/minute", by="address"))'
        )
    return Aim(target, tuple(limits))


class LimitRules:
    """Which limits stand before which endpoint of one application: its own, else those that aim at it, else the default."""

    def __init__(self, flask: Flask, aims: Sequence[Aim] = (), default: tuple[Limit, ...] = ()) -> None:
        """*aims* may grow while the application is set up."""
        self._flask = flask
        self._aims = aims
        self._default = RateLimit(default, "principal") if default else None

    def before(self, endpoint: str, view: Callable[..., Any] | None, method: str) -> tuple[Measured, ...]:
        """The limits before *endpoint* and *method*, which *view* answers."""
        found = [(place, one) for place, ones in _carried(view, method) for one in ones]
        said = [(f"{endpoint}{place}", one) for place, one in found]
        if not said:
            aims = [aim for aim in self._aims if aim.matches(self._flask, endpoint)]
            said = [(_name(aim.target), one) for aim in aims for one in aim.limits]
        if not said and self._default is not None and not is_static(self._flask, endpoint):
            said = [("*", self._default)]
        return self._measured(said)

    def _measured(self, said: Sequence[tuple[str, RateLimit]]) -> tuple[Measured, ...]:
        found: dict[str, Measured] = {}
        names: dict[str, int] = {}
        for place, one in said:
            for single in one.limits:
                measure = f"{self._flask.name}|{place}|{text_of(single)}|{one.by}"
                if measure in found:
                    continue
                count = names[one.by] = names.get(one.by, 0) + 1
                name = one.by if count == 1 else f"{one.by}-{count}"
                found[measure] = measured(measure, name, single, one.by)
        # Addresses first: who is refused by the address uses up nothing of anybody else.
        return tuple(sorted(found.values(), key=lambda one: one.by != "address"))


def _carried(view: Callable[..., Any] | None, method: str) -> list[tuple[str, tuple[RateLimit, ...]]]:
    """What the view itself, its class and the handler of *method* carry, each with the name of what is counted together."""
    view_class = getattr(view, "view_class", None)
    on_class = getattr(view_class, ATTRIBUTE, ())
    on_view = tuple(one for one in getattr(view, ATTRIBUTE, ()) if one not in on_class)
    found = [("", (*on_view, *on_class))]
    names = (method.lower(), "get") if method == "HEAD" else (method.lower(),)
    for name in names if view_class is not None else ():
        handler = getattr(view_class, name, None)
        if handler is not None:
            found.append((f".{name}", getattr(handler, ATTRIBUTE, ())))
            break
    return found


def is_static(flask: Flask, endpoint: str) -> bool:
    """Whether Flask's own view for files answers it, and no view of that name: one page asks for many, and each costs little."""
    owner, _, name = endpoint.rpartition(".")
    holder = flask.blueprints.get(owner) if owner else flask
    return name == "static" and holder is not None and holder.has_static_folder


def _name(target: str | Blueprint) -> str:
    return target if isinstance(target, str) else f"{target.name}.*"


def texts_of(limits: Sequence[Measured]) -> Mapping[str, str]:
    """Name → limit as text, for tables."""
    return {one.name: f"{text_of(one.limit)} by {one.by}" for one in limits}
