"""What a verified principal must have besides a credential. Requirements are combined with ``&`` and :func:`any_of`."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple, NoReturn, Protocol

from stopper.auth.role_table import NO_ROLES, RoleTable
from stopper.core.errors import (
    ForbiddenError,
    InvalidCredentialError,
    PolicyError,
    RefusalError,
    StepUpRequiredError,
    StoreUnavailableError,
)
from stopper.core.principal import Principal

_NOTHING: Final[Mapping[str, object]] = MappingProxyType({})
LEEWAY: Final = 30.0
"""Seconds by which two honest clocks may differ."""


class Redeem(Protocol):
    """Redeems a value once. Raises StoreUnavailableError when the store does not answer."""

    def redeem(self, purpose: str, value: str, *, valid_for: float, tenant: str = "") -> bool:
        """True the first time, False ever after while *valid_for* seconds last."""
        ...


class Context(NamedTuple):
    """The circumstances of a request, for functions of the application that judge.

    ``now``: seconds since the epoch. ``address``: the client's, behind declared proxies too; None where nobody knows.
    """

    now: float
    method: str
    path: str
    address: str | None


_NOWHERE: Final = Context(0.0, "", "", None)


class Situation(NamedTuple):
    """What a requirement may look at. ``arguments``: the values in the matched URL; ``single_use`` is None without a store.

    ``loaded``: where :func:`loads` puts what it found; it is handed to the view. None: nothing can be loaded here.
    ``context``: gives the circumstances when somebody asks for them.
    """

    principal: Principal
    now: float
    arguments: Mapping[str, object] = _NOTHING
    single_use: Redeem | None = None
    roles: RoleTable = NO_ROLES
    loaded: dict[str, object] | None = None
    context: Callable[[], Context] = lambda: _NOWHERE

    def known(self) -> Mapping[str, object]:
        """The URL's arguments and what was loaded, by name."""
        return {**self.arguments, **self.loaded} if self.loaded else self.arguments


Judge = Callable[[Situation], RefusalError | None]
"""Gives the refusal, or None when the requirement is met."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Requirement:
    """One demand on the principal. It is no policy: it says what, not who; write ``bearer & scope("notes:read")``.

    ``spends`` marks a requirement that uses something up; it is judged after all others. ``told``: the text says all of it;
    not so where a function of the application judges, for two functions can have one name.
    """

    text: str
    judge: Judge
    spends: bool = False
    told: bool = True
    scopes: frozenset[str] = frozenset()
    """The scopes that are needed in any case, for descriptions."""

    def same_as(self, other: "Requirement") -> bool:
        """Whether *other* demands the same for certain."""
        return self is other or (self.text == other.text and self.told and other.told)

    def __and__(self, other: "Requirement") -> "Requirement":
        if not isinstance(other, Requirement):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise PolicyError(f"put the credential kind first: <kind> & {self.text}")
        both = sorted((self, other), key=lambda part: part.spends)
        return Requirement(
            " & ".join(part.text for part in both),
            _all_of(tuple(both)),
            self.spends or other.spends,
            self.told and other.told,
            self.scopes | other.scopes,
        )

    def __str__(self) -> str:
        return self.text

    __repr__ = __str__

    if not TYPE_CHECKING:  # a type checker sees no such operators; at run time they say what to write

        def __or__(self, other: object) -> NoReturn:
            raise PolicyError(f"alternatives among requirements are any_of({self.text}, …)")

        __ror__ = __or__

        def __bool__(self) -> NoReturn:
            raise PolicyError(
                f"`and`, `or` and `not` drop a part of a policy: write & or any_of(…) (met at {self.text})"
            )

        def __call__(self, view: object) -> NoReturn:
            raise PolicyError(f"{self.text} alone guards nothing: say which credential, as in bearer & {self.text}")


def _all_of(parts: tuple[Requirement, ...]) -> Judge:
    def judge(situation: Situation) -> RefusalError | None:
        for part in parts:
            if (refusal := part.judge(situation)) is not None:
                return refusal
        return None

    return judge


def any_of(*requirements: Requirement) -> Requirement:
    """Met when one of *requirements* is met; otherwise the first one's refusal stands."""
    if len(requirements) < 2 or not all(isinstance(part, Requirement) for part in requirements):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise PolicyError('any_of() takes two or more requirements, as in any_of(role("admin"), scope("notes:all"))')
    if any(part.spends for part in requirements):
        raise PolicyError("once cannot stand inside any_of(): it would be spent although another alternative was met")

    def judge(situation: Situation) -> RefusalError | None:
        first: RefusalError | None = None
        for part in requirements:
            refusal = part.judge(situation)
            if refusal is None:
                return None
            first = first or refusal
        return first

    text = f"any_of({', '.join(part.text for part in requirements)})"
    return Requirement(text, judge, told=all(part.told for part in requirements))


_SCOPE: Final = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,128}")  # RFC 6749 §3.3, and a bound


def is_scope(name: object) -> bool:
    """Whether *name* can be one scope (RFC 6749 §3.3)."""
    return isinstance(name, str) and _SCOPE.fullmatch(name) is not None


def _names(call: str, names: tuple[str, ...]) -> frozenset[str]:
    if not names or not all(map(is_scope, names)):
        raise PolicyError(f'{call}() takes names of printable characters without spaces, as in {call}("notes:read")')
    return frozenset(names)


def call_text(name: str, *arguments: object) -> str:
    return f"{name}({', '.join(_quoted(argument) for argument in arguments)})"


def _quoted(argument: object) -> str:
    return f'"{argument}"' if isinstance(argument, str) and not isinstance(argument, Bare) else str(argument)


def scope(*names: str) -> Requirement:
    """Every one of *names* is among the credential's scopes."""
    wanted = _names("scope", names)

    def judge(situation: Situation) -> RefusalError | None:
        return None if wanted <= situation.principal.scopes else ForbiddenError("scope")

    return Requirement(call_text("scope", *names), judge, scopes=wanted)


def role(*names: str) -> Requirement:
    """The principal has every one of the roles *names*, itself or through STOPPER_ROLE_HIERARCHY."""
    wanted = _names("role", names)

    def judge(situation: Situation) -> RefusalError | None:
        return None if wanted <= situation.roles.roles(situation.principal.roles) else ForbiddenError("role")

    return Requirement(call_text("role", *names), judge)


def permission(*names: str) -> Requirement:
    """Every one of *names* stands in the credential's ``permissions`` claim or comes with a role (STOPPER_ROLE_PERMISSIONS)."""
    wanted = _names("permission", names)

    def judge(situation: Situation) -> RefusalError | None:
        said = situation.principal.claims.get("permissions")
        stated = {item for item in said if isinstance(item, str)} if isinstance(said, tuple) else frozenset[str]()  # pyright: ignore[reportUnknownVariableType]
        missing = wanted - stated
        met = not missing or missing <= situation.roles.permissions(situation.principal.roles)
        return None if met else ForbiddenError("permission")

    return Requirement(call_text("permission", *names), judge)


def fresh(*, minutes: float = 0, seconds: float = 0) -> Requirement:
    """The person proved who they are (``auth_time``) at most this long ago. A credential that does not say is refused."""
    longest = minutes * 60 + seconds
    if not 0 < longest < 366 * 86400:
        raise PolicyError("fresh() takes how long a log-in counts as fresh, as in fresh(minutes=5)")

    def judge(situation: Situation) -> RefusalError | None:
        at = situation.principal.auth_time
        met = at is not None and -LEEWAY <= situation.now - at <= longest
        return None if met else StepUpRequiredError("not-fresh")

    return Requirement(f"fresh(minutes={minutes:g})" if not seconds else f"fresh(seconds={longest:g})", judge)


# Which kind of factor each method of RFC 8176 §2 shows.
_FACTORS: Final = MappingProxyType(
    {
        **dict.fromkeys(("pwd", "pin", "kba"), "knows"),
        **dict.fromkeys(("otp", "hwk", "swk", "sc", "sms", "tel", "pop"), "has"),
        **dict.fromkeys(("face", "fpt", "iris", "retina", "vbm"), "is"),
    }
)


def _judge_mfa(situation: Situation) -> RefusalError | None:
    amr = situation.principal.amr
    met = "mfa" in amr or len({_FACTORS[method] for method in amr if method in _FACTORS}) > 1
    return None if met else StepUpRequiredError("no-second-factor")


mfa: Final = Requirement("mfa", _judge_mfa)
"""The person showed factors of two kinds (``amr``, RFC 8176)."""


def acr(*values: str) -> Requirement:
    """The log-in was of one of these classes (claim ``acr``, OpenID Connect Core §2)."""
    if not values or not all(isinstance(value, str) and value for value in values):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise PolicyError('acr() takes the classes that are enough, as in acr("urn:example:gold")')

    def judge(situation: Situation) -> RefusalError | None:
        return None if situation.principal.claims.get("acr") in values else StepUpRequiredError("acr")

    return Requirement(call_text("acr", *values), judge)


def tenant(argument: str = "tenant") -> Requirement:
    """The URL's *argument* names the principal's own tenant."""
    if not isinstance(argument, str) or not argument.isidentifier():  # pyright: ignore[reportUnnecessaryIsInstance]
        raise PolicyError('tenant() takes the name of the URL\'s argument, as in tenant("tenant_id")')

    def judge(situation: Situation) -> RefusalError | None:
        mine = situation.principal.tenant
        met = bool(mine) and situation.arguments.get(argument) == mine
        return None if met else ForbiddenError("tenant")

    return Requirement(call_text("tenant", argument), judge)


def _judge_once(situation: Situation) -> RefusalError | None:
    principal, store = situation.principal, situation.single_use
    expires = principal.claims.get("exp")
    if principal.kind != "bearer" or principal.credential_id is None or not isinstance(expires, (int, float)):
        return ForbiddenError("once-without-id")
    if store is None:
        return StoreUnavailableError("no-single-use-store")
    issuer = principal.claims.get("iss")
    left = max(1.0, expires + LEEWAY - situation.now)
    if store.redeem("once", f"{issuer}\n{principal.credential_id}", valid_for=left, tenant=principal.tenant or ""):
        return None
    return InvalidCredentialError("replayed")


once: Final = Requirement("once", _judge_once, spends=True)
"""The bearer token's ``jti`` is used up: the same token is refused from then on."""


class Bare(str):
    """A text that is shown without quotes."""

    __slots__ = ()


def function_name(function: Callable[..., object]) -> str:
    return getattr(function, "__name__", type(function).__name__)
