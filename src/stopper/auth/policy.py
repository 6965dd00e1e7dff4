"""Who may pass: credential kinds and requirements, two types, so that a mix-up is an error and not a hole.

``Credential | Credential`` is a Credential, ``Credential & Requirement`` is a Policy, and a Policy has no ``|``: in
``a | b & role("x")`` the ``&`` binds tighter, so every ``a`` would pass; here it is a TypeError and a type error.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeVar, overload

from stopper.auth.requirement import Requirement, Situation
from stopper.core.errors import PolicyError, RefusalError
from stopper.core.principal import CredentialKind

View = TypeVar("View", bound=Callable[..., Any])
ATTRIBUTE: Final = "__stopper_policy__"
"""Where a view carries its policy. `functools.wraps` copies it, so a decorator on top does not lose it."""

Kinds = frozenset[CredentialKind]
_NONE: Final[Kinds] = frozenset()


@dataclass(frozen=True, slots=True, repr=False)
class Policy:
    """Which credentials are asked for, and what else. It is a decorator for a view function or a view class.

    ``alternatives``: sets of kinds, any one of which is enough; every kind in a set must be shown. None at all: public.
    The empty set among them: who shows nothing passes as nobody (:func:`principal_optional`).
    """

    text: str
    alternatives: tuple[Kinds, ...]
    requirements: tuple[Requirement, ...] = ()

    @property
    def is_public(self) -> bool:
        """Whether everybody may pass."""
        return not self.alternatives

    @property
    def is_optional(self) -> bool:
        """Whether who shows nothing at all may pass."""
        return _NONE in self.alternatives

    @property
    def kinds(self) -> Kinds:
        """Every kind that some alternative asks for."""
        return frozenset(kind for kinds in self.alternatives for kind in kinds)

    def same_as(self, other: "Policy") -> bool:
        """Whether *other* lets the same people pass for certain."""
        return (
            self.text == other.text
            and self.alternatives == other.alternatives
            and len(self.requirements) == len(other.requirements)
            and all(mine.same_as(theirs) for mine, theirs in zip(self.requirements, other.requirements, strict=True))
        )

    def judge(self, situation: Situation) -> RefusalError | None:
        """The refusal of the first requirement that is not met; None when all are."""
        for requirement in self.requirements:
            if (refusal := requirement.judge(situation)) is not None:
                return refusal
        return None

    def __and__(self, other: Requirement) -> "Policy":
        if not isinstance(other, Requirement):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise PolicyError(
                f"only a requirement can follow {self.text} &; credential kinds stand first: a & b & scope(…)"
            )
        if self.is_public:
            raise PolicyError(f"public cannot require {other.text}: nobody is known there; use a credential kind")
        if self.is_optional:
            raise PolicyError(
                f"write it inside, as in principal_optional(… & {other.text}): outside it would bind nobody"
            )
        # What uses something up is judged last, wherever it was written.
        parts = tuple(sorted((*self.requirements, other), key=lambda part: part.spends))
        return Policy(f"{self.text} & {other.text}", self.alternatives, parts)

    def __call__(self, view: View) -> View:
        return attach(self, view)

    def __str__(self) -> str:
        return self.text

    __repr__ = __str__

    if not TYPE_CHECKING:  # a type checker sees no such operator; at run time it says what to write

        def __or__(self, other: object) -> NoReturn:
            raise PolicyError(
                f"`|` stands between credential kinds only, and & binds tighter than |: write (a | b) & requirement,"
                f" not a | b & requirement (met at {self.text})"
            )

        __ror__ = __or__

        def __bool__(self) -> NoReturn:
            raise PolicyError(f"`and`, `or` and `not` drop a part of a policy: write & or | (met at {self.text})")


@dataclass(frozen=True, slots=True, repr=False)
class Credential:
    """One or more credential kinds. ``a | b``: either is enough, and only one may be shown. ``a & b``: both are needed."""

    text: str
    alternatives: tuple[Kinds, ...]

    def __or__(self, other: "Credential") -> "Credential":
        if not isinstance(other, Credential):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise PolicyError(
                f"`|` stands between credential kinds only, and & binds tighter than |: write ({self.text} | …) & requirement"
            )
        return Credential(f"{self.text} | {other.text}", tuple(dict.fromkeys(self.alternatives + other.alternatives)))

    @overload
    def __and__(self, other: "Credential") -> "Credential": ...
    @overload
    def __and__(self, other: Requirement) -> Policy: ...
    def __and__(self, other: "Credential | Requirement") -> "Credential | Policy":
        if isinstance(other, Credential):
            both = tuple(dict.fromkeys(mine | theirs for mine in self.alternatives for theirs in other.alternatives))
            return Credential(f"{_bracketed(self)} & {_bracketed(other)}", both)
        return _as_policy(self) & other

    def __call__(self, view: View) -> View:
        return attach(_as_policy(self, bracket=False), view)

    def __str__(self) -> str:
        return self.text

    __repr__ = __str__

    if not TYPE_CHECKING:

        def __bool__(self) -> NoReturn:
            raise PolicyError(f"`and`, `or` and `not` drop a part of a policy: write & or | (met at {self.text})")


def _bracketed(credential: Credential) -> str:
    return f"({credential.text})" if " | " in credential.text else credential.text


def _as_policy(credential: Credential, *, bracket: bool = True) -> Policy:
    return Policy(_bracketed(credential) if bracket else credential.text, credential.alternatives)


def principal_optional(rule: "Policy | Credential") -> Policy:
    """Whoever shows a credential is held to *rule*; whoever shows none passes as nobody, and ``current_principal`` is false.

    A credential that does not hold, or of a kind that *rule* does not name, is refused and never taken for none.
    """
    policy = policy_of(rule)
    if policy.is_public or policy.is_optional:
        raise PolicyError(f"principal_optional() takes what those who show a credential must meet, not {policy.text}")
    return Policy(f"principal_optional({policy.text})", (*policy.alternatives, _NONE), policy.requirements)


def policy_of(rule: "Policy | Credential") -> Policy:
    """The policy that *rule* is. Raises PolicyError for anything else, a bare requirement among it."""
    if isinstance(rule, Policy):
        return rule
    if isinstance(rule, Credential):  # pyright: ignore[reportUnnecessaryIsInstance]
        return _as_policy(rule, bracket=False)
    raise PolicyError(f"{rule!r} is not a policy: begin with a credential kind, as in bearer & scope(…)")


def attach(policy: Policy, view: View) -> View:
    """Hang *policy* on *view*. Raises PolicyError when it has one already or cannot carry one."""
    if isinstance(view, (Policy, Credential, Requirement)) or not callable(view):
        raise PolicyError(f"{policy.text} decorates a view; put & between two parts of a policy")
    target: object = view
    # A class may replace the policy that it inherits; a function has only its own.
    present = vars(target).get(ATTRIBUTE) if isinstance(target, type) else getattr(target, ATTRIBUTE, None)
    if present is None and not isinstance(target, type):
        present = getattr(getattr(view, "view_class", None), ATTRIBUTE, None)
    if present is not None:
        raise PolicyError(f"{_name(view)} has two policies, {present} and {policy}; join them with &")
    try:
        setattr(view, ATTRIBUTE, policy)
    except AttributeError:
        raise PolicyError(
            f"{_name(view)} cannot carry a policy; wrap it in a function or use stopper.cover()"
        ) from None
    return view


def _name(view: object) -> str:
    return getattr(view, "__qualname__", None) or type(view).__qualname__


public: Final = Policy("public", ())
"""Everybody may pass; no credential is read."""
bearer: Final = Credential("bearer", (frozenset({"bearer"}),))
"""An access token in the Authorization header (RFC 6750)."""
api_key: Final = Credential("api_key", (frozenset({"api_key"}),))
"""An API key in its header."""
browser_session: Final = Credential("browser_session", (frozenset({"browser_session"}),))
"""The session of a browser, by its cookie; whatever changes something needs a CSRF token too."""
client_certificate: Final = Credential("client_certificate", (frozenset({"client_certificate"}),))
"""A client certificate that a trusted proxy hands on, signed by an authority of STOPPER_CLIENT_CERTIFICATE_AUTHORITIES."""
